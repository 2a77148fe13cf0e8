"""What became of a message that left, and what follows: recorded, tried again, given up with staff told, or followed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from bot.domain.message import Priority
from bot.service import alarm, hand_off
from bot.service.ports import Gone, Moved, Outcome, Refused, Sent, Tools, TryLater, Unknown
from bot.service.turn import Turn
from bot.storage import claims, groups, outbox, patients
from bot.storage.database import Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import OutboxRow

#: Pauses in seconds after failures in which nothing reached Telegram; the last one repeats until the message is out of date.
PAUSES = (1, 2, 5, 15, 60)
#: Pause in seconds before the one repeat of a message whose answer was lost: not into the same hiccup of the network.
PAUSE_OF_DOUBT = 5


def record(
    session: Session,
    tools: Tools,
    row_id: int,
    outcome: Outcome,
    now: datetime,
    *,
    jitter: Callable[[float], float] = float,
) -> None:
    """Record what became of a message, and do what follows from it. *jitter* varies a pause, given in seconds.

    What has been recorded before (the commit seemed to fail) changes nothing more, and nobody is told again.
    """
    row = session.get(OutboxRow, row_id)
    if row is None:
        return  # erased while it was on its way (/forget)
    match outcome:
        case Sent():
            receipt = (row.payload or {}).get("receipt")
            is_news = row.state != OutboxState.SENT
            outbox.sent(session, row_id, outcome.message_id, now)
            if receipt and is_news:
                _tell_group(session, tools, row, receipt, "relay_delivered", now)
        case TryLater(everyone=True):
            claims.give_back(session, row_id)
        case TryLater():
            pause = timedelta(seconds=jitter(PAUSES[min(row.attempts, len(PAUSES)) - 1]))
            outbox.retry(
                session, row_id, now + (pause if outcome.after is None else outcome.after), outcome.reason
            )
        case Unknown():
            pause = timedelta(seconds=jitter(PAUSE_OF_DOUBT))
            _in_doubt(session, row_id, now, outcome.reason, tools=tools, pause=pause)
        case Moved():
            groups.migrate(session, row.chat_id, outcome.chat_id)
            row.chat_id = outcome.chat_id
            outbox.retry(session, row_id, now, "the group has a new id")
        case Gone():
            receipt = (row.payload or {}).get("receipt")
            ended = outbox.end(session, row_id, OutboxState.GONE, outcome.reason)
            _gone(session, tools, row.chat_id, now)
            if receipt and ended is not None:
                _tell_group(session, tools, row, receipt, "relay_failed", now)
        case Refused():
            give_up(session, tools, row, OutboxState.REFUSED, outcome.reason, now)


def recover(session: Session, tools: Tools, now: datetime) -> int:
    """Put what the process before this one was sending in line again, once; return how many messages that were."""
    return claims.recover(session, now, all_of_them=True, doubt=partial(_in_doubt, tools=tools))


def _in_doubt(
    session: Session,
    row_id: int,
    now: datetime,
    reason: str,
    *,
    tools: Tools,
    pause: timedelta = timedelta(0),
) -> None:
    """Record that a message may have arrived. It is repeated once; after that a person has to find out."""
    row = outbox.sending(session, row_id)
    if row is None:
        return
    outbox.unknown(session, row_id, now, reason, pause)
    if row.state == OutboxState.UNKNOWN:
        _tell_staff(session, tools, row, "nobody knows whether it arrived", now)


def _gone(session: Session, tools: Tools, chat_id: int, now: datetime) -> None:
    patient = patients.by_chat(session, chat_id)
    if patient is not None:
        hand_off.unreachable(Turn.with_patient(session, tools, patient, now))
    else:
        # A staff group that is gone is forgotten: its open alerts wait, and are posted in the next one.
        groups.unbind(session, chat_id)
        outbox.cancel(session, chat_id)


def give_up(
    session: Session, tools: Tools, row: OutboxRow, state: OutboxState, reason: str, now: datetime
) -> None:
    """Give a message up with its reason; staff are told if it was meant for a patient."""
    if outbox.end(session, row.id, state, reason) is not None:
        _tell_staff(session, tools, row, reason, now)


def _tell_staff(session: Session, tools: Tools, row: OutboxRow, reason: str, now: datetime) -> None:
    """Tell staff of a message that was given up, if it was meant for a patient or came from one of them."""
    receipt = (row.payload or {}).get("receipt")
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
