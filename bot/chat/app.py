"""The bot at work: updates into the inbox and through the handlers, the outbox out, the bell, and who is on duty."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from telegram.error import TelegramError

from bot.chat import for_patients, for_staff, poll, webhook
from bot.chat.bell import LOOK, Bell
from bot.chat.connection import Connection, connect, meet
from bot.chat.duty import Duty
from bot.chat.house import CannotRun, House, move_in
from bot.chat.introduce import introduce
from bot.chat.line import Line
from bot.chat.messenger import TelegramMessenger
from bot.domain.pacing import Pacer
from bot.domain.trouble import Trouble
from bot.service.deliver import Delivery
from bot.service.enrol import BOT_NAME
from bot.service.ports import Tools
from bot.storage import groups, inbox, inbox_line, lease, outbox
from bot.storage.database import DatabaseAway
from bot.storage.inbox import Arrival
from bot.storage.lease import Holder

log = logging.getLogger(__name__)

#: How often each loop looks at the database although nothing woke it, in seconds.
TICK = 1.0
#: The same where other processes write too (webhooks on several replicas).
TICK_BESIDE_OTHERS = 0.25
#: How often a process that stands by asks for the lease, in seconds.
STAND_BY = 1.0
#: How often the webhook is checked, in seconds.
CHECK = 3600.0
#: Pauses in seconds while the database is away; the last one repeats.
AWAY_PAUSES = (0.2, 0.5, 1, 2)
#: How long a stop waits for what python-telegram-bot still does, in seconds.
LEAVE = 2.0


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
        machine_now: Callable[[], datetime] | None = None,
        look: float = LOOK,
    ) -> None:
        """Prepare the bot; nothing is sent yet.

        now: the moment, aware UTC. seconds: a clock that never goes back, for *pacer*. holder: this process, for
        the lease. process_is_dead, machine_now: see `duty.Duty`. look: see `bell.LOOK`.
        """
        self._tools = tools
        self._now = now
        self._hook = connection.hook
        self._application = connect(connection)
        move_in(self._application, House(tools=tools, now=now))
        for_patients.register(self._application)
        for_staff.register(self._application)
        self._arrived = asyncio.Event()
        self._to_send = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._asked_for_duty = False
        #: Whether this process handles, sends and schedules; else it stands by.
        self.is_on_duty = False
        self._failure: Exception | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._doors = contextlib.AsyncExitStack()
        self._duty = Duty(
            tools.database,
            holder,
            now=now,
            seconds=seconds,
            process_is_dead=process_is_dead,
            machine_now=machine_now,
        )
        self._line = Line(
            tools, self._application, now=now, on_duty=self._duty.require, handled=self._on_handled
        )
        self._messenger = TelegramMessenger(self._application.bot)
        self._delivery = Delivery(
            tools, self._messenger, pacer, now=now, seconds=seconds, on_duty=self._duty.require
        )
        self._bell = Bell(
            tools,
            self._application,
            now=now,
            look=look,
            on_duty=self._duty.require,
            rung=self._to_send.set,
        )
        self._tick = TICK_BESIDE_OTHERS if self._hook else TICK

    # --- from start to end -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Meet Telegram, take the lease, and begin, or stand by; raise `CannotRun` if one of these fails.

        Telegram is waited for. Asked to `end` meanwhile, it returns at once, and `wait` does too.
        """
        try:
            await self._unless_ended(self._start())
        except BaseException:
            await self.stop()
            raise

    async def _unless_ended(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*; break it off if the bot is asked to end."""
        working, ending = asyncio.create_task(work), asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)
        if not working.cancelled():
            await working

    async def _start(self) -> None:
        await meet(self._application)
        if self._hook:  # also while standing by: what is stored here, the one on duty handles
            await self._doors.enter_async_context(self._hook.door(self._keep, self._fail))
        self._asked_for_duty = True
        other = await self._duty.take()
        if other is None:
            await self._go_on_duty()
        elif self._tools.database.is_shared:
            log.info("Standing by: %s.", _describe(other), extra={"action": "standby"})
            self._begin(self._stand_by)
        else:
            raise CannotRun(
                f"{_describe(other)}. Stop it first; if it has just died, wait {lease.TERM.seconds} seconds."
            )

    async def wait(self) -> None:
        """Wait until the bot ends; raise `CannotRun` if it had to."""
        await self._ended.wait()
        if isinstance(self._failure, Trouble):
            raise CannotRun(str(self._failure)) from None
        if self._failure is not None:
            what = type(self._failure).__name__
            raise CannotRun(
                f"The bot had to stop ({what}); the log says where. Nothing is lost: start it again."
            )

    def end(self) -> None:
        """Ask `wait` to return."""
        self._ended.set()

    async def stop(self) -> None:
        """Take nothing more in, finish what is at hand, keep the rest, and give up the lease; within 8 seconds."""
        self._stopping = True
        self._ended.set()
        self._bell.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self._doors.aclose(), return_exceptions=True)
        if self.is_on_duty:
            ends = self._line.end(), self._delivery.end(), self._bell.end()
            await asyncio.gather(*ends, return_exceptions=True)
        await _at_most(LEAVE, self._leave_telegram())
        if self._asked_for_duty:  # a start that was broken off may have got the lease all the same
            await _at_most(LEAVE, self._duty.give_up())
        if self.is_on_duty:
            log.info("The bot has stopped.", extra={"action": "stopped"})

    async def __aenter__(self) -> TelegramApp:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def _leave_telegram(self) -> None:
        if self._application.running:
            await self._application.stop()
        await self._application.shutdown()
        await self._application.bot.shutdown()  # a start that was broken off is none that PTB knows of

    # --- on duty, or standing by -------------------------------------------------------------------------

    async def _go_on_duty(self) -> None:
        """Begin to handle, send and schedule. Nothing in it waits for Telegram: an API that hangs delays no takeover."""
        self.is_on_duty = True
        await self._tools.database.run(groups.write_note, BOT_NAME, self._application.bot.username)
        await self._delivery.begin()
        await self._application.start()
        self._bell.start()
        for loop in (self._duty.keep, self._receive, self._handle, self._deliver, self._introduce):
            self._begin(loop)
        log.info("The bot @%s is at work.", self._application.bot.username, extra={"action": "started"})

    async def _stand_by(self) -> None:
        """Ask for the lease until it is free, then go on duty."""
        while True:
            await asyncio.sleep(STAND_BY)
            try:
                if await self._duty.take() is None:
                    break
            except DatabaseAway as trouble:
                log.warning("Standing by: %s", trouble, extra={"action": "standby"})
        await self._go_on_duty()

    def _begin(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.append(asyncio.create_task(self._guard(loop), name=loop.__name__))

    async def _guard(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run one of the loops; if it ever fails, the whole bot ends with a word on why, and is started anew."""
        try:
            await loop()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End the whole bot, with a word on why."""
        log.error("The bot cannot go on.", exc_info=error, extra={"action": "failed"})
        self._failure = self._failure or error
        self._ended.set()

    async def _patiently(self, step: Callable[[], Awaitable[object]]) -> None:
        """Repeat *step* for ever; while the database is away, pause and try again: nothing is lost by waiting."""
        failures = 0
        while True:
            try:
                await step()
                failures = 0
            except DatabaseAway as trouble:
                if failures % 20 == 0:
                    log.error("The bot has to wait: %s", trouble, extra={"action": "database"})
                await asyncio.sleep(AWAY_PAUSES[min(failures, len(AWAY_PAUSES) - 1)])
                failures += 1

    # --- in ----------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        """Let updates come: have Telegram bring them, and look after that; or fetch them."""
        if self._hook is None:
            await webhook.clear(self._application.bot)
            await self._patiently(
                lambda: poll.fetch(self._application.bot, self._keep, stopping=lambda: self._stopping)
            )
            return
        await webhook.point(self._application.bot, self._hook.url, self._hook.secret)
        while True:
            await asyncio.sleep(CHECK)
            await webhook.check(self._application.bot, self._hook.url, self._hook.secret, self._now())

    async def _introduce(self) -> None:
        await introduce(self._application.bot, self._tools.library)

    async def _keep(self, arrivals: list[Arrival]) -> None:
        """Store updates; only then Telegram is told that they arrived."""
        await self._tools.database.run_beside(inbox.store, arrivals, self._now())
        self._arrived.set()

    async def _handle(self) -> None:
        await self._patiently(lambda: self._line.step(self._arrived, self._tick))

    async def handle(self, update_id: int, payload: dict[str, Any]) -> None:
        """Take one stored update through the handlers at once; afterwards it is done, to be tried again, or parked."""
        if await self._line.handle(update_id, payload):
            await self._tools.database.run(inbox.finish_all, [update_id], self._now())

    def _on_handled(self) -> None:
        self._to_send.set()
        self._bell.changed()

    # --- out ---------------------------------------------------------------------------------------------

    async def _deliver(self) -> None:
        """Send what is in the outbox, as fast as the pace allows."""

        async def step() -> None:
            self._to_send.clear()
            done = await self._delivery.step()
            wait = self._tick if done.wait is None else min(self._tick, done.wait)
            await self._delivery.rest(wait, self._to_send)

        await self._patiently(step)

    # --- for rehearsals ----------------------------------------------------------------------------------

    async def tick(self) -> int:
        """Put what is due now into the outbox and return how much it was; may be called at any time."""
        return await self._bell.ring()

    async def is_idle(self) -> bool:
        """Tell whether everything stored has been handled, and everything that may be sent has been."""
        now = self._now()
        if self._line.is_busy() or not await self._tools.database.run(inbox_line.nothing_to_handle, now):
            return False
        return await self._tools.database.run(outbox.nothing_to_send, now)


def _describe(other: Holder) -> str:
    return f"Another Aftercare (process {other.pid} on {other.host}) is using this database"


async def _at_most(seconds: float, work: Awaitable[None]) -> None:
    """Do *work*, but not longer than *seconds*, and whatever it meets: the process is ending."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except (TimeoutError, Trouble, TelegramError, RuntimeError) as error:
        log.warning("Left without a word (%s).", type(error).__name__, extra={"action": "stopped"})
