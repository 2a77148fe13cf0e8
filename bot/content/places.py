"""Places and their time zones: the tables of the tz database that Python has, and a language's own names on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.place import Atlas, Place, fold, gather

#: Names in the tz database that are no places: abbreviations that mean a fixed time ("EST" has no summer time), and
#: directions.
_NO_PLACES = frozenset(
    {"north", "south", "east", "west", "general", "continental", "factory", "universal", "zulu"}
)


@dataclass(frozen=True, kw_only=True)
class TzTables:
    """What the tz database says: countries by ISO code, the zones of each, and other names of zones.

    countries: code → name. zones: zone → code of its country, the most populous of each first. links: old or other
    name → a zone of *zones*.
    """

    countries: Mapping[str, str]
    zones: Mapping[str, str]
    links: Mapping[str, str]


def zone_called(name: str) -> ZoneInfo | None:
    """Return the time zone with this name, or None if the tz database has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@cache
def tz_tables() -> TzTables:
    """Read the tables of the package `tzdata`, once."""
    zones = {row[2]: row[0] for row in _rows("zone.tab")}
    targets = {
        words[2]: words[1]
        for words in map(str.split, _text("tzdata.zi").splitlines())
        if words[:1] == ["L"] and len(words) == 3
    }
    links = {}
    for name in sorted(set(targets) - set(zones)):
        target = targets[name]
        while target not in zones and target in targets:
            target = targets[target]
        if target in zones:
            links[name] = target
    return TzTables(countries={row[0]: row[1] for row in _rows("iso3166.tab")}, zones=zones, links=links)


def country_of(zone: str) -> str | None:
    """Return the ISO code of the country that a zone belongs to, or None for one of no country ("Etc/UTC")."""
    tables = tz_tables()
    return tables.zones.get(tables.links.get(zone, zone))


def read_atlas(
    cities: Mapping[str, Iterable[str]],
    countries: Mapping[str, Iterable[str]],
    before: Iterable[str],
    after: Iterable[str],
) -> Atlas:
    """Return the atlas of a language.

    cities: zone → names of places in it that the tz database lacks. countries: ISO code → other names of a country.
    before, after: words that may stand around a name.
    """
    tables = tz_tables()
    shown = {zone: Place(name=_shown(_city(zone), code), zone=zone) for zone, code in tables.zones.items()}
    shown["Etc/UTC"] = Place(name="UTC", zone="Etc/UTC")
    own = [
        (name, Place(name=_shown(name, tables.zones[zone]) if zone in tables.zones else name, zone=zone))
        for zone, names in cities.items()
        for name in names
    ]
    return Atlas(
        names=gather([*own, *_named(tables, shown), *_called(tables, shown, countries)]),
        zones=shown,
        before=_longest_first(before),
        after=_longest_first(after),
    )


def _named(tables: TzTables, shown: Mapping[str, Place]) -> Iterator[tuple[str, Place]]:
    """Yield cities by their own names and by those of their zones, and old names."""
    for zone, place in shown.items():
        yield _city(zone), place
        yield zone, place
    areas = {zone.partition("/")[0] for zone in tables.zones}
    for link, zone in tables.links.items():
        if not _is_abbreviation(link) and fold(_city(link)) not in _NO_PLACES:
            # "Asia/Saigon" is a place of its own; "US/Eastern" and "Japan" are shown by a city.
            own = link.partition("/")[0] in areas
            place = Place(name=_city(link), zone=zone) if own else shown[zone]
            yield _city(link), place
            yield link, place


def _called(
    tables: TzTables, shown: Mapping[str, Place], more: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, Place]]:
    """Yield the zones of each country under all its names."""
    for zone, code in tables.zones.items():
        name = tables.countries[code]
        main, _bracket, inner = name.partition(" (")
        names = [name, main, f"{inner.rstrip(')')} {main}", *more.get(code, ())]
        for called in names:
            yield called, shown[zone]


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _shown(city: str, code: str) -> str:
    country = tz_tables().countries[code]
    return city if city == country else f"{city}, {country}"


def _is_abbreviation(link: str) -> bool:
    return "/" not in link and (link.isupper() or any(letter.isdigit() for letter in link))


def _longest_first(phrases: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({fold(phrase) for phrase in phrases} - {""}, key=len, reverse=True))


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in _text(table).splitlines() if line and not line.startswith("#")]


def _text(table: str) -> str:
    return (resources.files("tzdata") / "zoneinfo" / table).read_text(encoding="utf-8")
