"""Tests of being on duty: the lease taken, renewed, lost, and given up; and what is known of the process before."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.chat import duty as duty_module
from bot.chat.duty import Duty
from bot.service import downtime
from bot.service.downtime import Down
from bot.service.ports import Tools
from bot.storage import lease
from bot.storage.database import Database, DatabaseAway, Session
from bot.storage.lease import TERM, Holder, LeaseLost

US = Holder(host="here", pid=1, mark="a")
OTHER = Holder(host="there", pid=2, mark="b")


class Clock:
    """A moment that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the moment."""
        return self.at


@pytest.fixture
def clock(now: datetime) -> Clock:
    """A clock at the story's beginning."""
    return Clock(now)


def on_duty(tools: Tools, clock: Clock, *, dead: bool = False, holder: Holder = US) -> Duty:
    """Return a duty whose neighbours are dead, or not."""
    return Duty(
        tools.database,
        holder,
        now=clock.now,
        seconds=lambda: clock.seconds,
        process_is_dead=lambda _holder: dead,
    )


async def test_nobody_was_here_before(tools: Tools, clock: Clock) -> None:
    """The first start takes the lease and has no downtime to tell of."""
    duty = on_duty(tools, clock)
    assert await duty.take() is None
    assert tools.database.call(downtime.noted) is None


async def test_a_process_that_lives_is_named(tools: Tools, clock: Clock) -> None:
    """It has the lease; ours is not on duty, and its transactions are refused."""
    await on_duty(tools, clock, holder=OTHER).take()
    duty = on_duty(tools, clock)

    assert await duty.take() == OTHER
    with pytest.raises(LeaseLost, match="process 2 on there"):
        await tools.database.run(duty.require)


@pytest.mark.parametrize("gave_up", [True, False])
async def test_until_when_the_process_before_lived_is_noted(
    tools: Tools, clock: Clock, gave_up: bool
) -> None:
    """Whether it stopped by itself or was killed: its last sign of life counts."""
    before = on_duty(tools, clock, holder=OTHER)
    await before.take()
    if gave_up:
        clock.at += timedelta(seconds=4)
        await before.give_up()
    last = clock.at
    clock.at += timedelta(hours=2)
    duty = on_duty(tools, clock)

    assert await duty.take() is None
    assert tools.database.call(downtime.noted) == Down(since=last, back=clock.at, until=clock.at)


async def test_a_start_that_fails_after_it_does_not_make_a_downtime_short(tools: Tools, clock: Clock) -> None:
    """It gives the lease up and writes that it was alive until then; the 20 hours before are still to be told."""
    await on_duty(tools, clock, holder=OTHER).take()
    last = clock.at
    clock.at += timedelta(hours=20)
    failing = on_duty(tools, clock)
    await failing.take()
    back = clock.at
    clock.at += timedelta(seconds=3)
    await failing.give_up()
    clock.at += timedelta(seconds=5)

    assert await on_duty(tools, clock, holder=OTHER).take() is None
    assert tools.database.call(downtime.noted) == Down(since=last, back=back, until=clock.at)


async def test_a_dead_process_is_followed_at_once(tools: Tools, clock: Clock) -> None:
    """After kill -9 the next start on the same machine does not wait for the end of the lease."""
    await on_duty(tools, clock, holder=OTHER).take()
    assert await on_duty(tools, clock, dead=True).take() is None


async def test_while_it_is_kept_nobody_else_gets_it(
    tools: Tools, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each renewal lasts a whole term from its own moment, also after the database was away for a while."""
    monkeypatch.setattr(duty_module, "RENEW", 0.01)
    duty = on_duty(tools, clock)
    await duty.take()
    away = [DatabaseAway("locked"), DatabaseAway("locked")]
    run = tools.database.run

    async def sometimes_away(*arguments: object) -> object:
        if away:
            raise away.pop()
        return await run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tools.database, "run", sometimes_away)
    keeping = asyncio.create_task(duty.keep())
    clock.at += TERM - timedelta(seconds=1)
    await _until_renewed(tools, clock)
    clock.at += TERM - timedelta(seconds=1)

    assert tools.database.call(lease.take, OTHER, clock.at) == US
    keeping.cancel()


async def _until_renewed(tools: Tools, clock: Clock) -> None:
    async with asyncio.timeout(10):
        while tools.database.call(lease.last_alive) != clock.at:  # noqa: ASYNC110 (the fact is in a database)
            await asyncio.sleep(0.01)


async def test_who_lost_it_is_told(tools: Tools, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that slept past its lease must not go on beside its successor."""
    monkeypatch.setattr(duty_module, "RENEW", 0.01)
    duty = on_duty(tools, clock)
    await duty.take()
    clock.at += TERM
    clock.seconds += TERM.total_seconds()
    assert await on_duty(tools, clock, holder=OTHER).take() is None

    with pytest.raises(LeaseLost, match="taken over"):
        await asyncio.wait_for(duty.keep(), 10)
    with pytest.raises(LeaseLost):
        await tools.database.run(duty.require)


async def test_given_up_it_is_free_at_once(tools: Tools, clock: Clock) -> None:
    """The next process need not wait."""
    duty = on_duty(tools, clock)
    await duty.take()
    await duty.give_up()

    assert await on_duty(tools, clock, holder=OTHER).take() is None


# --- asleep -------------------------------------------------------------------------------------------------


async def until_noted(tools: Tools) -> Down:
    """Wait until a downtime is noted."""
    async with asyncio.timeout(10):
        while (down := tools.database.call(downtime.noted)) is None:  # noqa: ASYNC110 (the fact is in a database)
            await asyncio.sleep(0.01)
    return down


async def test_a_machine_that_slept_was_down(
    tools: Tools, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal after it notes from when to when; the clock that never goes back has not moved meanwhile."""
    monkeypatch.setattr(duty_module, "RENEW", 0.01)
    duty = on_duty(tools, clock)
    await duty.take()
    last = clock.at
    keeping = asyncio.create_task(duty.keep())
    await asyncio.sleep(0.1)
    assert tools.database.call(downtime.noted) is None
    clock.at += timedelta(hours=5)

    down = await until_noted(tools)
    keeping.cancel()

    assert down == Down(since=last, back=clock.at, until=clock.at)


async def test_a_database_that_was_away_for_hours_is_a_downtime(
    tools: Tools, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be handled or sent meanwhile; the first renewal that succeeds notes it."""
    monkeypatch.setattr(duty_module, "RENEW", 0.01)
    duty = on_duty(tools, clock)
    await duty.take()
    last = clock.at
    run = tools.database.run

    async def away(*_: object) -> object:
        clock.at += timedelta(hours=1)
        if clock.at - last >= timedelta(hours=5):
            monkeypatch.setattr(tools.database, "run", run)
        raise DatabaseAway("cannot be reached")

    monkeypatch.setattr(tools.database, "run", away)
    keeping = asyncio.create_task(duty.keep())
    down = await until_noted(tools)
    keeping.cancel()

    assert down == Down(since=last, back=last + timedelta(hours=5), until=last + timedelta(hours=5))


async def test_whoever_comes_first_after_a_sleep_notes_it(tools: Tools, clock: Clock) -> None:
    """A dispatch may come before the renewal, and must know that staff are told in one message; noted only once."""
    duty = on_duty(tools, clock)
    await duty.take()
    last = clock.at
    clock.at += timedelta(hours=5)
    await tools.database.run(duty.require)
    assert tools.database.call(downtime.noted) == Down(since=last, back=clock.at, until=clock.at)

    tools.database.call(downtime.tell_noted, tools, clock.at)
    clock.at += timedelta(seconds=2)
    await tools.database.run(duty.require)
    await tools.database.run(duty._renew)

    assert tools.database.call(downtime.noted) is None


async def test_what_is_rolled_back_is_noted_by_the_next(tools: Tools, clock: Clock) -> None:
    """The transaction of the first work after a sleep may fail; the note is not lost with it."""
    duty = on_duty(tools, clock)
    await duty.take()
    clock.at += timedelta(hours=5)

    def fails(session: Session) -> None:
        duty.require(session)
        raise DatabaseAway("full")

    with pytest.raises(DatabaseAway):
        await tools.database.run(fails)
    assert tools.database.call(downtime.noted) is None
    await tools.database.run(duty.require)

    assert tools.database.call(downtime.noted) is not None


@pytest.mark.parametrize("gap", [timedelta(minutes=9), -timedelta(hours=8)])
async def test_a_short_sleep_or_a_clock_set_back_is_none(tools: Tools, clock: Clock, gap: timedelta) -> None:
    """Nothing came late for it that staff must know of."""
    duty = on_duty(tools, clock)
    await duty.take()
    clock.at += gap
    await tools.database.run(duty.require)
    await tools.database.run(duty._renew)

    assert tools.database.call(downtime.noted) is None


async def test_a_clock_that_a_person_turns_is_no_sleep(tools: Tools, clock: Clock) -> None:
    """The sandbox's hours pass in a moment while the bot is at work."""
    began = clock.at
    duty = Duty(
        tools.database,
        US,
        now=clock.now,
        seconds=lambda: clock.seconds,
        process_is_dead=lambda _: False,
        machine_now=lambda: began,
    )
    await duty.take()
    clock.at += timedelta(hours=24)
    await tools.database.run(duty.require)
    await tools.database.run(duty._renew)

    assert tools.database.call(downtime.noted) is None


async def test_who_slept_past_its_lease_notes_nothing(tools: Tools, clock: Clock) -> None:
    """Another has taken over, and looked after everybody."""
    duty = on_duty(tools, clock)
    await duty.take()
    clock.at += timedelta(hours=5)
    await on_duty(tools, clock, holder=OTHER).take()
    tools.database.call(downtime.tell_noted, tools, clock.at)

    with pytest.raises(LeaseLost):
        await tools.database.run(duty.require)
    assert tools.database.call(downtime.noted) is None


# --- on a database that several machines share --------------------------------------------------------------


@pytest.fixture
def shared(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """A database that counts as shared."""
    monkeypatch.setattr(Database, "is_shared", True)
    return tools


async def test_a_clock_that_is_ahead_does_not_take_over(shared: Tools, clock: Clock) -> None:
    """Another machine's clock shows a lease as over that is well alive: it is renewed, so it stays whose it is."""
    active = on_duty(shared, clock)
    await active.take()
    clock.at += timedelta(hours=1)
    waiting = on_duty(shared, clock, holder=OTHER)
    for _ in range(20):
        assert await waiting.take() == US
        clock.seconds += 3
        clock.at += timedelta(seconds=3)
        await shared.database.run(active._renew)


async def test_who_gives_no_sign_of_life_for_a_term_is_followed(shared: Tools, clock: Clock) -> None:
    """By the clock of the one that waits, however late the other's is."""
    await on_duty(shared, clock).take()
    clock.at -= timedelta(hours=5)
    waiting = on_duty(shared, clock, holder=OTHER)
    assert await waiting.take() == US
    clock.seconds += TERM.total_seconds() - 0.1
    assert await waiting.take() == US
    clock.seconds += 0.2

    assert await waiting.take() is None


async def test_nobody_is_followed_for_a_silence_of_the_database(
    shared: Tools, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is away nobody can give a sign of life: once it is back, there is a whole term to do so."""
    await on_duty(shared, clock).take()
    waiting = on_duty(shared, clock, holder=OTHER)
    assert await waiting.take() == US

    async def away(*_: object) -> object:
        raise DatabaseAway("cannot be reached")

    with monkeypatch.context() as patch:
        patch.setattr(shared.database, "run", away)
        with pytest.raises(DatabaseAway):
            await waiting.take()
    clock.seconds += 2 * TERM.total_seconds()

    assert await waiting.take() == US
    clock.seconds += TERM.total_seconds()
    assert await waiting.take() is None


async def test_who_gave_up_is_followed_at_once(shared: Tools, clock: Clock) -> None:
    """A release needs no term."""
    active = on_duty(shared, clock)
    await active.take()
    await active.give_up()

    assert await on_duty(shared, clock, holder=OTHER).take() is None


async def test_what_is_known_of_a_process_takes_no_shared_lease(shared: Tools, clock: Clock) -> None:
    """Another machine may have our name, and a process of that number: only its silence tells."""
    await on_duty(shared, clock).take()
    waiting = on_duty(shared, clock, dead=True, holder=OTHER)

    assert await waiting.take() == US
    clock.seconds += TERM.total_seconds()
    assert await waiting.take() is None


async def test_who_does_not_get_the_lease_notes_nothing(shared: Tools, clock: Clock) -> None:
    """Somebody else is on duty, however long ago their last sign of life seems to be."""
    await on_duty(shared, clock).take()
    clock.at += timedelta(hours=1)

    assert await on_duty(shared, clock, holder=OTHER).take() == US
    assert shared.database.call(downtime.noted) is None
