"""Delivering: the outbox's messages leave here, paced, in order, each sent once, recorded, or sorted when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.domain.pacing import Pacer
from bot.service import outcome
from bot.service.line_state import LineState
from bot.service.parcel import Parcel, unpack
from bot.service.ports import Messenger, Outcome, Sent, Tools, TryLater, Unknown
from bot.service.rest import rest
from bot.storage import claims, outbox
from bot.storage.claims import ALL, Claim
from bot.storage.database import Session
from bot.storage.lease import LeaseLost

log = logging.getLogger(__name__)

#: How long a claimed message belongs to the process that claimed it.
LEASE = timedelta(seconds=60)
#: How many messages are on their way at once: the edge's connections, less some for its questions to Telegram.
AT_ONCE = 28
#: How many are claimed in one step. If the process dies, what was claimed may have left, and is repeated only once: the
#: fewer wait for their turn then, the fewer are given up although they never left (tests/journeys/test_kills.py).
AT_A_TIME = 4
#: How many repeats are on their way at once: each has its last chance, which it loses if the process dies now.
AT_RISK = 3
#: A message is claimed this many seconds before it may leave, so that the pace does not wait for the database.
LEAD = 0.01
#: A step that comes within so many seconds records what has been answered until then: half as many transactions.
SOON = 0.05
#: How long a stop waits for the answers that are still to come, in seconds.
DRAIN = 4.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of delivery did; *wait*: in how many seconds the next makes sense, unless something happens (None)."""

    started: int
    recorded: int
    wait: float | None


@dataclass(frozen=True, kw_only=True)
class _Room:
    """How much may leave now: in all, of what can wait, of what is in doubt; what is on its way.

    cautious: a repeat may be lost, so the one that matters least goes. full: chats that get nothing but danger. shut:
    those that do not get that, either.
    """

    limit: int
    slow: int
    repeats: int
    cautious: bool
    full: frozenset[int]
    shut: frozenset[int]
    busy: tuple[Parcel, ...]


class Delivery:
    """The single exit at work. Answers that came are recorded in the transaction that claims the next messages.

    Up to `AT_ONCE` messages are on their way at a time, one for each chat, so a slow answer holds up its own chat
    only. A crash between "sent" and "recorded" repeats a message once: Telegram has no key that would tell it that
    it has it already.
    """

    def __init__(
        self,
        tools: Tools,
        messenger: Messenger,
        pacer: Pacer,
        *,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
        on_duty: Callable[[Session], None] = lambda session: None,
    ) -> None:
        """Prepare; nothing is sent yet.

        now: the moment that is recorded, aware UTC. seconds: the pacer's clock. on_duty: raises, in the transaction
        of a claim, if another process has taken over.
        """
        self._tools = tools
        self._messenger = messenger
        self._pacer = pacer
        self._now = now
        self._seconds = seconds
        self._on_duty = on_duty
        self._on_their_way: dict[int, tuple[Parcel, asyncio.Task[None]]] = {}
        self._answered: list[tuple[Parcel, Outcome]] = []
        self._landed = asyncio.Event()
        self._line = LineState(self._jitter)
        self._question: asyncio.Task[None] | None = None
        self._unsure = False

    async def begin(self) -> None:
        """Take over from the process before: its unrecorded messages go once more, and its pace is remembered."""
        now, database = self._now(), self._tools.database
        await database.run(outcome.recover, self._tools, now)
        for chat_id, at in await database.run(outbox.sent_since, now - timedelta(minutes=1)):
            # A moment that is still to come (the clock was set back since) must not silence the bot until then.
            self._pacer.remember(chat_id, self._seconds() - max(0.0, (now - at).total_seconds()))

    async def step(self) -> Step:
        """Record what was answered, claim what may leave now, and send it on its way. May be called at any time.

        Whatever the database raises is passed on; then nothing is lost, and the next step does what this one did not.
        """
        answered, self._answered = self._answered, []
        self._landed.clear()
        now, seconds = self._now(), self._seconds()
        busy = tuple(parcel for parcel, _task in self._on_their_way.values())
        repeats = self._line.repeats()
        limit = min(AT_A_TIME, AT_ONCE - len(busy))
        room = _Room(
            limit=self._count(seconds, limit, slow=False),
            slow=self._count(seconds, limit, slow=True),
            repeats=min(repeats, AT_RISK - sum(parcel.is_repeat for parcel in busy)),
            cautious=repeats < ALL,
            full=frozenset(self._pacer.full_chats(seconds)),
            shut=frozenset(self._pacer.shut_chats(seconds)),
            busy=busy,
        )
        try:
            claim, parcels = await self._tools.database.run(self._exchange, answered, now, room)
        except BaseException:
            self._answered = answered + self._answered
            self._unsure = True
            raise
        self._unsure = False
        for parcel in parcels:
            self._start(parcel)
        if claim.in_doubt:
            self._ask()
        return Step(started=len(parcels), recorded=len(answered), wait=self._wait(claim, now))

    async def rest(self, seconds: float, woken: asyncio.Event) -> None:
        """Wait until an answer has come, *woken* is set, or *seconds* are over; answers wait for a step that is near."""
        await rest(seconds, woken, *([] if seconds <= SOON else [self._landed]))

    async def flush(self) -> int:
        """Send all that may leave now, wait for every answer, and return how many messages were tried."""
        total = 0
        while True:
            step = await self.step()
            total += step.started
            under_way = self._under_way()
            if not step.started and not under_way and not self._answered:
                return total
            await asyncio.gather(*under_way)

    async def end(self) -> None:
        """Send nothing more; wait a little for the answers that are still to come, and record them all.

        A message without an answer by then may have arrived: the next start repeats it, once.
        """
        if self._question is not None:
            self._question.cancel()
        tasks = self._under_way()
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        answered, self._answered = self._answered, []
        await self._tools.database.run(self._close, answered, self._now())

    def _under_way(self) -> list[asyncio.Task[None]]:
        """Return what is on its way: messages, and a question."""
        tasks = [task for _parcel, task in self._on_their_way.values()]
        return tasks if self._question is None else [*tasks, self._question]

    # --- pace, and the line ------------------------------------------------------------------------------

    def _count(self, seconds: float, limit: int, *, slow: bool) -> int:
        """Return how many messages may leave now, or so soon that they can be claimed."""
        horizon = seconds + LEAD
        return next(
            (place for place in range(limit) if self._pacer.free_at(place, seconds, slow=slow) > horizon),
            limit,
        )

    def _wait(self, claim: Claim, now: datetime) -> float | None:
        seconds = self._seconds()
        full, shut = self._pacer.full_chats(seconds), self._pacer.shut_chats(seconds)
        waits = [at - seconds for at in (*full.values(), *shut.values())]
        if claim.waiting is not None and len(self._on_their_way) < AT_ONCE:
            free = self._pacer.free_at(0, seconds, slow=claim.waiting >= Priority.CHECK_IN)
            waits.append(free - seconds - LEAD)
        if claim.next_try is not None:
            waits.append((claim.next_try - now).total_seconds())
        if claim.in_doubt and (at := self._ask_at(seconds)) is not None:
            waits.append(at - seconds)
        return max(0.001, min(waits)) if waits else None

    def _ask_at(self, seconds: float) -> float | None:
        """Return when to ask whether Telegram answers: a message in doubt waits for that; None: there is no need."""
        at = self._line.ask_at()
        if at is None or not self._pacer.is_paused(seconds):
            return at
        return max(at, self._pacer.free_at(0, seconds))

    def _ask(self) -> None:
        """Ask whether Telegram answers, beside all else, if it is time to."""
        seconds = self._seconds()
        at = self._ask_at(seconds)
        if at is None or at > seconds:
            return

        async def ask() -> None:
            try:
                is_there = await self._messenger.is_there()
            except Exception:  # a question must not stop the messages
                log.exception("Telegram could not be asked.", extra={"action": "outbox"})
                is_there = False
            self._line.asked(self._seconds(), is_there=is_there)
            self._question = None
            self._landed.set()

        self._line.asks()
        self._question = asyncio.create_task(ask())

    def _start(self, parcel: Parcel) -> None:
        seconds = self._seconds()
        at = max(seconds, self._pacer.free_at(0, seconds, slow=parcel.slow))
        if self._pacer.is_paused(seconds):
            # Telegram asked for a pause while this was being claimed: back in line, so that afterwards the best goes first.
            self._answered.append((parcel, TryLater(reason="a pause began", everyone=True)))
            return
        if parcel.is_repeat:
            if not self._line.repeats():
                self._answered.append((parcel, TryLater(reason="an answer was lost", everyone=True)))
                return
            self._line.repeated(parcel.id)
        ticket = self._pacer.left(parcel.chat_id, at, slow=parcel.slow)

        async def send() -> None:
            outcome: Outcome = TryLater(reason="the bot was stopped", after=timedelta(0))
            try:
                if at > seconds:
                    await asyncio.sleep(at - seconds)
                outcome = Unknown(reason="the bot was stopped before an answer came")
                outcome = await self._messenger.send(parcel.chat_id, parcel.outgoing, parcel.target)
            finally:
                answered = not isinstance(outcome, (TryLater, Unknown))
                self._pacer.landed(ticket, self._seconds(), answered=answered)
                self._hear(parcel, outcome, at)
                self._answered.append((parcel, outcome))
                del self._on_their_way[parcel.id]
                self._landed.set()

        self._on_their_way[parcel.id] = parcel, asyncio.create_task(send())

    def _hear(self, parcel: Parcel, outcome: Outcome, left: float) -> None:
        seconds = self._seconds()
        pause = self._line.heard(
            parcel.id,
            outcome,
            seconds,
            left=left,
            is_paused=self._pacer.is_paused(seconds),
            is_edit=parcel.outgoing.kind == "edit",
        )
        if pause > 0:
            self._pacer.pause(pause, seconds)

    def _jitter(self, seconds: float) -> float:
        """Return *seconds*, a quarter more or less, so that not everybody comes back at once."""
        return seconds * (0.75 + self._tools.random_bits(8) / 512)

    # --- in the database's thread ------------------------------------------------------------------------

    def _exchange(
        self,
        session: Session,
        answered: Sequence[tuple[Parcel, Outcome]],
        now: datetime,
        room: _Room,
    ) -> tuple[Claim, list[Parcel]]:
        self._on_duty(session)
        if self._unsure:
            claims.give_back_strays(session, _tries([*room.busy, *(parcel for parcel, _outcome in answered)]))
        outcome.record_all(session, self._tools, answered, now, jitter=self._jitter)
        claim = claims.claim(
            session,
            now,
            LEASE,
            room.limit,
            slow=room.slow,
            full=room.full,
            shut=room.shut,
            busy=[parcel.chat_id for parcel in room.busy],
            sending=[parcel.id for parcel in room.busy],
            repeats=room.repeats,
            cautious=room.cautious,
        )
        outcome.lapsed(session, self._tools, claim.lapsed, now, jitter=self._jitter)
        return claim, [parcel for row in claim.rows if (parcel := unpack(session, row)) is not None]

    def _close(self, session: Session, answered: Sequence[tuple[Parcel, Outcome]], now: datetime) -> None:
        """Record the last answers; what was claimed and never left is in line again.

        If another process has taken over, what is on its way is its: only what arrived is told, lest it be repeated.
        """
        try:
            self._on_duty(session)
        except LeaseLost:
            answered = [(parcel, outcome) for parcel, outcome in answered if isinstance(outcome, Sent)]
        else:
            if self._unsure:
                claims.give_back_strays(session, _tries([parcel for parcel, _outcome in answered]))
        outcome.record_all(session, self._tools, answered, now, jitter=self._jitter)


def _tries(parcels: Sequence[Parcel]) -> set[tuple[int, int]]:
    """Return which tries these are, as the database knows them: id and attempts."""
    return {(parcel.id, parcel.attempt) for parcel in parcels}
