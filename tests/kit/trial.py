"""A trial: the emulator with a crowd in it, a clinic, real processes of the bot, and the tally of what they do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bot.sandbox.faults import Fault
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve
from bot.storage.database import Database, Session
from tests.kit.clinic import Clinic, open_clinic
from tests.kit.crowd import Crowd
from tests.kit.processes import Bot, Bots, Template
from tests.kit.tally import Tally

#: Seconds before an update is brought again that a webhook did not take; Telegram's own pauses are longer.
WEBHOOK_PAUSES = (0.0, 0.2, 0.5)


T = TypeVar("T")


@dataclass(kw_only=True)
class Trial:
    """Everything that takes part. *port*: the emulator's."""

    sandbox: Sandbox
    port: int
    clinic: Clinic
    tally: Tally
    crowd: Crowd
    bots: Bots
    config: Path

    async def start(self, config: Path | None = None) -> Bot:
        """Start a bot and wait until it is at work."""
        bot = await self.bots.start(config or self.config)
        await bot.at_work()
        return bot

    async def until_called(self, number: int, seconds: float = 20.0) -> None:
        """Wait until the bot has made so many calls more."""
        calls = self.sandbox.world.record
        wanted = calls.number + number
        assert await self.sandbox.until(lambda: calls.number >= wanted, seconds=seconds), "nothing happens"

    async def kill(self, bot: Bot) -> None:
        """Kill a bot (-9), and note what it was just sending."""
        await bot.killed()
        self.tally.note_death()

    async def met(self, *planned: Fault, seconds: float = 30.0) -> None:
        """Let faults happen, and wait until they have hit as many calls as they were to."""
        for fault in planned:
            self.sandbox.plan(fault)
        faults = self.sandbox.world.faults
        assert await self.sandbox.until(lambda: not faults.left, seconds=seconds), (
            f"nobody met all of {planned}"
        )

    async def met_for(self, seconds: float, *planned: Fault) -> None:
        """Let faults hit every call of their methods for so long."""
        for fault in planned:
            self.sandbox.plan(replace(fault, times=1_000_000))
        await asyncio.sleep(seconds)
        self.sandbox.world.faults.clear()

    def read(self, function: Callable[[Session], T]) -> T:
        """Return what *function* reads in the clinic's database."""
        database = Database(self.clinic.database_url)
        try:
            return database.call(function)
        finally:
            database.close()

    def say(self, what: str) -> None:
        """Print what a test measured: to be seen with pytest -s, and when it fails."""
        print(what)  # noqa: T201

    def verdict(self, what: str, *, most_late: float | None = None, most_unknown: int = 0) -> None:
        """Print what came of it, and fail if a promise was broken.

        most_late: seconds for any message. most_unknown: how many may be missing because their repeat was lost too.
        """
        said = f"{what}\n{self.tally.report()}"
        self.say(f"\n{said}")
        faults = self.tally.faults(most_late=most_late, most_unknown=most_unknown)
        assert not faults, "\n".join([said, *faults[:30]])


@contextlib.asynccontextmanager
async def on_trial(
    template: Template,
    folder: Path,
    database: Path | str,
    questions: Sequence[str],
    *,
    seed: int = 1,
    round_trip: float = 0.0,
    disk: Path | None = None,
) -> AsyncIterator[Trial]:
    """Set up a trial. *database*: an empty migrated SQLite file, to be copied, or the URL of an empty database.

    *disk*: where the copy goes, if not beside everything else.
    """
    sandbox = Sandbox(round_trip=round_trip)
    async with (
        serve(create_app(sandbox, webhook_pauses=WEBHOOK_PAUSES)) as address,
        Bots(template, folder) as bots,
    ):
        clinic = open_clinic(sandbox, folder, database, disk=disk)
        tally = Tally(sandbox, clinic.database_url)
        crowd = Crowd(clinic, tally, questions, seed=seed)
        yield Trial(
            sandbox=sandbox,
            port=address.port,
            clinic=clinic,
            tally=tally,
            crowd=crowd,
            bots=bots,
            config=clinic.config(address.url),
        )
