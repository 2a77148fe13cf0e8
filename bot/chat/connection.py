"""How Telegram is reached: token, server, and who brings or fetches updates; PTB's application for it, and its first call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.ext import Application

from bot.chat.house import App, CannotRun
from bot.chat.pools import Pools
from bot.chat.request import Request
from bot.storage.inbox import Arrival

log = logging.getLogger(__name__)

#: Connections to Telegram, in so many pools of so many: for messages on their way, and some for questions.
POOLS = 8, 4
#: Pauses in seconds while Telegram cannot be reached at the start; the last one repeats.
MEET_PAUSES = (1, 2, 5, 10, 15, 30)

Keep = Callable[[list[Arrival]], Awaitable[None]]
Closed = Callable[[Exception], None]


@dataclass(frozen=True, kw_only=True)
class Hook:
    """How updates are brought: the address Telegram is given, its secret, and the door that listens there.

    door: returns what listens while it is entered, and gives each update to the function it was made with. If it ends
    by itself it tells the other one why: nothing would come any more.
    """

    url: str
    secret: str
    door: Callable[[Keep, Closed], AbstractAsyncContextManager[object]]


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


async def meet(application: App) -> None:
    """Ask Telegram who the bot is, and make the application ready; until Telegram can be reached, wait.

    After a power cut the network often comes later than the bot. Raises `CannotRun` if the token is refused, or if
    what answers is no Bot API server.
    """
    failures = 0
    while True:
        try:
            await application.initialize()
            return
        except InvalidToken:
            raise CannotRun(
                "Telegram does not accept the bot's token. Check TELEGRAM_BOT_TOKEN (from @BotFather)."
            ) from None
        except BadRequest:
            raise CannotRun(
                "The Bot API server does not know what it is asked. Check telegram.api_url."
            ) from None
        except TelegramError as error:
            pause = MEET_PAUSES[min(failures, len(MEET_PAUSES) - 1)]
            log.warning(
                "The Bot API server cannot be reached (%s). Check telegram.api_url and the network. "
                "The bot starts when it answers; it is asked again in %d s.",
                type(error).__name__,
                pause,
                extra={"action": "meet"},
            )
        failures += 1
        await asyncio.sleep(pause)
