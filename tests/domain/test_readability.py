"""Tests of `bot.domain.readability`: LIX, against values that were worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.readability import lix, word_count


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("You may swim.", 3 / 1),  # 3 words, 1 sentence, none long
        ("Swim tomorrow.", 2 / 1 + 100 * 1 / 2),  # "tomorrow" has 8 letters
        ("Rest. Drink water. Sleep!", 4 / 3),
        ("Is swimming safe? It is.", 5 / 2 + 100 * 1 / 5),
        ("no full stop", 3 / 1),  # the end of the text ends a sentence
        (
            "one line\nand another",
            4 / 2 + 100 * 1 / 4,
        ),  # so does the end of a line: a list has short sentences
        ("letter letters", 2 / 1 + 100 * 1 / 2),  # six letters are short, seven are long
        ("Wait... 3.5 hours?!", 4 / 1),  # a pause and a decimal point end nothing; "?!" is one end
    ],
)
def test_lix_is_words_a_sentence_and_long_words_in_a_hundred(text: str, value: float) -> None:
    """Values by hand, after Björnsson."""
    assert lix(text) == pytest.approx(value)


@pytest.mark.parametrize("short", ["they've", "haven't", "haven’t", "one-day", "2000000"])
def test_only_letters_make_a_word_long(short: str) -> None:
    """An apostrophe, a hyphen and digits are not letters."""
    assert lix(f"{short} ok") == 2


@pytest.mark.parametrize(
    ("template", "count"),
    [
        ("", 0),
        ("🙂 — !", 0),
        ("<b>Yes</b>, you may.", 3),
        ('<a href="https://example.com/a b c">here</a>', 1),
        ("Call {clinic_phone_number} now", 3),  # a variable is one word
        ("don't check-in", 2),  # an apostrophe and a hyphen keep a word together
        ("salt &amp; water &lt; 3", 3),  # an escaped sign is no word, and its semicolon ends no sentence
        ("snake_case", 2),
        ("வலி இருக்கு", 2),  # a vowel sign does not divide a word
        ("दर्द है", 2),
    ],
)
def test_words_are_counted_as_the_patient_sees_them(template: str, count: int) -> None:
    """Tags and escapes are not read, variables are."""
    assert word_count(template) == count


def test_tags_variables_and_escapes_make_nothing_harder() -> None:
    """What the patient does not see does not count; a variable counts as a short word."""
    assert lix("<b>You</b> may <i>swim</i>.") == lix("You may swim.")
    assert lix("Call {clinic_phone_number}.") == lix("Call it.")
    assert lix("salt &amp; water") == lix("salt & water") == 2


@pytest.mark.parametrize("template", ["", "   ", "🙂", "<b></b>", "...", "&amp;"])
def test_a_text_without_words_is_not_hard(template: str) -> None:
    """There is nothing to divide by, and nothing fails."""
    assert lix(template) == 0


@given(st.text(max_size=200))
def test_any_template_can_be_measured(template: str) -> None:
    """LIX lies between nothing and all words long in one sentence."""
    count = word_count(template)
    assert 0 <= lix(template) <= count + 100
    assert (lix(template) == 0) == (count == 0)


def test_a_longer_sentence_with_longer_words_is_harder() -> None:
    """What makes a text harder makes the number larger."""
    assert lix("It is sore. It will pass.") < lix("It is sore and it will pass.")
    assert lix("It is sore and it will pass.") < lix("It is uncomfortable and it will disappear.")
