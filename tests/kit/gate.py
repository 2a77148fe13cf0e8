"""A gate: a port of its own in front of others, that can be shut and held; and it notes what goes through.

In front of the emulator it is the network on the way to Telegram; in front of several webhooks, the load balancer.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator
from typing import Self

_CALL = re.compile(rb"(?:POST|GET) /bot[^/ ]+/(\w+)")
_CHUNK = 65536


class Gate:
    """Forwards connections to the first of *targets* (ports of this machine) that takes them, in turn."""

    def __init__(self, *targets: int) -> None:
        self.targets = list(targets)
        #: What was asked of the Bot API through here, and when (seconds of `time.monotonic`).
        self.calls: list[tuple[float, str]] = []
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._through: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._turn = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._forward, sock=self._socket)

    async def shut(self) -> None:
        """Refuse new connections and break those there are; the port stays ours."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._socket = _bound(self.port)
        await self.cut()

    async def cut(self) -> None:
        """Break every connection."""
        through = list(self._through)
        for task in through:
            task.cancel()
        await asyncio.gather(*through, return_exceptions=True)

    def hold(self) -> None:
        """Let connections stand, and nothing through."""
        self._flows.clear()

    def release(self) -> None:
        """Let through what was held, and all that comes."""
        self._flows.set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        await self.shut()
        self._socket.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._through.add(task)
        try:
            async with self._beyond() as (back, forth):
                ways = [
                    asyncio.create_task(self._carry(reader, forth, note=True)),
                    asyncio.create_task(self._carry(back, writer, note=False)),
                ]
                try:
                    # An end of either side ends both: nobody here closes half a connection.
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # nobody takes it: whoever came sees a broken connection
        finally:
            self._through.discard(task)
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def _beyond(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect to the first target that takes us, beginning with another one each time."""
        self._turn += 1
        error: OSError = OSError("no target")
        for place in range(len(self.targets)):
            port = self.targets[(self._turn + place) % len(self.targets)]
            try:
                back, forth = await asyncio.open_connection("127.0.0.1", port)
            except OSError as refused:
                error = refused
                continue
            try:
                yield back, forth
            finally:
                forth.transport.abort()
            return
        raise error

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                if not self._flows.is_set():
                    await self._flows.wait()
                if note:
                    self.calls += [(time.monotonic(), name.decode()) for name in _CALL.findall(chunk)]
                writer.write(chunk)
                await writer.drain()


def _bound(port: int) -> socket.socket:
    """Return a socket that has the port and does not listen: whoever comes is refused."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
