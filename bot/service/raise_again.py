"""Raising again what nobody has acknowledged, and telling the patient that nobody has seen it yet."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.domain.triage import Urgency
from bot.service import alarm, attempt
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import alerts
from bot.storage.database import Session
from bot.storage.tables import Alert

#: What cannot be handled (a fault of ours) is tried again after this long.
PUT_OFF = timedelta(minutes=15)


def due(session: Session, tools: Tools, done: Counter[str], now: datetime, batch: int) -> bool:
    """Do what is due of open alerts, *batch* at most, and count it in *done*; True if there may be more."""
    again = alerts.due_again(session, now, batch)
    for alert in attempt.each(session, done, lambda alert: _raise_again(session, tools, alert, now), again):
        alert.raise_at = now + PUT_OFF
        alert.tell_patient_at = None
    return len(again) == batch


def _raise_again(session: Session, tools: Tools, alert: Alert, now: datetime) -> str:
    """Raise again what nobody has acknowledged, and tell the patient, once, that nobody has seen it yet."""
    turn = Turn.with_chat(session, tools, alert.chat_id, alert.branch_id, now)
    if alert.tell_patient_at is not None and alert.tell_patient_at <= now:
        alert.tell_patient_at = None
        key = "nobody_yet_emergency" if alert.urgency == Urgency.EMERGENCY else "nobody_yet_same_day"
        opening = tools.settings.next_opening(alert.branch_id, now)
        turn.say(
            turn.text(key, opens=turn.opening(opening) if opening else "-"),
            priority=Priority.DANGER,
        )
    if alert.raise_at is None or alert.raise_at > now:
        return "patient_told"
    posted = turn.staff() is not None
    if posted:
        alert.times_raised += 1
        alarm.post(turn, alert, again=True)
    alert.raise_at = alarm.again_at(turn, Urgency(alert.urgency), alert.times_raised)
    return "raised_again" if posted else "no_group"
