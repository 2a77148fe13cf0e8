"""Benchmark: scheduling 100,000 reminders, what becomes of those that fall due while nobody runs, and many at once."""

from __future__ import annotations

from tests.bench import schedule_add, schedule_fire
from tests.bench.sheet import Sheet
from tests.kit.postgres import own_server


def run(sheet: Sheet, quick: bool) -> None:
    """Measure adding, a restart after two hours, and 10,000 at one instant; PostgreSQL waits for the disk as SQLite does."""
    with own_server(durable=True) as server:
        schedule_add.run(sheet, quick, server)
        schedule_fire.restart(sheet, quick, server)
        schedule_fire.at_once(sheet, quick, server)
