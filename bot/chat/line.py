"""The line of stored updates: through the handlers in order within a chat, several chats at a time, each with one effect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from telegram import Update
from telegram.error import BadRequest, NetworkError, RetryAfter

from bot.chat.house import App, Context
from bot.service import park
from bot.service.look_ahead import LookAhead
from bot.service.ports import Tools
from bot.service.rest import rest
from bot.storage import inbox, inbox_line
from bot.storage.database import DatabaseAway, Session
from bot.storage.inbox import InboxState
from bot.storage.inbox_line import Batch
from bot.storage.tables import InboxRow

log = logging.getLogger(__name__)

#: How many chats are served at a time. A question to Telegram (who is a member?) holds up its own chat only.
LANES = 8
#: How long an update waits, in seconds, after the database could not be reached for it.
PAUSE = 1.0
#: Pauses in seconds while Telegram cannot be asked what a handler must know; the last one repeats.
ASK_PAUSES = (5, 10, 20, 30)
#: How often it is looked whether something urgent has come to a backlog, in seconds.
LOOK_PAUSE = 0.1
#: The shortest rest, in seconds: an update whose try has come may wait for another of its chat.
SHORTEST = 0.05
#: How long a stop waits for updates that are being handled, in seconds.
DRAIN = 2.0


class Line:
    """Takes stored updates through the handlers; afterwards each is done, to be tried again, or parked.

    They are taken in the order of arrival. In a backlog chats with a sign of danger go first, each in its own order.
    """

    def __init__(
        self,
        tools: Tools,
        application: App,
        *,
        now: Callable[[], datetime],
        on_duty: Callable[[Session], None],
        handled: Callable[[], None],
    ) -> None:
        """Prepare; nothing is taken yet.

        now: the moment, aware UTC. on_duty: raises, in the transaction that takes updates, if another process has
        taken over. handled: called after each update, for there may be something to send.
        """
        self._tools = tools
        self._application = application
        self._now = now
        self._on_duty = on_duty
        self._handled = handled
        self._lanes: dict[int, tuple[InboxRow, asyncio.Task[None]]] = {}
        self._ended: list[int] = []
        self._failures: dict[int, Exception] = {}
        self._asked: dict[int, int] = {}
        self._ahead = LookAhead(tools)
        self._looking: asyncio.Task[None] | None = None
        self._free = asyncio.Event()
        application.add_error_handler(self._on_error)

    async def step(self, woken: asyncio.Event, most: float) -> None:
        """Start handling what waits; when there is no more, rest until *woken*, a lane is free, or *most* seconds are over."""
        woken.clear()
        self._free.clear()
        if len(self._lanes) >= LANES:
            await self._free.wait()
            return
        ended, self._ended = self._ended, []
        busy = [row for row, _task in self._lanes.values()]
        first = self._ahead.first({row.chat_id for row in busy if row.chat_id is not None})
        try:
            batch, next_try = await self._tools.database.run(self._fetch, ended, self._now(), busy, first)
        except BaseException:
            self._ended = ended + self._ended
            raise
        for row in batch:
            self._lanes[row.update_id] = row, asyncio.create_task(self._take(row))
        self._ahead.forget_handled(first, batch.oldest)
        if batch.more and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look_ahead())
        if not batch.rows and not busy:
            self._ahead.forget()
        if len(batch.rows) + len(busy) < LANES:  # nothing else waits
            wait = (next_try - self._now()).total_seconds() if next_try else most
            await rest(min(most, max(wait, SHORTEST)), self._free, woken)

    async def handle(self, update_id: int, payload: dict[str, Any]) -> bool:
        """Take one update through the handlers; False if it failed (and is noted as such, or the database was away)."""
        try:
            update = Update.de_json(payload, self._application.bot)
            await self._application.process_update(update)
            failure = self._failures.pop(update_id, None)
        except Exception as error:  # an update no library can read must not stop the line
            log.exception("An update could not be read.", extra={"action": "inbox", "update_id": update_id})
            failure = error
        if isinstance(failure, DatabaseAway):
            return False
        asked = self._asked.pop(update_id, 0)
        if failure is None:
            return True
        kind, wait = type(failure).__name__, _wait_for_telegram(failure, asked)
        run = self._tools.database.run
        state = await run(park.failed, self._tools, update_id, kind, self._now(), wait)
        level = logging.ERROR
        if wait is not None and state == InboxState.WAITING:
            self._asked[update_id] = asked + 1
            level = logging.WARNING
        log.log(level, "An update failed: %s.", state, extra={"action": "inbox", "update_id": update_id})
        return False

    def is_busy(self) -> bool:
        """Tell whether an update is being handled just now, or is not yet marked as done."""
        return bool(self._lanes or self._ended)

    async def end(self) -> None:
        """Finish the updates at hand; what takes too long is handled again by the next start."""
        if self._looking is not None:
            self._looking.cancel()
        tasks = [task for _row, task in self._lanes.values()]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._tools.database.run(inbox.finish_all, self._ended, self._now())

    def _fetch(
        self,
        session: Session,
        ended: Collection[int],
        now: datetime,
        busy: Collection[InboxRow],
        first: Mapping[int, int],
    ) -> tuple[Batch, datetime | None]:
        self._on_duty(session)
        # Most updates are done by now, in the transaction of their effects; this is for those nobody wanted.
        inbox.finish_all(session, ended, now)
        batch = inbox_line.next_batch(
            session,
            now,
            busy={row.chat_id for row in busy if row.chat_id is not None},
            busy_updates=[row.update_id for row in busy],
            first=first,
            limit=LANES - len(busy),
        )
        return batch, inbox_line.next_try(session)

    async def _look_ahead(self) -> None:
        """Look at what waits in a backlog, beside the lanes; whatever comes of it, they go on."""
        try:
            while await self._ahead.look(self._now()):
                pass
        except DatabaseAway as trouble:
            log.warning("Not looked ahead: %s", trouble, extra={"action": "inbox"})
        except Exception:
            log.exception("Not looked ahead.", extra={"action": "inbox"})
        await asyncio.sleep(LOOK_PAUSE)

    async def _take(self, row: InboxRow) -> None:
        try:
            if await self.handle(row.update_id, row.payload or {}):
                self._ended.append(row.update_id)
            else:
                await asyncio.sleep(PAUSE)
        except DatabaseAway:
            await asyncio.sleep(PAUSE)  # it waits in the database, as it was
        finally:
            del self._lanes[row.update_id]
            self._free.set()
            self._handled()

    async def _on_error(self, update: object, context: Context) -> None:
        if isinstance(context.error, DatabaseAway):
            log.warning("An update must wait: %s", context.error, extra={"action": "handler"})
        elif context.error is not None and _wait_for_telegram(context.error, 0) is not None:
            kind = type(context.error).__name__
            log.warning("Telegram could not be asked: %s.", kind, extra={"action": "handler"})
        else:
            log.error("A handler failed.", exc_info=context.error, extra={"action": "handler"})
        if isinstance(update, Update) and isinstance(context.error, Exception):
            self._failures[update.update_id] = context.error


def _wait_for_telegram(failure: Exception, asked: int) -> timedelta | None:
    """Return how long to wait if Telegram cannot be reached or is overloaded, *asked* so often in vain; else None.

    Only what Telegram's library says itself counts. A bad request is one of its network errors, and is none.
    """
    if isinstance(failure, RetryAfter):
        wait = failure.retry_after
        return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
    if isinstance(failure, NetworkError) and not isinstance(failure, BadRequest):
        return timedelta(seconds=ASK_PAUSES[min(asked, len(ASK_PAUSES) - 1)])
    return None
