"""Benchmark: how fast reminders are scheduled, in one import and one by one, ours and the peers'."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from bot.storage import check_ins
from bot.storage.database import Database
from bot.storage.tables import Treatment
from tests.bench.clinic import enrol_many, open_clinic
from tests.bench.peers import has_procrastinate, plain_address
from tests.bench.process import Emulator, peer
from tests.bench.sheet import Sheet, times
from tests.kit.postgres import Server

#: How many are scheduled in one import, and how many one by one (the rate is what counts), full and quick.
IMPORT, ONE_BY_ONE = (100_000, 10_000), (5_000, 1_000)
#: APScheduler's stores take minutes for more.
PEER_ONE_BY_ONE = (2_000, 300)
STEP = "24h"
NOWHERE = "http://127.0.0.1:9"


def run(sheet: Sheet, quick: bool, server: Server) -> None:
    """Measure adding."""
    many, few, peer_few = (pair[quick] for pair in (IMPORT, ONE_BY_ONE, PEER_ONE_BY_ONE))
    rows: list[tuple[str, ...]] = []
    with TemporaryDirectory(prefix="aftercare-bench-") as folder, Emulator(1) as emulator:
        mine = _ours(f"sqlite:///{folder}/ours.db", many, few)
        rows += _rows("ours, SQLite (synchronous=FULL)", mine, many, few, mine)
        rows += _rows("ours, PostgreSQL", _ours(server.fresh_database(), many, few), many, few, mine)
        memory = _jobs(emulator, many, None)
        rows += _rows("PTB, JobQueue in memory (none survives)", (None, memory), many, many, mine)
        stored = _jobs(emulator, peer_few, f"sqlite:///{Path(folder) / 'jobs.db'}")
        rows += _rows("PTB + SQLAlchemyJobStore, SQLite", (None, stored), many, peer_few, mine)
        stored = _jobs(emulator, peer_few, server.fresh_database())
        rows += _rows("PTB + SQLAlchemyJobStore, PostgreSQL", (None, stored), many, peer_few, mine)
        if has_procrastinate(sheet):
            given = {
                "url": emulator.url,
                "store": plain_address(server.fresh_database()),
                "jobs": few,
                "many": many,
            }
            with peer("peer_procrastinate", mode="add", **given) as process:
                found = process.result(600)
            rates = (many / found["batched"], few / found["seconds"])
            rows += _rows("procrastinate, PostgreSQL", rates, many, few, mine)
    sheet.add(
        "schedule: adding reminders",
        """One import: all in one call (ours: one transaction; procrastinate: batches of 1,000). One by one: each in a
        transaction of its own, on the disk when the call returns (the JobQueue in memory: nowhere). Sizes are what was
        measured; the last column compares with ours on SQLite. APScheduler has no call for many.""",
        ("", "how", "reminders", "a second", "to ours"),
        rows,
    )


def _rows(
    name: str, rates: tuple[float | None, float], many: int, few: int, ours: tuple[float, float]
) -> Iterator[tuple[str, ...]]:
    for how, number, rate, mine in (
        ("one import", many, rates[0], ours[0]),
        ("one by one", few, rates[1], ours[1]),
    ):
        if rate is not None:
            yield name, how, f"{number:,}", f"{rate:,.0f}", "" if rates is ours else times(rate, mine)


def _ours(url: str, many: int, few: int) -> tuple[float, float]:
    """Return how many a second are scheduled in one import, and one by one."""
    with open_clinic(NOWHERE, database_url=url) as clinic:
        enrol_many(clinic, 1, chat=lambda place: place + 1)
        database = clinic.database
        treatment = database.call(lambda session: session.scalars(select(Treatment)).one())
        due = datetime.now(UTC) + timedelta(days=10)
        rows = [
            check_ins.Planned(
                treatment_id=treatment.id,
                patient_id=treatment.patient_id,
                step=STEP,
                due_at=due + timedelta(seconds=place % 3600),
                expires_at=due + timedelta(days=1),
            )
            for place in range(many)
        ]
        began = time.perf_counter()
        database.call(check_ins.add_many, rows)
        imported = many / (time.perf_counter() - began)
        return imported, few / _one_by_one(database, treatment, due, few)


def _one_by_one(database: Database, treatment: Treatment, due: datetime, number: int) -> float:
    began = time.perf_counter()
    for _ in range(number):
        database.call(check_ins.add, treatment, STEP, due, due + timedelta(days=1))
    return time.perf_counter() - began


def _jobs(emulator: Emulator, number: int, store: str | None) -> float:
    with peer("peer_jobs", url=emulator.url, mode="add", jobs=number, store=store) as process:
        return number / float(process.result(600)["seconds"])
