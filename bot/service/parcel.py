"""A message on its way: what is needed to send it and to record its answer, out of the database."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.message import Outgoing, Priority
from bot.storage import outbox
from bot.storage.claims import Claimed
from bot.storage.database import Session
from bot.storage.outbox import OutboxState


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A claimed message: what is sent does not need a transaction."""

    id: int
    #: Which try this is: 1, 2, …
    attempt: int
    chat_id: int
    outgoing: Outgoing
    #: The message that an edit is for.
    target: int | None
    #: Whether it can wait.
    slow: bool
    purpose: str | None
    #: Whether something follows from its arrival: staff are told.
    has_receipt: bool
    #: Whether it may have arrived before, so that this is its last try.
    is_repeat: bool


def unpack(session: Session, row: Claimed) -> Parcel | None:
    """Return what a claimed message holds; one that cannot be read is put aside, and None returned."""
    payload = row.payload or {}
    try:
        outgoing = Outgoing.from_dict(payload)
    except (AttributeError, TypeError, ValueError) as error:
        outbox.end(session, row.id, OutboxState.REFUSED, f"unreadable: {type(error).__name__}")
        return None
    target = outgoing.message_id
    if outgoing.kind == "edit" and target is None and outgoing.slot is not None:
        target = outbox.message_in_slot(session, row.chat_id, outgoing.slot)
    return Parcel(
        id=row.id,
        attempt=row.attempts,
        chat_id=row.chat_id,
        outgoing=outgoing,
        target=target,
        slow=row.priority >= Priority.CHECK_IN,
        purpose=row.purpose,
        has_receipt="receipt" in payload,
        is_repeat=outbox.is_last_try(payload),
    )
