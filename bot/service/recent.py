"""What the bot said last in each chat, for a quarter of an hour; kept in memory only, so nothing is stored of strangers."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.conversation import Before

#: After this long, "and for swimming?" is read by itself again.
FRESH = timedelta(minutes=15)
#: One word on a delay is enough for all that waited with it.
EXCUSED = timedelta(minutes=10)

T = TypeVar("T")


class Recent:
    """The last thing said in each of the newest chats. A restart forgets it: a follow-up is then read by itself."""

    def __init__(self, most: int = 5_000) -> None:
        """Remember *most* chats at a time."""
        self._most = most
        self._said: OrderedDict[int, tuple[datetime, Before]] = OrderedDict()
        self._excused: OrderedDict[int, datetime] = OrderedDict()

    def remember(self, chat_id: int, before: Before, now: datetime) -> None:
        """Note what was said in a chat at *now*."""
        self._keep(self._said, chat_id, (now, before))

    def recall(self, chat_id: int, now: datetime) -> Before | None:
        """Return what was said last in a chat, if that is not long ago."""
        said = self._said.get(chat_id)
        if said is None or not timedelta(0) <= now - said[0] <= FRESH:
            return None
        return said[1]

    def forget(self, chat_id: int) -> None:
        """Forget a chat."""
        self._said.pop(chat_id, None)

    def excuse(self, chat_id: int, now: datetime) -> None:
        """Note that a chat was told at *now* why its answers come late."""
        self._keep(self._excused, chat_id, now)

    def excused(self, chat_id: int, now: datetime) -> bool:
        """Tell whether a chat was told, not long ago, why its answers come late."""
        told = self._excused.get(chat_id)
        return told is not None and timedelta(0) <= now - told <= EXCUSED

    def _keep(self, memory: OrderedDict[int, T], chat_id: int, value: T) -> None:
        memory[chat_id] = value
        memory.move_to_end(chat_id)
        while len(memory) > self._most:
            memory.popitem(last=False)
