"""Tests of polling: kept before it is confirmed, trouble waited out, a second program found out."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest

from bot.chat.house import CannotRun
from bot.service.ports import Tools
from bot.storage import overview
from tests.chat.conftest import build
from tests.chat.test_app import text_update
from tests.kit.offline import OfflineRequest, refusal


async def test_updates_are_stored_before_they_are_acknowledged(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Promise 1: the offset that confirms an update goes out when the update is in the database."""
    seen: list[tuple[int | None, int]] = []

    def poll(parameters: dict[str, Any]) -> list[dict[str, Any]]:
        states = tools.database.call(overview.states).inbox
        seen.append((parameters.get("offset"), sum(states.values())))
        return [text_update(40)] if len(seen) == 1 else []

    offline.results["getUpdates"] = poll
    async with build(tools, now):
        for _ in range(200):
            if len(seen) > 1:
                break
            await asyncio.sleep(0.01)

    assert seen[0] == (None, 0)
    assert seen[1] == (41, 1)


async def test_a_conflict_that_stays_ends_the_bot_with_a_reason(
    tools: Tools, offline: OfflineRequest, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs on one token: one of them says so and stops."""
    monkeypatch.setattr("bot.chat.poll.POLL_PAUSES", (0.0,))
    offline.answers["getUpdates"] = [refusal(409, "Conflict: terminated by other getUpdates request")] * 20
    async with build(tools, now) as bot:
        with pytest.raises(CannotRun, match="Another program"):
            await asyncio.wait_for(bot.wait(), 10)


async def test_trouble_with_the_network_is_survived(
    tools: Tools, offline: OfflineRequest, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500, 429 and garbage: the bot goes on polling and answers."""
    monkeypatch.setattr("bot.chat.poll.POLL_PAUSES", (0.0,))
    good = (200, json.dumps({"ok": True, "result": [text_update(7)]}).encode())
    offline.answers["getUpdates"] = [
        refusal(500, "Internal Server Error"),
        refusal(429, "Too Many Requests: retry after 0", retry_after=0),
        (200, b"garbage"),
        good,
    ]
    async with build(tools, now):
        for _ in range(300):
            if offline.sent():
                break
            await asyncio.sleep(0.01)

    assert "Does it hurt?" in offline.sent()[0]["text"]
