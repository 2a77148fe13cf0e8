"""The line of the inbox: whose turn it is among the updates that wait, and a look ahead at what they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot.storage.inbox import LONGEST, InboxState
from bot.storage.tables import InboxRow

#: An update that has failed so often lets the others of its chat pass while it waits for another try.
STUBBORN = 2
#: How many waiting updates are gone through in one go.
PAGE = 100
#: How many of them are read in one go, to look ahead at what they hold.
LOOK = 200
#: So far back in the line a look ahead begins: on PostgreSQL an update may be seen later than some that came after it.
MARGIN = 500


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What may be handled now, in the order in which to begin.

    more: there may be something else to handle, for which there was no room. oldest: of the chats that were to go
    first, those for which something waits, with the place of its oldest in the line (`seq`).
    """

    rows: list[InboxRow] = field(default_factory=list)
    more: bool = False
    oldest: Mapping[int, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[InboxRow]:
        return iter(self.rows)


def next_batch(
    session: Session,
    now: datetime,
    *,
    busy: Collection[int] = (),
    busy_updates: Collection[int] = (),
    first: Mapping[int, int] = MappingProxyType({}),
    limit: int,
) -> Batch:
    """Return the oldest updates that may be handled now, at most one of each chat, in the order of arrival.

    A chat's updates are handled one after the other: only its first waiting one is returned, and none while that
    one waits for another try. One that has failed `STUBBORN` times is passed by: danger may stand behind it. An update
    that belongs to no chat waits for nobody.

    busy: chats with an update in progress. busy_updates: updates in progress that belong to no chat. first: chats
    that go before all others, in this order, each up to a place in the line (`seq`).
    """
    closed = set(busy)
    taken: list[int] = []
    oldest: dict[int, int] = {}
    moments = {"now": now, "latest": now + LONGEST}
    hurried = [chat_id for chat_id in first if chat_id not in closed]
    if hurried:
        standing = {row.chat_id: row for row in session.execute(_OLDEST, {"chats": hurried, **moments})}
        oldest = {chat_id: row.seq for chat_id, row in standing.items()}
        going = [chat_id for chat_id in hurried if chat_id in oldest and oldest[chat_id] <= first[chat_id]]
        taken = [oldest[chat_id] for chat_id in going if _is_time(standing[chat_id].try_at, now)][:limit]
        closed.update(going)
    more = len(taken) == limit  # then nobody has looked at the others
    after = 0
    while len(taken) < limit:
        looked_for = {"after": after, "closed": list(closed), "busy": list(busy_updates), **moments}
        page = session.execute(_WAITING, looked_for).all()
        for seq, chat_id, try_at in page:
            if chat_id in closed:
                continue
            if chat_id is not None:
                closed.add(chat_id)
            if not _is_time(try_at, now):
                continue
            more = len(taken) == limit
            if not more:
                taken.append(seq)
        if len(page) < PAGE:
            break
        more = len(taken) == limit  # perhaps on the next page
        after = page[-1].seq
    rows = session.scalars(_TAKEN, {"taken": taken}).all() if taken else []
    return Batch(rows=sorted(rows, key=lambda row: taken.index(row.seq)), more=more, oldest=oldest)


def _is_time(try_at: datetime | None, now: datetime) -> bool:
    # A pause longer than any of ours: the clock was set back since.
    return try_at is None or not now < try_at <= now + LONGEST


def nothing_to_handle(session: Session, now: datetime) -> bool:
    """Tell whether no update may be handled now; one that waits for a later try is none."""
    return not next_batch(session, now, limit=1).rows


def look_ahead(session: Session, newest: int, known: Collection[int]) -> Sequence[Any]:
    """Return the oldest `LOOK` updates that wait and are not *known*: seq, update_id, chat_id, payload.

    newest: the highest `seq` that was returned before, 0 for none. known: those that were, at least from `MARGIN`
    places before *newest* on.
    """
    line = session.scalars(_AHEAD, {"after": newest - MARGIN})
    new = [seq for seq in line if seq not in known][:LOOK]
    return session.execute(_READ, {"new": new}).all() if new else []


def next_try(session: Session) -> datetime | None:
    """Return when the next failed update is due for another try, if there is one."""
    return session.scalar(_NEXT_TRY)


# Made once: to put a statement together takes longer than to run it, and these run for each update.
_TABLE = cast(Table, InboxRow.__table__)
_ROW = _TABLE.c
_GOES_ON = or_(
    _ROW.attempts < STUBBORN,
    _ROW.try_at.is_(None),
    _ROW.try_at <= bindparam("now"),
    _ROW.try_at > bindparam("latest"),
)
_WAITING = (
    select(_ROW.seq, _ROW.chat_id, _ROW.try_at)
    .where(_ROW.state == InboxState.WAITING, _ROW.seq > bindparam("after"), _GOES_ON)
    .where(or_(_ROW.chat_id.is_(None), _ROW.chat_id.not_in(bindparam("closed", expanding=True))))
    .where(_ROW.update_id.not_in(bindparam("busy", expanding=True)))
    .order_by(_ROW.seq)
    .limit(PAGE)
)
_OLDEST = select(_ROW.seq, _ROW.chat_id, _ROW.try_at).where(
    _ROW.seq.in_(
        select(func.min(_ROW.seq))
        .where(
            _ROW.state == InboxState.WAITING, _ROW.chat_id.in_(bindparam("chats", expanding=True)), _GOES_ON
        )
        .group_by(_ROW.chat_id)
    )
)
_AHEAD = (
    select(_ROW.seq)
    .where(_ROW.state == InboxState.WAITING, _ROW.seq > bindparam("after"))
    .order_by(_ROW.seq)
    .limit(MARGIN + LOOK)
)
_READ = (
    select(_ROW.seq, _ROW.update_id, _ROW.chat_id, _ROW.payload)
    .where(_ROW.seq.in_(bindparam("new", expanding=True)))
    .order_by(_ROW.seq)
)
_TAKEN = select(InboxRow).where(InboxRow.seq.in_(bindparam("taken", expanding=True))).order_by(InboxRow.seq)
_NEXT_TRY = (
    select(_ROW.try_at)
    .where(_ROW.state == InboxState.WAITING, _ROW.try_at.is_not(None))
    .order_by(_ROW.try_at)
    .limit(1)
)
