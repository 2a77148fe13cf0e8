"""Trouble with SQLite under a mixed load: its disk is full, or another program holds it. The process lives, and waits."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.journeys.conftest import Trials
from tests.kit.crowd import Load
from tests.kit.disk import Disk, LimitedProcess, disk_that_runs_full

#: For so long the disk is full, and the database locked, in seconds; a single call waits for 10 seconds at most.
FULL, LOCKED = 4.0, 15.0


@pytest.mark.parametrize("kind", ["small disk", "limited process"])
async def test_a_full_disk_loses_nothing(trial: Trials, tmp_path: Path, kind: str) -> None:
    """Nothing is acknowledged that was not stored; with room again everything goes on, in the same process."""
    with contextlib.ExitStack() as stack:
        folder = tmp_path / "disk"
        if kind == "small disk":
            disk: Disk = stack.enter_context(disk_that_runs_full(folder))
        else:
            disk = LimitedProcess()
            folder.mkdir()
        async with asyncio.timeout(90), trial(seed=7, disk=folder) as on:
            on.crowd.plan(Load(), seconds=10)
            async with on.crowd.at_large():
                bot = await on.start()
                await on.until_called(40)
                disk.fill(bot.pid)
                await bot.has_said(disk.said)
                await asyncio.sleep(FULL)
                waiting, in_vain = len(on.sandbox.world.updates.waiting()), on.tally.acknowledged_in_vain()
                disk.clear(bot.pid)
                await on.crowd.rest()
                await bot.stopped()
            on.verdict(
                f"{type(disk).__name__}, full for {FULL} s, {waiting} updates stayed with Telegram:",
                most_late=30,
            )
            assert in_vain == []
            assert waiting > 0


async def test_a_locked_database_loses_nothing(trial: Trials) -> None:
    """Another program (a backup, a viewer) holds it for 15 seconds: the process waits, and everything is done after that."""
    async with asyncio.timeout(120), trial(seed=8) as on:
        on.crowd.plan(Load(), seconds=20)
        async with on.crowd.at_large():
            bot = await on.start()
            await on.until_called(40)
            path = on.clinic.database_url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(LOCKED)
                waiting, in_vain = len(on.sandbox.world.updates.waiting()), on.tally.acknowledged_in_vain()
                other.execute("ROLLBACK")
            await on.crowd.rest()
            await bot.stopped()
        on.verdict(f"locked for {LOCKED} s, {waiting} updates stayed with Telegram:", most_late=40)
        assert in_vain == []
        assert waiting > 0
        assert "is locked" in bot.output or "DatabaseAway" in bot.output
