"""The threshold: what Telegram hands over, fetched or brought, becomes rows for the inbox, whatever shape it has."""

from __future__ import annotations

import math
from typing import Any

from bot.storage.inbox import Arrival

#: The deepest nesting that is kept; Telegram's own is about ten.
DEEPEST = 50
#: Whole numbers that every database takes: 64 bits. Telegram's have 52 at most.
_LARGEST = 2**63 - 1


def arrivals(raw: object) -> list[Arrival]:
    """Return the updates in a list as they came, in their order; what has no whole number as ``update_id`` is none.

    Nothing is raised: *raw* is what JSON gave, from a server that may be any. What no database takes (half letters,
    zero bytes, endless numbers and nesting) is left out, so that one such update does not keep the others waiting.
    """
    return [
        Arrival(update_id=update["update_id"], chat_id=chat_of(update), payload=update)
        for update in map(_storable, raw if isinstance(raw, list) else [])
        if isinstance(update, dict) and _is_number(update.get("update_id"))
    ]


def _storable(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        return None
    match value:
        case str():
            return value if value.isascii() and "\0" not in value else _whole(value)
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= _LARGEST else None
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_storable(inside, depth + 1) for inside in value]
        case dict():
            return {_storable(str(key)): _storable(inside, depth + 1) for key, inside in value.items()}
    return None


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def chat_of(payload: dict[str, object]) -> int | None:
    """Return the chat that a raw update belongs to, or None; for whatever shape it has."""
    for value in payload.values():
        if not isinstance(value, dict):
            continue
        inside = value.get("message") if isinstance(value.get("message"), dict) else value
        chat = inside.get("chat") if isinstance(inside, dict) else None
        if isinstance(chat, dict) and _is_number(chat.get("id")):
            return int(chat["id"])
    return None


def _is_number(value: object) -> bool:
    """Tell whether it is a whole number; to Python, true and false are numbers as well."""
    return isinstance(value, int) and not isinstance(value, bool)
