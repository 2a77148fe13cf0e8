"""When a check-in is due: elapsed hours, the patient's night, and steps that give way to the next.

This is the one module in which local time exists, always beside its zone. Everything that enters or
leaves is an aware moment in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.plan import Step

#: A message this much behind its moment still counts as on time (and may touch the first minutes of the night).
PUNCTUAL = timedelta(minutes=15)


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
        """Return *moment* itself, or the end of the night it lies in (UTC)."""
        moment = require_aware(moment).astimezone(UTC)
        if not self.cover(moment, zone):
            return moment
        # A clock change may show the end of the night twice: the first one that is not past counts. It may also
        # swallow it: then Python's reading of it lies just behind the gap.
        days = _days_around(moment, zone, range(3))
        return min(end for day in days for end in _showings(day, self.end, zone) if end > moment)

    def last_start(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return *moment* itself, or the start of the night it lies in (UTC)."""
        moment = require_aware(moment).astimezone(UTC)
        if not self.cover(moment, zone):
            return moment
        days = _days_around(moment, zone, range(-2, 1))
        starts = (
            datetime.combine(day, self.start, zone).replace(fold=fold).astimezone(UTC)
            for day in days
            for fold in (0, 1)
        )
        return max(start for start in starts if start <= moment)


@dataclass(frozen=True, kw_only=True)
class Due:
    """One step of a plan and its moment (aware, UTC)."""

    step: str
    at: datetime


def _days_around(moment: datetime, zone: ZoneInfo, ahead: range) -> list[date]:
    today = moment.astimezone(zone).date()
    return [today + timedelta(days=days) for days in ahead]


def _showings(day: date, clock: time, zone: ZoneInfo) -> list[datetime]:
    """Return when the clocks of *zone* show *clock* on *day*: once, twice, or (swallowed) the moment behind the gap."""
    first, second = (datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return [first, second] if second > first else [first]


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


def schedule(treated_at: datetime, steps: Sequence[Step], quiet: QuietHours, zone: ZoneInfo) -> list[Due]:
    """Return the moments of *steps*, in order; one that would fall on or after the next gives way to it."""
    dues = [
        Due(
            step=step.id,
            at=(same_day_due_at if step.same_day else due_at)(treated_at, step.after, quiet, zone),
        )
        for step in sorted(steps, key=lambda step: step.after)
    ]
    kept: list[Due] = []
    for due in reversed(dues):
        if not kept or due.at < kept[-1].at:
            kept.append(due)
    return kept[::-1]


def send_moment(due: datetime, now: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Return when a due check-in may leave: *now* if it is punctual or it is day, else the end of the night."""
    if require_aware(now) - require_aware(due) <= PUNCTUAL:
        return now.astimezone(UTC)
    return quiet.next_end(now, zone)


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
