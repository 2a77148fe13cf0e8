"""Benchmark: how long an answer takes, from the moment a message exists to the moment its answer arrives at the API."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.clinic import enrol_many, open_clinic, questions
from tests.bench.process import Emulator, Failed, Process, ours, peer
from tests.bench.sheet import Sheet, Spread, ms, spread, times

#: What is asked of the bot before anything is timed: connections are made, and nothing is read for the first time.
WARM = 10
#: How long answers are waited for after the last question, in seconds, full and quick.
DRAIN = (10.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Who answers, how updates come, how often, and from how far away."""

    name: str
    webhook: bool
    rate: int
    round_trip: float
    seconds: float
    drain: float
    #: None: ours; else the peer's concurrent_updates (0: one after the other).
    concurrent: int | None = None

    @property
    def way(self) -> str:
        """How updates come."""
        return "webhook" if self.webhook else "polling"


def run(sheet: Sheet, quick: bool) -> None:
    """Measure ours and a bare PTB application, polling and by webhook, near and 80 ms away."""
    who: tuple[tuple[str, int | None], ...] = (
        ("ours", None),
        ("PTB, default", 0),
        ("PTB, 64 concurrent", 64),
    )
    ways = [(webhook, round_trip) for webhook in (False, True) for round_trip in (0.0, 0.08)]
    rows = []
    for rate in (50,) if quick else (20, 50):
        for webhook, round_trip in ways:
            mine: Spread | None = None
            for name, concurrent in who:
                if quick and webhook and concurrent == 64:
                    continue
                plan = Plan(
                    name=name, webhook=webhook, rate=rate, round_trip=round_trip,
                    seconds=5 if quick else 30, drain=DRAIN[quick], concurrent=concurrent,
                )  # fmt: skip
                try:
                    found, cpu = _measure(plan)
                except Failed as error:
                    if not (webhook and concurrent is None):
                        raise
                    sheet.note(f"reply: ours by webhook does not run yet and is left out ({_reason(error)})")
                    continue
                mine = mine or found
                rows.append(
                    (name, plan.way, f"{rate}/s", f"{round_trip * 1000:.0f} ms", f"{found.came} of {found.asked}",
                     ms(found.p50), ms(found.p95), ms(found.p99), f"{cpu * 1000:.1f} ms",
                     "" if found is mine else times(found.p99, mine.p99))
                )  # fmt: skip
                sheet.note(f"reply: {rows[-1]}")
    sheet.add(
        "reply: how long an answer takes",
        f"""From the moment a message exists at the API until the first answer to it arrives there; questions at random
        moments, each from another patient; {WARM} before that to warm up; "never": more than that share had no answer
        {DRAIN[quick]:.0f} s after the last. Ours understands the message, stores it and its answer; the peer sends a fixed text.
        The last column compares p99 with ours.""",
        ("", "updates", "rate", "API away", "answered", "p50", "p95", "p99", "CPU an update", "p99 to ours"),
        rows,
    )


def _measure(plan: Plan) -> tuple[Spread, float]:
    number = int(plan.rate * plan.seconds * 1.3) + 50
    with (
        Emulator(number + WARM, round_trip=plan.round_trip) as emulator,
        _answering(plan, emulator) as process,
    ):
        emulator.play(
            rate=plan.rate, seconds=60, first=number, texts=questions(), seed=2
        )  # the last people: WARM
        emulator.wait_answered(30)
        before = process.cpu()
        emulator.play(rate=plan.rate, seconds=plan.seconds, first=0, texts=questions())
        emulator.wait_answered(plan.seconds + plan.drain)
        cpu = process.cpu() - before
        asked = emulator.report()["questions"][WARM:]
    return spread([None if done is None else done - at for at, done in asked]), cpu / len(asked)


@contextlib.contextmanager
def _answering(plan: Plan, emulator: Emulator) -> Iterator[Process]:
    """Start who answers, and wait until it does."""
    port = free_port()
    if plan.concurrent is not None:
        mode = "webhook" if plan.webhook else "polling"
        with peer("peer_ptb", url=emulator.url, mode=mode, port=port, concurrent=plan.concurrent) as process:
            process.wait_for("ready")
            yield process
        return
    hook = {"webhook_url": f"http://127.0.0.1:{port}/telegram", "webhook_listen": f"127.0.0.1:{port}"}
    with open_clinic(emulator.url, messages_per_second=1000, **(hook if plan.webhook else {})) as clinic:
        enrol_many(clinic, emulator.people, chat=emulator.chat)
        clinic.database.close()
        with ours(clinic.config) as process:
            process.wait_for("is at work")
            if plan.webhook and not _takes_connections(port):
                raise Failed("nobody listens at telegram.webhook_listen")
            yield process


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _takes_connections(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


def _reason(error: Failed) -> str:
    return str(error).strip().splitlines()[-1][:120]
