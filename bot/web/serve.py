"""Serving over HTTP inside the running event loop, for strangers: limits on size, time and number, and a quick end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.domain.trouble import Trouble
from bot.web.seldom import Seldom

#: Connections at a time; one more is answered with 503. Telegram opens 40 at most, the rest is for a proxy's own.
CONNECTIONS = 200
#: The largest head of a request, in bytes.
LARGEST_HEAD = 16 * 1024
#: How long a whole request may take to arrive, and how long an idle connection may stay open, in seconds.
PATIENCE = 15
IDLE = 15
#: How long what is being answered may still take at the end, in seconds.
GRACE = 1


class CannotServe(Trouble):
    """Nothing can be served at the address; the message says which, why and what to do."""


@contextlib.asynccontextmanager
async def serve(
    app: ASGIApp,
    listen: str,
    *,
    seconds: Callable[[], float],
    closed: Callable[[Exception], None] = lambda error: None,
) -> AsyncIterator[int]:
    """Serve *app* while the block runs and give the port; at the end what is being answered has a second to finish.

    listen: ``address:port`` (`telegram.webhook_listen`); port 0 takes a free one. seconds: a clock that never goes
    back. closed: called with the reason, a `CannotServe`, if the server ends before the block does. The process's
    signals stay as they are. Raises `CannotServe` if the address cannot be used.
    """
    with _listener(listen) as listener, _said_seldom(seconds):
        server = _Server(
            uvicorn.Config(
                app,
                http=_Impatient,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=GRACE,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]), name="serve")
        told = functools.partial(_tell, listen, closed)
        task.add_done_callback(told)
        try:
            # Who comes before the server has begun waits in the listener's queue.
            yield listener.getsockname()[1]
        finally:
            task.remove_done_callback(told)
            server.should_exit = True
            await asyncio.wait([task])
            if broken_off := set(server.server_state.tasks):
                await asyncio.wait(broken_off, timeout=GRACE / 2)


def _tell(listen: str, closed: Callable[[Exception], None], task: asyncio.Task[None]) -> None:
    """Tell that the server ended although nobody asked it to: whoever comes now meets a shut door."""
    if task.cancelled():
        return
    error = task.exception()
    why = f" ({type(error).__name__})" if error is not None else ""
    trouble = CannotServe(f"Nothing is served at {listen} any more: the server ended by itself{why}.")
    trouble.__cause__ = error
    closed(trouble)


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to its host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Impatient(H11Protocol):
    """A connection that ends when a request does not arrive in time; uvicorn itself would wait for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._stop_watching()

    def handle_events(self) -> None:
        """Take what has arrived; begin or end the wait for the rest of it."""
        super().handle_events()
        arrived = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if arrived or self.timeout_keep_alive_task is not None:  # uvicorn's own watch over an idle connection
            self._stop_watching()
        elif self._late is None:
            self._watch()

    def _watch(self) -> None:
        self._late = self.loop.call_later(PATIENCE, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


@contextlib.contextmanager
def _said_seldom(seconds: Callable[[], float]) -> Iterator[None]:
    """Let uvicorn say each thing once a minute: most of it anybody can cause who reaches the port."""
    log = logging.getLogger("uvicorn.error")
    seldom = _Seldom(seconds)
    log.addFilter(seldom)
    try:
        yield
    finally:
        log.removeFilter(seldom)


class _Seldom(logging.Filter):
    """Holds back what was said a short time ago."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__()
        self._seldom = Seldom(seconds)

    def filter(self, record: logging.LogRecord) -> bool:
        more = self._seldom.turn(str(record.msg))
        if more:
            record.msg = f"{record.msg} ({more} more like it since the last such line)"
        return more is not None


def _listener(listen: str) -> socket.socket:
    """Open the port; from now on, who comes is let wait."""
    host, _, port = listen.rpartition(":")
    # Named as TCP, or asyncio would leave Nagle's algorithm on, and an answer in two parts would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(128)
    except (OSError, OverflowError, ValueError) as error:
        listener.close()
        raise CannotServe(f"Nothing can be served at {listen}: {_cure(error)}") from None
    return listener


def _cure(error: Exception) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return (
                "another program uses this port. Stop it, or choose another port for telegram.webhook_listen."
            )
        case errno.EACCES:
            return "this port needs more rights. Choose one above 1023 for telegram.webhook_listen."
        case _:
            return (
                "this machine has no such address or port. "
                "Write one it has for telegram.webhook_listen, such as 127.0.0.1:8080."
            )
