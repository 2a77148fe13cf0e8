"""Keeping house: what has been kept long enough is erased, every night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.service import leave
from bot.service.ports import Tools
from bot.storage import alerts, check_ins, groups, inbox, outbox
from bot.storage.database import Session

#: How long the numbers of handled updates are kept against repeats (Telegram repeats for 24 hours at most).
NUMBERS = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one night's tidying erased."""

    patients: int
    words_received: int
    messages_sent: int
    strangers: int


def tidy(session: Session, tools: Tools, now: datetime) -> Counts:
    """Erase what is older than the clinic's retention says; may be called at any time."""
    retention = tools.settings.retention
    words_before = now - timedelta(days=retention.messages_days)
    over = check_ins.last_ended_before(session, now - timedelta(days=retention.patients_days))
    for patient in over:
        leave.erase(session, patient)
    groups.drop_drafts(session, now - timedelta(days=1))
    return Counts(
        patients=len(over),
        words_received=inbox.tidy(session, words_before, min(now - NUMBERS, words_before)),
        messages_sent=outbox.tidy(session, words_before),
        strangers=alerts.erase_strangers(session, words_before),
    )
