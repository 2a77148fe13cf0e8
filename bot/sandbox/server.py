"""The sandbox as a web application, and a way to serve it beside other work."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from bot.sandbox import api
from bot.sandbox.cast import add_cast
from bot.sandbox.clock import Clock
from bot.sandbox.control import NextMoment, Page
from bot.sandbox.limits import Limits
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.webhook import PAUSES, Courier


def create_app(
    sandbox: Sandbox | None = None,
    *,
    clock: Clock | None = None,
    next_moment: NextMoment | None = None,
    zone: str = "Asia/Singapore",
    intro: Sequence[str] | None = None,
    limits: Limits | None = None,
    round_trip: float = 0.0,
    webhook_pauses: tuple[float, ...] = PAUSES,
) -> Starlette:
    """Return the application: the Bot API, the page, and what the page needs.

    Without *sandbox* one is made with Ana, Ben and the clinic's staff group in it; it is found
    again as ``app.state.sandbox``. *next_moment* tells when the bot next has something due
    (aware, or None); it may be a coroutine function. *zone* is what the page shows times in.
    *limits* and *round_trip* (seconds) are those of `Sandbox`.
    """
    if sandbox is None:
        sandbox = Sandbox(clock=clock, limits=limits, round_trip=round_trip)
        add_cast(sandbox)
    elif clock is not None or limits is not None or round_trip:
        raise ValueError("a sandbox that is given brings its own clock, limits and round trip")
    world = sandbox.world
    page = Page(sandbox, zone=zone, next_moment=next_moment, intro=intro)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        courier = asyncio.create_task(Courier(world, webhook_pauses).run())
        try:
            yield
        finally:
            courier.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await courier

    app = Starlette(routes=[*api.routes(world), *page.routes()], lifespan=lifespan)
    app.state.sandbox = sandbox
    return app


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a sandbox is served."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the page's address."""
        return f"http://{self.host}:{self.port}"

    @property
    def api(self) -> str:
        """Return what python-telegram-bot calls base_url."""
        return f"{self.url}/bot"

    @property
    def files(self) -> str:
        """Return what python-telegram-bot calls base_file_url."""
        return f"{self.url}/file/bot"


class _Guest(uvicorn.Server):
    """A server that leaves the process's signals to its host, and tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.decided = asyncio.Event()
        self.leave = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.decided.set()

    async def main_loop(self) -> None:
        # uvicorn's own loop looks ten times a second; this one ends at once.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.leave.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Address]:
    """Serve *app* in this event loop while the block runs; port 0 takes a free one.

    Raises OSError when the port is taken. At the end open polls, hanging calls and live pages
    are let go, and the port is closed.
    """
    with _listen(host, port) as listener:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="on",
            timeout_graceful_shutdown=2, ws="none",
        )  # fmt: skip
        server = _Guest(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.decided.wait()
            if not server.started:
                raise RuntimeError("the sandbox could not be started")
            yield Address(host=host, port=listener.getsockname()[1])
        finally:
            world = app.state.sandbox.world
            world.closing.set()
            world.updates.close()
            world.changed.beat()
            server.should_exit = True
            server.leave.set()
            await task


def _listen(host: str, port: int) -> socket.socket:
    # Named as TCP, or asyncio would leave Nagle's algorithm on and each answer would take 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
