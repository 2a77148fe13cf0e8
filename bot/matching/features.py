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

#: How many numbers of a place are kept.
AXES = 64


@dataclass(frozen=True)
class Weights:
    """Lines as weighed n-grams: line n has the n-grams ids[at[n]:at[n+1]], whose weights have length 1."""

    at: npt.NDArray[np.int64]
    ids: Ints
    weights: Floats


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

    def weigh(self, lines: Sequence[Mapping[str, int]]) -> Weights:
        """Return the known n-grams of counted *lines*; a line without any has none."""
        at, ids, counts = [0], [], []
        for line in lines:
            for name, count in line.items():
                number = self._at.get(name)
                if number is not None:
                    ids.append(number)
                    counts.append(count)
            at.append(len(ids))
        starts = np.array(at, dtype=np.int64)
        numbers = np.array(ids, dtype=np.int32)
        weights = (1 + np.log(np.array(counts, dtype=np.float32))) * self.idf[numbers]
        squares = np.concatenate([[0.0], np.cumsum(weights.astype(np.float64) ** 2)])
        lengths = np.sqrt(squares[starts[1:]] - squares[starts[:-1]])
        return Weights(starts, numbers, (weights / np.repeat(lengths, np.diff(starts))).astype(np.float32))


@dataclass(frozen=True)
class Seen:
    """A line as numbers. ids and weights: its n-grams; the first *of_words* of them are words and pairs of words.

    place: where it lies in the FAQ's frame, or zeros if the table cannot read it.
    """

    ids: Ints
    weights: Floats
    of_words: int
    place: Floats


@dataclass(frozen=True)
class Frame:
    """Where a FAQ lies in the table, and along which axes its lines differ most. centre: (width,), axes: (width, a).

    All lines of one FAQ speak of the same; seen from their centre, what tells them apart remains. A few axes hold
    nearly all of that, and are quicker to compare.
    """

    centre: Floats
    axes: Floats

    @classmethod
    def of(cls, places: Floats) -> Frame:
        """Return the frame of some *places*, (lines, width); those that could not be read (zeros) do not count."""
        readable = places[places.any(axis=1)]
        centre = readable.mean(axis=0) if len(readable) else np.zeros(places.shape[1], dtype=np.float32)
        seen = _unit(readable - centre)
        _left, _sizes, axes = np.linalg.svd(seen.T @ seen)
        return cls(centre.astype(np.float32), axes[:AXES].T.astype(np.float32))

    def place(self, places: Floats) -> Floats:
        """Return *places* as seen in this frame, (lines, a), of length 1 or less; what could not be read stays zero."""
        moved = np.where(places.any(axis=1, keepdims=True), places - self.centre, 0)
        found: Floats = _unit(moved) @ self.axes
        return found


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


class Features:
    """Turns lines, each given as its words, into numbers."""

    def __init__(self, words: Vocabulary, letters: Vocabulary, table: WordTable, frame: Frame) -> None:
        """Use two vocabularies and *table*, seen in *frame*."""
        self.words, self.letters, self.frame = words, letters, frame
        self._table = table

    def see(self, line: Sequence[str]) -> Seen:
        """Return a line as numbers."""
        words = self.words.weigh([ngrams.of_words(line)])
        letters = self.letters.weigh([ngrams.of_letters(line)])
        return Seen(
            ids=np.concatenate([words.ids, letters.ids + len(self.words.names)]),
            weights=np.concatenate([words.weights, letters.weights]),
            of_words=len(words.ids),
            place=self.frame.place(self._table.of(line)[None])[0],
        )


@dataclass(frozen=True)
class Sheet:
    """The lines that features were learned from, as numbers: words and letters, and places, (lines, axes)."""

    features: Features
    words: Weights
    letters: Weights
    places: Floats

    @classmethod
    def of(cls, lines: Sequence[Sequence[str]], table: WordTable) -> Sheet:
        """Learn from *lines*, each given as its words."""
        word_counts = [ngrams.of_words(line) for line in lines]
        letter_counts = [ngrams.of_letters(line) for line in lines]
        words, letters = Vocabulary.of(word_counts), Vocabulary.of(letter_counts)
        places = np.array([table.of(line) for line in lines], dtype=np.float32)
        frame = Frame.of(places)
        return cls(
            Features(words, letters, table, frame),
            words.weigh(word_counts),
            letters.weigh(letter_counts),
            frame.place(places),
        )
