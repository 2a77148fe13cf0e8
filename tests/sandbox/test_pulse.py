"""The counter one can wait on."""

import asyncio

from bot.sandbox.pulse import Pulse


async def test_whoever_waits_is_woken_by_the_next_beat() -> None:
    """A beat that was missed is not waited for."""
    pulse = Pulse()
    waiting = asyncio.create_task(pulse.after(0, 5))
    await asyncio.sleep(0)
    pulse.beat()

    assert await waiting == 1
    assert await pulse.after(0, 5) == 1
    assert await pulse.after(1, 0.01) == 1
    assert await pulse.after(1, -1) == 1
