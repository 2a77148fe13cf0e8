"""Tests of the translation: whatever an update looks like, ours says what it means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Bot, Update

from bot.chat.translate import from_member_change, from_message, from_tap
from bot.domain.message import Incoming

USER = {"id": 11, "is_bot": False, "first_name": "Ana", "last_name": "<b>_L_", "language_code": "en-GB"}
PRIVATE = {"id": 11, "type": "private", "first_name": "Ana"}
GROUP = {"id": -5, "type": "group", "title": "Staff"}


def message(**fields: Any) -> Incoming:
    """Return a private message as ours."""
    return _from("message", fields)


def _from(kind: str, fields: dict[str, Any]) -> Incoming:
    raw = {"message_id": 3, "date": 1, "chat": PRIVATE, "from": USER, **fields}
    update = Update.de_json({"update_id": 9, kind: raw}, Bot("1:x"))
    assert update.effective_message is not None
    return from_message(update, update.effective_message, "aftercare_bot")


def command(text: str, length: int, offset: int = 0) -> Incoming:
    """Return a message with one command entity."""
    return message(text=text, entities=[{"type": "bot_command", "offset": offset, "length": length}])


def test_a_text_keeps_every_letter() -> None:
    """Names and words come through unaltered."""
    incoming = message(text="a_b <i> 😀 \u202e x")

    assert incoming.text == "a_b <i> 😀 \u202e x"
    assert incoming.sender.name == "Ana <b>_L_"
    assert (incoming.chat_id, incoming.message_id, incoming.update_id) == (11, 3, 9)


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("/start ABC-12", 6, ("start", "ABC-12")),
        ("/START", 6, ("start", "")),
        ("/today@aftercare_bot now", 20, ("today", "now")),
        ("/today@Aftercare_Bot", 20, ("today", "")),
        ("/today@other_bot", 16, (None, "")),
    ],
)
def test_commands(text: str, length: int, expected: tuple[str | None, str]) -> None:
    """A command for another bot is none of ours."""
    incoming = command(text, length)

    assert (incoming.command, incoming.arguments) == expected


def test_a_command_in_the_middle_is_plain_words() -> None:
    """Only at the very start it is a command."""
    assert command("please /stop", 5, offset=7).command is None


PHOTO = [
    {"file_id": "s", "file_unique_id": "1", "width": 90, "height": 90},
    {"file_id": "l", "file_unique_id": "2", "width": 900, "height": 900},
]
FILE = {"file_id": "f", "file_unique_id": "u"}


@pytest.mark.parametrize(
    ("fields", "kind", "file_id"),
    [
        ({"photo": PHOTO, "caption": "my bruise"}, "photo", "l"),
        ({"voice": {**FILE, "duration": 1}}, "voice", "f"),
        (
            {
                "sticker": {
                    **FILE,
                    "type": "regular",
                    "width": 1,
                    "height": 1,
                    "is_animated": False,
                    "is_video": False,
                }
            },
            "sticker",
            "f",
        ),
        ({"document": FILE}, "document", "f"),
        ({"video": {**FILE, "width": 1, "height": 1, "duration": 1}}, "video", "f"),
        ({"location": {"latitude": 1.0, "longitude": 2.0}}, "location", None),
        ({"contact": {"phone_number": "1", "first_name": "x"}}, "contact", None),
        ({"dice": {"emoji": "🎲", "value": 3}}, "dice", None),
    ],
)
def test_media(fields: dict[str, Any], kind: str, file_id: str | None) -> None:
    """Each medium by its kind; of a photo the largest size; a caption is its words."""
    incoming = message(**fields)

    assert incoming.media is not None
    assert (incoming.media.kind, incoming.media.file_id) == (kind, file_id)
    assert incoming.text == fields.get("caption", "")


def test_an_edited_message_says_so() -> None:
    """So that it is not answered twice; it counts from when it was edited."""
    incoming = _from("edited_message", {"text": "x", "edit_date": 2})

    assert incoming.edited
    assert incoming.sent_at == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)


def test_a_message_carries_the_moment_at_which_it_was_written() -> None:
    """Telegram's moment, in UTC."""
    assert message(text="x").sent_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_a_reply_carries_what_it_answers() -> None:
    """Its id and its words."""
    incoming = message(
        text="x", reply_to_message={"message_id": 2, "date": 1, "chat": PRIVATE, "text": "asked"}
    )

    assert (incoming.replied_to, incoming.replied_text) == (2, "asked")


def tap(**fields: Any) -> Incoming | None:
    """Return a tap as ours."""
    raw = {"id": "q", "from": USER, "chat_instance": "c", "data": "t:x", **fields}
    update = Update.de_json({"update_id": 9, "callback_query": raw}, Bot("1:x"))
    assert update.callback_query is not None
    return from_tap(update, update.callback_query)


@pytest.mark.parametrize(
    ("author", "ours"),
    [
        ({"id": 1, "is_bot": True, "first_name": "A", "username": "Aftercare_Bot"}, True),
        ({"id": 2, "is_bot": True, "first_name": "B", "username": "other_bot"}, False),
        ({"id": 1, "is_bot": True, "first_name": "A"}, False),
        (USER, False),
        (None, False),
    ],
)
def test_a_reply_says_whether_it_answers_the_bot(author: dict[str, Any] | None, ours: bool) -> None:
    """To what it wrote itself it must say something; what people say to each other is not its business."""
    answered: dict[str, Any] = {"message_id": 2, "date": 1, "chat": PRIVATE, "text": "Alert"}
    if author is not None:
        answered["from"] = author

    assert message(text="ok", reply_to_message=answered).answers_bot is ours
    assert message(text="ok").answers_bot is False


def test_a_tap_carries_data_message_and_the_question_above_it() -> None:
    """What was answered stands in the message that the buttons hang under."""
    asked = {"message_id": 2, "date": 1, "chat": PRIVATE, "caption": "look", "photo": PHOTO}
    incoming = tap(
        message={"message_id": 3, "date": 1, "chat": PRIVATE, "text": "a", "reply_to_message": asked}
    )

    assert incoming is not None
    assert (incoming.data, incoming.message_id, incoming.replied_text) == ("t:x", 3, "look")
    assert incoming.extra == {"replied_media_id": 2}


def test_a_tap_under_a_message_too_old_to_see() -> None:
    """Telegram then gives chat and number only; that is enough."""
    incoming = tap(message={"message_id": 3, "date": 0, "chat": PRIVATE})

    assert incoming is not None
    assert (incoming.chat_id, incoming.message_id) == (11, 3)


def test_taps_without_a_chat_or_without_data_are_none() -> None:
    """Inline messages and games are not ours."""
    assert tap() is None
    assert tap(message={"message_id": 3, "date": 1, "chat": PRIVATE, "text": "a"}, data=None) is None


def test_an_anonymous_admin_is_named_by_the_group() -> None:
    """Who speaks as the group has no name of their own."""
    incoming = message(text="x", chat=GROUP, sender_chat=GROUP)

    assert incoming.sender.name == "Staff"


def test_member_changes() -> None:
    """Blocked: a private chat whose bot is kicked."""
    raw = {
        "chat": PRIVATE,
        "from": USER,
        "date": 1,
        "old_chat_member": {"status": "member", "user": USER},
        "new_chat_member": {"status": "kicked", "user": USER, "until_date": 0},
    }
    update = Update.de_json({"update_id": 9, "my_chat_member": raw}, Bot("1:x"))
    incoming = from_member_change(update)

    assert incoming is not None
    assert incoming.chat_id == 11
    assert from_member_change(Update(update_id=1)) is None
