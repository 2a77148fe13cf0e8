"""A counter that others can wait on."""

import asyncio


class Pulse:
    """Counts what happened; whoever waits is woken by the next beat.

    It may be made outside an event loop, and beaten from plain functions in the loop's thread.
    """

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Count one more and wake everybody who waits."""
        self.count += 1
        last, self._next = self._next, asyncio.Event()
        last.set()

    async def after(self, seen: int, seconds: float) -> int:
        """Return the count as soon as it is beyond *seen*, or after *seconds* of real time."""
        if self.count <= seen and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._next.wait()
            except TimeoutError:
                pass
        return self.count
