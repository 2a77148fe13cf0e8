"""The inbox: updates stored before Telegram is told that they arrived, each with one effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot.storage.tables import InboxRow

#: How long to wait before an update that failed is tried again; after the last one it is parked.
PAUSES = (timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=1))


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
    """Keep *arrivals* in their order and return how many were new; one that came before is dropped."""
    ids = [arrival.update_id for arrival in arrivals]
    known = set(session.scalars(select(InboxRow.update_id).where(InboxRow.update_id.in_(ids))))
    new = 0
    for arrival in arrivals:
        if arrival.update_id in known:
            continue
        known.add(arrival.update_id)
        session.add(
            InboxRow(
                update_id=arrival.update_id,
                chat_id=arrival.chat_id,
                payload=arrival.payload,
                received_at=now,
                state=InboxState.WAITING,
            )
        )
        new += 1
    return new


def next_waiting(session: Session, now: datetime) -> InboxRow | None:
    """Return the oldest update that may be handled now; one that waits for another try holds up only its own chat."""
    ahead = aliased(InboxRow)
    held_up = (
        select(ahead.seq)
        .where(
            ahead.state == InboxState.WAITING,
            ahead.chat_id == InboxRow.chat_id,
            ahead.seq < InboxRow.seq,
            ahead.try_at > now,
        )
        .exists()
    )
    return session.scalar(
        select(InboxRow)
        .where(InboxRow.state == InboxState.WAITING)
        .where(or_(InboxRow.try_at.is_(None), InboxRow.try_at <= now), ~held_up)
        .order_by(InboxRow.seq)
        .limit(1)
    )


def finish(session: Session, update_id: int, now: datetime, *, keep_words: bool) -> bool:
    """Mark an update as handled, in the transaction that holds its effects; False: it was handled before.

    Without *keep_words* its content is erased; the id stays, against repeats.
    """
    row = session.scalar(select(InboxRow).where(InboxRow.update_id == update_id))
    if row is None or row.state != InboxState.WAITING:
        return False
    row.state = InboxState.DONE
    row.handled_at = now
    row.error = None
    if not keep_words:
        row.payload = None
        row.chat_id = None
    return True


def forget_words(session: Session, update_id: int) -> None:
    """Erase the content of one update; its id stays."""
    session.execute(
        update(InboxRow).where(InboxRow.update_id == update_id).values(payload=None, chat_id=None)
    )


def failed(session: Session, update_id: int, error: str, now: datetime) -> InboxState:
    """Note that handling failed: try again after a growing pause, or park it after the last try.

    *error* names the kind of failure only; it must hold nothing a patient wrote.
    """
    row = session.scalar(select(InboxRow).where(InboxRow.update_id == update_id))
    if row is None or row.state != InboxState.WAITING:
        return InboxState.DONE
    row.attempts += 1
    row.error = error[:300]
    if row.attempts > len(PAUSES):
        row.state = InboxState.PARKED
        row.try_at = None
    else:
        row.try_at = now + PAUSES[row.attempts - 1]
    return InboxState(row.state)


def next_try(session: Session) -> datetime | None:
    """Return when the next failed update is due for another try, if there is one."""
    return session.scalar(
        select(InboxRow.try_at)
        .where(InboxRow.state == InboxState.WAITING, InboxRow.try_at.is_not(None))
        .order_by(InboxRow.try_at)
        .limit(1)
    )


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


def tidy(session: Session, words_before: datetime, ids_before: datetime) -> int:
    """Erase the words of updates that ended before *words_before*, drop the rows that ended before *ids_before*.

    A parked update has no end of its own: it counts from its arrival.
    """
    ended = func.coalesce(InboxRow.handled_at, InboxRow.received_at)
    over = InboxRow.state != InboxState.WAITING
    erased = 0
    for row in session.scalars(select(InboxRow).where(over, ended < words_before)).all():
        if row.payload is not None or row.chat_id is not None:
            row.payload = None
            row.chat_id = None
            erased += 1
    session.execute(delete(InboxRow).where(over, ended < ids_before))
    return erased
