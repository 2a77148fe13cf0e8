"""The bot as its own process: started by the command line, killed, started anew; nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from bot.demo import SANDBOX_TOKEN, staff_group
from bot.sandbox.cast import add_cast
from bot.sandbox.faults import Fault
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve
from tests.conftest import CACHE, EXAMPLE
from tests.kit.journey import Journey

ROOT = EXAMPLE.parent


class Process:
    """`aftercare run` in a process of its own."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.output = ""
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is at work (or has ended)."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--config", str(self.config),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TELEGRAM_BOT_TOKEN": SANDBOX_TOKEN, "COLUMNS": "200",
                 "XDG_CACHE_HOME": str(CACHE.parent)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while line := (await self.process.stdout.readline()).decode():
                self.output += line
                if "is at work" in line:
                    return

    async def setup_code(self) -> str:
        """Return the code it prints for a branch without a group."""
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            while not (found := re.search(r"/setup (\S+)", self.output)):
                self.output += (await self.process.stdout.readline()).decode()
        return found[1]

    async def end(self, number: int) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        async with asyncio.timeout(20):
            rest, _ = await self.process.communicate()
        self.output += rest.decode()
        return self.process.returncode or 0


@contextlib.asynccontextmanager
async def sandboxed(tmp_path: Path) -> AsyncIterator[tuple[Sandbox, Path]]:
    """A sandbox, and settings that point the bot to it and to a database of its own."""
    sandbox = Sandbox()
    add_cast(sandbox)
    async with serve(create_app(sandbox)) as address:
        text = EXAMPLE.read_text().replace("https://api.telegram.org", address.url)
        text = text.replace("messages_per_second: 30", "messages_per_second: 200")
        config = tmp_path / "config.yaml"
        config.write_text(text)
        yield sandbox, config


async def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """kill -9 with updates under way: every message of the patients gets its answer, once (one may come twice)."""
    async with sandboxed(tmp_path) as (sandbox, config):
        group = next(chat for chat in sandbox.world.chats.values() if chat.is_group)
        people = {person.first_name.split()[0]: person for person in sandbox.world.people.values()}
        ana = people["Ana"]
        bot = Process(config)
        await bot.start()
        sandbox.says(people["Mei"], f"/setup {await bot.setup_code()}", chat=group)
        await sandbox.sees(group, "staff group of", seconds=20)
        sandbox.opens_link(ana)
        for number in range(6):
            sandbox.says(ana, f"zxqv wqpz {'q' * (number + 1)}")
        sandbox.says(ana, "my chest hurts when i breathe in")
        await sandbox.until(lambda: len([m for m in sandbox.chat(ana).messages if m.by_bot]) >= 3, seconds=20)

        assert await bot.end(signal.SIGKILL) == -signal.SIGKILL
        again = Process(config)
        await again.start()
        await sandbox.sees(group, "EMERGENCY", seconds=30)
        await sandbox.settled(still=4.0, seconds=40)
        assert await again.end(signal.SIGTERM) == 0

    answers = [m.text for m in sandbox.chat(ana).messages if m.by_bot]
    alerts = [m.text for m in group.messages if m.by_bot and "EMERGENCY" in m.text]
    unknown = sum("no approved answer" in text for text in answers)
    assert 6 <= unknown <= 7
    assert sum("995 now" in text for text in answers) in (1, 2)
    assert len(alerts) in (1, 2)
    assert SANDBOX_TOKEN not in bot.output + again.output
    assert "zxqv" not in bot.output + again.output


async def test_a_second_process_refuses_to_start(tmp_path: Path) -> None:
    """One sentence, exit code 1, and the first one works on."""
    async with sandboxed(tmp_path) as (sandbox, config):
        first, second = Process(config), Process(config)
        await first.start()
        await second.start()
        assert second.process is not None
        assert await second.process.wait() == 1
        ana = next(iter(sandbox.world.people.values()))
        sandbox.opens_link(ana)
        await sandbox.sees(ana, "Hello!", seconds=20)
        ended = await first.end(signal.SIGTERM)

    assert "Another Aftercare" in second.output
    assert "Traceback" not in second.output
    assert ended == 0


async def test_a_restart_in_the_night_keeps_every_appointment(journey: Journey) -> None:
    """Stopped and started between two check-ins: both come, old buttons work, and nothing comes twice."""
    await journey.enrols(journey.ana)
    await journey.stage.later(hours=12)
    await journey.stage.restart()
    await journey.stage.later(hours=12)
    assert sum("is ready" in text for text in journey.words(journey.ana)) == 1
    await journey.stage.restart()
    await journey.taps(journey.ana, "Start")
    await journey.taps(journey.ana, "2")

    assert "drinking water" in journey.words(journey.ana)[-1]
    assert staff_group(journey.stage) is journey.group


@pytest.mark.parametrize("fault", ["error", "drop", "garbage"])
async def test_trouble_with_the_api_loses_nothing(
    journey: Journey, fault: Literal["error", "drop", "garbage"]
) -> None:
    """The server fails, takes without answering, or answers nonsense: every answer arrives, at most twice."""
    await journey.enrols(journey.ana)
    journey.sandbox.plan(Fault(method="sendMessage", kind=fault, times=1, taken=fault != "error"))
    journey.sandbox.says(journey.ana, "does it hurt?")
    for _ in range(4):
        await journey.stage.settle()
        journey.sandbox.turn(6)
    await journey.stage.settle()

    arrived = [text for text in journey.words(journey.ana) if text.startswith("Does it hurt?")]
    assert len(arrived) == (1 if fault == "error" else 2)
