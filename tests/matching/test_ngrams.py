"""Tests of `bot.matching.ngrams`: the counts are scikit-learn's."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from bot.matching.ngrams import LONGEST, SHORTEST, of_letters, of_words

LINES = st.lists(st.text(alphabet="abé泳", min_size=1, max_size=6), max_size=6)


def test_words_and_pairs_of_neighbours_are_counted() -> None:
    """A word that comes twice counts twice; a pair is two words that stand together, in their order."""
    assert of_words(["can", "i", "can"]) == {"can": 2, "i": 1, "can i": 1, "i can": 1}
    assert of_words(["swim"]) == {"swim": 1}
    assert of_words([]) == {}


def test_letters_run_over_the_edges_of_a_word_but_not_into_the_next() -> None:
    """A space stands for the edge, so that the beginning and the end of a word count for more."""
    assert of_letters(["swim", "ok"]) == Counter(
        [" sw", "swi", "wim", "im ", " swi", "swim", "wim ", " ok", "ok ", " ok "]
    )


def test_a_short_word_counts_once() -> None:
    """A word that is shorter than the runs is a run itself."""
    assert of_letters(["i"]) == {" i ": 1}
    assert of_letters(["泳", "泳"]) == {" 泳 ": 2}
    assert of_letters([]) == {}


@given(LINES)
def test_letters_are_counted_as_by_scikit_learn(line: list[str]) -> None:
    """``char_wb`` is what was measured, so it is what must be counted."""
    analyse = CountVectorizer(
        analyzer="char_wb", ngram_range=(SHORTEST, LONGEST), lowercase=False
    ).build_analyzer()
    assert of_letters(line) == Counter(analyse(" ".join(line)))
