"""The sandbox and the real bot beside each other, in one process: for `aftercare sandbox`, rehearsals and journeys."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.chat.app import TelegramApp
from bot.content.library import Library
from bot.content.settings import Settings
from bot.domain.pacing import Pacer
from bot.matching.mind import Minds
from bot.sandbox.cast import add_cast
from bot.sandbox.clock import SandboxClock
from bot.sandbox.model import Chat
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve
from bot.service import dispatch, serve_staff
from bot.service.ports import Tools
from bot.wiring import build_app, build_tools

#: Any well-formed token is good in the sandbox.
SANDBOX_TOKEN = "1234567890:sandbox-token-good-for-nothing-else0"
#: How often the bot looks whether the sandbox's clock was turned, in seconds.
LOOK = 0.5
#: The sandbox takes messages as fast as they come, so nobody need wait for Telegram's limits in it.
UNLIMITED = 1000


def _app(tools: Tools, url: str, clock: SandboxClock) -> TelegramApp:
    pacer = Pacer(UNLIMITED, burst=UNLIMITED, per_group_minute=UNLIMITED)
    return build_app(tools, SANDBOX_TOKEN, api_url=url, now=clock.now, pacer=pacer, look=LOOK)


@dataclass(kw_only=True)
class Stage:
    """A sandbox with the real bot in it. *app* changes when the bot is restarted."""

    sandbox: Sandbox
    clock: SandboxClock
    tools: Tools
    app: TelegramApp
    url: str

    async def settle(self, seconds: float = 30.0) -> None:
        """Wait until the bot has handled everything it was sent and said everything it may say now."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        quiet = 0
        while quiet < 2:
            if loop.time() > end:
                raise TimeoutError(f"the bot did not come to rest within {seconds} s")
            await self.app.tick()
            busy = self.sandbox.world.updates.waiting() or not await self.app.is_idle()
            quiet = 0 if busy else quiet + 1
            await asyncio.sleep(0.01)

    async def next_moment(self) -> datetime | None:
        """Return when the bot next has something to do by itself."""
        return await self.tools.database.run(dispatch.next_moment)

    async def later(self, **duration: float) -> None:
        """Let time pass (hours=24, minutes=10): stop at each moment at which the bot does something by itself."""
        end = self.clock.now() + timedelta(**duration)
        while True:
            due = await self.next_moment()
            now = self.clock.now()
            if due is None or due >= end or due <= now:
                break
            self.sandbox.turn((due - now).total_seconds())
            await self.settle()
        if end > self.clock.now():
            self.sandbox.turn((end - self.clock.now()).total_seconds())
        await self.settle()

    async def restart(self) -> None:
        """End the bot and start it anew on the same database."""
        await self.app.stop()
        self.app = _app(self.tools, self.url, self.clock)
        await self.app.start()

    async def bind(self, group: Chat, branch_id: str | None = None) -> None:
        """Make *group* the staff group of a branch, as its first member would: with /setup and the code."""
        branch = self.tools.settings.branch(branch_id).id
        code = await self.tools.database.run(serve_staff.new_setup_code, self.tools, branch, self.clock.now())
        member = self.sandbox.person(next(iter(group.members)))
        self.sandbox.says(member, f"/setup {code}", chat=group)
        await self.settle()


def staff_group(stage: Stage) -> Chat:
    """Return the cast's staff group."""
    return next(chat for chat in stage.sandbox.world.chats.values() if chat.is_group)


@contextlib.asynccontextmanager
async def on_stage(
    settings: Settings,
    *,
    clock: SandboxClock | None = None,
    library: Library | None = None,
    minds: Minds | None = None,
    database_url: str | None = None,
    port: int = 0,
    cast: bool = False,
) -> AsyncIterator[Stage]:
    """Serve a sandbox on 127.0.0.1 (port 0: a free one) and run the real bot in it while the block runs.

    The database is a temporary one unless *database_url* names another. *cast*: with Ana, Ben and a staff group.
    Raises `OSError` when the port is taken.
    """
    clock = clock or SandboxClock()
    sandbox = Sandbox(clock=clock)
    if cast:
        add_cast(sandbox)
    with tempfile.TemporaryDirectory(prefix="aftercare-", ignore_cleanup_errors=True) as folder:
        url = database_url or f"sqlite:///{Path(folder) / 'sandbox.db'}"
        tools = build_tools(settings, library=library, minds=minds, database_url=url)

        async def next_moment() -> datetime | None:
            return await tools.database.run(dispatch.next_moment)

        page = create_app(sandbox, next_moment=next_moment, zone=settings.clinic.time_zone)
        async with serve(page, port=port) as address:
            app = _app(tools, address.url, clock)
            await app.start()
            stage = Stage(sandbox=sandbox, clock=clock, tools=tools, app=app, url=address.url)
            try:
                yield stage
            finally:
                await stage.app.stop()
                tools.database.close()
