"""The sandbox in one's hand: everything people can do, as methods."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, TypeVar

from bot.sandbox import acts, groups
from bot.sandbox.clock import Clock, SandboxClock
from bot.sandbox.faults import Fault
from bot.sandbox.files import bruise, reference
from bot.sandbox.limits import Limits
from bot.sandbox.model import Chat, Message, Person, Press
from bot.sandbox.record import Entry
from bot.sandbox.world import World

T = TypeVar("T")
Who = Person | Chat | int
"""A person (meaning their chat with the bot), a chat, or a chat's id."""


class Sandbox:
    """People and their chats with one bot.

    People's side is here, in plain method calls; the bot's side is HTTP (see create_app). Use
    it in the thread of the event loop that serves it. A method that would not work on a real
    phone raises NotPossible. *limits*: refuse what Telegram would (429). *round_trip*: seconds
    from the bot to here and back, half of them before a call has its effect.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        bot_name: str = "Aftercare",
        bot_username: str = "aftercare_sandbox_bot",
        limits: Limits | None = None,
        round_trip: float = 0.0,
    ) -> None:
        self.clock: Clock = clock or SandboxClock()
        self.world = World(
            self.clock, bot_name=bot_name, bot_username=bot_username, limits=limits, round_trip=round_trip
        )
        if isinstance(self.clock, SandboxClock):
            self.clock.when_turned(self.world.changed.beat)

    # People and groups

    @property
    def bot(self) -> Person:
        """Return the bot's own account."""
        return self.world.bot

    @property
    def people(self) -> list[Person]:
        """Return everybody, in the order they were added."""
        return list(self.world.people.values())

    @property
    def groups(self) -> list[Chat]:
        """Return the groups and supergroups, without those that have become another."""
        return [chat for chat in self.world.chats.values() if chat.is_group and chat.migrated_to is None]

    def add_person(
        self,
        first_name: str,
        *,
        last_name: str | None = None,
        username: str | None = None,
        language_code: str | None = "en",
        phone: bool = True,
    ) -> Person:
        """Add somebody who has not yet started the bot; *phone*: shown on the page."""
        return self.world.add_person(
            first_name=first_name,
            last_name=last_name,
            username=username,
            language_code=language_code,
            phone=phone,
        )

    def add_group(
        self, title: str, *, members: Sequence[Person], kind: str = "group", admin: bool = False
    ) -> Chat:
        """Make a group ("group" or "supergroup") whose first member owns it, and add the bot."""
        chat = self.add_chat(title, members=members, kind=kind)
        self.add_bot(chat, admin=admin)
        return chat

    def add_chat(self, title: str, *, members: Sequence[Person], kind: str = "group") -> Chat:
        """Make a group, supergroup or channel without the bot."""
        states = {person.id: "creator" if place == 0 else "member" for place, person in enumerate(members)}
        return self.world.add_chat(kind, title, states)

    def add_bot(self, chat: Who, *, admin: bool = False, by: Person | None = None) -> None:
        """Add the bot to a group, or make it an administrator; by the owner unless *by* is given."""
        group = self.chat(chat)
        groups.set_bot_status(
            self.world, group, "administrator" if admin else "member", by or self._owner(group)
        )

    def remove_bot(self, chat: Who, *, by: Person | None = None) -> None:
        """Remove the bot from a group."""
        group = self.chat(chat)
        groups.set_bot_status(self.world, group, "kicked", by or self._owner(group))

    def add_member(
        self, chat: Who, person: Person, *, status: str = "member", by: Person | None = None
    ) -> Message:
        """Put somebody into a group."""
        return groups.add_member(self.world, self.chat(chat), person, status, by)

    def remove_member(self, chat: Who, person: Person, *, by: Person | None = None) -> Message:
        """Let somebody leave a group, or be removed by *by*."""
        return groups.remove_member(self.world, self.chat(chat), person, by)

    def migrate(self, chat: Who) -> Chat:
        """Turn a group into a supergroup and return it; the old id answers 400 from now on."""
        return groups.migrate(self.world, self.chat(chat))

    def chat(self, who: Who) -> Chat:
        """Return somebody's chat with the bot, or the chat with this id."""
        return who if isinstance(who, Chat) else self.world.chats[who if isinstance(who, int) else who.id]

    def person(self, number: int) -> Person:
        """Return the person with this id."""
        return self.world.people[number]

    # What people do

    def says(
        self,
        person: Person,
        text: str,
        *,
        chat: Who | None = None,
        reply_to: Message | None = None,
        forwarded_from: str | None = None,
    ) -> Message:
        """Write a text to the bot, or into a group."""
        content = acts.text_content(text)
        return self._post(person, content, chat, reply_to=reply_to, forwarded_from=forwarded_from)

    def opens_link(self, person: Person, payload: str = "") -> Message:
        """Open t.me/<bot>?start=PAYLOAD and press Start; a blocked bot is unblocked by it."""
        self.unblocks(person)
        return self.says(person, f"/start {payload}")

    def presses(self, person: Person, message: Message, label: str) -> Press:
        """Press the inline button that says *label*."""
        button = message.button(label)
        if "callback_data" not in button:
            raise acts.NotPossible(f"the button {label!r} tells the bot nothing; it has {sorted(button)}")
        return acts.press(self.world, person, message, button["callback_data"])

    def presses_data(self, person: Person, message: Message, data: str) -> Press:
        """Press a button by its data, even one that is no longer shown."""
        return acts.press(self.world, person, message, data)

    async def press(self, person: Person, message: Message, label: str, *, seconds: float = 10.0) -> Press:
        """Press a button and wait for the bot's answer; without one, ``Press.answer`` is None."""
        return await self.answered(self.presses(person, message, label), seconds=seconds)

    async def answered(self, press: Press, *, seconds: float = 10.0) -> Press:
        """Wait until the bot has answered a press, for at most *seconds* of real time."""
        await self.until(lambda: press.answer, seconds=seconds)
        return press

    def edits(self, message: Message, text: str) -> Message:
        """Change what somebody wrote before."""
        return acts.edit(self.world, message, text)

    def sends_photo(
        self, person: Person, *, content: bytes | None = None, caption: str = "", chat: Who | None = None
    ) -> Message:
        """Send a picture (PNG or JPEG); without *content* the sample, a bruise."""
        try:
            files, sizes = self.world.files.keep_photo(content or bruise())
        except ValueError as error:
            raise acts.NotPossible(str(error)) from error
        return self._post(person, {"photo": sizes, **acts.caption_content(caption)}, chat, files=files)

    def sends_document(
        self,
        person: Person,
        content: bytes,
        name: str,
        *,
        mime: str = "application/octet-stream",
        caption: str = "",
        chat: Who | None = None,
    ) -> Message:
        """Send a file."""
        file = self.world.files.keep(content, kind="documents", name=name, mime=mime)
        part = {**reference(file), "file_name": name, "mime_type": mime}
        return self._post(person, {"document": part, **acts.caption_content(caption)}, chat, files=(file,))

    def sends(self, person: Person, part: dict[str, Any], *, chat: Who | None = None) -> Message:
        """Send anything else, given in Telegram's own JSON: {"location": {…}}, {"contact": {…}}."""
        return self._post(person, part, chat)

    def sends_sample(self, person: Person, kind: str, *, chat: Who | None = None) -> Message:
        """Send a sample "sticker", "voice", "video", "location", "contact" or "poll"."""
        keep = self.world.files.keep
        if kind == "sticker":
            file = keep(b"RIFF sandbox WEBP", kind="stickers", name="sticker.webp", mime="image/webp")
            return self._post(person, acts.sticker_part(file, "👍"), chat, files=(file,))
        if kind == "voice":
            file = keep(b"OggS sandbox", kind="voice", name="voice.oga", mime="audio/ogg")
            part = {**reference(file), "duration": 4, "mime_type": file.mime}
            return self._post(person, {"voice": part}, chat, files=(file,))
        if kind == "video":
            file = keep(b"ftyp sandbox", kind="videos", name="video.mp4", mime="video/mp4")
            part = {**reference(file), "duration": 6, "width": 640, "height": 360, "mime_type": file.mime}
            return self._post(person, {"video": part}, chat, files=(file,))
        parts: dict[str, dict[str, Any]] = {
            "location": {"location": {"latitude": 1.3048, "longitude": 103.8318}},
            "contact": {
                "contact": {
                    "phone_number": "+6591234567",
                    "first_name": person.first_name,
                    "user_id": person.id,
                }
            },
            "poll": acts.poll_part("Heat or ice?", ["Heat", "Ice"]),
        }
        if kind not in parts:
            raise acts.NotPossible(f"there is no sample {kind!r}")
        return self._post(person, parts[kind], chat)

    def blocks(self, person: Person) -> None:
        """Block the bot."""
        acts.block(self.world, person)

    def unblocks(self, person: Person) -> None:
        """Unblock the bot."""
        acts.unblock(self.world, person)

    def deactivates(self, person: Person) -> None:
        """Delete somebody's Telegram account."""
        person.deactivated = True
        self.world.changed.beat()

    def deletes(self, message: Message) -> None:
        """Delete a message; the bot is not told."""
        self.world.remove_message(message)

    # The clock, waiting, faults, the record

    def turn(self, seconds: float) -> None:
        """Turn the clock forward."""
        self.clock.turn(seconds)
        self.world.changed.beat()

    async def sees(
        self, who: Who, text: str = "", *, after: Message | None = None, seconds: float = 10.0
    ) -> Message:
        """Return the bot's newest message that contains *text*, waiting for it in real time.

        *after*: only messages that came later than this one. Raises TimeoutError, with the
        chat's last messages, when it does not come.
        """
        chat = self.chat(who)

        def find() -> Message | None:
            beyond = after.id if after is not None else 0
            found = [m for m in chat.messages if m.by_bot and m.id > beyond and text in m.text]
            return found[-1] if found else None

        found = await self.until(find, seconds=seconds)
        if found is None:
            last = [f"{m.sender.name if m.sender else '—'}: {m.text[:120]!r}" for m in chat.messages[-5:]]
            raise TimeoutError(f"{chat.name} did not see {text!r} within {seconds} s; last: {last}")
        return found

    async def until(self, look: Callable[[], T | None], *, seconds: float = 10.0) -> T | None:
        """Return what *look* returns as soon as it is truthy; None after *seconds* of real time."""
        end = monotonic() + seconds
        while True:
            seen = self.world.changed.count
            found = look()
            if found:
                return found
            if monotonic() >= end:
                return None
            # Not everything makes the pulse beat (a database, say), so look now and then.
            await self.world.changed.after(seen, min(0.05, max(end - monotonic(), 0.0)))

    async def settled(self, *, still: float = 0.15, seconds: float = 10.0) -> None:
        """Wait until the bot has taken every update and nothing changed for *still* seconds."""
        end, seen, since = monotonic() + seconds, -1, monotonic()
        while monotonic() < end:
            count = self.world.changed.count
            if count != seen or self.world.updates.waiting():
                seen, since = count, monotonic()
            elif monotonic() - since >= still:
                return
            await asyncio.sleep(0.01)
        raise TimeoutError(f"the bot did not come to rest within {seconds} s")

    def plan(self, fault: Fault) -> None:
        """Let something go wrong."""
        self.world.faults.plan(fault)

    def calls(self, method: str | None = None, after: int = 0) -> list[Entry]:
        """Return the calls the bot made (of one method), those numbered beyond *after*."""
        return self.world.record.calls(method, after)

    # Private

    def _post(self, person: Person, content: dict[str, Any], chat: Who | None, **more: Any) -> Message:
        return acts.post(self.world, self.chat(chat if chat is not None else person), person, content, **more)

    def _owner(self, chat: Chat) -> Person:
        owners = [number for number, status in chat.members.items() if status == "creator"]
        return self.world.people[(owners or list(chat.members))[0]]
