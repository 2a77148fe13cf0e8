"""Telling Telegram where to bring updates: a webhook is set, looked after, and taken away before polling begins."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from telegram import Bot, WebhookInfo
from telegram.error import BadRequest, InvalidToken, RetryAfter, TelegramError

from bot.chat.house import CannotRun
from bot.chat.poll import ALLOWED

log = logging.getLogger(__name__)

#: How many updates Telegram may bring at a time: its own default.
CONNECTIONS = 40
#: Pauses after a call that failed, in seconds; after the last one it is given up.
PAUSES = (1, 2, 5, 15)
#: An error that Telegram reports is news for so long. It stays in the report when all is well again.
RECENT = timedelta(minutes=10)

_Answer = TypeVar("_Answer")


async def point(bot: Bot, url: str, secret: str) -> None:
    """Have Telegram bring updates to *url*, with *secret* in a header; what waits there is kept.

    Passing trouble is waited out a few times. Raises `CannotRun` if it stays, or if Telegram refuses the address
    or the token.
    """
    await _patiently(lambda: _set(bot, url, secret))
    log.info("Telegram brings updates to the webhook.", extra={"action": "webhook"})


async def check(bot: Bot, url: str, secret: str, now: datetime) -> bool:
    """Ask Telegram how the webhook does, set it again if need be, and return whether that was done.

    Call it from time to time. now: the moment, aware UTC. Trouble on the way to Telegram is logged and left to
    the next call; raises `CannotRun` only if the token is refused.
    """
    try:
        info = await bot.get_webhook_info()
        fault = _fault(info, url, now)
        if fault is None:
            _report(info, now)
            return False
        await _set(bot, url, secret)
    except InvalidToken:
        raise CannotRun("Telegram no longer accepts the bot's token. Check TELEGRAM_BOT_TOKEN.") from None
    except BadRequest as error:
        log.error("Telegram refuses the webhook: %s.", error.message, extra={"action": "webhook"})
        return False
    except TelegramError as error:
        log.warning(
            "The webhook could not be looked at (%s).", type(error).__name__, extra={"action": "webhook"}
        )
        return False
    log.warning("The webhook was set again: %s.", fault, extra={"action": "webhook"})
    return True


async def clear(bot: Bot) -> None:
    """Take away a webhook, if there is one: while it is set, nothing can be fetched. What waits can be fetched then.

    A server that does not say whether there is one is no reason not to start: fetching tells. Raises `CannotRun` as
    `point` does if a webhook cannot be taken away.
    """
    try:
        info = await bot.get_webhook_info()
    except TelegramError as error:
        kind = type(error).__name__
        log.warning(
            "The server does not say whether a webhook is set (%s).", kind, extra={"action": "webhook"}
        )
        return
    if not info.url:
        return
    await _patiently(lambda: bot.delete_webhook(drop_pending_updates=False))
    log.warning(
        "A webhook was set for this bot. It was taken away: without telegram.webhook_url, updates are fetched.",
        extra={"action": "webhook"},
    )


async def _set(bot: Bot, url: str, secret: str) -> None:
    await bot.set_webhook(
        url,
        allowed_updates=list(ALLOWED),
        secret_token=secret,
        max_connections=CONNECTIONS,
        drop_pending_updates=False,
    )


def _fault(info: WebhookInfo, url: str, now: datetime) -> str | None:
    """Return what is wrong with the webhook and can be mended by setting it again, or None."""
    if not info.url:
        return "it was gone. If this happens again, another program uses this bot's token"
    if info.url != url:
        return "it led elsewhere. If this happens again, another program uses this bot's token"
    if set(info.allowed_updates or ()) != set(ALLOWED):
        return "it asked for other kinds of updates"
    if re.search(r"\b403\b", _latest_error(info, now)):
        return "Telegram was turned away (403), because it showed another secret, or by the proxy"
    return None


def _report(info: WebhookInfo, now: datetime) -> None:
    """Log what Telegram says went wrong of late; it names a status or a fault of the line, never an update."""
    if error := _latest_error(info, now):
        log.warning(
            "Telegram could not bring every update of late: %s. %d wait.",
            error,
            info.pending_update_count,
            extra={"action": "webhook"},
        )


def _latest_error(info: WebhookInfo, now: datetime) -> str:
    """Return the last error that Telegram reports, if it is recent; else nothing."""
    at = info.last_error_date
    return info.last_error_message or "" if at is not None and now - at <= RECENT else ""


async def _patiently(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Ask Telegram, and again after a pause if there was trouble that may pass; raise `CannotRun` if it did not."""
    for pause in (*PAUSES, None):
        try:
            return await ask()
        except InvalidToken:
            raise CannotRun("Telegram does not accept the bot's token. Check TELEGRAM_BOT_TOKEN.") from None
        except BadRequest as error:
            raise CannotRun(
                f"Telegram refuses the webhook: {error.message}. Check telegram.webhook_url."
            ) from None
        except TelegramError as error:
            if pause is None:
                raise CannotRun(
                    f"Telegram cannot be told about the webhook ({type(error).__name__}). "
                    "Check telegram.api_url and the network."
                ) from None
            log.warning(
                "Telegram cannot be told about the webhook yet (%s).",
                type(error).__name__,
                extra={"action": "webhook"},
            )
            await asyncio.sleep(_asked(error) or pause)
    raise AssertionError("the last round returns or raises")


def _asked(error: TelegramError) -> float:
    """Return for how many seconds Telegram asked to be left alone, if it did."""
    if not isinstance(error, RetryAfter):
        return 0.0
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
