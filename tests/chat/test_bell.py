"""Tests of the bell, on APScheduler itself: it rings when something is due, also when that changes or was long ago."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from telegram.ext import Application

from bot.chat.bell import Bell
from bot.service.ports import Tools
from bot.storage import inbox
from bot.storage.database import DatabaseAway, Session
from bot.storage.tables import CheckIn, OutboxRow
from tests.kit.offline import OfflineRequest
from tests.kit.story import ANA, GROUP, Story

NEVER = 3600.0


class Ringing:
    """A bell on the real clock, over an offline Telegram."""

    def __init__(self, application: Any, tools: Tools) -> None:
        self.application = application
        self.tools = tools
        self.rung = 0
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the moment, which a test may shift."""
        return datetime.now(UTC) + self.ahead

    def bell(self, look: float = NEVER) -> Bell:
        """Return a bell that looks every *look* seconds."""
        return Bell(
            self.tools, self.application, now=self.now, look=look, on_duty=lambda _: None, rung=self._note
        )

    def _note(self) -> None:
        self.rung += 1

    def due(self, moment: datetime) -> None:
        """Let the first check-in be due at *moment*, with a grace of ten hours."""
        times = {"due_at": moment, "expires_at": moment + timedelta(hours=10)}
        self.tools.database.call(
            lambda session: session.execute(update(CheckIn).where(CheckIn.step == "h24").values(**times))
        )

    def said(self, chat_id: int) -> list[str]:
        """Return what was put in line for a chat since the story ended."""

        def look(session: Session) -> list[str]:
            rows = session.query(OutboxRow).filter_by(chat_id=chat_id, state="queued").order_by(OutboxRow.id)
            return [str((row.payload or {}).get("text")) for row in rows]

        return self.tools.database.call(look)

    async def says(self, chat_id: int, words: str) -> list[str]:
        """Wait until *words* are in line for a chat; return all that is."""
        for _ in range(500):
            found = self.said(chat_id)
            if any(words in text for text in found):
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"nobody says {words!r}; in line: {self.said(chat_id)}")


@pytest.fixture
async def ringing(tools: Tools, offline: OfflineRequest) -> AsyncIterator[Ringing]:
    """Ana is enrolled with a plan of the usual check-ins, and the staff group is bound; nothing is due yet."""
    story = Story(tools=tools, now=datetime.now(UTC))
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "does it hurt?")
    builder = Application.builder().token("1:x").updater(None)
    application = builder.request(offline).get_updates_request(offline).build()
    await application.initialize()
    await application.start()
    yield Ringing(application, tools)
    await application.stop()
    await application.shutdown()


async def test_it_rings_at_the_next_due_moment_without_any_tick(ringing: Ringing) -> None:
    """The moment is found in the database at the start; nothing else wakes the bell."""
    ringing.due(ringing.now() + timedelta(seconds=0.6))
    ringing.bell().start(alive_before=None)

    assert len(await ringing.says(ANA.id, "is ready")) == 1
    await asyncio.sleep(0.2)
    assert ringing.rung == 1


async def test_a_sooner_moment_is_found_when_something_changed(ringing: Ringing) -> None:
    """A treatment that was just registered may be due before all others."""
    bell = ringing.bell()
    bell.start(alive_before=None)
    await asyncio.sleep(0.3)
    assert ringing.said(ANA.id) == []
    ringing.due(ringing.now() + timedelta(seconds=0.8))
    bell.changed()
    bell.changed()

    assert len(await ringing.says(ANA.id, "is ready")) == 1


async def test_what_another_process_wrote_is_found_at_the_next_look(ringing: Ringing) -> None:
    """`aftercare invite`, or a clock that was set: nobody tells the bell."""
    ringing.bell(look=0.2).start(alive_before=None)
    await asyncio.sleep(0.1)
    ringing.due(ringing.now() + timedelta(seconds=0.1))

    await ringing.says(ANA.id, "is ready")


async def test_while_the_database_is_away_it_waits_for_the_next_look(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was due meanwhile goes out then, once."""
    run, away = ringing.tools.database.run, [DatabaseAway("full") for _ in range(3)]

    async def sometimes_away(*arguments: Any) -> Any:
        if away:
            raise away.pop()
        return await run(*arguments)

    monkeypatch.setattr(ringing.tools.database, "run", sometimes_away)
    ringing.due(ringing.now() - timedelta(minutes=1))
    ringing.bell(look=0.1).start(alive_before=None)

    assert len(await ringing.says(ANA.id, "is ready")) == 1
    assert not away


async def test_stopped_it_is_silent(ringing: Ringing) -> None:
    """Nothing is put in line any more; it stays due."""
    ringing.due(ringing.now() - timedelta(minutes=1))
    bell = ringing.bell()
    bell.stop()

    assert await bell.ring() == 0
    assert ringing.said(ANA.id) == []


async def test_after_a_downtime_staff_get_one_message(ringing: Ringing) -> None:
    """From when to when, and whom to call; the check-in that is too late is not listed a second time."""
    ringing.due(ringing.now() - timedelta(hours=11))
    ringing.bell().start(alive_before=ringing.now() - timedelta(hours=12))
    await ringing.says(GROUP, "I was not running")
    await asyncio.sleep(0.2)

    (told,) = ringing.said(GROUP)
    assert "Please call" in told
    assert "A1023" in told
    assert ringing.said(ANA.id) == []


async def test_a_short_stop_is_not_worth_a_word(ringing: Ringing) -> None:
    """An update of the program bothers nobody; what is too late is listed as ever."""
    ringing.due(ringing.now() - timedelta(hours=11))
    ringing.bell().start(alive_before=ringing.now() - timedelta(seconds=30))
    await ringing.says(GROUP, "Please call")

    assert not any("not running" in text for text in ringing.said(GROUP))


async def test_the_house_is_kept_at_half_past_three_in_the_clinics_night(ringing: Ringing) -> None:
    """In the clinic's own zone, whatever the machine's is; and no job is dropped for being late."""
    ringing.bell().start(alive_before=None)
    jobs = {job.name: job for job in ringing.application.job_queue.jobs()}

    tidy = jobs["tidy"].job
    assert tidy.next_run_time.astimezone(UTC).strftime("%H:%M") == "19:30"  # 03:30 in Singapore
    assert {job.job.misfire_grace_time for job in jobs.values()} == {None}


async def test_words_kept_long_enough_are_gone_after_the_night(ringing: Ringing) -> None:
    """What APScheduler calls at half past three erases."""
    bell = ringing.bell()
    ringing.ahead = timedelta(days=60)
    before = ringing.tools.database.call(inbox.of_chat, ANA.id)
    await bell._tidy(Any)  # type: ignore[arg-type]

    assert before
    assert ringing.tools.database.call(inbox.of_chat, ANA.id) == []
