"""Delivering: the outbox's messages leave here, paced, in order, each sent once, recorded, or sorted when it fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.message import Outgoing, Priority
from bot.domain.pacing import Pacer
from bot.service import alarm, hand_off
from bot.service.ports import Gone, Messenger, Moved, Outcome, Refused, Sent, Tools, TryLater, Unknown
from bot.service.turn import Turn
from bot.storage import groups, outbox, patients
from bot.storage.database import Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import OutboxRow

#: How long a claimed message belongs to the process that claimed it.
LEASE = timedelta(seconds=60)
#: How many messages are on their way at once (httpcore's pool slows down above 32; see RESEARCH, 12).
AT_ONCE = 16
#: Pauses after failures in which nothing reached Telegram; the last one repeats until the message is out of date.
PAUSES = (1, 2, 5, 15, 60)
#: A message that nobody could send for this long is given up.
GIVE_UP = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one round of delivery did; *wait* is how many seconds the pace asks to wait before the next."""

    sent: int = 0
    failed: int = 0
    wait: float = 0.0

    @property
    def total(self) -> int:
        """How many messages were tried."""
        return self.sent + self.failed


@dataclass(frozen=True, kw_only=True)
class _Parcel:
    """A claimed message, out of the database: what is sent does not need a transaction."""

    id: int
    chat_id: int
    outgoing: Outgoing
    target: int | None
    urgent: bool
    attempts: int


async def batch(
    tools: Tools, messenger: Messenger, pacer: Pacer, now: datetime, seconds: float, limit: int = AT_ONCE
) -> Counts:
    """Send what may leave now and record each answer; call it as often as you like.

    *now* is the moment that is recorded; *seconds* is the pacer's clock. A crash between "sent" and "recorded"
    repeats that one message once: Telegram has no key that would tell it that it has it already.
    """
    parcels = await tools.database.run(_claim, now, limit)
    ready, waits = [], []
    for parcel in parcels:
        wait = pacer.wait(parcel.chat_id, seconds, urgent=parcel.urgent)
        if wait > 0:
            waits.append(wait)
            await tools.database.run(outbox.give_back, parcel.id)
        else:
            pacer.sent(parcel.chat_id, seconds)
            ready.append(parcel)
    urgent = [parcel for parcel in ready if parcel.urgent]
    sent = 0
    # What is urgent is on its way before anything else starts.
    for group in (urgent, [parcel for parcel in ready if not parcel.urgent]):
        outcomes = await asyncio.gather(
            *(messenger.send(parcel.chat_id, parcel.outgoing, parcel.target) for parcel in group)
        )
        for parcel, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, TryLater) and outcome.everyone and outcome.after is not None:
                pacer.pause(outcome.after.total_seconds(), seconds)
            await tools.database.run(record, tools, parcel.id, outcome, now)
            sent += isinstance(outcome, Sent)
    return Counts(sent=sent, failed=len(ready) - sent, wait=min(waits, default=0.0))


def _claim(session: Session, now: datetime, limit: int) -> list[_Parcel]:
    outbox.recover(session, now)
    parcels = []
    for row in outbox.claim(session, now, LEASE, limit):
        try:
            outgoing = Outgoing.from_dict(row.payload or {})
        except (TypeError, ValueError) as error:
            outbox.end(session, row.id, OutboxState.REFUSED, f"unreadable: {type(error).__name__}")
            continue
        target = outgoing.message_id
        if outgoing.kind == "edit" and target is None and outgoing.slot is not None:
            target = outbox.message_in_slot(session, row.chat_id, outgoing.slot)
        parcels.append(
            _Parcel(
                id=row.id,
                chat_id=row.chat_id,
                outgoing=outgoing,
                target=target,
                urgent=row.priority == Priority.DANGER,
                attempts=row.attempts,
            )
        )
    return parcels


def record(session: Session, tools: Tools, row_id: int, outcome: Outcome, now: datetime) -> None:
    """Record what became of a message, and do what follows from it."""
    row = session.get(OutboxRow, row_id)
    if row is None:
        return  # erased while it was on its way (/forget)
    match outcome:
        case Sent():
            receipt = (row.payload or {}).get("receipt")
            outbox.sent(session, row_id, outcome.message_id, now)
            if receipt:
                _tell_group(session, tools, row, receipt, "relay_delivered", now)
        case TryLater():
            pause = outcome.after or timedelta(seconds=PAUSES[min(row.attempts, len(PAUSES)) - 1])
            if now - row.created_at > GIVE_UP:
                _park(session, tools, row, OutboxState.EXPIRED, outcome.reason, now)
            else:
                outbox.retry(session, row_id, now + pause, outcome.reason)
        case Unknown():
            outbox.unknown(session, row_id, now, outcome.reason)
        case Moved():
            groups.migrate(session, row.chat_id, outcome.chat_id)
            row.chat_id = outcome.chat_id
            outbox.retry(session, row_id, now, "the group has a new id")
        case Gone():
            receipt = (row.payload or {}).get("receipt")
            outbox.end(session, row_id, OutboxState.GONE, outcome.reason)
            _gone(session, tools, row.chat_id, now)
            if receipt:
                _tell_group(session, tools, row, receipt, "relay_failed", now)
        case Refused():
            _park(session, tools, row, OutboxState.REFUSED, outcome.reason, now)


def _gone(session: Session, tools: Tools, chat_id: int, now: datetime) -> None:
    patient = patients.by_chat(session, chat_id)
    if patient is not None:
        hand_off.unreachable(Turn.with_patient(session, tools, patient, now))
    else:
        # A staff group that is gone is forgotten: its open alerts wait, and are posted in the next one.
        groups.unbind(session, chat_id)
        outbox.cancel(session, chat_id)


def _park(
    session: Session, tools: Tools, row: OutboxRow, state: OutboxState, reason: str, now: datetime
) -> None:
    """Give a message up with its reason; staff are told if it was meant for a patient."""
    receipt = (row.payload or {}).get("receipt")
    outbox.end(session, row.id, state, reason)
    if receipt:
        _tell_group(session, tools, row, receipt, "relay_failed", now)
        return
    patient = patients.by_chat(session, row.chat_id)
    kind = (row.payload or {}).get("kind", "text")
    if patient is None or kind == "edit":
        return
    turn = Turn.with_patient(session, tools, patient, now)
    staff = turn.staff()
    if staff is not None:
        staff.say(
            staff.text("message_parked", who=alarm.who_is(turn), reason=reason),
            priority=Priority.ALERT,
            about_chat=row.chat_id,
            in_group=True,
        )


def _tell_group(
    session: Session, tools: Tools, row: OutboxRow, receipt: list[int], key: str, now: datetime
) -> None:
    chat_id, message_id = receipt
    group = groups.by_chat(session, chat_id)
    if group is None:
        return
    staff = Turn.with_group(session, tools, chat_id, group.branch_id, now)
    person = Turn.with_chat(session, tools, row.chat_id, group.branch_id, now)
    staff.say(
        staff.text(key, who=alarm.who_is(person)),
        reply_to=message_id,
        about_chat=row.chat_id,
        in_group=True,
    )
