"""What Telegram's handlers need: the services' tools, the clock given from the roof, and the bell of the outbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telegram.ext import Application, CallbackContext, ExtBot, JobQueue

from bot.domain.trouble import Trouble
from bot.service.ports import Tools

App = Application[
    ExtBot[None], "Context", dict[Any, Any], dict[Any, Any], dict[str, Any], JobQueue["Context"]
]
Context = CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[str, Any]]

_KEY = "house"


class CannotRun(Trouble):
    """The bot cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class House:
    """The handlers' way to everything below them. now: returns the moment, aware UTC."""

    tools: Tools
    now: Callable[[], datetime]


def move_in(application: App, house: House) -> None:
    """Put the house where handlers find it."""
    application.bot_data[_KEY] = house


def house_of(context: Context) -> House:
    """Return the house of a handler's context."""
    house: House = context.bot_data[_KEY]
    return house
