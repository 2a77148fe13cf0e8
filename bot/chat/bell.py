"""The bell: PTB's JobQueue (APScheduler) rings when something is due. What is due stands in the database, never in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from telegram.ext import Job

from bot.chat.house import App, Context
from bot.service import dispatch, downtime, keep_house
from bot.service.ports import Tools
from bot.storage.database import DatabaseAway, Session

log = logging.getLogger(__name__)

#: How often the bell looks whether the next moment has changed (another process may have written, a clock been set).
LOOK = 5.0
#: Between two full batches, in seconds: more than Telegram takes is put out all the same, and replies come between.
BREATH = 0.1
#: How often what was erased is also taken out of SQLite's write-ahead log.
COMPACT = timedelta(hours=1)
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
        self._silent = False

    def start(self, *, alive_before: datetime | None) -> None:
        """Ring at once, and from then on. *alive_before*: until when the process before lived, for the word to staff."""
        self._queue.run_once(self._catch_up, 0, data=alive_before, name="catch_up", job_kwargs=_LATE_IS_FINE)
        self._queue.run_repeating(self._on_look, self._look, name="look", job_kwargs=_LATE_IS_FINE)
        self._queue.run_repeating(self._compact, COMPACT, name="compact", job_kwargs=_LATE_IS_FINE)
        zone = ZoneInfo(self._tools.settings.clinic.time_zone)
        self._queue.run_daily(self._tidy, time(3, 30, tzinfo=zone), name="tidy", job_kwargs=_LATE_IS_FINE)

    def stop(self) -> None:
        """Put nothing more into the outbox; a batch that is under way is finished."""
        self._silent = True

    def changed(self) -> None:
        """Note that the next moment may be another one: the bell looks within a second."""
        if not self._changed:
            self._changed = True
            self._queue.run_once(self._on_look, 0.5, name="changed", job_kwargs=_LATE_IS_FINE)

    async def ring(self) -> int:
        """Put what is due now into the outbox, arm for the next moment, and return how much it was."""
        async with self._one_at_a_time:
            return await self._dispatch(tell_expired=True)

    async def _dispatch(self, *, tell_expired: bool) -> int:
        total = 0
        while not self._silent:
            counts = await self._tools.database.run(self._due, tell_expired)
            total += counts.total
            if counts.total:
                self._rung()
            if not counts.more:
                break
            await asyncio.sleep(BREATH)
        await self._arm()
        return total

    def _due(self, session: Session, tell_expired: bool) -> dispatch.Counts:
        self._on_duty(session)
        return dispatch.due(session, self._tools, self._now(), tell_expired=tell_expired)

    async def _arm(self) -> None:
        """Let APScheduler ring at the next moment, if that is sooner than the next look."""
        self._changed = False
        moment = await self._tools.database.run(dispatch.next_moment)
        if moment == self._armed_for and self._armed is not None and not self._armed.removed:
            return
        if self._armed is not None and not self._armed.removed:
            self._armed.schedule_removal()
        self._armed, self._armed_for = None, moment
        if moment is not None and not self._silent:
            wait = (moment - self._now()).total_seconds()
            wait = wait if wait > 0 else 1.0  # it came while we looked, or could not be done just now
            self._armed = self._queue.run_once(self._on_due, wait, name="due", job_kwargs=_LATE_IS_FINE)

    # --- what APScheduler calls --------------------------------------------------------------------------

    async def _on_due(self, _context: Context) -> None:
        self._armed = None
        await self._unless_away(self.ring())

    async def _on_look(self, _context: Context) -> None:
        await self._unless_away(self.ring())

    async def _catch_up(self, context: Context) -> None:
        """Do what fell due before this start, and tell staff in one message what that means."""
        alive_before = context.job.data if context.job else None

        async def catch_up() -> None:
            began = self._now()
            told = isinstance(alive_before, datetime) and downtime.is_worth_a_word(alive_before, began)
            async with self._one_at_a_time:
                await self._dispatch(tell_expired=not told)
            if isinstance(alive_before, datetime) and told:
                await self._tools.database.run(
                    downtime.tell_staff, self._tools, alive_before, began, self._now()
                )
                self._rung()

        await self._unless_away(catch_up())

    async def _compact(self, _context: Context) -> None:
        await asyncio.to_thread(self._tools.database.compact)

    async def _tidy(self, _context: Context) -> None:
        counts = await self._tools.database.run(keep_house.tidy, self._tools, self._now())
        await asyncio.to_thread(self._tools.database.compact)
        log.info("Kept house: %s.", counts, extra={"action": "tidy"})

    async def _unless_away(self, work: Any) -> None:
        """Do *work*; if the database is away, the next look does it."""
        try:
            await work
        except DatabaseAway as trouble:
            log.warning("What is due must wait: %s", trouble, extra={"action": "dispatch"})
