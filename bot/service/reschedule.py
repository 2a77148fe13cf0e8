"""Scheduling again what is still to come, when a patient's night is another one: they travel, or have come home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.patient import CheckInState, TreatmentState
from bot.domain.plan import Plan, Step
from bot.domain.timing import moment_of, schedule
from bot.service.turn import Turn
from bot.storage import check_ins, treatments
from bot.storage.tables import CheckIn, Treatment


def reschedule(turn: Turn) -> None:
    """Give a patient's check-ins that are still to come the moments of their plan, in the night that is theirs now.

    Steps give way as they do when a treatment is registered, and come back where they need not any more. What has
    been asked, answered or ended stays as it is.
    """
    assert turn.patient is not None  # noqa: S101 (only patients have check-ins)
    for treatment in treatments.all_of(turn.session, turn.patient.id):
        plan = turn.tools.library.plans.plans.get(treatment.plan)
        if treatment.state == TreatmentState.ACTIVE and plan is not None:
            _reschedule(turn, treatment, plan)


def _reschedule(turn: Turn, treatment: Treatment, plan: Plan) -> None:
    quiet, zone = turn.tools.settings.quiet, turn.zone
    moments = {step.id: moment_of(treatment.treated_at, step, quiet, zone) for step in plan.steps}
    rows = check_ins.of_treatment(turn.session, treatment.id)
    to_come = {
        row.step: row for row in rows if row.step in moments and _is_to_come(row, moments[row.step], turn.now)
    }
    back = [] if _is_not_asked(turn) else _free_to_come_back(plan, rows, moments, turn.now)
    steps = [step for step in plan.steps if step.id in to_come or step in back]
    dues = schedule(treatment.treated_at, steps, quiet, zone, not_before=turn.now)
    due_at = {due.step: due.at for due in dues}
    for step in steps:
        row, at = to_come.get(step.id), due_at.get(step.id)
        if at is None:
            if row is not None:
                check_ins.drop(turn.session, row)
        elif row is None:
            check_ins.add(turn.session, treatment, step.id, at, at + step.grace)
        else:
            row.due_at, row.expires_at = at, at + step.grace


def _is_to_come(row: CheckIn, moment: datetime, now: datetime) -> bool:
    """Tell whether a check-in may get the *moment* of its step: not if it is due already, and would be there, too.

    One that was cancelled may still come after a stop, if it was not due yet.
    """
    if row.state == CheckInState.SCHEDULED:
        return row.due_at > now or (moment > now and row.expires_at > now)
    return row.state == CheckInState.CANCELLED and row.due_at > now


def _is_not_asked(turn: Turn) -> bool:
    patient = turn.patient
    return patient is None or patient.stopped_at is not None or patient.unreachable_at is not None


def _free_to_come_back(
    plan: Plan, rows: Sequence[CheckIn], moments: dict[str, datetime], now: datetime
) -> list[Step]:
    """Return the steps that gave way to a later one and need not any more: nothing later has been asked yet."""
    known = {row.step for row in rows}
    waiting = (CheckInState.SCHEDULED, CheckInState.CANCELLED)
    asked = {row.step for row in rows if row.state not in waiting}
    last = max((step.after for step in plan.steps if step.id in asked), default=None)
    return [
        step
        for step in plan.steps
        if step.id not in known and moments[step.id] > now and (last is None or step.after > last)
    ]
