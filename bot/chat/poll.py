"""Polling: raw updates are kept before the next fetch confirms them to Telegram, whatever shape they have."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.warnings import PTBUserWarning

from bot.chat.house import CannotRun
from bot.service.arrive import arrivals
from bot.storage.inbox import Arrival

log = logging.getLogger(__name__)

#: What the bot asks Telegram for. Anything else that comes is stored, met with silence, and done.
ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member")
#: How long one long poll waits, in seconds.
POLL = 25
#: Pauses after a failed poll, in seconds; the last one repeats.
POLL_PAUSES = (0.5, 1, 2, 5, 15, 30)
#: Another program may be just ending its own poll; after this many conflicts in a row it is not.
CONFLICTS = 8


async def fetch(
    bot: Bot, keep: Callable[[list[Arrival]], Awaitable[None]], *, stopping: Callable[[], bool]
) -> None:
    """Fetch updates until *stopping*; each batch is given to *keep* before it is confirmed.

    Passing trouble is waited out; raises `CannotRun` if the token is refused or another program fetches as well.
    """
    offset: int | None = None
    failures = conflicts = 0
    while not stopping():
        try:
            updates = await _get_updates(bot, offset)
        except InvalidToken:
            raise CannotRun("Telegram no longer accepts the bot's token. Check TELEGRAM_BOT_TOKEN.") from None
        except Conflict:
            conflicts += 1
            if conflicts >= CONFLICTS:
                raise CannotRun(
                    "Another program fetches this bot's updates (or a webhook is set). "
                    "Stop it: one bot token serves one Aftercare."
                ) from None
            await asyncio.sleep(_pause(conflicts - 1))
            continue
        except RetryAfter as error:
            wait = error.retry_after
            await asyncio.sleep(wait.total_seconds() if isinstance(wait, timedelta) else wait)
            continue
        except TelegramError as error:
            log.warning("Telegram cannot be reached (%s).", type(error).__name__, extra={"action": "poll"})
            await asyncio.sleep(_pause(failures))
            failures += 1
            continue
        failures = conflicts = 0
        came = arrivals(updates)
        if came:
            await keep(came)
            offset = came[-1].update_id + 1
        elif updates:
            await asyncio.sleep(1)  # nothing in it that could be confirmed: no Bot API server does this


async def _get_updates(bot: Bot, offset: int | None) -> Any:
    """Return the raw updates: PTB's own `get_updates` parses them first, and one it cannot read blocks the rest."""
    warnings.filterwarnings("ignore", message="Please use 'Bot.getUpdates'", category=PTBUserWarning)
    parameters: dict[str, Any] = {"timeout": POLL, "allowed_updates": list(ALLOWED)}
    if offset is not None:
        parameters["offset"] = offset
    return await bot.do_api_request("getUpdates", api_kwargs=parameters, read_timeout=POLL + 10)


def _pause(failures: int) -> float:
    return POLL_PAUSES[min(failures, len(POLL_PAUSES) - 1)]
