"""A crowd: strangers and patients who ask, answer check-ins and report danger, and staff who react; all at the same time.

Everybody plays a scene: a generator that acts, and yields what it waits for until that has come. The crowd looks at all
of them many times a second. What the bot owes goes into the tally as it falls due.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.asking import read_lines
from bot.content.library import Library
from bot.domain.conversation import Before
from bot.matching.mind import Minds
from bot.sandbox.model import Chat, Message, Person
from bot.service.understand import understand
from tests.conftest import EXAMPLE
from tests.kit.clinic import Clinic, Enrolled
from tests.kit.tally import Tally

#: Every value that a scene yields says what it waits for.
Scene = Iterator[str]
#: How often the crowd looks, in seconds.
TICK = 0.02
#: The longest wait for everything to come to rest, and how long nothing may happen until nothing more will, in seconds.
PATIENCE, STILL = 60.0, 3.0
LINES = EXAMPLE.parent / "tests/lines/inscope.tsv"
DANGER = "my chest hurts when i breathe in"
#: How a check-in is answered: the labels of the buttons, and what is stored then.
TAPS = ("Start", "2", "Plenty", "Small")
ANSWERS = {"soreness": "2", "water": "plenty", "bruising": "small"}
FAR = timedelta(days=5)


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much happens, on average a second. The moments are random."""

    questions: float = 2.0
    check_ins: float = 2.4
    alarms: float = 0.4


@dataclass
class Playing:
    """A scene that is being played: in which chats, and what it waits for."""

    scene: Scene
    chat: int
    group: int = 0
    waits_for: str = ""

    def goes_on(self) -> bool:
        """Go on as far as may be; tell whether there is more to come."""
        self.waits_for = next(self.scene, "")
        return bool(self.waits_for)


class Crowd:
    """Everybody. The same *seed* gives the same moments and the same words."""

    def __init__(self, clinic: Clinic, tally: Tally, questions: Sequence[str], *, seed: int) -> None:
        self.clinic = clinic
        self.tally = tally
        self._sandbox = clinic.sandbox
        self._questions = questions
        self._chance = random.Random(seed)
        self._coming: deque[tuple[datetime, Playing]] = deque()
        self._scenes: list[Playing] = []
        self._planned = 0

    # --- what will happen --------------------------------------------------------------------------------

    def plan(self, load: Load, seconds: float) -> None:
        """Plan the *seconds* from now on, and enrol the patients that it takes."""
        self._planned += 1
        start = datetime.now(UTC)
        coming: list[tuple[datetime, Playing]] = []

        # 1. Check-ins that fall due: a scene begins when its moment has come.
        dues = self._moments(load.check_ins, start, seconds)
        for one in self._enrol("C", len(dues), lambda place: dues[place]):
            coming.append((one.due, Playing(self._answers(one), one.person.id)))
        # 2. Danger, reported by patients who have nothing else to do; staff react in one of three ways.
        alarms = self._moments(load.alarms, start, seconds)
        for place, one in enumerate(self._enrol("D", len(alarms), lambda place: start + FAR)):
            scene = self._reports(one, place % 3)
            coming.append((alarms[place], Playing(scene, one.person.id, one.branch.group.id)))
        # 3. Questions: by strangers and by patients, every third person three in one go.
        asked = self._moments(load.questions, start, seconds)
        people = self.clinic.people(len(asked) - len(asked) // 3, f"Q{self._planned}-")
        people += [one.person for one in self._enrol("P", len(asked) // 3, lambda place: start + FAR)]
        self._chance.shuffle(people)
        for place, person in enumerate(people):
            words = self._chance.sample(self._questions, 3 if place % 3 == 0 else 1)
            coming.append((asked[place], Playing(self._asks(person, words), person.id)))
        self._coming = deque(sorted([*self._coming, *coming], key=lambda pair: pair[0]))

    def _moments(self, rate: float, start: datetime, seconds: float) -> list[datetime]:
        found: list[datetime] = []
        at = self._chance.expovariate(rate) if rate else seconds
        while at < seconds:
            found.append(start + timedelta(seconds=at))
            at += self._chance.expovariate(rate)
        return found

    def _enrol(self, name: str, number: int, due: Callable[[int], datetime]) -> list[Enrolled]:
        return self.clinic.enrol(number, due, f"{name}{self._planned}-") if number else []

    def enough(self) -> None:
        """Let nothing more happen of what was planned; for when no bot is running."""
        now = datetime.now(UTC)
        self._begin_what_is_due(now)
        self._coming.clear()
        self.clinic.put_off(now)

    # --- playing -----------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def at_large(self) -> AsyncIterator[None]:
        """Let everybody play while the block runs."""
        task = asyncio.create_task(self._play())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _play(self) -> None:
        while True:
            self._begin_what_is_due(datetime.now(UTC))
            self._scenes = [scene for scene in self._scenes if scene.goes_on()]
            await asyncio.sleep(TICK)

    def _begin_what_is_due(self, now: datetime) -> None:
        while self._coming and self._coming[0][0] <= now:
            self._scenes.append(self._coming.popleft()[1])

    async def rest(self, seconds: float = PATIENCE) -> None:
        """Wait until all that was planned has happened, the bot has nothing left to do, and every scene is over.

        A scene may wait for ever only in a chat in which a message was given up.
        """
        loop = asyncio.get_running_loop()
        still_since, last_call = loop.time(), -1
        try:
            async with asyncio.timeout(seconds):
                while self._coming or self.tally.is_at_rest() or self._scenes:
                    call = self._sandbox.world.record.number
                    if call != last_call or self._coming:
                        still_since, last_call = loop.time(), call
                    elif loop.time() - still_since > STILL and not self._stuck():
                        return
                    await asyncio.sleep(0.1)  # some of it stands in the database
        except TimeoutError:
            stuck = "\n".join(f"{scene.waits_for} in chat {scene.chat}" for scene in self._stuck()[:20])
            raise AssertionError(
                f"no rest within {seconds} s: {self.tally.is_at_rest()}; {len(self._scenes)} scenes go on:\n{stuck}"
            ) from None

    def _stuck(self) -> list[Playing]:
        """Return the scenes that nothing excuses."""
        excused = self.tally.given_up()
        return [scene for scene in self._scenes if not excused & {scene.chat, scene.group}]

    # --- scenes ------------------------------------------------------------------------------------------

    def _asks(self, person: Person, questions: Sequence[str]) -> Scene:
        """Ask, and expect one answer to each question, as a reply to it."""
        for words in questions:
            message = self._sandbox.says(person, words)
            self.tally.owe("answers", person.id, reply_to=message.id, about=words)
        yield from ()

    def _answers(self, patient: Enrolled) -> Scene:
        """Get a check-in, and answer it with taps."""
        chat = self._sandbox.chat(patient.person)
        self.tally.owe("check-ins", chat.id, "check-in", "is ready", since=patient.due)
        message = yield from self._sees(chat, TAPS[0])
        for label in TAPS:
            while label not in message.buttons:
                yield f"{patient.label}: a button {label!r} in {message.text[:40]!r}"
            self._sandbox.presses(patient.person, message, label)
        while "Bruise: Small" not in message.text:
            yield f"{patient.label}: the end of the check-in in {message.text[:40]!r}"

    def _reports(self, patient: Enrolled, way: int) -> Scene:
        """Report danger; somebody acknowledges it (0), acknowledges and replies (1), or replies at once (2)."""
        chat, group, physio = self._sandbox.chat(patient.person), patient.branch.group, patient.branch.physio
        self._sandbox.says(patient.person, DANGER)
        self.tally.owe("instructions", chat.id, "995")
        self.tally.owe("alerts", group.id, patient.label, "EMERGENCY")
        alert = yield from self._sees(group, "Acknowledge", patient.label)
        if way < 2:
            self._sandbox.presses(physio, alert, "Acknowledge")
            self.tally.owe("word that it was seen", chat.id, "has seen your message")
            yield from self._until_seen(patient, alert)
        if way > 0:
            words = f"We are calling you now, {patient.label}."
            reply = self._sandbox.says(physio, words, chat=group, reply_to=alert)
            self.tally.owe("replies of staff", chat.id, words)
            self.tally.owe("receipts", group.id, reply_to=reply.id)  # or the word that nobody knows
        yield from self._until_seen(patient, alert)

    def _sees(self, chat: Chat, button: str, *words: str) -> Generator[str, None, Message]:
        """Wait for a message with a button and some words, and return it."""
        while True:
            for message in reversed(chat.messages):
                if (
                    message.by_bot
                    and button in message.buttons
                    and all(word in message.text for word in words)
                ):
                    return message
            yield f"{chat.name}: a message with {button!r} {words}"

    def _until_seen(self, patient: Enrolled, alert: Message) -> Scene:
        while "Seen by" not in alert.text:
            yield f"{patient.label}: the alert says 'Seen by'"


def clear_questions(library: Library, minds: Minds) -> list[str]:
    """Return the project's own lines that get one answer, whatever was said before: a reply to the question."""
    language, mind = library.languages["en"], minds["en"]
    befores: list[Before | None] = [None, Before("offer", tuple(sorted(language.topics))[:3])]
    befores += [Before("answer", (id_,)) for id_ in sorted(language.topics)[::20]]
    found = []
    for row in [row for row in read_lines(LINES) if row["lang"] == "en"][::3]:
        meant = [understand(library, language, mind, row["text"], before=before) for before in befores]
        first = meant[0]
        simple = first.kind in ("answer", "offer", "hand_over") and not first.decision.also
        same = {(one.kind, one.decision.answer, one.decision.also, one.decision.offers) for one in meant}
        if simple and len(same) == 1 and first.doubt is None and row["text"] not in found:
            found.append(row["text"])
    return found
