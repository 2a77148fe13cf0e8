"""Tests of `bot.matching.features`: lines as numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.matching import ngrams
from bot.matching.features import Sheet, Vocabulary
from bot.matching.vectors import WordTable

LINES = [["can", "i", "swim"], ["swim", "swim", "in", "the", "pool"], [], ["where", "to", "park"]]
PIECES = ["can", "swim", "pool", "park"]


@pytest.fixture
def small() -> WordTable:
    """A table of four words, two numbers wide."""
    rows = np.array([[4, 0], [0, 4], [0, 8], [-4, 0]], dtype=np.int8)
    return WordTable(PIECES, rows, np.ones(4, dtype=np.float16))


def test_words_weigh_as_much_as_by_scikit_learn() -> None:
    """``TfidfVectorizer(sublinear_tf=True)`` is what was measured."""
    counted = [ngrams.of_words(line) for line in LINES]
    vocabulary = Vocabulary.of(counted)
    ours = vocabulary.weigh(counted)
    theirs = TfidfVectorizer(analyzer=lambda line: list(ngrams.of_words(line).elements()), sublinear_tf=True)
    wanted = theirs.fit_transform(LINES).toarray()
    for number in range(len(LINES)):
        span = slice(ours.at[number], ours.at[number + 1])
        found = {
            vocabulary.names[id_]: weight
            for id_, weight in zip(ours.ids[span], ours.weights[span], strict=True)
        }
        row = wanted[number]
        assert found == pytest.approx({name: row[at] for name, at in theirs.vocabulary_.items() if row[at]})


def test_what_stands_in_few_lines_weighs_more() -> None:
    """A word of every line tells nothing apart."""
    vocabulary = Vocabulary.of([{"the": 1, "pool": 1}, {"the": 1}, {"the": 1}])
    weight = dict(zip(vocabulary.names, vocabulary.idf, strict=True))
    assert weight["pool"] > weight["the"] == 1


def test_a_line_without_known_words_has_none() -> None:
    """Between two that have some, it takes nothing away from them."""
    vocabulary = Vocabulary.of([{"pool": 1}])
    found = vocabulary.weigh([{"pool": 3}, {"sea": 1}, {}, {"pool": 1}])
    assert found.at.tolist() == [0, 1, 1, 1, 2]
    assert found.weights == pytest.approx([1, 1])
    assert vocabulary.weigh([]).at.tolist() == [0]
    assert Vocabulary.of([]).weigh([{"pool": 1}]).at.tolist() == [0, 0]


def test_a_line_is_seen_as_it_was_learned(small: WordTable) -> None:
    """The numbers of a line are the same when it is learned and when a patient sends it."""
    sheet = Sheet.of(LINES, small)
    for number, line in enumerate(LINES):
        seen = sheet.features.see(line)
        words = slice(sheet.words.at[number], sheet.words.at[number + 1])
        letters = slice(sheet.letters.at[number], sheet.letters.at[number + 1])
        shift = len(sheet.features.words.names)
        assert seen.of_words == words.stop - words.start
        assert seen.ids.tolist() == [*sheet.words.ids[words], *(sheet.letters.ids[letters] + shift)]
        assert seen.weights == pytest.approx(
            np.concatenate([sheet.words.weights[words], sheet.letters.weights[letters]])
        )
        assert seen.place == pytest.approx(sheet.places[number], abs=1e-6)


def test_places_are_seen_from_the_middle_of_the_faq(small: WordTable) -> None:
    """What all lines have in common tells nothing apart; lines that cannot be read do not move the middle."""
    sheet = Sheet.of([["swim"], ["pool"], ["zzz"]], small)
    assert sheet.features.frame.centre.tolist() == [0, 6]
    first, second, unread = sheet.places
    assert abs(first @ second + 1) < 1e-6
    assert unread.tolist() == [0, 0]


def test_what_cannot_be_read_has_no_place(small: WordTable) -> None:
    """Not even the opposite of the middle, and nothing that is no number."""
    features = Sheet.of(LINES, small).features
    for line in ([], ["zzz"], ["😀"], ["泳"]):
        assert features.see(line).place.tolist() == [0, 0]
    nothing = features.see(["😀"])
    assert (len(nothing.ids), len(nothing.weights), nothing.of_words) == (0, 0, 0)


def test_a_line_in_the_very_middle_has_no_place(small: WordTable) -> None:
    """It has no direction, and nothing is divided by zero."""
    sheet = Sheet.of([["swim"], ["swim"]], small)
    assert not sheet.places.any()
    assert not sheet.features.see(["swim"]).place.any()


def test_a_faq_in_a_script_that_the_table_cannot_read_is_seen_by_its_words(small: WordTable) -> None:
    """Without any place, each sign is still a word."""
    sheet = Sheet.of([list("可以游泳"), list("停车")], small)
    assert not sheet.features.frame.centre.any()
    seen = sheet.features.see(list("游泳"))
    assert seen.of_words == 3
    assert not seen.place.any()
