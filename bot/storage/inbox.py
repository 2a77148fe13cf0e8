"""The inbox: updates stored before Telegram is told that they arrived, each with one effect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Table, Text, and_, bindparam, delete, func, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.storage.tables import InboxRow

#: How long to wait before an update that failed is tried again; after the last one it is parked.
PAUSES = (timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=1))
#: For so long after its arrival an update may wait for Telegram without a count of its tries.
PATIENCE = timedelta(hours=1)
#: No update waits longer than this for its next try, whatever asked for the pause.
LONGEST = timedelta(minutes=5)


class InboxState(StrEnum):
    """`waiting → done`, or `parked` after the last try."""

    WAITING = "waiting"
    DONE = "done"
    PARKED = "parked"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One raw update: Telegram's id, the chat it belongs to (if any), and its JSON."""

    update_id: int
    chat_id: int | None
    payload: dict[str, Any]


def store(session: Session, arrivals: Sequence[Arrival], now: datetime) -> int:
    """Keep *arrivals* in their order and return how many were new; one that came before is dropped.

    Several processes may store the same update at the same time: it is kept once.
    """
    rows = [
        {
            "update_id": arrival.update_id,
            "chat_id": arrival.chat_id,
            "payload": arrival.payload,
            "received_at": now,
            "state": InboxState.WAITING,
        }
        for arrival in arrivals
    ]
    if not rows:
        return 0
    return len(session.scalars(_KEEP[session.get_bind().dialect.name], rows).all())


def finish(session: Session, update_id: int, now: datetime, *, keep_words: bool) -> datetime | None:
    """Mark an update as handled, in the transaction that holds its effects, and return when it arrived.

    None: it was handled before, or is being handled by another; it must have no effect. Without *keep_words* its
    content is erased; the id stays, against repeats.
    """
    statement = _FINISH_KEEPING_WORDS if keep_words else _FINISH
    arrived: datetime | None = session.scalar(statement, {"now": now, "ids": [update_id]})
    return arrived


def finish_all(session: Session, update_ids: Collection[int], now: datetime) -> None:
    """Mark those of *update_ids* that still wait as handled, and erase their words: nothing wanted them."""
    if update_ids:
        session.execute(_FINISH, {"now": now, "ids": list(update_ids)})


def waiting(session: Session, update_id: int) -> InboxRow | None:
    """Return an update that has not been handled yet, and keep others from handling it until this transaction ends."""
    return session.scalar(
        select(InboxRow)
        .where(InboxRow.update_id == update_id, InboxRow.state == InboxState.WAITING)
        .with_for_update()
    )


def failed(
    session: Session, update_id: int, error: str, now: datetime, wait: timedelta | None = None
) -> InboxState:
    """Note that handling failed: try again after a growing pause, or park it after the last try.

    *error* names the kind of failure only; it must hold nothing a patient wrote. *wait*: it was no fault of the
    update's: it is tried again after so long, and up to `PATIENCE` after its arrival that is not counted as a try.
    """
    row = waiting(session, update_id)
    if row is None:
        return InboxState.DONE
    row.error = error[:300]
    if wait is not None and abs(now - row.received_at) < PATIENCE:  # in the future: the clock was set back
        row.try_at = now + min(wait, LONGEST)
        return InboxState.WAITING
    row.attempts += 1
    if row.attempts > len(PAUSES):
        row.state = InboxState.PARKED
        row.try_at = None
    else:
        row.try_at = now + PAUSES[row.attempts - 1]
    return InboxState(row.state)


def by_id(session: Session, update_id: int) -> InboxRow | None:
    """Return an update by Telegram's id, whatever became of it."""
    return session.scalar(select(InboxRow).where(InboxRow.update_id == update_id))


def in_trouble(session: Session) -> list[InboxRow]:
    """Return what is parked, and what failed and waits for another try, oldest first."""
    return list(session.scalars(select(InboxRow).where(_TROUBLED).order_by(InboxRow.seq)))


def retry_parked(session: Session, update_ids: Collection[int]) -> int:
    """Put those of *update_ids* that are parked back in line, as if they had never been tried; return how many."""
    put_back = (
        update(InboxRow)
        .where(InboxRow.update_id.in_(update_ids), InboxRow.state == InboxState.PARKED)
        .values(state=InboxState.WAITING, attempts=0, error=None, try_at=None)
        .returning(InboxRow.update_id)
    )
    return len(session.scalars(put_back).all())


def drop(session: Session, update_ids: Collection[int], now: datetime) -> int:
    """Erase the words of those of *update_ids* that failed, and mark them as done; return how many."""
    dropped = (
        update(InboxRow)
        .where(InboxRow.update_id.in_(update_ids), _TROUBLED)
        .values(_forgotten(now))
        .returning(InboxRow.update_id)
    )
    return len(session.scalars(dropped).all())


def of_chat(session: Session, chat_id: int) -> list[InboxRow]:
    """Return what is kept of a chat's updates, oldest first."""
    return list(session.scalars(select(InboxRow).where(InboxRow.chat_id == chat_id).order_by(InboxRow.seq)))


def erase_chat(session: Session, chat_id: int) -> int:
    """Erase the words of a chat's updates and return of how many; their ids stay, against repeats.

    What has arrived since and waits to be handled is handled first.
    """
    rows = [row for row in of_chat(session, chat_id) if row.state != InboxState.WAITING]
    for row in rows:
        row.payload = None
        row.chat_id = None
        if row.state == InboxState.PARKED:
            row.state = InboxState.DONE
    return len(rows)


def tidy(session: Session, words_before: datetime, ids_before: datetime, most: int = 500) -> int:
    """Erase the words of updates that ended before *words_before*, drop the rows that ended before *ids_before*.

    The oldest first, *most* rows at a time; return how many. A parked update has no end of its own: it counts from its
    arrival.
    """
    ended = func.coalesce(InboxRow.handled_at, InboxRow.received_at)
    words = or_(InboxRow.chat_id.is_not(None), InboxRow.payload.cast(Text) != "null")
    over = or_(ended < ids_before, and_(ended < words_before, words))
    rows = session.execute(
        select(InboxRow.seq, ended < ids_before)
        .where(InboxRow.state != InboxState.WAITING, over)
        .order_by(InboxRow.seq)
        .limit(most)
    ).all()
    dropped = [seq for seq, is_over in rows if is_over]
    erased = [seq for seq, is_over in rows if not is_over]
    session.execute(delete(InboxRow).where(InboxRow.seq.in_(dropped)))
    session.execute(update(InboxRow).where(InboxRow.seq.in_(erased)).values(payload=None, chat_id=None))
    return len(rows)


#: Parked, or waiting after a failure.
_TROUBLED = or_(
    InboxRow.state == InboxState.PARKED,
    and_(InboxRow.state == InboxState.WAITING, InboxRow.error.is_not(None)),
)


def _forgotten(now: datetime) -> dict[str, Any]:
    """Return what a row becomes that is done and leaves nothing behind but its id."""
    return {"state": InboxState.DONE, "handled_at": now, "error": None, "payload": None, "chat_id": None}


# Made once: to put a statement together takes longer than to run it, and these run for each update.
_TABLE = cast(Table, InboxRow.__table__)
_ROW = _TABLE.c
_KEEP = {
    dialect: insert(_TABLE).on_conflict_do_nothing(index_elements=["update_id"]).returning(_ROW.update_id)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_FINISH_KEEPING_WORDS = (
    update(_TABLE)
    .where(_ROW.update_id.in_(bindparam("ids", expanding=True)), _ROW.state == InboxState.WAITING)
    .values(state=InboxState.DONE, handled_at=bindparam("now"), error=None)
    .returning(_ROW.received_at)
)
_FINISH = _FINISH_KEEPING_WORDS.values(payload=null(), chat_id=None)
