"""Tests of `bot.domain.text`: patients' text made comparable."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.text import MARKS, clauses, normalise, tokens, words


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("I CAN’T breathe", "i cannot breathe"),  # typographic apostrophe
        ("cant", "cannot"),  # no apostrophe
        ("can not", "cannot"),  # two words
        ("don't / dont / dun", "do not / do not / do not"),  # Singlish too
        ("it won't stop", "it will not stop"),
        ("She's ok, I'm not", "she is ok, i am not"),
        ("my mother's face", "my mother face"),  # a possessive is no "is"
        ("paaaaain", "pain"),  # drawn-out letters
        ("chest\u200bpain \u202eok", "chestpain ok"),  # hidden marks
        ("ｃｈｅｓｔ　ｐａｉｎ", "chest pain"),  # full-width letters
        ("numb/tingling 9/10", "numb or tingling 9/10"),  # a stroke between words is an "or"
        ("  two   spaces \n\n and lines ", "two spaces\nand lines"),
        ("“quoted”", '"quoted"'),
        ("", ""),
    ],
)
def test_text_is_brought_into_one_spelling(typed: str, plain: str) -> None:
    """Different spellings of one thing become the same text."""
    assert normalise(typed) == plain


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("No fever. Chest hurts!", ("no", "fever", ".", "chest", "hurts", "!")),
        ("wait... what?!", ("wait", "what", "?")),  # dots are a breath; a question stays one
        ("light-headed - now", ("light", "headed", ",", "now")),  # a hyphen joins, a dash divides
        ("pain: none (really)\nok", ("pain", ",", "none", ",", "really", ".", "ok")),
        ("38.5 deg, pain 9/10", ("38.5", "deg", ",", "pain", "9/10")),
        ("2days", ("2", "days")),
        ("胸口痛，怎么办？", ("胸", "口", "痛", ",", "怎", "么", "办", "?")),  # each sign is a word
        ("வலி இருக்கு", ("வலி", "இருக்கு")),  # vowel signs belong to their word
        ("😭😭 help", ("help",)),
        ("...", ()),
    ],
)
def test_tokens_keep_the_marks_that_divide(typed: str, expected: tuple[str, ...]) -> None:
    """Words come with the marks between sentences and clauses, and with nothing else."""
    assert tokens(typed) == expected


def test_words_and_clauses_are_views_of_the_tokens() -> None:
    """`words` leaves the marks out; `clauses` divides at them."""
    text = "No chest pain, just sore. Ok?"
    assert words(text) == ("no", "chest", "pain", "just", "sore", "ok")
    assert clauses(text) == (("no", "chest", "pain"), ("just", "sore"), ("ok",))


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    """No text breaks the reader, and no token is empty or a stray mark."""
    assert all(token and not token.isspace() for token in tokens(text))
    assert not MARKS & set(words(text))
    assert [word for clause in clauses(text) for word in clause] == list(words(text))


@given(st.text(alphabet=st.sampled_from("can'tdo ’?.,!\n-/im"), max_size=80))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """What is normalised stays as it is."""
    once = normalise(text)
    assert normalise(once) == once


@pytest.mark.parametrize(
    "piece", ["a", "ab", "a'", "can't ", "😀", "\u202e", ". ", "胸", "ab1", "é\u0301", " \n"]
)
def test_the_longest_message_is_read_in_no_time(piece: str) -> None:
    """4,096 characters of anything are read within a fraction of a second."""
    text = (piece * 4096)[:4096]
    started = time.perf_counter()
    tokens(text)
    assert time.perf_counter() - started < 0.5
