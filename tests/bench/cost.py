"""Benchmark: what it costs to have so many check-ins scheduled: memory, and the time until it is at work."""

from __future__ import annotations

import time
from statistics import median

from tests.bench.clinic import Clinic, enrol_many, open_clinic
from tests.bench.process import START, Emulator, Failed, Process, ours, peer
from tests.bench.sheet import Sheet

SIZES = (0, 1_000, 10_000, 100_000, 1_000_000)
PEER = "PTB, JobQueue in memory"
#: Check-ins of one patient.
STEPS = 2
#: The memory is read so many seconds after the start.
AFTER = 3.0


def run(sheet: Sheet, quick: bool) -> None:
    """Measure the real process with more and more scheduled, and PTB's JobQueue with as many jobs in memory."""
    sizes = [size for size in SIZES if not quick or size <= 100_000]
    starts = 1 if quick else 3
    rows = []
    with Emulator(1) as emulator, open_clinic(emulator.url) as clinic:
        with ours(clinic.config) as process:  # the first start of all reads everything from the disk
            process.wait_for("is at work")
        have = 0
        for size in sizes:
            if size > have:
                _grow(clinic, have // STEPS, (size - have) // STEPS)
                have = size
            found = [_watch(ours(clinic.config), "is at work") for _ in range(starts)]
            rows.append(_row("ours, SQLite", size, found))
            sheet.note(f"cost: {rows[-1]}")
        for size in sizes:
            try:
                found = [
                    _watch(peer("peer_jobs", url=emulator.url, mode="memory", jobs=size), "ready")
                    for _ in range(starts)
                ]
                rows.append(_row(PEER, size, found))
            except Failed:
                rows.append((PEER, f"{size:,}", f"not within {START:.0f} s", "-"))
            sheet.note(f"cost: {rows[-1]}")
    sheet.add(
        "cost: memory and start-up with so many check-ins scheduled",
        f"""Start-up: from the start of the process until it says that it is at work; memory: resident, {AFTER:.0f} s later.
        The median of {starts}. Ours reads all its words and what it learned of them; the JobQueue has to be given
        all jobs again at each start (here from a list: no database is read), because in memory none survives.""",
        ("", "scheduled", "start-up", "memory"),
        rows,
    )


def _grow(clinic: Clinic, patients: int, more: int) -> None:
    enrol_many(clinic, more, chat=lambda place: 10_000 + patients + place, steps=STEPS)
    clinic.database.engine.dispose()


def _watch(process: Process, words: str) -> tuple[float, float]:
    with process:
        start = process.wait_for(words)
        time.sleep(AFTER)
        return start, process.memory()


def _row(name: str, size: int, found: list[tuple[float, float]]) -> tuple[str, ...]:
    start, memory = (median(values) for values in zip(*found, strict=True))
    return name, f"{size:,}", f"{start:.2f} s", f"{memory:.0f} MB"
