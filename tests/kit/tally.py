"""The tally: what the bot owes to whom, what arrived and how often, and what was on its way when it died."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from bot.domain.message import Priority
from bot.domain.patient import CheckInState
from bot.sandbox.record import Entry
from bot.sandbox.sandbox import Sandbox
from bot.storage.inbox import InboxState
from bot.storage.outbox import OPEN, OutboxState
from bot.storage.tables import CheckIn, InboxRow, OutboxRow

#: A line that breaks may break what was just before, or is just after.
MARGIN = timedelta(seconds=0.2)
#: How long a message may take from the outbox to Telegram, and messages that were claimed together apart.
MOMENT = timedelta(seconds=0.3)
#: What has a pace of its own: 20 messages a minute in a group.
UNHURRIED = ("receipts",)
#: What a message is sent with, for it to be counted.
_SENDING = ("sendMessage", "copyMessage", "sendPhoto", "sendDocument")


@dataclass(frozen=True, kw_only=True)
class Due:
    """A message that the bot owes a chat, and how it is told from all others there.

    words: all of them stand in it. reply_to: the message it answers. since: when it fell due; nothing may come sooner.
    about: what was asked, say, for those who read the report.
    """

    kind: str
    chat: int
    since: datetime
    words: tuple[str, ...] = ()
    reply_to: int | None = None
    about: str = ""

    def is_it(self, text: str, reply_to: int | None) -> bool:
        """Tell whether this is the message, by its HTML and what it answers."""
        return (self.reply_to is None or self.reply_to == reply_to) and all(
            word in text for word in self.words
        )


@dataclass(frozen=True, kw_only=True)
class Flight:
    """A message of which nobody knows whether it arrived: on its way when a process died, or given up in doubt."""

    chat: int
    text: str
    reply_to: int | None


@dataclass(kw_only=True)
class Kind:
    """How it went with one kind of message."""

    due: int = 0
    lost: list[Due] = field(default_factory=list)
    #: Never came: it was on its way at two deaths, and is not sent a third time.
    given_up: list[Due] = field(default_factory=list)
    #: Came once more, as is allowed: it was on its way at a death, or its answer was dropped.
    doubled: list[Due] = field(default_factory=list)
    #: Came more often than is allowed.
    wrong: list[Due] = field(default_factory=list)
    early: list[Due] = field(default_factory=list)
    latest: timedelta = timedelta(0)


class Tally:
    """Counts. Everything owed is written down with `owe`; `taken_down` is called at each death."""

    def __init__(self, sandbox: Sandbox, database_url: str) -> None:
        self._sandbox = sandbox
        self._url = database_url
        self.owed: list[Due] = []
        self.flights: list[Flight] = []
        self.troubles: list[tuple[datetime, datetime]] = []
        self.deaths = 0

    def owe(
        self,
        kind: str,
        chat: int,
        *words: str,
        reply_to: int | None = None,
        since: datetime | None = None,
        about: str = "",
    ) -> None:
        """Write down a message that is due from now on, or from *since*."""
        since = since or self._sandbox.clock.now()
        self.owed.append(Due(kind=kind, chat=chat, words=words, reply_to=reply_to, since=since, about=about))

    # --- doubts ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def trouble(self) -> Iterator[None]:
        """Note that lines break while the block runs: what Telegram takes then may come once more."""
        begin = self._sandbox.clock.now()
        yield
        self.troubles.append((begin - MARGIN, self._sandbox.clock.now() + MARGIN))

    def _in_trouble(self, entry: Entry) -> bool:
        return not entry.told or any(begin <= entry.at <= end for begin, end in self.troubles)

    # --- deaths ------------------------------------------------------------------------------------------

    def note_death(self) -> None:
        """Write down what was on its way; to be called when a process has just died, before the next one starts."""
        self.deaths += 1
        with tempfile.TemporaryDirectory() as folder, _reading(self._copy(Path(folder))) as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.state == OutboxState.SENDING)).all()
            self.flights += [_flight(row) for row in rows]

    def _copy(self, folder: Path) -> str:
        """Copy SQLite's files, so that the next process, and not this one, has to repair them; return the URL."""
        kind, _, path = self._url.partition("///")
        if not kind.startswith("sqlite"):
            return self._url
        for file in (Path(path), Path(f"{path}-wal")):
            if file.exists():
                shutil.copy(file, folder / file.name)
        return f"sqlite:///{folder / Path(path).name}"

    # --- rest --------------------------------------------------------------------------------------------

    def is_at_rest(self) -> str:
        """Return what the bot still has to do, in words; empty: nothing. For a database that is in use."""
        waiting = self._sandbox.world.updates.waiting()
        if waiting:
            return f"{len(waiting)} updates wait at Telegram"
        now = self._sandbox.clock.now()
        with _reading(self._url) as session:
            left = {
                "updates wait in the inbox": _count(session, InboxRow.state == InboxState.WAITING),
                "messages are in the outbox": _count(session, OutboxRow.state.in_(OPEN)),
                "check-ins are due": _count(
                    session, CheckIn.state == CheckInState.SCHEDULED, CheckIn.due_at <= now
                ),
            }
        return ", ".join(f"{number} {what}" for what, number in left.items() if number)

    def unknown(self) -> dict[int, list[Flight]]:
        """Return the messages that were given up, by chat: nobody knows whether they arrived."""
        found: dict[int, list[Flight]] = defaultdict(list)
        with _reading(self._url) as session:
            for row in session.scalars(select(OutboxRow).where(OutboxRow.state == OutboxState.UNKNOWN)):
                found[row.chat_id].append(_flight(row))
        return found

    def given_up(self) -> set[int]:
        """Return the chats in which a message was given up."""
        return set(self.unknown())

    def acknowledged_in_vain(self) -> list[int]:
        """Return the updates of which Telegram was told that they arrived, although they are not stored; none may be."""
        updates = self._sandbox.world.updates
        acknowledged = set(updates.given) - {update.id for update in updates.waiting()}
        with _reading(self._url) as session:
            return sorted(acknowledged - set(session.scalars(select(InboxRow.update_id))))

    # --- the count ---------------------------------------------------------------------------------------

    def count(self) -> dict[str, Kind]:
        """Compare what was owed with what arrived."""
        calls = self._sandbox.calls()
        assert not calls or calls[0].number == 1, "the emulator's record has forgotten calls"
        arrived: dict[int, list[Entry]] = defaultdict(list)
        for entry in calls:
            if entry.method in _SENDING and entry.outcome == 200:
                arrived[int(entry.params["chat_id"])].append(entry)
        flights: dict[int, list[Flight]] = defaultdict(list)
        for flight in self.flights:
            flights[flight.chat].append(flight)
        kinds: dict[str, Kind] = defaultdict(Kind)
        for due in self.owed:
            kind = kinds[due.kind]
            kind.due += 1
            came = [e for e in arrived[due.chat] if due.is_it(str(e.params.get("text", "")), _answered(e))]
            doubts = sum(due.is_it(flight.text, flight.reply_to) for flight in flights[due.chat])
            doubts += sum(self._in_trouble(entry) for entry in came)
            if not came:
                (kind.given_up if doubts > 1 else kind.lost).append(due)
                continue
            if len(came) > 1:
                (kind.doubled if len(came) == 2 and doubts else kind.wrong).append(due)
            if came[0].at < due.since:
                kind.early.append(due)
            kind.latest = max(kind.latest, came[0].at - due.since)
        return kinds

    def overtaken(self, slow: str) -> list[str]:
        """Return the answers to patients that stood in the outbox, and still did when a message of *slow* left."""
        with _reading(self._url) as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.priority == Priority.REPLY)).all()
            since = {(row.chat_id, (row.payload or {}).get("reply_to")): row.created_at for row in rows}
        # A chat has a pace of its own: only those count that got a single answer.
        answered = Counter(chat for chat, reply_to in since if reply_to is not None)
        since = {place: at for place, at in since.items() if answered[place[0]] == 1 and place[1] is not None}
        calls = [entry for entry in self._sandbox.calls() if entry.method == "sendMessage"]
        answers = [(since[_place(entry)], entry.at) for entry in calls if _place(entry) in since]
        waiting = {due.chat: due for due in self.owed if due.kind == slow}
        left = [
            entry.at
            for entry in calls
            if (due := waiting.get(int(entry.params["chat_id"])))
            and due.is_it(entry.params["text"], _answered(entry))
        ]
        # What is claimed at the same time leaves within a moment, in any order.
        return [
            f"{begin:%X.%f}: left at {end:%X.%f}"
            for begin, end in answers
            if any(begin + MOMENT < at < end - MOMENT for at in left)
        ]

    def report(self) -> str:
        """Return the count in words, a line for each kind of message; and what the database says."""
        lines = [f"{self.deaths} deaths, {len(self.flights)} messages on their way then"]
        with _reading(self._url) as session:
            states = Counter(session.scalars(select(InboxRow.state)))
            given = self._sandbox.world.updates.given
            stored = set(session.scalars(select(InboxRow.update_id)))
            lost = [number for number in given if number not in stored]
            lines.append(
                f"updates: {len(given)}, {len(lost)} lost, {states[InboxState.WAITING]} still waiting, "
                f"{states[InboxState.PARKED]} parked"
            )
        for name, kind in self.count().items():
            lines.append(
                f"{name}: {kind.due}, {len(kind.lost)} lost, {len(kind.given_up)} given up after two doubts, "
                f"{len(kind.doubled)} doubled, "
                f"{len(kind.wrong)} too often, {len(kind.early)} early, at most {kind.latest.total_seconds():.1f} s late"
            )
        return "\n".join(f"  {line}" for line in lines)

    def faults(self, *, most_late: float | None = None, most_unknown: int = 0) -> list[str]:
        """Return what went wrong, each in a line; none: all promises were kept.

        most_late: seconds for anything. most_unknown: how many messages may be missing because both answers were lost.
        """
        found = []
        unknown = self.unknown()
        for name, kind in self.count().items():
            for due in kind.lost:
                if most_unknown and any(
                    due.is_it(flight.text, flight.reply_to) for flight in unknown[due.chat]
                ):
                    most_unknown -= 1
                else:
                    found.append(f"lost: {due}")
            found += [f"too often: {due}" for due in kind.wrong]
            found += [f"early: {due}" for due in kind.early]
            if name not in UNHURRIED and most_late is not None and kind.latest.total_seconds() > most_late:
                found.append(f"{name}: {kind.latest.total_seconds():.1f} s late")
        given = self._sandbox.world.updates.given
        with _reading(self._url) as session:
            stored = {row[0]: row[1] for row in session.execute(select(InboxRow.update_id, InboxRow.state))}
            found += [f"update {number} was never stored" for number in given if number not in stored]
            found += [
                f"update {number} is {state}" for number, state in stored.items() if state != InboxState.DONE
            ]
        return found


def _flight(row: OutboxRow) -> Flight:
    payload: dict[str, Any] = row.payload or {}
    return Flight(chat=row.chat_id, text=payload.get("text", ""), reply_to=payload.get("reply_to"))


def _answered(entry: Entry) -> int | None:
    reply = entry.params.get("reply_parameters") or {}
    return reply.get("message_id")


def _place(entry: Entry) -> tuple[int, int | None]:
    return int(entry.params["chat_id"]), _answered(entry)


def _count(session: Session, *conditions: Any) -> int:
    return session.scalar(select(func.count()).where(*conditions)) or 0


@contextlib.contextmanager
def _reading(url: str) -> Iterator[Session]:
    """Give a session that only reads."""
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()
