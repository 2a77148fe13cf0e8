"""People, chats and messages as the sandbox keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = dict[str, Any]

MEMBERS = ("creator", "administrator", "member")
"""The states in which somebody is in a group."""


@dataclass(eq=False, kw_only=True)
class Person:
    """Somebody with a Telegram account; the bot is one of them."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    is_bot: bool = False
    phone: bool = True
    """Whether the page shows this person's phone."""
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    @property
    def name(self) -> str:
        """Return the full name as chats show it."""
        return f"{self.first_name} {self.last_name}" if self.last_name else self.first_name


@dataclass(frozen=True, kw_only=True)
class File:
    """Something that was sent: a picture, a document, a voice message."""

    file_id: str
    unique_id: str
    path: str
    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(eq=False, kw_only=True)
class Message:
    """One message in one chat; *content* holds its parts under Telegram's own names."""

    id: int
    chat: Chat
    sender: Person | None
    date: datetime
    content: JSON
    reply_to: Message | None = None
    markup: JSON | None = None
    files: tuple[File, ...] = ()
    edited_at: datetime | None = None
    deleted: bool = False
    pinned: bool = False
    reactions: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the text or the caption, without markup; empty if there is none."""
        return str(self.content.get("text") or self.content.get("caption") or "")

    @property
    def entities(self) -> list[JSON]:
        """Return the entities of the text or the caption; offsets count UTF-16 units."""
        return list(self.content.get("entities") or self.content.get("caption_entities") or [])

    @property
    def by_bot(self) -> bool:
        """Tell whether the bot wrote it."""
        return self.sender is not None and self.sender.is_bot

    @property
    def rows(self) -> list[list[JSON]]:
        """Return the inline keyboard, row by row."""
        return list((self.markup or {}).get("inline_keyboard", []))

    @property
    def buttons(self) -> list[str]:
        """Return the labels of the inline buttons, in reading order."""
        return [str(button["text"]) for row in self.rows for button in row]

    def button(self, label: str) -> JSON:
        """Return the inline button that says *label*, or the only one whose label contains it."""
        every = [button for row in self.rows for button in row]
        found = [b for b in every if b["text"] == label] or [b for b in every if label in b["text"]]
        if len(found) != 1:
            raise LookupError(f"{len(found)} buttons match {label!r}; there are {self.buttons}")
        return found[0]

    @property
    def file(self) -> File | None:
        """Return the picture (largest size) or document that was sent with it."""
        return self.files[-1] if self.files else None


@dataclass(eq=False, kw_only=True)
class Chat:
    """A private chat, a group, a supergroup or a channel."""

    id: int
    kind: str
    title: str | None = None
    username: str | None = None
    person: Person | None = None
    members: dict[int, str] = field(default_factory=dict)
    """User id to "creator", "administrator", "member", "left" or "kicked"; without the bot."""
    bot_status: str = "member"
    messages: list[Message] = field(default_factory=list)
    """What the people in it see: deleted messages are gone from here."""
    last_message_id: int = 0
    migrated_to: int | None = None
    migrated_from: int | None = None
    keyboard: JSON | None = None
    menu_button: JSON | None = None
    typing_until: float = 0.0

    @property
    def is_group(self) -> bool:
        """Tell whether it is a group or a supergroup."""
        return self.kind in ("group", "supergroup")

    @property
    def name(self) -> str:
        """Return the title, or the person's name."""
        return self.person.name if self.person else self.title or ""

    def message(self, message_id: int) -> Message | None:
        """Return the message with this number, unless it was deleted."""
        return next((m for m in reversed(self.messages) if m.id == message_id), None)

    @property
    def last(self) -> Message:
        """Return the newest message."""
        return self.messages[-1]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What answerCallbackQuery told the person: a toast, an alert, or only that it is done."""

    text: str
    alert: bool
    url: str | None
    at: datetime


@dataclass(eq=False, kw_only=True)
class Press:
    """A button that somebody pressed, and the bot's answer once it came."""

    id: str
    person: Person
    message: Message
    data: str
    at: datetime
    answer: Answer | None = None
