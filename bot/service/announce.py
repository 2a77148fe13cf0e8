"""What opens a check-in: the announcement and the reminder, until when each makes sense, and what if it did not leave."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.domain.patient import CheckInState
from bot.domain.plan import Plan, Step
from bot.domain.timing import leave_by
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import check_ins, outbox
from bot.storage.database import Session
from bot.storage.outbox import OutboxState, Purpose
from bot.storage.tables import CheckIn, OutboxRow

#: A check-in sent this long after its moment says so, with the true hour.
LATE = timedelta(hours=2)
#: How long to wait for an answer where the plan no longer says it.
_PATIENCE = timedelta(hours=4)


# --- saying it -------------------------------------------------------------------------------------------


def announce(turn: Turn, row: CheckIn) -> None:
    """Send the message that opens a check-in: no health words, for it shows on a locked screen."""
    step = step_of(turn, row)
    if step is None:
        return
    text = turn.text("check_in_ready")
    planned = planned_for(turn, row)
    if turn.now - planned > LATE:
        text += "\n\n" + turn.text("check_in_late", was_due=turn.when(planned), hours=_hours_since(turn, row))
    _say(turn, row, text, due=row.due_at, useful_until=row.expires_at)


def remind(turn: Turn, row: CheckIn) -> None:
    """Send the message that opens a check-in once more, and record that."""
    row.nudged_at = turn.now
    row.nudge_at = turn.now + patience(turn, row)
    if step_of(turn, row) is not None:
        _say(
            turn,
            row,
            turn.text("check_in_again"),
            due=turn.now,
            useful_until=last_moment_to_remind(turn, row),
        )


def _say(turn: Turn, row: CheckIn, text: str, *, due: datetime, useful_until: datetime) -> None:
    """Send one of the two. What cannot leave before the patient's night has lost its sense there: see `lapsed`."""
    turn.tools.recent.forget(turn.chat_id)  # what is typed next is meant for the check-in
    before_night = leave_by(due, turn.now, turn.tools.settings.quiet, turn.zone)
    turn.say(
        text,
        ((turn.button("button_start_check_in", f"ci:{row.id}:start"),),),
        priority=Priority.CHECK_IN,
        slot=slot_of(row),
        purpose=Purpose.CHECK_IN,
        useful_until=useful_until if before_night is None else min(useful_until, before_night),
    )


def mark_sent(turn: Turn, row: CheckIn) -> None:
    """Record that a check-in is out and when to ask again."""
    row.state = CheckInState.SENT
    row.sent_at = turn.now
    row.nudge_at = turn.now + patience(turn, row)


# --- until when ------------------------------------------------------------------------------------------


def patience(turn: Turn, row: CheckIn) -> timedelta:
    """Return how long to wait for an answer, also if the plan has changed and no longer has this step."""
    step = step_of(turn, row)
    return step.nudge_after if step else _PATIENCE


def longest_pause(tools: Tools) -> timedelta:
    """Return how far ahead the next step of a check-in that was sent can lie: patience with an answer, or a night."""
    steps = (step for plan in tools.library.plans.plans.values() for step in plan.steps)
    return max(_PATIENCE, tools.settings.quiet.longest, *(step.nudge_after for step in steps))


def planned_for(turn: Turn, row: CheckIn) -> datetime:
    """Return when a check-in was to be asked; what waited, for the day or for Telegram, has a later moment now."""
    step = step_of(turn, row)
    return row.due_at if step is None else min(row.due_at, row.expires_at - step.grace)


def last_moment_to_remind(turn: Turn, row: CheckIn) -> datetime:
    """Return until when a reminder makes sense: until the check-in expires.

    But each can have its reminder, also one that was asked late: there is room for it behind its moment, and if there
    is none before the night, in the morning.
    """
    pause, quiet = patience(turn, row), turn.tools.settings.quiet
    last = max(row.expires_at, (row.sent_at or turn.now) + 2 * pause)
    return quiet.next_end(last, turn.zone) + pause if quiet.cover(last, turn.zone) else last


# --- what has not left -----------------------------------------------------------------------------------


def is_under_way(turn: Turn, row: CheckIn) -> bool:
    """Tell whether a message that opens a check-in has not arrived yet, or nobody knows whether it has."""
    return outbox.is_under_way(turn.session, turn.chat_id, slot_of(row))


def opened_by(session: Session, message: OutboxRow) -> CheckIn | None:
    """Return the check-in that *message* is to open, for the first time or once more; None if it is another message."""
    name, _colon, id_ = (message.slot or "").partition(":")
    if message.purpose != Purpose.CHECK_IN or name != "check_in" or not id_.isdigit():
        return None
    return check_ins.by_id(session, int(id_))


def lapsed(turn: Turn, row: CheckIn, message: OutboxRow) -> bool:
    """Do what follows when *message* was to open a check-in and lost its sense in line; True: nobody was asked.

    It waits for the end of the night: the announcement is planned again if it makes sense then, and so is the reminder.
    What is in doubt may have arrived, so it is not said again: after an announcement the reminder still comes.
    """
    if row.state != CheckInState.SENT:
        return False  # it was answered meanwhile, or has ended
    leaves = turn.tools.settings.quiet.next_end(turn.now, turn.zone)
    in_doubt = message.state == OutboxState.DOUBT
    if message.created_at == row.nudged_at:
        if not in_doubt:
            row.nudged_at, row.nudge_at = None, leaves
        return False
    if row.started_at is not None or (in_doubt and leaves <= last_moment_to_remind(turn, row)):
        return False
    if leaves <= row.expires_at:
        row.state, row.due_at = CheckInState.SCHEDULED, leaves
        row.sent_at = row.nudge_at = None
        return False
    check_ins.end_open(turn.session, [row], CheckInState.EXPIRED, turn.now)
    return True


# --- reading the plan ------------------------------------------------------------------------------------


def step_of(turn: Turn, row: CheckIn) -> Step | None:
    """Return the step that a check-in is, or None if the plan has changed since and no longer has it."""
    plan: Plan | None = turn.tools.library.plans.plans.get(row.treatment.plan)
    return plan.step(row.step) if plan else None


def slot_of(row: CheckIn) -> str:
    """Return the name under which the messages of a check-in stand in the outbox."""
    return f"check_in:{row.id}"


def _hours_since(turn: Turn, row: CheckIn) -> int:
    return round((turn.now - row.treatment.treated_at).total_seconds() / 3600)
