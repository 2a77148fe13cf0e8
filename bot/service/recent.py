"""What the bot said last in each chat, for a quarter of an hour; kept in memory only, so nothing is stored of strangers."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from bot.domain.conversation import Before

#: After this long, "and for swimming?" is read by itself again.
FRESH = timedelta(minutes=15)


class Recent:
    """The last thing said in each of the newest chats. A restart forgets it: a follow-up is then read by itself."""

    def __init__(self, most: int = 5_000) -> None:
        """Remember *most* chats at a time."""
        self._most = most
        self._said: OrderedDict[int, tuple[datetime, Before]] = OrderedDict()

    def remember(self, chat_id: int, before: Before, now: datetime) -> None:
        """Note what was said in a chat at *now*."""
        self._said[chat_id] = (now, before)
        self._said.move_to_end(chat_id)
        while len(self._said) > self._most:
            self._said.popitem(last=False)

    def recall(self, chat_id: int, now: datetime) -> Before | None:
        """Return what was said last in a chat, if that is not long ago."""
        said = self._said.get(chat_id)
        if said is None or not timedelta(0) <= now - said[0] <= FRESH:
            return None
        return said[1]

    def forget(self, chat_id: int) -> None:
        """Forget a chat."""
        self._said.pop(chat_id, None)
