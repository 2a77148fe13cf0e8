"""Tests of private chats through real python-telegram-bot: from a raw update to the call that answers it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.chat.app import TelegramApp
from bot.service.ports import Tools
from bot.storage import overview
from tests.chat.test_app import store, text_update
from tests.kit.offline import OfflineRequest, refusal

USER = {"id": 11, "is_bot": False, "first_name": "Ana", "language_code": "en"}
PRIVATE = {"id": 11, "type": "private", "first_name": "Ana"}


async def process(tools: Tools, bot: TelegramApp, now: datetime, update: dict[str, Any]) -> None:
    """Store an update, handle it, and send what follows."""
    await store(tools, now, update)
    await bot.handle(update["update_id"], update)
    await bot._delivery.flush()


async def test_a_question_is_answered(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime
) -> None:
    """The approved answer, as a reply to the question."""
    await process(tools, bot, now, text_update(1))

    sent = offline.sent()[0]
    assert sent["text"].startswith("<b>Does it hurt?</b>")
    assert sent["reply_parameters"]["message_id"] == 1


async def test_a_tap_stops_spinning_and_is_handled(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime
) -> None:
    """answerCallbackQuery goes straight out, and one that is too old is no failure."""
    offline.answers["answerCallbackQuery"] = [refusal(400, "Bad Request: query is too old")]
    update = {
        "update_id": 2,
        "callback_query": {
            "id": "q",
            "from": USER,
            "chat_instance": "c",
            "data": "t:pain_during",
            "message": {"message_id": 5, "date": 1, "chat": PRIVATE, "text": "menu"},
        },
    }
    await bot._application.start()
    await process(tools, bot, now, update)
    await bot._application.stop()

    assert len(offline.sent("answerCallbackQuery")) == 1
    assert "Does it hurt?" in offline.sent()[0]["text"]


async def test_blocking_is_handled_without_a_word(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime
) -> None:
    """Nothing is sent to somebody who left."""
    me = {"id": 1234567890, "is_bot": True, "first_name": "A"}
    update = {
        "update_id": 3,
        "my_chat_member": {
            "chat": PRIVATE,
            "from": USER,
            "date": 1,
            "old_chat_member": {"status": "member", "user": me},
            "new_chat_member": {"status": "kicked", "user": me, "until_date": 0},
        },
    }
    await process(tools, bot, now, update)

    assert offline.sent() == []
    assert tools.database.call(overview.states).inbox == {"done": 1}


async def test_a_forwarded_message_is_read_like_any_other(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime
) -> None:
    """Somebody forwards what their mother wrote: the red flag counts."""
    update = text_update(4, "i cant breathe since the needling")
    update["message"]["forward_origin"] = {"type": "hidden_user", "sender_user_name": "Mum", "date": 1}
    await process(tools, bot, now, update)

    assert "995" in offline.sent()[0]["text"]
