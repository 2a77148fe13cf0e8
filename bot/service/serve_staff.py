"""Serving the staff group: binding it, alerts and their outcomes, and replies to patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.code import SETUP_LENGTH, code_from, grouped, hash_code, read_code
from bot.domain.message import TEXT_LIMIT, Incoming, Outgoing, Rows, escape, split
from bot.domain.patient import AlertOutcome
from bot.service import alarm, delay, outcome, register, show_day
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import alerts, groups, inbox, outbox
from bot.storage.database import Session
from bot.storage.outbox import Purpose

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
    arrived = inbox.finish(session, incoming.update_id, now, keep_words=False)
    if arrived is None:
        return
    chat_id = groups.now_at(session, incoming.chat_id)
    group = groups.by_chat(session, chat_id)
    branch_id = group.branch_id if group else tools.settings.branch(None).id
    turn = delay.noted(Turn.with_group(session, tools, chat_id, branch_id, now), incoming, arrived)
    if chat_id != incoming.chat_id:
        # From before the group became a supergroup. There the numbers of messages began anew: this one's stands for another.
        incoming = replace(incoming, message_id=None)
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
            with delay.excused(turn, in_group=True):
                step(turn, incoming)
    elif incoming.replied_to is not None:
        _reply(turn, incoming)


def added_to_group(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> None:
    """Greet a group the bot was added to: how to bind it."""
    if inbox.finish(session, incoming.update_id, now, keep_words=False) is None:
        return
    if groups.by_chat(session, incoming.chat_id) is None:
        turn = Turn.with_group(session, tools, incoming.chat_id, tools.settings.branch(None).id, now)
        turn.say(turn.text("group_added"), in_group=True)


def removed_from_group(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> None:
    """Forget a group the bot was removed from; open alerts wait for the next one."""
    if inbox.finish(session, incoming.update_id, now, keep_words=False) is not None:
        outcome.lose_group(session, incoming.chat_id, now)


def group_moved(
    session: Session, tools: Tools, incoming: Incoming, old: int, new: int, now: datetime
) -> None:
    """Follow a group that became a supergroup."""
    if inbox.finish(session, incoming.update_id, now, keep_words=False) is not None:
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
            alarm.post(bound, alert)


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
        alarm.post(turn, alert, again=True)
        return
    if action == "ack" and alerts.acknowledge(turn.session, alert, by, turn.now):
        _tell_seen(turn, alert.chat_id)
    elif action == "close" and alert.state != "closed":
        text, _rest = alarm.alert_text(turn, alert)
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
    """Show an alert as it stands now, in the message that shows it already; without one (None) in a new message."""
    alert = alerts.by_id(turn.session, alert_id)
    if alert is not None:
        text, _rest = alarm.alert_text(turn, alert)
        turn.edit(
            text,
            alarm.alert_buttons(turn, alert),
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
    earlier = groups.earlier(turn.session, turn.chat_id)
    said, text = incoming.replied_to or 0, incoming.replied_text
    row = outbox.answered(turn.session, incoming.chat_id, said, text, earlier=earlier)
    if row is None:
        if incoming.answers_bot:
            turn.say(turn.text("relay_nobody"), reply_to=incoming.message_id, in_group=True)
        return
    if row.slot is not None and row.slot.startswith("draft:"):
        register.typed(turn, incoming, int(row.slot.partition(":")[2]))
        return
    if row.about_chat is None:
        turn.say(turn.text("relay_nobody"), reply_to=incoming.message_id, in_group=True)
        return
    _relay(turn, incoming, row.about_chat)
    alert = alerts.by_id(turn.session, row.alert_id) if row.alert_id else None
    if alert is not None and alerts.acknowledge(turn.session, alert, incoming.sender.name, turn.now):
        refresh_alert(turn, alert.id, incoming.replied_to if row.chat_id == turn.chat_id else None)


def _relay(turn: Turn, incoming: Incoming, chat_id: int) -> None:
    person = Turn.with_chat(turn.session, turn.tools, chat_id, turn.branch_id, turn.now)
    if person.patient is not None and person.patient.unreachable_at is not None:
        turn.say(turn.text("relay_unreachable"), reply_to=incoming.message_id, in_group=True)
        return
    if incoming.media is not None and incoming.message_id is None:
        # A picture from before the group moved: under its number stands another message now, and whose, nobody knows.
        turn.say(turn.text("relay_failed", who=alarm.who_is(person)), in_group=True)
        return
    head = person.text("relay_head")
    answer = ((person.button("button_answer_clinic", "ho:write"),),) if person.patient else ()
    if incoming.media is not None:
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


def _help(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("staff_help"), in_group=True)


def _old_button(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("staff_button_old"), in_group=True)


_COMMANDS: dict[str, Step] = {
    "treated": register.begin,
    "today": show_day.today,
    "find": show_day.find,
    "cancel": show_day.cancel,
    "help": _help,
    "start": _help,
}
_TAPS: dict[str, Step] = {"al": _alert, "tr": show_day.treatment_tap, "d": register.tapped}
