"""Tests of the bell, on APScheduler itself: it rings when something is due, also when that changes or was long ago.

Staff hear of a downtime once, whatever comes between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from telegram.ext import Application

from bot.chat.bell import Bell
from bot.service import dispatch, downtime, keep_house
from bot.service.ports import Tools
from bot.storage import inbox
from bot.storage.database import DatabaseAway, Session
from bot.storage.lease import LeaseLost
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
        self.bells: list[Bell] = []

    def now(self) -> datetime:
        """Return the moment, which a test may shift."""
        return datetime.now(UTC) + self.ahead

    def bell(self, look: float = NEVER) -> Bell:
        """Return a bell that looks every *look* seconds."""
        bell = Bell(
            self.tools, self.application, now=self.now, look=look, on_duty=lambda _: None, rung=self._note
        )
        self.bells.append(bell)
        return bell

    def was_down(self, duration: timedelta) -> None:
        """Let the bot have been down until now, as who takes the lease notes it."""
        self.tools.database.call(downtime.note, self.now() - duration, self.now())

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
    ringing = Ringing(application, tools)
    yield ringing
    for bell in ringing.bells:
        await bell.end()
    await application.stop()
    await application.shutdown()


async def test_it_rings_at_the_next_due_moment_without_any_tick(ringing: Ringing) -> None:
    """The moment is found in the database at the start; nothing else wakes the bell."""
    ringing.due(ringing.now() + timedelta(seconds=0.6))
    ringing.bell().start()

    assert len(await ringing.says(ANA.id, "is ready")) == 1
    await asyncio.sleep(0.2)
    assert ringing.rung == 1


async def test_a_sooner_moment_is_found_when_something_changed(ringing: Ringing) -> None:
    """A treatment that was just registered may be due before all others."""
    bell = ringing.bell()
    bell.start()
    await asyncio.sleep(0.3)
    assert ringing.said(ANA.id) == []
    ringing.due(ringing.now() + timedelta(seconds=0.8))
    bell.changed()
    bell.changed()

    assert len(await ringing.says(ANA.id, "is ready")) == 1


async def test_what_another_process_wrote_is_found_at_the_next_look(ringing: Ringing) -> None:
    """`aftercare invite`, or a clock that was set: nobody tells the bell."""
    ringing.bell(look=0.2).start()
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
    ringing.bell(look=0.1).start()

    assert len(await ringing.says(ANA.id, "is ready")) == 1
    assert not away


async def test_a_clock_that_is_set_back_does_not_stop_the_looks(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """APScheduler's next run then lies hours ahead; who looks by itself does not ask that clock."""
    ringing.bell(look=0.05).start()
    await asyncio.sleep(0.2)
    back = timedelta(hours=3)
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", _Late(back))
    monkeypatch.setattr("apscheduler.triggers.interval.datetime", _Late(back))
    ringing.ahead = -back
    ringing.due(ringing.now() + timedelta(seconds=0.2))

    await ringing.says(ANA.id, "is ready")


async def test_after_a_fault_of_ours_it_looks_again(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says where; the bell does not fall silent for ever."""
    due, faults = dispatch.due, [RuntimeError("a fault")]

    def at_first_not(*arguments: Any, **more: Any) -> Any:
        if faults:
            raise faults.pop()
        return due(*arguments, **more)

    monkeypatch.setattr(dispatch, "due", at_first_not)
    ringing.due(ringing.now() - timedelta(minutes=1))
    ringing.bell(look=0.05).start()

    await ringing.says(ANA.id, "is ready")
    assert "RuntimeError" in caplog.text


async def test_the_moment_that_is_armed_survives_the_database_away(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing rang at the moment itself; a look finds it and arms for the next."""
    ringing.due(ringing.now() + timedelta(seconds=0.5))
    bell = ringing.bell(look=0.8)
    away: list[int] = []
    run = ringing.tools.database.run

    async def away_at_the_moment(*arguments: Any) -> Any:
        if bell._armed is None and bell._armed_for is not None and not away:
            away.append(1)
            raise DatabaseAway("locked")
        return await run(*arguments)

    monkeypatch.setattr(ringing.tools.database, "run", away_at_the_moment)
    bell.start()
    await ringing.says(ANA.id, "is ready")
    await asyncio.sleep(0.2)

    assert away
    assert bell._armed is not None


async def test_ended_nothing_of_it_runs(ringing: Ringing) -> None:
    """A stop waits for the batch at hand, and leaves no loop behind."""
    bell = ringing.bell(look=0.01)
    bell.start()
    await asyncio.sleep(0.05)
    await bell.end()

    assert bell._looking is not None
    assert bell._looking.done()
    assert not bell._looking.cancelled()


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
    ringing.was_down(timedelta(hours=12))
    ringing.bell().start()
    await ringing.says(GROUP, "I was not running")
    await asyncio.sleep(0.2)

    (told,) = ringing.said(GROUP)
    assert "Please call" in told
    assert "A1023" in told
    assert ringing.said(ANA.id) == []


async def test_staff_are_told_when_the_database_went_away_in_between(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there for what was due and away for the word to staff: the next look tells it, with the list."""
    run, asked = ringing.tools.database.run, []

    async def away_for_the_word(function: Any, *arguments: Any) -> Any:
        if function.__name__ == "_tell":
            asked.append(function)
            if len(asked) < 3:
                raise DatabaseAway("full")
        return await run(function, *arguments)

    monkeypatch.setattr(ringing.tools.database, "run", away_for_the_word)
    ringing.due(ringing.now() - timedelta(hours=11))
    ringing.was_down(timedelta(hours=12))
    ringing.bell(look=0.05).start()
    await ringing.says(GROUP, "Please call")
    await asyncio.sleep(0.3)

    (told,) = ringing.said(GROUP)
    assert "I was not running" in told
    assert "A1023" in told
    assert len(asked) == 3


async def test_who_was_killed_before_the_word_leaves_it_to_the_next(ringing: Ringing) -> None:
    """Killed between what was due and the word to staff; the next start, 5 s later, tells both."""
    ringing.due(ringing.now() - timedelta(hours=11))
    ringing.was_down(timedelta(hours=12))
    killed = ringing.bell()
    await ringing.tools.database.run(killed._due)
    assert ringing.said(GROUP) == []

    ringing.was_down(timedelta(seconds=5))
    ringing.bell().start()
    await ringing.says(GROUP, "I was not running")

    (told,) = ringing.said(GROUP)
    assert "A1023" in told


async def test_a_word_that_cannot_be_made_does_not_keep_back_the_lists(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours: it stays noted for the next start, is said once in the log, and the bell goes on as ever."""
    with monkeypatch.context() as patch:
        patch.setattr(downtime, "tell_staff", _fails)
        ringing.was_down(timedelta(hours=12))
        bell = ringing.bell()
        await bell.ring()
        await bell.ring()
    ringing.due(ringing.now() - timedelta(hours=11))
    await bell.ring()

    (told,) = ringing.said(GROUP)
    assert "Please call" in told
    assert caplog.text.count("Staff could not be told of the downtime.") == 1
    await ringing.bell().ring()
    assert "I was not running" in ringing.said(GROUP)[-1]


async def test_stopped_in_the_middle_it_tells_no_half_list(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not yet put out is missing in it: the next start tells."""
    bell = ringing.bell()
    due = dispatch.due

    def stopped_meanwhile(*arguments: Any, **more: Any) -> Any:
        bell.stop()
        return due(*arguments, **more)

    monkeypatch.setattr(dispatch, "due", stopped_meanwhile)
    ringing.was_down(timedelta(hours=12))
    await bell.ring()

    assert ringing.said(GROUP) == []
    assert ringing.tools.database.call(downtime.noted) is not None


async def test_who_is_not_on_duty_any_more_tells_nothing(ringing: Ringing) -> None:
    """Another process has taken over; the word is its own, too."""
    ringing.was_down(timedelta(hours=12))
    bell = ringing.bell()
    asked = []

    def lost(_session: Session) -> None:
        asked.append(1)
        if len(asked) > 1:
            raise LeaseLost("taken over")

    bell._on_duty = lost
    with pytest.raises(LeaseLost):
        await bell.ring()

    assert ringing.said(GROUP) == []
    assert ringing.tools.database.call(downtime.noted) is not None


async def test_a_short_stop_is_not_worth_a_word(ringing: Ringing) -> None:
    """An update of the program bothers nobody; what is too late is listed as ever."""
    ringing.due(ringing.now() - timedelta(hours=11))
    ringing.was_down(timedelta(seconds=30))
    ringing.bell().start()
    await ringing.says(GROUP, "Please call")

    assert not any("not running" in text for text in ringing.said(GROUP))


async def test_the_house_is_kept_at_half_past_three_in_the_clinics_night(ringing: Ringing) -> None:
    """In the clinic's own zone, whatever the machine's is; and no job is dropped for being late."""
    ringing.bell().start()
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


async def test_the_house_is_kept_until_nothing_is_left_unless_the_bot_stops(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch after batch, each a transaction of its own; an end comes between two of them, a database away ends the night."""
    left: list[bool] = [True, True, False]
    calls: list[bool] = []

    def tidy(*_: object) -> keep_house.Counts:
        calls.append(left[len(calls)])
        return keep_house.Counts(patients=1, more=calls[-1])

    monkeypatch.setattr(keep_house, "tidy", tidy)
    bell = ringing.bell()
    await bell._tidy(Any)  # type: ignore[arg-type]
    assert calls == left

    calls.clear()
    left[0] = False
    bell.stop()
    await bell._tidy(Any)  # type: ignore[arg-type]
    assert calls == []


async def test_a_database_away_at_night_ends_nothing(
    ringing: Ringing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is for the next night."""

    def away(*_: object) -> keep_house.Counts:
        raise DatabaseAway("The database does not answer.")

    monkeypatch.setattr(keep_house, "tidy", away)
    await ringing.bell()._tidy(Any)  # type: ignore[arg-type]


class _Late:
    """In place of `datetime` in a module: a clock on the wall that was set back."""

    def __init__(self, back: timedelta) -> None:
        self._back = back

    def now(self, zone: Any = None) -> datetime:
        """Return the moment that the clock shows."""
        return datetime.now(zone) - self._back

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime, name)


def _fails(*_: object, **__: object) -> int:
    raise RuntimeError("a fault of ours")
