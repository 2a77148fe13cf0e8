"""Benchmark: reminders that fell due while nobody ran, and 10,000 that are due at one instant."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.clinic import enrol_many, open_clinic
from tests.bench.heartbeat import last_report
from tests.bench.peers import has_procrastinate, plain_address
from tests.bench.process import END, Emulator, Process, ours, peer
from tests.bench.sheet import Sheet, ms
from tests.kit.postgres import Server

#: Reminders in the store, spread over 48 hours; two hours' worth of them fall due while nobody runs.
STORED, HOURS, DOWN = (100_000, 10_000), 48, 2
AT_ONE_INSTANT = (10_000, 1_000)
#: How long a run may take, in seconds, full and quick.
LONGEST = (120.0, 15.0)
#: Nothing more is expected when nothing has come for so long from a process that is not blocked, in seconds.
STILL = 5.0
TUNED = {"lenient": True, "at_once": 16, "pool": 32}

Due = Sequence[tuple[int, float]]
"""Places in the emulator's crowd, with the moment (seconds since 1970) at which each is due."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of what was due."""

    arrived: int
    twice: int
    #: How far back in due time a message ever stepped behind one that had left before it, in seconds.
    step_back: float
    #: Whether the process was still blocked when the run ended.
    blocked: bool
    #: From the first arrival to the last.
    seconds: float
    #: From the start of the process to the first arrival.
    first: float | None
    memory: float
    longest: float | None


# --- a restart -------------------------------------------------------------------------------------------


def restart(sheet: Sheet, quick: bool, server: Server) -> None:
    """Measure what becomes of what fell due in two hours of standstill."""
    stored, longest = STORED[quick], LONGEST[quick]
    late = stored * DOWN // HOURS
    rows = []
    for name, start in _contenders(sheet, server, quick=quick):
        due = _spread(stored, late)
        with Emulator(late) as emulator, start(emulator, due) as process:
            found = _watch(emulator, process, due, late, longest)
        rows.append(
            (name, f"{found.arrived:,} of {late:,}", _dropped(found, late), found.twice, f"{found.step_back:.0f} s",
             ms(found.first), f"{found.seconds:.1f} s", _rate(found), f"{found.memory:.0f} MB")
        )  # fmt: skip
        sheet.note(f"schedule, restart: {rows[-1]}")
    sheet.add(
        f"schedule: {stored:,} reminders over {HOURS} h, started again after {DOWN} h in which {late:,} fell due",
        f"""Each is a message to another chat, stored in no order; arrivals at the API, without limits, at most
        {longest:.0f} s. Step back: how far a message came behind one that was due later. Tuned: misfire_grace_time=None,
        {TUNED["at_once"]} sends at a time. A JobQueue in memory has nothing left after a restart.""",
        ("", "fired", "dropped", "twice", "step back", "first", "all within", "sends/s", "memory"),
        rows,
    )


def _spread(stored: int, late: int) -> list[tuple[int, float]]:
    """Return reminders evenly over the hours, the first *late* of them in the past, in no order.

    Those of the future go to nobody in the crowd: they are not seen here.
    """
    now = time.time()
    gap = HOURS * 3600 / stored
    due = [(place, now - DOWN * 3600 + place * gap - (0 if place >= late else 5)) for place in range(stored)]
    due = [(place, at if place < late else max(at, now + 3600)) for place, at in due]
    random.Random(1).shuffle(due)
    return due


# --- at one instant --------------------------------------------------------------------------------------


def at_once(sheet: Sheet, quick: bool, server: Server) -> None:
    """Measure how long the event loop is blocked when many are due at one instant."""
    number, longest = AT_ONE_INSTANT[quick], LONGEST[quick]
    rows = []
    for name, start in (*_contenders(sheet, server, quick=quick, inside=True), *_in_memory()):
        moment = (
            time.time() + 1
        )  # is over when the scene is set; the JobQueues in memory set their own, see there
        due = [(place, moment) for place in range(number)]
        with Emulator(number) as emulator, start(emulator, due) as process:
            found = _watch(emulator, process, due, number, longest)
        rows.append(
            (name, f"{found.arrived:,} of {number:,}", found.twice, ms(found.longest, "-"), _rate(found), f"{found.seconds:.1f} s")
        )  # fmt: skip
        sheet.note(f"schedule, at once: {rows[-1]}")
    sheet.add(
        f"schedule: {number:,} reminders due at one instant",
        f"""Blocked: the longest time for which the event loop of the process did nothing else, by a heartbeat of 1 ms in
        it. Each is a message to another chat; at most {longest:.0f} s, so "fired" is what had arrived by then.""",
        ("", "fired", "twice", "loop blocked", "sends/s", "within"),
        rows,
    )


# --- who is measured -------------------------------------------------------------------------------------

Start = Callable[[Emulator, Due], contextlib.AbstractContextManager[Process]]


def _contenders(
    sheet: Sheet, server: Server, *, quick: bool, inside: bool = False
) -> Iterator[tuple[str, Start]]:
    yield "ours, SQLite", partial(_ours, None, inside)
    if not quick:
        yield "ours, PostgreSQL", partial(_ours, server, inside)
    yield "PTB + SQLAlchemyJobStore, SQLite", partial(_jobs, None, {})
    yield "… tuned", partial(_jobs, None, TUNED)
    if not quick:
        yield "PTB + SQLAlchemyJobStore, PostgreSQL", partial(_jobs, server, {})
        yield "… tuned", partial(_jobs, server, TUNED)
    if has_procrastinate(sheet):
        yield "procrastinate, PostgreSQL, 16 at a time", partial(_procrastinate, server)


def _in_memory() -> Iterator[tuple[str, Start]]:
    yield "PTB, JobQueue in memory", partial(_memory, {})
    yield "… tuned", partial(_memory, TUNED)


@contextlib.contextmanager
def _ours(server: Server | None, inside: bool, emulator: Emulator, due: Due) -> Iterator[Process]:
    url = server.fresh_database() if server else None
    with open_clinic(emulator.url, database_url=url, messages_per_second=1000) as clinic:
        enrol_many(
            clinic,
            len(due),
            chat=lambda place: emulator.chat(due[place][0]),
            due=lambda place: datetime.fromtimestamp(due[place][1], UTC),
        )
        clinic.database.close()
        with peer("ours_inside", config=str(clinic.config)) if inside else ours(clinic.config) as process:
            process.wait_for("ready" if inside else "is at work")
            yield process


@contextlib.contextmanager
def _jobs(server: Server | None, options: dict[str, Any], emulator: Emulator, due: Due) -> Iterator[Process]:
    with _due_file(emulator, due) as (folder, path):
        store = server.fresh_database() if server else f"sqlite:///{folder / 'jobs.db'}"
        given = {"url": emulator.url, "store": store, "due_file": str(path), **options}
        with peer("peer_jobs", mode="fill", **given) as filling:
            filling.result(300)
        with peer("peer_jobs", mode="run", **given) as process:
            process.wait_for("ready")
            yield process


@contextlib.contextmanager
def _memory(options: dict[str, Any], emulator: Emulator, due: Due) -> Iterator[Process]:
    soon = time.time() + 3 + len(due) / 2_000  # the moment must still be ahead when the last one is added
    with (
        _due_file(emulator, [(place, soon) for place, _at in due]) as (_folder, path),
        peer("peer_jobs", mode="memory", url=emulator.url, due_file=str(path), **options) as process,
    ):
        process.wait_for("ready")
        time.sleep(max(soon - time.time(), 0))
        yield process


@contextlib.contextmanager
def _procrastinate(server: Server, emulator: Emulator, due: Due) -> Iterator[Process]:
    with _due_file(emulator, due) as (_folder, path):
        given = {
            "url": emulator.url,
            "store": plain_address(server.fresh_database()),
            "due_file": str(path),
            "at_once": 16,
        }
        with peer("peer_procrastinate", mode="fill", **given) as filling:
            filling.result(300)
        with peer("peer_procrastinate", mode="run", **given) as process:
            process.wait_for("ready")
            yield process


@contextlib.contextmanager
def _due_file(emulator: Emulator, due: Due) -> Iterator[tuple[Path, Path]]:
    """Write what is due, as chat ids, into a file: it is too long for a command line."""
    with TemporaryDirectory(prefix="aftercare-bench-") as folder:
        path = Path(folder) / "due.json"
        path.write_text(json.dumps([(emulator.chat(place), at) for place, at in due]))
        yield Path(folder), path


# --- watching --------------------------------------------------------------------------------------------


def _watch(emulator: Emulator, process: Process, due: Due, expected: int, longest: float) -> Found:
    """Wait until all has arrived, or nothing comes any more; then end the process and count."""
    now = time.time()
    end, arrived, since = now + longest, 0, now
    while now < end and arrived < expected and (now - since < STILL or _is_blocked(process, now)):
        said = emulator.wait_said(expected, min(1.0, end - now))
        now = time.time()
        if said != arrived:
            arrived, since = said, now
    memory = process.memory()
    arrivals = emulator.report()["arrivals"]
    blocked = _is_blocked(process, now)
    process.end(2.0 if blocked else END)
    heart = last_report(process.written())
    worst = max(heart.longest, now - heart.at if blocked else 0.0) if heart is not None else None
    return _count(arrivals, dict(due), process.started, memory, worst, blocked=blocked)


def _is_blocked(process: Process, now: float) -> bool:
    heart = last_report(process.written())
    return heart is not None and heart.blocked(now)


def _count(
    arrivals: Sequence[tuple[float, int]],
    due: dict[int, float],
    started: float,
    memory: float,
    worst: float | None,
    *,
    blocked: bool,
) -> Found:
    latest = step_back = 0.0
    for _at, place in arrivals:
        step_back = max(step_back, latest - due[place])
        latest = max(latest, due[place])
    moments = [at for at, _place in arrivals]
    return Found(
        arrived=len({place for _at, place in arrivals}),
        twice=len(arrivals) - len({place for _at, place in arrivals}),
        step_back=step_back,
        seconds=moments[-1] - moments[0] if moments else 0.0,
        first=moments[0] - started if moments else None,
        memory=memory,
        longest=worst,
        blocked=blocked,
    )


def _dropped(found: Found, expected: int) -> str:
    """Return how many never came; while a process is blocked nobody knows."""
    return "still blocked" if found.blocked else str(expected - found.arrived)


def _rate(found: Found) -> str:
    return f"{found.arrived / found.seconds:.0f}" if found.seconds > 0.5 else "-"
