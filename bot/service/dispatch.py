"""Dispatch: what is due goes into the outbox, batch by batch; any step may be called at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.message import Priority
from bot.domain.patient import CheckInState
from bot.domain.timing import send_moment
from bot.domain.triage import Urgency
from bot.service import alarm, follow_up
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import alerts, check_ins
from bot.storage.database import Session
from bot.storage.tables import CheckIn

BATCH = 200


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one dispatch did."""

    asked: int = 0
    moved_to_day: int = 0
    expired: int = 0
    nudged: int = 0
    missed: int = 0
    raised_again: int = 0

    @property
    def total(self) -> int:
        """All of it; 0 means that nothing was due."""
        return self.asked + self.moved_to_day + self.expired + self.nudged + self.missed + self.raised_again


def due(session: Session, tools: Tools, now: datetime) -> Counts:
    """Put due check-ins, nudges and repeated alerts into the outbox, one batch of each, in one transaction."""
    asked = moved = expired = 0
    lost: dict[str, list[CheckIn]] = {}
    for row in check_ins.claim_due(session, now, BATCH):
        settings = tools.settings
        zone = settings.zone(row.treatment.branch_id)
        leaves = send_moment(row.due_at, now, settings.quiet, zone)
        if leaves > row.expires_at or now > row.expires_at:
            row.state = CheckInState.EXPIRED
            row.ended_at = now
            expired += 1
            if row.patient_id is not None:
                lost.setdefault(row.treatment.branch_id, []).append(row)
            continue
        turn = Turn.with_group(session, tools, 0, row.treatment.branch_id, now)
        if not follow_up.is_followed(turn, row):
            row.state = CheckInState.CANCELLED
            row.ended_at = now
            continue
        if leaves > now:
            row.due_at = leaves
            moved += 1
            continue
        _ask(session, tools, row, now)
        asked += 1
    for branch_id, rows in lost.items():
        _list_for_staff(session, tools, branch_id, rows, now)
    nudged, missed = _silent(session, tools, now)
    return Counts(
        asked=asked,
        moved_to_day=moved,
        expired=expired,
        nudged=nudged,
        missed=missed,
        raised_again=_again(session, tools, now),
    )


def next_moment(session: Session) -> datetime | None:
    """Return when something is next due: a check-in, a nudge, or an alert that waits for a person."""
    moments = (check_ins.next_moment(session), alerts.next_moment(session))
    return min((moment for moment in moments if moment is not None), default=None)


def _ask(session: Session, tools: Tools, row: CheckIn, now: datetime) -> None:
    patient = row.treatment.patient
    assert patient is not None  # noqa: S101 (is_followed looked)
    turn = Turn.with_patient(session, tools, patient, now)
    # An earlier check-in that is still open gives way: one is asked at a time.
    earlier = check_ins.open_of(session, patient.id)
    if earlier is not None:
        check_ins.end_open(session, [earlier], CheckInState.MISSED, now)
    follow_up.mark_sent(turn, row)
    follow_up.invite_to_answer(turn, row)


def _silent(session: Session, tools: Tools, now: datetime) -> tuple[int, int]:
    """Ask once more where no answer came; after that, the check-in is missed and staff see it in /today."""
    nudged = missed = 0
    for row in check_ins.claim_silent(session, now, BATCH):
        patient = row.treatment.patient
        turn = Turn.with_group(session, tools, 0, row.treatment.branch_id, now)
        if patient is None or not follow_up.is_followed(turn, row):
            check_ins.end_open(session, [row], CheckInState.CANCELLED, now)
            continue
        leaves = tools.settings.quiet.next_end(now, turn.zone)
        if row.nudged_at is not None:
            check_ins.end_open(session, [row], CheckInState.MISSED, now)
            missed += 1
        elif leaves > now:
            row.nudge_at = leaves
        else:
            row.nudged_at = now
            row.nudge_at = now + follow_up.patience(turn, row)
            follow_up.invite_to_answer(Turn.with_patient(session, tools, patient, now), row, again=True)
            nudged += 1
    return nudged, missed


def _again(session: Session, tools: Tools, now: datetime) -> int:
    """Raise again what nobody has acknowledged, and tell patients once that nobody has seen it yet."""
    raised = 0
    for alert in alerts.due_again(session, now, BATCH):
        turn = Turn.with_chat(session, tools, alert.chat_id, alert.branch_id, now)
        if alert.tell_patient_at is not None and alert.tell_patient_at <= now:
            alert.tell_patient_at = None
            key = "nobody_yet_emergency" if alert.urgency == Urgency.EMERGENCY else "nobody_yet_same_day"
            opening = tools.settings.next_opening(alert.branch_id, now)
            turn.say(
                turn.text(key, opens=turn.when(opening) if opening else "-"),
                priority=Priority.DANGER,
            )
        if alert.raise_at is not None and alert.raise_at <= now and turn.staff() is not None:
            alert.times_raised += 1
            alert.raise_at = alarm.again_at(turn, Urgency(alert.urgency), alert.times_raised)
            alarm.post(turn, alert, again=alert.times_raised > 1)
            raised += 1
        elif alert.raise_at is not None and alert.raise_at <= now:
            alert.raise_at = alarm.again_at(turn, Urgency(alert.urgency))
    return raised


def _list_for_staff(
    session: Session, tools: Tools, branch_id: str, rows: list[CheckIn], now: datetime
) -> None:
    """Tell staff which check-ins could not be asked in time: these patients need a call."""
    staff = Turn.with_group(session, tools, 0, branch_id, now).staff()
    if staff is None:
        return
    lines = [
        staff.text("expired_line", label=row.treatment.label, when=staff.when(row.due_at))
        for row in sorted(rows, key=lambda row: row.due_at)
    ]
    for start in range(0, len(lines), 40):
        staff.say(
            "\n".join([staff.text("expired_head"), *lines[start : start + 40]]),
            priority=Priority.DIGEST,
            in_group=True,
        )
