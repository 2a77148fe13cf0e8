"""The small world: people, chats, files, and what waits for the bot."""

import asyncio
import itertools
from time import monotonic
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.faults import Faults
from bot.sandbox.files import Files
from bot.sandbox.limits import Limits
from bot.sandbox.model import JSON, MEMBERS, Chat, File, Message, Person, Press
from bot.sandbox.profile import Profile
from bot.sandbox.pulse import Pulse
from bot.sandbox.record import Record
from bot.sandbox.updates import Updates
from bot.sandbox.webhook import Webhook
from bot.sandbox.wire import message_json

# Larger than 32 bits, as Telegram's are: a column that is too narrow shows at once.
FIRST_PERSON = 6_800_000_001
FIRST_GROUP = -4_200_000_001
FIRST_SUPERGROUP = -1_002_200_000_001
TYPING_SECONDS = 5.0


class World:
    """Everything the sandbox knows. All of it lives in memory, in one event loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        bot_name: str,
        bot_username: str,
        limits: Limits | None,
        round_trip: float = 0.0,
    ) -> None:
        self.clock = clock
        self.round_trip = round_trip
        """Seconds from the bot to here and back; 0.08 is a server some thousand kilometres away."""
        self.bot = Person(
            id=7_000_000_001, first_name=bot_name, username=bot_username, is_bot=True, phone=False
        )
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.presses: dict[str, Press] = {}
        self.files = Files()
        self.profile = Profile()
        self.updates = Updates(clock)
        self.webhook: Webhook | None = None
        self.faults = Faults()
        self.limits = limits
        self.record = Record()
        self.changed = Pulse()
        self.closing = asyncio.Event()
        self._person_ids = itertools.count(FIRST_PERSON)
        self._group_ids = itertools.count(FIRST_GROUP, -1)
        self._supergroup_ids = itertools.count(FIRST_SUPERGROUP, -1)
        self._message_ids = itertools.count(1)

    def add_person(self, person: Person | None = None, **details: str | bool | None) -> Person:
        """Add somebody, and the private chat they would have with the bot."""
        if person is None:
            person = Person(id=next(self._person_ids), **details)  # type: ignore[arg-type]
        self.people[person.id] = person
        self.chats[person.id] = Chat(id=person.id, kind="private", person=person)
        self.changed.beat()
        return person

    def add_chat(self, kind: str, title: str, members: dict[int, str]) -> Chat:
        """Add a group, supergroup or channel; the bot is not in it yet."""
        ids = self._group_ids if kind == "group" else self._supergroup_ids
        chat = Chat(id=next(ids), kind=kind, title=title, members=members, bot_status="left")
        self.chats[chat.id] = chat
        self.changed.beat()
        return chat

    def number_bot(self, number: int) -> None:
        """Give the bot the id in its token, also where it was named before its first call."""
        old, self.bot.id = self.bot.id, number
        if old == number:
            return
        said = [message.content for chat in self.chats.values() for message in chat.messages]
        for body in [*said, *(update.body for update in self.updates.waiting())]:
            _renumber(body, old, number)

    def add_message(
        self,
        chat: Chat,
        sender: Person | None,
        content: JSON,
        *,
        reply_to: Message | None = None,
        markup: JSON | None = None,
        files: tuple[File, ...] = (),
    ) -> Message:
        """Put a message into a chat, and nowhere else."""
        # Private chats and small groups share one count; supergroups and channels have their own.
        chat.last_message_id = (
            next(self._message_ids) if chat.kind in ("private", "group") else chat.last_message_id + 1
        )
        message = Message(
            id=chat.last_message_id,
            chat=chat,
            sender=sender,
            date=self.clock.now(),
            content=content,
            reply_to=reply_to,
            markup=markup,
            files=files,
        )
        chat.messages.append(message)
        self.changed.beat()
        return message

    def remove_message(self, message: Message) -> None:
        """Take a message out of its chat."""
        message.deleted = True
        message.chat.messages = [other for other in message.chat.messages if other is not message]
        self.changed.beat()

    async def travel(self) -> None:
        """Let half a round trip of real time pass: a call on its way here, or an answer on its way back."""
        if self.round_trip:
            await asyncio.sleep(self.round_trip / 2)

    def show_typing(self, chat: Chat) -> None:
        """Show for five real seconds that the bot is typing."""
        chat.typing_until = monotonic() + TYPING_SECONDS
        self.changed.beat()

    def tell_bot(self, message: Message, *, edited: bool = False) -> None:
        """Queue a message for the bot, if it may read it."""
        if self.bot_may_read(message):
            kind = "channel_post" if message.chat.kind == "channel" else "message"
            self.updates.put(f"edited_{kind}" if edited else kind, message_json(message), message.chat.id)

    def bot_may_read(self, message: Message) -> bool:
        """Tell whether the bot gets this message: in groups, privacy mode hides most of them."""
        chat = message.chat
        if chat.kind == "private":
            return not (message.sender and message.sender.blocked)
        if chat.bot_status not in MEMBERS:
            return False
        if chat.bot_status == "administrator" or chat.kind == "channel":
            return True
        if message.reply_to is not None and message.reply_to.by_bot:
            return True
        body = message.content
        if not any(key in body for key in ("text", "caption", *MEDIA)):
            return True  # a service message: somebody joined, the group moved
        return any(self._commands_us(body, entity) for entity in message.entities)

    def _commands_us(self, body: JSON, entity: JSON) -> bool:
        if entity["type"] != "bot_command" or entity["offset"] != 0:
            return False
        word = str(body.get("text") or body.get("caption"))[: entity["length"]]
        _, _, name = word.partition("@")
        return not name or name.lower() == (self.bot.username or "").lower()


def _renumber(part: Any, old: int, new: int) -> None:
    """Change the bot's id wherever it is named inside *part*."""
    if isinstance(part, dict):
        if part.get("is_bot") and part.get("id") == old:
            part["id"] = new
        for inner in part.values():
            _renumber(inner, old, new)
    elif isinstance(part, list):
        for inner in part:
            _renumber(inner, old, new)


MEDIA = ("photo", "document", "voice", "video", "audio", "sticker", "location", "venue", "contact", "poll")
"""The parts that make a message more than a notice."""
