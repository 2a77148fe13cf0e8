"""What has been learned from a FAQ: plain arrays, which can be kept in a file and read back in a moment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bot.matching.evidence import Calibration, Curve
from bot.matching.features import Features, Floats, Frame, Seen, Vocabulary
from bot.matching.vectors import WordTable


@dataclass(frozen=True)
class Classifier:
    """A line for each group, in the space of the features. f features, w the axes of a place, k groups.

    ngrams: (f, k); places: (w, k); bias: (k,).
    """

    ngrams: Floats
    places: Floats
    bias: Floats

    def margins(self, seen: Seen) -> Floats:
        """Return how far *seen* lies on each group's side, (k,)."""
        found: Floats = seen.weights @ self.ngrams[seen.ids] + seen.place @ self.places + self.bias
        return found


@dataclass(frozen=True)
class Phrasings:
    """Every line of the FAQ, sorted by its group, to find the nearest.

    groups: names, in order. starts: (k,), the first line of each group. text: the lines themselves.
    places: (lines, w).
    at, lines, weights: the lines in which each word n-gram stands: number n stands in lines[at[n]:at[n+1]].
    """

    groups: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    text: tuple[str, ...]
    places: Floats
    at: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int32]
    weights: Floats

    def near_words(self, seen: Seen) -> Floats:
        """Return how many words each line shares with *seen*, weighed, (lines,)."""
        found = np.zeros(len(self.places), dtype=np.float32)
        for number, weight in zip(seen.ids[: seen.of_words], seen.weights[: seen.of_words], strict=True):
            span = slice(self.at[number], self.at[number + 1])
            found[self.lines[span]] += weight * self.weights[span]
        length = float(np.sqrt((seen.weights[: seen.of_words] ** 2).sum()))
        return found / length if length else found

    def by_group(self, near: Floats) -> Floats:
        """Return the nearest of each group, (k,)."""
        found: Floats = np.maximum.reduceat(near, self.starts)
        return found

    def group_of(self, line: int) -> int:
        """Return the group that a line belongs to."""
        return int(np.searchsorted(self.starts, line, side="right")) - 1


@dataclass(frozen=True)
class Ground:
    """How each line fared while it was held out, by the number of the line.

    first: the group of the first topic that was found for it; outright: whether it would have been answered with
    that; twin: another line of its group with nearly the same words, or -1.
    """

    first: npt.NDArray[np.int32]
    outright: npt.NDArray[np.bool_]
    twin: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Model:
    """Everything that has been learned. counts: every word of the lines, and how often it occurs."""

    features: Features
    classifier: Classifier
    phrasings: Phrasings
    calibration: Calibration
    ground: Ground
    counts: Mapping[str, int]

    def save(self, path: Path) -> None:
        """Write it to a file, whole or not at all."""
        names = {
            "words": self.features.words.names,
            "letters": self.features.letters.names,
            "groups": self.phrasings.groups,
            "text": self.phrasings.text,
            "counts": dict(self.counts),
            "calibration": asdict(self.calibration),
        }
        arrays: dict[str, Any] = {
            "words_idf": self.features.words.idf,
            "letters_idf": self.features.letters.idf,
            "centre": self.features.frame.centre,
            "axes": self.features.frame.axes,
            "ngrams": self.classifier.ngrams.astype(np.float16),
            "place_weights": self.classifier.places,
            "bias": self.classifier.bias,
            "starts": self.phrasings.starts,
            "places": self.phrasings.places.astype(np.float16),
            "at": self.phrasings.at,
            "lines": self.phrasings.lines,
            "weights": self.phrasings.weights,
            "first": self.ground.first,
            "outright": self.ground.outright,
            "twin": self.ground.twin,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.{os.getpid()}.part")  # two processes may start at once
        try:
            with part.open("wb") as file:
                np.savez(file, names=np.frombuffer(json.dumps(names).encode(), dtype=np.uint8), **arrays)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)  # half a file on a full disk helps nobody
            raise

    @classmethod
    def load(cls, path: Path, table: WordTable) -> Model:
        """Read it back; raise `OSError` if the file cannot be opened, `ValueError` if it is broken or another's."""
        with path.open("rb") as file:
            try:
                model = cls._read(file, table)
            except Exception as error:  # zipfile, zlib, numpy and json each raise half a dozen kinds
                raise ValueError(f"{path} does not hold what was learned: {error!r}") from error
        if not model._fits(table):
            raise ValueError(f"{path} does not fit together, or was learned with another table")
        return model

    @classmethod
    def _read(cls, file: BinaryIO, table: WordTable) -> Model:
        with np.load(file) as kept:
            names = json.loads(kept["names"].tobytes())
            calibration = names["calibration"]
            return cls(
                Features(
                    Vocabulary(names["words"], kept["words_idf"]),
                    Vocabulary(names["letters"], kept["letters_idf"]),
                    table,
                    Frame(kept["centre"], kept["axes"]),
                ),
                Classifier(kept["ngrams"].astype(np.float32), kept["place_weights"], kept["bias"]),
                Phrasings(
                    tuple(names["groups"]),
                    kept["starts"],
                    tuple(names["text"]),
                    kept["places"].astype(np.float32),
                    kept["at"],
                    kept["lines"],
                    kept["weights"],
                ),
                Calibration(**calibration | {name: _curve(calibration[name]) for name in ("ours", "right")}),
                Ground(kept["first"], kept["outright"], kept["twin"]),
                names["counts"],
            )

    def _fits(self, table: WordTable) -> bool:
        """Return whether all parts are of one size."""
        words, letters, lines = self.features.words, self.features.letters, len(self.phrasings.text)
        groups = (len(self.phrasings.groups),)
        return (
            len(words.names) == len(words.idf) == len(self.phrasings.at) - 1
            and len(letters.names) == len(letters.idf)
            and self.features.frame.centre.shape == (table.width,)
            and len(self.features.frame.axes) == table.width
            and self.classifier.ngrams.shape == (len(words.names) + len(letters.names), *groups)
            and self.classifier.places.shape == (self.features.frame.axes.shape[1], *groups)
            and self.classifier.bias.shape == self.phrasings.starts.shape == groups
            and self.phrasings.places.shape == (lines, self.features.frame.axes.shape[1])
            and len(self.ground.first) == len(self.ground.outright) == len(self.ground.twin) == lines
        )


def _curve(kept: dict[str, Any]) -> Curve:
    return Curve(tuple(kept["slopes"]), kept["intercept"])
