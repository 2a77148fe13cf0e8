"""Handing a person to people: red flags and alerts to the staff group, messages back and forth, and who has seen them."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.message import TEXT_LIMIT, Incoming, Outgoing, Priority, Rows, escape, length, plain, split
from bot.domain.patient import AlertKind, CheckInState
from bot.domain.plan import Option
from bot.domain.triage import Finding, Urgency
from bot.service.turn import Turn
from bot.storage import alerts, check_ins, outbox, patients, treatments
from bot.storage.outbox import Purpose
from bot.storage.tables import Alert, Treatment

#: New words under the same sign join its alert for this long.
SAME_ALERT = timedelta(hours=24)
#: While an emergency is not closed, everything the patient writes goes to staff as well, for this long.
WATCHED = timedelta(hours=24)
_MARK = {Urgency.EMERGENCY: "🔴", Urgency.SAME_DAY: "🟠", Urgency.ROUTINE: "🔵"}


# --- a sign of danger ------------------------------------------------------------------------------------


def red_flag(turn: Turn, finding: Finding, incoming: Incoming) -> None:
    """Tell the person at once what to do, and alert staff: both go before anything else that waits."""
    said = incoming.text if not incoming.command else f"/{incoming.command} {incoming.arguments}"
    _raise(turn, finding.red_flag, finding.urgency, said=said, because=" … ".join(finding.because))
    if incoming.media is not None and incoming.media.file_id:
        _copy_to_staff(turn, incoming)


def worrying_answer(turn: Turn, option: Option, asked: str, answered: str) -> Urgency:
    """Do the same for an answer to a check-in; return its urgency."""
    said = f"{asked} {answered}"
    if option.red_flag is not None:
        urgency = turn.tools.library.urgencies[option.red_flag]
        _raise(turn, option.red_flag, urgency, said=said, because="")
        return urgency
    alert = _open(turn, AlertKind.CHECK_IN, Urgency.SAME_DAY, said=said)
    post(turn, alert)
    return Urgency.ROUTINE


def _raise(turn: Turn, red_flag: str, urgency: Urgency, *, said: str, because: str) -> None:
    told = turn.fill(turn.language.red_flags[red_flag].say, **_closed_words(turn))
    staff = turn.staff()
    if staff is None:
        status = turn.text("alert_no_group")
    elif turn.patient is None:
        status = turn.text("alert_sent_stranger")
    else:
        status = turn.text("alert_sent")
    turn.say(f"{told}\n\n{status}", priority=Priority.DANGER, about_chat=None)
    patients.count(turn.session, f"red_flag:{red_flag}", turn.now)
    known = [
        alert
        for alert in alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - SAME_ALERT)
        if alert.red_flag == red_flag
    ]
    if known:
        known[0].said = f"{known[0].said}\n{said}"[-TEXT_LIMIT:]
        post(turn, known[0], again=True, said=said)
        return
    alert = _open(turn, AlertKind.RED_FLAG, urgency, said=said, because=because, red_flag=red_flag)
    post(turn, alert)


def _closed_words(turn: Turn) -> dict[str, str]:
    """Return where to go instead when the clinic is closed, with when it opens; when it is open, the plain advice."""
    settings = turn.tools.settings
    opening = settings.next_opening(turn.branch_id, turn.now)
    if settings.is_open(turn.branch_id, turn.now) or opening is None:
        return {}
    closed = turn.language.phrases["clinic_closed_until"].format(opens=turn.when(opening))
    return {"clinic.closed_advice": f"{closed} {settings.clinic.closed_advice}"}


def _open(
    turn: Turn,
    kind: AlertKind,
    urgency: Urgency,
    *,
    said: str,
    because: str = "",
    red_flag: str | None = None,
) -> Alert:
    treatment = _treatment(turn)
    tell_at = None
    if urgency >= Urgency.SAME_DAY and kind is AlertKind.RED_FLAG:
        wait = timedelta(minutes=turn.tools.settings.alerts.tell_patient_after_minutes)
        tell_at = turn.now + (wait if urgency is Urgency.EMERGENCY else 6 * wait)
    return alerts.add(
        turn.session,
        branch_id=turn.branch_id,
        chat_id=turn.chat_id,
        patient=turn.patient,
        treatment=treatment,
        kind=kind,
        urgency=urgency,
        red_flag=red_flag,
        who=turn.name,
        said=said,
        because=because,
        raise_at=again_at(turn, urgency),
        tell_patient_at=tell_at,
        now=turn.now,
    )


def again_at(turn: Turn, urgency: Urgency) -> datetime:
    """Return when an alert that nobody acknowledges is raised again: an emergency soon, others in opening hours."""
    settings = turn.tools.settings
    if urgency is Urgency.EMERGENCY:
        return turn.now + timedelta(minutes=settings.alerts.emergency_again_minutes)
    pause = timedelta(minutes=settings.alerts.same_day_again_minutes)
    wanted = turn.now + (pause if urgency is Urgency.SAME_DAY else 4 * pause)
    if settings.is_open(turn.branch_id, wanted):
        return wanted
    opening = settings.next_opening(turn.branch_id, wanted)
    return opening or wanted


def post(turn: Turn, alert: Alert, *, again: bool = False, said: str | None = None) -> None:
    """Put an alert into the branch's staff group (again), with its button; without a group it waits for one."""
    staff = turn.staff()
    if staff is None:
        return
    text, rest = alert_text(staff, alert, again=again, said=said)
    danger = alert.urgency in (Urgency.EMERGENCY, Urgency.SAME_DAY)
    for number, piece in enumerate((text, *rest)):
        staff.say(
            piece,
            alert_buttons(staff, alert) if number == 0 else (),
            priority=Priority.DANGER if danger else Priority.ALERT,
            about_chat=alert.chat_id,
            alert_id=alert.id,
            in_group=True,
        )


def alert_text(
    staff: Turn, alert: Alert, *, again: bool = False, said: str | None = None
) -> tuple[str, list[str]]:
    """Write an alert for the staff group: how urgent, what, who, when, the words, and what the patient was told.

    Words too long to stand inside it are returned as messages of their own, unaltered.
    """
    mark = _MARK[Urgency(alert.urgency)]
    title = staff.text(f"alert_{alert.kind}")
    if alert.red_flag is not None:
        title = staff.fill(staff.language.red_flags[alert.red_flag].title)
    head = staff.text(f"alert_head_{alert.urgency}")
    if again:
        head = f"{staff.text('alert_again')} · {head}"
    lines = [f"{mark} <b>{head}</b>", f"<b>{title}</b>", "", escape(who_of(staff, alert))]
    lines.append(staff.text("alert_when", when=staff.when(alert.raised_at)))
    words = said if said is not None else alert.said
    notes = []
    if alert.because:
        notes.append(staff.text("alert_because", because=alert.because))
    if alert.kind == AlertKind.RED_FLAG:
        notes.append(staff.text(f"alert_told_{alert.urgency}"))
    if alert.acknowledged_by:
        notes.append(
            staff.text(
                "alert_acknowledged",
                by=alert.acknowledged_by,
                when=staff.when(alert.acknowledged_at or staff.now),
            )
        )
    if alert.outcome and alert.closed_by:
        notes.append(
            staff.text(
                "alert_closed", by=alert.closed_by, outcome=staff.language.phrases[f"outcome_{alert.outcome}"]
            )
        )
    notes.append(staff.text("alert_reply_hint"))
    around = "\n".join(lines), "\n\n" + "\n".join(notes)
    whole = f"\n\n“{escape(words)}”".join(around) if words else "".join(around)
    if length(plain(whole)) <= TEXT_LIMIT:
        return whole, []
    return "".join(around), [escape(piece) for piece in split(words)]


def alert_buttons(staff: Turn, alert: Alert) -> Rows:
    """Return what can be done with an alert now."""
    if alert.state == "open":
        return ((staff.button("button_acknowledge", f"al:{alert.id}:ack"),),)
    if alert.state == "acknowledged":
        return ((staff.button("button_close", f"al:{alert.id}:close"),),)
    return ()


# --- words for the clinic --------------------------------------------------------------------------------


def keep_question(turn: Turn, text: str) -> Alert:
    """Keep a question without an approved answer for staff to see; it is posted when the patient asks for that."""
    alert = _open(turn, AlertKind.QUESTION, Urgency.ROUTINE, said=text)
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
    post(turn, alert)
    if copied:
        _copy(turn, staff, int(copied), alert)
    if turn.patient is not None:
        turn.patient.last_question = None
    turn.say(passed_on(turn))


def _question_alert(turn: Turn, text: str) -> Alert:
    """Return the alert that already keeps this question, else a new one."""
    for alert in alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - SAME_ALERT):
        if alert.kind == AlertKind.QUESTION and alert.said == text:
            alert.raise_at = again_at(turn, Urgency.ROUTINE)
            return alert
    return _open(turn, AlertKind.QUESTION, Urgency.ROUTINE, said=text)


def passed_on(turn: Turn) -> str:
    """Return the honest word on who reads a message, and when."""
    settings = turn.tools.settings
    if settings.is_open(turn.branch_id, turn.now):
        return turn.text("passed_on_open")
    opening = settings.next_opening(turn.branch_id, turn.now)
    return turn.text("passed_on_closed", opens=turn.when(opening) if opening else "")


def continues(turn: Turn, incoming: Incoming) -> bool:
    """Tell whether these words are for the clinic's people: asked for, or an answer to what they wrote."""
    if turn.patient is not None and turn.patient.awaiting == "hand_over":
        return True
    if incoming.replied_to is None:
        return False
    row = outbox.by_message(turn.session, turn.chat_id, incoming.replied_to)
    return row is not None and row.purpose == Purpose.RELAY


def message(turn: Turn, incoming: Incoming) -> None:
    """Pass a patient's words on to staff, unaltered, and say so."""
    staff = turn.staff()
    if turn.patient is not None:
        turn.patient.awaiting = None
    if staff is None:
        turn.say(turn.text("hand_over_no_group"))
        return
    post(turn, _open(turn, AlertKind.QUESTION, Urgency.ROUTINE, said=incoming.text))
    turn.say(passed_on(turn))


def also_to_staff(turn: Turn, incoming: Incoming) -> bool:
    """Show staff what a patient writes while an emergency of theirs is not closed; True if there is one."""
    watched = [
        alert
        for alert in alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - WATCHED)
        if alert.urgency == Urgency.EMERGENCY
    ]
    staff = turn.staff()
    if not watched or staff is None:
        return False
    _relay_words(staff, watched[0], incoming.text)
    return True


def photo(turn: Turn, incoming: Incoming) -> None:
    """Show staff a patient's picture, and say that they have it."""
    staff = turn.staff()
    if staff is None:
        turn.say(turn.text("hand_over_no_group"))
        return
    alert = _open(
        turn, AlertKind.QUESTION, Urgency.ROUTINE, said=incoming.text or turn.language.phrases["photo_said"]
    )
    post(turn, alert)
    _copy(turn, staff, incoming.message_id or 0, alert)
    turn.say(f"{turn.text('photo_received')} {passed_on(turn)}")


def corrected(turn: Turn, asked: str, answered: str) -> None:
    """Tell staff that a patient took back a worrying answer; the alert stays theirs to close."""
    staff = turn.staff()
    open_alerts = alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - SAME_ALERT)
    if staff is not None and open_alerts:
        staff.say(
            staff.text("answer_corrected", who=who_is(turn), asked=asked, answered=answered),
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
            staff.text(key, who=who_is(turn), number=open_check_ins),
            priority=Priority.ALERT,
            about_chat=turn.chat_id,
            in_group=True,
        )


def who_is(turn: Turn) -> str:
    """Write who this chat is, for staff: the clinic's own label and the treatment; a stranger by their Telegram name."""
    return _who(turn, _treatment(turn), turn.name, known=turn.patient is not None)


def who_of(staff: Turn, alert: Alert) -> str:
    """Write whom an alert is about, as `who_is` does."""
    return _who(staff, alert.treatment, alert.who, known=alert.patient_id is not None)


def _who(turn: Turn, treatment: Treatment | None, name: str, *, known: bool) -> str:
    words = turn.tools.library.language(None)
    if treatment is None:
        return words.phrases["who_no_treatment" if known else "who_stranger"].replace("{name}", name)
    regions = ", ".join(words.regions.get(region, region) for region in treatment.regions)
    return words.phrases["who"].format(
        label=treatment.label, regions=regions, when=turn.when(treatment.treated_at)
    )


def _treatment(turn: Turn) -> Treatment | None:
    return treatments.newest_of(turn.session, turn.patient.id) if turn.patient else None


def _relay_words(staff: Turn, alert: Alert, text: str) -> None:
    head = f"💬 <b>{staff.text('writes_again', who=who_of(staff, alert))}</b>"
    for number, piece in enumerate(split(text, TEXT_LIMIT - 700)):
        staff.say(
            f"{head}\n\n{escape(piece)}" if number == 0 else escape(piece),
            alert_buttons(staff, alert) if number == 0 else (),
            priority=Priority.ALERT,
            about_chat=alert.chat_id,
            alert_id=alert.id,
            in_group=True,
        )


def _copy_to_staff(turn: Turn, incoming: Incoming) -> None:
    staff = turn.staff()
    if staff is not None and incoming.message_id is not None:
        _copy(turn, staff, incoming.message_id, None)


def _copy(turn: Turn, staff: Turn, message_id: int, alert: Alert | None) -> None:
    staff.put(
        Outgoing(kind="copy", from_chat=turn.chat_id, message_id=message_id),
        priority=Priority.ALERT,
        about_chat=turn.chat_id,
        alert_id=alert.id if alert else None,
        in_group=True,
    )
