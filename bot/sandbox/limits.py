"""Telegram's limits on sending, for those who want to meet them."""

import math
import time
from collections import deque
from collections.abc import Callable


class Limits:
    """30 messages a second for the bot, 20 a minute for a group, 1 a second for a chat.

    A chat may get a burst of three (core.telegram.org/bots/faq tells of "short bursts" without
    a figure). Counted in real seconds, because a bot that is told to pause sleeps for real.
    """

    def __init__(
        self,
        *,
        a_second: int = 30,
        a_minute_in_group: int = 20,
        burst: int = 3,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._a_second = a_second
        self._a_minute_in_group = a_minute_in_group
        self._burst = burst
        self._ticks = ticks
        self._all: deque[float] = deque()
        self._groups: dict[int, deque[float]] = {}
        self._full_at: dict[int, float] = {}

    def pause(self, chat_id: int, *, group: bool) -> int:
        """Return 0 and count the message, or the whole seconds to wait before trying again."""
        now = self._ticks()
        recent = self._groups.setdefault(chat_id, deque()) if group else deque[float]()
        _forget(self._all, now - 1)
        _forget(recent, now - 60)
        # A chat earns one message a second, and saves up to a burst of them.
        owed = max(self._full_at.get(chat_id, now), now) - now
        waits = [owed - (self._burst - 1)]
        if len(self._all) >= self._a_second:
            waits.append(self._all[0] + 1 - now)
        if len(recent) >= self._a_minute_in_group:
            waits.append(recent[0] + 60 - now)
        if max(waits) > 0:
            return max(1, math.ceil(max(waits)))
        self._all.append(now)
        recent.append(now)
        self._full_at[chat_id] = now + owed + 1
        return 0


def _forget(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
