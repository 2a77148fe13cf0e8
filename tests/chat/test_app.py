"""Tests of the bot at work, without a network: start and refusal, poison updates, the lease, stopping."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from bot.chat.app import TelegramApp
from bot.chat.house import CannotRun
from bot.service.enrol import BOT_NAME
from bot.service.ports import Tools
from bot.storage import groups, inbox, lease, overview
from bot.storage.inbox import Arrival, InboxState
from bot.storage.lease import Holder
from tests.chat.conftest import build
from tests.kit.offline import OfflineRequest, refusal


def text_update(update_id: int, text: str = "does it hurt?", chat: int = 11) -> dict[str, Any]:
    """Return a raw update as Telegram sends it."""
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 1,
            "chat": {"id": chat, "type": "private", "first_name": "Ana"},
            "from": {"id": chat, "is_bot": False, "first_name": "Ana", "language_code": "en"},
            "text": text,
        },
    }


async def store(tools: Tools, now: datetime, *updates: dict[str, Any]) -> None:
    """Put raw updates into the inbox."""
    arrivals = [Arrival(update_id=u["update_id"], chat_id=11, payload=u) for u in updates]
    await tools.database.run(inbox.store, arrivals, now)


async def test_starting_introduces_the_bot_and_notes_its_name(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Commands for patients and for staff, descriptions, the menu button; and the name for links."""
    async with build(tools, now):
        assert await tools.database.run(groups.note, BOT_NAME) == "aftercare_test_bot"

    names = [name for name, _ in offline.calls]
    scopes = [call["scope"]["type"] for call in offline.sent("setMyCommands")]
    assert scopes == ["all_private_chats", "all_group_chats"]
    assert {"setMyDescription", "setMyShortDescription", "setChatMenuButton"} <= set(names)


async def test_a_server_that_refuses_the_menus_does_not_stop_the_bot(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """A stranger's emulator that knows fewer methods is good enough."""
    offline.answers["setMyCommands"] = [refusal(404, "Not Found")]
    async with build(tools, now):
        pass


async def test_a_wrong_token_is_said_and_the_lease_given_back(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """One clear sentence, and the next start is not kept waiting."""
    offline.answers["getMe"] = [refusal(401, "Unauthorized")]
    with pytest.raises(CannotRun, match="TELEGRAM_BOT_TOKEN"):
        await build(tools, now).start()

    assert await tools.database.run(lease.take, Holder(host="other", pid=2, mark="x"), now) is None


async def test_a_second_process_refuses_to_start_and_says_why(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """The lease is held by another that lives."""
    await tools.database.run(lease.take, Holder(host="desk", pid=77, mark="x"), now)

    with pytest.raises(CannotRun, match="process 77 on desk"):
        await build(tools, now).start()


async def test_the_lease_of_a_dead_process_is_taken_over(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """After kill -9 the next start does not wait."""
    await tools.database.run(lease.take, Holder(host="here", pid=77, mark="x"), now)
    bot = build(tools, now)
    bot._duty._process_is_dead = lambda holder: holder.pid == 77
    async with bot:
        pass


async def test_losing_the_lease_ends_the_bot(tools: Tools, offline: OfflineRequest, now: datetime) -> None:
    """A process that was thought dead must not go on beside its successor."""
    bot = build(tools, now)
    async with bot:
        other = Holder(host="there", pid=5, mark="y")
        await tools.database.run(lease.take, other, now, dead=True)
        with pytest.raises(CannotRun, match="taken over"):
            await asyncio.wait_for(bot.wait(), 10)


async def test_a_poison_update_is_parked_and_the_next_patient_served(
    tools: Tools, bot: TelegramApp, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update no handler survives never stops the line, and its error holds no words."""
    monkeypatch.setattr("bot.service.receive.from_person", _boom)
    await store(tools, now, text_update(1, "secret words"))
    for _ in range(4):
        await bot.handle(1, text_update(1, "secret words"))
    row = tools.database.call(inbox.of_chat, 11)[0]

    assert row.state == InboxState.PARKED
    assert row.error == "RuntimeError"


@pytest.mark.parametrize(
    "payload",
    [
        {"update_id": 1, "message": {"nonsense": True}},
        {"update_id": 1, "message": {"message_id": "x", "date": "y", "chat": 5}},
        {"update_id": 1, "something_new": {"a": 1}},
        {
            "update_id": 1,
            "channel_post": {
                "message_id": 1,
                "date": 1,
                "chat": {"id": -9, "type": "channel", "title": "c"},
                "text": "i cant breathe",
            },
        },
        {
            "update_id": 1,
            "poll": {
                "id": "1",
                "question": "q",
                "options": [],
                "total_voter_count": 0,
                "is_closed": False,
                "is_anonymous": True,
                "type": "regular",
                "allows_multiple_answers": False,
            },
        },
        {
            "update_id": 1,
            "inline_query": {
                "id": "1",
                "from": {"id": 1, "is_bot": False, "first_name": "x"},
                "query": "",
                "offset": "",
            },
        },
    ],
)
async def test_updates_of_other_kinds_and_shapes_raise_nothing(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, payload: dict[str, Any]
) -> None:
    """They are done with, or tried again and parked; nobody is answered by mistake."""
    await store(tools, now, payload)
    for _ in range(5):
        await bot.handle(1, payload)

    states = tools.database.call(overview.states).inbox
    assert InboxState.WAITING not in states
    assert offline.sent() == []


async def test_stopping_keeps_what_is_not_handled(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """What was stored is handled by the next start."""
    async with build(tools, now):
        pass
    await store(tools, now, text_update(3))
    async with build(tools, now) as bot:
        for _ in range(200):
            if await bot.is_idle() and offline.sent():
                break
            await asyncio.sleep(0.01)

    assert "Does it hurt?" in offline.sent()[0]["text"]


def _boom(*_: object, **__: object) -> None:
    raise RuntimeError("secret words")
