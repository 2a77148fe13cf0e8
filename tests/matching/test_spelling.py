"""Tests of `bot.matching.spelling`: slips are mended, and what is no slip is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.slips import one_slip_apart
from bot.matching.spelling import SHORTEST, Speller

COUNTS = {
    "needle": 9,
    "needles": 2,
    "sport": 3,
    "short": 8,
    "spot": 5,
    "the": 90,
    "swim": 4,
    "48": 7,
    "ache": 1,
    "வலி": 3,
}
SPELLER = Speller(COUNTS, lambda word: word in {"noodle", "swam"})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("nedle", "needle"),
        ("needel", "needle"),
        ("swimm", "swim"),
        ("siwm", "swim"),
        ("sporrt", "sport"),  # the same first letter, and only one word is near
        ("zhort", "short"),  # a slip in the first letter, if nothing else is near
    ],
)
def test_a_slip_becomes_the_faqs_own_word(typed: str, meant: str) -> None:
    """A strange word that is one slip from a word of the FAQ is read as that."""
    assert SPELLER.mend(typed) == meant


def test_the_commonest_word_is_meant() -> None:
    """Where two words are equally near, the one that the FAQ uses more often wins."""
    assert one_slip_apart("shprt", "short")
    assert one_slip_apart("spwrt", "sport")
    assert Speller({"cart": 1, "card": 5}).mend("carx") == "card"
    assert Speller({"cart": 5, "card": 1}).mend("carx") == "cart"


def test_the_same_first_letter_counts_more_than_being_common() -> None:
    """A slip in the first letter is the rarest."""
    assert Speller({"pain": 100, "gait": 1}).mend("gain") == "gait"


def test_which_word_is_meant_does_not_hang_on_the_order_of_the_words() -> None:
    """Between words that are equally common and equally near, the choice is always the same."""
    words = ["cart", "card", "care"]
    assert {Speller(dict.fromkeys(order, 1)).mend("carx") for order in (words, words[::-1])} == {"cart"}


@pytest.mark.parametrize(
    "word",
    [
        "needles",  # the FAQ's own word, though it is near a commoner one
        "noodle",  # a known word
        "swam",
        "teh",  # too short to guess
        "tha",
        "swi",
        "49",
        "4848",
        "need1e",  # with a digit
        "needl'",
        "swimming",  # two slips and more
        "",
        "😀",
        "வலி",
        "வலிய",
        "泳",
        "needle" * 700,
        "ab" * 2048,
    ],
)
def test_what_is_no_slip_stays(word: str) -> None:
    """Known words, digits, short words, other scripts and hopeless ones are not touched."""
    assert SPELLER.mend(word) == word


def test_a_short_word_of_the_faq_is_no_guess_either() -> None:
    """A word of four letters is not shortened to one of three."""
    assert Speller({"the": 90}).mend("thee") == "thee"


def test_all_words_of_a_line_are_mended() -> None:
    """In their order, none is lost."""
    assert SPELLER.mend_all(["teh", "nedle", "the", "swimm"]) == ("teh", "needle", "the", "swim")
    assert Speller({}).mend_all(["anything"]) == ("anything",)


LONG_WORDS = st.text(alphabet="abcdefgh", min_size=SHORTEST + 1, max_size=9)


@given(st.dictionaries(LONG_WORDS, st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_every_slip_in_a_known_word_is_mended(counts: dict[str, int], data: st.DataObject) -> None:
    """Whatever one slip makes of a long word is mended to a word of the FAQ that is one slip away."""
    meant = data.draw(st.sampled_from(sorted(counts)))
    at = data.draw(st.integers(0, len(meant) - 1))
    letter = data.draw(st.sampled_from("abcxyz"))
    typed = data.draw(
        st.sampled_from(
            [
                meant[:at] + meant[at + 1 :],
                meant[:at] + letter + meant[at:],
                meant[:at] + letter + meant[at + 1 :],
                meant[:at] + meant[at : at + 2][::-1] + meant[at + 2 :],
            ]
        )
    )
    mended = Speller(counts).mend(typed)
    assert mended in counts
    assert mended == typed or one_slip_apart(typed, mended)
    assert (mended == typed) == (typed in counts)
