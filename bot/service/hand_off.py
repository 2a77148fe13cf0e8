"""Handing a person to people: questions, pictures, replies between a patient and staff, and word of leaving."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.message import TEXT_LIMIT, Incoming, Priority, escape, split
from bot.domain.patient import AlertKind, CheckInState
from bot.domain.triage import Urgency
from bot.service import alarm
from bot.service.turn import Turn
from bot.storage import alerts, check_ins, outbox
from bot.storage.outbox import Purpose
from bot.storage.tables import Alert

#: While an emergency is not closed, everything the patient writes goes to staff as well, for this long.
WATCHED = timedelta(hours=24)


def keep_question(turn: Turn, text: str) -> Alert:
    """Keep a question without an approved answer for staff to see; it is posted when the patient asks for that."""
    alert = alarm.open_alert(turn, AlertKind.QUESTION, Urgency.ROUTINE, said=text)
    alert.raise_at = None
    return alert


def asked(turn: Turn, incoming: Incoming) -> None:
    """Pass a question on to the clinic, or ask for it; a stranger is told first what that means."""
    step = (incoming.data or "").partition(":")[2]
    text = incoming.replied_text or (turn.patient.last_question if turn.patient else None) or ""
    copied = incoming.extra.get("replied_media_id")
    if step == "write":  # a fresh message, not the last question
        text, copied = "", None
    if turn.patient is None and step != "sure":
        key = "hand_over_stranger" if text or copied else "hand_over_stranger_write"
        rows = ((turn.button("button_pass_on", "ho:sure"),),) if text or copied else ()
        turn.say(turn.text(key), rows, reply_to=incoming.replied_to)
        return
    if not text and not copied:
        if turn.patient is not None:
            turn.patient.awaiting = "hand_over"
        turn.say(turn.text("hand_over_write"))
        return
    staff = turn.staff()
    if staff is None:
        turn.say(turn.text("hand_over_no_group"))
        return
    alert = _question_alert(turn, text)
    alarm.post(turn, alert)
    if copied:
        alarm.copy_to_staff(turn, int(copied), alert)
    if turn.patient is not None:
        turn.patient.last_question = None
    turn.say(passed_on(turn))


def _question_alert(turn: Turn, text: str) -> Alert:
    """Return the alert that already keeps this question, else a new one."""
    for alert in alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - alarm.SAME_ALERT):
        if alert.kind == AlertKind.QUESTION and alert.said == text:
            alert.raise_at = alarm.again_at(turn, Urgency.ROUTINE)
            return alert
    return alarm.open_alert(turn, AlertKind.QUESTION, Urgency.ROUTINE, said=text)


def passed_on(turn: Turn) -> str:
    """Return the honest word on who reads a message, and when."""
    settings = turn.tools.settings
    if settings.is_open(turn.branch_id, turn.now):
        return turn.text("passed_on_open")
    opening = settings.next_opening(turn.branch_id, turn.now)
    return turn.text("passed_on_closed", opens=turn.opening(opening) if opening else "")


def continues(turn: Turn, incoming: Incoming) -> bool:
    """Tell whether these words are for the clinic's people: asked for, or an answer to what they wrote."""
    if turn.patient is not None and turn.patient.awaiting == "hand_over":
        return True
    if incoming.replied_to is None:
        return False
    row = outbox.answered(turn.session, turn.chat_id, incoming.replied_to, incoming.replied_text)
    return row is not None and row.purpose == Purpose.RELAY


def message(turn: Turn, incoming: Incoming) -> None:
    """Pass a patient's words on to staff, unaltered, and say so."""
    staff = turn.staff()
    if turn.patient is not None:
        turn.patient.awaiting = None
    if staff is None:
        turn.say(turn.text("hand_over_no_group"))
        return
    alarm.post(turn, alarm.open_alert(turn, AlertKind.QUESTION, Urgency.ROUTINE, said=incoming.text))
    turn.say(passed_on(turn))


def also_to_staff(turn: Turn, incoming: Incoming) -> bool:
    """Show staff what a patient writes while an emergency of theirs is not closed; True if there is one."""
    watched = [
        alert
        for alert in alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - WATCHED)
        if alert.urgency == Urgency.EMERGENCY
    ]
    staff = turn.staff() if watched else None
    if staff is None:
        return False
    _relay_words(staff, watched[0], incoming.text)
    return True


def photo(turn: Turn, incoming: Incoming) -> None:
    """Show staff a patient's picture, and say that they have it."""
    staff = turn.staff()
    if staff is None:
        turn.say(turn.text("hand_over_no_group"))
        return
    alert = alarm.open_alert(
        turn, AlertKind.QUESTION, Urgency.ROUTINE, said=incoming.text or turn.language.phrases["photo_said"]
    )
    alarm.post(turn, alert)
    alarm.copy_to_staff(turn, incoming.message_id, alert)
    turn.say(f"{turn.text('photo_received')} {passed_on(turn)}")


def corrected(turn: Turn, asked: str, answered: str) -> None:
    """Tell staff that a patient took back a worrying answer; the alert stays theirs to close."""
    staff = turn.staff()
    open_alerts = alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - alarm.SAME_ALERT)
    if staff is not None and open_alerts:
        staff.say(
            staff.text("answer_corrected", who=alarm.who_is(turn), asked=asked, answered=answered),
            priority=Priority.ALERT,
            about_chat=turn.chat_id,
            alert_id=open_alerts[0].id,
            in_group=True,
        )


def unreachable(turn: Turn) -> None:
    """Note that a patient cannot be reached any more: nothing more is asked, and staff are told."""
    patient = turn.patient
    if patient is None or patient.unreachable_at is not None:
        return
    patient.unreachable_at = turn.now
    ended = check_ins.end_all_of(turn.session, patient.id, CheckInState.CANCELLED, turn.now)
    outbox.cancel(turn.session, turn.chat_id)
    tell_left(turn, "left_unreachable", len(ended))


def tell_left(turn: Turn, key: str, open_check_ins: int) -> None:
    """Tell staff that a patient left, and how many check-ins will not be asked."""
    staff = turn.staff()
    if staff is not None:
        staff.say(
            staff.text(key, who=alarm.who_is(turn), number=open_check_ins),
            priority=Priority.ALERT,
            about_chat=turn.chat_id,
            in_group=True,
        )


def _relay_words(staff: Turn, alert: Alert, text: str) -> None:
    head = f"💬 <b>{staff.text('writes_again', who=alarm.who_of(staff, alert))}</b>"
    for number, piece in enumerate(split(text, TEXT_LIMIT - 700)):
        staff.say(
            f"{head}\n\n{escape(piece)}" if number == 0 else escape(piece),
            alarm.alert_buttons(staff, alert) if number == 0 else (),
            priority=Priority.ALERT,
            about_chat=alert.chat_id,
            alert_id=alert.id,
            in_group=True,
        )
