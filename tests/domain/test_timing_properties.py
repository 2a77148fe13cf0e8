"""Properties of `bot.domain.timing` that hold in every zone of the tz database, for every night and through every change.

The tables of what is due when stand in `test_timing.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.plan import Step
from bot.domain.timing import (
    PUNCTUAL,
    QuietHours,
    due_at,
    from_local,
    local_day,
    local_time,
    moment_of,
    same_clocks,
    same_day_due_at,
    schedule,
    send_moment,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta.resolution
USUAL = QuietHours(start=time(21), end=time(8))
NEVER = QuietHours(start=time(8), end=time(8))
SIESTA = QuietHours(start=time(13), end=time(15))
ALMOST_ALWAYS = QuietHours(start=time(10, 1), end=time(10))

# --- zones and moments to try -------------------------------------------------------------------------------

ZONES = [ZoneInfo(name) for name in sorted(available_timezones())]
BEGIN, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)


@cache
def changes(zone: ZoneInfo, begin: datetime = BEGIN, end: datetime = END) -> tuple[datetime, ...]:
    """Return the moments (UTC) at which the clocks of *zone* were or will be changed."""
    found = []
    low, before = begin, begin.astimezone(zone).utcoffset()
    while low < end:
        high = low + timedelta(weeks=2)
        after = high.astimezone(zone).utcoffset()
        if before != after:
            found.append(_change(zone, low, high))
        low, before = high, after
    return tuple(found)


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high


def jump(zone: ZoneInfo, change: datetime) -> timedelta:
    """Return by how much the clocks were set forward at *change* (negative: back)."""
    before, after = (change - TICK).astimezone(zone).utcoffset(), change.astimezone(zone).utcoffset()
    assert before is not None
    assert after is not None
    return after - before


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 10, 30, 59]))
NIGHTS = st.sampled_from([USUAL, NEVER, SIESTA, ALMOST_ALWAYS]) | st.builds(
    QuietHours, start=CLOCKS, end=CLOCKS
)

Case = tuple[ZoneInfo, datetime, QuietHours]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a zone, a moment and a night.

    Most moments lie near a change of the zone's clocks, and many nights begin or end within an hour and a half of one.
    """
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(["anywhere", "days", "night"])) if changes(zone) else "anywhere"
    if near == "anywhere":
        minutes = st.integers(0, int((END - BEGIN).total_seconds()) // 60)
        return zone, BEGIN + timedelta(minutes=draw(minutes)), draw(NIGHTS)
    change = draw(st.sampled_from(changes(zone)))
    if near == "days":
        return zone, change + timedelta(minutes=draw(st.integers(-3000, 3000))), draw(NIGHTS)
    moment = change + timedelta(minutes=draw(st.integers(-90, 90)))
    edge = clock_of(change + timedelta(minutes=draw(st.integers(-90, 90))), zone)
    other = draw(CLOCKS)
    edge, other = draw(st.permutations([edge, other]))
    return zone, moment, QuietHours(start=edge, end=other)


def clock_of(moment: datetime, zone: ZoneInfo) -> time:
    """Return what the clock on the wall shows."""
    return moment.astimezone(zone).time().replace(fold=0)


def longest_wait(moment: datetime, end: datetime, night: QuietHours, zone: ZoneInfo) -> timedelta:
    """Return how long a night may last from *moment* on that is over at *end*.

    Its hours, and those by which the clocks were set back meanwhile. Where they were set forward over the whole of the
    time between two nights, the two are one.
    """
    today = datetime(2026, 11, 20)  # noqa: DTZ001 (a difference of wall-clock times)
    length = (datetime.combine(today, night.end) - datetime.combine(today, night.start)) % DAY
    jumps = [jump(zone, change) for change in changes(zone) if moment < change <= end]
    back = sum((-leap for leap in jumps if leap < timedelta()), timedelta())
    return length + back + (DAY if any(leap >= DAY - length for leap in jumps) else timedelta())


# --- the night ----------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(cases())
def test_the_end_of_the_night_is_never_in_the_night(case: Case) -> None:
    """In every zone, whatever the clocks do: what waits for the end of the night does not leave in it."""
    zone, moment, night = case
    assert not night.cover(night.next_end(moment, zone), zone)


@settings(max_examples=150)
@given(cases(), st.integers(0, 999).map(lambda part: part / 1000))
def test_the_end_of_the_night_is_the_first_moment_outside_of_it(case: Case, part: float) -> None:
    """By day it is the moment itself; in the night, every moment before it is in the night, too."""
    zone, moment, night = case
    end = night.next_end(moment, zone)
    assert end >= moment
    if end > moment:
        assert night.cover(moment + (end - moment) * part, zone)
        assert night.cover(end - TICK, zone)


@settings(max_examples=150)
@given(cases())
def test_nobody_waits_longer_than_one_night(case: Case) -> None:
    """The end of the night is at most its hours away, and those by which the clocks were set back in it."""
    zone, moment, night = case
    end = night.next_end(moment, zone)
    assert end - moment <= longest_wait(moment, end, night, zone)


@settings(max_examples=150)
@given(cases(), st.integers(0, 3 * 24 * 60))
def test_the_end_of_the_night_is_steady(case: Case, minutes: int) -> None:
    """Asking again changes nothing, and what comes later is not over earlier."""
    zone, moment, night = case
    end = night.next_end(moment, zone)
    assert night.next_end(end, zone) == end
    assert night.next_end(moment + minutes * MINUTE, zone) >= end


@settings(max_examples=150)
@given(cases(), st.integers(0, 3 * 24 * 60), st.integers(0, 1000).map(lambda part: part / 1000))
def test_the_start_of_the_night_is_steady_and_its_first_moment(case: Case, minutes: int, part: float) -> None:
    """It is not behind the moment; from it on all is night, just before it is day; and it never goes back."""
    zone, moment, night = case
    start = night.last_start(moment, zone)
    assert start <= moment
    if night.cover(moment, zone):
        assert night.cover(start, zone)
        assert night.cover(start + (moment - start) * part, zone)
        assert not night.cover(start - TICK, zone)
    else:
        assert start == moment
    assert night.last_start(start, zone) == start
    assert night.last_start(moment + minutes * MINUTE, zone) >= start


# --- due ----------------------------------------------------------------------------------------------------

HOURS = st.integers(0, 96).map(lambda hours: timedelta(hours=hours))


@settings(max_examples=150)
@given(cases(), HOURS)
def test_no_check_in_is_due_early_or_in_the_night_or_a_night_late(case: Case, after: timedelta) -> None:
    """Never before its hours have passed, never in the night, and at most one night past them."""
    zone, treated_at, night = case
    due = due_at(treated_at, after, night, zone)
    wanted = treated_at + after
    assert wanted <= due <= wanted + longest_wait(wanted, due, night, zone)
    assert not night.cover(due, zone)
    assert due.tzinfo is UTC


@settings(max_examples=150)
@given(cases(), st.integers(1, 12).map(lambda hours: timedelta(hours=hours)))
def test_a_same_day_check_moves_earlier_and_never_into_the_night(case: Case, after: timedelta) -> None:
    """It is due after the treatment and at most on its hour; only after a session in that night does it wait."""
    zone, treated_at, night = case
    wanted = treated_at + after
    due = same_day_due_at(treated_at, after, night, zone)
    assert due > treated_at
    if not night.cover(wanted, zone):
        assert due == wanted
    elif due <= wanted:
        assert not night.cover(due - TICK, zone)  # the very start of the night, and no later
    else:
        assert due == night.next_end(wanted, zone)
        assert night.cover(treated_at, zone)


# --- every zone, one by one ---------------------------------------------------------------------------------

NOW = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)


def near_changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Yield moments an hour before, at, and an hour behind the changes of three years, and today."""
    yield NOW
    for change in changes(zone, NOW - 2 * 365 * DAY, NOW + 365 * DAY):
        yield from (change - HOUR, change, change + HOUR)


def test_hours_are_elapsed_hours_in_every_zone() -> None:
    """Where nothing is quiet, 24 hours are 24 hours, across every change of the clocks of three years."""
    moved = [
        (zone.key, moment)
        for zone in ZONES
        for moment in near_changes(zone)
        if due_at(moment - 12 * HOUR, DAY, NEVER, zone) != moment + 12 * HOUR
    ]
    assert moved == []


def test_some_zones_change_their_clocks_and_the_last_test_saw_it() -> None:
    """Changes are found where they are known to be: a property over none of them would say nothing."""
    new_york = [change.isoformat() for change in changes(ZoneInfo("America/New_York")) if change.year == 2026]
    assert new_york == ["2026-03-08T07:00:00+00:00", "2026-11-01T06:00:00+00:00"]
    assert len([zone for zone in ZONES if len(list(near_changes(zone))) > 1]) > 150


@pytest.mark.parametrize("night", [USUAL, SIESTA], ids=["over midnight", "inside a day"])
def test_the_usual_plan_is_by_day_and_in_order_in_every_zone(night: QuietHours) -> None:
    """24 and 48 hours after a session near a change of the clocks: by day, in order, at most a night late."""
    wrong = []
    steps = (step("h24", 24), step("h48", 48))
    for zone in ZONES:
        for moment in near_changes(zone):
            dues = schedule(moment - 12 * HOUR, steps, night, zone)
            late = [due.at - (moment - 12 * HOUR) - DAY * n for n, due in enumerate(dues, 1)]
            good = [due.step for due in dues] == ["h24", "h48"]
            good = good and not any(night.cover(due.at, zone) for due in dues)
            if not good or not all(timedelta() <= wait <= 12 * HOUR for wait in late):
                wrong.append((zone.key, moment, dues))
    assert wrong == []


def test_a_treatment_on_a_leap_day_is_followed_in_every_zone() -> None:
    """24 and 48 hours after noon of 29 February are noon of the first two days of March."""
    for zone in ZONES:
        treated = from_local(datetime(2028, 2, 29, 12), zone)  # noqa: DTZ001 (a wall-clock time, its zone beside it)
        dues = schedule(treated, (step("h24", 24), step("h48", 48)), USUAL, zone)
        shown = [f"{local_time(due.at, zone):%d.%m. %H:%M}" for due in dues]
        assert shown == ["01.03. 12:00", "02.03. 12:00"], zone


#: Zones whose clocks do what few do.
ODD = {
    "Pacific/Apia": "2011-12-30T10:00+00:00",  # skipped a whole day
    "Pacific/Kwajalein": "1993-08-21T12:00+00:00",  # so did this one
    "Pacific/Kiritimati": "1994-12-31T10:00+00:00",  # and this one
    "Australia/Lord_Howe": "2026-10-03T15:30+00:00",  # half an hour forward
    "Europe/Dublin": "2026-10-25T01:00+00:00",  # winter is the exception, an hour less
    "Africa/Casablanca": "2026-02-15T02:00+00:00",  # an hour back for Ramadan
    "America/Nuuk": "2026-03-29T01:00+00:00",  # forward in the evening of the day before
    "Antarctica/Troll": "2026-03-29T01:00+00:00",  # two hours forward
    "Africa/Monrovia": "1972-01-07T00:44:30+00:00",  # an offset with seconds
    "Asia/Pyongyang": "2018-05-04T15:00+00:00",  # half an hour, once
}


@pytest.mark.parametrize(("name", "change"), ODD.items(), ids=ODD.keys())
def test_odd_changes_are_survived_minute_by_minute(name: str, change: str) -> None:
    """For every ten minutes of four days: the night's end is by day, steady, and no more than a night away."""
    zone, moment = ZoneInfo(name), datetime.fromisoformat(change)
    assert jump(zone, moment) != timedelta()
    for night in (USUAL, SIESTA, QuietHours(start=time(23, 40), end=clock_of(moment - TICK, zone))):
        before = None
        for minutes in range(-2 * 24 * 60, 2 * 24 * 60, 10):
            asked = moment + timedelta(minutes=minutes)
            end = night.next_end(asked, zone)
            assert not night.cover(end, zone)
            assert asked <= end <= asked + longest_wait(asked, end, night, zone)
            assert before is None or end >= before
            before = end


# --- schedules ----------------------------------------------------------------------------------------------


def step(id_: str, hours: int, same_day: bool = False) -> Step:
    """Return a step so many hours after the treatment."""
    return Step(
        id=id_,
        after=timedelta(hours=hours),
        grace=10 * HOUR,
        nudge_after=4 * HOUR,
        questions=("soreness",),
        same_day=same_day,
    )


STEPS = st.lists(st.tuples(st.integers(0, 72), st.booleans()), min_size=1, max_size=5).map(
    lambda offsets: [step(str(number), hours, same) for number, (hours, same) in enumerate(sorted(offsets))]
)


@settings(max_examples=150)
@given(cases(), STEPS)
def test_steps_are_asked_one_after_the_other(case: Case, steps: list[Step]) -> None:
    """Moments rise strictly, the last step is never dropped, and a dropped one had a later step at or before it."""
    zone, treated_at, night = case
    dues = schedule(treated_at, steps, night, zone)
    moments = {one.id: moment_of(treated_at, one, night, zone) for one in steps}
    assert all(earlier.at < later.at for earlier, later in pairwise(dues))
    assert [due.step for due in dues] == [one.id for one in steps if one.id in {due.step for due in dues}]
    assert dues[-1].step == steps[-1].id
    assert all(due.at == moments[due.step] for due in dues)
    kept = {due.step for due in dues}
    for number, one in enumerate(steps):
        later = [moments[other.id] for other in steps[number + 1 :] if other.id in kept]
        assert one.id in kept or any(moment <= moments[one.id] for moment in later)


@settings(max_examples=150)
@given(cases(), STEPS, st.integers(-24 * 60, 96 * 60), st.sampled_from(ZONES))
def test_a_schedule_made_later_and_elsewhere_asks_nothing_in_the_past(
    case: Case, steps: list[Step], minutes: int, elsewhere: ZoneInfo
) -> None:
    """Who arrives in another zone is asked from now on, by day there, in order, and never before the hours have passed."""
    _zone, treated_at, night = case
    now = treated_at + minutes * MINUTE
    dues = schedule(treated_at, steps, night, elsewhere, not_before=now)
    by_id = {one.id: one for one in steps}
    assert dues[-1].step == steps[-1].id
    assert all(earlier.at < later.at for earlier, later in pairwise(dues))
    for due in dues:
        one = by_id[due.step]
        assert due.at >= now
        if one.same_day:
            assert due.at > treated_at or one.after == timedelta()
            assert not night.cover(due.at, elsewhere) or not night.cover(due.at - TICK, elsewhere)
        else:
            assert due.at >= treated_at + one.after
            assert not night.cover(due.at, elsewhere)


# --- sending ------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(cases(), st.integers(-60, 40 * 60))
def test_a_check_in_leaves_in_the_night_only_if_it_is_punctual(case: Case, minutes: int) -> None:
    """What is late leaves now, or when the night is over; what is asked for early, by a clock set back, is no worse."""
    zone, due, night = case
    now = due + minutes * MINUTE
    leaves = send_moment(due, now, night, zone)
    assert leaves >= now
    if now - due > PUNCTUAL:
        assert not night.cover(leaves, zone)
        assert leaves == night.next_end(now, zone)
    else:
        assert leaves == now


# --- local days and times -----------------------------------------------------------------------------------


@given(cases())
def test_every_moment_lies_in_its_local_day(case: Case) -> None:
    """In every zone, a moment lies in its day, and the next day begins where that one ends."""
    zone, moment, _night = case
    start, end = local_day(moment, zone)
    if end.astimezone(zone).replace(fold=1).astimezone(UTC) != end:
        return  # a midnight shown twice: in Newfoundland, up to 2011, such a day began, ended, and went on
    assert start <= moment < end
    assert local_day(end, zone)[0] == end


@given(cases())
def test_local_time_and_back(case: Case) -> None:
    """What a clock shows leads back to the moment, or to the same reading an hour apart where it shows it twice."""
    zone, moment, _night = case
    wall = local_time(moment, zone)
    assert wall.astimezone(UTC) == moment
    back = from_local(wall.replace(tzinfo=None, fold=0), zone)
    assert clock_of(back, zone) == wall.time().replace(fold=0)
    assert from_local(wall, zone) == moment


@settings(max_examples=150)
@given(st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(0, 364))
def test_zones_whose_clocks_agree_give_the_same_moments(first: ZoneInfo, second: ZoneInfo, days: int) -> None:
    """Where two zones agree for a year, it does not matter in which of them a patient is."""
    agree = same_clocks(first, second, NOW)
    assert agree == same_clocks(second, first, NOW)
    if agree:
        moment = NOW + days * DAY
        assert due_at(moment, DAY, USUAL, first) == due_at(moment, DAY, USUAL, second)
