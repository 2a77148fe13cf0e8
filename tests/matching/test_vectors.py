"""Tests of `bot.matching.vectors`: words and their pieces, and where a sentence lies."""

from __future__ import annotations

import numpy as np
import pytest

from bot.matching.vectors import WordTable

PIECES = ["need", "needle", "##s", "##le", "##less", "a", "##b"]
ROWS = np.arange(14, dtype=np.int8).reshape(7, 2)
SCALES = np.array([1, 2, 1, 1, 1, 1, 0.5], dtype=np.float16)


@pytest.fixture
def small() -> WordTable:
    """A table of seven pieces, two numbers wide."""
    return WordTable(PIECES, ROWS, SCALES)


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("needle", [1]),  # the whole word, not "need" and "##le"
        ("needles", [1, 2]),  # the longest beginning first
        ("needless", [1, 2, 2]),  # ... though "need" and "##less" would be fewer
        ("need", [0]),
        ("ab", [5, 6]),
        ("b", []),  # is only known inside a word
        ("needlex", []),  # the end cannot be read, so nothing of it is
        ("😀", []),
        ("泳", []),
        ("Needle", []),
        ("", []),
        ("a" + "b" * 59, [5] + [6] * 59),
        ("a" + "b" * 60, []),  # too long to be a word
    ],
)
def test_a_word_is_cut_into_the_longest_pieces(small: WordTable, word: str, pieces: list[int]) -> None:
    """From its beginning on; a word that cannot be read to its end has none."""
    assert list(small.pieces_of(word)) == pieces
    assert list(small.pieces_of(word)) == pieces  # the second time from memory


def test_a_sentence_lies_at_the_mean_of_its_pieces(small: WordTable) -> None:
    """Rows times their scales; what cannot be read does not count."""
    assert small.of(["needle"]).tolist() == [4, 6]
    assert small.of(["ab"]).tolist() == [(10 + 6) / 2, (11 + 6.5) / 2]
    assert small.of(["needle", "need"]).tolist() == [(4 + 0) / 2, (6 + 1) / 2]
    assert small.of(["needle", "zzz", "😀"]).tolist() == [4, 6]
    assert small.of(["needle"]).dtype == np.float32


@pytest.mark.parametrize("line", [[], [""], ["😀"], ["泳", "池"], ["x" * 4096]])
def test_what_cannot_be_read_lies_nowhere(small: WordTable, line: list[str]) -> None:
    """Zeros, and no error."""
    assert small.of(line).tolist() == [0, 0]


def test_only_whole_words_are_known(small: WordTable) -> None:
    """A word that has to be cut is none that everybody knows."""
    assert small.knows("needle")
    assert not small.knows("needles")
    assert not small.knows("s")
    assert small.width == 2


def test_a_flood_of_nonsense_does_not_fill_the_memory(small: WordTable) -> None:
    """Long words are not kept at all, and of short ones only so many."""
    for number in range(20_500):
        small.pieces_of(f"x{number}")
    assert len(small._known) <= 20_001
    small.pieces_of("😀" * 4096)
    assert max(map(len, small._known)) < 100
    assert list(small.pieces_of("needles")) == [1, 2]


def test_another_table_has_another_mark(small: WordTable) -> None:
    """Pieces, rows and scales all count; the same content has the same mark."""
    other_rows, other_scales = ROWS.copy(), SCALES.copy()
    other_rows[3, 1] += 1
    other_scales[0] = 3
    assert WordTable(list(PIECES), ROWS.copy(), SCALES.copy()).digest == small.digest
    assert WordTable([*PIECES[:-1], "##c"], ROWS, SCALES).digest != small.digest
    assert WordTable(PIECES, other_rows, SCALES).digest != small.digest
    assert WordTable(PIECES, ROWS, other_scales).digest != small.digest


def test_the_shipped_table_knows_what_lies_near(table: WordTable) -> None:
    """What means the same lies nearer than what does not, without a word in common."""

    def near(first: str, second: str) -> float:
        one, other = table.of(first.split()), table.of(second.split())
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))

    assert near("swimming pool", "bathing in water") > near("swimming pool", "tax office") + 0.1
    assert near("lift weights", "gym exercise") > near("lift weights", "read novels") + 0.1


def test_the_shipped_table_cannot_read_other_scripts(table: WordTable) -> None:
    """They must get no place at all: half a reading would be worse than none."""
    assert not table.of(["可", "以", "வலி", "привет", "😀"]).any()
    assert table.of(["swim"]).any()
