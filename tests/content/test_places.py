"""Tests of `bot.content.places`: what the tz database knows, and what a language adds."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pytest

from bot.content.places import country_of, read_atlas, tz_tables, zone_called
from bot.domain.place import Atlas, Place, find


def test_a_zone_is_found_by_its_name() -> None:
    """A name of the tz database leads to its zone."""
    assert zone_called("Asia/Tokyo") == ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", ".", "../etc/passwd", "/etc/localtime", "Asia", "a\0b"])
def test_what_is_no_zone_is_none(name: str) -> None:
    """A name that the tz database lacks, or no name at all, raises nothing."""
    assert zone_called(name) is None


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    """An atlas with a few names of its own."""
    return read_atlas(
        {"Asia/Makassar": ["Bali"], "America/New_York": ["Georgia"], "Etc/GMT-8": ["Somewhere"]},
        {"GB": ["UK", "England"]},
        ["In", "I am in"],
        ["now"],
    )


def test_the_tables_name_countries_zones_and_other_names() -> None:
    """Each zone has its country, and every other name leads to one of them."""
    tables = tz_tables()
    assert tables.countries["JP"] == "Japan"
    assert tables.zones["Asia/Tokyo"] == "JP"
    assert tables.links["Asia/Calcutta"] == "Asia/Kolkata"
    assert len(tables.zones) > 400
    assert set(tables.links.values()) <= set(tables.zones) <= available_timezones()
    assert not set(tables.links) & set(tables.zones)


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Asia/Tokyo", "JP"),
        ("Asia/Calcutta", "IN"),
        ("Japan", "JP"),
        ("Etc/UTC", None),
        ("Mars/Olympus", None),
    ],
)
def test_a_zone_belongs_to_a_country(zone: str, country: str | None) -> None:
    """Under its old names, too; some belong to none."""
    assert country_of(zone) == country


@pytest.mark.parametrize(
    ("typed", "shown", "zone"),
    [
        ("Tokyo", "Tokyo, Japan", "Asia/Tokyo"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires, Argentina", "America/Argentina/Buenos_Aires"),
        ("Japan", "Tokyo, Japan", "Asia/Tokyo"),
        ("Singapore", "Singapore", "Asia/Singapore"),  # city and country in one
        ("Norway", "Oslo, Norway", "Europe/Oslo"),  # and not Berlin, whose clocks agree
        ("Saigon", "Saigon", "Asia/Ho_Chi_Minh"),  # an old name
        ("South Korea", "Seoul, Korea (South)", "Asia/Seoul"),
        ("Britain", "London, Britain (UK)", "Europe/London"),
        ("Côte d’Ivoire", "Abidjan, Côte d’Ivoire", "Africa/Abidjan"),
        ("Hawaii", "Honolulu, United States", "Pacific/Honolulu"),
        ("Timbuktu", "Timbuktu", "Africa/Abidjan"),
        ("UTC", "UTC", "Etc/UTC"),
        ("Bali", "Bali, Indonesia", "Asia/Makassar"),  # of our own
        ("England", "London, Britain (UK)", "Europe/London"),
        ("Somewhere", "Somewhere", "Etc/GMT-8"),
        ("i am in Bali now", "Bali, Indonesia", "Asia/Makassar"),
    ],
)
def test_places_are_found_and_shown(atlas: Atlas, typed: str, shown: str, zone: str) -> None:
    """Cities with their country, countries by their first city, old names as they are."""
    assert find(typed, atlas).places == (Place(name=shown, zone=zone),)


def test_a_name_under_two_zones_leads_to_both(atlas: Atlas) -> None:
    """Georgia is a country and a state."""
    assert [place.zone for place in find("Georgia", atlas).places] == ["America/New_York", "Asia/Tbilisi"]


@pytest.mark.parametrize(
    "typed", ["EST", "CET", "MST", "EST5EDT", "Factory", "West", "Etc/GMT+8", "localtime"]
)
def test_what_means_a_fixed_time_or_a_direction_is_no_place(atlas: Atlas, typed: str) -> None:
    """Who types EST in July would be an hour off for months."""
    assert find(typed, atlas).places == ()


def test_every_zone_of_the_map_can_be_typed_and_leads_to_itself(atlas: Atlas) -> None:
    """All of them exist in Python's own database, under the name that they are shown by."""
    for zone in tz_tables().zones:
        assert zone_called(zone) is not None
        assert [place.zone for place in find(zone, atlas).places] == [zone]
        assert atlas.place_of(zone) in find(atlas.place_of(zone).name, atlas).places


def test_every_country_can_be_typed(atlas: Atlas) -> None:
    """Also those whose names have brackets, accents or an ampersand."""
    tables = tz_tables()
    for code in set(tables.zones.values()):
        zones = {place.zone for place in find(tables.countries[code], atlas).places}
        assert zones >= {zone for zone, of in tables.zones.items() if of == code}
