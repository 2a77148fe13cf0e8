"""Receiving what a patient (or a stranger) sends: red flags first, then taps, commands, pictures and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.domain.code import INVITE_LENGTH, read_code
from bot.domain.conversation import chosen
from bot.domain.message import Button, Incoming
from bot.domain.text import normalise
from bot.service import alarm, ask, delay, enrol, follow_up, hand_off, leave, travel
from bot.service.ports import Tools
from bot.service.treatment import circumstances_of
from bot.service.turn import Turn
from bot.service.understand import read_danger
from bot.storage import inbox
from bot.storage.database import Session

Step = Callable[[Turn, Incoming], None]

#: What the bot cannot read but people can, and what nobody could read anything from.
_UNREAD = ("voice", "video_note", "audio", "video", "photo", "document")
_KINDS = (*_UNREAD, "sticker", "location", "contact", "poll", "dice", "venue")


def from_person(session: Session, tools: Tools, incoming: Incoming, now: datetime) -> None:
    """Handle one update from a private chat: its effects, the replies and "handled" are one transaction."""
    turn = Turn.of(session, tools, incoming, now)
    arrived = inbox.finish(session, incoming.update_id, now, keep_words=turn.patient is not None)
    if arrived is None:
        return
    turn = _read(delay.noted(turn, incoming, arrived), incoming)
    if turn.patient is not None and turn.patient.unreachable_at is not None:
        enrol.reached_again(turn)
    if _acted_on_danger(turn, incoming) or incoming.edited:
        return  # corrected words were answered when they were first sent; only a red flag counts again
    step = _step_for(incoming)
    if step is not None:
        with delay.excused(turn):
            step(turn, incoming)


def red_flag_only(
    session: Session, tools: Tools, incoming: Incoming, arrived: datetime, now: datetime
) -> bool:
    """Handle an update that could not be handled otherwise, if it is a red flag; False: it is none, and still waits.

    Nothing else would be said to a red flag, so the update has had its effect then. arrived: when it came.
    """
    turn = _read(delay.noted(Turn.of(session, tools, incoming, now), incoming, arrived), incoming)
    if not _acted_on_danger(turn, incoming):
        return False
    inbox.finish(session, incoming.update_id, now, keep_words=turn.patient is not None)
    return True


def _read(turn: Turn, incoming: Incoming) -> Turn:
    """Read the words for signs of danger, once for all that follows."""
    words = f"{incoming.text} {incoming.arguments}" if incoming.command else incoming.text
    mind = turn.tools.minds[turn.language.code]
    return replace(turn, danger=read_danger(turn.tools.library, mind, words, circumstances_of(turn)))


def _acted_on_danger(turn: Turn, incoming: Incoming) -> bool:
    if turn.danger is None or turn.danger.at_once is None:
        return False
    alarm.red_flag(turn, turn.danger.at_once, incoming)
    delay.read_late(turn)
    return True


def left_or_returned(
    session: Session, tools: Tools, incoming: Incoming, now: datetime, *, left: bool
) -> None:
    """Handle that a person blocked the bot, or let it in again."""
    turn = Turn.of(session, tools, incoming, now)
    if inbox.finish(session, incoming.update_id, now, keep_words=False) is None:
        return
    if turn.patient is None:
        return
    if left:
        hand_off.unreachable(turn)
    elif turn.patient.unreachable_at is not None:
        enrol.reached_again(turn)


def _step_for(incoming: Incoming) -> Step | None:
    """Return what is to be done, or None if there is nothing to be said to it."""
    if incoming.data is not None:
        name = incoming.data.partition(":")[0]
        return _TAPS.get(name, _old_button)
    if incoming.command is not None:
        return _COMMANDS.get(incoming.command, _unknown_command)
    if incoming.media is not None:
        return _media if _said(incoming) or incoming.media.kind in _KINDS else None
    return _words if _said(incoming) else None


def _said(incoming: Incoming) -> str:
    return normalise(incoming.text).strip(" .!")


def _words(turn: Turn, incoming: Incoming) -> None:
    text = _said(incoming)
    before = turn.tools.recent.recall(turn.chat_id, turn.now)
    if text in turn.language.stop_words:
        leave.stop(turn, incoming)
    elif before is not None and before.kind == "check" and (yes := _yes_or_no(turn, text)) is not None:
        alarm.if_now_answered(turn, before.about[0], before.said, yes=yes)
    elif hand_off.continues(turn, incoming):
        hand_off.message(turn, incoming)
    elif travel.place_typed(turn, incoming):
        pass
    elif before is not None and chosen(incoming.text, before, turn.language.small_words) is not None:
        ask.question(turn, incoming, with_staff=hand_off.also_to_staff(turn, incoming))
    elif follow_up.answer_in_words(turn, incoming) or enrol.agree_in_words(turn, incoming):
        pass
    elif read_code(incoming.text, INVITE_LENGTH):
        enrol.code_typed(turn, incoming)
    else:
        with_staff, beside = hand_off.also_to_staff(turn, incoming), travel.no_place(turn, incoming)
        ask.question(turn, incoming, with_staff=with_staff, beside=beside)


def _yes_or_no(turn: Turn, text: str) -> bool | None:
    words = turn.language.small_words
    return True if text in words.yes else False if text in words.no else None


def _media(turn: Turn, incoming: Incoming) -> None:
    assert incoming.media is not None  # noqa: S101 (the caller looked)
    kind = incoming.media.kind
    if kind == "photo" and turn.patient is not None:
        hand_off.photo(turn, incoming)
    elif kind == "sticker":
        turn.say(turn.text("media_sticker"))
    elif _said(incoming):
        _words(turn, incoming)
    elif kind in _UNREAD:
        turn.say(
            turn.text("media_unread"),
            ((turn.button("button_pass_on", "ho"),),),
            reply_to=incoming.message_id,
        )
    else:
        turn.say(turn.text("media_other"))


def _old_button(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("button_old"), ((turn.button("button_menu", "menu"),),))


def _unknown_command(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("command_unknown"), ((turn.button("button_menu", "menu"),),))


def _help(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("help"), ((turn.button("button_menu", "menu"),),))


def _for_the_group(turn: Turn, _incoming: Incoming) -> None:
    turn.say(turn.text("command_in_group"))


def _language(turn: Turn, incoming: Incoming) -> None:
    languages = turn.tools.library.languages
    wanted = (incoming.data or "").partition(":")[2]
    if wanted in languages and turn.patient is not None:
        turn.patient.language = wanted
        chosen = Turn.of(turn.session, turn.tools, incoming, turn.now)
        chosen.say(chosen.text("language_set", language=languages[wanted].name))
        return
    if len(languages) == 1:
        turn.say(turn.text("language_only", language=turn.language.name))
        return
    if turn.patient is None:
        names = ", ".join(language.name for language in languages.values())
        turn.say(turn.text("language_by_app", languages=names))
        return
    rows = tuple((Button(label=known.name, data=f"lang:{code}"),) for code, known in languages.items())
    turn.say(turn.text("language_choose"), rows)


_COMMANDS: dict[str, Step] = {
    "start": enrol.start,
    "menu": ask.menu,
    "topics": ask.menu,
    "checkin": follow_up.on_request,
    "stop": leave.stop,
    "privacy": leave.privacy,
    "mydata": leave.my_data,
    "forget": leave.forget_asked,
    "help": _help,
    "language": _language,
    "timezone": travel.time_zone,
    "setup": _for_the_group,
    "treated": _for_the_group,
    "today": _for_the_group,
    "find": _for_the_group,
    "cancel": _for_the_group,
}

_TAPS: dict[str, Step] = {
    "agree": enrol.agree,
    "decline": enrol.decline,
    "code": enrol.how_to_enter_code,
    "resume": enrol.resume,
    "menu": ask.menu,
    "area": ask.area,
    "t": ask.topic_tapped,
    "src": ask.sources,
    "yes": ask.helpful,
    "no": ask.not_what_i_meant,
    "ho": hand_off.asked,
    "ci": follow_up.tapped,
    "chk": alarm.if_now_tapped,
    "forget": leave.forget,
    "lang": _language,
    "tz": travel.tapped,
}
