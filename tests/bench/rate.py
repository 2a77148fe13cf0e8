"""Benchmark: 3,000 check-ins due at once while people ask, with Telegram's 30 messages a second."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.clinic import enrol_many, open_clinic, questions
from tests.bench.process import Emulator, Process, ours, peer
from tests.bench.sheet import Sheet, Spread, ms, spread, steady_rate

CHECK_INS = 3_000
A_SECOND = 30
ASKED_A_SECOND = 2
#: The first seconds, in which the burst of a start shows, are left out of the rate.
SETTLE = 5.0
#: How long what is left of the check-ins is waited for after the run (not in quick ones), before it counts as lost.
DRAIN = 45.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Who is measured, how far away, for how long."""

    name: str
    round_trip: float
    seconds: float
    drain: bool
    limiter: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found."""

    rate: float
    refused: int
    replies: Spread
    arrived: int
    lost: str


def run(sheet: Sheet, quick: bool) -> None:
    """Measure ours and AIORateLimiter, near and 80 ms away."""
    peers = {"PTB, AIORateLimiter()": {}, "PTB, AIORateLimiter(max_retries=8)": {"max_retries": 8}}
    plans = [
        Plan(name=name, round_trip=round_trip, seconds=seconds, drain=not quick, limiter=limiter)
        for round_trip in ((0.08,) if quick else (0.08, 0.0))
        for name, limiter, seconds in (
            ("ours", None, 60 if quick else 100),
            *((name, limiter, 20 if quick else 100) for name, limiter in peers.items()),
        )
    ]
    rows = []
    for plan in plans:
        found = _measure(plan)
        replies = found.replies
        rows.append(
            (plan.name, f"{plan.round_trip * 1000:.0f} ms", f"{plan.seconds:.0f} s", f"{found.rate:.1f}", found.refused,
             found.arrived, found.lost, f"{replies.came} of {replies.asked}", *(ms(one) for one in (replies.p50, replies.p95, replies.p99, replies.longest)))
        )  # fmt: skip
        sheet.note(f"rate: {rows[-1]}")
    sheet.add(
        f"rate: {CHECK_INS:,} check-ins due at once, {A_SECOND} messages a second allowed, {ASKED_A_SECOND} questions a second",
        f"""Sends a second from {SETTLE:.0f} s after the first until the end (the most that is allowed: {A_SECOND}); 429: refusals
        by the API; replies: from the moment a question exists in another chat until the first answer arrives at the API.
        "never": more than that share of the questions had no answer when the run ended. Lost: not arrived {DRAIN:.0f} s
        after the run, either. Peers send to the same chats by gather, and answer with one handler.""",
        (
            "",
            "API away",
            "run",
            "sends/s",
            "429",
            "arrived",
            "lost",
            "answered",
            "reply p50",
            "p95",
            "p99",
            "longest",
        ),
        rows,
    )


def _measure(plan: Plan) -> Found:
    people = CHECK_INS + int(ASKED_A_SECOND * plan.seconds * 1.5) + 20
    with (
        Emulator(people, a_second=A_SECOND, round_trip=plan.round_trip) as emulator,
        _sender(plan, emulator, people) as process,
    ):
        process.wait_for("is at work" if plan.limiter is None else "ready")
        emulator.play(rate=ASKED_A_SECOND, seconds=plan.seconds - 2, first=CHECK_INS, texts=questions())
        emulator.wait_said(people * 10, plan.seconds)
        report = emulator.report()
        lost = "-"
        if plan.drain:
            emulator.wait_said(CHECK_INS + len(report["questions"]), DRAIN)
            lost = str(CHECK_INS - _broadcast(emulator.report()))
    moments = [at for at, _place in report["arrivals"]]
    return Found(
        rate=_rate(moments, plan.seconds),
        refused=report["counts"].get("sendMessage", {}).get("429", 0),
        replies=spread([None if done is None else done - asked for asked, done in report["questions"]]),
        arrived=_broadcast(report),
        lost=lost,
    )


def _broadcast(report: dict[str, Any]) -> int:
    return len({place for _at, place in report["arrivals"] if place < CHECK_INS})


def _rate(moments: Sequence[float], seconds: float) -> float:
    if not moments:
        return 0.0
    begin = moments[0] + SETTLE
    return steady_rate(moments, begin, moments[0] + seconds - 2)


@contextlib.contextmanager
def _sender(plan: Plan, emulator: Emulator, people: int) -> Iterator[Process]:
    if plan.limiter is not None:
        chats = [emulator.chat(place) for place in range(CHECK_INS)]
        with peer("peer_ptb", url=emulator.url, limiter=plan.limiter, broadcast=chats) as process:
            yield process
        return
    with open_clinic(emulator.url, messages_per_second=A_SECOND) as clinic:
        due = datetime.now(UTC) - timedelta(minutes=1)
        enrol_many(clinic, CHECK_INS, chat=emulator.chat, due=lambda _place: due)
        enrol_many(clinic, people - CHECK_INS, chat=lambda place: emulator.chat(CHECK_INS + place))
        clinic.database.close()
        with ours(clinic.config) as process:
            yield process
