"""Registering a treatment with buttons, in the staff group: when, where, plan, label; then link, QR picture and card."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.domain.code import grouped
from bot.domain.message import Button, Incoming, Outgoing, Rows, escape
from bot.domain.timing import from_local, local_time
from bot.service import enrol
from bot.service.card import card_html, qr_png
from bot.service.turn import Turn
from bot.storage import groups
from bot.storage.outbox import Purpose
from bot.storage.tables import CheckIn, Draft, Treatment

_CLOCK = re.compile(r"^\s*(\d{1,2})[:.h ]?(\d{2})\s*$")
#: The quick answers to "when did it end?", in minutes ago.
_AGO = (0, 30, 60, 120)


def begin(turn: Turn, incoming: Incoming) -> None:
    """Answer /treated (with or without a label behind it): ask when the treatment was."""
    data: dict[str, Any] = {
        "by": incoming.sender.name,
        "label": " ".join(incoming.arguments.split())[:40] or None,
        "regions": [],
    }
    draft = groups.new_draft(turn.session, turn.chat_id, incoming.sender.id, data, turn.now)
    _ask_when(turn, draft, message_id=None)


def tapped(turn: Turn, incoming: Incoming) -> None:
    """Take a tap on one of the registration's buttons, however old."""
    _name, id_, field, *rest = f"{incoming.data}::".split(":")
    draft = groups.draft(turn.session, int(id_)) if id_.isdigit() else None
    if draft is None or draft.chat_id != turn.chat_id:
        turn.edit(turn.text("register_gone"), message_id=incoming.message_id, in_group=True)
        return
    value = ":".join(rest).rstrip(":")
    message_id = incoming.message_id
    if field == "quit":
        turn.session.delete(draft)
        turn.edit(turn.text("register_quit"), message_id=message_id, in_group=True)
    elif field == "ago" and value.isdigit():
        _keep(draft, treated_at=(turn.now - timedelta(minutes=int(value))).isoformat())
        _ask_where(turn, draft, message_id)
    elif field == "times":
        _ask_time(turn, draft, message_id)
    elif field == "at" and (moment := _today_at(turn, value)) is not None:
        _keep(draft, treated_at=moment.isoformat())
        _ask_where(turn, draft, message_id)
    elif field == "region" and value in turn.tools.library.plans.regions:
        chosen = list(draft.data["regions"])
        chosen = [id_ for id_ in chosen if id_ != value] if value in chosen else [*chosen, value]
        _keep(draft, regions=chosen)
        _ask_where(turn, draft, message_id)
    elif field == "regions_done" and draft.data["regions"]:
        _ask_plan(turn, draft, message_id)
    elif field == "plan" and value in turn.tools.library.plans.plans:
        _keep(draft, plan=value)
        _ask_label_or_finish(turn, draft, message_id)
    else:
        _ask_when(turn, draft, message_id)


def typed(turn: Turn, incoming: Incoming, draft_id: int) -> None:
    """Take a typed reply to the registration: a time of day, or the label."""
    draft = groups.draft(turn.session, draft_id)
    if draft is None:
        turn.say(turn.text("register_gone"), in_group=True)
    elif "treated_at" not in draft.data:
        moment = _today_at(turn, incoming.text)
        if moment is None:
            turn.say(turn.text("register_time_unclear"), slot=_slot(draft), in_group=True)
            return
        _keep(draft, treated_at=moment.isoformat())
        _ask_where(turn, draft, None)
    elif "plan" in draft.data:
        _keep(draft, label=" ".join(incoming.text.split()))
        _finish(turn, draft, None)


def hand_out(
    turn: Turn, treatment: Treatment, code: str, expires_at: datetime, rows: Sequence[CheckIn]
) -> None:
    """Send what the patient is to be given: the link, its QR picture, and a card to print. Erased once sent."""
    link = enrol.link_for(turn.session, code)
    dues = "\n".join(
        f"• {escape(turn.language.steps[row.step].title)}: {turn.when(row.due_at)}"
        for row in rows
        if row.step in turn.language.steps
    )
    text = turn.text(
        "registered", label=treatment.label, link=link or "-", code=grouped(code), until=turn.when(expires_at)
    )
    text += (
        f"\n\n{turn.text('registered_dues')}\n{dues}" if dues else f"\n\n{turn.text('registered_no_dues')}"
    )
    cancel: Rows = ((turn.button("button_cancel_treatment", f"tr:{treatment.id}:cancel"),),)
    if link is None:
        turn.say(text, cancel, purpose=Purpose.SECRET, in_group=True)
        return
    turn.put(
        Outgoing(
            kind="photo",
            text=text,
            buttons=cancel,
            file=base64.b64encode(qr_png(link)).decode(),
            file_name="invite.png",
        ),
        purpose=Purpose.SECRET,
        in_group=True,
    )
    page = card_html(turn, treatment.label, link, grouped(code), expires_at, rows)
    turn.put(
        Outgoing(
            kind="document",
            text=turn.text("registered_card"),
            file=base64.b64encode(page.encode()).decode(),
            file_name=f"card-{re.sub(r'[^A-Za-z0-9_-]+', '-', treatment.label)}.html",
        ),
        purpose=Purpose.SECRET,
        in_group=True,
    )


# --- the steps -------------------------------------------------------------------------------------------


def _ask_when(turn: Turn, draft: Draft, message_id: int | None) -> None:
    quick = [turn.button(f"register_ago_{minutes}", f"d:{draft.id}:ago:{minutes}") for minutes in _AGO]
    rows: Rows = (
        (quick[0], quick[1]),
        (quick[2], quick[3]),
        (turn.button("register_today_at", f"d:{draft.id}:times"),),
    )
    _ask(turn, draft, turn.text("register_when"), rows, message_id)


def _ask_time(turn: Turn, draft: Draft, message_id: int | None) -> None:
    now = local_time(turn.now, turn.zone)
    last = now.replace(minute=30 if now.minute >= 30 else 0, second=0, microsecond=0)
    times = [last - timedelta(minutes=30 * back) for back in range(20)]
    today = [f"{moment:%H:%M}" for moment in times if moment.date() == now.date()][::-1]
    buttons = [Button(label=clock, data=f"d:{draft.id}:at:{clock}") for clock in today]
    rows: Rows = tuple(tuple(buttons[at : at + 4]) for at in range(0, len(buttons), 4))
    _ask(turn, draft, turn.text("register_time"), rows, message_id)


def _ask_where(turn: Turn, draft: Draft, message_id: int | None) -> None:
    chosen = draft.data["regions"]
    buttons = [
        Button(label=("✓ " if id_ in chosen else "") + name, data=f"d:{draft.id}:region:{id_}")
        for id_, name in turn.language.regions.items()
    ]
    rows: Rows = tuple(tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2))
    if chosen:
        rows = (*rows, (turn.button("register_next", f"d:{draft.id}:regions_done"),))
    _ask(turn, draft, turn.text("register_where"), rows, message_id)


def _ask_plan(turn: Turn, draft: Draft, message_id: int | None) -> None:
    advised = turn.tools.library.plans.for_regions(tuple(draft.data["regions"]))
    names = turn.language.plans
    order = [advised, *(id_ for id_ in names if id_ != advised)]
    rows: Rows = tuple(
        (
            Button(
                label=names[id_]
                + (f" ({turn.language.phrases['register_advised']})" if id_ == advised else ""),
                data=f"d:{draft.id}:plan:{id_}",
            ),
        )
        for id_ in order
    )
    _ask(turn, draft, turn.text("register_plan"), rows, message_id)


def _ask_label_or_finish(turn: Turn, draft: Draft, message_id: int | None) -> None:
    if draft.data.get("label"):
        _finish(turn, draft, message_id)
        return
    turn.edit(_so_far(turn, draft), message_id=message_id, in_group=True)
    turn.put(Outgoing(text=turn.text("register_label"), slot=_slot(draft), force_reply=True), in_group=True)


def _finish(turn: Turn, draft: Draft, message_id: int | None) -> None:
    data = draft.data
    try:
        done = enrol.register(
            turn.session,
            turn.tools,
            turn.now,
            label=data["label"],
            treated_at=datetime.fromisoformat(data["treated_at"]),
            regions=data["regions"],
            plan=data["plan"],
            branch_id=turn.branch_id,
            by=data["by"],
        )
    except enrol.NotRegistered as problem:
        _keep(draft, label=None)
        turn.put(Outgoing(text=escape(str(problem)), slot=_slot(draft), force_reply=True), in_group=True)
        return
    if message_id is not None:
        turn.edit(_so_far(turn, draft), message_id=message_id, in_group=True)
    turn.session.delete(draft)
    code = done.code.replace("-", "")
    hand_out(turn, done.treatment, code, done.expires_at, done.check_ins)


def _ask(turn: Turn, draft: Draft, question: str, rows: Rows, message_id: int | None) -> None:
    text = f"{_so_far(turn, draft)}\n\n<b>{question}</b>"
    rows = (*rows, (turn.button("button_quit", f"d:{draft.id}:quit"),))
    if message_id is None:
        turn.say(text, rows, slot=_slot(draft), in_group=True)
    else:
        turn.edit(text, rows, message_id=message_id, slot=_slot(draft), in_group=True)


def _so_far(turn: Turn, draft: Draft) -> str:
    """Write what the registration holds already."""
    lines = [turn.text("register_head")]
    if draft.data.get("label"):
        lines.append(f"✓ {escape(draft.data['label'])}")
    if "treated_at" in draft.data:
        lines.append(f"✓ {turn.when(datetime.fromisoformat(draft.data['treated_at']))}")
    if draft.data["regions"]:
        names = [turn.language.regions[id_] for id_ in draft.data["regions"]]
        lines.append(f"✓ {escape(', '.join(names))}")
    if "plan" in draft.data:
        lines.append(f"✓ {escape(turn.language.plans[draft.data['plan']])}")
    return "\n".join(lines)


def _today_at(turn: Turn, text: str) -> datetime | None:
    """Read "15:10" as that time today (or yesterday, if it is still to come today); None if it is no time."""
    match = _CLOCK.match(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    now = local_time(turn.now, turn.zone)
    wall = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    moment = from_local(wall.replace(tzinfo=None), turn.zone)
    return moment if moment <= turn.now + enrol.LATEST else moment - timedelta(days=1)


def _keep(draft: Draft, **changes: object) -> None:
    draft.data = {**draft.data, **changes}


def _slot(draft: Draft) -> str:
    return f"draft:{draft.id}"
