"""The outbox: what the bot decided to say, kept in the transaction of the decision, sent once, recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, null, select, update
from sqlalchemy.orm import Session

from bot.domain.message import Outgoing, Priority, plain
from bot.storage.tables import OutboxRow

#: A message whose fate is unknown (the network or the process died between sending and recording) is repeated once.
REPEATS = 1
REPEATS_OF_EDIT = 5
#: After this long a message has lost its sense, unless it says otherwise.
USEFUL = timedelta(hours=24)
#: Among so many of a chat's newest messages one is looked for by its words.
LOOK_BACK = 200


class OutboxState(StrEnum):
    """`queued → sending → sent`, or how it ended otherwise.

    `again`: nothing reached Telegram, it has a moment to wait for. `doubt`: it may have arrived; it is tried for the last
    time when its moment has come and Telegram is known to answer.
    """

    QUEUED = "queued"
    AGAIN = "again"
    DOUBT = "doubt"
    SENDING = "sending"
    SENT = "sent"
    GONE = "gone"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


#: What is still to leave, be it once more; and what has not come to an end.
IN_LINE = (OutboxState.QUEUED, OutboxState.AGAIN, OutboxState.DOUBT)
OPEN = (*IN_LINE, OutboxState.SENDING)


class Purpose(StrEnum):
    """Why a message has its own rule: see `OutboxRow.purpose`."""

    CHECK_IN = "check_in"
    RELAY = "relay"
    STRANGER = "stranger"
    SECRET = "secret"


def add(
    session: Session,
    chat_id: int,
    outgoing: Outgoing,
    now: datetime,
    *,
    priority: Priority = Priority.REPLY,
    about_chat: int | None = None,
    alert_id: int | None = None,
    purpose: Purpose | None = None,
    useful_until: datetime | None = None,
) -> OutboxRow:
    """Put a message in line; it leaves after this transaction has been committed."""
    row = OutboxRow(
        chat_id=chat_id,
        priority=int(priority),
        state=OutboxState.QUEUED,
        payload=outgoing.to_dict(),
        slot=outgoing.slot,
        about_chat=about_chat,
        alert_id=alert_id,
        purpose=purpose,
        created_at=now,
        send_at=now,
        useful_until=useful_until or now + USEFUL,
    )
    session.add(row)
    return row


def sent(session: Session, row_id: int, message_id: int, now: datetime) -> OutboxRow | None:
    """Record that Telegram took the message, and erase the words that must not be kept."""
    row = session.get(OutboxRow, row_id)
    if row is None:
        return None
    row.sent_at = now
    row.message_id = message_id
    row.error = None
    _close(session, row, OutboxState.SENT)
    return row


def sent_all(session: Session, messages: Mapping[int, int], purpose: str | None, now: datetime) -> None:
    """Record that Telegram took *messages* (our id → Telegram's), all of one *purpose*, as `sent` does for one."""
    if purpose == Purpose.STRANGER:
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_(messages)))
        return
    statement = _SENT_SECRET if purpose == Purpose.SECRET else _SENT
    session.connection().execute(
        statement,
        [{"row": id_, "telegrams": message_id, "at": now} for id_, message_id in messages.items()],
    )


# Made once: to put a statement together takes longer than to run it.
_TABLE = cast(Table, OutboxRow.__table__)
_SENT = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("row"))
    .values(
        message_id=bindparam("telegrams"),
        sent_at=bindparam("at"),
        state=OutboxState.SENT,
        lease_until=None,
        error=None,
    )
)
_SENT_SECRET = _SENT.values(payload=null())


def retry(session: Session, row_id: int, at: datetime, error: str) -> None:
    """Put a message back in line for *at*: nothing reached Telegram this time."""
    row = sending(session, row_id)
    if row is not None:
        row.state = OutboxState.DOUBT if is_last_try(row.payload) else OutboxState.AGAIN
        row.send_at = at
        row.lease_until = None
        row.error = error[:300]


def is_last_try(payload: Mapping[str, Any] | None) -> bool:
    """Tell whether a message was in doubt so often that it may be tried only once more."""
    return _doubts(payload) >= _most_repeats(payload)


def unknown(
    session: Session, row_id: int, now: datetime, error: str, pause: timedelta = timedelta(0)
) -> None:
    """Record that a message may have arrived: after *pause*, and when Telegram answers, it is repeated once, never more.

    An edit that comes again changes nothing, so it is repeated more often, after growing pauses, whether Telegram is
    known to answer or not; only its last repeat waits for that.
    """
    row = sending(session, row_id)
    if row is None:
        return
    row.error = error[:300]
    row.lease_until = None
    doubts = _doubts(row.payload) + 1
    row.payload = {**(row.payload or {}), "doubts": doubts}
    if doubts > _most_repeats(row.payload):
        _close(session, row, OutboxState.UNKNOWN)
        return
    row.state = OutboxState.DOUBT if is_last_try(row.payload) else OutboxState.AGAIN
    row.send_at = now + (pause if doubts == 1 else timedelta(seconds=2**doubts))


def end(session: Session, row_id: int, state: OutboxState, error: str) -> OutboxRow | None:
    """Record that a message will not be sent: gone, refused, or out of date."""
    row = session.get(OutboxRow, row_id)
    if row is None or row.state not in OPEN:
        return None
    row.error = error[:300]
    _close(session, row, state)
    return row


def cancel(session: Session, chat_id: int, purpose: Purpose | None = None, slot: str | None = None) -> int:
    """Cancel what is in line for a chat (only of one *purpose* or *slot*) and return how many.

    What is on its way just now may still arrive; but it is not tried again.
    """
    condition = [
        OutboxRow.chat_id == chat_id,
        OutboxRow.state.in_(OPEN),
    ]
    if purpose is not None:
        condition.append(OutboxRow.purpose == purpose)
    if slot is not None:
        condition.append(OutboxRow.slot == slot)
    rows = list(session.scalars(select(OutboxRow).where(*condition)))
    for row in rows:
        _close(session, row, OutboxState.CANCELLED)
    return len(rows)


def by_message(session: Session, chat_id: int, message_id: int) -> OutboxRow | None:
    """Return the message that stands in a chat under this id, if the bot sent it."""
    return session.scalar(
        select(OutboxRow)
        .where(OutboxRow.chat_id == chat_id, OutboxRow.message_id == message_id)
        .order_by(OutboxRow.id.desc())
        .limit(1)
    )


def answered(
    session: Session, chat_id: int, message_id: int, text: str, *, earlier: Collection[int] = ()
) -> OutboxRow | None:
    """Return the message that somebody answers: the one that stands under this id, else the one with these very words.

    When Telegram took a message and its answer was lost, we do not know the id, and it may stand in the chat twice.
    None if the words could be about different people. *earlier*: ids that the chat had before; the messages of that
    time have other numbers now, so they are known by their words only.
    """
    row = by_message(session, chat_id, message_id)
    words = text.strip()
    if row is not None or not words:
        return row
    newest = select(OutboxRow).where(OutboxRow.chat_id.in_((chat_id, *earlier)), OutboxRow.attempts > 0)
    rows = session.scalars(newest.order_by(OutboxRow.id.desc()).limit(LOOK_BACK))
    same = [row for row in rows if plain((row.payload or {}).get("text", "")).strip() == words]
    return same[0] if len({row.about_chat for row in same}) == 1 else None


def message_in_slot(session: Session, chat_id: int, slot: str) -> int | None:
    """Return the id of the newest message sent to a chat under *slot*."""
    return session.scalar(
        select(OutboxRow.message_id)
        .where(OutboxRow.chat_id == chat_id, OutboxRow.slot == slot, OutboxRow.message_id.is_not(None))
        .order_by(OutboxRow.id.desc())
        .limit(1)
    )


def is_under_way(session: Session, chat_id: int, slot: str) -> bool:
    """Tell whether a message to a chat under *slot* has not come to its end: it waits, is on its way, or in doubt."""
    waiting = select(OutboxRow.id).where(
        OutboxRow.chat_id == chat_id, OutboxRow.slot == slot, OutboxRow.state.in_(OPEN)
    )
    return session.scalar(waiting.limit(1)) is not None


def sent_since(session: Session, since: datetime, most: int = 2_000) -> list[tuple[int, datetime]]:
    """Return the chat and the moment of the last *most* messages sent after *since*, oldest first."""
    sent_at = OutboxRow.sent_at
    lately = select(OutboxRow.chat_id, sent_at).where(sent_at > since).order_by(sent_at.desc()).limit(most)
    return [(chat_id, at) for chat_id, at in reversed(session.execute(lately).all()) if at is not None]


def out_of_date(session: Session, now: datetime, limit: int) -> list[OutboxRow]:
    """Return up to *limit* messages in line that have lost their sense, the longest waiting first."""
    late = select(OutboxRow).where(OutboxRow.state.in_(IN_LINE), OutboxRow.useful_until < now)
    return list(session.scalars(late.order_by(OutboxRow.id).limit(limit)))


def nothing_to_send(session: Session, now: datetime) -> bool:
    """Tell whether no message is on its way or may leave at *now*."""
    waiting = select(OutboxRow.id).where(
        (OutboxRow.state == OutboxState.SENDING)
        | (OutboxRow.state == OutboxState.QUEUED)
        | (OutboxRow.state.in_((OutboxState.AGAIN, OutboxState.DOUBT)) & (OutboxRow.send_at <= now))
    )
    return session.scalar(waiting.limit(1)) is None


def of_chat(session: Session, chat_id: int) -> list[OutboxRow]:
    """Return what was said to a chat, and to staff about it, oldest first."""
    condition = (OutboxRow.chat_id == chat_id) | (OutboxRow.about_chat == chat_id)
    return list(session.scalars(select(OutboxRow).where(condition).order_by(OutboxRow.id)))


def erase_chat(session: Session, chat_id: int) -> int:
    """Drop everything said to a chat, and to staff about it; return how many messages."""
    rows = of_chat(session, chat_id)
    for row in rows:
        session.delete(row)
    return len(rows)


def follow_chat(session: Session, old: int, new: int) -> None:
    """Carry on in *new* what was in line for *old*: a group became a supergroup (its message ids start anew)."""
    session.execute(
        update(OutboxRow).where(OutboxRow.chat_id == old, OutboxRow.state.in_(OPEN)).values(chat_id=new)
    )


def tidy(session: Session, before: datetime, most: int = 500) -> int:
    """Drop messages older than *before* that are no longer in line, *most* of them at a time; return how many."""
    over = select(OutboxRow.id).where(OutboxRow.created_at < before, OutboxRow.state.not_in(OPEN))
    dropped = session.scalars(over.order_by(OutboxRow.id).limit(most)).all()
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_(dropped)))
    return len(dropped)


def _close(session: Session, row: OutboxRow, state: OutboxState) -> None:
    """End a message, however it ended; a stranger's leaves nothing behind, a secret one no words."""
    row.state = state
    row.lease_until = None
    if row.purpose == Purpose.STRANGER:
        session.delete(row)
    elif row.purpose == Purpose.SECRET:
        row.payload = None


def _doubts(payload: Mapping[str, Any] | None) -> int:
    return int((payload or {}).get("doubts", 0))


def _most_repeats(payload: Mapping[str, Any] | None) -> int:
    return REPEATS_OF_EDIT if (payload or {}).get("kind") == "edit" else REPEATS


def sending(session: Session, row_id: int) -> OutboxRow | None:
    """Return a message that is on its way, or None if it is not (any more)."""
    row = session.get(OutboxRow, row_id)
    return row if row is not None and row.state == OutboxState.SENDING else None
