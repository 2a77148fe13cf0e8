"""What staff look at: who is due, who answered, who is silent, who has not opened the invite. Reading only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, joinedload

from bot.domain.patient import AlertState, CheckInState, TreatmentState
from bot.storage.tables import Alert, CheckIn, InboxRow, Invite, OutboxRow, Treatment

#: A silent patient stays on the list of calls for so long before today.
CALL_WITHIN = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Today:
    """A branch's day, each list in the order of its moments."""

    due: list[CheckIn]
    answered: list[CheckIn]
    waiting: list[CheckIn]
    to_call: list[CheckIn]
    unopened: list[Treatment]
    alerts: list[Alert]


def today(session: Session, branch_id: str, start: datetime, end: datetime) -> Today:
    """Return what happens at a branch between *start* and *end* (one local day, in UTC)."""
    rows = session.scalars(
        select(CheckIn)
        .options(joinedload(CheckIn.treatment))
        .join(Treatment, Treatment.id == CheckIn.treatment_id)
        .where(Treatment.branch_id == branch_id, Treatment.state == TreatmentState.ACTIVE)
        .where(CheckIn.due_at < end, func.coalesce(CheckIn.ended_at, end) >= start)
        .order_by(CheckIn.due_at, CheckIn.id)
    ).all()

    def joined(*states: CheckInState) -> list[CheckIn]:
        return [row for row in rows if row.state in states and row.patient_id is not None]

    unopened = session.scalars(
        select(Treatment)
        .where(
            Treatment.branch_id == branch_id,
            Treatment.state == TreatmentState.ACTIVE,
            Treatment.patient_id.is_(None),
            Treatment.id.in_(select(Invite.treatment_id).where(Invite.expires_at > start)),
        )
        .order_by(Treatment.treated_at)
    ).all()
    open_alerts = session.scalars(
        select(Alert).where(Alert.branch_id == branch_id, Alert.state != AlertState.CLOSED).order_by(Alert.id)
    ).all()
    return Today(
        due=joined(CheckInState.SCHEDULED),
        answered=joined(CheckInState.ANSWERED),
        waiting=joined(CheckInState.SENT),
        to_call=_to_call(session, branch_id, start),
        unopened=list(unopened),
        alerts=list(open_alerts),
    )


def _to_call(session: Session, branch_id: str, start: datetime) -> list[CheckIn]:
    """Return what was missed or could not be sent in the last days, unless the patient has answered since."""
    since = aliased(CheckIn)
    answered_since = (
        select(since.id)
        .where(
            since.patient_id == CheckIn.patient_id,
            since.state == CheckInState.ANSWERED,
            since.ended_at > CheckIn.ended_at,
        )
        .exists()
    )
    return list(
        session.scalars(
            select(CheckIn)
            .options(joinedload(CheckIn.treatment))
            .join(Treatment, Treatment.id == CheckIn.treatment_id)
            .where(Treatment.branch_id == branch_id, Treatment.state == TreatmentState.ACTIVE)
            .where(CheckIn.state.in_((CheckInState.MISSED, CheckInState.EXPIRED)))
            .where(CheckIn.patient_id.is_not(None), CheckIn.ended_at >= start - CALL_WITHIN, ~answered_since)
            .order_by(CheckIn.ended_at, CheckIn.id)
        )
    )


@dataclass(frozen=True, kw_only=True)
class CaughtUp:
    """What a start found overdue at a branch, each list in the order of its moments."""

    late: list[CheckIn]
    expired: list[CheckIn]


def caught_up(session: Session, branch_id: str, began: datetime, punctual: datetime) -> CaughtUp:
    """Return the check-ins that went out since *began* although due before *punctual*, and those too late to be sent."""
    wanted = (
        select(CheckIn)
        .options(joinedload(CheckIn.treatment))
        .join(Treatment, Treatment.id == CheckIn.treatment_id)
        .where(Treatment.branch_id == branch_id, CheckIn.patient_id.is_not(None))
        .order_by(CheckIn.due_at, CheckIn.id)
    )
    late = wanted.where(CheckIn.sent_at >= began, CheckIn.due_at < punctual)
    expired = wanted.where(CheckIn.state == CheckInState.EXPIRED, CheckIn.ended_at >= began)
    return CaughtUp(late=list(session.scalars(late)), expired=list(session.scalars(expired)))


def upcoming(session: Session, until: datetime | None = None) -> list[CheckIn]:
    """Return every check-in still to be sent (up to *until*), in the order in which it is due."""
    wanted = (
        select(CheckIn)
        .options(joinedload(CheckIn.treatment))
        .where(CheckIn.state == CheckInState.SCHEDULED)
        .order_by(CheckIn.due_at, CheckIn.id)
    )
    if until is not None:
        wanted = wanted.where(CheckIn.due_at <= until)
    return list(session.scalars(wanted))


@dataclass(frozen=True, kw_only=True)
class States:
    """How many updates and messages are in which state."""

    inbox: dict[str, int]
    outbox: dict[str, int]


def states(session: Session) -> States:
    """Return how many updates and messages are in which state."""
    received = session.execute(select(InboxRow.state, func.count()).group_by(InboxRow.state))
    said = session.execute(select(OutboxRow.state, func.count()).group_by(OutboxRow.state))
    return States(inbox=dict(received.all()), outbox=dict(said.all()))


def check_ins_of_all(session: Session) -> list[CheckIn]:
    """Return every check-in, in the order in which they are due."""
    return list(
        session.scalars(
            select(CheckIn).options(joinedload(CheckIn.treatment)).order_by(CheckIn.due_at, CheckIn.id)
        )
    )
