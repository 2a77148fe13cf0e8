"""Keeping house: what has been kept long enough is erased, every night, a little at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.service import leave
from bot.service.ports import Tools
from bot.storage import alerts, check_ins, groups, inbox, outbox
from bot.storage.database import Session

#: How long the numbers of handled updates are kept against repeats (Telegram repeats for 24 hours at most).
NUMBERS = timedelta(days=7)
#: How much one transaction erases at most. Everything else waits for its end: the red flag that comes at that moment,
#: and the sign of life by which others know that this process lives.
PATIENTS, ROWS = 5, 250


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What tidying erased; *more*: there is something left to erase, which the next call does."""

    patients: int = 0
    words_received: int = 0
    messages_sent: int = 0
    strangers: int = 0
    more: bool = False

    def __add__(self, later: Counts) -> Counts:
        """Count a *later* call together with those before."""
        return Counts(
            patients=self.patients + later.patients,
            words_received=self.words_received + later.words_received,
            messages_sent=self.messages_sent + later.messages_sent,
            strangers=self.strangers + later.strangers,
            more=later.more,
        )


def tidy(session: Session, tools: Tools, now: datetime) -> Counts:
    """Erase some of what is older than the clinic's retention says, in one short transaction.

    May be called at any time. While the counts say that there is *more*, call it again: in another transaction, and
    after a breath in which others get their turn.
    """
    retention = tools.settings.retention
    words_before = now - timedelta(days=retention.messages_days)
    over = check_ins.last_ended_before(session, now - timedelta(days=retention.patients_days))
    for patient in over[:PATIENTS]:
        leave.erase(session, patient)
    groups.drop_drafts(session, now - timedelta(days=1))
    words_received = inbox.tidy(session, words_before, min(now - NUMBERS, words_before), ROWS)
    messages_sent = outbox.tidy(session, words_before, ROWS)
    return Counts(
        patients=min(len(over), PATIENTS),
        words_received=words_received,
        messages_sent=messages_sent,
        strangers=alerts.erase_strangers(session, words_before),
        more=len(over) > PATIENTS or ROWS in (words_received, messages_sent),
    )
