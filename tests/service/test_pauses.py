"""Tests of `bot.service.pauses`: how long an alert waits, and which moment only a clock set back can have set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.settings import Alerts, Branch, Hours, Settings, load_settings
from bot.domain.triage import Urgency
from bot.service import pauses
from bot.storage.alerts import Latest
from tests.conftest import EXAMPLE, THURSDAY

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EMERGENCY, SAME_DAY, ROUTINE = Urgency.EMERGENCY, Urgency.SAME_DAY, Urgency.ROUTINE


def a_chain() -> Settings:
    """Make a clinic with a branch in London besides, and one that is never open."""
    settings = load_settings(EXAMPLE)
    main = settings.clinic.branches[0]
    london = Branch(id="ldn", name="L", address="1 Example Lane", hours=main.hours, time_zone="Europe/London")
    never = Branch(id="never", name="N", address="2 Example Lane", hours=Hours())
    clinic = settings.clinic.model_copy(update={"branches": (main, london, never)})
    return settings.model_copy(update={"clinic": clinic})


CHAIN = a_chain()


def furthest(lines: list[Latest], urgency: Urgency, branch_id: str, times: int) -> Latest:
    """Return the first line that fits, as the database does."""
    return next(
        line
        for line in lines
        if line.urgency == urgency
        and line.branch_id in (None, branch_id)
        and (line.raised_below is None or times < line.raised_below)
    )


@pytest.mark.parametrize(
    ("times", "minutes"), [(1, 5), (5, 5), (6, 10), (11, 10), (12, 15), (30, 30), (36, 30), (900, 30)]
)
def test_an_emergencys_pauses_grow_up_to_half_an_hour(settings: Settings, times: int, minutes: int) -> None:
    """At any hour; a group that sleeps is not buried."""
    night = THURSDAY + 9 * HOUR
    assert pauses.again_at(settings, "main", EMERGENCY, night, times) == night + minutes * MINUTE


def test_what_is_no_emergency_waits_for_the_opening(settings: Settings) -> None:
    """After an hour (same day) or four (routine), if the branch is open then; else when it next opens."""
    friday = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # 09:00
    assert pauses.again_at(settings, "main", SAME_DAY, THURSDAY) == THURSDAY + HOUR
    assert pauses.again_at(settings, "main", ROUTINE, THURSDAY) == friday
    assert pauses.again_at(settings, "main", SAME_DAY, THURSDAY + 2 * HOUR) == friday
    assert pauses.again_at(CHAIN, "never", SAME_DAY, THURSDAY) == THURSDAY + HOUR


def test_a_patient_is_told_after_ten_minutes_or_an_hour_or_never(settings: Settings) -> None:
    """By how urgent it is."""
    assert pauses.tell_patient_at(settings, EMERGENCY, THURSDAY) == THURSDAY + 10 * MINUTE
    assert pauses.tell_patient_at(settings, SAME_DAY, THURSDAY) == THURSDAY + 60 * MINUTE
    assert pauses.tell_patient_at(settings, ROUTINE, THURSDAY) is None


# --- a clock that was set back ---------------------------------------------------------------------------------

#: A week around the day on which the clocks of London go back.
WEEK = st.integers(0, 7 * 24 * 60).map(lambda minutes: datetime(2026, 10, 22, tzinfo=UTC) + minutes * MINUTE)
BRANCH = st.sampled_from(["main", "ldn", "never", "gone"])


@given(st.sampled_from(Urgency), BRANCH, st.integers(1, 50), WEEK, st.integers(-2, 3000))
def test_no_moment_that_was_set_before_lies_too_far_ahead(
    urgency: Urgency, branch_id: str, times: int, then: datetime, minutes: int
) -> None:
    """Whatever was set up to two minutes from now waits its time: nobody is called twice for nothing."""
    line = furthest(pauses.latest(CHAIN, then + minutes * MINUTE), urgency, branch_id, times)

    assert pauses.again_at(CHAIN, branch_id, urgency, then, times) <= line.raise_at
    told = pauses.tell_patient_at(CHAIN, urgency, then)
    assert told is None or (line.tell_patient_at is not None and told <= line.tell_patient_at)


@given(st.integers(1, 50), WEEK, st.integers(3, 3000))
def test_an_emergency_that_was_set_later_than_now_is_found(times: int, then: datetime, minutes: int) -> None:
    """A clock set back by three minutes or by two days: neither staff nor the patient wait for it."""
    line = furthest(pauses.latest(CHAIN, then - minutes * MINUTE), EMERGENCY, "main", times)

    assert pauses.again_at(CHAIN, "main", EMERGENCY, then, times) > line.raise_at
    told = pauses.tell_patient_at(CHAIN, EMERGENCY, then)
    assert told is not None
    assert line.tell_patient_at is not None
    assert told > line.tell_patient_at


def test_what_waits_for_an_opening_is_found_when_an_earlier_one_comes_first() -> None:
    """Set on Friday for Saturday's nine o'clock; the clock goes back to Thursday's afternoon, or only to Friday's dawn."""
    friday = THURSDAY + 24 * HOUR
    saturday = pauses.again_at(CHAIN, "main", SAME_DAY, friday + 3 * HOUR)
    assert saturday == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)

    assert furthest(pauses.latest(CHAIN, THURSDAY), SAME_DAY, "main", 1).raise_at < saturday
    assert furthest(pauses.latest(CHAIN, friday + 2 * HOUR), SAME_DAY, "main", 1).raise_at == saturday


def test_branches_of_the_same_hours_need_no_line_of_their_own() -> None:
    """One line is enough for most chains; a branch whose pause differs now has its own."""
    lines = pauses.latest(CHAIN, THURSDAY + 8 * HOUR)  # 23:00 there, 15:00 in London
    assert [line.branch_id for line in lines if line.urgency == SAME_DAY] == ["ldn", "never", None]
    one = CHAIN.model_copy(
        update={"clinic": CHAIN.clinic.model_copy(update={"branches": CHAIN.clinic.branches[:1]})}
    )
    assert len(pauses.latest(one, THURSDAY)) == 6 + 2


def test_what_could_not_be_done_waits_no_longer_than_the_shortest_pause_that_may_be_set() -> None:
    """An emergency a minute, the rest five: else it would count as set by another clock, and be tried without end."""
    shortest = CHAIN.model_copy(
        update={
            "alerts": Alerts(
                emergency_again_minutes=1, same_day_again_minutes=5, tell_patient_after_minutes=1
            )
        }
    )
    assert [pauses.put_off(urgency) / MINUTE for urgency in (EMERGENCY, SAME_DAY, ROUTINE)] == [1, 5, 5]
    for urgency in Urgency:
        line = furthest(pauses.latest(shortest, THURSDAY), urgency, "main", 1)
        assert THURSDAY + pauses.put_off(urgency) <= line.raise_at
        assert line.tell_patient_at is None or THURSDAY + pauses.put_off(urgency) <= line.tell_patient_at
