"""Patients: people who agreed, by their Telegram chat; and counts that name nobody."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.storage.tables import Count, Patient


def by_chat(session: Session, chat_id: int) -> Patient | None:
    """Return the patient of a chat, or None for a stranger."""
    return session.scalar(_OF_CHAT, {"chat": chat_id})


def by_id(session: Session, patient_id: int) -> Patient | None:
    """Return a patient by id."""
    return session.get(Patient, patient_id)


def agree(
    session: Session, *, chat_id: int, name: str, language: str, branch_id: str, now: datetime
) -> Patient:
    """Record that a person agreed (or agreed again), and return them."""
    patient = by_chat(session, chat_id)
    if patient is None:
        patient = Patient(
            chat_id=chat_id, name=name[:256], language=language, branch_id=branch_id, consented_at=now
        )
        session.add(patient)
    patient.branch_id = branch_id
    patient.consented_at = now
    patient.stopped_at = None
    patient.unreachable_at = None
    session.flush()
    return patient


def erase(session: Session, patient: Patient) -> None:
    """Drop a patient; treatments, invites, check-ins and alerts of theirs go with the row."""
    session.delete(patient)
    session.flush()


def count(session: Session, name: str, now: datetime) -> None:
    """Add one to a day's count of *name* (UTC day)."""
    day = f"{now.astimezone(UTC):%Y-%m-%d}"
    session.execute(_ONE_MORE[session.get_bind().dialect.name], {"day": day, "name": name[:80], "number": 1})


# Made once: to put a statement together takes longer than to run it, and these run for each update.
_OF_CHAT = select(Patient).where(Patient.chat_id == bindparam("chat"))
_ONE_MORE = {
    dialect: insert(Count).on_conflict_do_update(
        index_elements=["day", "name"], set_={"number": Count.number + 1}
    )
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
