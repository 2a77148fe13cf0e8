"""The bot in a process of its own: started, killed, stopped, frozen; each one is ended by the test that started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import certifi

from bot.demo import SANDBOX_TOKEN
from tests.conftest import CACHE, EXAMPLE

ROOT = EXAMPLE.parent
#: The first of certifi's certificates.
CERTIFICATE = CACHE / "one-certificate.pem"
#: How long the template may take to load everything, and a bot to be at work or to end, in seconds.
LOADING, PATIENCE = 120.0, 30.0
#: How often a log is looked at, in seconds.
LOOK = 0.005


class Ended(AssertionError):
    """A bot did not do what the test waited for; the message holds the end of its log."""


class Template:
    """The process from which bots are forked (see `tests.kit.template`); one for all tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.template", str(EXAMPLE)],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.input, self.output = self._process.stdin, self._process.stdout
        if json.loads(self.output.readline() or b"{}") != {"ready": True}:
            raise Ended("the template could not be loaded; its own words are above")
        os.set_blocking(self.output.fileno(), False)

    def close(self) -> None:
        """End it, and with it whatever was forked from it."""
        self.input.close()
        self._process.wait(PATIENCE)
        self.output.close()


class Bots:
    """Forks bots and hears of their ends, as long as the block runs; whoever is left at its end is killed."""

    def __init__(self, template: Template, folder: Path) -> None:
        """*folder*: where their logs are kept."""
        self._template = template
        self._folder = folder
        self._unread = b""
        self._started: asyncio.Queue[int] = asyncio.Queue()
        self._running: dict[int, Bot] = {}
        self._number = 0

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._template.output.fileno(), self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = list(self._running.values())
        for bot in left:
            bot.signal(signal.SIGKILL)
        await asyncio.gather(*(bot.ended() for bot in left))
        asyncio.get_running_loop().remove_reader(self._template.output.fileno())

    async def start(self, config: Path, *, host: str | None = None) -> Bot:
        """Start `aftercare run`; it is not at work yet. *host*: as which machine it sees its own, if not as this one."""
        self._number += 1
        log = self._folder / f"bot-{self._number}.log"
        log.touch()
        self._tell(
            do="start",
            arguments=["run", "--config", str(config)],
            log=str(log),
            host=host,
        )
        pid = await self._started.get()
        return self._running[pid]._begin(log)

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a bot that was started here; nothing happens if it has ended."""
        self._tell(do="signal", pid=pid, number=number)

    def _tell(self, **what: object) -> None:
        self._template.input.write(json.dumps(what).encode() + b"\n")
        self._template.input.flush()

    def _hear(self) -> None:
        came = os.read(self._template.output.fileno(), 65536)
        if not came:  # the template itself has died
            asyncio.get_running_loop().remove_reader(self._template.output.fileno())
        *lines, self._unread = (self._unread + came).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if pid := said.get("started"):
                self._running[pid] = Bot(self, pid)
                self._started.put_nowait(pid)
            elif pid := said.get("ended"):
                self._running.pop(pid)._end(said["code"])


class Bot:
    """One `aftercare run`."""

    def __init__(self, bots: Bots, pid: int) -> None:
        self.pid = pid
        self._bots = bots
        self._log = Path(os.devnull)
        self._code = asyncio.get_running_loop().create_future()

    def _begin(self, log: Path) -> Bot:
        self._log = log
        return self

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)

    @property
    def output(self) -> str:
        """What it has written."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def has_ended(self) -> bool:
        """Whether it is no more."""
        return self._code.done()

    async def at_work(self, seconds: float = PATIENCE) -> None:
        """Wait until it is at work."""
        await self.has_said("is at work", seconds)

    async def has_said(self, words: str, seconds: float = PATIENCE) -> None:
        """Wait until its log holds *words*."""
        try:
            async with asyncio.timeout(seconds):
                while words not in self.output:
                    if self.has_ended:
                        raise Ended(
                            f"it ended ({self._code.result()}) before it said {words!r}:\n{self.end_of_log()}"
                        )
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise Ended(f"it did not say {words!r} within {seconds} s:\n{self.end_of_log()}") from None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._bots.signal(self.pid, number)

    async def ended(self, seconds: float = PATIENCE) -> int:
        """Wait until it is no more, and return its exit code (-9: killed)."""
        try:
            async with asyncio.timeout(seconds):
                return int(await asyncio.shield(self._code))
        except TimeoutError:
            raise Ended(f"it did not end within {seconds} s:\n{self.end_of_log()}") from None

    async def killed(self) -> None:
        """Kill it (-9) and wait until it is no more."""
        self.signal(signal.SIGKILL)
        code = await self.ended()
        assert code == -signal.SIGKILL, f"it had ended by itself ({code}):\n{self.end_of_log()}"

    async def stopped(self, seconds: float = PATIENCE) -> float:
        """Ask it to stop (SIGTERM); return how many seconds that took. Its exit code must be 0."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.signal(signal.SIGTERM)
        code = await self.ended(seconds)
        assert code == 0, f"it ended with {code}:\n{self.end_of_log()}"
        return loop.time() - began

    def end_of_log(self) -> str:
        """Return the last lines it wrote."""
        return "\n".join(self.output.splitlines()[-25:])


@contextlib.asynccontextmanager
async def real_command(config: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python -m bot run`` as a clinic does, until the block ends (at the latest)."""
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--config", str(config),
            cwd=ROOT, env=environment(), stdout=file, stderr=file,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def log_says(log: Path, words: str, seconds: float = PATIENCE) -> None:
    """Wait until a log holds *words*."""
    try:
        async with asyncio.timeout(seconds):
            while words not in log.read_text(encoding="utf-8", errors="replace"):  # noqa: ASYNC110, ASYNC240
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise Ended(f"{log} did not say {words!r} within {seconds} s") from None


def environment() -> dict[str, str]:
    """Return the environment of a bot: the token, the cache that the tests share, and one certificate to trust.

    The Bot API is spoken to without https here, and reading all the world's certificates takes half of a start.
    """
    if not CERTIFICATE.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        end = "-----END CERTIFICATE-----\n"
        CERTIFICATE.write_text(Path(certifi.where()).read_text().partition(end)[0] + end)
    return {
        **os.environ,
        "TELEGRAM_BOT_TOKEN": SANDBOX_TOKEN,
        "XDG_CACHE_HOME": str(CACHE.parent),
        "SSL_CERT_FILE": str(CERTIFICATE),
    }
