"""Stories: a clinic, its patients and its staff group, told without Telegram, with a clock turned by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.message import Incoming, Media, Sender
from bot.domain.pacing import Pacer
from bot.service import dispatch, enrol, receive, serve_staff
from bot.service.deliver import Delivery
from bot.service.ports import Tools
from bot.storage import groups, inbox
from bot.storage.inbox import Arrival
from tests.kit.messenger import RecordingMessenger, Shown

GROUP = -100
UNHURRIED = 10_000


@dataclass(frozen=True)
class Person:
    """Somebody with Telegram."""

    id: int
    name: str
    language: str = "en"


ANA = Person(11, "Ana <b>_Lim_</b>")
BEN = Person(12, "Ben")
EVA = Person(21, "Eva (staff)")


@dataclass
class Story:
    """One clinic and everybody around it. All steps deliver what they caused before they return."""

    tools: Tools
    now: datetime
    messenger: RecordingMessenger = field(default_factory=RecordingMessenger)
    _updates: Any = field(default_factory=lambda: itertools.count(1))
    _messages: Any = field(default_factory=lambda: itertools.count(1))

    # --- patients ---

    async def says(
        self,
        person: Person,
        text: str,
        *,
        reply_to: Shown | None = None,
        edited: bool = False,
        media: str | None = None,
    ) -> None:
        """Let a person write (or send a medium with these words)."""
        command, arguments = _command(text)
        await self.private(
            person,
            text=text,
            command=command,
            arguments=arguments,
            edited=edited,
            media=Media(kind=media, file_id=f"file-{media}") if media else None,
            replied_to=reply_to.id if reply_to else None,
            replied_text=reply_to.text if reply_to else "",
        )

    async def taps(self, person: Person, label: str, *, replied_text: str = "") -> Shown:
        """Let a person tap the newest button that shows *label*."""
        shown, data = self.find_button(person.id, label)
        await self.private(person, data=data, message_id=shown.id, replied_text=replied_text)
        return shown

    async def taps_data(self, person: Person, data: str, message_id: int = 1) -> None:
        """Let a person tap a button with this data, wherever it came from."""
        await self.private(person, data=data, message_id=message_id)

    async def private(self, person: Person, **fields: Any) -> Incoming:
        """Hand over any update from a private chat."""
        fields.setdefault("message_id", next(self._messages))
        incoming = Incoming(
            update_id=next(self._updates),
            chat_id=person.id,
            sender=Sender(id=person.id, name=person.name, language=person.language),
            **fields,
        )
        await self.hand_over(incoming)
        return incoming

    async def hand_over(self, incoming: Incoming) -> None:
        """Store an update, handle it, and deliver what follows."""
        arrival = Arrival(
            update_id=incoming.update_id, chat_id=incoming.chat_id, payload={"text": incoming.text}
        )
        self.tools.database.call(inbox.store, [arrival], self.now)
        self.tools.database.call(receive.from_person, self.tools, incoming, self.now)
        await self.deliver()

    # --- staff ---

    async def binds(self, branch: str = "main", chat_id: int = GROUP) -> None:
        """Make the staff group of a branch."""
        code = self.tools.database.call(serve_staff.new_setup_code, self.tools, branch, self.now)
        await self.staff(EVA, f"/setup {code}", chat_id=chat_id)

    async def staff(
        self,
        person: Person,
        text: str = "",
        *,
        reply_to: Shown | None = None,
        data: str | None = None,
        message_id: int | None = None,
        member: bool = True,
        chat_id: int = GROUP,
        media: str | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        """Let somebody write or tap in the staff group."""
        command, arguments = _command(text)
        incoming = Incoming(
            update_id=next(self._updates),
            chat_id=chat_id,
            sender=Sender(id=person.id, name=person.name),
            message_id=message_id or next(self._messages),
            text=text,
            command=command,
            arguments=arguments,
            data=data,
            media=Media(kind=media, file_id="f") if media else None,
            replied_to=reply_to.id if reply_to else None,
            replied_text=reply_to.text if reply_to else "",
            answers_bot=reply_to is not None,
            sent_at=sent_at,
            title="Staff",
        )
        arrival = Arrival(update_id=incoming.update_id, chat_id=chat_id, payload={})
        self.tools.database.call(inbox.store, [arrival], self.now)
        self.tools.database.call(serve_staff.from_group, self.tools, incoming, self.now, member=member)
        await self.deliver()

    async def staff_taps(self, label: str, person: Person = EVA, chat_id: int = GROUP) -> Shown:
        """Let a staff member tap the newest button that shows *label*."""
        shown, data = self.find_button(chat_id, label)
        await self.staff(person, data=data, message_id=shown.id, chat_id=chat_id)
        return shown

    async def enrols(
        self, person: Person, label: str = "A1023", regions: tuple[str, ...] = ("lower_back",), **more: Any
    ) -> enrol.Registered:
        """Register a treatment that ended now, and let the patient open the invite and agree."""
        done = self.registers(label, regions, **more)
        code = done.code.replace("-", "")
        await self.says(person, f"/start {code}")
        await self.taps(person, "Yes, I agree")
        return done

    def registers(
        self, label: str = "A1023", regions: tuple[str, ...] = ("lower_back",), **more: Any
    ) -> enrol.Registered:
        """Register a treatment that ended now."""
        self.tools.database.call(groups.write_note, enrol.BOT_NAME, "aftercare_test_bot")
        return self.tools.database.call(
            enrol.register,
            self.tools,
            self.now,
            **{"label": label, "treated_at": self.now, "regions": regions, "by": "test", **more},
        )

    # --- time and post ---

    async def later(self, **duration: float) -> None:
        """Let time pass, with the bell rung at every moment at which something is due."""
        end = self.now + timedelta(**duration)
        while True:
            due = self.tools.database.call(dispatch.next_moment)
            if due is None or due >= end or due <= self.now:
                break
            self.now = due
            await self.rings()
        self.now = end
        await self.rings()

    async def rings(self) -> None:
        """Ring the bell: what is due goes out."""
        while self.tools.database.call(dispatch.due, self.tools, self.now).total:
            pass
        await self.deliver()

    async def deliver(self) -> None:
        """Send what is in the outbox, one message after the other."""
        await self.delivery(Pacer(UNHURRIED, burst=UNHURRIED, per_group_minute=UNHURRIED)).flush()

    def delivery(self, pacer: Pacer, seconds: float = 0.0) -> Delivery:
        """Return the exit, with its clocks standing still at the story's moment and at *seconds*."""
        return Delivery(self.tools, self.messenger, pacer, now=lambda: self.now, seconds=lambda: seconds)

    # --- eyes ---

    def sees(self, who: Person | int, text: str = "", *, last: int = 1) -> Shown:
        """Return one of the last messages in a chat that holds *text*, or fail with what is there."""
        chat = self.messenger.chats[who if isinstance(who, int) else who.id]
        for shown in reversed(chat[-last:] if last else chat):
            if text in shown.text:
                return shown
        there = "\n---\n".join(shown.text for shown in chat[-3:])
        raise AssertionError(f"nobody sees {text!r}; the last messages are:\n{there}")

    def texts(self, who: Person | int) -> list[str]:
        """Return the words of all messages in a chat."""
        return [shown.text for shown in self.messenger.chats[who if isinstance(who, int) else who.id]]

    def find_button(self, chat_id: int, label: str) -> tuple[Shown, str]:
        """Return the newest message with a button that shows *label*, and the button's data."""
        for shown in reversed(self.messenger.chats[chat_id]):
            exact = [b for b in shown.buttons if b.label == label and b.data]
            for button in exact or [b for b in shown.buttons if label in b.label and b.data]:
                return shown, str(button.data)
        there = [b.label for shown in self.messenger.chats[chat_id][-4:] for b in shown.buttons]
        raise AssertionError(f"there is no button {label!r}; the last ones are {there}")


def _command(text: str) -> tuple[str | None, str]:
    if not text.startswith("/"):
        return None, ""
    name, _space, arguments = text[1:].partition(" ")
    return name.lower(), arguments.strip()
