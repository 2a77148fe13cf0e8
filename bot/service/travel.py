"""Travelling: whose clock counts for a patient, and how they set it, with a tap or in words."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.content.places import zone_called
from bot.domain.conversation import Before
from bot.domain.message import DATA_LIMIT, Button, Incoming, Rows
from bot.domain.place import Found, Place, find, fold
from bot.domain.timing import local_time, same_clocks
from bot.service import enrol
from bot.service.reschedule import reschedule
from bot.service.turn import Turn

#: What `Patient.awaiting` holds while a place would be understood.
AWAITED = "time_zone"
_MOST_OFFERED = 8
#: More words than this are no attempt at a place's name.
_LONGEST_NAME = 4
_CLINIC = "clinic"


def time_zone(turn: Turn, incoming: Incoming) -> None:
    """Answer /timezone: say which time counts and how to change that; with a place behind it, change it."""
    if turn.patient is None:
        turn.say(turn.text("time_zone_stranger"), ((turn.button("button_code", "code"),),))
    elif incoming.arguments.strip():
        _take(turn, find(incoming.arguments, turn.language.atlas))
    else:
        _show(turn)


def tapped(turn: Turn, incoming: Incoming) -> None:
    """Take a tap on a place, or on the clinic's time, however old the button."""
    wanted = (incoming.data or "").partition(":")[2]
    if turn.patient is None:
        turn.say(turn.text("time_zone_stranger"), ((turn.button("button_code", "code"),),))
    elif wanted == _CLINIC:
        _set(turn, None, incoming.message_id)
    elif (place := _tapped_place(turn, wanted)) is not None:
        _set(turn, place, incoming.message_id)
    else:
        _show(turn)


def place_typed(turn: Turn, incoming: Incoming) -> bool:
    """Take words as the place that was asked for, if the whole of them is the name of one. True if taken."""
    if turn.patient is None or turn.patient.awaiting != AWAITED:
        return False
    found = find(incoming.text, turn.language.atlas)
    if not found.sure or not found.places:
        return False
    _take(turn, found)
    return True


def no_place(turn: Turn, incoming: Incoming) -> tuple[str, Rows] | None:
    """Return what to say before "I have no answer to that" right after a place was asked for; None at any other time.

    A place is no longer waited for, once words come that are none and nothing has been talked about for a while.
    """
    patient = turn.patient
    if patient is None or patient.awaiting != AWAITED:
        return None
    before = turn.tools.recent.recall(turn.chat_id, turn.now)
    if before is None:
        patient.awaiting = None
    if before is None or before.kind != "place":
        return None
    places = find(incoming.text, turn.language.atlas).places
    if not places and ("?" in incoming.text or len(incoming.text.split()) > _LONGEST_NAME):
        return None
    told = turn.text("time_zone_unsure" if places else "time_zone_unknown")
    return f"{told}\n\n{turn.text('time_zone_or_question')}", _offered(turn, places)


def _show(turn: Turn) -> None:
    assert turn.patient is not None  # noqa: S101 (the callers looked)
    own = turn.patient.time_zone
    told = (
        turn.text("time_zone_own", place=turn.language.atlas.place_of(own).name, clock=_now(turn))
        if own is not None
        else turn.text("time_zone_clinic", clock=_now(turn))
    )
    turn.say(f"{told}\n\n{turn.text('time_zone_how')}", _way_back(turn))
    _await(turn)


def _take(turn: Turn, found: Found) -> None:
    """Set the one place that is meant for sure, offer those that may be, or say that there is none."""
    places = _apart(turn, found.places) if found.sure else found.places
    if not places:
        turn.say(turn.text("time_zone_unknown"), _way_back(turn))
        _await(turn)
    elif found.sure and len(places) == 1:
        _set(turn, places[0], None)
    else:
        turn.say(turn.text("time_zone_which" if found.sure else "time_zone_unsure"), _offered(turn, places))
        _await(turn)


def _set(turn: Turn, place: Place | None, message_id: int | None) -> None:
    """Let a place's time count from now on, or the clinic's (None): also for the check-ins still to come."""
    assert turn.patient is not None  # noqa: S101 (the callers looked)
    turn.patient.time_zone = place.zone if place is not None else None
    turn.patient.awaiting = None
    reschedule(turn)
    told = (
        turn.text("time_zone_set", place=place.name, clock=_now(turn))
        if place is not None
        else turn.text("time_zone_back", clock=_now(turn))
    )
    parts = [told, "" if turn.patient.stopped_at else enrol.next_words(turn)]
    if turn.is_abroad:
        parts.append(turn.text("time_zone_abroad"))
    text = "\n\n".join(part for part in parts if part)
    if message_id is not None:
        turn.edit(text, _way_back(turn), message_id=message_id)
    else:
        turn.say(text, _way_back(turn))


def _await(turn: Turn) -> None:
    """Note that a place may be typed now; a question about danger that is still open is not forgotten for it."""
    assert turn.patient is not None  # noqa: S101 (the callers looked)
    turn.patient.awaiting = AWAITED
    before = turn.tools.recent.recall(turn.chat_id, turn.now)
    if before is None or before.kind != "check":
        turn.tools.recent.remember(turn.chat_id, Before("place", ()), turn.now)


def _way_back(turn: Turn) -> Rows:
    assert turn.patient is not None  # noqa: S101 (the callers looked)
    if turn.patient.time_zone is None:
        return ()
    return ((turn.button("button_clinic_time", f"tz:{_CLINIC}"),),)


def _offered(turn: Turn, places: Sequence[Place]) -> Rows:
    """Return a button for each place, with what its clocks show now."""
    return tuple(
        (Button(label=f"{place.name} · {local_time(turn.now, zone):%H:%M}", data=f"tz:{_written(place)}"),)
        for place, zone in _with_zones(places)[:_MOST_OFFERED]
    )


def _written(place: Place) -> str:
    """Write a place into a button: its zone, and its name, if there is room for it."""
    whole = f"{place.zone}:{place.name.partition(',')[0]}"
    return whole if len(whole.encode()) <= DATA_LIMIT - len("tz:") else place.zone


def _tapped_place(turn: Turn, written: str) -> Place | None:
    """Read what `_written` wrote; None if it is no place."""
    zone, _colon, name = written.partition(":")
    atlas = turn.language.atlas
    if zone_called(zone) is None:
        return None
    named = (place for place in atlas.names.get(fold(name), ()) if place.zone == zone)
    return next(named, atlas.place_of(zone))


def _apart(turn: Turn, places: Sequence[Place]) -> list[Place]:
    """Return *places* without those whose clocks agree with an earlier one's: a country needs one of each."""
    kept: list[tuple[Place, ZoneInfo]] = []
    for place, zone in _with_zones(places):
        if not any(same_clocks(zone, other, turn.now) for _place, other in kept):
            kept.append((place, zone))
    return [place for place, _zone in kept]


def _with_zones(places: Sequence[Place]) -> list[tuple[Place, ZoneInfo]]:
    known = ((place, zone_called(place.zone)) for place in places)
    return [(place, zone) for place, zone in known if zone is not None]


def _now(turn: Turn) -> str:
    """Write what the patient's clock shows, with the day where it is another one than at the clinic."""
    here = local_time(turn.now, turn.zone).date()
    there = local_time(turn.now, turn.clinic().zone).date()
    return turn.clock(turn.now) if here == there else turn.date(turn.now)
