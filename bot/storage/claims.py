"""Claiming messages of the outbox: which may leave now, and what becomes of a claim whose process is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, or_, select, update
from sqlalchemy.orm import Session

from bot.domain.message import Priority
from bot.storage import outbox
from bot.storage.outbox import OutboxState
from bot.storage.tables import OutboxRow

#: How many messages a claim looks at in one go, at most.
PAGE = 100
#: No pause before another try is longer.
LONGEST_PAUSE = timedelta(minutes=2)


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
    failed in passing is tried again, if there is one.
    """

    rows: list[Claimed]
    waiting: Priority | None = None
    next_try: datetime | None = None


def claim(
    session: Session,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    slow: int | None = None,
    full: Collection[int] = (),
    busy: Collection[int] = (),
) -> Claim:
    """Take up to *limit* messages that may leave now, the most urgent first, at most one for each chat.

    Of those that can wait (check-ins, digests) at most *slow* are taken (None: as many as there is room for). Chats
    in *full* get nothing but danger just now, chats in *busy* nothing. Order holds within a chat: a message waiting
    for another try holds up those behind it, except danger. Nobody else gets what is taken until the lease ends.
    """
    session.flush()  # what follows asks the database directly
    run = session.connection().execute
    closed, held, next_try = set(busy), set(full), None
    for id_, state, chat_id, send_at, useful_until in run(_UNDER_WAY).all():
        if state == OutboxState.SENDING:
            closed.add(chat_id)
        elif (
            not now < send_at <= now + LONGEST_PAUSE
        ):  # a longer pause than any: the clock was set back since
            run(_LINE_UP, {"row": id_})
        elif useful_until is None or useful_until >= now:
            held.add(chat_id)
            next_try = min(send_at, next_try or send_at)
    slow = limit if slow is None else slow
    size = min(PAGE, 2 * limit + 8)
    taken: list[int] = []
    while True:
        known = {"now": now, "closed": list(closed), "held": list(held), "size": size}
        page = run(_IN_LINE, known).all()
        for row_id, chat_id, priority in page:
            if chat_id in closed:
                continue
            if len(taken) >= limit or (priority >= Priority.CHECK_IN and slow <= 0):
                rows = _take(session, taken, now + lease)
                return Claim(rows=rows, waiting=Priority(priority), next_try=next_try)
            closed.add(chat_id)
            taken.append(row_id)
            slow -= priority >= Priority.CHECK_IN
        if len(page) < size:
            return Claim(rows=_take(session, taken, now + lease), next_try=next_try)


def _take(session: Session, ids: list[int], lease_until: datetime) -> list[Claimed]:
    if not ids:
        return []
    taken = session.connection().execute(_TAKE, {"ids": ids, "until": lease_until})
    return sorted((Claimed(*row) for row in taken), key=lambda row: (row.priority, row.id))


# Made once: to put a statement together takes longer than to run it, and these run up to sixty times a second.
_TABLE = cast(Table, OutboxRow.__table__)
_ROW = _TABLE.c
_USEFUL = or_(_ROW.useful_until.is_(None), _ROW.useful_until >= bindparam("now"))
_UNDER_WAY = select(_ROW.id, _ROW.state, _ROW.chat_id, _ROW.send_at, _ROW.useful_until).where(
    _ROW.state.in_((OutboxState.SENDING, OutboxState.AGAIN))
)
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
        row.state = OutboxState.QUEUED
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


def recover(
    session: Session,
    now: datetime,
    *,
    all_of_them: bool = False,
    doubt: Callable[[Session, int, datetime, str], object] = outbox.unknown,
) -> int:
    """Put messages whose lease has ended back in line, once; a second time they end as unknown.

    *all_of_them*: also those whose lease still runs; for a process that has just started and is the only one.
    *doubt* records that a message (its id) may have arrived, and why nobody knows.
    """
    condition = [OutboxRow.state == OutboxState.SENDING]
    if not all_of_them:
        condition.append(OutboxRow.lease_until < now)
    rows = list(session.scalars(select(OutboxRow).where(*condition)))
    for row in rows:
        doubt(session, row.id, now, "the process ended before it could record the answer")
    return len(rows)
