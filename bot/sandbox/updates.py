"""The queue of updates that wait for the bot."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from bot.sandbox.clock import Clock
from bot.sandbox.model import JSON
from bot.sandbox.pulse import Pulse
from bot.sandbox.refusal import Refusal

KEPT = timedelta(hours=24)
"""How long Telegram keeps an update (core.telegram.org/bots/api, "Getting updates")."""
KEPT_PRESS = timedelta(seconds=150)
"""How long it keeps a button press (tdlib/telegram-bot-api, Client.cpp, add_update)."""
NOT_UNLESS_ASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
FIRST = 871_000_001
"""The number of the first update."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """One update; *source* is the chat it comes from, *until* the moment it is forgotten."""

    id: int
    kind: str
    body: JSON
    source: int
    until: datetime

    def json(self) -> JSON:
        """Return it as the bot reads it."""
        return {"update_id": self.id, self.kind: self.body}


class Updates:
    """Updates in order; each is kept until the bot confirms it or it becomes too old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[Update] = []
        self._last_id = FIRST - 1
        self._poll = 0
        self._closed = False
        self.allowed: frozenset[str] = frozenset()
        """The kinds the bot asked for; empty means Telegram's usual ones."""
        self.arrived = Pulse()

    @property
    def polled(self) -> bool:
        """Tell whether somebody has asked for updates, ever: the bot is there."""
        return self._poll > 0

    @property
    def given(self) -> range:
        """Return the numbers of all updates there have been."""
        return range(FIRST, self._last_id + 1)

    def put(self, kind: str, body: JSON, source: int) -> Update | None:
        """Add an update, unless the bot asked not to hear of this kind."""
        if kind not in self.allowed if self.allowed else kind in NOT_UNLESS_ASKED:
            return None
        self._last_id += 1
        kept = KEPT_PRESS if kind == "callback_query" else KEPT
        until = self._clock.now() + kept
        update = Update(id=self._last_id, kind=kind, body=body, source=source, until=until)
        self._waiting.append(update)
        self.arrived.beat()
        return update

    def repeat(self, update: Update) -> None:
        """Deliver an update once more, under its own number: Telegram may do so after a crash."""
        self._waiting = sorted([update, *self._waiting], key=lambda u: u.id)
        self.arrived.beat()

    def waiting(self) -> list[Update]:
        """Return what waits, oldest first; what became too old is forgotten here."""
        now = self._clock.now()
        self._waiting = [update for update in self._waiting if update.until > now]
        return list(self._waiting)

    def confirm(self, update: Update) -> None:
        """Forget one update that the webhook took."""
        self._waiting = [other for other in self._waiting if other.id != update.id]

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting = []

    async def poll(self, offset: int, limit: int, seconds: float) -> list[JSON]:
        """Answer getUpdates: confirm below *offset*, then wait for something to come.

        A later poll ends an earlier one, which then learns that somebody else is reading.
        """
        self._poll += 1
        mine = self._poll
        self.arrived.beat()
        if offset > 0:
            self._waiting = [update for update in self._waiting if update.id >= offset]
        elif offset < 0:
            self._waiting = self._waiting[offset:]
        timer = _Timer(seconds)
        while True:
            seen = self.arrived.count
            if mine != self._poll:
                raise Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )
            found = self.waiting()[:limit]
            left = 0.0 if self._closed else timer.left()
            if found or left <= 0:
                return [update.json() for update in found]
            await self.arrived.after(seen, left)

    def stop_polls(self) -> None:
        """End a poll that waits, as if another had come."""
        self._poll += 1
        self.arrived.beat()

    def close(self) -> None:
        """Let a poll that waits end with nothing, for the sandbox is stopping."""
        self._closed = True
        self.arrived.beat()


class _Timer:
    """Counts real seconds, whatever the sandbox's clock says."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def left(self) -> float:
        return self._until - monotonic()
