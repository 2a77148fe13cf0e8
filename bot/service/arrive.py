"""The threshold: what Telegram hands over, fetched or brought, becomes rows for the inbox, whatever shape it has."""

from __future__ import annotations

from bot.storage.inbox import Arrival


def arrivals(raw: object) -> list[Arrival]:
    """Return the updates in a list as they came, in their order; what has no whole number as ``update_id`` is none.

    Nothing is raised: *raw* is what JSON gave, from a server that may be any.
    """
    return [
        Arrival(update_id=update["update_id"], chat_id=chat_of(update), payload=update)
        for update in (raw if isinstance(raw, list) else [])
        if isinstance(update, dict) and _is_number(update.get("update_id"))
    ]


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
