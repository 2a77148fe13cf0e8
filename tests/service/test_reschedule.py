"""Tests of scheduling again: in another night nothing is lost, nothing is asked twice, and steps give way as ever."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.patient import CheckInState
from bot.domain.plan import Plan, Plans, Step
from bot.service.ports import Tools
from bot.service.turn import zone_of
from bot.storage import check_ins, patients
from bot.storage.tables import CheckIn
from tests.conftest import THURSDAY
from tests.kit.story import ANA, BEN, Story

HOUR = timedelta(hours=1)


def utc(written: str) -> datetime:
    """Read "20T06:00" as that hour of November 2026, UTC."""
    return datetime.fromisoformat(f"2026-11-{written}").replace(tzinfo=UTC)


def rows(story: Story) -> list[CheckIn]:
    """Return Ana's check-ins in the order in which they are due."""
    patient = story.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    return story.tools.database.call(check_ins.all_of, patient.id)


def dues(story: Story) -> dict[str, datetime]:
    """Return when each of Ana's scheduled check-ins is due."""
    return {row.step: row.due_at for row in rows(story) if row.state == CheckInState.SCHEDULED}


def ready(story: Story) -> int:
    """Count the announcements Ana has had."""
    return sum("is ready" in text for text in story.texts(ANA))


async def test_another_night_gives_other_moments_and_the_grace_goes_along(story: Story) -> None:
    """24 h after 15:00 in Singapore it is 21:00 in Honolulu: the check-in waits for the morning there."""
    await story.enrols(ANA)
    assert dues(story) == {"h24": utc("20T07:00"), "h48": utc("21T07:00")}
    await story.says(ANA, "/timezone Honolulu")

    assert dues(story) == {"h24": utc("20T18:00"), "h48": utc("21T18:00")}
    assert [row.expires_at - row.due_at for row in rows(story)] == [10 * HOUR, 10 * HOUR]
    await story.later(hours=34, minutes=59)
    assert ready(story) == 0
    await story.later(minutes=1)
    assert ready(story) == 1


async def test_back_home_the_first_moments_are_back(story: Story) -> None:
    """Going and coming changes nothing; nor does saying the same twice."""
    await story.enrols(ANA)
    before = [(row.id, row.step, row.due_at, row.expires_at, row.state) for row in rows(story)]
    await story.says(ANA, "/timezone Honolulu")
    await story.says(ANA, "/timezone Honolulu")
    await story.taps(ANA, "Use the clinic's time")

    assert [(row.id, row.step, row.due_at, row.expires_at, row.state) for row in rows(story)] == before


async def test_what_would_have_been_asked_earlier_there_is_asked_now(story: Story) -> None:
    """It waited for the morning of Singapore; in New York it is afternoon and nothing is gained by waiting."""
    story.now = utc("19T14:00")  # 22:00 in Singapore
    await story.enrols(ANA)
    assert dues(story)["h24"] == utc("21T00:00")
    await story.later(hours=33)  # 07:00 in Singapore, 18:00 in New York
    await story.says(ANA, "/timezone New York")
    assert "in a moment" in story.sees(ANA).text
    await story.rings()

    assert ready(story) == 1
    assert "later than planned" not in story.sees(ANA).text
    assert rows(story)[0].expires_at == story.now + 10 * HOUR


async def test_what_would_have_been_asked_earlier_waits_for_the_night_that_it_is_there(story: Story) -> None:
    """In London it is 23:00: nobody is asked then, and nothing expires before the morning."""
    story.now = utc("19T14:00")
    await story.enrols(ANA)
    await story.later(hours=33)
    await story.says(ANA, "/timezone London")
    assert dues(story)["h24"] == utc("21T08:00")
    assert rows(story)[0].expires_at == utc("21T18:00")
    await story.later(hours=9)

    assert ready(story) == 1


async def test_what_is_due_already_waits_for_the_day_there_and_is_asked_once(story: Story) -> None:
    """The zone is set in the minute in which the check-in is due: 02:00 in New York."""
    await story.enrols(ANA)
    story.now += timedelta(hours=24, minutes=1)
    await story.says(ANA, "/timezone New York")
    assert dues(story)["h24"] == utc("20T13:00")
    await story.later(hours=24)

    assert ready(story) == 1


async def test_what_is_due_already_and_would_be_there_too_stays_as_it_is(story: Story) -> None:
    """After an interruption it is late in either zone: it is asked at once, and says so."""
    await story.enrols(ANA)
    story.now += timedelta(hours=27)
    await story.says(ANA, "/timezone Perth")
    assert dues(story)["h24"] == utc("20T07:00")
    await story.rings()

    assert ready(story) == 1
    assert "it was due today at 15:00" in story.sees(ANA).text


async def test_what_could_not_be_asked_in_time_is_listed_whatever_the_zone(story: Story) -> None:
    """A long interruption is none of the zone's business: staff hear of it."""
    await story.binds()
    await story.enrols(ANA)
    story.now += timedelta(hours=35)
    await story.says(ANA, "/timezone Honolulu")
    await story.rings()

    assert rows(story)[0].state == CheckInState.EXPIRED


async def test_what_has_been_asked_is_not_asked_again(story: Story) -> None:
    """Only what is still to come moves."""
    await story.enrols(ANA)
    await story.later(hours=24)
    asked = rows(story)[0]
    await story.says(ANA, "/timezone Honolulu")
    await story.later(hours=40)

    assert ready(story) == 2
    assert (rows(story)[0].id, rows(story)[0].due_at) == (asked.id, asked.due_at)


async def test_a_same_day_check_still_comes_before_the_night(story: Story) -> None:
    """Treated at 15:00, the breathing check of 19:00 is one of the evening in Auckland, where it would be 00:00."""
    await story.enrols(ANA, regions=("upper_back",))
    assert dues(story)["h4"] == utc("19T11:00")
    await story.says(ANA, "/timezone Auckland")  # it is 20:00 there

    assert dues(story)["h4"] == utc("19T08:00")  # 21:00
    await story.later(hours=1)
    assert ready(story) == 1


# --- giving way -------------------------------------------------------------------------------------------


def step(id_: str, hours: int) -> Step:
    """Return a step so many hours after the treatment."""
    return Step(id=id_, after=hours * HOUR, grace=6 * HOUR, nudge_after=4 * HOUR, questions=("water",))


@pytest.fixture
def dense(tools: Tools) -> Story:
    """A story of a clinic that asks after 6, 9 and 12 hours; it begins at 08:00 in Singapore."""
    plan = Plan(id="standard", steps=(step("h6", 6), step("h9", 9), step("h12", 12)))
    plans = tools.library.plans
    own = Plans(plans={"standard": plan}, questions=plans.questions, regions={"lower_back": "standard"})
    return Story(tools=replace(tools, library=replace(tools.library, plans=own)), now=utc("19T00:00"))


async def test_steps_give_way_and_come_back(dense: Story) -> None:
    """In New York all three wait for the same morning: the last is asked. In Singapore there is room for each."""
    await dense.enrols(ANA)
    at_home = dues(dense)
    assert list(at_home) == ["h6", "h9", "h12"]
    await dense.says(ANA, "/timezone New York")
    assert dues(dense) == {"h12": utc("19T13:00")}
    await dense.says(ANA, "/timezone Singapore")

    assert dues(dense) == at_home


async def test_a_step_does_not_come_back_behind_a_later_one(dense: Story) -> None:
    """What gave way to a step that has been asked since stays away."""
    await dense.enrols(ANA)
    await dense.says(ANA, "/timezone New York")
    await dense.later(hours=13)
    assert ready(dense) == 1
    await dense.says(ANA, "/timezone Honolulu")

    assert [row.step for row in rows(dense)] == ["h12"]


async def test_a_step_does_not_come_back_when_its_moment_is_over(dense: Story) -> None:
    """Six hours after the treatment are over; nine are still to come."""
    await dense.enrols(ANA)
    await dense.says(ANA, "/timezone New York")
    await dense.later(hours=7)
    await dense.says(ANA, "/timezone Singapore")

    assert list(dues(dense)) == ["h9", "h12"]


# --- stopping, and a new treatment ------------------------------------------------------------------------


async def test_after_a_stop_they_come_back_at_the_moments_of_the_zone_that_is_set_then(story: Story) -> None:
    """The zone was changed while nothing was asked."""
    await story.enrols(ANA)
    await story.says(ANA, "stop")
    await story.says(ANA, "/timezone Honolulu")
    assert dues(story) == {}
    await story.says(ANA, "/start")
    await story.taps(ANA, "Start check-ins again")

    assert dues(story) == {"h24": utc("20T18:00"), "h48": utc("21T18:00")}


async def test_a_treatment_of_somebody_with_a_time_of_their_own_is_scheduled_in_it(story: Story) -> None:
    """It was registered before anybody knew whose it is."""
    await story.enrols(ANA, "A1")
    await story.says(ANA, "/timezone Honolulu")
    await story.later(hours=72)
    await story.enrols(ANA, "A2")

    assert dues(story) == {"h24": utc("23T18:00"), "h48": utc("24T18:00")}


async def test_the_check_ins_of_others_stay_where_they_are(story: Story) -> None:
    """One patient's journey is theirs."""
    await story.enrols(BEN, "B1")
    await story.enrols(ANA)
    await story.says(BEN, "/timezone Honolulu")

    assert dues(story) == {"h24": utc("20T07:00"), "h48": utc("21T07:00")}


# --- any journey ------------------------------------------------------------------------------------------

ZONES = [
    "Honolulu",
    "New York",
    "London",
    "Kolkata",
    "Singapore",
    "Tokyo",
    "Auckland",
    "Kiritimati",
    "Lord Howe",
]


def zone_of_ana(story: Story) -> ZoneInfo:
    """Return the zone that counts for Ana."""
    patient = story.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    return zone_of(story.tools, patient, "main")


@pytest.mark.parametrize("seed", range(6))
async def test_on_any_journey_each_step_is_asked_once_by_day_and_in_order(story: Story, seed: int) -> None:
    """Treated at any hour, with a new place every few hours: two check-ins, none of them at night or too early."""
    chance = random.Random(seed)
    story.now = THURSDAY + chance.randrange(24) * HOUR
    treated = story.now
    await story.enrols(ANA)
    seen: dict[str, datetime] = {}
    while story.now < treated + 84 * HOUR:
        if chance.random() < 0.5:
            await story.later(hours=chance.randrange(1, 12))
        else:
            await story.says(ANA, f"/timezone {chance.choice(ZONES)}")
            await story.rings()
        for row in rows(story):
            if row.sent_at is not None and row.step not in seen:
                seen[row.step] = row.sent_at
                assert not story.tools.settings.quiet.cover(row.sent_at, zone_of_ana(story))

    assert list(seen) == ["h24", "h48"]
    assert ready(story) == 2
    assert seen["h24"] >= treated + 24 * HOUR
    assert seen["h48"] >= treated + 48 * HOUR


def test_the_zones_of_the_journeys_are_far_apart() -> None:
    """From ten hours behind Greenwich to fourteen ahead of it."""
    offsets = {
        THURSDAY.astimezone(ZoneInfo(name)).utcoffset() for name in ("Pacific/Honolulu", "Pacific/Kiritimati")
    }
    assert offsets == {-10 * HOUR, 14 * HOUR}
