"""SIGTERM in the middle of a mixed load: the process ends by itself, with 0, within 8 seconds, and nothing is lost by it.

And SIGTERM while it starts, with a network that is not there yet, or never answers: within 2 seconds.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from bot.sandbox.faults import Fault
from tests.journeys.conftest import Trials
from tests.kit.crowd import Load
from tests.kit.gate import Gate
from tests.kit.processes import real_command

SEED = 20261121
#: A stop takes at most so many seconds: service managers kill after 10.
AT_MOST = 8.0
#: The same while it starts, when nothing is at hand.
AT_THE_START = 2.0
#: How often it is stopped, with the API this many seconds away.
STOPS, ROUND_TRIP = 5, 0.08
BUSY = Load(questions=6.0, check_ins=5.0, alarms=1.0)


async def test_stopped_under_load_it_loses_and_doubles_nothing(trial: Trials) -> None:
    """Asked to stop at random moments, with the API 80 ms away: answers under way are waited for, so nothing comes twice."""
    chance = random.Random(SEED)
    took = []
    async with asyncio.timeout(120), trial(seed=SEED, round_trip=ROUND_TRIP) as on:
        on.crowd.plan(BUSY, seconds=9)
        async with on.crowd.at_large():
            for _ in range(STOPS):
                bot = await on.start()
                await on.until_called(chance.randrange(5, 40))
                took.append(await bot.stopped())
            last = await on.start()
            await on.crowd.rest()
            took.append(await last.stopped())
        on.verdict(
            f"{len(took)} stops, the API {ROUND_TRIP} s away, at most {max(took):.2f} s:", most_late=30
        )
    assert max(took) < AT_MOST


async def test_stopped_while_the_api_hangs_it_ends_in_time(trial: Trials) -> None:
    """No call is answered any more: it does not wait for them, and what hung may come once more, as nobody knows."""
    async with asyncio.timeout(90), trial(seed=10) as on:
        on.crowd.plan(BUSY, seconds=8)
        async with on.crowd.at_large():
            bot = await on.start()
            await on.until_called(60)
            # Half of what hangs was taken.
            for place in range(40):
                on.sandbox.plan(Fault(method="sendMessage", kind="hang", taken=place % 2 == 0))
            on.sandbox.plan(Fault(method="*", kind="hang", times=1_000_000))
            await on.until_called(8)
            took = await bot.stopped()
            on.sandbox.world.faults.clear()
            last = await on.start()
            await on.crowd.rest()
            await last.stopped()
        on.verdict(f"stopped while the API hung, after {took:.2f} s:", most_late=30)
    assert took < AT_MOST


# --- while it starts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["getMe", "setMyCommands"])
async def test_stopped_while_it_starts_and_the_api_hangs_it_ends_at_once(trial: Trials, method: str) -> None:
    """Before it knows who it is; and when it is at work already, but cannot say so in Telegram's menus."""
    async with asyncio.timeout(60), trial(seed=11) as on:
        on.sandbox.plan(Fault(method=method, kind="hang", times=1_000_000))
        bot = await on.bots.start(on.config)
        called = await on.sandbox.until(lambda: any(call.method == method for call in on.sandbox.calls()))
        assert called, bot.end_of_log()
        took = await bot.stopped()
        on.say(f"stopped while {method} hung: {took:.2f} s")
        assert took < AT_THE_START
        on.sandbox.world.faults.clear()
        again = await on.start()  # the lease is free
        await again.stopped()


async def test_a_network_that_comes_later_than_the_bot_is_waited_for(trial: Trials) -> None:
    """As after a power cut: a warning in the log says what it waits for; stopped meanwhile, it ends at once."""
    async with asyncio.timeout(60), trial(seed=12) as on, Gate(on.port) as gate:
        await gate.shut()
        config = on.clinic.config(gate.url, "behind-the-gate.yaml")
        first = await on.bots.start(config)
        await first.has_said("The Bot API server cannot be reached")
        assert await first.stopped() < AT_THE_START
        second = await on.bots.start(config)
        await second.has_said("asked again in 2 s")
        assert not second.has_ended
        await gate.open()
        await second.at_work()
        await second.stopped()


async def test_the_real_command_hears_the_signal_while_it_waits(trial: Trials) -> None:
    """Started as a clinic starts it, and asked to stop as a service manager does."""
    async with asyncio.timeout(90), trial(seed=13) as on:
        on.sandbox.plan(Fault(method="getMe", kind="hang", times=1_000_000))
        async with real_command(on.config, on.clinic.folder / "real.log") as process:
            assert await on.sandbox.until(
                lambda: any(call.method == "getMe" for call in on.sandbox.calls()), seconds=60
            )
            began = asyncio.get_running_loop().time()
            process.terminate()
            assert await process.wait() == 0
            # Python itself takes some of it.
            assert asyncio.get_running_loop().time() - began < AT_THE_START + 1
