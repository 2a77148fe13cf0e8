"""Building every object once: settings, words, database, clock, chance. Nothing below this reads a clock."""

from __future__ import annotations

import gc
import hashlib
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from bot.chat.app import TelegramApp
from bot.chat.bell import LOOK
from bot.chat.connection import Closed, Connection, Hook, Keep
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
        holder=Holder(
            host=socket.gethostname(), pid=os.getpid(), mark=secrets.token_hex(4), space=process_space()
        ),
        process_is_dead=is_dead,
        machine_now=system_now,
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

    def door(keep: Keep, closed: Closed) -> AbstractAsyncContextManager[object]:
        webhook = Webhook(url, secret, keep, seconds=time.monotonic)
        return serve(webhook, listen, seconds=time.monotonic, closed=closed)

    return Hook(url=url, secret=secret, door=door)


def process_space() -> str:
    """Return a mark of where our process id counts: this start of the machine, and our container in it.

    Empty where the system does not tell.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:12]


def is_dead(holder: Holder) -> bool:
    """Tell whether another holder's process ran where our id counts, too, and is no more; else nothing is known of it.

    Containers may share a machine's name, and each may have a process 1. Our own id in a lease from our own place: a
    container that was started anew may be given the old one's place, and its number.
    """
    space = process_space()
    if (holder.host, holder.space) != (socket.gethostname(), space):
        return False
    if not space and sys.platform == "linux":
        return False  # a container of a kind that hides where it is; other systems have none
    return holder.pid == os.getpid() or not _answers(holder.pid)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
