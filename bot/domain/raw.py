"""What can be told of a raw update when nothing else could read it: JSON of any shape in, never an error out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.message import Incoming, Media, Sender

#: The kinds of update with which a person wants something.
_WANTS = ("message", "edited_message", "callback_query")


@dataclass(frozen=True, kw_only=True)
class Glance:
    """A look at a raw update.

    kind: Telegram's word for it, such as "edited_message", or "unknown". incoming: who sent what, as far as it can be
    told; None if a person wants nothing with it, or nobody can say in which chat. private, group: which chat that is;
    neither for a channel. under, label: for a tap, the words above the button and those on it.
    """

    kind: str = "unknown"
    incoming: Incoming | None = None
    private: bool = False
    group: bool = False
    under: str = ""
    label: str = ""


def glance(update_id: int, payload: object) -> Glance:
    """Look at a raw update of Telegram's, whatever it is."""
    kind, inside = next(
        ((str(key), value) for key, value in _mapping(payload).items() if isinstance(value, dict)),
        ("unknown", {}),
    )
    tapped = kind == "callback_query"
    message = _mapping(inside.get("message")) if tapped else inside
    chat = _mapping(message.get("chat"))
    chat_id = _number(chat.get("id"))
    if kind not in _WANTS or chat_id is None:
        return Glance(kind=kind)
    of_a_group = chat.get("type") in ("group", "supergroup")
    data = _words(inside.get("data")) if tapped else None
    return Glance(
        kind=kind,
        incoming=Incoming(
            update_id=update_id,
            chat_id=chat_id,
            sender=_sender(_mapping(inside.get("from"))),
            message_id=_number(message.get("message_id")),
            text="" if tapped else _text(message),
            data=data,
            media=None if tapped else _media(message),
            replied_to=_number(_mapping(message.get("reply_to_message")).get("message_id")),
            edited=kind == "edited_message",
        ),
        private=chat.get("type") == "private" or ("type" not in chat and chat_id > 0),
        group=of_a_group,
        under=_text(message) if tapped else "",
        label=_label(message, data) if tapped else "",
    )


def _sender(user: Mapping[str, Any]) -> Sender:
    names = (_words(user.get("first_name")), _words(user.get("last_name")))
    return Sender(
        id=_number(user.get("id")) or 0,
        name=" ".join(filter(None, names)) or "?",
        language=_words(user.get("language_code")) or None,
    )


def _text(message: Mapping[str, Any]) -> str:
    return _words(message.get("text")) or _words(message.get("caption"))


def _media(message: Mapping[str, Any]) -> Media | None:
    """Return the medium of a message: whatever has a file's id; of a photo the largest."""
    for kind, value in message.items():
        sizes = value if isinstance(value, list) else [value]
        file_id = _words(_mapping(sizes[-1] if sizes else None).get("file_id"))
        if file_id:
            return Media(kind=str(kind), file_id=file_id)
    return None


def _label(message: Mapping[str, Any], data: str | None) -> str:
    rows = _mapping(message.get("reply_markup")).get("inline_keyboard")
    buttons = [button for row in _list(rows) for button in _list(row)]
    labels = (_words(_mapping(b).get("text")) for b in buttons if _mapping(b).get("callback_data") == data)
    return next(labels, "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""
