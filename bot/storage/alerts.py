"""Alerts: what staff must see, raised again until a person acknowledges it, closed with an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from bot.domain.patient import AlertKind, AlertOutcome, AlertState
from bot.domain.triage import Urgency
from bot.storage.tables import Alert, Moment, Patient, Treatment

_BY_URGENCY = case({urgency: -urgency.rank for urgency in Urgency}, value=Alert.urgency, else_=1)


def add(
    session: Session,
    *,
    branch_id: str,
    chat_id: int,
    patient: Patient | None,
    treatment: Treatment | None,
    kind: AlertKind,
    urgency: Urgency,
    who: str,
    said: str,
    because: str = "",
    red_flag: str | None = None,
    raise_at: datetime | None,
    tell_patient_at: datetime | None,
    now: datetime,
) -> Alert:
    """Open an alert."""
    alert = Alert(
        branch_id=branch_id,
        chat_id=chat_id,
        patient_id=patient.id if patient else None,
        treatment_id=treatment.id if treatment else None,
        kind=kind,
        urgency=urgency,
        red_flag=red_flag,
        because=because,
        said=said,
        who=who,
        state=AlertState.OPEN,
        raised_at=now,
        raise_at=raise_at,
        tell_patient_at=tell_patient_at,
    )
    session.add(alert)
    session.flush()
    return alert


def by_id(session: Session, alert_id: int) -> Alert | None:
    """Return an alert by id."""
    return session.get(Alert, alert_id)


def unclosed_of_chat(session: Session, chat_id: int, since: datetime) -> list[Alert]:
    """Return a chat's alerts raised after *since* that nobody has closed, newest first."""
    return list(session.scalars(_UNCLOSED, {"chat": chat_id, "since": since}))


@dataclass(frozen=True, kw_only=True)
class Latest:
    """The latest moments for which some open alerts can wait: those of an urgency and, if given, of a branch only.

    raised_below: only those that were raised fewer times. tell_patient_at: None if their patients are never told.
    """

    urgency: Urgency
    branch_id: str | None = None
    raised_below: int | None = None
    raise_at: datetime
    tell_patient_at: datetime | None = None


def due_again(session: Session, now: datetime, limit: int, latest: Sequence[Latest] = ()) -> list[Alert]:
    """Return open alerts that must be raised again, the most urgent first, each with its treatment.

    latest: the first that fits an alert counts; one that waits for a moment behind it is due now.
    """
    far = [(line, line.raise_at) for line in latest]
    return list(
        session.scalars(
            select(Alert)
            .where(Alert.state == AlertState.OPEN, _is_due(Alert.raise_at, now, far))
            .order_by(_BY_URGENCY, Alert.id)
            .limit(limit)
            .options(joinedload(Alert.treatment))
        )
    )


def untold(session: Session, now: datetime, limit: int, latest: Sequence[Latest] = ()) -> list[Alert]:
    """Return open alerts whose patient must be told that nobody has seen them; order and *latest* as in `due_again`."""
    far = [(line, line.tell_patient_at) for line in latest if line.tell_patient_at is not None]
    return list(
        session.scalars(
            select(Alert)
            .where(Alert.state == AlertState.OPEN, _is_due(Alert.tell_patient_at, now, far))
            .order_by(_BY_URGENCY, Alert.id)
            .limit(limit)
        )
    )


def _is_due(
    column: InstrumentedAttribute[datetime | None],
    now: datetime,
    far: Sequence[tuple[Latest, datetime | None]],
) -> ColumnElement[bool]:
    """Compare as SQL: the moment has come, or it lies behind the first of *far* that fits the alert."""
    if not far:
        return column <= now
    fitting = case(*((_fits(line), literal(moment, Moment())) for line, moment in far))
    return or_(column <= now, column > fitting)


def _fits(line: Latest) -> ColumnElement[bool]:
    fits = Alert.urgency == line.urgency
    if line.branch_id is not None:
        fits = and_(fits, Alert.branch_id == line.branch_id)
    if line.raised_below is not None:
        fits = and_(fits, Alert.times_raised < line.raised_below)
    return fits


def open_of_branch(session: Session, branch_id: str) -> list[Alert]:
    """Return a branch's alerts that are not closed, oldest first."""
    return list(
        session.scalars(
            select(Alert)
            .where(Alert.branch_id == branch_id, Alert.state != AlertState.CLOSED)
            .order_by(Alert.id)
        )
    )


def acknowledge(session: Session, alert: Alert, by: str, now: datetime) -> bool:
    """Record who has seen an alert; False if somebody had before."""
    if alert.state != AlertState.OPEN:
        return False
    alert.state = AlertState.ACKNOWLEDGED
    alert.acknowledged_at = now
    alert.acknowledged_by = by[:256]
    alert.raise_at = None
    alert.tell_patient_at = None
    return True


def close(session: Session, alert: Alert, by: str, outcome: AlertOutcome, now: datetime) -> bool:
    """Close an alert with its outcome; False if it was closed before."""
    if alert.state == AlertState.CLOSED:
        return False
    acknowledge(session, alert, by, now)
    alert.state = AlertState.CLOSED
    alert.closed_at = now
    alert.closed_by = by[:256]
    alert.outcome = outcome
    return True


def next_moment(session: Session) -> datetime | None:
    """Return when the next open alert needs something, if there is one.

    A moment that lies too far ahead (see `due_again`) stands here as it is: whoever waits for it must look now and then.
    """
    moments = (
        session.scalar(select(func.min(column)).where(Alert.state == AlertState.OPEN))
        for column in (Alert.raise_at, Alert.tell_patient_at)
    )
    return min((moment for moment in moments if moment is not None), default=None)


def of_chat(session: Session, chat_id: int) -> list[Alert]:
    """Return all alerts about a chat, oldest first."""
    return list(session.scalars(select(Alert).where(Alert.chat_id == chat_id).order_by(Alert.id)))


def erase_chat(session: Session, chat_id: int) -> int:
    """Drop all alerts about a chat, and return how many."""
    rows = of_chat(session, chat_id)
    for row in rows:
        session.delete(row)
    return len(rows)


def erase_strangers(session: Session, before: datetime) -> int:
    """Drop closed alerts about people without a record, raised before *before*; return how many."""
    rows = list(
        session.scalars(
            select(Alert).where(
                Alert.patient_id.is_(None), Alert.raised_at < before, Alert.state == AlertState.CLOSED
            )
        )
    )
    for row in rows:
        session.delete(row)
    return len(rows)


# Made once: to put a statement together takes longer than to run it, and this runs for each message of a patient.
_UNCLOSED = (
    select(Alert)
    .where(
        Alert.chat_id == bindparam("chat"),
        Alert.state != AlertState.CLOSED,
        Alert.raised_at > bindparam("since"),
    )
    .order_by(Alert.id.desc())
)
