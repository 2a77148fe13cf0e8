"""Check-ins: scheduled, due, answered, or ended otherwise. The truth about what is asked when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from bot.domain.patient import CheckInState, TreatmentState
from bot.storage.tables import CheckIn, Patient, Treatment

_OPEN = (CheckInState.SCHEDULED, CheckInState.SENT)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A check-in that is to be scheduled; *patient_id* is None until somebody joins the treatment."""

    treatment_id: int
    patient_id: int | None
    step: str
    due_at: datetime
    expires_at: datetime


def add(session: Session, treatment: Treatment, step: str, due_at: datetime, expires_at: datetime) -> CheckIn:
    """Schedule one step of a treatment."""
    check_in = CheckIn(
        treatment_id=treatment.id,
        patient_id=treatment.patient_id,
        step=step,
        state=CheckInState.SCHEDULED,
        due_at=due_at,
        expires_at=expires_at,
        answers={},
    )
    session.add(check_in)
    session.flush()
    return check_in


def add_many(session: Session, planned: Sequence[Planned]) -> None:
    """Schedule the steps of many treatments, those of an import, with one insert of all rows."""
    rows = [vars(one) | {"state": CheckInState.SCHEDULED, "answers": {}} for one in planned]
    if rows:
        # The table and not the class: of 100,000 rows nobody needs an object, which would take twice the time.
        table = CheckIn.__table__
        assert isinstance(table, Table)  # noqa: S101 (SQLAlchemy's types leave it open)
        session.execute(insert(table), rows)


def drop(session: Session, check_in: CheckIn) -> None:
    """Take a check-in off the plan that nobody has been asked yet: it gives way to a later one."""
    session.delete(check_in)
    session.flush()


def by_id(session: Session, check_in_id: int) -> CheckIn | None:
    """Return a check-in by id."""
    return session.get(CheckIn, check_in_id)


def of_treatment(session: Session, treatment_id: int) -> list[CheckIn]:
    """Return the check-ins of a treatment in the order in which they are due."""
    return list(
        session.scalars(
            select(CheckIn).where(CheckIn.treatment_id == treatment_id).order_by(CheckIn.due_at, CheckIn.id)
        )
    )


def open_of(session: Session, patient_id: int) -> CheckIn | None:
    """Return the check-in a patient can answer now: the newest that was sent."""
    return session.scalar(_OPEN_OF, {"patient": patient_id})


def with_open(session: Session, patient_ids: Collection[int]) -> set[int]:
    """Return those of *patient_ids* who have a check-in that they can answer now."""
    found = select(CheckIn.patient_id).where(
        CheckIn.patient_id.in_(patient_ids), CheckIn.state == CheckInState.SENT
    )
    return {id_ for id_ in session.scalars(found) if id_ is not None}


def next_of(session: Session, patient_id: int) -> CheckIn | None:
    """Return a patient's next scheduled check-in."""
    return session.scalar(
        select(CheckIn)
        .where(CheckIn.patient_id == patient_id, CheckIn.state == CheckInState.SCHEDULED)
        .order_by(CheckIn.due_at)
        .limit(1)
    )


def claim_due(session: Session, now: datetime, limit: int) -> list[CheckIn]:
    """Return up to *limit* check-ins whose moment has come, in the order in which they are due."""
    return list(
        session.scalars(
            select(CheckIn)
            .options(joinedload(CheckIn.treatment).joinedload(Treatment.patient))
            .where(CheckIn.state == CheckInState.SCHEDULED, CheckIn.due_at <= now)
            .where(or_(CheckIn.patient_id.is_not(None), CheckIn.expires_at <= now))
            .order_by(CheckIn.due_at, CheckIn.id)
            .limit(limit)
        )
    )


def claim_silent(session: Session, now: datetime, limit: int, longest: timedelta) -> list[CheckIn]:
    """Return up to *limit* check-ins that wait for an answer and whose next step (nudge, or missed) has come.

    Also those whose next step is further ahead than the *longest* pause: the clock was set back since.
    """
    waiting = (
        select(CheckIn)
        .options(joinedload(CheckIn.treatment).joinedload(Treatment.patient))
        .where(CheckIn.state == CheckInState.SENT)
        .order_by(CheckIn.nudge_at)
    )
    due = list(session.scalars(waiting.where(CheckIn.nudge_at <= now).limit(limit)))
    # Two questions and not one with an "or": each is a range of the index.
    if len(due) < limit:
        due += session.scalars(waiting.where(CheckIn.nudge_at > now + longest).limit(limit - len(due)))
    return due


def missed_unreminded(session: Session, branch_id: str, since: datetime) -> list[CheckIn]:
    """Return a branch's check-ins that were missed from *since* on without a reminder, in the order they were due.

    Not of patients who have one to answer now: they have just been asked anew.
    """
    asked = aliased(CheckIn)
    has_open = select(asked.id).where(
        asked.patient_id == CheckIn.patient_id, asked.state == CheckInState.SENT
    )
    return list(
        session.scalars(
            select(CheckIn)
            .options(joinedload(CheckIn.treatment))
            .join(Treatment, Treatment.id == CheckIn.treatment_id)
            .where(Treatment.branch_id == branch_id, CheckIn.patient_id.is_not(None))
            .where(CheckIn.state == CheckInState.MISSED, CheckIn.ended_at >= since)
            .where(CheckIn.nudged_at.is_(None), ~has_open.exists())
            .order_by(CheckIn.due_at, CheckIn.id)
        )
    )


def next_moment(session: Session) -> datetime | None:
    """Return when the next check-in is due or needs a nudge, if there is one."""
    due = session.scalar(
        select(func.min(CheckIn.due_at)).where(
            CheckIn.state == CheckInState.SCHEDULED, CheckIn.patient_id.is_not(None)
        )
    )
    silent = session.scalar(select(func.min(CheckIn.nudge_at)).where(CheckIn.state == CheckInState.SENT))
    return min((moment for moment in (due, silent) if moment is not None), default=None)


def end_open(session: Session, rows: Sequence[CheckIn], state: CheckInState, now: datetime) -> list[CheckIn]:
    """End those of *rows* that are scheduled or sent, and return them."""
    ended = [row for row in rows if row.state in _OPEN]
    for row in ended:
        row.state = state
        row.ended_at = now
        row.nudge_at = None
    return ended


def end_all_of(session: Session, patient_id: int, state: CheckInState, now: datetime) -> list[CheckIn]:
    """End everything that a patient would still be asked, and return it."""
    rows = session.scalars(select(CheckIn).where(CheckIn.patient_id == patient_id, CheckIn.state.in_(_OPEN)))
    return end_open(session, list(rows), state, now)


def resume(session: Session, patient_id: int, now: datetime) -> int:
    """Schedule again what was cancelled although its moment is still to come; return how many."""
    rows = list(
        session.scalars(
            select(CheckIn)
            .join(Treatment, Treatment.id == CheckIn.treatment_id)
            .where(
                CheckIn.patient_id == patient_id,
                CheckIn.state == CheckInState.CANCELLED,
                CheckIn.due_at > now,
                Treatment.state == TreatmentState.ACTIVE,
            )
        )
    )
    for row in rows:
        row.state = CheckInState.SCHEDULED
        row.ended_at = None
    return len(rows)


def last_ended_before(session: Session, before: datetime) -> list[Patient]:
    """Return the patients who have nothing open and whose last check-in was due before *before*.

    Whoever never had one is counted from the day they agreed.
    """
    mine = CheckIn.patient_id == Patient.id
    has_open = select(CheckIn.id).where(mine, CheckIn.state.in_(_OPEN)).exists()
    last = select(func.max(CheckIn.due_at)).where(mine).scalar_subquery()
    return list(
        session.scalars(select(Patient).where(func.coalesce(last, Patient.consented_at) < before, ~has_open))
    )


def all_of(session: Session, patient_id: int) -> list[CheckIn]:
    """Return all check-ins of a patient in the order in which they are due."""
    return list(
        session.scalars(
            select(CheckIn)
            .options(joinedload(CheckIn.treatment))
            .where(CheckIn.patient_id == patient_id)
            .order_by(CheckIn.due_at, CheckIn.id)
        )
    )


# Made once: to put a statement together takes longer than to run it, and this runs for each message of a patient.
_OPEN_OF = (
    select(CheckIn)
    .where(CheckIn.patient_id == bindparam("patient"), CheckIn.state == CheckInState.SENT)
    .order_by(CheckIn.sent_at.desc(), CheckIn.id.desc())
    .limit(1)
)
