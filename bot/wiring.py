"""Building every object once: settings, words, database, clock, chance. Nothing below this reads a clock."""

from __future__ import annotations

import gc
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from bot.chat.app import TelegramApp
from bot.chat.bell import LOOK
from bot.chat.connection import Connection, Hook, Keep
from bot.content.library import Library
from bot.content.settings import Settings, Telegram
from bot.domain.pacing import Pacer
from bot.domain.secret import secret_for
from bot.learning import load_minds, load_words
from bot.matching.mind import Minds
from bot.service.ports import Tools
from bot.storage.database import Database
from bot.storage.lease import Holder
from bot.web.serve import serve
from bot.web.webhook import Webhook

Clock = Callable[[], datetime]


def system_now() -> datetime:
    """Return the moment, aware UTC."""
    return datetime.now(UTC)


def build_tools(
    settings: Settings,
    *,
    library: Library | None = None,
    minds: Minds | None = None,
    database_url: str | None = None,
) -> Tools:
    """Load the words, open the database and bring its tables up to date.

    Raises `Faults` (content) or `DatabaseUnusable`. *library* and *minds* may be given if they are loaded already.
    """
    library = library or load_words(settings)
    database = Database(database_url or settings.database.url)
    database.migrate()
    return Tools(
        database=database,
        settings=settings,
        library=library,
        minds=minds or load_minds(settings, library),
        random_bits=secrets.randbits,
    )


def build_app(
    tools: Tools,
    token: str,
    *,
    api_url: str | None = None,
    now: Clock = system_now,
    pacer: Pacer | None = None,
    look: float = LOOK,
) -> TelegramApp:
    """Return the bot, ready to start, on Telegram or on the Bot API server of *api_url*. *look*: see `bell.LOOK`."""
    telegram = tools.settings.telegram
    return TelegramApp(
        tools,
        Connection(token=token, api_url=api_url or telegram.api_url, hook=_hook(telegram, token)),
        now=now,
        seconds=time.monotonic,
        pacer=pacer or Pacer(tools.settings.telegram.messages_per_second),
        holder=Holder(host=socket.gethostname(), pid=os.getpid(), mark=secrets.token_hex(4)),
        process_is_dead=is_dead,
        look=look,
    )


def spare_the_collector() -> None:
    """Tell Python's garbage collector that what is loaded now stays: looking through it stopped everything for 0.2 s."""
    gc.collect()
    gc.freeze()


def _hook(telegram: Telegram, token: str) -> Hook | None:
    """Return how updates are brought, if the settings say that they are."""
    url, listen = telegram.webhook_url, telegram.webhook_listen
    if url is None:
        return None
    secret = secret_for(token)

    def door(keep: Keep) -> AbstractAsyncContextManager[object]:
        return serve(Webhook(url, secret, keep, seconds=time.monotonic), listen, seconds=time.monotonic)

    return Hook(url=url, secret=secret, door=door)


def is_dead(holder: Holder) -> bool:
    """Tell whether another holder's process ran on this machine and is no more.

    Our own process id in an old lease means a container that was started anew: that process is gone, too.
    """
    if holder.host != socket.gethostname():
        return False
    if holder.pid == os.getpid():
        return True
    return (
        not Path(f"/proc/{holder.pid}").exists() if Path("/proc/self").exists() else not _answers(holder.pid)
    )


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
