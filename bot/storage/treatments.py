"""Treatments and the invites that tie a patient's chat to one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.domain.patient import TreatmentState
from bot.storage.tables import Invite, Treatment


def add(
    session: Session,
    *,
    branch_id: str,
    label: str,
    treated_at: datetime,
    regions: Sequence[str],
    plan: str,
    by: str,
    now: datetime,
) -> Treatment:
    """Register a treatment; the patient joins later, by the invite."""
    treatment = Treatment(
        branch_id=branch_id,
        label=label,
        label_folded=label.casefold(),
        treated_at=treated_at,
        regions=list(regions),
        plan=plan,
        state=TreatmentState.ACTIVE,
        registered_at=now,
        registered_by=by[:80],
    )
    session.add(treatment)
    session.flush()
    return treatment


def by_id(session: Session, treatment_id: int) -> Treatment | None:
    """Return a treatment by id."""
    return session.get(Treatment, treatment_id)


def active_of(session: Session, patient_id: int) -> Treatment | None:
    """Return the treatment a patient is followed for: the newest active one."""
    return session.scalar(
        select(Treatment)
        .where(Treatment.patient_id == patient_id, Treatment.state == TreatmentState.ACTIVE)
        .order_by(Treatment.treated_at.desc(), Treatment.id.desc())
        .limit(1)
    )


def newest_of(session: Session, patient_id: int) -> Treatment | None:
    """Return a patient's newest treatment, whatever its state."""
    return session.scalar(_NEWEST, {"patient": patient_id})


def all_of(session: Session, patient_id: int) -> list[Treatment]:
    """Return all treatments of a patient, oldest first."""
    return list(
        session.scalars(
            select(Treatment).where(Treatment.patient_id == patient_id).order_by(Treatment.treated_at)
        )
    )


def find(session: Session, branch_id: str, text: str, limit: int = 8) -> list[Treatment]:
    """Return the branch's treatments whose label holds *text* (any case), newest first."""
    return list(
        session.scalars(
            select(Treatment)
            .where(
                Treatment.branch_id == branch_id,
                Treatment.label_folded.contains(text.casefold(), autoescape=True),
            )
            .order_by(Treatment.treated_at.desc(), Treatment.id.desc())
            .limit(limit)
        )
    )


def with_label(session: Session, label: str) -> list[Treatment]:
    """Return the treatments of all branches with exactly this label."""
    return list(session.scalars(select(Treatment).where(Treatment.label == label)))


def add_invite(
    session: Session, treatment_id: int, code_hash: str, now: datetime, expires_at: datetime
) -> Invite:
    """Keep a new invite; earlier ones of the treatment stop working."""
    for old in session.scalars(
        select(Invite).where(Invite.treatment_id == treatment_id, Invite.used_at.is_(None))
    ):
        old.expires_at = min(old.expires_at, now)
    invite = Invite(treatment_id=treatment_id, code_hash=code_hash, created_at=now, expires_at=expires_at)
    session.add(invite)
    session.flush()
    return invite


def invite_by_hash(session: Session, code_hash: str) -> Invite | None:
    """Return the invite with this hash, open or not."""
    return session.scalar(select(Invite).where(Invite.code_hash == code_hash))


def was_opened(session: Session, treatment_id: int) -> bool:
    """Tell whether any invite of a treatment was opened on a phone."""
    return (
        session.scalar(
            select(Invite.id)
            .where(Invite.treatment_id == treatment_id, Invite.opened_at.is_not(None))
            .limit(1)
        )
        is not None
    )


# Made once: to put a statement together takes longer than to run it, and this runs for each message of a patient.
_NEWEST = (
    select(Treatment)
    .where(Treatment.patient_id == bindparam("patient"))
    .order_by(Treatment.treated_at.desc(), Treatment.id.desc())
    .limit(1)
)
