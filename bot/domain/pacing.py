"""Telegram's speed limits, kept by us: so many messages a second for the bot, for one chat, and a minute for a group.

The figures are Telegram's own (core.telegram.org/bots/faq): about 30 messages a second in all, one a second in
a chat (a short burst passes), 20 a minute in a group.
"""

from __future__ import annotations

from collections import deque


class Pacer:
    """Decides how long a message must wait. Times are seconds of any clock that never goes back."""

    def __init__(self, per_second: int = 30, *, burst: int = 3, per_group_minute: int = 20) -> None:
        """Keep *per_second* for the bot; in a chat *burst* at once, then one a second; in a group so many a minute."""
        self.per_second = per_second
        self.burst = burst
        self.per_group_minute = per_group_minute
        self._all: deque[float] = deque()
        self._chats: dict[int, deque[float]] = {}
        self._closed_until = 0.0

    def wait(self, chat_id: int, now: float, *, urgent: bool = False) -> float:
        """Return how many seconds a message to *chat_id* must wait (0: it may leave now).

        *urgent* messages (danger) pass the limits of a chat and a group, for these are short of the real ones;
        nothing passes a pause that Telegram asked for.
        """
        waits = [self._closed_until - now]
        self._drop(self._all, now - 1)
        if len(self._all) >= self.per_second:
            waits.append(self._all[-self.per_second] + 1 - now)
        if not urgent:
            sent = self._chats.get(chat_id, deque())
            self._drop(sent, now - 60)
            recent = [at for at in sent if at > now - self.burst]
            if len(recent) >= self.burst:
                waits.append(recent[-self.burst] + self.burst - now)
            if chat_id < 0 and len(sent) >= self.per_group_minute:
                waits.append(sent[-self.per_group_minute] + 60 - now)
        return max(0.0, *waits)

    def sent(self, chat_id: int, now: float) -> None:
        """Note that a message left."""
        self._all.append(now)
        chat = self._chats.setdefault(chat_id, deque())
        chat.append(now)
        if len(self._chats) > 10_000:
            for quiet in [id_ for id_, times in self._chats.items() if not times or times[-1] < now - 60]:
                del self._chats[quiet]

    def pause(self, seconds: float, now: float) -> None:
        """Send nothing for *seconds*: Telegram asked for it (429, retry_after)."""
        self._closed_until = max(self._closed_until, now + seconds)

    @staticmethod
    def _drop(times: deque[float], before: float) -> None:
        while times and times[0] <= before:
            times.popleft()
