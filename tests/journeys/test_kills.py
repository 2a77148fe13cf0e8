"""kill -9, two hundred times, under a mixed load: nothing lost, nothing twice, on time."""

from __future__ import annotations

import asyncio
import random
import signal

from tests.journeys.conftest import Trials
from tests.kit.crowd import Load
from tests.kit.processes import Bot, log_says, real_command
from tests.kit.trial import Trial

SEED = 20261120
KILLS = 200


async def test_two_hundred_kills_lose_nothing(trial: Trials) -> None:
    """Killed at random moments of starts and of work: each update has its one effect, each message arrives.

    Given up may be only what was on its way at two deaths: that is repeated once, and never more.
    """
    chance = random.Random(SEED)
    async with asyncio.timeout(300), trial(seed=SEED) as on:
        on.crowd.plan(Load(), seconds=600)
        async with on.crowd.at_large():
            for _ in range(KILLS):
                bot = await on.bots.start(on.config)
                await _a_random_moment(on, bot, chance)
                await on.kill(bot)
            on.crowd.enough()
            last = await on.start()
            await on.crowd.rest()
            await last.stopped()
        on.verdict(f"{KILLS} kills (seed {SEED}):", most_late=120)


async def test_the_command_itself_killed_three_times_loses_nothing(trial: Trials) -> None:
    """The same with ``python -m bot run``, as a clinic starts it: only its start is slower than that of a fork."""
    chance = random.Random(SEED)
    async with asyncio.timeout(120), trial(seed=SEED + 1) as on:
        on.crowd.plan(Load(), seconds=12)
        async with on.crowd.at_large():
            for place in range(3):
                log = on.clinic.folder / f"command-{place}.log"
                async with real_command(on.config, log) as process:
                    await log_says(log, "is at work")
                    await on.until_called(chance.randrange(5, 40))
                    process.kill()
                    assert await process.wait() == -signal.SIGKILL
                on.tally.note_death()
            last = await on.start()
            await on.crowd.rest()
            await last.stopped()
        on.verdict("3 kills of the real command:", most_late=60)


async def _a_random_moment(on: Trial, bot: Bot, chance: random.Random) -> None:
    """Wait for a moment of the start (of any length), for one of the work, or for the n-th call to the Bot API."""
    kind, part = chance.randrange(3), chance.random()
    if kind == 0:
        await asyncio.sleep(1.2 * part)
        return
    await bot.at_work()
    if kind == 1:
        await asyncio.sleep(0.5 * part)
        return
    calls = on.sandbox.world.record
    number = calls.number + round(24 * part)
    await on.sandbox.until(lambda: calls.number >= number, seconds=2)
