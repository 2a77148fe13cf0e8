"""Showing staff their day and their patients: /today, /find, /cancel."""

from __future__ import annotations

from datetime import datetime

from bot.domain.message import TEXT_LIMIT, Button, Incoming, Rows, escape
from bot.domain.patient import AlertKind, CheckInState, TreatmentState
from bot.domain.timing import local_day
from bot.service import enrol, register
from bot.service.turn import Turn
from bot.storage import check_ins, overview, patients, treatments
from bot.storage.tables import Alert, CheckIn, Treatment


def today(turn: Turn, _incoming: Incoming) -> None:
    """Show the day: who needs a call, who is silent, who is due, who answered, who has not opened the invite."""
    day = overview.today(turn.session, turn.branch_id, *local_day(turn.now, turn.zone))
    parts = [f"<b>{turn.text('today_head', branch=turn.tools.settings.branch(turn.branch_id).name)}</b>"]

    def section(key: str, lines: list[str]) -> None:
        if lines:
            parts.append(f"<b>{turn.text(key, number=len(lines))}</b>\n" + "\n".join(lines))

    def line(row: CheckIn, moment: datetime | None) -> str:
        step = turn.language.steps.get(row.step)
        return f"• {escape(row.treatment.label)}: {escape(step.title if step else row.step)}, {turn.when(moment or row.due_at)}"

    section("today_alerts", [f"• {_alert_line(turn, alert)}" for alert in day.alerts])
    section("today_call", [line(row, row.ended_at) for row in day.to_call])
    section("today_silent", [line(row, row.sent_at) for row in day.waiting])
    section("today_due", [line(row, row.due_at) for row in day.due])
    section("today_answered", [line(row, row.ended_at) + _answers(turn, row) for row in day.answered])
    section(
        "today_unopened",
        [
            f"• {escape(treatment.label)}: {turn.when(treatment.treated_at)}, "
            + turn.text(
                "today_opened" if treatments.was_opened(turn.session, treatment.id) else "today_not_opened"
            )
            for treatment in day.unopened
        ],
    )
    if len(parts) == 1:
        parts.append(turn.text("today_empty"))
    shown: Rows = tuple(
        (Button(label=_short(f"{_label(alert)}: {_alert_title(turn, alert)}"), data=f"al:{alert.id}:show"),)
        for alert in day.alerts[:8]
    )
    for number, piece in enumerate(_pages(parts)):
        turn.say(piece, shown if number == 0 else (), in_group=True)


def _alert_line(turn: Turn, alert: Alert) -> str:
    words = f" “{escape(_short(alert.said))}”" if alert.kind == AlertKind.QUESTION else ""
    seen = "" if alert.acknowledged_at is None else " ✓"
    return f"{escape(_label(alert))}: {escape(_alert_title(turn, alert))}{words}, {turn.when(alert.raised_at)}{seen}"


def _alert_title(turn: Turn, alert: Alert) -> str:
    if alert.red_flag is not None:
        return turn.language.red_flags[alert.red_flag].title
    return turn.language.phrases[f"alert_{AlertKind(alert.kind)}"]


def _label(alert: Alert) -> str:
    return alert.treatment.label if alert.treatment is not None else alert.who


def _short(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _answers(turn: Turn, row: CheckIn) -> str:
    questions = turn.tools.library.plans.questions
    told = [
        f"{turn.language.questions[id_].name} {turn.language.questions[id_].label(questions[id_], value)}"
        for id_, value in row.answers.items()
        if id_ in questions
    ]
    return f" ({escape('; '.join(told))})" if told else ""


def find(turn: Turn, incoming: Incoming) -> None:
    """Show the treatments with a label, each with what can be done about it."""
    wanted = incoming.arguments.strip()
    found = treatments.find(turn.session, turn.branch_id, wanted) if wanted else []
    if not found:
        turn.say(turn.text("find_none" if wanted else "find_how"), in_group=True)
    for treatment in found:
        _show_treatment(turn, treatment)


def _show_treatment(turn: Turn, treatment: Treatment) -> None:
    patient = patients.by_id(turn.session, treatment.patient_id) if treatment.patient_id else None
    regions = ", ".join(turn.language.regions.get(region, region) for region in treatment.regions)
    lines = [
        f"<b>{escape(treatment.label)}</b> · {turn.language.phrases[f'treatment_{treatment.state}']}",
        turn.text("find_treated", when=turn.when(treatment.treated_at), regions=regions),
        turn.text("find_patient", name=patient.name) if patient else turn.text("find_no_patient"),
    ]
    for row in check_ins.of_treatment(turn.session, treatment.id):
        step = turn.language.steps.get(row.step)
        state = turn.language.phrases[f"check_in_state_{row.state}"]
        lines.append(
            f"• {escape(step.title if step else row.step)}: {turn.when(row.due_at)}, {state}{_answers(turn, row)}"
        )
    buttons: list[Button] = []
    if treatment.state == TreatmentState.ACTIVE:
        if patient is None:
            buttons.append(turn.button("button_new_invite", f"tr:{treatment.id}:invite"))
        buttons.append(turn.button("button_cancel_treatment", f"tr:{treatment.id}:cancel"))
    turn.say(
        "\n".join(lines),
        (tuple(buttons),) if buttons else (),
        about_chat=patient.chat_id if patient else None,
        in_group=True,
    )


def cancel(turn: Turn, incoming: Incoming) -> None:
    """Show what could be cancelled; a button makes it so."""
    wanted = incoming.arguments.strip()
    found = [
        treatment
        for treatment in (treatments.find(turn.session, turn.branch_id, wanted) if wanted else [])
        if treatment.state == TreatmentState.ACTIVE
    ]
    if not found:
        turn.say(turn.text("find_none" if wanted else "cancel_how"), in_group=True)
    for treatment in found:
        _ask_cancel(turn, treatment)


def _ask_cancel(turn: Turn, treatment: Treatment) -> None:
    turn.say(
        turn.text("cancel_ask", label=treatment.label, when=turn.when(treatment.treated_at)),
        (
            (
                turn.button("button_cancel_yes", f"tr:{treatment.id}:cancel_yes"),
                turn.button("button_cancel_no", f"tr:{treatment.id}:keep"),
            ),
        ),
        in_group=True,
    )


def treatment_tap(turn: Turn, incoming: Incoming) -> None:
    """Take a tap under a treatment: cancel it (after a question), keep it, or make a new invitation."""
    _name, id_, action = f"{incoming.data}::".split(":")[:3]
    treatment = treatments.by_id(turn.session, int(id_)) if id_.isdigit() else None
    if treatment is None or treatment.branch_id != turn.branch_id:
        turn.say(turn.text("treatment_unknown"), in_group=True)
    elif action == "cancel":
        _ask_cancel(turn, treatment)
    elif action == "cancel_yes":
        number = enrol.cancel(turn.session, turn.tools, treatment, turn.now)
        turn.edit(
            turn.text("cancelled", label=treatment.label, number=number),
            message_id=incoming.message_id,
            in_group=True,
        )
    elif action == "keep":
        turn.edit(
            turn.text("cancel_kept", label=treatment.label), message_id=incoming.message_id, in_group=True
        )
    elif action == "invite":
        if treatment.state != TreatmentState.ACTIVE or treatment.patient_id is not None:
            turn.say(turn.text("invite_not_needed", label=treatment.label), in_group=True)
            return
        code, expires_at = enrol.new_invite(turn.session, turn.tools, treatment, turn.now)
        rows = [
            row
            for row in check_ins.of_treatment(turn.session, treatment.id)
            if row.state == CheckInState.SCHEDULED
        ]
        register.hand_out(turn, treatment, code, expires_at, rows)


def _pages(parts: list[str]) -> list[str]:
    """Join *parts* into messages within Telegram's limit; they are cut between lines only."""
    pages: list[str] = [""]
    for line in "\n\n".join(parts).split("\n"):
        if len(pages[-1]) + len(line) + 1 > TEXT_LIMIT:
            pages.append("")
        pages[-1] += f"{line}\n"
    return [page.strip("\n") for page in pages]
