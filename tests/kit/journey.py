"""Journeys: people with phones in the sandbox, the real bot over HTTP."""

from __future__ import annotations

from bot.demo import Stage, staff_group
from bot.sandbox.model import Chat, Message, Person


class Journey:
    """The people of a journey; every step waits until the bot has done what follows from it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sandbox = stage.sandbox
        people = {person.first_name.split()[0]: person for person in stage.sandbox.world.people.values()}
        self.ana, self.ben = people["Ana"], people["Ben"]
        self.mei, self.raj = people["Mei"], people["Raj"]
        self.group: Chat = staff_group(stage)

    async def says(
        self, person: Person, text: str, chat: Chat | None = None, reply_to: Message | None = None
    ) -> None:
        """Let a person write."""
        self.sandbox.says(person, text, chat=chat, reply_to=reply_to)
        await self.stage.settle()

    async def taps(self, person: Person, label: str, chat: Chat | None = None) -> Message:
        """Let a person tap the newest button that shows *label*."""
        where = chat or self.sandbox.chat(person)
        for message in reversed(where.messages):
            for row in message.rows:
                for button in row:
                    if label in button["text"] and "callback_data" in button:
                        self.sandbox.presses_data(person, message, button["callback_data"])
                        await self.stage.settle()
                        return message
        raise AssertionError(f"there is no button {label!r} in {where.name}; last: {self.words(where)[-2:]}")

    async def registers(self, label: str = "A1023", region: str = "Lower back") -> str:
        """Register a treatment with buttons, and return the code of the link."""
        await self.says(self.mei, f"/treated {label}", self.group)
        for button in ("Just now", region, "Next", "advised"):
            await self.taps(self.mei, button, self.group)
        link = next(m.text for m in reversed(self.group.messages) if "?start=" in m.text)
        return link.partition("?start=")[2].split()[0]

    async def enrols(self, person: Person, label: str = "A1023", region: str = "Lower back") -> None:
        """Register a treatment, let the patient open the link and agree."""
        code = await self.registers(label, region)
        self.sandbox.opens_link(person, code)
        await self.stage.settle()
        await self.taps(person, "Yes, I agree")

    def words(self, who: Person | Chat) -> list[str]:
        """Return what the bot said in a chat, oldest first."""
        return [message.text for message in self.sandbox.chat(who).messages if message.by_bot]
