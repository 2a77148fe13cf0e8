"""What is known about a patient's treatment, for reading what they write."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.triage import UNKNOWN, Circumstances
from bot.service.turn import Turn
from bot.storage import treatments


def circumstances_of(turn: Turn) -> Circumstances:
    """Return where the patient was treated, and how many hours before they wrote; unknown for a stranger."""
    treatment = treatments.newest_of(turn.session, turn.patient.id) if turn.patient else None
    if treatment is None:
        return UNKNOWN
    return Circumstances(
        regions=frozenset(treatment.regions),
        hours=((turn.written_at or turn.now) - treatment.treated_at) / timedelta(hours=1),
    )
