"""A peer: a bare PTB `Application` that answers what is written to it, and may send a broadcast meanwhile.

Its one argument is JSON: token, url, mode ("polling" or "webhook"), concurrent (0: one update after the other),
limiter (None, or the arguments of `AIORateLimiter`), broadcast (the chats to write to, all at once by gather, as soon
as it runs), at_once (how many of them; 0: all), pool (connections of its HTTP client; 0: PTB's default).
It ends on SIGTERM, and writes then what became of the broadcast.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections import Counter
from typing import Any

from telegram import Bot, Update
from telegram.error import TelegramError
from telegram.ext import AIORateLimiter, Application, ContextTypes, MessageHandler, filters
from telegram.request import HTTPXRequest

TEXT = "Your check-in is ready. It takes <b>one</b> minute."
ANSWER = "Does it hurt? Most people feel a brief twitch or cramp, and are a little sore for a day or two."


async def _answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    if update.message is not None:
        await update.message.reply_text(ANSWER)


def _build(options: dict[str, Any]) -> Any:
    builder: Any = Application.builder().token(options["token"]).base_url(f"{options['url']}/bot")
    if options.get("pool"):
        builder = builder.request(HTTPXRequest(connection_pool_size=options["pool"], pool_timeout=None))
    if options.get("limiter") is not None:
        builder = builder.rate_limiter(AIORateLimiter(**options["limiter"]))
    if options.get("concurrent"):
        builder = builder.concurrent_updates(options["concurrent"])
    application = builder.build()
    application.add_handler(MessageHandler(filters.TEXT, _answer))
    return application


async def _broadcast(bot: Bot, chats: list[int], at_once: int) -> Counter[str]:
    """Send to all *chats*; return how many arrived and how many failed of what."""
    outcomes: Counter[str] = Counter()
    door = asyncio.Semaphore(at_once or len(chats) or 1)

    async def send(chat: int) -> None:
        async with door:
            try:
                await bot.send_message(chat, TEXT, parse_mode="HTML")
                outcomes["sent"] += 1
            except TelegramError as error:
                outcomes[type(error).__name__] += 1

    await asyncio.gather(*(send(chat) for chat in chats))
    return outcomes


async def main() -> None:
    """Run until SIGTERM."""
    options = json.loads(sys.argv[1])
    logging.getLogger("telegram").setLevel(logging.CRITICAL)
    application = _build(options)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with application:
        await application.start()
        if options.get("mode") == "webhook":
            port = options["port"]
            await application.updater.start_webhook(
                listen="127.0.0.1", port=port, url_path="hook", webhook_url=f"http://127.0.0.1:{port}/hook"
            )
        else:
            await application.updater.start_polling()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        broadcast = asyncio.create_task(
            _broadcast(application.bot, options.get("broadcast", []), options.get("at_once", 0))
        )
        await ended.wait()
        done = broadcast.done()
        outcomes = broadcast.result() if done else {}
        broadcast.cancel()
        sys.stdout.write(json.dumps({"done": done, "outcomes": outcomes}) + "\n")
        sys.stdout.flush()
        os._exit(0)  # what is still queued in it is not waited for: nobody measures that


if __name__ == "__main__":
    asyncio.run(main())
