"""After a downtime: three hundred people wait, a sign of danger came last, and its instruction leaves among the first."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from bot.service.ports import Tools
from bot.storage import inbox
from bot.storage.inbox import Arrival
from tests.chat.conftest import build
from tests.chat.test_app import text_update
from tests.kit.offline import OfflineRequest

OTHERS = 300
QUESTIONS = (
    "does it hurt?",
    "can i swim tomorrow?",
    "how long does it take",
    "what is dry needling",
    "hello",
)


def tap_update(update_id: int, chat: int) -> dict[str, Any]:
    """Return a raw tap on a button of the menu."""
    asked = text_update(update_id, "menu", chat=chat)["message"]
    tap = {"id": "1", "from": asked["from"], "chat_instance": "1", "data": "menu", "message": asked}
    return {"update_id": update_id, "callback_query": tap}


async def test_danger_that_came_last_is_met_among_the_first(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Before it come only those that were served while it was found: some twenty, where it took three hundred."""
    waiting = [
        tap_update(number, 1000 + number)
        if number % 3 == 0
        else text_update(number, QUESTIONS[number % len(QUESTIONS)], chat=1000 + number)
        for number in range(1, OTHERS + 1)
    ]
    danger = text_update(OTHERS + 1, "i cant breathe properly", chat=7)
    arrivals = [
        Arrival(update_id=raw["update_id"], chat_id=1000 + raw["update_id"], payload=raw) for raw in waiting
    ]
    arrivals.append(Arrival(update_id=danger["update_id"], chat_id=7, payload=danger))
    tools.database.call(inbox.store, arrivals, now)

    def served() -> list[int]:
        return [int(call["chat_id"]) for call in offline.sent()]

    async with build(tools, now), asyncio.timeout(60):
        while len(set(served())) <= OTHERS:  # noqa: ASYNC110 (the offline Telegram rings no bell)
            await asyncio.sleep(0.02)

    order = served()
    assert order.index(7) < OTHERS / 3
    instruction = next(call for call in offline.sent() if int(call["chat_id"]) == 7)
    assert "995" in instruction["text"]
    first_words = list(dict.fromkeys(order))
    assert len(first_words) == OTHERS + 1
