"""The bot at work: updates into the inbox, one after the other through the handlers, the outbox out, and the bell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application
from telegram.request import HTTPXRequest

from bot.chat import for_patients, for_staff, poll
from bot.chat.house import App, CannotRun, Context, House, move_in
from bot.chat.introduce import introduce
from bot.chat.messenger import TelegramMessenger
from bot.domain.pacing import Pacer
from bot.service import deliver, dispatch, keep_house
from bot.service.enrol import BOT_NAME
from bot.service.ports import Tools
from bot.storage import groups, inbox, lease, outbox
from bot.storage.inbox import Arrival
from bot.storage.lease import Holder

log = logging.getLogger(__name__)

TICK = 1.0
RENEW = timedelta(seconds=5)
#: How often what was erased is also taken out of SQLite's write-ahead log.
COMPACT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach Telegram: the token, and the root of the Bot API server."""

    token: str
    api_url: str


class TelegramApp:
    """The running bot. `start`, `wait`, `stop`; or `async with`."""

    def __init__(
        self,
        tools: Tools,
        connection: Connection,
        *,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
        holder: Holder,
        pacer: Pacer,
        process_is_dead: Callable[[Holder], bool] = lambda holder: False,
    ) -> None:
        """Prepare the bot; nothing is sent yet.

        now: the moment, aware UTC. seconds: a clock that never goes back, for *pacer*. holder: this process, for
        the lease. process_is_dead: tells whether another holder's process is known to be no more.
        """
        self._tools = tools
        self._now = now
        self._seconds = seconds
        self._holder = holder
        self._process_is_dead = process_is_dead
        self._application = _build(connection)
        move_in(self._application, House(tools=tools, now=now))
        for_patients.register(self._application)
        for_staff.register(self._application)
        self._application.add_error_handler(self._on_error)
        self._messenger = TelegramMessenger(self._application.bot)
        self._pacer = pacer
        self._tasks: list[asyncio.Task[None]] = []
        self._arrived = asyncio.Event()
        self._to_send = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._failure: Exception | None = None
        self._failed_updates: dict[int, str] = {}
        self._renewed: datetime | None = None

    # --- from start to end -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the lease, meet Telegram, and begin; raise `CannotRun` if one of these fails."""
        await self._take_lease()
        try:
            await self._application.initialize()
        except InvalidToken:
            await self._release_lease()
            raise CannotRun(
                "Telegram does not accept the bot's token. Check TELEGRAM_BOT_TOKEN (from @BotFather)."
            ) from None
        except TelegramError as error:
            await self._release_lease()
            raise CannotRun(
                f"The Bot API server cannot be reached ({type(error).__name__}). "
                "Check telegram.api_url and the network."
            ) from None
        database = self._tools.database
        await database.run(groups.write_note, BOT_NAME, self._application.bot.username)
        await database.run(outbox.recover, self._now(), all_of_them=True)
        await introduce(self._application.bot, self._tools.library)
        await self._application.start()
        self._ring_the_bell()
        self._tasks = [
            asyncio.create_task(self._guard(loop), name=loop.__name__)
            for loop in (self._poll, self._handle, self._deliver)
        ]
        log.info("The bot @%s is at work.", self._application.bot.username, extra={"action": "started"})

    async def wait(self) -> None:
        """Wait until the bot ends; raise `CannotRun` if it had to."""
        await self._ended.wait()
        if isinstance(self._failure, CannotRun):
            raise self._failure
        if self._failure is not None:
            what = type(self._failure).__name__
            raise CannotRun(
                f"The bot had to stop ({what}); the log says where. Nothing is lost: start it again."
            )

    def end(self) -> None:
        """Ask `wait` to return."""
        self._ended.set()

    async def stop(self) -> None:
        """Stop fetching, finish the update and the message at hand, keep the rest, and give up the lease."""
        self._stopping = True
        for event in (self._arrived, self._to_send, self._ended):
            event.set()
        for task in self._tasks:
            if task.get_name() == "_poll":
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._application.running:
            await self._application.stop()
        await self._application.shutdown()
        await self._release_lease()
        log.info("The bot has stopped.", extra={"action": "stopped"})

    async def __aenter__(self) -> TelegramApp:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def _guard(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run one of the loops; if it ever fails, the whole bot ends with a word on why, and is started anew."""
        try:
            await loop()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("The bot cannot go on.", extra={"action": "failed"})
            self._failure = self._failure or error
            self._ended.set()

    # --- in ----------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Fetch updates; they are stored before the next fetch tells Telegram that they arrived."""

        async def keep(arrivals: list[Arrival]) -> None:
            await self._tools.database.run(inbox.store, arrivals, self._now())
            self._arrived.set()

        await poll.fetch(self._application.bot, keep, stopping=lambda: self._stopping)

    async def _handle(self) -> None:
        """Take stored updates through the handlers, one at a time, in order."""
        while not self._stopping:
            self._arrived.clear()
            row = await self._tools.database.run(inbox.next_waiting, self._now())
            if row is None:
                await _wait(self._arrived, TICK)
                continue
            await self.handle(row.update_id, row.payload or {})
            self._to_send.set()

    async def handle(self, update_id: int, payload: dict[str, Any]) -> None:
        """Take one stored update through the handlers; afterwards it is done, to be tried again, or parked."""
        database = self._tools.database
        try:
            update = Update.de_json(payload, self._application.bot)
            await self._application.process_update(update)
            failed = self._failed_updates.pop(update_id, None)
        except Exception as error:  # an update no library can read must not stop the line
            log.exception("An update could not be read.", extra={"action": "inbox", "update_id": update_id})
            failed = type(error).__name__
        if failed is None:
            # Most updates are done by now, in the transaction of their effects; this is for those nobody wanted.
            await database.run(inbox.finish, update_id, self._now(), keep_words=False)
            return
        state = await database.run(inbox.failed, update_id, failed, self._now())
        log.error("An update failed: %s.", state, extra={"action": "inbox", "update_id": update_id})

    async def _on_error(self, update: object, context: Context) -> None:
        log.error("A handler failed.", exc_info=context.error, extra={"action": "handler"})
        if isinstance(update, Update):
            self._failed_updates[update.update_id] = type(context.error).__name__

    # --- out ---------------------------------------------------------------------------------------------

    async def _deliver(self) -> None:
        """Send what is in the outbox, as fast as the pace allows."""
        while not self._stopping:
            self._to_send.clear()
            counts = await deliver.batch(
                self._tools, self._messenger, self._pacer, self._now(), self._seconds()
            )
            if counts.total == 0:
                await _wait(self._to_send, min(TICK, counts.wait) if counts.wait else TICK)

    # --- the bell ----------------------------------------------------------------------------------------

    def _ring_the_bell(self) -> None:
        """Let PTB's JobQueue (APScheduler) ring: what is due stands in the database, never in the scheduler."""
        queue = self._application.job_queue
        assert queue is not None  # noqa: S101 (the extra is a dependency of ours)
        late_is_fine = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        queue.run_repeating(self._tick, interval=TICK, first=0, name="tick", job_kwargs=late_is_fine)
        zone = ZoneInfo(self._tools.settings.clinic.time_zone)
        queue.run_repeating(self._compact, interval=COMPACT, name="compact", job_kwargs=late_is_fine)
        queue.run_daily(self._tidy, time(3, 30, tzinfo=zone), name="tidy", job_kwargs=late_is_fine)

    async def _tick(self, _context: Context) -> None:
        await self.tick()

    async def tick(self) -> int:
        """Put what is due now into the outbox and return how much it was; may be called at any time."""
        await self._renew_lease()
        total = 0
        while not self._stopping:
            counts = await self._tools.database.run(dispatch.due, self._tools, self._now())
            total += counts.total
            if counts.total < dispatch.BATCH:
                break
        if total:
            self._to_send.set()
        return total

    async def _compact(self, _context: Context) -> None:
        await asyncio.to_thread(self._tools.database.compact)

    async def _tidy(self, _context: Context) -> None:
        counts = await self._tools.database.run(keep_house.tidy, self._tools, self._now())
        await asyncio.to_thread(self._tools.database.compact)
        log.info("Kept house: %s.", counts, extra={"action": "tidy"})

    # --- the lease ---------------------------------------------------------------------------------------

    async def _take_lease(self) -> None:
        database, now = self._tools.database, self._now()
        other = await database.run(lease.take, self._holder, now)
        if other is not None and self._process_is_dead(other):
            other = await database.run(lease.take, self._holder, now, dead=True)
        if other is not None:
            raise CannotRun(
                f"Another Aftercare (process {other.pid} on {other.host}) is using this database. "
                f"Stop it first; if it has just died, wait {lease.TERM.seconds} seconds."
            )
        self._renewed = now

    async def _renew_lease(self) -> None:
        now = self._now()
        if self._renewed is not None and now - self._renewed < RENEW:
            return
        other = await self._tools.database.run(lease.take, self._holder, now)
        if other is not None:
            self._failure = CannotRun(
                f"Another Aftercare (process {other.pid} on {other.host}) has taken over this database."
            )
            self._ended.set()
        self._renewed = now

    async def _release_lease(self) -> None:
        await self._tools.database.run(lease.release, self._holder)

    # --- for rehearsals ----------------------------------------------------------------------------------

    async def is_idle(self) -> bool:
        """Tell whether everything stored has been handled, and everything that may be sent has been."""
        now = self._now()
        if await self._tools.database.run(inbox.next_waiting, now) is not None:
            return False
        return await self._tools.database.run(outbox.nothing_to_send, now)


def _build(connection: Connection) -> App:
    """Build PTB's application on the given Bot API server, without its own in-memory queue of updates."""
    root = connection.api_url.rstrip("/")
    return (
        Application.builder()
        .token(connection.token)
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .updater(None)
        .request(HTTPXRequest(connection_pool_size=32, connect_timeout=10, read_timeout=20))
        .get_updates_request(HTTPXRequest(connection_pool_size=2, connect_timeout=10))
        .build()
    )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for *event*, at most *seconds*."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
