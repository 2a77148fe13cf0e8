"""What becomes of an update whose handling failed: danger is acted on, the rest tried again, and then people are told."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.code import INVITE_LENGTH, read_code
from bot.domain.message import Incoming, Priority
from bot.domain.patient import AlertKind
from bot.domain.raw import Glance, glance
from bot.domain.triage import Urgency
from bot.service import alarm, hand_off, receive
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import groups, inbox
from bot.storage.database import DatabaseAway, Session
from bot.storage.inbox import InboxState

log = logging.getLogger(__name__)


def failed(
    session: Session,
    tools: Tools,
    update_id: int,
    error: str,
    now: datetime,
    wait: timedelta | None = None,
) -> InboxState:
    """Note that handling an update failed and return how it stands; whoever must know of it is told.

    1. A red flag in a private message does not wait for another try: it is acted on by itself, and that was all.
    2. Else the update is tried again after a growing pause.
    3. After the last try it is parked; a person and the staff of their branch are told, or the group that it came from.

    *error* names the kind of failure only; it must hold nothing a patient wrote. *wait*: Telegram could not be asked
    something. That is no fault of the update's: it is tried again after so long, for an hour, and only then counted.
    """
    row = inbox.waiting(session, update_id)
    if row is None:
        return InboxState.DONE
    seen = glance(update_id, row.payload)
    incoming = seen.incoming
    if incoming is None:
        return inbox.failed(session, update_id, error, now, wait)

    def on_danger() -> bool:
        return receive.red_flag_only(session, tools, incoming, row.received_at, now)

    if seen.private and _managed(session, on_danger):
        return InboxState.DONE
    state = inbox.failed(session, update_id, error, now, wait)
    if state == InboxState.PARKED and seen.private:
        _tell_person_and_staff(session, tools, seen, incoming, row.received_at, now)
    elif state == InboxState.PARKED and seen.group:
        _managed(session, lambda: _tell_group(session, tools, incoming, now))
    return state


def _managed(session: Session, step: Callable[[], bool]) -> bool:
    """Do a step by itself, and return what it says; if it fails, nothing of it stays: the fault may be anywhere."""
    try:
        with session.begin_nested():
            return step()
    except DatabaseAway:
        raise  # no fault of the update's: all of this is tried again
    except Exception:
        log.exception("What a failed update needs could not be done.", extra={"action": "park"})
        return False


# --- a patient or a stranger -----------------------------------------------------------------------------


def _tell_person_and_staff(
    session: Session, tools: Tools, seen: Glance, incoming: Incoming, arrived: datetime, now: datetime
) -> None:
    def turn() -> Turn:
        return replace(Turn.of(session, tools, incoming, now), written_at=arrived)

    shown = _managed(session, lambda: _alert(turn(), seen, incoming))
    told = shown or _managed(session, lambda: _tell_staff_plainly(session, tools, incoming, now))
    _managed(session, lambda: _tell_person(turn(), arrived, shown=shown, told=told))


def _alert(turn: Turn, seen: Glance, incoming: Incoming) -> bool:
    """Put the message before staff, as it is; without a group it waits for one. Tell whether there is a group."""
    words = turn.clinic()
    said = _without_codes(incoming.text) or "\n→ ".join(filter(None, (seen.under, seen.label)))
    alert = alarm.open_alert(
        turn,
        AlertKind.QUESTION,
        Urgency.SAME_DAY,
        said=said or words.language.phrases["parked_unread"],
        because=words.language.phrases["parked_because"],
    )
    alarm.post(turn, alert)
    if incoming.media is not None:
        alarm.copy_to_staff(turn, incoming.message_id, alert)
    return turn.staff() is not None


def _tell_staff_plainly(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> bool:
    """Tell staff without an alert, should that be what fails; tell whether there is a group."""
    staff = Turn.with_chat(session, tools, incoming.chat_id, tools.settings.branch(None).id, now).staff()
    if staff is None:
        return False
    staff.say(
        staff.text("parked_plain"), priority=Priority.DANGER, about_chat=incoming.chat_id, in_group=True
    )
    return True


def _tell_person(turn: Turn, arrived: datetime, *, shown: bool, told: bool) -> bool:
    """Tell the person what went wrong, and whom to turn to; *shown*, *told*: what staff know of it."""
    if not shown:
        status = turn.text("parked_told" if told else "hand_over_no_group")
    elif turn.patient is None:
        status = turn.text("alert_sent_stranger")
    else:
        status = hand_off.passed_on(turn)
    sorry = turn.text("parked", when=turn.when(arrived))
    turn.say(f"{sorry} {status}\n\n{turn.text('parked_unwell')}")
    return True


def _without_codes(text: str) -> str:
    """Return *text* without an invitation's code: it is kept nowhere else either."""
    if read_code(text, INVITE_LENGTH) is not None:
        return ""
    return re.sub(r"\S+", lambda word: "…" if read_code(word[0], INVITE_LENGTH) else word[0], text)


# --- the staff group -------------------------------------------------------------------------------------


def _tell_group(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> bool:
    """Say that it did not work, in reply, where somebody wanted something of the bot."""
    group = groups.by_chat(session, incoming.chat_id)
    setting_up = incoming.text.startswith("/setup")
    wanted = incoming.text.startswith("/") or incoming.data is not None or incoming.replied_to is not None
    if not (setting_up or (group is not None and wanted)):
        return False
    branch_id = group.branch_id if group else tools.settings.branch(None).id
    turn = Turn.with_group(session, tools, incoming.chat_id, branch_id, now)
    turn.say(turn.text("parked_in_group"), reply_to=incoming.message_id, in_group=True)
    return True
