"""Tests of turns: whose clock a time is written on."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.domain.patient import CheckInState
from bot.service import dispatch
from bot.service.turn import Turn, zone_of
from bot.storage import check_ins, patients
from bot.storage.database import Session
from tests.kit.story import ANA, GROUP, Story


def live_in(story: Story, zone: str | None) -> None:
    """Write a time zone into Ana's row."""

    def write(session: Session) -> None:
        patient = patients.by_chat(session, ANA.id)
        assert patient is not None
        patient.time_zone = zone

    story.tools.database.call(write)


def turn_of(story: Story) -> Turn:
    """Return a turn with Ana that may only be looked at."""

    def look(session: Session) -> Turn:
        patient = patients.by_chat(session, ANA.id)
        assert patient is not None
        session.expunge(patient)
        return Turn.with_patient(session, story.tools, patient, story.now)

    return story.tools.database.call(look)


async def test_a_patient_reads_times_on_their_own_clock_and_staff_on_the_branchs(story: Story) -> None:
    """15:00 in Singapore is 16:00 for a patient in Tokyo, and stays 15:00 for the clinic."""
    await story.enrols(ANA)
    live_in(story, "Asia/Tokyo")
    turn = turn_of(story)

    assert turn.clock(story.now) == "16:00"
    assert turn.clinic().clock(story.now) == "15:00"


async def test_a_zone_that_is_no_more_counts_as_none(story: Story) -> None:
    """A name that the tz database lost leads back to the branch's zone, and stops nobody."""
    await story.enrols(ANA)
    live_in(story, "Mars/Olympus")

    assert zone_of(story.tools, turn_of(story).patient, "main") == ZoneInfo("Asia/Singapore")


async def test_an_opening_is_said_on_both_clocks_where_they_differ(story: Story) -> None:
    """Nobody takes nine o'clock at the clinic for nine o'clock where they are."""
    await story.enrols(ANA)
    opens = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    assert turn_of(story).opening(opens) == "tomorrow at 09:00"
    live_in(story, "Asia/Kuching")  # another name, the same clock
    assert turn_of(story).opening(opens) == "tomorrow at 09:00"
    live_in(story, "America/New_York")
    assert turn_of(story).opening(opens) == (
        "Fri 20 Nov at 09:00, clinic time (for you: Thu 19 Nov at 20:00)"
    )


async def test_an_alert_of_a_traveller_tells_staff_the_clinics_times(story: Story) -> None:
    """Who was treated when is written on the branch's clock, whichever the patient has."""
    await story.binds()
    await story.enrols(ANA)
    live_in(story, "America/New_York")
    await story.says(ANA, "STOP")

    assert "treated today at 15:00" in story.sees(GROUP).text


async def test_nothing_is_asked_in_the_night_of_the_patients_own_zone(story: Story) -> None:
    """Late, at 14:00 in Singapore, it is two o'clock at night in New York: what is due waits for the morning there."""
    await story.enrols(ANA)
    live_in(story, "America/New_York")
    story.now = datetime(2026, 11, 20, 7, 20, tzinfo=UTC)  # 20 minutes late
    counts = story.tools.database.call(dispatch.due, story.tools, story.now)
    assert counts.moved_to_day == 1

    patient = turn_of(story).patient
    assert patient is not None
    row = story.tools.database.call(check_ins.all_of, patient.id)[0]
    assert row.state == CheckInState.SCHEDULED
    assert row.due_at == datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
