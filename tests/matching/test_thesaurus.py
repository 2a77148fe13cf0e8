"""Tests of `bot.matching.thesaurus`: groups of words that mean the same."""

from __future__ import annotations

import pytest

from bot.matching.thesaurus import Thesaurus

THESAURUS = Thesaurus(
    {
        "exercise": ["gym", "Leg day", "leg press"],
        "alcohol": ["beer", "gym beer"],
        "empty": [],
        "blank": ["", "😀", "..."],
    }
)


def meaning(line: str, *strange: str) -> tuple[str, ...]:
    """Return what the thesaurus makes of a line with some strange words in it."""
    return THESAURUS.meaning(line.split(), set(strange))


@pytest.mark.parametrize(
    ("line", "strange", "names"),
    [
        ("my gym is near", ["gym"], ("exercise",)),
        ("leg day today", ["leg", "day"], ("exercise",)),
        ("leg day today", ["day"], ("exercise",)),  # one strange word in the phrase is enough
        ("leg day", ["today"], ()),  # the FAQ itself knows these words
        ("day leg", ["day", "leg"], ()),  # not in this order
        ("leg", ["leg"], ()),  # half a phrase
        ("gym beer", ["gym", "beer"], ("exercise", "alcohol")),
        ("beer beer gym gym", ["gym", "beer"], ("alcohol", "exercise")),  # each once, as they come
        ("gym", [], ()),
        ("", ["gym"], ()),
    ],
)
def test_strange_words_get_their_meaning(line: str, strange: list[str], names: tuple[str, ...]) -> None:
    """A group's name is found where one of its phrases stands that holds a strange word."""
    assert meaning(line, *strange) == names


def test_the_words_of_all_phrases_are_known() -> None:
    """Written as patients' words are read; the groups' names are not among them."""
    assert all(map(THESAURUS.knows, ("gym", "leg", "day", "press", "beer")))
    assert not any(map(THESAURUS.knows, ("exercise", "Leg", "", "leg day", "😀")))


def test_a_thesaurus_without_groups_knows_nothing() -> None:
    """A language may have none."""
    assert not Thesaurus({}).knows("gym")
    assert Thesaurus({}).meaning(["gym"], {"gym"}) == ()
