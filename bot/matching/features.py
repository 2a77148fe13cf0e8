"""A line as numbers: weighed n-grams of its words and letters, and where it lies by the table of word vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.matching import ngrams
from bot.matching.vectors import WordTable

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


class Vocabulary:
    """N-grams and how much each weighs: the rarer among the FAQ's lines, the more (smoothed idf, as scikit-learn's)."""

    def __init__(self, names: Sequence[str], idf: Floats) -> None:
        """Keep *names* with their weights."""
        self.names, self.idf = tuple(names), idf
        self._at = {name: number for number, name in enumerate(names)}

    @classmethod
    def of(cls, lines: Sequence[Mapping[str, int]]) -> Vocabulary:
        """Return the vocabulary of counted *lines*."""
        counts = Counter(name for line in lines for name in line)
        idf = np.log((1 + len(lines)) / (1 + np.array(list(counts.values())))) + 1
        return cls(tuple(counts), idf.astype(np.float32))

    def weigh(self, line: Mapping[str, int]) -> tuple[Ints, Floats]:
        """Return the known n-grams of a counted line, by number, and their weights; the weights have length 1."""
        known = [(self._at[name], count) for name, count in line.items() if name in self._at]
        if not known:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        ids = np.array([number for number, _count in known], dtype=np.int32)
        counts = np.array([count for _number, count in known], dtype=np.float32)
        weights = (1 + np.log(counts)) * self.idf[ids]
        return ids, (weights / np.sqrt(weights @ weights)).astype(np.float32)


@dataclass(frozen=True)
class Seen:
    """A line as numbers. ids and weights: its n-grams; the first *of_words* of them are words and pairs of words.

    place: where it lies, of length 1, or zeros if the table cannot read it.
    """

    ids: Ints
    weights: Floats
    of_words: int
    place: Floats


class Features:
    """Turns lines into numbers."""

    def __init__(self, words: Vocabulary, letters: Vocabulary, table: WordTable, centre: Floats) -> None:
        """Use two vocabularies and *table*; *centre* is where the FAQ itself lies, and is taken from every place."""
        self.words, self.letters, self.centre = words, letters, centre
        self._table = table
        self._letters_from = len(words.names)

    @classmethod
    def of(cls, lines: Sequence[Sequence[str]], table: WordTable) -> Features:
        """Learn from *lines*, each as its words."""
        words = Vocabulary.of([ngrams.of_words(line) for line in lines])
        letters = Vocabulary.of([ngrams.of_letters(line) for line in lines])
        places = np.array([table.of(line) for line in lines], dtype=np.float32)
        readable = np.abs(places).sum(axis=1) > 0
        centre = places[readable].mean(axis=0) if readable.any() else np.zeros(table.width)
        return cls(words, letters, table, centre.astype(np.float32))

    @property
    def size(self) -> int:
        """Return how many n-grams there are."""
        return self._letters_from + len(self.letters.names)

    def see(self, line: Sequence[str]) -> Seen:
        """Return a line, given as its words, as numbers."""
        word_ids, word_weights = self.words.weigh(ngrams.of_words(line))
        letter_ids, letter_weights = self.letters.weigh(ngrams.of_letters(line))
        place = self._table.of(line)
        if place.any():
            place = place - self.centre
            length = float(np.sqrt(place @ place))
            place = place / length if length else place
        return Seen(
            ids=np.concatenate([word_ids, letter_ids + self._letters_from]),
            weights=np.concatenate([word_weights, letter_weights]),
            of_words=len(word_ids),
            place=place.astype(np.float32),
        )
