"""When a check-in is due: elapsed hours, the patient's night, and steps that give way to the next.

This is the one module in which local time exists, always beside its zone. Everything that enters or
leaves is an aware moment in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.plan import Step

#: A message this much behind its moment still counts as on time (and may touch the first minutes of the night).
PUNCTUAL = timedelta(minutes=15)

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: A night is over within this long, also when a change of the clocks swallows the day between two.
_FAR = timedelta(days=3)
#: No change of the clocks makes a night longer by more than this.
_SHIFT = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """The patient's night in local wall-clock time: from *start* (included) to *end* (not included).

    ``start == end`` means that there are no quiet hours.
    """

    start: time
    end: time

    def cover(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Tell whether *moment* lies in the night of *zone*."""
        clock = local_time(moment, zone).time()
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def next_end(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return *moment* itself, or the first moment behind it that is not in the night (UTC).

        That is when the clocks show the night's end, or when a change of the clocks leads out of the night.
        """
        moment = require_aware(moment).astimezone(UTC)
        if not self.cover(moment, zone):
            return moment
        edges = _edges(self.end, moment, moment + _FAR, zone)
        return min(edge for edge in edges if edge > moment and not self.cover(edge, zone))

    def next_start(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return *moment* itself if it lies in the night, else the first moment of the next one (UTC); None: no nights."""
        moment = require_aware(moment).astimezone(UTC)
        if self.cover(moment, zone):
            return moment
        for end in (
            moment + _DAY,
            moment + _FAR,
        ):  # a day is enough, unless a change of the clocks swallows a night
            edges = _edges(self.start, moment, end, zone)
            starts = [edge for edge in edges if moment < edge <= end and self.cover(edge, zone)]
            if starts:
                return min(starts)
        return None

    @property
    def longest(self) -> timedelta:
        """The longest that a night can last, also when the clocks are set back in it; zero without quiet hours."""
        if self.start == self.end:
            return timedelta(0)
        day = datetime(2000, 1, 1)  # noqa: DTZ001 (a wall clock; any day will do)
        return (datetime.combine(day, self.end) - datetime.combine(day, self.start)) % _DAY + _SHIFT

    def last_start(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return *moment* itself, or the first moment of the night it lies in (UTC)."""
        moment = require_aware(moment).astimezone(UTC)
        if not self.cover(moment, zone):
            return moment
        edges = _edges(self.start, moment - _FAR, moment, zone)
        return max(
            edge for edge in edges if edge <= moment and not self.cover(edge - timedelta.resolution, zone)
        )


@dataclass(frozen=True, kw_only=True)
class Due:
    """One step of a plan and its moment (aware, UTC)."""

    step: str
    at: datetime


def _edges(clock: time, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments from *start* to *end*, or a day around, at which the clocks show *clock* or are changed."""
    day, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date() + _DAY
    while day <= last:
        wall = datetime.combine(day, clock)
        for fold in (0, 1):
            moment = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if (
                moment.astimezone(zone).replace(tzinfo=None) == wall
            ):  # else it stands in a gap and is never shown
                yield moment
        day += _DAY
    yield from _changes(start, end, zone)


def _changes(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments from *start* to *end* at which the clocks of *zone* are changed."""
    low = start.replace(microsecond=0)
    before = low.astimezone(zone).utcoffset()
    while low < end:
        high = low + _HOUR
        after = high.astimezone(zone).utcoffset()
        if before != after:
            yield _change_between(low, high, zone)
        low, before = high, after


def _change_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second from which on the clocks of *zone* show what they show at *high*."""
    after = high.astimezone(zone).utcoffset()
    while (seconds := (high - low) // timedelta(seconds=1)) > 1:
        middle = low + timedelta(seconds=seconds // 2)
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high


def require_aware(moment: datetime) -> datetime:
    """Return *moment*, or raise `ValueError` if it has no time zone."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; give an aware datetime")
    return moment


def due_at(treated_at: datetime, after: timedelta, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Return the first moment at or past *after* that is not in the patient's night (UTC).

    Hours are elapsed hours: 24 h after a treatment stays 24 h when the clocks change.
    """
    return quiet.next_end(require_aware(treated_at).astimezone(UTC) + after, zone)


def same_day_due_at(treated_at: datetime, after: timedelta, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Return when a same-day safety check is due: moved *earlier*, to the start of the night, never into it.

    A treatment that itself ended in the night leaves no evening: then the check waits for the morning,
    because a late question about breathing is better than none.
    """
    treated_at = require_aware(treated_at).astimezone(UTC)
    wanted = treated_at + after
    moved = quiet.last_start(wanted, zone)
    return moved if moved > treated_at else quiet.next_end(wanted, zone)


def moment_of(treated_at: datetime, step: Step, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Return when *step* is due by itself, whatever comes next (UTC)."""
    return (same_day_due_at if step.same_day else due_at)(treated_at, step.after, quiet, zone)


def schedule(
    treated_at: datetime,
    steps: Sequence[Step],
    quiet: QuietHours,
    zone: ZoneInfo,
    *,
    not_before: datetime | None = None,
) -> list[Due]:
    """Return the moments of *steps*, in order; one that would fall on or after the next gives way to it.

    not_before: what would have been due earlier than that is due then, or at the end of the night it lies in.
    """
    earliest = None if not_before is None else quiet.next_end(not_before, zone)
    kept: list[Due] = []
    for step in sorted(steps, key=lambda step: step.after)[::-1]:
        at = moment_of(treated_at, step, quiet, zone)
        if earliest is not None and at < earliest:
            at = earliest
        if not kept or at < kept[-1].at:
            kept.append(Due(step=step.id, at=at))
    return kept[::-1]


def send_moment(due: datetime, now: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Return when a due check-in may leave: *now* if it is punctual or it is day, else the end of the night."""
    if require_aware(now) - require_aware(due) <= PUNCTUAL:
        return now.astimezone(UTC)
    return quiet.next_end(now, zone)


def leave_by(due: datetime, now: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime | None:
    """Return the last moment at which what was due at *due*, and may leave *now*, may leave still; None: at any.

    That is just before the next night, or as long as it is punctual: see `send_moment`.
    """
    night = quiet.next_start(now, zone)
    if night is None:
        return None
    return max(night - timedelta.resolution, require_aware(due).astimezone(UTC) + PUNCTUAL)


def same_clocks(first: ZoneInfo, second: ZoneInfo, now: datetime) -> bool:
    """Tell whether the clocks of two zones agree from *now* on, for a year."""
    weeks = (require_aware(now) + timedelta(weeks=week) for week in range(53))
    return all(week.astimezone(first).utcoffset() == week.astimezone(second).utcoffset() for week in weeks)


def day_distance(moment: datetime, now: datetime, zone: ZoneInfo) -> int:
    """Return how many local calendar days *moment* lies ahead of *now* (negative: behind)."""
    return (local_time(moment, zone).date() - local_time(now, zone).date()).days


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return *moment* on the clock of *zone*, for showing to a person."""
    return require_aware(moment).astimezone(zone)


def local_day(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and the end (UTC) of the local calendar day in which *moment* lies."""
    day = local_time(moment, zone).date()
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def from_local(wall: datetime, zone: ZoneInfo) -> datetime:
    """Turn what a receptionist typed (no zone, or one of its own) into an aware moment in UTC."""
    if wall.tzinfo is None:
        wall = wall.replace(tzinfo=zone)
    return wall.astimezone(UTC)
