"""Tests of `bot.domain.slips`: every slip is found, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.slips import meant_by, one_slip_apart, parts, slip_table, slips_between

LETTERS = "abcé"
WORDS = st.text(alphabet=LETTERS, max_size=7)


def neighbours(word: str) -> set[str]:
    """Return everything that one slip makes of *word*, by trying all of them out."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    missing = {left + right[1:] for left, right in cuts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    wrong = {left + letter + right[1:] for left, right in cuts if right for letter in LETTERS}
    too_many = {left + letter + right for left, right in cuts for letter in LETTERS}
    return (missing | swapped | wrong | too_many) - {word}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("needdle", "needle"),  # one too many
        ("nedle", "needle"),  # one missing
        ("neadle", "needle"),  # a wrong one
        ("needel", "needle"),  # two that changed places
        ("eneedle", "needle"),  # at the beginning
        ("needles", "needle"),  # at the end
        ("", "a"),
    ],
)
def test_each_kind_of_slip_is_one(typed: str, meant: str) -> None:
    """A letter too many, one missing, a wrong one and two swapped ones are one slip, whichever word comes first."""
    assert one_slip_apart(typed, meant)
    assert one_slip_apart(meant, typed)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("needle", "needle"),
        ("", ""),
        ("ndele", "needle"),  # two slips
        ("elneed", "needle"),
        ("needle", "need"),
        ("abc", "cba"),  # swapped, but no neighbours
        ("ab", "cd"),
        ("", "ab"),
    ],
)
def test_what_is_alike_or_farther_apart_is_no_slip(first: str, second: str) -> None:
    """No slip at all, and two of them, do not count as one."""
    assert not one_slip_apart(first, second)
    assert not one_slip_apart(second, first)


@given(WORDS, WORDS)
def test_two_words_are_one_slip_apart_if_trying_everything_out_finds_it(first: str, second: str) -> None:
    """The quick comparison agrees with the slow one."""
    assert one_slip_apart(first, second) == (second in neighbours(first))


@given(WORDS, st.data())
def test_every_neighbour_is_one_slip_away(word: str, data: st.DataObject) -> None:
    """Whatever one slip makes of a word is recognised."""
    assert one_slip_apart(word, data.draw(st.sampled_from(sorted(neighbours(word)))))


@given(st.sets(st.text(alphabet=LETTERS, min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_the_table_finds_every_word_that_may_have_been_meant(known: set[str], data: st.DataObject) -> None:
    """Looking up the parts of what was typed finds all words that are one slip from it."""
    table = slip_table(sorted(known))
    meant = data.draw(st.sampled_from(sorted(known)))
    typed = data.draw(st.sampled_from(sorted(neighbours(meant))))
    found = meant_by(typed, table)
    assert meant in found
    assert sorted(found) == sorted(word for word in known if one_slip_apart(typed, word))


def test_a_word_that_nobody_can_have_meant_finds_nothing() -> None:
    """Neither does a known word find itself."""
    table = slip_table(["card", "cart"])
    assert meant_by("needle", table) == []
    assert meant_by("", table) == []
    assert meant_by("card", table) == ["cart"]


def test_parts_are_the_word_and_what_is_left_without_one_letter() -> None:
    """Double letters leave the same part twice, which counts once."""
    assert parts("need") == {"need", "eed", "ned", "nee"}
    assert parts("") == {""}


def test_the_table_keeps_the_order_of_its_words() -> None:
    """Nothing depends on the order in which sets are walked through."""
    assert slip_table(["cart", "card"])["car"] == ("cart", "card")
    assert slip_table(["card", "cart"])["car"] == ("card", "cart")
    assert slip_table([]) == {}


@pytest.mark.parametrize(
    ("first", "second", "most", "slips"),
    [
        ("tokyo", "tokyo", 2, 0),
        ("tokoy", "tokyo", 1, 1),  # two letters changed places
        ("chicgo", "chicago", 1, 1),
        ("chicagoo", "chicago", 1, 1),
        ("shicago", "chicago", 1, 1),
        ("amstredum", "amsterdam", 2, 2),
        ("amstredum", "amsterdam", 1, None),  # more than asked for
        ("lima", "oslo", 2, None),
        ("", "abc", 2, None),
        ("", "ab", 2, 2),
    ],
)
def test_slips_between_two_texts_are_counted(first: str, second: str, most: int, slips: int | None) -> None:
    """Insertions, deletions, substitutions and swaps count one each, in either direction."""
    assert slips_between(first, second, most) == slips
    assert slips_between(second, first, most) == slips


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_one_slip_is_one_slip_apart(first: str, second: str) -> None:
    """Both ways of looking for one slip agree."""
    assert (slips_between(first, second, 1) == 1) == one_slip_apart(first, second)
