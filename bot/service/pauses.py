"""How long an open alert waits: until staff are shown it again, and until the patient hears that nobody has seen it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.content.settings import Settings
from bot.domain.triage import Urgency
from bot.storage.alerts import Latest

#: After so many times the pauses of an emergency grow by their first length, up to so many times as long.
_GROWS_AFTER, _LONGEST = 6, 6
#: A same-day alert's patient waits so many times as long as that of an emergency.
_PATIENT_OF_SAME_DAY = 6
#: Clocks of two machines differ, and one is set by seconds all the time: that is no clock that was set back.
SLACK = timedelta(minutes=2)


def again_at(
    settings: Settings, branch_id: str, urgency: Urgency, now: datetime, times_raised: int = 1
) -> datetime:
    """Return when an alert that nobody acknowledges is raised again: an emergency soon, others in opening hours.

    After every six times an emergency's pauses grow by their first length, up to six times as long: a group that
    is asleep is not buried under hundreds of the same. From a later *now* it is never an earlier moment.
    """
    if urgency is Urgency.EMERGENCY:
        longer = min(1 + times_raised // _GROWS_AFTER, _LONGEST)
        return now + longer * timedelta(minutes=settings.alerts.emergency_again_minutes)
    pause = timedelta(minutes=settings.alerts.same_day_again_minutes)
    wanted = now + (pause if urgency is Urgency.SAME_DAY else 4 * pause)
    if settings.is_open(branch_id, wanted):
        return wanted
    return settings.next_opening(branch_id, wanted) or wanted


def tell_patient_at(settings: Settings, urgency: Urgency, now: datetime) -> datetime | None:
    """Return when a patient must hear that nobody has seen their alert yet; None: never."""
    if urgency < Urgency.SAME_DAY:
        return None
    wait = timedelta(minutes=settings.alerts.tell_patient_after_minutes)
    return now + (wait if urgency is Urgency.EMERGENCY else _PATIENT_OF_SAME_DAY * wait)


def put_off(urgency: Urgency) -> timedelta:
    """Return how long what could not be done (a fault of ours) waits; never longer than the shortest pause there is."""
    return timedelta(minutes=1 if urgency is Urgency.EMERGENCY else 5)


def latest(settings: Settings, now: datetime) -> list[Latest]:
    """Return the latest moments for which an open alert can wait, had they been set just now; the first that fits counts.

    Pauses that begin later end later. So a moment that lies behind these was set by a clock that has been set back since
    (or with other opening hours): to wait for it would be to leave an emergency alone for as long as that.
    """
    reckoned = now + SLACK
    return [line for urgency in Urgency for line in _latest(settings, urgency, reckoned)]


def _latest(settings: Settings, urgency: Urgency, now: datetime) -> Iterator[Latest]:
    told = tell_patient_at(settings, urgency, now)
    first = settings.branch(None).id
    if urgency is Urgency.EMERGENCY:
        for longer in range(1, _LONGEST):
            below = longer * _GROWS_AFTER
            moment = again_at(settings, first, urgency, now, below - 1)
            yield Latest(urgency=urgency, raised_below=below, raise_at=moment, tell_patient_at=told)
        moment = again_at(settings, first, urgency, now, _LONGEST * _GROWS_AFTER)
        yield Latest(urgency=urgency, raise_at=moment, tell_patient_at=told)
        return
    usual = again_at(settings, first, urgency, now)
    for branch in settings.clinic.branches:
        moment = again_at(settings, branch.id, urgency, now)
        if moment != usual:
            yield Latest(urgency=urgency, branch_id=branch.id, raise_at=moment, tell_patient_at=told)
    yield Latest(urgency=urgency, raise_at=usual, tell_patient_at=told)
