"""A messenger that records what is sent, and fails on order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from bot.domain.message import Button, Outgoing, plain
from bot.service.ports import Outcome, Sent


@dataclass
class Shown:
    """A message as a person sees it now: its words without markup, its buttons, and how often it was edited."""

    id: int
    outgoing: Outgoing
    edits: int = 0

    @property
    def text(self) -> str:
        """The words a person reads."""
        return plain(self.outgoing.text)

    @property
    def buttons(self) -> list[Button]:
        """All buttons, in reading order."""
        return [button for row in self.outgoing.buttons for button in row]


@dataclass
class RecordingMessenger:
    """Takes every message, gives it an id, and keeps it; `outcomes` holds answers to give instead, in order."""

    chats: dict[int, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    order: list[tuple[int, Outgoing]] = field(default_factory=list)
    outcomes: dict[int, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    last_id: int = 1000
    #: Whether a question without effect is answered, and how often one was put.
    there: bool = True
    questions: int = 0

    async def is_there(self) -> bool:
        """Answer a question, or not."""
        self.questions += 1
        return self.there

    async def send(self, chat_id: int, outgoing: Outgoing, message_id: int | None) -> Outcome:
        """Record one message, or answer as ordered."""
        if self.outcomes[chat_id]:
            answer = self.outcomes[chat_id].pop(0)
            if not isinstance(answer, Sent):
                return answer
        self.order.append((chat_id, outgoing))
        if outgoing.kind == "edit" and message_id is not None:
            shown = next((shown for shown in self.chats[chat_id] if shown.id == message_id), None)
            if shown is not None:
                shown.outgoing = outgoing
                shown.edits += 1
                return Sent(message_id=message_id)
            # As the real one does when the message is gone: the words are sent anew.
        self.last_id += 1
        self.chats[chat_id].append(Shown(id=self.last_id, outgoing=outgoing))
        return Sent(message_id=self.last_id)
