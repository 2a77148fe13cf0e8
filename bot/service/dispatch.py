"""Dispatch: what is due goes into the outbox, batch by batch; any step may be called at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.domain.patient import CheckInState
from bot.domain.timing import send_moment
from bot.service import announce, attempt, follow_up, outcome, raise_again
from bot.service.ports import Tools
from bot.service.turn import Turn, zone_of
from bot.storage import alerts, check_ins, outbox
from bot.storage.database import Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import CheckIn, OutboxRow

#: So many of each kind are done in one transaction: replies wait for no more than one of those.
BATCH = 20
#: What cannot be handled (a fault of ours) is tried again after this long.
PUT_OFF = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one dispatch did."""

    asked: int = 0
    moved_to_day: int = 0
    expired: int = 0
    nudged: int = 0
    missed: int = 0
    raised_again: int = 0
    #: Messages in which many alerts were raised again at once.
    listed: int = 0
    patient_told: int = 0
    no_group: int = 0
    dropped: int = 0
    put_off: int = 0
    out_of_date: int = 0
    #: Whether a batch was full: there may be more.
    more: bool = False

    @property
    def total(self) -> int:
        """All of it; 0 means that nothing was due."""
        return sum(number for name, number in vars(self).items() if name != "more")


def due(session: Session, tools: Tools, now: datetime, *, tell_expired: bool = True) -> Counts:
    """Put due check-ins, nudges and repeated alerts into the outbox, one batch of each, in one transaction.

    One that cannot be handled is put off for a while, and stops nobody else's. Messages in line that have lost their
    sense end here. *tell_expired*: staff get the list of check-ins that could not be sent in time; without it the
    caller tells them.
    """
    done: Counter[str] = Counter()
    lost: dict[int, CheckIn] = {}
    rows = check_ins.claim_due(session, now, BATCH)
    asked = Counter(row.patient_id for row in rows if row.patient_id is not None)
    twice = {id_ for id_, number in asked.items() if number > 1}
    busy = check_ins.with_open(session, asked) | twice if asked else set()

    def ask(row: CheckIn) -> str:
        said = _ask_or_end(session, tools, row, now, busy)
        if said == "expired" and row.patient_id is not None:
            lost[row.id] = row
        return said

    def give_up(message: OutboxRow) -> str:
        check_in = _give_up(session, tools, message, now)
        if check_in is not None:
            lost[check_in.id] = check_in
        return "out_of_date"

    for row in attempt.each(session, done, ask, rows):
        row.due_at = now + PUT_OFF
    silent = check_ins.claim_silent(session, now, BATCH, announce.longest_pause(tools))
    for row in attempt.each(session, done, lambda row: _nudge_or_end(session, tools, row, now), silent):
        row.nudge_at = now + PUT_OFF
    more_alerts = raise_again.due(session, tools, done, now, BATCH)
    late = outbox.out_of_date(session, now, BATCH) if len(rows) < BATCH else []
    for message in attempt.each(session, done, give_up, late):
        outbox.end(session, message.id, OutboxState.EXPIRED, message.error or "")
    if tell_expired:
        _list_for_staff(session, tools, lost.values(), now)
    more = more_alerts or BATCH in (len(rows), len(silent), len(late))
    return Counts(more=more, **{name: done[name] for name in Counts.__dataclass_fields__ if name != "more"})


def next_moment(session: Session) -> datetime | None:
    """Return when something is next due: a check-in, a nudge, or an alert that waits for a person."""
    moments = (check_ins.next_moment(session), alerts.next_moment(session))
    return min((moment for moment in moments if moment is not None), default=None)


def _ask_or_end(session: Session, tools: Tools, row: CheckIn, now: datetime, busy: Collection[int]) -> str:
    """Announce a check-in; or, if it is too late, night, or nobody to be asked, say which.

    *busy*: the patients who may have an open check-in already.
    """
    patient = row.treatment.patient
    zone = zone_of(tools, patient, row.treatment.branch_id)
    leaves = send_moment(row.due_at, now, tools.settings.quiet, zone)
    if leaves > row.expires_at or now > row.expires_at:
        check_ins.end_open(session, [row], CheckInState.EXPIRED, now)
        return "expired"
    if patient is None or not follow_up.is_followed(row):
        check_ins.end_open(session, [row], CheckInState.CANCELLED, now)
        return "dropped"
    if leaves > now:
        row.due_at = leaves
        return "moved_to_day"
    turn = Turn.with_patient(session, tools, patient, now)
    # An earlier check-in that is still open gives way: one is asked at a time.
    earlier = check_ins.open_of(session, patient.id) if patient.id in busy else None
    if earlier is not None:
        check_ins.end_open(session, [earlier], CheckInState.MISSED, now)
        follow_up.withdraw(turn, earlier)
    announce.mark_sent(turn, row)
    announce.announce(turn, row)
    return "asked"


def _nudge_or_end(session: Session, tools: Tools, row: CheckIn, now: datetime) -> str:
    """Ask once more where no answer came; after that, the check-in is missed and staff see it in /today."""
    patient = row.treatment.patient
    if patient is None or not follow_up.is_followed(row):
        check_ins.end_open(session, [row], CheckInState.CANCELLED, now)
        return "dropped"
    turn = Turn.with_patient(session, tools, patient, now)
    if row.nudge_at is not None and row.nudge_at > now:
        # The clock was set back: how long the patient has had is not known, so the pause begins again.
        row.nudge_at = now + announce.patience(turn, row)
        return "put_off"
    if announce.is_under_way(turn, row):
        row.nudge_at = now + announce.LATE  # what was said last has not left yet: Telegram cannot be reached
        return "put_off"
    leaves = tools.settings.quiet.next_end(now, turn.zone)
    if row.nudged_at is not None or leaves > announce.last_moment_to_remind(turn, row):
        check_ins.end_open(session, [row], CheckInState.MISSED, now)
        return "missed"
    if leaves > now:
        row.nudge_at = leaves
        return "moved_to_day"
    announce.remind(turn, row)
    return "nudged"


def _give_up(session: Session, tools: Tools, message: OutboxRow, now: datetime) -> CheckIn | None:
    """End a message that lost its sense in line; return the check-in that nobody was asked for that reason."""
    row = announce.opened_by(session, message)
    state, reason = OutboxState.EXPIRED, "Telegram could not be reached in time"
    if message.state == OutboxState.DOUBT:
        state, reason = OutboxState.UNKNOWN, outcome.NOBODY_KNOWS
    patient = row.treatment.patient if row is not None else None
    if row is None or patient is None:
        outcome.give_up(session, tools, message, state, reason, now)
        return None
    nobody_asked = announce.lapsed(Turn.with_patient(session, tools, patient, now), row, message)
    outbox.end(session, message.id, state, message.error or "")
    return row if nobody_asked else None


def _list_for_staff(session: Session, tools: Tools, lost: Iterable[CheckIn], now: datetime) -> None:
    """Tell each branch's staff which check-ins could not be asked in time: these patients need a call."""
    by_branch: dict[str, list[CheckIn]] = {}
    for row in sorted(lost, key=lambda row: row.due_at):
        by_branch.setdefault(row.treatment.branch_id, []).append(row)
    for branch_id, rows in by_branch.items():
        staff = Turn.with_group(session, tools, 0, branch_id, now).staff()
        if staff is not None:
            lines = [
                staff.text("expired_line", label=row.treatment.label, when=staff.when(row.due_at))
                for row in rows
            ]
            staff.say(
                "\n".join([staff.text("expired_head"), *lines]), priority=Priority.DIGEST, in_group=True
            )
