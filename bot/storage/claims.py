"""Claiming messages of the outbox: which may leave now, which repeats among them, and which claims nobody keeps."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Table, bindparam, or_, select, update
from sqlalchemy.orm import Session

from bot.domain.message import Priority
from bot.storage import outbox
from bot.storage.outbox import OutboxState
from bot.storage.tables import OutboxRow

#: How many messages a claim looks at in one go, at most.
PAGE = 100
#: A message that has failed so often (some six minutes) may go on failing for a day: the chat goes on without it.
PATIENCE = 8
#: No pause before another try is longer.
LONGEST_PAUSE = timedelta(minutes=2)
#: For `claim`: all that are in doubt may be repeated.
ALL = 1_000_000


class Claimed(NamedTuple):
    """What is needed of a message to send it."""

    id: int
    chat_id: int
    priority: int
    attempts: int
    purpose: str | None
    payload: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Messages taken to be sent.

    waiting: the best priority among those that only the pace holds back, if any are. next_try: when the next one that
    failed in passing, or is in doubt, is tried again, if there is one. in_doubt: whether one could be repeated now if
    more repeats were allowed. lapsed: those on their way whose lease has ended and that nobody is known to send.
    """

    rows: list[Claimed]
    waiting: Priority | None = None
    next_try: datetime | None = None
    in_doubt: bool = False
    lapsed: list[int] = field(default_factory=list)


def claim(
    session: Session,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    slow: int | None = None,
    full: Collection[int] = (),
    shut: Collection[int] = (),
    busy: Collection[int] = (),
    sending: Collection[int] = (),
    repeats: int = 0,
    cautious: bool = False,
) -> Claim:
    """Take up to *limit* messages that may leave now, the most urgent first, at most one for each chat.

    Of those that can wait (check-ins, digests) at most *slow* are taken (None: as many as there is room for), of those
    in doubt at most *repeats* (*cautious*: those that matter least, for they may be lost). Chats in *full* get nothing but danger just now, chats in *shut* and *busy* nothing.
    Order holds within a chat: a message waiting for another try, or in doubt, holds up those behind it, except danger;
    one that has failed `PATIENCE` times holds up nobody. Nobody else gets what is taken until the lease ends;
    *sending*: the messages that this process has on their way.
    """
    session.flush()  # what follows asks the database directly
    connection = session.connection()
    way = _look(connection, now, lease, {*busy, *shut}, set(full), sending)
    allowed = way.allow(repeats, cautious=cautious)
    slow = limit if slow is None else slow
    taken: list[int] = []
    waiting = None
    for priority, row_id, chat_id in heapq.merge(allowed, _in_line(connection, now, limit, way)):
        if chat_id in way.closed:
            continue
        if len(taken) >= limit or (priority >= Priority.CHECK_IN and slow <= 0):
            waiting = Priority(priority)
            break
        way.closed.add(chat_id)
        taken.append(row_id)
        slow -= priority >= Priority.CHECK_IN
    return Claim(
        rows=_take(connection, taken, now + lease),
        waiting=waiting,
        next_try=way.next_try,
        in_doubt=way.in_doubt,
        lapsed=way.lapsed,
    )


@dataclass(kw_only=True)
class _Way:
    """What stands in the way of those in line.

    closed: chats that get nothing. held: chats that get nothing but danger. doubts: those in doubt whose moment has
    come, each as priority, id and chat. The rest as in `Claim`.
    """

    closed: set[int]
    held: set[int]
    doubts: list[tuple[int, int, int]] = field(default_factory=list)
    next_try: datetime | None = None
    in_doubt: bool = False
    lapsed: list[int] = field(default_factory=list)

    def allow(self, repeats: int, *, cautious: bool) -> list[tuple[int, int, int]]:
        """Return at most *repeats* of those in doubt, in their order; each of the others holds up its chat."""
        allowed: list[tuple[int, int, int]] = []
        for priority, row_id, chat_id in sorted(self.doubts, reverse=cautious):
            is_free = chat_id not in self.closed and (priority == Priority.DANGER or chat_id not in self.held)
            if is_free and len(allowed) < repeats:
                allowed.append((priority, row_id, chat_id))
                continue
            self.in_doubt |= is_free
            self.held.add(chat_id)
        return sorted(allowed)


def _look(
    connection: Connection,
    now: datetime,
    lease: timedelta,
    closed: set[int],
    held: set[int],
    sending: Collection[int],
) -> _Way:
    way = _Way(closed=closed, held=held)
    for row in connection.execute(_UNDER_WAY).all():
        if row.state == OutboxState.SENDING:
            closed.add(row.chat_id)
            # A lease that ends later than any was written by a clock that ran ahead: see below.
            if row.id not in sending and not now <= (row.lease_until or now - lease) <= now + lease:
                way.lapsed.append(row.id)
            continue
        # A longer pause than any: the clock was set back since.
        waits = now < row.send_at <= now + LONGEST_PAUSE
        is_useful = row.useful_until is None or row.useful_until >= now
        if not waits and row.state == OutboxState.AGAIN:
            connection.execute(_LINE_UP, {"row": row.id})
        elif waits and is_useful:
            if row.state == OutboxState.DOUBT or row.attempts < PATIENCE:
                held.add(row.chat_id)
            way.next_try = min(row.send_at, way.next_try or row.send_at)
        elif is_useful:
            way.doubts.append((row.priority, row.id, row.chat_id))
    return way


def _in_line(connection: Connection, now: datetime, limit: int, way: _Way) -> Iterator[tuple[int, int, int]]:
    """Yield those in line in their order, each as priority, id and chat; page by page, as the way is by then."""
    size = min(PAGE, 2 * limit + 8)
    while True:
        known = {"now": now, "closed": list(way.closed), "held": list(way.held), "size": size}
        page = connection.execute(_IN_LINE, known).all()
        for row_id, chat_id, priority in page:
            yield priority, row_id, chat_id
        if len(page) < size:
            return


def _take(connection: Connection, ids: list[int], lease_until: datetime) -> list[Claimed]:
    if not ids:
        return []
    taken = connection.execute(_TAKE, {"ids": ids, "until": lease_until})
    return sorted((Claimed(*row) for row in taken), key=lambda row: (row.priority, row.id))


# Made once: to put a statement together takes longer than to run it, and these run up to sixty times a second.
_TABLE = cast(Table, OutboxRow.__table__)
_ROW = _TABLE.c
_USEFUL = or_(_ROW.useful_until.is_(None), _ROW.useful_until >= bindparam("now"))
_UNDER_WAY = select(
    _ROW.id,
    _ROW.state,
    _ROW.chat_id,
    _ROW.priority,
    _ROW.send_at,
    _ROW.useful_until,
    _ROW.lease_until,
    _ROW.attempts,
).where(_ROW.state.in_((OutboxState.SENDING, OutboxState.AGAIN, OutboxState.DOUBT)))
_LINE_UP = update(_TABLE).where(_ROW.id == bindparam("row")).values(state=OutboxState.QUEUED)
_IN_LINE = (
    select(_ROW.id, _ROW.chat_id, _ROW.priority)
    .where(_ROW.state == OutboxState.QUEUED, _ROW.chat_id.not_in(bindparam("closed", expanding=True)))
    .where(
        or_(
            _ROW.priority == Priority.DANGER,
            _ROW.chat_id.not_in(bindparam("held", expanding=True)),
        ),
        _USEFUL,
    )
    .order_by(_ROW.priority, _ROW.id)
    .limit(bindparam("size"))
)
_TAKE = (
    update(_TABLE)
    .where(_ROW.id.in_(bindparam("ids", expanding=True)))
    .values(state=OutboxState.SENDING, lease_until=bindparam("until"), attempts=_ROW.attempts + 1)
    .returning(*(_ROW[name] for name in Claimed._fields))
)


def give_back(session: Session, row_id: int) -> None:
    """Put a claimed message back in line, untried: it has not left."""
    row = outbox.sending(session, row_id)
    if row is not None:
        row.state = OutboxState.DOUBT if outbox.is_last_try(row.payload) else OutboxState.QUEUED
        row.attempts -= 1
        row.lease_until = None


def give_back_strays(session: Session, known: Collection[tuple[int, int]]) -> int:
    """Put claimed messages that nobody is sending back in line; return how many.

    For the one process that sends: a claim of its own that was kept although its commit seemed to fail. *known*:
    the tries that it makes, each with the message's id and its attempts.
    """
    claimed = select(OutboxRow.id, OutboxRow.attempts).where(OutboxRow.state == OutboxState.SENDING)
    strays = [id_ for id_, attempts in session.execute(claimed) if (id_, attempts) not in known]
    for row_id in strays:
        give_back(session, row_id)
    return len(strays)


def on_their_way(session: Session) -> list[int]:
    """Return the messages that are on their way, whoever sends them."""
    claimed = select(OutboxRow.id).where(OutboxRow.state == OutboxState.SENDING)
    return list(session.scalars(claimed.order_by(OutboxRow.id)))
