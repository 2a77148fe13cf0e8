"""Connections to Telegram, in several small pools: httpcore looks at every connection of a pool for each request."""

from __future__ import annotations

from typing import Any

from telegram.request import BaseRequest, RequestData

from bot.chat.request import Request


class Pools(BaseRequest):
    """As `Request`, with its connections in small pools, of which each request takes the least busy one.

    In one pool of 32 a third of the time of a message went into looking for a connection; see RESEARCH, 12.
    """

    def __init__(self, number: int, size: int, *, connect_timeout: float, read_timeout: float) -> None:
        """Prepare *number* pools of *size* connections; both times are seconds."""
        self._pools = [
            Request(connection_pool_size=size, connect_timeout=connect_timeout, read_timeout=read_timeout)
            for _ in range(number)
        ]
        self._busy = [0] * number

    @property
    def read_timeout(self) -> float | None:
        """How long an answer may take, in seconds."""
        return self._pools[0].read_timeout

    async def initialize(self) -> None:
        """Make the pools ready."""
        for pool in self._pools:
            await pool.initialize()

    async def shutdown(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.shutdown()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Ask through the least busy pool."""
        chosen = min(range(len(self._pools)), key=self._busy.__getitem__)
        self._busy[chosen] += 1
        try:
            return await self._pools[chosen].do_request(
                url, method, request_data, read_timeout, write_timeout, connect_timeout, pool_timeout
            )
        finally:
            self._busy[chosen] -= 1
