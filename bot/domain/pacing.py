"""Telegram's speed limits, kept by us: so many messages a second for the bot, for one chat, and a minute for a group.

The figures are Telegram's own (core.telegram.org/bots/faq): about 30 messages a second in all, one a second in
a chat (a short burst passes), 20 a minute in a group.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

#: A message without an answer counts as being counted just now, for so many seconds after it left at most.
DOUBT = 3.0
#: How many of the last round trips tell how short a round trip can be.
TRIPS = 1000
#: Fewer than so many, or than leave in a second, tell nothing yet: those over new connections take longer.
FEW = 20
#: The way there of a message may be so many seconds shorter than that of the shortest round trip, whose way back was
#: the shorter one: without that, one of 2,700 messages at 30 a second came too early, and Telegram paused the bot.
UNEVEN = 0.004
#: How many messages that can wait may catch up at once after a delay of ours.
CATCH_UP = 4
#: So many of a group's messages a minute are kept for danger: an alert must not wait until the minute is over.
FOR_DANGER = 4


@dataclass(eq=False, slots=True)
class Ticket:
    """A message that left: when, and how long its round trip took (None: no answer yet)."""

    left: float
    trip: float | None = None

    def latest(self, now: float, shortest: float) -> float:
        """Return the latest moment at which Telegram counted this message, as far as is known at *now*."""
        if self.trip is not None:
            return self.left + max(0.0, self.trip - shortest)
        return max(self.left, min(now, self.left + DOUBT))


class Pacer:
    """Decides when a message may leave. Times are seconds of any clock that never goes back.

    Telegram counts a message when it arrives, which we do not see: it lies between leaving and the answer. So a
    message counts from its leaving plus what its round trip took longer than the shortest one. A network that is
    now slow, now quick, then cannot push 31 messages into one of Telegram's seconds. When a shorter round trip is
    met, what left before counts anew: the first messages over new connections took longer.
    """

    def __init__(self, per_second: int = 30, *, burst: int = 3, per_group_minute: int = 20) -> None:
        """Keep *per_second* for the bot; in a chat *burst* at once, then one a second; in a group so many a minute."""
        self.per_second = per_second
        self.burst = burst
        self.per_group_minute = per_group_minute
        self._slot = (1 + UNEVEN) / per_second
        self._all: deque[Ticket] = deque()
        self._chats: OrderedDict[int, deque[Ticket]] = OrderedDict()
        self._near: set[int] = set()
        self._trips: deque[float] = deque(maxlen=TRIPS)
        self._shortest = 0.0
        self._closed_until = float("-inf")
        self._next_slow = float("-inf")

    # --- may it leave? -----------------------------------------------------------------------------------

    def free_at(self, place: int, now: float, *, slow: bool = False) -> float:
        """Return when the next message but *place* (0: the next one) may leave, as far as the whole bot goes.

        *slow*: one that can wait. Those keep an even distance, so that a reply never waits for more than one of them.
        """
        at = max(now, self._room_at(place, now))
        if slow:
            catch_up = now - CATCH_UP * self._slot
            at = max(at, max(self._next_slow, catch_up) + place * self._slot)
        return at

    def chat_free_at(self, chat_id: int, now: float, *, danger: bool = False) -> float:
        """Return when the next message to one chat may leave, as far as this chat goes.

        *danger* need not wait until a burst is over: it takes what the chat has earned since, one message a second.
        """
        sent = self._chats.get(chat_id)
        if sent is None:
            return now
        self._drop(sent, now - 60 - DOUBT)
        counted = sorted(ticket.latest(now, self._shortest) for ticket in sent)
        at = now
        if danger:
            at = max(at, self._earned_at(counted))
        elif len(counted) >= self.burst:
            at = max(at, counted[-self.burst] + self.burst)
        a_minute = self.per_group_minute - (0 if danger else min(FOR_DANGER, self.per_group_minute // 2))
        if chat_id < 0 and len(counted) >= a_minute:
            at = max(at, counted[-a_minute] + 60)
        return at

    def full_chats(self, now: float) -> dict[int, float]:
        """Return the chats that have had what they may get, with the moment at which each may get more."""
        full = {chat_id: self.chat_free_at(chat_id, now) for chat_id in self._near}
        full = {chat_id: at for chat_id, at in full.items() if at > now}
        self._near = set(full)
        return full

    def shut_chats(self, now: float) -> dict[int, float]:
        """Return the chats that must not get more even if there is danger (Telegram would silence the whole bot), and until when."""
        shut = {chat_id: self.chat_free_at(chat_id, now, danger=True) for chat_id in self._near}
        return {chat_id: at for chat_id, at in shut.items() if at > now}

    # --- what happened -----------------------------------------------------------------------------------

    def left(self, chat_id: int, now: float, *, slow: bool = False) -> Ticket:
        """Note that a message leaves at *now* (which may lie a little ahead); give the ticket to `landed`."""
        if slow:  # what Telegram's limit held up is not caught up with: that would only heap messages up
            even = max(self._next_slow, self._room_at(0, now), now - CATCH_UP * self._slot)
            self._next_slow = even + self._slot
        ticket = Ticket(left=now)
        self._all.append(ticket)
        chat = self._chats.setdefault(chat_id, deque())
        chat.append(ticket)
        self._chats.move_to_end(chat_id)
        if len(chat) >= self.burst:
            self._near.add(chat_id)
        self._forget_quiet_chats(now)
        return ticket

    def remember(self, chat_id: int, at: float) -> None:
        """Note a message that left before this pacer began, at *at*: an earlier process sent it."""
        self.left(chat_id, at).trip = 0.0

    def landed(self, ticket: Ticket, now: float, *, answered: bool = True) -> None:
        """Note that a message is under way no more. *answered*: by Telegram, so it tells how long a round trip takes."""
        ticket.trip = max(0.0, now - ticket.left)
        if answered:
            self._trips.append(ticket.trip)
            self._shortest = min(self._trips)

    def pause(self, seconds: float, now: float) -> None:
        """Send nothing for *seconds*: Telegram asked for it (429, retry_after)."""
        self._closed_until = max(self._closed_until, now + seconds)

    def is_paused(self, now: float) -> bool:
        """Tell whether nothing may leave because of a pause."""
        return now < self._closed_until

    # --- the books ---------------------------------------------------------------------------------------

    def _room_at(self, place: int, now: float) -> float:
        """Return from when on (it may be past) the bot's limits have room for the next message but *place*."""
        self._drop(self._all, now - 1 - DOUBT)
        sure = max(0.0, self._shortest - UNEVEN) if len(self._trips) >= min(FEW, self.per_second) else 0.0
        counted = sorted(ticket.latest(now, sure) for ticket in self._all)
        over = len(counted) + place - self.per_second
        if over < 0:
            return self._closed_until
        return max(self._closed_until, counted[over] + 1 if over < len(counted) else now + 1)

    def _earned_at(self, counted: list[float]) -> float:
        """Return when a chat that saves up to *burst* messages and earns one a second has earned the next."""
        owed_until = float("-inf")
        for moment in counted:
            owed_until = max(owed_until, moment) + 1
        return owed_until - (self.burst - 1)

    def _forget_quiet_chats(self, now: float) -> None:
        while not (longest := next(iter(self._chats.values()))) or longest[-1].left <= now - 60 - DOUBT:
            self._chats.popitem(last=False)

    @staticmethod
    def _drop(tickets: deque[Ticket], before: float) -> None:
        while tickets and tickets[0].left <= before:
            tickets.popleft()
