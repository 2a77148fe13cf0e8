"""Tests of `bot.domain.timing`: when a check-in is due, in every zone and through every change of the clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from bot.domain.plan import Step
from bot.domain.timing import (
    Due,
    QuietHours,
    day_distance,
    due_at,
    from_local,
    leave_by,
    local_day,
    local_time,
    require_aware,
    same_day_due_at,
    schedule,
    send_moment,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
USUAL = QuietHours(start=time(21), end=time(8))
NEVER = QuietHours(start=time(8), end=time(8))
SIESTA = QuietHours(start=time(13), end=time(15))
SINGAPORE = ZoneInfo("Asia/Singapore")
NEW_YORK = ZoneInfo("America/New_York")  # 2026: forward on 8 March, back on 1 November, both at 02:00
APIA = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
KWAJALEIN = ZoneInfo("Pacific/Kwajalein")  # had no 21 August 1993
HAVANA = ZoneInfo("America/Havana")  # goes forward at midnight


def at(zone: tzinfo, written: str, fold: int = 0) -> datetime:
    """Return the moment (UTC) at which the clock of *zone* shows "2026-03-08 10:00"; fold=1: for the second time."""
    return datetime.fromisoformat(written).replace(tzinfo=zone, fold=fold).astimezone(UTC)


# --- the night ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("night", "clock", "inside"),
    [
        (USUAL, "20:59", False),
        (USUAL, "21:00", True),  # the start belongs to the night
        (USUAL, "00:00", True),
        (USUAL, "07:59", True),
        (USUAL, "08:00", False),  # the end does not
        (SIESTA, "12:59", False),  # a night that does not cross midnight
        (SIESTA, "13:00", True),
        (SIESTA, "14:59", True),
        (SIESTA, "15:00", False),
        (SIESTA, "23:00", False),
        (NEVER, "08:00", False),  # start and end alike: no night
        (NEVER, "03:00", False),
    ],
)
def test_the_night_goes_from_its_start_up_to_its_end(night: QuietHours, clock: str, inside: bool) -> None:
    """The first minute of the quiet hours is in them, the minute they end is not."""
    assert night.cover(at(SINGAPORE, f"2026-11-20 {clock}"), SINGAPORE) is inside


def test_the_night_is_the_zones_own() -> None:
    """One moment is night in one zone and day in another, on whichever clock it was written down."""
    moment = at(SINGAPORE, "2026-11-20 23:00").astimezone(NEW_YORK)
    assert USUAL.cover(moment, SINGAPORE)
    assert not USUAL.cover(moment, NEW_YORK)


@pytest.mark.parametrize(
    ("night", "zone", "moment", "end"),
    [
        (USUAL, SINGAPORE, "2026-11-20 22:15", "2026-11-21 08:00"),  # before midnight: tomorrow's morning
        (USUAL, SINGAPORE, "2026-11-21 02:15", "2026-11-21 08:00"),  # after midnight: this morning
        (USUAL, SINGAPORE, "2026-11-20 12:00", "2026-11-20 12:00"),  # by day: at once
        (SIESTA, SINGAPORE, "2026-11-20 13:30", "2026-11-20 15:00"),
        (USUAL, SINGAPORE, "2026-12-31 23:00", "2027-01-01 08:00"),
        (USUAL, SINGAPORE, "2028-02-28 23:00", "2028-02-29 08:00"),  # a leap day
        (USUAL, SINGAPORE, "2026-02-28 23:00", "2026-03-01 08:00"),  # and none
        (USUAL, APIA, "2011-12-29 22:00", "2011-12-31 08:00"),  # the morning of the 30th never came
        (USUAL, KWAJALEIN, "1993-08-20 22:00", "1993-08-22 08:00"),  # nor that of the 21st
        (USUAL, NEW_YORK, "2026-03-07 22:00", "2026-03-08 08:00"),  # a night of ten hours
        (USUAL, NEW_YORK, "2026-10-31 22:00", "2026-11-01 08:00"),  # a night of twelve
    ],
)
def test_what_falls_in_the_night_waits_for_its_end(
    night: QuietHours, zone: ZoneInfo, moment: str, end: str
) -> None:
    """The end of the night is the next time that the clock shows it; what is due by day does not wait."""
    assert night.next_end(at(zone, moment), zone) == at(zone, end)


def test_a_night_whose_end_is_swallowed_ends_with_the_gap() -> None:
    """At 02:00 the clocks go to 03:00, so a night until 02:30 is over at 03:00: nobody waits for 03:30."""
    night = QuietHours(start=time(22), end=time(2, 30))
    assert night.next_end(at(NEW_YORK, "2026-03-08 01:00"), NEW_YORK) == at(NEW_YORK, "2026-03-08 03:00")


def test_a_day_that_is_swallowed_whole_makes_one_night_of_two() -> None:
    """A night that pauses from 02:10 to 02:50 only, where no clock shows that: the next pause counts."""
    night = QuietHours(start=time(2, 50), end=time(2, 10))
    assert night.next_end(at(NEW_YORK, "2026-03-08 01:00"), NEW_YORK) == at(NEW_YORK, "2026-03-09 02:10")


def test_a_change_of_the_clocks_may_end_a_night() -> None:
    """At 02:00 the clocks go back to 01:00, so a night that began at 01:30 is over, until it begins again."""
    night = QuietHours(start=time(1, 30), end=time(8))
    assert night.next_end(at(NEW_YORK, "2026-11-01 01:40"), NEW_YORK) == at(
        NEW_YORK, "2026-11-01 01:00", fold=1
    )


def test_a_night_that_ends_in_an_hour_shown_twice_is_not_over_before_it_began() -> None:
    """At 02:00 the clocks go back to 01:00: who is still in the night at the second 01:10 waits for the second 01:30."""
    night = QuietHours(start=time(22), end=time(1, 30))
    second = at(NEW_YORK, "2026-11-01 01:10", fold=1)
    assert night.next_end(second, NEW_YORK) == at(NEW_YORK, "2026-11-01 01:30", fold=1)


@pytest.mark.parametrize(
    ("night", "zone", "moment", "start"),
    [
        (USUAL, SINGAPORE, "2026-11-20 12:00", "2026-11-20 21:00"),
        (USUAL, SINGAPORE, "2026-11-20 08:00", "2026-11-20 21:00"),
        (USUAL, SINGAPORE, "2026-11-20 20:59:59", "2026-11-20 21:00"),
        (USUAL, SINGAPORE, "2026-11-20 21:00", "2026-11-20 21:00"),  # it has begun
        (USUAL, SINGAPORE, "2026-11-21 02:15", "2026-11-21 02:15"),
        (SIESTA, SINGAPORE, "2026-11-20 16:00", "2026-11-21 13:00"),
        (USUAL, APIA, "2011-12-29 20:00", "2011-12-29 21:00"),
        (SIESTA, APIA, "2011-12-29 16:00", "2011-12-31 13:00"),  # the 30th never came
        (USUAL, NEW_YORK, "2026-03-07 22:00", "2026-03-07 22:00"),
        (USUAL, NEW_YORK, "2026-11-01 08:00", "2026-11-01 21:00"),
    ],
)
def test_the_next_night_begins_when_the_clock_shows_its_start(
    night: QuietHours, zone: ZoneInfo, moment: str, start: str
) -> None:
    """What lies in the night is in it already."""
    assert night.next_start(at(zone, moment), zone) == at(zone, start)


def test_a_night_whose_start_is_swallowed_begins_with_the_gap() -> None:
    """At 02:00 the clocks go to 03:00, so a night from 02:30 begins at 03:00."""
    night = QuietHours(start=time(2, 30), end=time(8))
    assert night.next_start(at(NEW_YORK, "2026-03-08 01:00"), NEW_YORK) == at(NEW_YORK, "2026-03-08 03:00")


def test_a_night_that_is_swallowed_whole_is_left_out() -> None:
    """A night from 02:10 to 02:50 that no clock shows: the next one counts, a day later."""
    night = QuietHours(start=time(2, 10), end=time(2, 50))
    assert night.next_start(at(NEW_YORK, "2026-03-08 01:00"), NEW_YORK) == at(NEW_YORK, "2026-03-09 02:10")


def test_clocks_that_are_set_back_begin_a_night_again() -> None:
    """At 02:00 the clocks show 01:00 again: who was past a night until 01:30 is in it once more."""
    night = QuietHours(start=time(0), end=time(1, 30))
    assert night.next_start(at(NEW_YORK, "2026-11-01 01:40"), NEW_YORK) == at(
        NEW_YORK, "2026-11-01 01:00", fold=1
    )


def test_without_quiet_hours_no_night_begins() -> None:
    """Start and end alike mean that there is no night, not one that never ends."""
    assert NEVER.next_start(at(SINGAPORE, "2026-11-20 08:00"), SINGAPORE) is None
    assert NEVER.longest == timedelta(0)


@pytest.mark.parametrize("night", [USUAL, SIESTA, QuietHours(start=time(0), end=time(23))])
@pytest.mark.parametrize("zone", [SINGAPORE, NEW_YORK, HAVANA])
def test_no_night_lasts_longer_than_its_longest(night: QuietHours, zone: ZoneInfo) -> None:
    """On no day of a year, with all its changes of the clocks; and it is not far beyond."""
    moment, lasts = at(zone, "2026-01-01 10:00"), []
    while moment < at(zone, "2027-01-01 10:00"):
        start = night.next_start(moment, zone)
        assert start is not None
        lasts.append(night.next_end(start, zone) - start)
        moment = start + lasts[-1]
    assert len(lasts) > 360
    assert max(lasts) <= night.longest <= max(lasts) + 2 * HOUR


@pytest.mark.parametrize(
    ("night", "zone", "moment", "start"),
    [
        (USUAL, SINGAPORE, "2026-11-20 22:15", "2026-11-20 21:00"),
        (USUAL, SINGAPORE, "2026-11-21 02:15", "2026-11-20 21:00"),
        (USUAL, SINGAPORE, "2026-11-20 12:00", "2026-11-20 12:00"),
        (SIESTA, SINGAPORE, "2026-11-20 13:30", "2026-11-20 13:00"),
        (USUAL, APIA, "2011-12-31 02:00", "2011-12-29 21:00"),  # the evening before was that of the 29th
    ],
)
def test_the_start_of_a_night_is_behind_what_lies_in_it(
    night: QuietHours, zone: ZoneInfo, moment: str, start: str
) -> None:
    """The start of the night is the last time that the clock showed it; what is by day stays where it is."""
    assert night.last_start(at(zone, moment), zone) == at(zone, start)


@pytest.mark.parametrize(
    ("zone", "night", "moment"),
    [
        # 02:00 becomes 03:00: a night from 02:30 has begun by 03:00 at the latest.
        (NEW_YORK, QuietHours(start=time(2, 30), end=time(8)), "2026-03-08 03:10"),
        # 00:00 becomes 01:00: a night from 00:30 has begun by 01:00 at the latest.
        (HAVANA, QuietHours(start=time(0, 30), end=time(8)), "2026-03-08 01:10"),
    ],
)
def test_a_night_whose_start_is_swallowed_starts_before_what_lies_in_it(
    zone: ZoneInfo, night: QuietHours, moment: str
) -> None:
    """The start of the night is never behind the moment that was asked about, even where the clock skipped it."""
    asked = at(zone, moment)
    assert night.cover(asked, zone)
    assert night.last_start(asked, zone) <= asked


# --- due ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "treated", "hours", "due"),
    [
        (SINGAPORE, "2026-11-20 15:10", 24, "2026-11-21 15:10"),  # by day: to the minute
        (SINGAPORE, "2026-11-20 22:00", 24, "2026-11-22 08:00"),  # a late session: the morning after
        (SINGAPORE, "2026-11-20 20:59", 24, "2026-11-21 20:59"),
        (SINGAPORE, "2026-11-20 21:00", 24, "2026-11-22 08:00"),
        (SINGAPORE, "2026-11-20 07:59", 24, "2026-11-21 08:00"),
        (SINGAPORE, "2028-02-28 15:00", 24, "2028-02-29 15:00"),  # a leap day is a day
        (SINGAPORE, "2028-02-28 15:00", 48, "2028-03-01 15:00"),
        (
            NEW_YORK,
            "2026-03-07 10:00",
            24,
            "2026-03-08 11:00",
        ),  # 24 elapsed hours, an hour later by the clock
        (NEW_YORK, "2026-10-31 10:00", 24, "2026-11-01 09:00"),  # … and an hour earlier
        (NEW_YORK, "2026-10-31 08:30", 24, "2026-11-01 08:00"),  # which is in the night: 07:30
        (APIA, "2011-12-29 15:00", 24, "2011-12-31 15:00"),  # over the date line
        (APIA, "2011-12-29 15:00", 48, "2012-01-01 15:00"),
    ],
)
def test_a_check_in_is_due_after_its_hours_and_by_day(
    zone: ZoneInfo, treated: str, hours: int, due: str
) -> None:
    """Hours are elapsed hours; what would fall in the night waits for the morning."""
    assert due_at(at(zone, treated), timedelta(hours=hours), USUAL, zone) == at(zone, due)


@pytest.mark.parametrize(
    ("treated", "hours", "due"),
    [
        ("2026-11-20 15:00", 4, "2026-11-20 19:00"),  # in the evening
        ("2026-11-20 18:00", 4, "2026-11-20 21:00"),  # 22:00 is night: before it instead
        ("2026-11-20 20:30", 4, "2026-11-20 21:00"),  # 00:30 too
        ("2026-11-20 21:00", 4, "2026-11-21 08:00"),  # no evening is left: in the morning
        ("2026-11-20 23:30", 4, "2026-11-21 08:00"),
        ("2026-11-21 02:00", 4, "2026-11-21 08:00"),
        ("2026-11-21 05:00", 4, "2026-11-21 09:00"),  # treated in the night, due by day
    ],
)
def test_a_same_day_check_moves_before_the_night(treated: str, hours: int, due: str) -> None:
    """A same-day check that would fall in the night comes at its start, or, after a session in the night, at its end."""
    found = same_day_due_at(at(SINGAPORE, treated), timedelta(hours=hours), USUAL, SINGAPORE)
    assert found == at(SINGAPORE, due)


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


CHEST = (step("h4", 4, same_day=True), step("h24", 24), step("h48", 48))


@pytest.mark.parametrize(
    ("treated", "dues"),
    [
        (
            "2026-11-20 15:00",
            {"h4": "2026-11-20 19:00", "h24": "2026-11-21 15:00", "h48": "2026-11-22 15:00"},
        ),
        (
            "2026-11-20 19:00",
            {"h4": "2026-11-20 21:00", "h24": "2026-11-21 19:00", "h48": "2026-11-22 19:00"},
        ),
        (
            "2026-11-20 23:00",
            {"h4": "2026-11-21 08:00", "h24": "2026-11-22 08:00", "h48": "2026-11-23 08:00"},
        ),
    ],
)
def test_a_schedule_holds_each_steps_moment(treated: str, dues: dict[str, str]) -> None:
    """Every step of a plan has its moment, in order."""
    expected = [Due(step=id_, at=at(SINGAPORE, due).astimezone(UTC)) for id_, due in dues.items()]
    assert schedule(at(SINGAPORE, treated), CHEST, USUAL, SINGAPORE) == expected


def test_a_step_gives_way_to_the_next_that_falls_on_its_moment() -> None:
    """Of steps that wait for the same morning only the last is asked."""
    steps = (step("h6", 6), step("h9", 9), step("h12", 12), step("h30", 30))
    dues = schedule(at(SINGAPORE, "2026-11-20 17:00"), steps, USUAL, SINGAPORE)
    assert [(due.step, due.at) for due in dues] == [
        ("h12", at(SINGAPORE, "2026-11-21 08:00")),  # 23:00, 02:00 and 05:00 all wait for it
        ("h30", at(SINGAPORE, "2026-11-21 23:00") + 9 * HOUR),
    ]


def test_a_schedule_does_not_depend_on_the_order_of_the_steps() -> None:
    """Steps are taken by their hours, however they are listed."""
    treated = at(SINGAPORE, "2026-11-20 15:00")
    assert schedule(treated, CHEST[::-1], USUAL, SINGAPORE) == schedule(treated, CHEST, USUAL, SINGAPORE)


def test_no_steps_no_schedule() -> None:
    """A plan without steps has no moments."""
    assert schedule(at(SINGAPORE, "2026-11-20 15:00"), (), USUAL, SINGAPORE) == []


# --- sending ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "now", "leaves"),
    [
        ("2026-11-20 15:00", "2026-11-20 15:00", "2026-11-20 15:00"),
        ("2026-11-20 15:00", "2026-11-20 19:00", "2026-11-20 19:00"),  # late, but by day
        ("2026-11-20 21:00", "2026-11-20 21:10", "2026-11-20 21:10"),  # a same-day check may touch the night
        ("2026-11-20 20:55", "2026-11-20 21:10", "2026-11-20 21:10"),  # the last moment that is punctual
        ("2026-11-20 20:54", "2026-11-20 21:10", "2026-11-21 08:00"),  # a minute later it waits
        ("2026-11-20 15:00", "2026-11-21 03:00", "2026-11-21 08:00"),  # after an interruption, in the night
    ],
)
def test_a_check_in_leaves_when_it_is_punctual_or_by_day(due: str, now: str, leaves: str) -> None:
    """Up to 15 minutes behind its moment it leaves at once; later than that it respects the night."""
    found = send_moment(at(SINGAPORE, due), at(SINGAPORE, now), USUAL, SINGAPORE)
    assert found == at(SINGAPORE, leaves)


@pytest.mark.parametrize(
    ("due", "now", "last"),
    [
        ("2026-11-20 15:00", "2026-11-20 15:00", "2026-11-20 21:00"),
        ("2026-11-20 15:00", "2026-11-20 20:59", "2026-11-20 21:00"),
        ("2026-11-20 20:45", "2026-11-20 20:45", "2026-11-20 21:00"),
        ("2026-11-20 21:00", "2026-11-20 21:00", "2026-11-20 21:15"),  # a same-day check may touch the night
        ("2026-11-20 20:55", "2026-11-20 20:55", "2026-11-20 21:10"),
        ("2026-11-20 20:55", "2026-11-20 21:05", "2026-11-20 21:10"),
        ("2026-11-20 15:00", "2026-11-21 08:00", "2026-11-21 21:00"),
    ],
)
def test_a_message_may_leave_until_the_next_night(due: str, now: str, last: str) -> None:
    """From now until then it may leave at any moment, and not at the next, nor at the night's first."""
    found = leave_by(at(SINGAPORE, due), at(SINGAPORE, now), USUAL, SINGAPORE)
    assert found is not None
    assert at(SINGAPORE, last) - found in (timedelta(0), timedelta.resolution)
    for moment, leaves in ((found, True), (found + timedelta.resolution, False)):
        sent = send_moment(at(SINGAPORE, due), moment, USUAL, SINGAPORE)
        assert (sent == moment) is leaves


def test_without_quiet_hours_a_message_may_leave_at_any_time() -> None:
    """Nothing but its own end bounds it."""
    moment = at(SINGAPORE, "2026-11-20 23:00")
    assert leave_by(moment, moment, NEVER, SINGAPORE) is None


# --- local days and times -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "moment", "start", "hours"),
    [
        (SINGAPORE, "2026-11-20 15:00", "2026-11-20 00:00", 24),
        (SINGAPORE, "2026-11-20 00:00", "2026-11-20 00:00", 24),  # midnight begins a day
        (NEW_YORK, "2026-03-08 12:00", "2026-03-08 00:00", 23),
        (NEW_YORK, "2026-11-01 12:00", "2026-11-01 00:00", 25),
        (HAVANA, "2026-03-08 12:00", "2026-03-08 01:00", 23),  # this day had no midnight
        (APIA, "2011-12-29 12:00", "2011-12-29 00:00", 24),  # the next day is the 31st
    ],
)
def test_a_local_day_goes_from_midnight_to_midnight(
    zone: ZoneInfo, moment: str, start: str, hours: int
) -> None:
    """A local day has 23, 24 or 25 hours, and begins when its first minute does."""
    begins, ends = local_day(at(zone, moment), zone)
    assert begins == at(zone, start)
    assert ends - begins == timedelta(hours=hours)
    assert begins.tzinfo is UTC
    assert ends.tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "now", "days"),
    [
        ("2026-11-21 00:05", "2026-11-20 23:55", 1),  # ten minutes, another day
        ("2026-11-20 00:05", "2026-11-20 23:55", 0),
        ("2026-11-19 23:59", "2026-11-20 00:00", -1),
        ("2026-12-01 12:00", "2026-11-30 12:00", 1),
    ],
)
def test_distance_is_counted_in_local_days(moment: str, now: str, days: int) -> None:
    """ "Tomorrow" begins at midnight of the zone, not after 24 hours, nor at midnight of UTC."""
    assert day_distance(at(SINGAPORE, moment), at(SINGAPORE, now), SINGAPORE) == days


@pytest.mark.parametrize(
    ("wall", "zone", "moment"),
    [
        ("2026-11-20 15:10", SINGAPORE, "2026-11-20T07:10+00:00"),
        ("2026-11-20 15:10+00:00", SINGAPORE, "2026-11-20T15:10+00:00"),  # it brought its own zone
        ("2026-03-08 02:30", NEW_YORK, "2026-03-08T07:30+00:00"),  # never shown: just behind the gap
        ("2026-11-01 01:30", NEW_YORK, "2026-11-01T05:30+00:00"),  # shown twice: the first one
    ],
)
def test_what_a_receptionist_typed_is_the_clinics_time(wall: str, zone: ZoneInfo, moment: str) -> None:
    """A time without a zone is the branch's; one with a zone keeps it."""
    found = from_local(datetime.fromisoformat(wall), zone)
    assert found == datetime.fromisoformat(moment)
    assert found.tzinfo is UTC


# --- naive moments ------------------------------------------------------------------------------------------

NAIVE = datetime(2026, 11, 20, 15)  # noqa: DTZ001 (the point of these tests)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: require_aware(NAIVE),
        lambda: USUAL.cover(NAIVE, SINGAPORE),
        lambda: USUAL.next_end(NAIVE, SINGAPORE),
        lambda: USUAL.last_start(NAIVE, SINGAPORE),
        lambda: USUAL.next_start(NAIVE, SINGAPORE),
        lambda: due_at(NAIVE, DAY, USUAL, SINGAPORE),
        lambda: same_day_due_at(NAIVE, DAY, USUAL, SINGAPORE),
        lambda: schedule(NAIVE, CHEST, USUAL, SINGAPORE),
        lambda: send_moment(NAIVE, NAIVE, USUAL, SINGAPORE),
        lambda: leave_by(NAIVE, at(SINGAPORE, "2026-11-20 15:00"), USUAL, SINGAPORE),
        lambda: day_distance(NAIVE, NAIVE, SINGAPORE),
        lambda: local_time(NAIVE, SINGAPORE),
        lambda: local_day(NAIVE, SINGAPORE),
    ],
    ids=[
        "require_aware",
        "cover",
        "next_end",
        "last_start",
        "next_start",
        "due_at",
        "same_day_due_at",
        "schedule",
        "send_moment",
        "leave_by",
        "day_distance",
        "local_time",
        "local_day",
    ],
)
def test_a_moment_without_a_zone_is_refused(ask: Callable[[], object]) -> None:
    """A naive datetime could be any hour; it is refused at the door, with the cure."""
    with pytest.raises(ValueError, match="no time zone; give an aware datetime"):
        ask()
