"""A heart that beats every millisecond in an event loop, and knows the longest time it was kept from it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass

BEAT = 0.001
#: How often it writes down how it is, in seconds: a process that is blocked is missed by the one who watches.
REPORT = 0.5


class Heartbeat:
    """Beats while the block runs; *longest* is how long the loop was blocked at worst, in seconds.

    Every half second it writes a line that `last_report` reads.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Heartbeat:
        """Begin."""
        self._report()  # who is blocked from the start on is missed, too
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
        self._report()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        last = reported = loop.time()
        while True:
            await asyncio.sleep(BEAT)
            now = loop.time()
            self.longest = max(self.longest, now - last - BEAT)
            last = now
            if now - reported > REPORT:
                reported = now
                self._report()

    def _report(self) -> None:
        sys.stdout.write(json.dumps({"beat": time.time(), "longest": self.longest}) + "\n")
        sys.stdout.flush()


@dataclass(frozen=True, kw_only=True)
class Report:
    """When a heart wrote last (seconds since 1970), and the longest it was kept from beating until then."""

    at: float
    longest: float

    def blocked(self, now: float) -> bool:
        """Tell whether it should have written again by now."""
        return now - self.at > 3 * REPORT


def last_report(written: str) -> Report | None:
    """Return the last report among what a process wrote, if there is one."""
    for line in reversed(written.splitlines()):
        if line.startswith('{"beat": '):
            found = json.loads(line)
            return Report(at=found["beat"], longest=found["longest"])
    return None
