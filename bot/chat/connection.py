"""How Telegram is reached: token, server, and who brings or fetches updates; and PTB's application made for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from telegram.ext import Application

from bot.chat.house import App
from bot.chat.pools import Pools
from bot.chat.request import Request
from bot.storage.inbox import Arrival

#: Connections to Telegram, in so many pools of so many: for messages on their way, and some for questions.
POOLS = 8, 4

Keep = Callable[[list[Arrival]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Hook:
    """How updates are brought: the address Telegram is given, its secret, and the door that listens there.

    door: returns what listens while it is entered, and gives each update to the function it was made with.
    """

    url: str
    secret: str
    door: Callable[[Keep], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach Telegram: the token, and the root of the Bot API server. Without *hook* updates are fetched."""

    token: str
    api_url: str
    hook: Hook | None = None


def connect(connection: Connection) -> App:
    """Build PTB's application on the given Bot API server, without its own in-memory queue of updates."""
    root = connection.api_url.rstrip("/")
    return (
        Application.builder()
        .token(connection.token)
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .updater(None)
        .request(Pools(*POOLS, connect_timeout=10, read_timeout=20))
        .get_updates_request(Request(connection_pool_size=2, connect_timeout=10))
        .build()
    )
