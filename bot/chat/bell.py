"""The bell: it rings when something is due. What that is stands in the database, never in APScheduler.

PTB's JobQueue (APScheduler) rings at the next moment, and every night. A loop of its own looks every few seconds: it
goes by a clock that nobody sets, and finds whatever the other missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from telegram.ext import Job

from bot.chat.house import App, Context
from bot.domain.trouble import Trouble
from bot.service import dispatch, downtime, keep_house
from bot.service.downtime import Down
from bot.service.ports import Tools
from bot.service.rest import rest
from bot.storage.database import DatabaseAway, Session

log = logging.getLogger(__name__)

#: How often the bell looks by itself, in seconds. Another process may have written, a clock been set (by hours: what is
#: armed for a moment then lies far ahead), the database been away.
LOOK = 5.0
#: Between two full batches, in seconds: more than Telegram takes is put out all the same, and replies come between.
BREATH = 0.1
#: How often what was erased is also taken out of SQLite's write-ahead log.
COMPACT = timedelta(hours=1)
#: How long a stop waits for the batch that is under way, in seconds.
DRAIN = 2.0
#: A job of APScheduler that is late is done all the same, once: its own default drops what is a second late.
_LATE_IS_FINE: dict[str, Any] = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


class Bell:
    """Rings at the moment at which something is due, found in the database; and tidies up every night."""

    def __init__(
        self,
        tools: Tools,
        application: App,
        *,
        now: Callable[[], datetime],
        look: float,
        on_duty: Callable[[Session], None],
        rung: Callable[[], None],
    ) -> None:
        """Prepare; nothing rings yet.

        now: the moment, aware UTC. look: see `LOOK`, in seconds. on_duty: raises, in the transaction of a dispatch, if
        another process has taken over. rung: called when something went into the outbox.
        """
        assert application.job_queue is not None  # noqa: S101 (the extra is a dependency of ours)
        self._queue = application.job_queue
        self._tools = tools
        self._now = now
        self._look = look
        self._on_duty = on_duty
        self._rung = rung
        self._one_at_a_time = asyncio.Lock()
        self._armed: Job[Context] | None = None
        self._armed_for: datetime | None = None
        self._changed = False
        self._can_tell = True
        self._silent = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Ring at once, and from then on."""
        self._looking = asyncio.create_task(self._look_for_ever(), name="look")
        self._queue.run_repeating(self._compact, COMPACT, name="compact", job_kwargs=_LATE_IS_FINE)
        zone = ZoneInfo(self._tools.settings.clinic.time_zone)
        self._queue.run_daily(self._tidy, time(3, 30, tzinfo=zone), name="tidy", job_kwargs=_LATE_IS_FINE)

    def stop(self) -> None:
        """Put nothing more into the outbox; a batch that is under way is finished."""
        self._silent.set()

    async def end(self) -> None:
        """Stop, and wait for the batch that is under way."""
        self.stop()
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=DRAIN)
            self._looking.cancel()

    def changed(self) -> None:
        """Note that the next moment may be another one: the bell looks within a second."""
        if not self._changed:
            self._changed = True
            self._queue.run_once(self._on_change, 0.5, name="changed", job_kwargs=_LATE_IS_FINE)

    async def ring(self) -> int:
        """Put what is due now into the outbox, arm for the next moment, and return how much it was.

        If the bot was down and staff do not know, they are told afterwards, in one message, what that means.
        """
        async with self._one_at_a_time:
            total, down = await self._dispatch()
            if down is not None and not self._silent.is_set():
                await self._tell_staff()
            await self._arm()
        return total

    async def _dispatch(self) -> tuple[int, Down | None]:
        total, down = 0, None
        while not self._silent.is_set():
            counts, down = await self._tools.database.run(self._due)
            total += counts.total
            if counts.total:
                self._rung()
            if not counts.more:
                break
            await asyncio.sleep(BREATH)
        return total, down

    def _due(self, session: Session) -> tuple[dispatch.Counts, Down | None]:
        self._on_duty(session)
        down = downtime.noted(session) if self._can_tell else None
        return dispatch.due(session, self._tools, self._now(), tell_expired=down is None), down

    async def _tell_staff(self) -> None:
        """Tell staff of the downtime. While the database is away it stays noted, and the next look tells it."""
        try:
            await self._tools.database.run(self._tell)
            self._rung()
        except Trouble:
            raise
        except Exception:
            # A fault of ours must not keep back for ever whom to call; the next process tries the message again.
            self._can_tell = False
            log.exception("Staff could not be told of the downtime.", extra={"action": "dispatch"})

    def _tell(self, session: Session) -> None:
        self._on_duty(session)
        downtime.tell_noted(session, self._tools, self._now())

    async def _arm(self) -> None:
        """Let APScheduler ring at the next moment, if that is sooner than the next look."""
        self._changed = False
        moment = await self._tools.database.run(dispatch.next_moment)
        if moment == self._armed_for and self._armed is not None and not self._armed.removed:
            return
        if self._armed is not None and not self._armed.removed:
            self._armed.schedule_removal()
        self._armed, self._armed_for = None, moment
        if moment is not None and not self._silent.is_set():
            wait = (moment - self._now()).total_seconds()
            wait = wait if wait > 0 else 1.0  # it came while we looked, or could not be done just now
            self._armed = self._queue.run_once(self._on_due, wait, name="due", job_kwargs=_LATE_IS_FINE)

    # --- who rings ---------------------------------------------------------------------------------------

    async def _look_for_ever(self) -> None:
        while not self._silent.is_set():
            await self._ring_for_sure()
            await rest(self._look, self._silent)

    async def _ring_for_sure(self) -> None:
        """Ring; whatever comes in between (the database away, a fault of ours), the next look tries again."""
        try:
            await self.ring()
        except Trouble as trouble:
            log.warning("What is due must wait: %s", trouble, extra={"action": "dispatch"})
        except Exception:
            log.exception("What is due must wait.", extra={"action": "dispatch"})

    async def _on_due(self, _context: Context) -> None:
        self._armed = None
        await self._ring_for_sure()

    async def _on_change(self, _context: Context) -> None:
        await self._ring_for_sure()

    async def _compact(self, _context: Context) -> None:
        await asyncio.to_thread(self._tools.database.compact)

    async def _tidy(self, _context: Context) -> None:
        total = keep_house.Counts(more=True)
        try:
            while total.more and not self._silent.is_set():
                total += await self._tools.database.run(keep_house.tidy, self._tools, self._now())
                await asyncio.sleep(BREATH)
        except DatabaseAway as trouble:
            log.warning("House could not be kept: %s", trouble, extra={"action": "tidy"})
        await asyncio.to_thread(self._tools.database.compact)
        log.info("Kept house: %s.", total, extra={"action": "tidy"})
