"""Benchmark: how many messages a second leave when nothing but the program itself limits them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.bench.ceiling import CONNECTIONS, ceiling
from tests.bench.clinic import enrol_many, open_clinic
from tests.bench.process import Emulator, ours, peer
from tests.bench.sheet import Sheet, times

#: Messages, full and quick.
MESSAGES = (3_000, 1_000)
#: The longest a run may take, in seconds, full and quick; what has left by then counts.
LONGEST = (120.0, 15.0)
#: How long a queue may take to fill, in seconds.
FILL = 60.0
PEERS: tuple[tuple[str, dict[str, int]], ...] = (
    ("PTB, all by gather, defaults", {}),
    ("PTB, 16 at a time", {"at_once": 16, "pool": 32}),
    ("PTB, 32 at a time", {"at_once": 32, "pool": 32}),
)


def run(sheet: Sheet, quick: bool) -> None:
    """Measure ours and bare PTB, near and 80 ms away, and the emulator itself."""
    messages, longest = MESSAGES[quick], LONGEST[quick]
    rows = []
    for round_trip in (0.0, 0.08):
        mine: float | None = None
        for name, options in (("ours", None), *(PEERS[1:2] if quick else PEERS)):
            found = partial(_ours, sheet) if options is None else partial(_peer, options)
            rate, arrived, cpu = found(round_trip, messages, longest)
            mine = mine or rate
            rows.append(
                (name, f"{round_trip * 1000:.0f} ms", f"{rate:.0f}", f"{arrived:,} of {messages:,}", f"{cpu * 1000:.1f} ms",
                 "" if options is None else times(rate, mine))
            )  # fmt: skip
            sheet.note(f"capacity: {rows[-1]}")
    rows.append(
        (f"the emulator itself, {CONNECTIONS} connections", "0 ms", f"{ceiling(3_000):.0f}", "", "", "")
    )
    sheet.add(
        f"capacity: {messages:,} messages in line, each to another chat, no limits",
        f"""Messages that arrive a second, from the first tenth of them to the last; at most {longest:.0f} s. Ours takes them
        out of its outbox (SQLite, synchronous=FULL), renders, sends, and records each; peers send a fixed text that is
        stored nowhere. The last column compares with ours.""",
        ("", "API away", "sends/s", "arrived", "CPU a send", "to ours"),
        rows,
    )


def _ours(sheet: Sheet, round_trip: float, messages: int, longest: float) -> tuple[float, int, float]:
    """Fill the outbox at one message a second, then start anew without a pace."""
    with (
        Emulator(messages, round_trip=round_trip) as emulator,
        open_clinic(emulator.url, messages_per_second=1) as clinic,
    ):
        due = datetime.now(UTC) - timedelta(minutes=1)
        enrol_many(clinic, messages, chat=emulator.chat, due=lambda _place: due)
        clinic.database.close()
        with ours(clinic.config) as process:
            process.wait_for("is at work")
            left = _wait_until_queued(clinic.config.parent / "bench.db")
        if left:
            sheet.note(f"capacity: {left:,} messages are not in line yet; they join it while it is measured")
        already = emulator.wait_said(messages, 0)
        clinic.change(messages_per_second=1000)
        with ours(clinic.config) as process:
            process.wait_for("is at work")
            before = process.cpu()
            arrived = emulator.wait_said(messages, longest)
            cpu = process.cpu() - before
        moments = [at for at, _place in emulator.report()["arrivals"]][already:]
    return _rate(moments), arrived, cpu / max(arrived - already, 1)


def _wait_until_queued(path: Path) -> int:
    """Wait until every check-in has become a message in line, or no more of them do; return how many have not."""
    left, since, end = -1, time.time(), time.time() + FILL
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        while left != 0 and time.time() < end and time.time() - since < 5:
            (now,) = connection.execute("SELECT count(*) FROM check_ins WHERE state = 'scheduled'").fetchone()
            if now != left:
                left, since = now, time.time()
            time.sleep(0.05)
    connection.close()
    return left


def _peer(
    options: dict[str, int], round_trip: float, messages: int, longest: float
) -> tuple[float, int, float]:
    with Emulator(messages, round_trip=round_trip) as emulator:
        chats = [emulator.chat(place) for place in range(messages)]
        with peer("peer_ptb", url=emulator.url, broadcast=chats, **options) as process:
            process.wait_for("ready")
            before = process.cpu()
            arrived = _until_it_stops(emulator, messages, longest)
            cpu = process.cpu() - before
        moments = [at for at, _place in emulator.report()["arrivals"]]
    return _rate(moments), arrived, cpu / max(arrived, 1)


def _until_it_stops(emulator: Emulator, messages: int, longest: float) -> int:
    """Wait until all has arrived, or nothing more does for a while: messages may be lost."""
    end, arrived = time.time() + longest, -1
    while time.time() < end:
        now = emulator.wait_said(messages, 3)
        if now in (messages, arrived):
            return now
        arrived = now
    return arrived


def _rate(moments: Sequence[float]) -> float:
    """Return messages a second, without the first tenth, in which it is still starting."""
    kept = moments[len(moments) // 10 :]
    return (len(kept) - 1) / (kept[-1] - kept[0]) if len(kept) > 1 else 0.0
