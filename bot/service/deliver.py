"""Delivering: the outbox's messages leave here, paced, in order, each sent once, recorded, or sorted when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.message import Outgoing, Priority
from bot.domain.pacing import Pacer
from bot.service.outcome import record, recover
from bot.service.ports import Messenger, Outcome, Sent, Tools, TryLater, Unknown
from bot.service.rest import rest
from bot.storage import claims, outbox
from bot.storage.claims import Claimed
from bot.storage.database import DatabaseAway, Session
from bot.storage.lease import LeaseLost
from bot.storage.outbox import OutboxState

log = logging.getLogger(__name__)

#: How long a claimed message belongs to the process that claimed it.
LEASE = timedelta(seconds=60)
#: How many messages are on their way at once: the edge's connections, less some for its questions to Telegram.
AT_ONCE = 28
#: How many are claimed in one step. If the process dies, what was claimed may have left, and is repeated only once: the
#: fewer wait for their turn then, the fewer are given up although they never left (tests/journeys/test_kills.py).
AT_A_TIME = 4
#: Pauses of the whole exit, in seconds, while Telegram cannot be reached at all.
OUTAGE_PAUSES = (0.5, 1, 2, 5, 15)
#: So many failures in a row, of any kind that passes, are an outage.
OUTAGE = 5
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
class _Parcel:
    """A claimed message, out of the database: what is sent does not need a transaction."""

    id: int
    #: Which try this is: 1, 2, …
    attempt: int
    chat_id: int
    outgoing: Outgoing
    target: int | None
    slow: bool
    purpose: str | None
    #: Whether something follows from its arrival: staff are told.
    has_receipt: bool


@dataclass(frozen=True, kw_only=True)
class _Room:
    """How much may leave now: in all, and of what can wait; the chats that are full; what is on its way."""

    limit: int
    slow: int
    full: frozenset[int]
    busy: tuple[_Parcel, ...]


@dataclass(frozen=True, kw_only=True)
class _Exchange:
    """What one transaction brought: messages to send, and what is left to wait for."""

    parcels: list[_Parcel]
    waiting: Priority | None
    next_try: datetime | None


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
        self._on_their_way: dict[int, tuple[_Parcel, asyncio.Task[None]]] = {}
        self._answered: list[tuple[_Parcel, Outcome]] = []
        self._landed = asyncio.Event()
        self._failures = 0
        self._outages = 0
        self._unsure = False

    async def begin(self) -> None:
        """Take over from the process before: its unrecorded messages go once more, and its pace is remembered."""
        now, database = self._now(), self._tools.database
        await database.run(recover, self._tools, now)
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
        limit = min(AT_A_TIME, AT_ONCE - len(self._on_their_way))
        room = _Room(
            limit=self._count(seconds, limit, slow=False),
            slow=self._count(seconds, limit, slow=True),
            full=frozenset(self._pacer.full_chats(seconds)),
            busy=tuple(parcel for parcel, _task in self._on_their_way.values()),
        )
        try:
            got = await self._tools.database.run(self._exchange, answered, now, room)
        except BaseException:
            self._answered = answered + self._answered
            self._unsure = True
            raise
        self._unsure = False
        for parcel in got.parcels:
            self._start(parcel)
        return Step(started=len(got.parcels), recorded=len(answered), wait=self._wait(got, now))

    async def rest(self, seconds: float, woken: asyncio.Event) -> None:
        """Wait until an answer has come, *woken* is set, or *seconds* are over; answers wait for a step that is near."""
        await rest(seconds, woken, *([] if seconds <= SOON else [self._landed]))

    async def flush(self) -> int:
        """Send all that may leave now, wait for every answer, and return how many messages were tried."""
        total = 0
        while True:
            step = await self.step()
            total += step.started
            if not step.started and not self._on_their_way and not self._answered:
                return total
            await asyncio.gather(*(task for _parcel, task in self._on_their_way.values()))

    async def end(self) -> None:
        """Send nothing more; wait a little for the answers that are still to come, and record them all.

        A message without an answer by then may have arrived: the next start repeats it, once.
        """
        tasks = [task for _parcel, task in self._on_their_way.values()]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        answered, self._answered = self._answered, []
        await self._tools.database.run(self._close, answered, self._now())

    # --- pace --------------------------------------------------------------------------------------------

    def _count(self, seconds: float, limit: int, *, slow: bool) -> int:
        """Return how many messages may leave now, or so soon that they can be claimed."""
        horizon = seconds + LEAD
        return next(
            (place for place in range(limit) if self._pacer.free_at(place, seconds, slow=slow) > horizon),
            limit,
        )

    def _wait(self, got: _Exchange, now: datetime) -> float | None:
        seconds = self._seconds()
        waits = [at - seconds for at in self._pacer.full_chats(seconds).values()]
        if got.waiting is not None and len(self._on_their_way) < AT_ONCE:
            free = self._pacer.free_at(0, seconds, slow=got.waiting >= Priority.CHECK_IN)
            waits.append(free - seconds - LEAD)
        if got.next_try is not None:
            waits.append((got.next_try - now).total_seconds())
        return max(0.001, min(waits)) if waits else None

    def _start(self, parcel: _Parcel) -> None:
        seconds = self._seconds()
        at = max(seconds, self._pacer.free_at(0, seconds, slow=parcel.slow))
        if self._pacer.is_paused(seconds):
            # Telegram asked for a pause while this was being claimed: back in line, so that afterwards the best goes first.
            self._answered.append((parcel, TryLater(reason="a pause began", everyone=True)))
            return
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
                self._sort(outcome)
                self._answered.append((parcel, outcome))
                del self._on_their_way[parcel.id]
                self._landed.set()

        self._on_their_way[parcel.id] = parcel, asyncio.create_task(send())

    def _sort(self, outcome: Outcome) -> None:
        """Let everybody wait when Telegram asks for it, or when it cannot be reached at all."""
        if not isinstance(outcome, (TryLater, Unknown)):
            self._failures = self._outages = 0
            return
        seconds = self._seconds()
        everyone = isinstance(outcome, TryLater) and outcome.everyone
        if isinstance(outcome, TryLater) and everyone and outcome.after is not None:
            self._pacer.pause(outcome.after.total_seconds(), seconds)
            return
        self._failures += 1
        if (everyone or self._failures >= OUTAGE) and not self._pacer.is_paused(seconds):
            pause = OUTAGE_PAUSES[min(self._outages, len(OUTAGE_PAUSES) - 1)]
            self._outages += 1
            self._pacer.pause(self._jitter(pause), seconds)
            log.warning(
                "Telegram cannot be reached; a pause of about %s s.", pause, extra={"action": "outbox"}
            )

    def _jitter(self, seconds: float) -> float:
        """Return *seconds*, a quarter more or less, so that not everybody comes back at once."""
        return seconds * (0.75 + self._tools.random_bits(8) / 512)

    # --- in the database's thread ------------------------------------------------------------------------

    def _exchange(
        self,
        session: Session,
        answered: Sequence[tuple[_Parcel, Outcome]],
        now: datetime,
        room: _Room,
    ) -> _Exchange:
        self._on_duty(session)
        if self._unsure:
            claims.give_back_strays(session, _tries([*room.busy, *(parcel for parcel, _outcome in answered)]))
        self._record_all(session, answered, now)
        claim = claims.claim(
            session,
            now,
            LEASE,
            room.limit,
            slow=room.slow,
            full=room.full,
            busy=[parcel.chat_id for parcel in room.busy],
        )
        return _Exchange(
            parcels=[parcel for row in claim.rows if (parcel := _parcel(session, row)) is not None],
            waiting=claim.waiting,
            next_try=claim.next_try,
        )

    def _close(self, session: Session, answered: Sequence[tuple[_Parcel, Outcome]], now: datetime) -> None:
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
        self._record_all(session, answered, now)

    def _record_all(
        self, session: Session, answered: Sequence[tuple[_Parcel, Outcome]], now: datetime
    ) -> None:
        """Record what became of each message; one that cannot be recorded (a fault of ours) stops no other."""
        arrived: dict[str | None, dict[int, int]] = {}
        for parcel, outcome in answered:
            if isinstance(outcome, Sent) and not parcel.has_receipt:
                arrived.setdefault(parcel.purpose, {})[parcel.id] = outcome.message_id
                continue
            try:
                with session.begin_nested():
                    record(session, self._tools, parcel.id, outcome, now, jitter=self._jitter)
            except DatabaseAway:
                raise
            except Exception as error:
                log.exception("What follows from an answer could not be done.", extra={"action": "outbox"})
                if isinstance(outcome, Sent):
                    outbox.sent(session, parcel.id, outcome.message_id, now)
                else:
                    outbox.end(session, parcel.id, OutboxState.REFUSED, type(error).__name__)
        for purpose, messages in arrived.items():
            outbox.sent_all(session, messages, purpose, now)


def _tries(parcels: Sequence[_Parcel]) -> set[tuple[int, int]]:
    """Return which tries these are, as the database knows them: id and attempts."""
    return {(parcel.id, parcel.attempt) for parcel in parcels}


def _parcel(session: Session, row: Claimed) -> _Parcel | None:
    payload = row.payload or {}
    try:
        outgoing = Outgoing.from_dict(payload)
    except (AttributeError, TypeError, ValueError) as error:
        outbox.end(session, row.id, OutboxState.REFUSED, f"unreadable: {type(error).__name__}")
        return None
    target = outgoing.message_id
    if outgoing.kind == "edit" and target is None and outgoing.slot is not None:
        target = outbox.message_in_slot(session, row.chat_id, outgoing.slot)
    return _Parcel(
        id=row.id,
        attempt=row.attempts,
        chat_id=row.chat_id,
        outgoing=outgoing,
        target=target,
        slow=row.priority >= Priority.CHECK_IN,
        purpose=row.purpose,
        has_receipt="receipt" in payload,
    )
