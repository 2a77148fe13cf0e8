"""Tests of the staff group through real python-telegram-bot: Telegram is asked who belongs to it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from bot.chat.app import TelegramApp
from bot.service import serve_staff
from bot.service.ports import Tools
from bot.storage import groups, overview
from tests.chat.test_for_patients import process
from tests.kit.offline import OfflineRequest, refusal

GROUP = {"id": -5, "type": "group", "title": "Staff"}
EVA = {"id": 21, "is_bot": False, "first_name": "Eva"}


def group_text(update_id: int, text: str, **fields: Any) -> dict[str, Any]:
    """Return a message in the group."""
    message = {"message_id": update_id, "date": 1, "chat": GROUP, "from": EVA, "text": text, **fields}
    if text.startswith("/"):
        length = len(text.partition(" ")[0])
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
    return {"update_id": update_id, "message": message}


@pytest.fixture
def code(tools: Tools, now: datetime) -> str:
    """A set-up code for the main branch."""
    return tools.database.call(serve_staff.new_setup_code, tools, "main", now)


async def test_a_member_binds_the_group(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, code: str
) -> None:
    """/setup with the code, by somebody Telegram calls a member."""
    await process(tools, bot, now, group_text(1, f"/setup {code}"))

    assert "staff group of" in offline.sent()[0]["text"]
    assert offline.sent("getChatMember")[0] == {"chat_id": -5, "user_id": 21}


@pytest.mark.parametrize("status", ["left", "kicked", "restricted"])
async def test_somebody_who_is_no_member_is_met_with_silence(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, code: str, status: str
) -> None:
    """Left, banned, or restricted without being in it."""
    extra = {"until_date": 0, "is_member": False}
    names = (
        "can_change_info can_invite_users can_pin_messages can_send_messages can_send_polls "
        "can_send_other_messages can_add_web_page_previews can_manage_topics can_send_audios "
        "can_send_documents can_send_photos can_send_videos can_send_video_notes can_send_voice_notes "
        "can_edit_tag can_react_to_messages"
    )
    rights = dict.fromkeys(re.findall(r"\w+", names), False)
    offline.results["getChatMember"] = lambda _: {"status": status, "user": EVA, **extra, **rights}
    await process(tools, bot, now, group_text(1, f"/setup {code}"))

    assert offline.sent() == []
    assert tools.database.call(groups.of_branch, "main") is None


async def test_when_telegram_cannot_say_the_update_is_tried_again(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, code: str
) -> None:
    """A passing fault is no reason to turn a member away, nor to let a stranger in."""
    offline.answers["getChatMember"] = [refusal(500, "Internal Server Error")]
    update = group_text(1, f"/setup {code}")
    await process(tools, bot, now, update)
    assert tools.database.call(overview.states).inbox == {"waiting": 1}
    await bot.handle(1, update)

    assert tools.database.call(groups.of_branch, "main") is not None


async def test_a_tap_in_a_group_that_moved_asks_the_new_one(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, code: str
) -> None:
    """Under its old id Telegram knows nobody any more; whoever belongs to the new group belongs to it."""
    await process(tools, bot, now, group_text(1, f"/setup {code}"))
    tools.database.call(groups.migrate, -5, -100777)
    upgraded = "Bad Request: group chat was upgraded to a supergroup chat"
    offline.answers["getChatMember"] = [refusal(400, upgraded, migrate_to_chat_id=-100777)]
    before = len(offline.sent())

    await process(tools, bot, now, group_text(2, "/today"))

    assert offline.sent("getChatMember")[-1] == {"chat_id": -100777, "user_id": 21}
    assert offline.sent()[before]["chat_id"] == -100777


async def test_an_anonymous_admin_is_a_member(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, code: str
) -> None:
    """Who speaks as the group belongs to it; Telegram need not be asked."""
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    update = group_text(1, f"/setup {code}", sender_chat=GROUP, **{"from": anonymous})
    await process(tools, bot, now, update)

    assert offline.sent("getChatMember") == []
    assert "staff group of" in offline.sent()[0]["text"]


async def test_plain_chatter_asks_telegram_nothing(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime
) -> None:
    """No question to Telegram for a message that wants nothing."""
    await process(tools, bot, now, group_text(1, "lunch?"))

    assert offline.sent("getChatMember") == []


async def test_a_group_that_moves_is_followed(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, code: str
) -> None:
    """Telegram's two service messages, in either order, once each."""
    await process(tools, bot, now, group_text(1, f"/setup {code}"))
    update = group_text(2, "", migrate_to_chat_id=-1005)
    del update["message"]["text"]
    await process(tools, bot, now, update)
    back = group_text(3, "", migrate_from_chat_id=-5)
    del back["message"]["text"]
    back["message"]["chat"] = {"id": -1005, "type": "supergroup", "title": "Staff"}
    await process(tools, bot, now, back)

    group = tools.database.call(groups.of_branch, "main")
    assert group is not None
    assert group.chat_id == -1005


async def test_being_added_to_a_group_is_answered_with_how_to_bind_it(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime
) -> None:
    """A greeting with /setup; being removed is met with silence."""
    me = {"id": 1234567890, "is_bot": True, "first_name": "A"}
    added = {
        "chat": GROUP,
        "from": EVA,
        "date": 1,
        "old_chat_member": {"status": "left", "user": me},
        "new_chat_member": {"status": "member", "user": me},
    }
    await process(tools, bot, now, {"update_id": 1, "my_chat_member": added})
    removed = {**added, "new_chat_member": {"status": "left", "user": me}}
    await process(tools, bot, now, {"update_id": 2, "my_chat_member": removed})

    assert [("/setup" in sent["text"]) for sent in offline.sent()] == [True]
