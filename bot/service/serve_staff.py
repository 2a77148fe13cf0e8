"""Serving the staff group: binding it, alerts and their outcomes, replies to patients, and the day's lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.domain.code import SETUP_LENGTH, code_from, grouped, hash_code, read_code
from bot.domain.message import TEXT_LIMIT, Button, Incoming, Outgoing, Rows, escape, split
from bot.domain.patient import AlertKind, AlertOutcome, CheckInState, TreatmentState
from bot.domain.timing import local_day
from bot.service import enrol, hand_off, register
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import alerts, check_ins, groups, inbox, outbox, overview, patients, treatments
from bot.storage.database import Session
from bot.storage.outbox import Purpose
from bot.storage.tables import Alert, CheckIn, Treatment

Step = Callable[[Turn, Incoming], None]

#: How long a set-up code works.
SETUP_VALID = timedelta(hours=24)


# --- binding ---------------------------------------------------------------------------------------------


def new_setup_code(session: Session, tools: Tools, branch_id: str, now: datetime) -> str:
    """Make the one-time code that binds a Telegram group to a branch; earlier ones stop working."""
    code = code_from(tools.random_bits(5 * SETUP_LENGTH), SETUP_LENGTH)
    groups.add_setup_code(session, branch_id, hash_code(code), now + SETUP_VALID)
    return grouped(code)


def from_group(session: Session, tools: Tools, incoming: Incoming, now: datetime, *, member: bool) -> None:
    """Handle one update from a group. *member*: Telegram says that the sender belongs to it.

    A group that is bound to no branch can do one thing only: be bound, with a code.
    """
    if not inbox.finish(session, incoming.update_id, now, keep_words=False):
        return
    group = groups.by_chat(session, incoming.chat_id)
    branch_id = group.branch_id if group else tools.settings.branch(None).id
    turn = Turn.with_group(session, tools, incoming.chat_id, branch_id, now)
    if incoming.command == "setup":
        if member:
            _bind(turn, incoming)
        return
    if group is None or not member or incoming.edited:
        return
    if incoming.data is not None:
        _TAPS.get(incoming.data.partition(":")[0], _old_button)(turn, incoming)
    elif incoming.command is not None:
        step = _COMMANDS.get(incoming.command)
        if step is not None:
            step(turn, incoming)
    elif incoming.replied_to is not None:
        _reply(turn, incoming)


def added_to_group(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> None:
    """Greet a group the bot was added to: how to bind it."""
    if not inbox.finish(session, incoming.update_id, now, keep_words=False):
        return
    if groups.by_chat(session, incoming.chat_id) is None:
        turn = Turn.with_group(session, tools, incoming.chat_id, tools.settings.branch(None).id, now)
        turn.say(turn.text("group_added"), in_group=True)


def removed_from_group(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> None:
    """Forget a group the bot was removed from; open alerts wait for the next one."""
    if inbox.finish(session, incoming.update_id, now, keep_words=False):
        groups.unbind(session, incoming.chat_id)
        outbox.cancel(session, incoming.chat_id)


def group_moved(
    session: Session, tools: Tools, incoming: Incoming, old: int, new: int, now: datetime
) -> None:
    """Follow a group that became a supergroup."""
    if inbox.finish(session, incoming.update_id, now, keep_words=False):
        groups.migrate(session, old, new)


def _bind(turn: Turn, incoming: Incoming) -> None:
    code = read_code(incoming.arguments, SETUP_LENGTH)
    branch_id = groups.use_setup_code(turn.session, hash_code(code), turn.now) if code else None
    if branch_id is None:
        turn.say(turn.text("setup_wrong"), in_group=True)
        return
    groups.bind(
        turn.session, branch_id, incoming.chat_id, incoming.title or "", incoming.sender.name, turn.now
    )
    bound = Turn.with_group(turn.session, turn.tools, incoming.chat_id, branch_id, turn.now)
    branch = turn.tools.settings.branch(branch_id)
    bound.say(bound.text("setup_done", branch=branch.name), in_group=True)
    for alert in alerts.open_of_branch(turn.session, branch_id):
        if alert.raise_at is not None:
            hand_off.post(bound, alert)


# --- alerts ----------------------------------------------------------------------------------------------


def _alert(turn: Turn, incoming: Incoming) -> None:
    """Take a tap under an alert: acknowledge, ask for the outcome, close, or show it again."""
    _name, id_, action, *rest = f"{incoming.data}::".split(":")
    alert = alerts.by_id(turn.session, int(id_)) if id_.isdigit() else None
    if alert is None or alert.branch_id != turn.branch_id:
        turn.say(turn.text("alert_unknown"), in_group=True)
        return
    by = incoming.sender.name
    if action == "show":
        hand_off.post(turn, alert, again=True)
        return
    if action == "ack" and alerts.acknowledge(turn.session, alert, by, turn.now):
        _tell_seen(turn, alert.chat_id)
    elif action == "close" and alert.state != "closed":
        text, _rest = hand_off.alert_text(turn, alert)
        outcomes: Rows = tuple(
            (turn.button(f"outcome_{outcome}", f"al:{alert.id}:o:{outcome}"),) for outcome in AlertOutcome
        )
        turn.edit(
            text,
            outcomes,
            message_id=incoming.message_id,
            about_chat=alert.chat_id,
            alert_id=alert.id,
            in_group=True,
        )
        return
    elif action == "o" and rest[0] in tuple(AlertOutcome):
        unseen = alert.acknowledged_at is None
        if alerts.close(turn.session, alert, by, AlertOutcome(rest[0]), turn.now) and unseen:
            _tell_seen(turn, alert.chat_id)
    refresh_alert(turn, alert.id, incoming.message_id)


def refresh_alert(turn: Turn, alert_id: int, message_id: int | None) -> None:
    """Show an alert as it stands now, in the message that shows it already."""
    alert = alerts.by_id(turn.session, alert_id)
    if alert is not None and message_id is not None:
        text, _rest = hand_off.alert_text(turn, alert)
        turn.edit(
            text,
            hand_off.alert_buttons(turn, alert),
            message_id=message_id,
            about_chat=alert.chat_id,
            alert_id=alert.id,
            in_group=True,
        )


def _tell_seen(turn: Turn, chat_id: int) -> None:
    person = Turn.with_chat(turn.session, turn.tools, chat_id, turn.branch_id, turn.now)
    person.say(person.text("seen", at=person.clock(turn.now)))


# --- replies ---------------------------------------------------------------------------------------------


def _reply(turn: Turn, incoming: Incoming) -> None:
    """Send a staff member's reply to the patient whom the answered message is about."""
    row = outbox.by_message(turn.session, turn.chat_id, incoming.replied_to or 0)
    if row is None or row.chat_id != turn.chat_id:
        return
    if row.slot is not None and row.slot.startswith("draft:"):
        register.typed(turn, incoming, int(row.slot.partition(":")[2]))
        return
    if row.about_chat is None:
        return
    _relay(turn, incoming, row.about_chat)
    alert = alerts.by_id(turn.session, row.alert_id) if row.alert_id else None
    if alert is not None and alerts.acknowledge(turn.session, alert, incoming.sender.name, turn.now):
        refresh_alert(turn, alert.id, incoming.replied_to)


def _relay(turn: Turn, incoming: Incoming, chat_id: int) -> None:
    person = Turn.with_chat(turn.session, turn.tools, chat_id, turn.branch_id, turn.now)
    if person.patient is not None and person.patient.unreachable_at is not None:
        turn.say(turn.text("relay_unreachable"), reply_to=incoming.message_id, in_group=True)
        return
    head = person.text("relay_head")
    answer = ((person.button("button_answer_clinic", "ho:write"),),) if person.patient else ()
    if incoming.media is not None and incoming.message_id is not None:
        person.say(head, purpose=Purpose.RELAY)
        last = person.put(
            Outgoing(kind="copy", from_chat=turn.chat_id, message_id=incoming.message_id, buttons=answer),
            purpose=Purpose.RELAY,
        )
    else:
        room = TEXT_LIMIT - 300
        pieces = split(incoming.text, room)
        for number, piece in enumerate(pieces):
            text = f"{head}\n\n{escape(piece)}" if number == 0 else escape(piece)
            buttons = answer if number == len(pieces) - 1 else ()
            last = person.say(text, buttons, purpose=Purpose.RELAY)
    # Staff are told when it has arrived (or that it could not): see deliver.
    last.payload = {**(last.payload or {}), "receipt": [turn.chat_id, incoming.message_id]}


# --- lists -----------------------------------------------------------------------------------------------


def _today(turn: Turn, _incoming: Incoming) -> None:
    """Show the day: who needs a call, who is silent, who is due, who answered, who has not opened the invite."""
    day = overview.today(turn.session, turn.branch_id, *local_day(turn.now, turn.zone))
    parts = [f"<b>{turn.text('today_head', branch=turn.tools.settings.branch(turn.branch_id).name)}</b>"]

    def section(key: str, lines: list[str]) -> None:
        if lines:
            parts.append(f"<b>{turn.text(key, number=len(lines))}</b>\n" + "\n".join(lines[:40]))

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


def _find(turn: Turn, incoming: Incoming) -> None:
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


def _cancel(turn: Turn, incoming: Incoming) -> None:
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


def _treatment_tap(turn: Turn, incoming: Incoming) -> None:
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


def _help(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("staff_help"), in_group=True)


def _old_button(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("staff_button_old"), in_group=True)


def _pages(parts: list[str]) -> list[str]:
    """Join *parts* into messages within Telegram's limit; they are cut between lines only."""
    pages: list[str] = [""]
    for line in "\n\n".join(parts).split("\n"):
        if len(pages[-1]) + len(line) + 1 > TEXT_LIMIT:
            pages.append("")
        pages[-1] += f"{line}\n"
    return [page.strip("\n") for page in pages]


_COMMANDS: dict[str, Step] = {
    "treated": register.begin,
    "today": _today,
    "find": _find,
    "cancel": _cancel,
    "help": _help,
    "start": _help,
}
_TAPS: dict[str, Step] = {"al": _alert, "tr": _treatment_tap, "d": register.tapped}
