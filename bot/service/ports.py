"""What the services need from outside: the edge to Telegram, the content, and chance; and what the edge may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from bot.content.library import Library
from bot.content.settings import Settings
from bot.domain.message import Outgoing
from bot.matching.mind import Minds
from bot.service.recent import Recent
from bot.storage.database import Database


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Telegram took the message and gave it this id."""

    message_id: int


@dataclass(frozen=True, kw_only=True)
class TryLater:
    """Nothing reached the chat; try again after *after*, or after a pause of our own choice (None).

    everyone: it is no matter of this message: Telegram asked the whole bot to wait (429, with *after*), or there is
    no way to Telegram just now.
    """

    reason: str
    after: timedelta | None = None
    everyone: bool = False


@dataclass(frozen=True, kw_only=True)
class Gone:
    """The person cannot be reached any more: blocked, deactivated, or the chat is not there."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Telegram will never take this message."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The message may have arrived: the answer was lost."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The group became a supergroup with this id."""

    chat_id: int


Outcome = Sent | TryLater | Gone | Refused | Unknown | Moved


class Messenger(Protocol):
    """The single exit to Telegram."""

    async def send(self, chat_id: int, outgoing: Outgoing, message_id: int | None) -> Outcome:
        """Send one message; *message_id* is the message that an edit is for. Never raises."""

    async def is_there(self) -> bool:
        """Tell whether Telegram answers: ask it something that has no effect. Never raises; ends within seconds."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What every service works with; built once, at the roof.

    random_bits: returns that many random bits (the only source of chance). recent: what was said last, in memory.
    """

    database: Database
    settings: Settings
    library: Library
    minds: Minds
    random_bits: Callable[[int], int]
    recent: Recent = field(default_factory=Recent)
