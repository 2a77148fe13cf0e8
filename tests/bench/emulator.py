"""The emulator in a process of its own: people write at given moments; what the bot says is timed where it arrives.

A line of JSON in, a line of JSON out, until the input ends (so it never outlives the bench that started it):

    {"do": "play", "rate": 2, "seconds": 60, "first": 3000, "texts": […], "seed": 1}
        begin: questions at random moments (Poisson), each in a chat of its own, from the *first*-th chat on
    {"do": "wait", "said": 3000, "seconds": 100}
        answer as soon as the bot has said so much, or after so many seconds
    {"do": "wait", "answered": true, "seconds": 10}
        … as soon as every question has its answer
    {"do": "report"}
        when what the bot said arrived, and when each question was written and answered

Moments are seconds since 1970, by this machine's clock. Nobody reads a chat while the load is on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from typing import Any

from bot.sandbox.limits import Limits
from bot.sandbox.model import Chat, Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve

#: How often what is waited for is looked at, in seconds.
LOOK = 0.02


class Crowd:
    """People who have started the bot, and what they asked."""

    def __init__(self, sandbox: Sandbox, number: int) -> None:
        """Add so many people; none of them says anything yet."""
        self._sandbox = sandbox
        self.people = [sandbox.add_person(f"P{place}", phone=False) for place in range(number)]
        for person in self.people:
            person.started = True
        self._asked: list[Person] = []
        self._task: asyncio.Task[None] | None = None

    def play(self, *, rate: float, seconds: float, first: int, texts: Sequence[str], seed: int) -> int:
        """Begin to ask *rate* questions a second, each in another chat; return how many there will be."""
        chance = random.Random(seed)
        moments: list[float] = []
        at = chance.expovariate(rate)
        while at < seconds and first + len(moments) < len(self.people):
            moments.append(at)
            at += chance.expovariate(rate)
        self._task = asyncio.create_task(self._ask(moments, first, texts))
        return len(moments)

    async def _ask(self, moments: Sequence[float], first: int, texts: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for place, at in enumerate(moments):
            await asyncio.sleep(max(began + at - loop.time(), 0))
            person = self.people[first + place]
            self._sandbox.says(person, texts[place % len(texts)])
            self._asked.append(person)

    def all_answered(self) -> bool:
        """Tell whether everything was asked, and every question has an answer."""
        done = self._task is None or self._task.done()
        return done and all(self._chat(person).last.by_bot for person in self._asked)

    def report(self) -> dict[str, Any]:
        """Return moments and places of what the bot said, questions with their answers, and counts of calls."""
        arrivals = [
            (message.date.timestamp(), place)
            for place, person in enumerate(self.people)
            for message in self._chat(person).messages
            if message.by_bot
        ]
        return {
            "arrivals": sorted(arrivals),
            "questions": [_answer(self._chat(person)) for person in self._asked],
            "counts": self._sandbox.world.record.counts(),
        }

    def _chat(self, person: Person) -> Chat:
        return self._sandbox.world.chats[person.id]


def _answer(chat: Chat) -> tuple[float, float | None]:
    """Return when the question of a chat was written and when the first answer after it arrived."""
    asked = next(place for place, message in enumerate(chat.messages) if not message.by_bot)
    answers = [message.date.timestamp() for message in chat.messages[asked:] if message.by_bot]
    return chat.messages[asked].date.timestamp(), answers[0] if answers else None


async def serve_load(people: int, a_second: int, round_trip: float) -> None:
    """Serve an emulator with a crowd in it, and do what the lines on the standard input say."""
    loop = asyncio.get_running_loop()
    limits = Limits(a_second=a_second) if a_second else None
    sandbox = Sandbox(limits=limits, round_trip=round_trip)
    crowd = Crowd(sandbox, people)

    def said() -> int:
        return sum(
            number
            for method, counts in sandbox.world.record.counts().items()
            if method.startswith("send") and method != "sendChatAction"
            for outcome, number in counts.items()
            if outcome == "200"
        )

    async def until(asked: dict[str, Any]) -> dict[str, Any]:
        end = loop.time() + asked["seconds"]
        while loop.time() < end:
            if asked.get("answered") and crowd.all_answered():
                break
            if "said" in asked and said() >= asked["said"]:
                break
            await asyncio.sleep(LOOK)
        return {"said": said()}

    async with serve(create_app(sandbox)) as address:
        _say({"url": address.url, "first": crowd.people[0].id if people else 0})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            asked = json.loads(line)
            match asked.pop("do"):
                case "play":
                    _say({"questions": crowd.play(**asked)})
                case "wait":
                    _say(await until(asked))
                case "report":
                    _say(crowd.report())


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the options and serve."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, required=True)
    options.add_argument("--a-second", type=int, default=0, help="Telegram's limit; 0: none")
    options.add_argument("--round-trip", type=float, default=0.0, help="seconds there and back")
    given = options.parse_args()
    asyncio.run(serve_load(given.people, given.a_second, given.round_trip))


if __name__ == "__main__":
    main()
