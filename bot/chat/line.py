"""The line of stored updates: through the handlers in order within a chat, several chats at a time, each with one effect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from telegram import Update

from bot.chat.house import App, Context
from bot.service import park
from bot.service.ports import Tools
from bot.service.rest import rest
from bot.storage import inbox
from bot.storage.database import DatabaseAway, Session
from bot.storage.tables import InboxRow

log = logging.getLogger(__name__)

#: How many chats are served at a time. A question to Telegram (who is a member?) holds up its own chat only.
LANES = 8
#: How long an update waits, in seconds, after the database could not be reached for it.
PAUSE = 1.0
#: The shortest rest, in seconds: an update whose try has come may wait for another of its chat.
SHORTEST = 0.05
#: How long a stop waits for updates that are being handled, in seconds.
DRAIN = 2.0


class Line:
    """Takes stored updates through the handlers; afterwards each is done, to be tried again, or parked."""

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
        try:
            rows, next_try = await self._tools.database.run(self._fetch, ended, self._now(), busy)
        except BaseException:
            self._ended = ended + self._ended
            raise
        for row in rows:
            self._lanes[row.update_id] = row, asyncio.create_task(self._take(row))
        if len(rows) + len(busy) < LANES:  # nothing else waits
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
        if failure is None:
            return True
        if not isinstance(failure, DatabaseAway):
            kind = type(failure).__name__
            state = await self._tools.database.run(park.failed, self._tools, update_id, kind, self._now())
            log.error("An update failed: %s.", state, extra={"action": "inbox", "update_id": update_id})
        return False

    def is_busy(self) -> bool:
        """Tell whether an update is being handled just now, or is not yet marked as done."""
        return bool(self._lanes or self._ended)

    async def end(self) -> None:
        """Finish the updates at hand; what takes too long is handled again by the next start."""
        tasks = [task for _row, task in self._lanes.values()]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._tools.database.run(inbox.finish_all, self._ended, self._now())

    def _fetch(
        self, session: Session, ended: Collection[int], now: datetime, busy: Collection[InboxRow]
    ) -> tuple[list[InboxRow], datetime | None]:
        self._on_duty(session)
        # Most updates are done by now, in the transaction of their effects; this is for those nobody wanted.
        inbox.finish_all(session, ended, now)
        rows = inbox.next_batch(
            session,
            now,
            busy={row.chat_id for row in busy if row.chat_id is not None},
            busy_updates=[row.update_id for row in busy],
            limit=LANES - len(busy),
        )
        return rows, inbox.next_try(session)

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
        else:
            log.error("A handler failed.", exc_info=context.error, extra={"action": "handler"})
        if isinstance(update, Update) and isinstance(context.error, Exception):
            self._failures[update.update_id] = context.error
