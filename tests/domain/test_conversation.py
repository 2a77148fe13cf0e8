"""Tests of `bot.domain.conversation`: what "and for swimming?", "yes" and "the second one" mean after what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.conversation import Before, SmallWords, chosen, leaning, parts

WORDS = SmallWords(
    yes=frozenset({"yes", "yes please", "ok"}),
    no=frozenset({"no"}),
    openers=("and", "and for", "what about", "and what about"),
    joints=frozenset({"and", "also", "and also", "c++", "another thing"}),
    ordinals={"the second one": 2, "first": 1, "the fourth": 4},
)
OFFER = Before("offer", ("swim", "run", "bath"))


# --- follow-ups ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("and for swimming?", "swimming"),  # the longest opener goes, not only "and"
        ("And what about the gym", "the gym"),
        ("and, swimming", "swimming"),
        ("how long?", "how long"),  # short: leans even without an opener
        ("android phone", "android phone"),  # an opener is a whole word
        ("swimming and", "swimming and"),  # and stands at the beginning
        ("one two three four five six", "one two three four five six"),
        ("one two three four five six seven", None),  # long enough to stand alone
        ("and one two three four five six seven eight nine ten eleven twelve", None),
    ],
)
def test_a_follow_up_is_read_without_its_opener(said: str, left: str | None) -> None:
    """What is left is what the person asks about now."""
    expected = (
        left if said.count(" ") < 12 else "one two three four five six seven eight nine ten eleven twelve"
    )
    assert leaning(said, WORDS) == expected


@pytest.mark.parametrize(
    "said", ["", "?", "and", "And?!", "What about...", "😀", "\u202e\u200b", "and " + "a b " * 2000]
)
def test_nothing_and_too_much_lean_on_nothing(said: str) -> None:
    """An opener alone, no words at all, and a whole page are no follow-ups."""
    assert leaning(said, WORDS) is None


def test_an_opener_lets_a_follow_up_be_twice_as_long() -> None:
    """Up to twelve words after an opener, up to six without one."""
    assert leaning("and " + "word " * 12, WORDS) is not None
    assert leaning("and " + "word " * 13, WORDS) is None
    assert leaning("word " * 6, WORDS) is not None
    assert leaning("word " * 7, WORDS) is None


def test_without_openers_a_short_message_still_leans() -> None:
    """A language whose openers nobody has written down yet works as far as it can."""
    assert leaning("and swimming?", SmallWords()) == "and swimming"


# --- picking what was offered -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "picked"),
    [
        ("yes", "swim"),
        ("Yes please!", "swim"),
        ("the second one", "run"),
        ("First.", "swim"),
        ("2", "run"),
        ("3.", "bath"),
        ("３", "bath"),  # full-width
        ("٢", "run"),  # Arabic
        ("02", "run"),
        ("0", None),
        ("4", None),
        ("the fourth", None),  # there were three
        ("-1", None),
        ("2 days", None),
        ("yes i ran today", None),
        ("no", None),
        ("", None),
        ("😀", None),
    ],
)
def test_one_of_the_offers_is_picked(said: str, picked: str | None) -> None:
    """By yes (the first), by a word for its place, or by its number; nothing else picks one."""
    assert chosen(said, OFFER, WORDS) == picked


@pytest.mark.parametrize("said", ["፩", "𐩀", "²", "①", "9" * 5000, "𝟚"])
def test_strange_numbers_break_nothing(said: str) -> None:
    """What Unicode calls a digit is not always a number that Python reads, and a number may be very long."""
    assert chosen(said, OFFER, WORDS) in (None, "swim", "run")


@pytest.mark.parametrize(
    "before", [Before("answer", ("swim",)), Before("check", ("bleeding",)), Before("offer", ())]
)
def test_nothing_is_picked_where_nothing_was_offered(before: Before) -> None:
    """ "Yes" after an answer, and above all after a question about danger, picks no topic."""
    assert chosen("yes", before, WORDS) is None
    assert chosen("1", before, WORDS) is None


@given(st.text(max_size=50), st.sampled_from([OFFER, Before("offer", ("swim",))]))
def test_whatever_is_said_only_what_was_offered_is_picked(said: str, before: Before) -> None:
    """No message breaks the reader or picks something else."""
    assert chosen(said, before, WORDS) in (None, *before.about)


# --- several questions in one message -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Can I swim? When can I run?", ("can i swim", "when can i run")),
        ("can i swim and when can i run", ("can i swim", "when can i run")),
        ("can i swim, when can i run", ()),  # a comma divides far more often what is one question
        ("can i swim; when can i run\nhow about baths", ("can i swim", "when can i run", "how about baths")),
        ("can i swim and also can i run", ("can i swim", "can i run")),  # the longest joint goes
        ("can i swim c++ can i run", ()),  # a joint with signs in it is no pattern
        ("Can I swim & can I run", ("can i swim", "can i run")),
        ("can i swim", ()),
        ("can i swim and run", ()),  # "run" alone is no question of its own
        ("i feel sandy in candyland", ()),  # a joint is a whole word
        ("my fever is 38.5 degrees", ()),  # a point inside a number ends nothing
        ("it cost 1,000 dollars today", ()),
        ("i slept at 10.30? can i run", ("i slept at 10.30", "can i run")),
        ("it hurts since 3. can i run", ("it hurts since 3", "can i run")),
        ("can i swim.can i run", ("can i swim", "can i run")),
        ("a b. c d. e f. g h", ("a b", "c d", "e f", "g h")),
        ("a b. c d. e f. g h. i j", ()),  # a story, not a list of questions
        ("", ()),
        ("?!.,;\n", ()),
        ("😀 😀. 😀 😀", ("😀 😀", "😀 😀")),
    ],
)
def test_a_message_is_divided_into_its_questions(said: str, expected: tuple[str, ...]) -> None:
    """At marks and joints, if two to four parts are long enough to be questions."""
    assert parts(said, WORDS.joints) == expected


def test_without_joints_only_marks_divide() -> None:
    """A language without joints is no reason to fail."""
    assert parts("can i swim and can i run", ()) == ()
    assert parts("can i swim? can i run?", ()) == ("can i swim", "can i run")


@given(st.text(alphabet="ab 1.,?and\n", max_size=80))
def test_parts_are_none_or_a_few_each_of_two_words_at_least(said: str) -> None:
    """Whatever is said, a part could be a question."""
    found = parts(said, WORDS.joints)
    assert len(found) in (0, 2, 3, 4)
    assert all(len(part.split()) >= 2 and part == part.strip() for part in found)
