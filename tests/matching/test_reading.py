"""Tests of `bot.matching.reading`: a patient's line, read with the FAQ's words in mind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching.reading import MOST_WORDS, Reader

COUNTS = {"can": 9, "i": 9, "swim": 5, "needle": 5, "day": 2, "exercise": 1, "do": 1, "not": 1}
SYNONYMS = {"exercise": ["gym", "leg day"], "hot_water": ["sauna"], "alcohol": ["beer"]}
READER = Reader(COUNTS, SYNONYMS, lambda word: word in {"noodle"})


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Can I swimm?!", ("can", "i", "swim")),
        ("don’t NEDLE", ("do", "not", "needle")),
        ("noodle", ("noodle",)),  # known from elsewhere: no slip
        (
            "saunna",
            ("saunna",),
        ),  # a word of the thesaurus is known, but slips are mended to the FAQ's own words
        ("sauna", ("sauna",)),
        ("", ()),
        ("😀😀", ()),
        ("\u202e\u200b", ()),
        ("可以游泳吗", tuple("可以游泳吗")),
    ],
)
def test_a_line_is_read(typed: str, read: tuple[str, ...]) -> None:
    """In one spelling, slips mended."""
    assert READER.read(typed) == read


def test_a_word_of_the_thesaurus_is_no_slip() -> None:
    """ "Beer" is not mended to a word that the FAQ has by chance."""
    assert Reader({"bear": 5}, {}).read("beer") == ("bear",)
    assert Reader({"bear": 5}, SYNONYMS).read("beer") == ("beer",)


def test_a_page_is_read_up_to_a_point() -> None:
    """Nobody asks one question in more words, and time is bounded."""
    assert READER.read("swim " * 1000) == ("swim",) * MOST_WORDS


@given(st.text(max_size=300))
def test_any_message_can_be_read(text: str) -> None:
    """No message breaks the reader."""
    words = READER.read(text)
    assert len(words) <= MOST_WORDS
    other = READER.in_other_words(words)
    assert other is None or other[: len(words)] == words


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("can i gym", "can i gym exercise"),
        ("sauna", "sauna hot water"),  # a name of two words
        ("leg day", "leg day exercise"),
        ("gym and sauna", None),  # "and" is strange, and the thesaurus does not know it either
        ("gym sauna", "gym sauna exercise hot water"),
        ("can i swim", None),  # nothing is strange
        ("gym zzyzx", None),  # who knows what that is about?
        ("leg", None),  # known to the thesaurus, but means nothing by itself
        ("", None),
    ],
)
def test_the_thesaurus_adds_what_strange_words_mean(line: str, other: str | None) -> None:
    """Behind the words themselves, and only if all strange words are known to it."""
    found = READER.in_other_words(tuple(line.split()))
    assert found == (None if other is None else tuple(other.split()))
