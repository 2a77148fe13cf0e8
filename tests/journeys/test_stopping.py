"""SIGTERM in the middle of a mixed load: the process ends by itself, with 0, within 8 seconds, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import random

from bot.sandbox.faults import Fault
from tests.journeys.conftest import Trials
from tests.kit.crowd import Load

SEED = 20261121
#: A stop takes at most so many seconds: service managers kill after 10.
AT_MOST = 8.0
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
