"""A small table of word vectors: where a sentence lies, so that "leg day" is near "exercise".

The table is built by `tests/bench/build_table.py` and shipped (`table.npz`, under 6 MB); a sentence's vector is the mean of its
word pieces' rows. Only numpy is needed to read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

_LONGEST_WORD = 60


class WordTable:
    """Word pieces and their vectors; a word that is not in it is read in the longest pieces that are."""

    def __init__(self, pieces: Sequence[str], rows: npt.NDArray[np.int8], scales: npt.NDArray[np.float16]):
        """Keep *rows* (one per piece, int8) and the *scales* that make them numbers again."""
        self._rows, self._scales = rows, scales.astype(np.float32)
        #: A mark of the table's content: another table, another mark.
        self.digest = hashlib.sha256(rows.tobytes() + scales.tobytes() + "\n".join(pieces).encode()).digest()
        self._at = {piece: number for number, piece in enumerate(pieces)}
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def width(self) -> int:
        """Return how many numbers a vector has."""
        return int(self._rows.shape[1])

    def knows(self, word: str) -> bool:
        """Return whether *word* is one piece of its own."""
        return word in self._at

    def pieces_of(self, word: str) -> tuple[int, ...]:
        """Return the rows of *word*: one, or those of its longest pieces; none for what has no Latin letters."""
        if len(word) > _LONGEST_WORD:
            return ()
        if word not in self._known:
            if len(self._known) > 20_000:
                self._known.clear()  # only so that a flood of nonsense cannot fill the memory
            self._known[word] = self._cut(word)
        return self._known[word]

    def of(self, words: Iterable[str]) -> Vector:
        """Return the mean of the rows of all *words*; zeros if none can be read."""
        at = [row for word in words for row in self.pieces_of(word)]
        if not at:
            return np.zeros(self.width, dtype=np.float32)
        mean = (self._scales[at] @ self._rows[at].astype(np.float32)) / np.float32(len(at))
        return np.asarray(mean, dtype=np.float32)

    def _cut(self, word: str) -> tuple[int, ...]:
        found, start = [], 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                row = self._at.get(mark + word[start:end])
                if row is not None:
                    found.append(row)
                    start = end
                    break
            else:
                return ()
        return tuple(found)


@cache
def shipped() -> WordTable:
    """Return the table that comes with the program."""
    with (resources.files("bot.matching") / "table.npz").open("rb") as file, np.load(file) as table:
        pieces = table["pieces"].tobytes().decode().split("\n")
        return WordTable(pieces, table["rows"], table["scales"])
