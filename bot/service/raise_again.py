"""Raising again what nobody has acknowledged, and telling the patient that nobody has seen it yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.domain.message import TEXT_LIMIT, Priority, length, plain
from bot.domain.triage import Urgency
from bot.service import alarm, attempt, pauses
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import alerts
from bot.storage.database import Session
from bot.storage.tables import Alert

#: So many alerts of a branch at one moment have a message each; more are listed in one. Telegram takes 20 messages a
#: minute in a group, and answers the next with a pause for the whole bot: another patient's danger would wait.
EACH = 5
#: So many alerts are looked at in one transaction; most of a longer list is counted only.
MANY = 200


def due(session: Session, tools: Tools, done: Counter[str], now: datetime, batch: int) -> bool:
    """Do what is due of open alerts, and count it in *done*; True if there may be more.

    Patients are told by themselves, and first: whatever happens to the posts for staff, the patient knows. *batch*: so
    many patients are told, and so many alerts posted by themselves, at most.
    """
    latest = pauses.latest(tools.settings, now)
    untold = alerts.untold(session, now, batch, latest)
    for alert in attempt.each(session, done, lambda alert: _tell_patient(session, tools, alert, now), untold):
        alert.tell_patient_at = now + pauses.put_off(Urgency(alert.urgency))
    found = alerts.due_again(session, now, MANY, latest)
    by_branch: dict[str, list[Alert]] = {}
    for alert in found:
        by_branch.setdefault(alert.branch_id, []).append(alert)
    listed = set()
    for branch_id, rows in by_branch.items():
        staff = _branch(session, tools, branch_id, now).staff() if len(rows) > EACH else None
        if staff is not None:
            _raise_all(staff, done, rows)
            listed.add(branch_id)
    alone = [alert for alert in found if alert.branch_id not in listed]

    def one(alert: Alert) -> str:
        return _raise(_branch(session, tools, alert.branch_id, now), alert)

    _put_off(attempt.each(session, done, one, alone[:batch]), now)
    return len(untold) == batch or len(alone) >= batch or len(found) == MANY


def _tell_patient(session: Session, tools: Tools, alert: Alert, now: datetime) -> str:
    """Tell the patient, once, that nobody has seen it yet, and what to do."""
    turn = Turn.with_chat(session, tools, alert.chat_id, alert.branch_id, now)
    key = "nobody_yet_emergency" if alert.urgency == Urgency.EMERGENCY else "nobody_yet_same_day"
    opening = tools.settings.next_opening(alert.branch_id, now)
    turn.say(turn.text(key, opens=turn.opening(opening) if opening else "-"), priority=Priority.DANGER)
    alert.tell_patient_at = None
    return "patient_told"


def _branch(session: Session, tools: Tools, branch_id: str, now: datetime) -> Turn:
    """Return a turn of an alert's own branch: a patient may be another's by now, and there its button would not work."""
    return Turn.with_group(session, tools, 0, branch_id, now)


def _raise(branch: Turn, alert: Alert) -> str:
    """Raise an alert by itself."""
    if branch.staff() is None:
        return _wait_for_group(branch, alert)
    _mark(branch, alert)
    alarm.post(branch, alert, again=True)
    return "raised_again"


def _raise_all(staff: Turn, done: Counter[str], rows: Sequence[Alert]) -> None:
    """Raise many alerts of a branch, the most urgent first, in one message; each counts as raised."""
    lines: dict[int, str] = {}

    def write(alert: Alert) -> None:
        lines[alert.id] = _line(staff, alert)

    _put_off(attempt.each(staff.session, done, write, rows), staff.now)
    listed = [alert for alert in rows if alert.id in lines]

    def post(listed: Sequence[Alert]) -> str:
        urgent = any(Urgency(alert.urgency) >= Urgency.SAME_DAY for alert in listed)
        text = _list(staff, [lines[alert.id] for alert in listed])
        staff.say(text, priority=Priority.DANGER if urgent else Priority.ALERT, in_group=True)
        for alert in listed:
            _mark(staff, alert)
        return "listed"

    if not listed:
        return
    if attempt.each(staff.session, done, post, [listed]):
        _put_off(listed, staff.now)
    else:
        done["raised_again"] += len(listed)


def _wait_for_group(branch: Turn, alert: Alert) -> str:
    alert.raise_at = _next(branch, alert)
    return "no_group"


def _mark(branch: Turn, alert: Alert) -> None:
    alert.times_raised += 1
    alert.raise_at = _next(branch, alert)


def _next(branch: Turn, alert: Alert) -> datetime:
    urgency = Urgency(alert.urgency)
    return pauses.again_at(branch.tools.settings, alert.branch_id, urgency, branch.now, alert.times_raised)


def _put_off(failed: Sequence[Alert], now: datetime) -> None:
    for alert in failed:
        alert.raise_at = now + pauses.put_off(Urgency(alert.urgency))


def _line(staff: Turn, alert: Alert) -> str:
    label = alert.treatment.label if alert.treatment is not None else alert.who
    return staff.text(
        "alerts_again_line",
        mark=alarm.mark_of(alert),
        label=label,
        sign=plain(alarm.sign_of(staff, alert)),
        when=staff.when(alert.raised_at),
    )


def _list(staff: Turn, lines: Sequence[str]) -> str:
    """Write the list, cut so that it is one message of Telegram's."""
    head, hint = staff.text("alerts_again", number=len(lines)), staff.text("alerts_again_hint")
    room = TEXT_LIMIT - length(
        plain(f"{head}\n\n\n{staff.text('alerts_again_more', number=len(lines))}\n\n{hint}")
    )
    shown: list[str] = []
    for line in lines:
        room -= length(plain(line)) + 1
        if room < 0:
            break
        shown.append(line)
    if len(shown) < len(lines):
        shown.append(staff.text("alerts_again_more", number=len(lines) - len(shown)))
    return "\n".join([head, "", *shown, "", hint])
