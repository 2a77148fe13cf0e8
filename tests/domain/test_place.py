"""Tests of `bot.domain.place`: what may stand around a name, and when it is not sure which place is meant."""

from __future__ import annotations

import pytest

from bot.domain.place import Atlas, Found, Place, find, fold, gather

TOKYO = Place(name="Tokyo, Japan", zone="Asia/Tokyo")
OSAKA = Place(name="Osaka, Japan", zone="Asia/Tokyo")
YORK = Place(name="New York, United States", zone="America/New_York")
CHICAGO = Place(name="Chicago, United States", zone="America/Chicago")
PARIS = Place(name="Paris, France", zone="Europe/Paris")
PAULO = Place(name="Sao Paulo, Brazil", zone="America/Sao_Paulo")
JOHNS = Place(name="St Johns, Canada", zone="America/St_Johns")
AMSTERDAM = Place(name="Amsterdam, Netherlands", zone="Europe/Amsterdam")
LIMA = Place(name="Lima, Peru", zone="America/Lima")

ATLAS = Atlas(
    names=gather(
        [
            ("Tokyo", TOKYO),
            ("Asia/Tokyo", TOKYO),
            ("Osaka", OSAKA),
            ("Japan", TOKYO),
            ("New York", YORK),
            ("Chicago", CHICAGO),
            ("United States", YORK),
            ("United States", CHICAGO),
            ("Paris", PARIS),
            ("São Paulo", PAULO),
            ("St. John's", JOHNS),
            ("Amsterdam", AMSTERDAM),
            ("Lima", LIMA),
            ("東京", TOKYO),
        ]
    ),
    zones={place.zone: place for place in (TOKYO, YORK, CHICAGO, PARIS)},
    before=("i am in", "in"),
    after=("time", "now"),
)


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("Tokyo", TOKYO),
        ("  tOKYO ! ", TOKYO),
        ("asia/tokyo", TOKYO),
        ("Asia_Tokyo", TOKYO),
        ("東京", TOKYO),
        ("new york", YORK),
        ("New-York", YORK),
        ("newyork", YORK),
        ("sao paulo", PAULO),
        ("SÃO PAULO", PAULO),
        ("st johns", JOHNS),
        ("St John’s", JOHNS),
        ("I am in Tokyo now", TOKYO),  # words around the name
        ("in Tokyo time", TOKYO),
        ("Chicago time now", CHICAGO),
        ("Osaka, Japan", OSAKA),  # its country behind it
        ("chicago united states", CHICAGO),
        ("Japan Osaka", TOKYO),  # the same time, whichever of the two is taken
    ],
)
def test_a_name_is_found_however_it_is_written(typed: str, place: Place) -> None:
    """Case, accents, points, spaces, and small words around it do not matter."""
    assert find(typed, ATLAS) == Found(places=(place,))


def test_a_name_of_several_places_gives_them_all() -> None:
    """A country with two times leads to both, in order."""
    assert find("united states", ATLAS) == Found(places=(YORK, CHICAGO))


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("Tokoy", (TOKYO,)),  # one slip in five letters
        ("Chicgo", (CHICAGO,)),
        ("Amstredum", (AMSTERDAM,)),  # two slips in nine
        ("Paris, Texas", (PARIS,)),  # what stands behind the comma is not known
        ("Chicago, Japan", (CHICAGO,)),  # … or is known to be elsewhere
    ],
)
def test_what_is_only_like_a_name_is_not_sure(typed: str, places: tuple[Place, ...]) -> None:
    """A slip, or a place within one that does not hold it: the patient is asked."""
    assert find(typed, ATLAS) == Found(places=places, sure=False)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "...",
        "in",
        "now",
        "Lina",  # one slip in four letters may be anything
        "Chxcxgo",  # two slips in seven
        "Springfield",
        "can i swim in tokyo",  # the whole text must be a name
        "tokyo is nice",
        "tokyo " * 20,
        "8",
        "-3",
    ],
)
def test_what_is_no_name_finds_nothing(typed: str) -> None:
    """A question in which a city stands is no city."""
    assert find(typed, ATLAS).places == ()


@pytest.mark.parametrize(
    ("typed", "name", "zone"),
    [
        ("UTC+8", "UTC+8", "Etc/GMT-8"),  # the tz database counts westward
        ("gmt +8", "UTC+8", "Etc/GMT-8"),
        ("GMT+08:00", "UTC+8", "Etc/GMT-8"),
        ("utc-3", "UTC-3", "Etc/GMT+3"),
        ("UTC+0", "UTC", "Etc/UTC"),
        ("UTC+14", "UTC+14", "Etc/GMT-14"),
    ],
)
def test_a_distance_from_greenwich_is_a_place(typed: str, name: str, zone: str) -> None:
    """Hours east are positive, as people write them."""
    assert find(typed, ATLAS) == Found(places=(Place(name=name, zone=zone),))


@pytest.mark.parametrize("typed", ["UTC+15", "UTC-13", "UTC+5:30", "UTC8"])
def test_no_zone_has_that_distance(typed: str) -> None:
    """Where the tz database has no such zone, nothing is made up."""
    assert find(typed, ATLAS).places == ()


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Asia/Tokyo", "Tokyo, Japan"), ("Etc/GMT-8", "UTC+8"), ("Mars/Olympus", "Mars/Olympus")],
)
def test_every_zone_has_something_to_be_called(zone: str, name: str) -> None:
    """One that is on no map is called by its own name."""
    assert ATLAS.place_of(zone) == Place(name=name, zone=zone)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ho_Chi_Minh", "ho chi minh"),
        ("Côte d’Ivoire", "cote divoire"),
        ("U.S.A.", "usa"),
        ("Düsseldorf", "dusseldorf"),
        ("Straße", "strasse"),
        ("  a  /b-c ", "a b c"),
    ],
)
def test_folding_leaves_letters_and_single_spaces(text: str, folded: str) -> None:
    """What two people write differently is the same to compare."""
    assert fold(text) == folded
    assert fold(folded) == folded
