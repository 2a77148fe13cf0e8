"""Replicas: several bots on one database, each with a way of its own to the Bot API, where what it asks is noted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.kit.gate import Gate
from tests.kit.processes import LOOK, Bot, Ended
from tests.kit.trial import Trial

#: The longest wait for another one to be at work, in seconds; the promise is shorter, this is for busy machines.
PATIENCE = 45.0
#: All that one that stands by asks Telegram: who it is.
ONCE = {"getMe"}


@dataclass(kw_only=True)
class Replica:
    """One bot, its way to the Bot API, and the port on which it waits for a webhook's updates (0: it fetches them)."""

    bot: Bot
    gate: Gate
    host: str
    door: int

    @property
    def is_at_work(self) -> bool:
        """Whether it lives and said that it is at work."""
        return not self.bot.has_ended and "is at work" in self.bot.output

    def asked(self, after: float = 0.0) -> set[str]:
        """Return the methods it called, after a moment of `time.monotonic`."""
        return {method for at, method in self.gate.calls if at > after}

    def sent(self, after: float = 0.0) -> list[float]:
        """Return when it sent or changed messages, or fetched updates: what only one may do at a time."""
        only_one = ("sendMessage", "copyMessage", "editMessageText", "getUpdates")
        return [at for at, method in self.gate.calls if method in only_one and at > after]

    async def freeze(self) -> None:
        """Let it stand still (SIGSTOP); SIGCONT lets it go on."""
        self.bot.signal(signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE):
            while _state_of(self.bot.pid) != "T":  # noqa: ASYNC110 (nobody else tells)
                await asyncio.sleep(LOOK)


class Replicas:
    """Starts them, and knows who is at work; the gates close with the block (the bots end with the trial)."""

    def __init__(self, on: Trial, *, webhook: bool = False) -> None:
        """*webhook*: updates come through `balancer`, which leads to all that live."""
        self.all: list[Replica] = []
        self.balancer = Gate()
        self._on = on
        self._webhook = webhook
        self._gates = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._gates.enter_async_context(self.balancer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._gates.aclose()

    async def add(self, host: str) -> Replica:
        """Start one on a machine, and wait until it is at work, or stands by if another is."""
        somebody_works = any(one.is_at_work for one in self.all)
        new = await self.begin(host)
        await new.bot.has_said("Standing by" if somebody_works else "is at work", PATIENCE)
        return new

    async def begin(self, host: str, database_url: str | None = None) -> Replica:
        """Start one on a machine; it is not at work yet. *database_url*: on another database than the trial's."""
        gate = await self._gates.enter_async_context(Gate(self._on.port))
        door = _free_port() if self._webhook else 0
        bot = await self._on.bots.start(self._config(gate, door, database_url), host=host)
        new = Replica(bot=bot, gate=gate, host=host, door=door)
        self.all.append(new)
        if door:
            self.balancer.targets.append(door)
        return new

    def _config(self, gate: Gate, door: int, database_url: str | None) -> Path:
        telegram: dict[str, Any] = {}
        if door:
            telegram = {
                "webhook_url": f"{self.balancer.url}/telegram",
                "webhook_listen": f"127.0.0.1:{door}",
            }
        clinic = self._on.clinic
        usual = clinic.database_url
        clinic.database_url = database_url or usual
        try:
            return clinic.config(gate.url, f"config-{gate.port}.yaml", **telegram)
        finally:
            clinic.database_url = usual

    # --- who does what -----------------------------------------------------------------------------------

    @property
    def active(self) -> Replica:
        """The one that is at work."""
        [one] = [one for one in self.all if one.is_at_work]
        return one

    @property
    def waiting(self) -> list[Replica]:
        """Those that live and stand by."""
        return [one for one in self.all if not one.bot.has_ended and not one.is_at_work]

    async def next_at_work(self, before: Collection[Replica], seconds: float = PATIENCE) -> Replica:
        """Wait until one of those that stood by *before* is at work."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for one in before:
                        if one.is_at_work:
                            return one
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            logs = "\n\n".join(one.bot.end_of_log() for one in before)
            raise Ended(f"nobody took over within {seconds} s:\n{logs}") from None

    async def lose_active(self) -> tuple[Replica, float]:
        """Kill the one at work (-9); return who took over, and how many seconds after the kill."""
        victim, others = self.active, self.waiting
        began = time.monotonic()
        await self._on.kill(victim.bot)
        if victim.door:
            self.balancer.targets.remove(victim.door)
        heir = await self.next_at_work(others)
        return heir, time.monotonic() - began

    # --- what may never be -------------------------------------------------------------------------------

    def beside_each_other(self) -> list[str]:
        """Return which of them sent or fetched while another did: none may."""
        spans = sorted((sent[0], sent[-1], one.host) for one in self.all if (sent := one.sent()))
        return [
            f"{later[2]} began {earlier[1] - later[0]:.1f} s before {earlier[2]} had ended"
            for earlier, later in itertools.pairwise(spans)
            if later[0] < earlier[1]
        ]

    def talkative(self) -> list[str]:
        """Return what those that stand by asked Telegram and should not have."""
        return [f"{one.host} asked {one.asked() - ONCE}" for one in self.waiting if one.asked() - ONCE]

    def conflicts(self) -> int:
        """Return how often somebody who lives was told that another fetches updates as well."""
        return sum(entry.outcome == 409 and entry.told for entry in self._on.sandbox.calls())


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _state_of(pid: int) -> str:
    """Return what a process does, as Linux writes it: "R" it runs, "S" it waits, "T" it was stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
