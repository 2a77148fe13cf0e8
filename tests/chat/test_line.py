"""Tests of the line: in order within a chat, several chats at a time, each update with one effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from telegram import Update
from telegram.ext import Application, TypeHandler

from bot.chat import line as line_module
from bot.chat.house import App, Context
from bot.chat.line import LANES, Line
from bot.service.ports import Tools
from bot.storage import inbox
from bot.storage.database import DatabaseAway, Session
from bot.storage.inbox import Arrival, InboxState
from bot.storage.lease import LeaseLost
from bot.storage.tables import InboxRow
from tests.chat.test_app import text_update
from tests.kit.offline import OfflineRequest


class Played:
    """A line whose handler notes what comes, waits where it is told to, and fails where it is told to."""

    def __init__(self, tools: Tools, application: App, now: datetime) -> None:
        self.tools = tools
        self.now = now
        self.began: list[int] = []
        self.ended: list[int] = []
        self.holds: dict[int, asyncio.Event] = {}
        self.faults: dict[int, list[Exception]] = {}
        self.woken = asyncio.Event()
        self.told = 0
        self.on_duty: Callable[[Session], None] = lambda session: None
        application.add_handler(TypeHandler(Update, self._handle))
        self.line = Line(
            tools,
            application,
            now=lambda: self.now,
            on_duty=lambda session: self.on_duty(session),
            handled=self._note,
        )

    def _note(self) -> None:
        self.told += 1

    async def _handle(self, update: Update, _context: Context) -> None:
        self.began.append(update.update_id)
        if update.update_id in self.holds:
            await self.holds[update.update_id].wait()
        if self.faults.get(update.update_id):
            raise self.faults[update.update_id].pop(0)
        self.ended.append(update.update_id)

    def store(self, *updates: tuple[int, int]) -> None:
        """Put updates (id, chat) into the inbox."""
        arrivals = [
            Arrival(update_id=id_, chat_id=chat, payload=text_update(id_, chat=chat)) for id_, chat in updates
        ]
        self.tools.database.call(inbox.store, arrivals, self.now)

    async def steps(self, until: Callable[[], bool]) -> None:
        """Go on until *until* holds."""

        async def go_on() -> None:
            while True:
                await self.line.step(self.woken, 0.01)

        going = asyncio.create_task(go_on())
        try:
            async with asyncio.timeout(20):
                while not until():
                    assert not going.done(), going.exception()
                    await asyncio.sleep(0.005)
        finally:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)

    def state(self, update_id: int) -> tuple[str, int]:
        """Return an update's state and how often it was tried in vain."""

        def look(session: Session) -> tuple[str, int]:
            row = session.query(InboxRow).filter_by(update_id=update_id).one()
            return row.state, row.attempts

        return self.tools.database.call(look)


@pytest.fixture
async def played(
    tools: Tools, offline: OfflineRequest, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A line over an offline Telegram, which does not rest after a failure."""
    monkeypatch.setattr(line_module, "PAUSE", 0.0)
    builder = Application.builder().token("1:x").updater(None)
    application: Any = builder.request(offline).get_updates_request(offline).build()
    await application.initialize()
    yield Played(tools, application, now)
    await application.shutdown()


async def test_within_a_chat_the_order_holds(played: Played) -> None:
    """The second message of a chat begins when the first has been handled; another chat does not wait."""
    played.holds[1] = asyncio.Event()
    played.store((1, 11), (2, 11), (3, 22))
    await played.steps(lambda: 3 in played.ended)
    assert played.began == [1, 3]
    played.holds[1].set()
    await played.steps(lambda: 2 in played.ended)

    assert played.ended == [3, 1, 2]


async def test_no_more_chats_than_lanes_at_a_time(played: Played) -> None:
    """However many wait."""
    hold = asyncio.Event()
    for number in range(1, 30):
        played.holds[number] = hold
        played.store((number, number))
    await played.steps(lambda: len(played.began) == LANES)
    running = asyncio.create_task(played.line.step(played.woken, 0.01))
    await asyncio.sleep(0.05)
    assert len(played.began) == LANES
    hold.set()
    await running
    await played.steps(lambda: len(played.ended) == 29)


async def test_what_nobody_wanted_is_done_and_its_words_are_gone(played: Played) -> None:
    """An update without an effect does not wait for ever, and leaves nothing behind."""
    played.store((1, 11))
    await played.steps(lambda: not played.line.is_busy() and played.state(1)[0] == InboxState.DONE)

    assert played.tools.database.call(inbox.of_chat, 11) == []
    assert played.told == 1


async def test_a_failure_is_tried_again_and_holds_up_only_its_own_chat(played: Played) -> None:
    """The next message of that chat comes after it, in order; others at once."""
    played.faults[1] = [RuntimeError("secret words")]
    played.store((1, 11), (2, 11), (3, 22))
    await played.steps(lambda: 3 in played.ended and played.state(1) == (InboxState.WAITING, 1))
    assert 2 not in played.began
    played.now += timedelta(seconds=2)
    await played.steps(lambda: 2 in played.ended)

    assert played.ended == [3, 1, 2]


async def test_a_poison_update_is_parked_and_the_next_of_its_chat_served(played: Played) -> None:
    """Four times in vain, and the line goes on."""
    played.faults[1] = [RuntimeError("secret words") for _ in range(9)]
    played.store((1, 11), (2, 11))
    for _ in range(4):
        tried = played.state(1)[1]
        await played.steps(lambda tried=tried: played.state(1)[1] == tried + 1)  # type: ignore[misc]
        played.now += timedelta(minutes=2)
    await played.steps(lambda: 2 in played.ended)

    assert played.state(1) == (InboxState.PARKED, 4)


async def test_while_the_database_is_away_nothing_counts_as_a_failure(played: Played) -> None:
    """It is no fault of the update's: it is tried again until it can be handled, and never parked."""
    played.faults[1] = [DatabaseAway("full") for _ in range(9)]
    played.store((1, 11))
    await played.steps(lambda: 1 in played.ended)

    assert played.began == [1] * 10
    await played.steps(lambda: played.state(1) == (InboxState.DONE, 0))


async def test_who_is_not_on_duty_takes_nothing(played: Played) -> None:
    """A process that was replaced stops before it handles another update."""

    def refuse(_session: Session) -> None:
        raise LeaseLost("Another Aftercare has taken over this database.")

    played.on_duty = refuse
    played.store((1, 11))
    with pytest.raises(LeaseLost):
        await played.line.step(played.woken, 0.01)
    assert played.began == []


async def test_the_end_finishes_what_is_at_hand_and_keeps_the_rest(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is finished in time, one hangs and is handled again by the next start."""
    monkeypatch.setattr(line_module, "DRAIN", 0.2)
    played.holds = {1: asyncio.Event(), 2: asyncio.Event()}
    played.store((1, 11), (2, 22))
    await played.steps(lambda: len(played.began) == 2)
    played.holds[1].set()
    await played.line.end()

    assert played.state(1)[0] == InboxState.DONE
    assert played.state(2) == (InboxState.WAITING, 0)


async def test_it_rests_until_it_is_woken(played: Played) -> None:
    """Nothing waits: the step lasts until something arrives, not until the end of its rest."""
    resting = asyncio.create_task(played.line.step(played.woken, 60))
    await asyncio.sleep(0.05)
    assert not resting.done()
    played.woken.set()
    await asyncio.wait_for(resting, 5)
