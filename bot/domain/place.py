"""Where a patient says they are: places and their time zones, found by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.domain.slips import slips_between

#: Longer texts are no name of a place.
_LONGEST = 60
#: From this many letters on a name may have one slip, or two.
_ONE_SLIP, _TWO_SLIPS = 5, 9
_OFFSET = re.compile(r"(?:utc|gmt)\s*([+-])\s*(\d{1,2})(?::?00)?", re.IGNORECASE)
#: The time zones of a whole number of hours: their names count westward, so UTC+8 is Etc/GMT-8.
_FARTHEST = {"+": 14, "-": 12}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place: its name for people ("Tokyo, Japan"), and its zone's in the tz database."""

    name: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """What places are called, in one language.

    names: each name, folded, and the places that bear it. zones: for each zone the place it is shown by.
    before, after: folded words that may stand around a name ("i am in … now").
    """

    names: Mapping[str, tuple[Place, ...]]
    zones: Mapping[str, Place]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def place_of(self, zone: str) -> Place:
        """Return the place that a zone is shown by; one that is on no map is shown by its own name."""
        return self.zones.get(zone) or _by_offset(zone) or Place(name=zone, zone=zone)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The places that may be meant; *sure*: they bear exactly the name that was typed."""

    places: tuple[Place, ...] = ()
    sure: bool = True


def fold(text: str) -> str:
    """Return *text* in the spelling in which names are compared: no case, accents, points or underscores."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_DROPPED))
    kept = (letter if letter.isalnum() else " " for letter in letters if unicodedata.category(letter) != "Mn")
    return " ".join("".join(kept).split())


_DROPPED = dict.fromkeys(map(ord, "'’‘`´."))


def find(text: str, atlas: Atlas) -> Found:
    """Return the places that the whole of *text* may name.

    "i am in São Paulo now", "sao_paulo", "Melbourne, Australia" and "UTC+8" are names. With a slip or two ("Tokoy"),
    or with more behind a comma than is known ("Paris, Texas"), it is not sure which place is meant.
    """
    offset = _OFFSET.fullmatch(text.strip())
    if offset is not None:
        return _at_offset(offset[1], int(offset[2]))
    if len(text) > _LONGEST:
        return Found()
    for said in _without_words_around(fold(text), atlas):
        places = atlas.names.get(said) or _within(said, atlas)
        if places:
            return Found(places=places)
    for said in _without_words_around(fold(text.partition(",")[0]), atlas):
        if said in atlas.names:
            return Found(places=atlas.names[said], sure=False)
    return Found(places=_with_slips(text, atlas), sure=False)


def _at_offset(sign: str, hours: int) -> Found:
    if hours > _FARTHEST[sign]:
        return Found()
    zone = "Etc/UTC" if hours == 0 else f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
    return Found(places=(_by_offset(zone) or Place(name="UTC", zone=zone),))


def _by_offset(zone: str) -> Place | None:
    match = re.fullmatch(r"Etc/GMT([+-])(\d{1,2})", zone)
    if match is None:
        return None
    return Place(name=f"UTC{'-' if match[1] == '+' else '+'}{match[2]}", zone=zone)


def _without_words_around(said: str, atlas: Atlas) -> Iterator[str]:
    """Yield *said*, and what is left of it as words that lead to a name, or follow one, are taken away."""
    while said:
        yield said
        words = next((words for words in atlas.before if said.startswith(f"{words} ")), None)
        if words is not None:
            said = said[len(words) :].strip()
            continue
        words = next((words for words in atlas.after if said.endswith(f" {words}")), None)
        if words is None:
            return
        said = said[: -len(words)].strip()


def _within(said: str, atlas: Atlas) -> tuple[Place, ...]:
    """Read "melbourne australia": of two names, the places of the one that lie in the zones of the other."""
    words = said.split()
    for cut in range(1, len(words)):
        one = atlas.names.get(" ".join(words[:cut]), ())
        other = atlas.names.get(" ".join(words[cut:]), ())
        few, many = sorted((one, other), key=len)
        zones = {place.zone for place in many}
        if both := tuple(place for place in few if place.zone in zones):
            return both
    return ()


def _with_slips(text: str, atlas: Atlas) -> tuple[Place, ...]:
    """Return the places whose names are nearest to *text*, a slip or two away."""
    for most in (1, 2):
        near: dict[str, Place] = {}
        for said in _without_words_around(fold(text), atlas):
            if len(said) < (_ONE_SLIP if most == 1 else _TWO_SLIPS):
                continue
            for name in sorted(atlas.names):
                if slips_between(said, name, most) is not None:
                    near |= {place.name: place for place in atlas.names[name]}
        if near:
            return tuple(near.values())
    return ()


def gather(named: Iterable[tuple[str, Place]]) -> dict[str, tuple[Place, ...]]:
    """Return folded names with their places, each zone once, in order; "newyork" is a name where "New York" is."""
    found: dict[str, dict[str, Place]] = {}
    for name, place in named:
        folded = fold(name)
        for spelling in {folded, folded.replace(" ", "")} - {""}:
            found.setdefault(spelling, {}).setdefault(place.zone, place)
    return {name: tuple(places.values()) for name, places in found.items()}
