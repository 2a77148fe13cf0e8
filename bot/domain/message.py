"""What the bot says, as values: a message, its buttons, its priority, and how text is made safe for Telegram."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

#: Telegram's limit for a message, in UTF-16 units after its markup is parsed (Bot API, sendMessage).
TEXT_LIMIT = 4096
#: The longest name that is shown; Telegram's own limit is 64 letters for each of the two.
NAME_LIMIT = 130
#: Telegram's limit for callback data, in bytes (Bot API, InlineKeyboardButton).
DATA_LIMIT = 64

_TAG = re.compile(r"&lt;(/?)(b|i|u)&gt;")
_VARIABLE = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)?)\}")
_ANY_TAG = re.compile(r"</?[a-z]+[^>]*>")


class Priority(IntEnum):
    """Who goes first when more is waiting than may leave. DANGER: an instruction or an alert about a red flag."""

    DANGER = 0
    REPLY = 1
    ALERT = 2
    CHECK_IN = 3
    DIGEST = 4


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button under a message: *data* comes back when it is tapped (64 bytes at most), *url* opens a page."""

    label: str
    data: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if (self.data is None) == (self.url is None):
            raise ValueError(f"button {self.label!r} needs either data or a url")
        if self.data is not None and len(self.data.encode()) > DATA_LIMIT:
            raise ValueError(f"the data of button {self.label!r} is longer than {DATA_LIMIT} bytes")


Rows = tuple[tuple[Button, ...], ...]
Kind = Literal["text", "edit", "photo", "document", "copy"]


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message, ready for Telegram: *text* is safe HTML.

    kind "edit": replaces the text and buttons of *message_id*, or of the newest message sent under *slot*;
    if that message is gone, the text is sent anew. kind "copy": repeats *message_id* of *from_chat*.
    kind "photo" and "document": *file_id* (Telegram's) or *file* (base64) with *file_name*; *text* is the caption.
    """

    kind: Kind = "text"
    text: str = ""
    buttons: Rows = ()
    slot: str | None = None
    message_id: int | None = None
    from_chat: int | None = None
    reply_to: int | None = None
    file_id: str | None = None
    file: str | None = None
    file_name: str | None = None
    #: Ask Telegram to open the reply box under this message.
    force_reply: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return a plain, JSON-able form without the fields that are empty."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), "", False)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outgoing:
        """Read back what `to_dict` wrote."""
        known = cls.__dataclass_fields__
        fields = {name: value for name, value in data.items() if name in known}
        fields["buttons"] = tuple(
            tuple(Button(**button) for button in row) for row in fields.get("buttons", ())
        )
        return cls(**fields)


@dataclass(frozen=True, kw_only=True)
class Media:
    """Something other than text that a person sent: its Telegram kind and file id (None for a location or poll)."""

    kind: str
    file_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sender:
    """The person behind an update: Telegram's user id, the name they chose, and the language of their app.

    A longer name than `NAME_LIMIT` is cut: it would leave no room for words in a message that says it.
    """

    id: int
    name: str
    language: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name[:NAME_LIMIT])


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One update from a chat, free of Telegram's library.

    text: words, or the caption of a medium. command: "start" for "/start abc", with *arguments* "abc".
    data: what a tapped button carried; *message_id* is then the message under which the button stands.
    replied_to: the message id that this one answers; replied_text: its words (for a tap: what the bot answered to).
    answers_bot: that message is the bot's own. edited: the text replaces one that was sent before. sent_at: when it was
    written (or edited), aware UTC; None for what Telegram gives no moment of, such as a tap.
    """

    update_id: int
    chat_id: int
    sender: Sender
    message_id: int | None = None
    text: str = ""
    command: str | None = None
    arguments: str = ""
    data: str | None = None
    media: Media | None = None
    replied_to: int | None = None
    replied_text: str = ""
    answers_bot: bool = False
    edited: bool = False
    sent_at: datetime | None = None
    title: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def escape(text: str) -> str:
    """Make *text* from outside safe inside a message; it reads exactly as it was written."""
    return html.escape(text, quote=False)


def render(template: str, values: Mapping[str, object] | None = None) -> str:
    """Fill *template* and return safe HTML: <b>, <i>, <u> of the template survive, all values are escaped.

    Raises `KeyError` if the template names a variable that *values* lacks.
    """
    values = values or {}
    safe = _TAG.sub(r"<\1\2>", escape(template))
    return _VARIABLE.sub(lambda match: escape(str(values[match[1]])), safe)


def variables_of(template: str) -> frozenset[str]:
    """Return the names in braces: ``"Call {clinic.phone}"`` → ``{"clinic.phone"}``."""
    return frozenset(_VARIABLE.findall(template))


def plain(text: str) -> str:
    """Return the words of safe HTML without its markup: what a person reads."""
    return html.unescape(_ANY_TAG.sub("", text))


def length(text: str) -> int:
    """Count as Telegram does: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def split(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Cut plain *text* into pieces of at most *limit* UTF-16 units, at line ends or spaces where there are any.

    The pieces joined are the text again, letter for letter.
    """
    pieces: list[str] = []
    while length(text) > limit:
        cut = _fitting(text, limit)
        window = text[:cut]
        for mark in ("\n", " "):
            if (at := window.rfind(mark)) > cut // 2:
                cut = at + 1
                break
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]


def _fitting(text: str, limit: int) -> int:
    units = 0
    for index, letter in enumerate(text):
        units += 2 if ord(letter) > 0xFFFF else 1
        if units > limit:
            return index
    return len(text)
