"""Raising the alarm: a red flag or a worrying answer tells the patient what to do and puts an alert before staff."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.conversation import Before
from bot.domain.message import TEXT_LIMIT, Incoming, Outgoing, Priority, Rows, escape, length, plain, split
from bot.domain.patient import AlertKind, AlertState
from bot.domain.plan import Option
from bot.domain.triage import Finding, Urgency
from bot.service import pauses
from bot.service.turn import Turn
from bot.storage import alerts, patients, treatments
from bot.storage.database import Session
from bot.storage.tables import Alert, Treatment

#: New words under the same sign join its alert for this long.
SAME_ALERT = timedelta(hours=24)
_MARK = {Urgency.EMERGENCY: "🔴", Urgency.SAME_DAY: "🟠", Urgency.ROUTINE: "🔵"}


def red_flag(turn: Turn, finding: Finding, incoming: Incoming) -> None:
    """Tell the person at once what to do, and alert staff: both go before anything else that waits."""
    said = incoming.text if not incoming.command else f"/{incoming.command} {incoming.arguments}"
    _raise(turn, finding.red_flag, finding.urgency, said=said, because=" … ".join(finding.because))
    if incoming.media is not None and incoming.media.file_id:
        copy_to_staff(turn, incoming.message_id, None)


def worrying_answer(turn: Turn, option: Option, asked: str, answered: str) -> Urgency:
    """Do the same for an answer to a check-in; return its urgency."""
    said = f"{asked} {answered}"
    if option.red_flag is not None:
        urgency = turn.tools.library.urgencies[option.red_flag]
        _raise(turn, option.red_flag, urgency, said=said, because="")
        return urgency
    alert = open_alert(turn, AlertKind.CHECK_IN, Urgency.SAME_DAY, said=said)
    post(turn, alert)
    return Urgency.ROUTINE


def _raise(turn: Turn, red_flag: str, urgency: Urgency, *, said: str, because: str) -> None:
    turn.tools.recent.forget(turn.chat_id)  # from here on nothing leans on what was said before
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
    known = _same_sign(turn, red_flag)
    if known is not None:
        _escalate(turn, known, urgency, because)
        known.said = f"{known.said}\n{said}"[-TEXT_LIMIT:]
        post(turn, known, again=True, said=said)
        return
    alert = open_alert(turn, AlertKind.RED_FLAG, urgency, said=said, because=because, red_flag=red_flag)
    post(turn, alert)


def _same_sign(turn: Turn, red_flag: str) -> Alert | None:
    """Return the newest alert about this sign in this chat that new words join."""
    unclosed = alerts.unclosed_of_chat(turn.session, turn.chat_id, turn.now - SAME_ALERT)
    return next((alert for alert in unclosed if alert.red_flag == red_flag), None)


def _escalate(turn: Turn, alert: Alert, urgency: Urgency, because: str) -> None:
    """Make an open alert as urgent as what has been said since; it never becomes less urgent."""
    if alert.kind == AlertKind.RED_FLAG and alert.urgency >= urgency:
        return
    alert.kind = AlertKind.RED_FLAG
    alert.urgency = max(urgency, Urgency(alert.urgency))
    alert.because = because or alert.because
    alert.state = AlertState.OPEN
    alert.raise_at = again_at(turn, Urgency(alert.urgency))
    alert.tell_patient_at = _tell_patient_at(turn, Urgency(alert.urgency))


def ask_if_now(turn: Turn, finding: Finding, incoming: Incoming) -> None:
    """Ask, with one tap, whether a sign that the words only resemble is there now; staff see it whatever is answered.

    A stranger's words go to nobody before the stranger says yes.
    """
    title = turn.language.red_flags[finding.red_flag].title
    row = (
        turn.button("button_check_yes", f"chk:{finding.red_flag}:yes"),
        turn.button("button_check_no", f"chk:{finding.red_flag}:no"),
    )
    turn.say(
        turn.text("check_now", sign=title), (row,), priority=Priority.DANGER, reply_to=incoming.message_id
    )
    turn.tools.recent.remember(turn.chat_id, Before("check", (finding.red_flag,), incoming.text), turn.now)
    patients.count(turn.session, f"checked:{finding.red_flag}", turn.now)
    if turn.patient is not None:
        alert = open_alert(
            turn,
            AlertKind.CHECK,
            Urgency.SAME_DAY,
            said=incoming.text,
            because=f"{finding.rule}: “{' … '.join(finding.because)}”",
            red_flag=finding.red_flag,
        )
        post(turn, alert)


def if_now_tapped(turn: Turn, incoming: Incoming) -> None:
    """Take a tap on "Yes, now" or "No"."""
    _name, _colon, rest = (incoming.data or "").partition(":")
    red_flag, _colon, answer = rest.partition(":")
    if red_flag not in turn.language.red_flags:
        turn.say(turn.text("button_old"), ((turn.button("button_menu", "menu"),),))
        return
    title = turn.language.red_flags[red_flag].title
    label = turn.language.phrases["button_check_yes" if answer == "yes" else "button_check_no"]
    turn.edit(f"{turn.text('check_now', sign=title)}\n\n✓ {label}", message_id=incoming.message_id)
    if_now_answered(turn, red_flag, incoming.replied_text, yes=answer == "yes")


def if_now_answered(turn: Turn, red_flag: str, said: str, *, yes: bool) -> None:
    """Act on the answer to what was *said*: yes is a red flag; no closes nothing, staff see it."""
    turn.tools.recent.forget(turn.chat_id)
    urgency = turn.tools.library.urgencies[red_flag]
    phrases = turn.tools.library.language(None).phrases
    if yes:
        answered = f"{said}\n→ {phrases['check_answered_yes']}".strip()
        _raise(turn, red_flag, urgency, said=answered, because="")
        return
    alert = _same_sign(turn, red_flag)
    sign = turn.language.red_flags[red_flag].title
    status = turn.text("check_no_staff") if alert is not None and turn.staff() else ""
    turn.say(turn.text(f"check_no_{urgency}", sign=sign, status=status).strip())
    if alert is not None:
        answer = phrases["check_answered_no"]
        alert.said = f"{alert.said}\n→ {answer}"[-TEXT_LIMIT:]
        post(turn, alert, said=f"{said}\n→ {answer}".strip())


def _closed_words(turn: Turn) -> dict[str, str]:
    """Return where to go instead when the clinic is closed, with when it opens; when it is open, the plain advice."""
    settings = turn.tools.settings
    opening = settings.next_opening(turn.branch_id, turn.now)
    if settings.is_open(turn.branch_id, turn.now) or opening is None:
        return {}
    closed = turn.language.phrases["clinic_closed_until"].format(opens=turn.opening(opening))
    return {"clinic.closed_advice": f"{closed} {settings.clinic.closed_advice}"}


def open_alert(
    turn: Turn,
    kind: AlertKind,
    urgency: Urgency,
    *,
    said: str,
    because: str = "",
    red_flag: str | None = None,
) -> Alert:
    """Open an alert about this chat; `post` puts it before staff."""
    treatment = _treatment(turn)
    tell_at = _tell_patient_at(turn, urgency) if kind is AlertKind.RED_FLAG else None
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
        now=turn.written_at or turn.now,
    )


def again_at(turn: Turn, urgency: Urgency) -> datetime:
    """Return when a new alert that nobody acknowledges is raised again."""
    return pauses.again_at(turn.tools.settings, turn.branch_id, urgency, turn.now)


def _tell_patient_at(turn: Turn, urgency: Urgency) -> datetime | None:
    return pauses.tell_patient_at(turn.tools.settings, urgency, turn.now)


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
    mark, title = mark_of(alert), sign_of(staff, alert)
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
    if alert.kind == AlertKind.CHECK:
        notes.append(staff.text("alert_asked_if_now"))
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


def mark_of(alert: Alert) -> str:
    """Return the sign by which staff see how urgent an alert is."""
    return _MARK[Urgency(alert.urgency)]


def sign_of(staff: Turn, alert: Alert) -> str:
    """Name what an alert is about, as safe HTML: its red flag; without one (that we still know), the kind of alert."""
    red_flag = staff.language.red_flags.get(alert.red_flag) if alert.red_flag is not None else None
    if red_flag is None:
        return staff.text(f"alert_{alert.kind}")
    if alert.kind == AlertKind.CHECK:
        return staff.text("alert_check_title", sign=red_flag.title)
    return staff.fill(red_flag.title)


def unposted(session: Session, alert_id: int, now: datetime) -> None:
    """Note that a post of an alert never reached staff, though the patient has read that they were told.

    At the next look the patient hears that nobody has seen it, and staff are shown it once more if that was its first
    post; after a later one it keeps its pauses, or a group that takes no posts would be tried without end.
    """
    alert = alerts.by_id(session, alert_id)
    if alert is None:
        return
    _tell_now(alert, now)
    if alert.raise_at is not None and alert.times_raised == 1:
        alert.raise_at = min(alert.raise_at, now)


def group_lost(session: Session, branch_id: str, now: datetime) -> None:
    """Note that a branch has no staff group any more: its alerts' patients hear at the next look that nobody has seen them.

    The alerts themselves wait for the next group.
    """
    for alert in alerts.open_of_branch(session, branch_id):
        _tell_now(alert, now)


def _tell_now(alert: Alert, now: datetime) -> None:
    # None: somebody has seen it, or the patient was told, or is not to be.
    if alert.tell_patient_at is not None:
        alert.tell_patient_at = min(alert.tell_patient_at, now)


def alert_buttons(staff: Turn, alert: Alert) -> Rows:
    """Return what can be done with an alert now."""
    if alert.state == "open":
        return ((staff.button("button_acknowledge", f"al:{alert.id}:ack"),),)
    if alert.state == "acknowledged":
        return ((staff.button("button_close", f"al:{alert.id}:close"),),)
    return ()


def who_is(turn: Turn) -> str:
    """Write who this chat is, for staff: the clinic's own label and the treatment; a stranger by their Telegram name."""
    return _who(turn.clinic(), _treatment(turn), turn.name, known=turn.patient is not None)


def who_of(staff: Turn, alert: Alert) -> str:
    """Write whom an alert is about, as `who_is` does."""
    return _who(staff, alert.treatment, alert.who, known=alert.patient_id is not None)


def _who(staff: Turn, treatment: Treatment | None, name: str, *, known: bool) -> str:
    words = staff.language
    if treatment is None:
        return words.phrases["who_no_treatment" if known else "who_stranger"].replace("{name}", name)
    regions = ", ".join(words.regions.get(region, region) for region in treatment.regions)
    return words.phrases["who"].format(
        label=treatment.label, regions=regions, when=staff.when(treatment.treated_at)
    )


def _treatment(turn: Turn) -> Treatment | None:
    return treatments.newest_of(turn.session, turn.patient.id) if turn.patient else None


def copy_to_staff(turn: Turn, message_id: int | None, alert: Alert | None) -> None:
    """Show staff a message of this chat as it is: a picture, a voice message."""
    staff = turn.staff()
    if staff is not None and message_id is not None:
        staff.put(
            Outgoing(kind="copy", from_chat=turn.chat_id, message_id=message_id),
            priority=Priority.ALERT,
            about_chat=turn.chat_id,
            alert_id=alert.id if alert else None,
            in_group=True,
        )
