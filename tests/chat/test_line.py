"""Tests of the line: in order within a chat, several chats at a time, each update with one effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from telegram import Update
from telegram.error import BadRequest, Conflict, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.ext import Application, TypeHandler

from bot.chat import line as line_module
from bot.chat.house import App, Context
from bot.chat.line import LANES, Line
from bot.service.look_ahead import LookAhead
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
        self.words: dict[int, str] = {}
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
            Arrival(
                update_id=id_,
                chat_id=chat,
                payload=text_update(id_, self.words.get(id_, "does it hurt?"), chat=chat),
            )
            for id_, chat in updates
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

    def row(self, update_id: int) -> InboxRow:
        """Return an update as it is stored."""
        row = self.tools.database.call(inbox.by_id, update_id)
        assert row is not None
        return row

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


# --- danger first in a backlog ---------------------------------------------------------------------------

DANGER = "i cant breathe properly"


@pytest.fixture
def backlog(played: Played, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Every lane is held by a chat, and fifty more wait for one."""
    monkeypatch.setattr(line_module, "LOOK_PAUSE", 0.0)
    played.holds = {number: asyncio.Event() for number in range(1, LANES + 1)}
    played.store(*((number, number) for number in range(1, 51)))
    return played


async def looked_at(played: Played, update_id: int) -> None:
    """Go on until all lanes are held, and the line has looked at this update."""
    seq = played.row(update_id).seq
    held = set(played.holds)
    await played.steps(lambda: held <= set(played.began) and played.line._ahead._newest >= seq)


async def test_in_a_backlog_danger_goes_first(backlog: Played) -> None:
    """It came last of all, and the first lane that is free takes it; then the order of arrival holds again."""
    backlog.words[99] = DANGER
    backlog.store((99, 99))
    await looked_at(backlog, 99)
    backlog.holds[3].set()
    await backlog.steps(lambda: len(backlog.began) > LANES + 3)

    assert backlog.began[:LANES] == list(range(1, LANES + 1))
    assert backlog.began[LANES:][:4] == [99, 9, 10, 11]
    assert backlog.line._ahead.first(()) == {}


async def test_danger_that_comes_to_a_backlog_goes_first_as_well(backlog: Played) -> None:
    """What waited before it has been looked at already."""
    await looked_at(backlog, 50)
    backlog.words[99] = DANGER
    backlog.store((99, 99))
    backlog.holds[3].set()  # a lane that is free, and is taken by others, again and again
    await backlog.steps(lambda: 99 in backlog.began)

    assert backlog.began.index(99) < 50


async def test_what_a_chat_in_danger_wrote_before_is_handled_before_it_at_once(backlog: Played) -> None:
    """In its own order: none of the others comes between."""
    backlog.words[99] = DANGER
    backlog.store((97, 99), (98, 99), (99, 99), (100, 99))
    await looked_at(backlog, 99)
    backlog.holds[3].set()
    await backlog.steps(lambda: len(backlog.ended) > 5)

    assert backlog.began[LANES:][:3] == [97, 98, 99]
    assert backlog.began[LANES + 3] == 9


async def test_danger_goes_first_again_if_the_database_was_away_for_it(backlog: Played) -> None:
    """It has not been handled, so nothing is forgotten."""
    backlog.words[99] = DANGER
    backlog.store((99, 99))
    backlog.faults[99] = [DatabaseAway("full") for _ in range(3)]
    await looked_at(backlog, 99)
    backlog.holds[3].set()
    await backlog.steps(lambda: 99 in backlog.ended)

    assert backlog.began.count(99) == 4
    assert len(backlog.began) < 45


async def test_without_a_backlog_nothing_is_looked_at_and_nothing_more_is_asked(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many chats as there are lanes, many updates of each: a step asks the database what it always asked."""
    said: list[str] = []
    event.listen(
        played.tools.database.engine, "before_cursor_execute", lambda *given: said.append(str(given[2]))
    )

    async def look(_ahead: LookAhead, _now: datetime) -> bool:
        raise AssertionError("nobody waits for a lane")

    monkeypatch.setattr(LookAhead, "look", look)
    played.holds = {number: asyncio.Event() for number in range(1, LANES + 1)}
    played.store(*((number + 100 * more, number) for more in range(5) for number in range(1, LANES + 1)))
    said.clear()
    await played.line.step(played.woken, 0.01)

    assert [words.split()[0] for words in said] == ["BEGIN", "SELECT", "SELECT", "SELECT"]
    assert played.line._looking is None
    for hold in played.holds.values():
        hold.set()
    await played.steps(lambda: len(played.ended) == 5 * LANES)
    assert played.line._looking is None


@pytest.mark.parametrize(
    ("error", "level"), [(RuntimeError("secret words"), "ERROR"), (DatabaseAway("full"), "WARNING")]
)
async def test_a_look_that_fails_keeps_nobody_waiting(
    backlog: Played,
    error: Exception,
    level: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried again; meanwhile the order of arrival holds, and the log says so."""

    async def look(_ahead: LookAhead, _now: datetime) -> bool:
        raise error

    monkeypatch.setattr(LookAhead, "look", look)
    for hold in backlog.holds.values():
        hold.set()
    await backlog.steps(lambda: len(backlog.ended) == 50)

    assert backlog.began == list(range(1, 51))
    said = [record for record in caplog.records if record.getMessage().startswith("Not looked ahead")]
    assert {record.levelname for record in said} == {level}


async def test_when_nothing_waits_any_more_all_is_forgotten(backlog: Played) -> None:
    """What was looked at, and what was found."""
    backlog.words[99] = DANGER
    backlog.store((99, 99))
    await looked_at(backlog, 99)
    for hold in backlog.holds.values():
        hold.set()
    await backlog.steps(lambda: len(backlog.ended) == 51)
    await backlog.steps(lambda: backlog.line._ahead._newest == 0)

    assert backlog.line._ahead._known == set()
    assert backlog.line._ahead.first(()) == {}


async def test_the_end_does_not_wait_for_a_look(backlog: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left where it is: nothing depends on it."""
    monkeypatch.setattr(line_module, "DRAIN", 0.1)
    monkeypatch.setattr(line_module, "LOOK_PAUSE", 60)
    await looked_at(backlog, 50)
    looking = backlog.line._looking
    assert looking is not None
    await asyncio.wait_for(backlog.line.end(), 5)
    await asyncio.gather(looking, return_exceptions=True)

    assert looking.cancelled()


# --- Telegram away ---------------------------------------------------------------------------------------


async def test_telegram_away_is_not_the_updates_fault(played: Played) -> None:
    """It is asked again after growing pauses, far longer than four tries last, and no try is counted."""
    played.faults[1] = [
        NetworkError("Bad Gateway"),
        TimedOut(),
        NetworkError("down"),
        *[TimedOut() for _ in range(3)],
    ]
    played.store((1, 11), (2, 11), (3, 22))
    pauses = []
    for tried in range(1, 7):
        await played.steps(lambda tried=tried: played.began.count(1) == tried and not played.line._lanes)  # type: ignore[misc]
        again = played.row(1).try_at
        assert again is not None
        pauses.append((again - played.now).total_seconds())
        assert played.state(1) == (InboxState.WAITING, 0)
        played.now = again
    await played.steps(lambda: 2 in played.ended)

    assert pauses == [5, 10, 20, 30, 30, 30]
    assert played.ended == [3, 1, 2]
    await played.steps(lambda: played.state(1) == (InboxState.DONE, 0))
    assert played.row(1).error is None


async def test_telegram_says_itself_how_long_to_wait(played: Played) -> None:
    """429 with retry_after: so long, and no shorter."""
    played.faults[1] = [RetryAfter(timedelta(seconds=47))]
    played.store((1, 11))
    await played.steps(lambda: played.row(1).error == "RetryAfter")

    assert played.row(1).try_at == played.now + timedelta(seconds=47)
    assert played.state(1) == (InboxState.WAITING, 0)


async def test_pauses_begin_anew_after_a_failure_of_its_own(played: Played) -> None:
    """What is remembered of how often Telegram was asked in vain belongs to one spell of it."""
    played.faults[1] = [TimedOut(), TimedOut(), RuntimeError(), TimedOut()]
    played.store((1, 11))
    for tried in range(1, 5):
        await played.steps(lambda tried=tried: played.began.count(1) == tried and not played.line._lanes)  # type: ignore[misc]
        again = played.row(1).try_at
        assert again is not None
        last, played.now = again - played.now, again

    assert last == timedelta(seconds=5)
    assert played.state(1) == (InboxState.WAITING, 1)


async def test_after_an_hour_telegram_away_is_a_failure(played: Played) -> None:
    """The update is parked after its four tries, and its chat goes on."""
    played.faults[1] = [TimedOut() for _ in range(9)]
    played.store((1, 11), (2, 11))
    played.now += inbox.PATIENCE
    for tried in range(1, 5):
        await played.steps(lambda tried=tried: played.state(1)[1] == tried)  # type: ignore[misc]
        played.now += timedelta(minutes=2)
    await played.steps(lambda: 2 in played.ended)

    assert played.state(1) == (InboxState.PARKED, 4)
    assert played.line._asked == {}


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        BadRequest("Chat not found"),
        Forbidden("bot was kicked"),
        Conflict("terminated by other"),
        TelegramError("Invalid server response"),
        OSError("network is unreachable"),
        TimeoutError(),
        _caused(RuntimeError("ours"), NetworkError("down")),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_other_failures_are_counted(played: Played, error: Exception) -> None:
    """What Telegram answered, what another network says, and what came of a failure: each is a try."""
    played.faults[1] = [error]
    played.store((1, 11))
    await played.steps(lambda: played.row(1).error is not None)

    assert played.state(1) == (InboxState.WAITING, 1)
    assert played.row(1).try_at == played.now + inbox.PAUSES[0]


async def test_a_database_away_because_of_its_network_is_the_databases_matter(played: Played) -> None:
    """Nothing is noted at all: it is tried again as soon as the database answers."""
    played.faults[1] = [_caused(DatabaseAway("cannot be reached"), TimedOut()) for _ in range(3)]
    played.store((1, 11))
    await played.steps(lambda: 1 in played.ended)

    assert played.began == [1] * 4
    assert played.row(1).error is None
