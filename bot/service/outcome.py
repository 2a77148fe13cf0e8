"""What became of a message that left, and what follows: recorded, tried again, given up with staff told, or followed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.service import alarm, hand_off
from bot.service.parcel import Parcel
from bot.service.ports import Gone, Moved, Outcome, Refused, Sent, Tools, TryLater, Unknown
from bot.service.turn import Turn
from bot.storage import claims, groups, outbox, patients
from bot.storage.database import DatabaseAway, Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import OutboxRow

log = logging.getLogger(__name__)

#: Pauses in seconds after failures in which nothing reached Telegram; the last one repeats until the message is out of date.
PAUSES = (1, 2, 5, 15, 60)
#: Shortest pause in seconds before the one repeat of a message whose answer was lost; see also `line_state`.
PAUSE_OF_DOUBT = 5
#: What staff read as the reason when a message in doubt has come to its end.
NOBODY_KNOWS = "nobody knows whether it arrived"


def record_all(
    session: Session,
    tools: Tools,
    answered: Sequence[tuple[Parcel, Outcome]],
    now: datetime,
    *,
    jitter: Callable[[float], float] = float,
) -> None:
    """Record what became of each message, as `record` does; one that cannot be recorded (a fault of ours) stops no other."""
    arrived: dict[str | None, dict[int, int]] = {}
    for parcel, outcome in answered:
        if isinstance(outcome, Sent) and not parcel.has_receipt:
            arrived.setdefault(parcel.purpose, {})[parcel.id] = outcome.message_id
        else:
            _try_to_record(session, tools, parcel.id, outcome, now, jitter)
    for purpose, messages in arrived.items():
        outbox.sent_all(session, messages, purpose, now)


def lapsed(
    session: Session,
    tools: Tools,
    rows: Sequence[int],
    now: datetime,
    *,
    jitter: Callable[[float], float] = float,
) -> None:
    """Put claimed messages whose lease has ended, and that nobody sends, in doubt: whoever claimed them may have."""
    for row_id in rows:
        log.warning("A claimed message was sent by nobody we know.", extra={"action": "outbox"})
        doubt = Unknown(reason="nobody was sending it any more")
        _try_to_record(session, tools, row_id, doubt, now, jitter)


def _try_to_record(
    session: Session,
    tools: Tools,
    row_id: int,
    outcome: Outcome,
    now: datetime,
    jitter: Callable[[float], float],
) -> None:
    try:
        with session.begin_nested():
            record(session, tools, row_id, outcome, now, jitter=jitter)
    except DatabaseAway:
        raise
    except Exception as error:
        log.exception("What follows from an answer could not be done.", extra={"action": "outbox"})
        if isinstance(outcome, Sent):
            outbox.sent(session, row_id, outcome.message_id, now)
        else:
            outbox.end(session, row_id, OutboxState.REFUSED, type(error).__name__)


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
            _in_doubt(session, tools, row_id, now, outcome.reason, pause)
        case Moved() if row.chat_id > 0:
            # It is the group that a picture was to be copied from: there its number stands for another message now.
            groups.migrate(session, (row.payload or {}).get("from_chat", 0), outcome.chat_id)
            give_up(session, tools, row, OutboxState.REFUSED, "the staff group has moved", now)
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
    """Put what the process before this one was sending in doubt; return how many messages that were."""
    rows = claims.on_their_way(session)
    for row_id in rows:
        _in_doubt(session, tools, row_id, now, "the process ended before it could record the answer")
    return len(rows)


def _in_doubt(
    session: Session,
    tools: Tools,
    row_id: int,
    now: datetime,
    reason: str,
    pause: timedelta = timedelta(0),
) -> None:
    """Record that a message may have arrived. It is repeated once; after that a person has to find out."""
    row = outbox.sending(session, row_id)
    if row is None:
        return
    outbox.unknown(session, row_id, now, reason, pause)
    if row.state == OutboxState.UNKNOWN:
        _tell_staff(session, tools, row, NOBODY_KNOWS, now)


def _gone(session: Session, tools: Tools, chat_id: int, now: datetime) -> None:
    patient = patients.by_chat(session, chat_id)
    if patient is not None:
        hand_off.unreachable(Turn.with_patient(session, tools, patient, now))
    else:
        lose_group(session, chat_id, now)


def lose_group(session: Session, chat_id: int, now: datetime) -> None:
    """Forget a staff group that is gone (or any other group), with what was in line for it.

    Its open alerts wait, and are posted in the next group.
    """
    branch_id = groups.unbind(session, chat_id)
    outbox.cancel(session, chat_id)
    if branch_id is None:
        return
    alarm.group_lost(session, branch_id, now)
    log.error(
        "The staff group of %s is gone (deleted, or the bot was removed): nobody gets its alerts. "
        "Start the bot again: it prints the code that binds another group.",
        branch_id,
        extra={"action": "group"},
    )


def give_up(
    session: Session, tools: Tools, row: OutboxRow, state: OutboxState, reason: str, now: datetime
) -> None:
    """Give a message up with its reason; staff are told if it was meant for a patient."""
    if outbox.end(session, row.id, state, reason) is None:
        return
    _tell_staff(session, tools, row, reason, now)
    if row.alert_id is not None and row.about_chat is not None and (row.payload or {}).get("kind") == "text":
        alarm.unposted(session, row.alert_id, now)  # the patient has read that the team was told


def _tell_staff(session: Session, tools: Tools, row: OutboxRow, reason: str, now: datetime) -> None:
    """Tell staff of a message that was given up, if it was meant for a patient or came from one of them."""
    receipt = (row.payload or {}).get("receipt")
    if receipt:
        _tell_group(session, tools, row, receipt, "relay_failed", now)
        return
    group = groups.by_chat(session, row.chat_id)
    kind = (row.payload or {}).get("kind", "text")
    if group is not None and kind != "edit":
        log.error(
            "A message to the staff group of %s could not be delivered (%s). May the bot write there?",
            group.branch_id,
            reason,
            extra={"action": "group"},
        )
    patient = patients.by_chat(session, row.chat_id)
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
    today = groups.now_at(session, chat_id)
    group = groups.by_chat(session, today)
    if group is None:
        return
    staff = Turn.with_group(session, tools, today, group.branch_id, now)
    person = Turn.with_chat(session, tools, row.chat_id, group.branch_id, now)
    staff.say(
        staff.text(key, who=alarm.who_is(person)),
        reply_to=message_id if today == chat_id else None,
        about_chat=row.chat_id,
        in_group=True,
    )
