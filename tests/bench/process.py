"""The processes of a benchmark: started, watched and ended by their ids; none of them outlives the bench."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.demo import SANDBOX_TOKEN

ROOT = Path(__file__).resolve().parents[2]
#: What the bot learned of the words is kept beside the tests' own.
CACHE = ROOT / ".cache"
#: How long a process may take to start, and to end, in seconds.
START, END = 120.0, 20.0
_TICKS = os.sysconf("SC_CLK_TCK")
_SET_PDEATHSIG = 1  # prctl(2)


class Failed(Exception):
    """A process did not do what it was started for; the message holds the end of what it wrote."""


class Process:
    """A program of ours in a process of its own; what it writes goes into a file."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None, talks: bool = False) -> None:
        """Start ``python *arguments* ``. *talks*: lines are written to it and read from it."""
        fd, name = tempfile.mkstemp(prefix="aftercare-bench-", suffix=".log")
        self.log = Path(name)
        self.started = time.time()
        with os.fdopen(fd, "w") as file:
            self._popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, "PTB_TIMEDELTA": "1", **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else file,
                stderr=file if talks else subprocess.STDOUT,
                text=True,
                preexec_fn=_end_with_the_bench if sys.platform == "linux" else None,
            )
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End it, and drop its log unless something went wrong."""
        self.end()
        if kind is None:
            self.log.unlink(missing_ok=True)

    def ask(self, **question: Any) -> Any:
        """Write a line of JSON to it and return the line that it answers."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps(question) + "\n")
        self._popen.stdin.flush()
        return self.hear()

    def hear(self) -> Any:
        """Return the next line of JSON it says."""
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line:
            raise Failed(self._last_words("ended instead of answering"))
        return json.loads(line)

    def written(self) -> str:
        """Return what it has written."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str, seconds: float = START) -> float:
        """Wait until it has written *words*; return how many seconds after its start that was seen."""
        end = time.time() + seconds
        while words not in self.written():
            if self._popen.poll() is not None:
                raise Failed(self._last_words("ended"))
            if time.time() > end:
                raise Failed(self._last_words(f"did not write {words!r} within {seconds:.0f} s"))
            time.sleep(0.005)
        return time.time() - self.started

    def result(self, seconds: float) -> Any:
        """Wait until it ends by itself, and return its last line, which is JSON."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(self._last_words(f"was not done after {seconds:.0f} s")) from None
        lines = self.written().strip().splitlines()
        if self._popen.returncode or not lines:
            raise Failed(self._last_words("failed"))
        return json.loads(lines[-1])

    def memory(self) -> float:
        """Return its resident memory in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise Failed(self._last_words("is gone"))

    def cpu(self) -> float:
        """Return the seconds of processor it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def end(self, patience: float = END) -> None:
        """Ask it to end; kill it when it has not after so many seconds."""
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(patience)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _last_words(self, what: str) -> str:
        end = "\n".join(self.written().splitlines()[-15:])
        return f"process {self.pid} {what}; the end of its log ({self.log}):\n{end}"


class Emulator(Process):
    """The emulator with a crowd in it; see `tests.bench.emulator`."""

    def __init__(self, people: int, *, a_second: int = 0, round_trip: float = 0.0) -> None:
        """Start it and wait until it serves. *a_second*: messages it takes (0: any number); *round_trip*: seconds."""
        options = {"people": people, "a-second": a_second, "round-trip": round_trip}
        given = [f"--{name}={value}" for name, value in options.items()]
        super().__init__("-m", "tests.bench.emulator", *given, talks=True)
        self.people = people
        address = self.hear()
        self.url: str = address["url"]
        self._first: int = address["first"]

    def chat(self, place: int) -> int:
        """Return the chat id of a person by their place in the crowd."""
        return self._first + place

    def play(self, *, rate: float, seconds: float, first: int, texts: Sequence[str], seed: int = 1) -> int:
        """Begin to ask; return how many questions there will be."""
        answer = self.ask(do="play", rate=rate, seconds=seconds, first=first, texts=list(texts), seed=seed)
        return int(answer["questions"])

    def wait_said(self, number: int, seconds: float) -> int:
        """Wait until the bot has said *number* messages, at most *seconds*; return how many it has."""
        return int(self.ask(do="wait", said=number, seconds=seconds)["said"])

    def wait_answered(self, seconds: float) -> None:
        """Wait until every question has an answer, at most *seconds*."""
        self.ask(do="wait", answered=True, seconds=seconds)

    def report(self) -> dict[str, Any]:
        """Return what arrived when; see `tests.bench.emulator`."""
        answer: dict[str, Any] = self.ask(do="report")
        return answer


def _end_with_the_bench() -> None:
    """Let the kernel end this process when the bench is gone, however that ended."""
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)


def ours(config: Path) -> Process:
    """Start the real bot, as a clinic does: ``python -m bot run --config …``."""
    env = {"TELEGRAM_BOT_TOKEN": SANDBOX_TOKEN, "COLUMNS": "200", "XDG_CACHE_HOME": str(CACHE)}
    return Process("-m", "bot", "run", "--config", str(config), env=env)


def peer(module: str, **options: Any) -> Process:
    """Start a peer: a module of this folder, with its options as JSON."""
    return Process("-m", f"tests.bench.{module}", json.dumps({"token": SANDBOX_TOKEN, **options}))
