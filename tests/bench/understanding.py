"""Compares engines on the same lines, and ours with published figures: `make bench`.

The project's own lines stand in tests/lines/. The public sets are not part of the project; their folder is given by
path (`make bench DATA=…`): CLINC150 (Larson et al. 2019), BANKING77 (Casanueva et al. 2020), HWU64 (Liu et al. 2019).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from bot.asking import read_lines
from bot.content.loading import load_library
from bot.content.settings import example_config, load_settings
from bot.domain.text import normalise
from bot.domain.text import words as split_words
from bot.matching.evidence import weigh
from bot.matching.learn import learn
from bot.matching.lessons import Lessons
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import shipped

ROOT = Path(__file__).resolve().parents[2]
Lines = Sequence[tuple[str, str]]  # (group, line)
Scores = npt.NDArray[np.float64]

out = Console(width=130, highlight=False)


# --- engines ---------------------------------------------------------------------------------------------


@dataclass
class Nearest:
    """The phrasing that shares most runs of letters: what fuzzy matching does."""

    groups: list[str] = field(default_factory=list)

    def fit(self, lines: Lines, _unrelated: Sequence[str] = ()) -> None:
        self.groups = sorted({group for group, _line in lines})
        self._of = np.array([self.groups.index(group) for group, _line in lines])
        self._letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), preprocessor=normalise)
        self._known = self._letters.fit_transform([line for _group, line in lines])

    def scores(self, line: str) -> Scores:
        near = (self._known @ self._letters.transform([line]).T).toarray()[:, 0]
        return np.array([near[self._of == group].max(initial=0) for group in range(len(self.groups))])


@dataclass
class NgramsOnly:
    """Word and letter n-grams with a linear classifier, × nearness: what this project began with."""

    groups: list[str] = field(default_factory=list)

    def fit(self, lines: Lines, _unrelated: Sequence[str] = ()) -> None:
        self._features = FeatureUnion(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, preprocessor=normalise)),
                (
                    "letters",
                    TfidfVectorizer(
                        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, preprocessor=normalise
                    ),
                ),
            ]
        )
        self._known = self._features.fit_transform([line for _group, line in lines])
        self._machine = LinearSVC().fit(self._known, [group for group, _line in lines])
        self.groups = list(self._machine.classes_)
        self._of = np.array([self.groups.index(group) for group, _line in lines])

    def scores(self, line: str) -> Scores:
        features = self._features.transform([line])
        margins = np.atleast_1d(self._machine.decision_function(features)[0]) * 4
        likely = np.exp(margins - margins.max())
        near = (self._known @ features.T).toarray()[:, 0] / 2
        best = np.array([near[self._of == group].max(initial=0) for group in range(len(self.groups))])
        return np.asarray(likely / likely.sum() * best)


@dataclass
class TableOnly:
    """The nearest phrasing by the table of word vectors alone, centred."""

    groups: list[str] = field(default_factory=list)

    def fit(self, lines: Lines, _unrelated: Sequence[str] = ()) -> None:
        self.groups = sorted({group for group, _line in lines})
        self._of = np.array([self.groups.index(group) for group, _line in lines])
        places = np.array([shipped().of(_words(line)) for _group, line in lines])
        self._centre = places.mean(axis=0)
        self._places = _unit(places - self._centre)

    def scores(self, line: str) -> Scores:
        near = self._places @ _unit((shipped().of(_words(line)) - self._centre)[None])[0]
        return np.array([near[self._of == group].max(initial=0) for group in range(len(self.groups))])


@dataclass
class Ours:
    """What the bot uses: n-grams and the table in one classifier, × nearness, slips mended."""

    groups: list[str] = field(default_factory=list)

    def fit(self, lines: Lines, unrelated: Sequence[str] = ()) -> None:
        asks = defaultdict(list)
        for group, line in lines:
            asks[group].append(line)
        self.model: Model = learn(Lessons(asks=asks, unrelated=unrelated), shipped())
        self.groups = [group for group in self.model.phrasings.groups if not group.startswith("~")]
        self._silent = np.array([group.startswith("~") for group in self.model.phrasings.groups])
        self._reader = Reader(self.model.counts, {}, shipped().knows)

    def scores(self, line: str) -> Scores:
        seen, known = self.model.features.see(self._reader.read(line)), self.model.phrasings
        evidence = weigh(
            self.model.classifier.margins(seen)[None],
            known.by_group(known.near_words(seen))[None],
            known.by_group(known.places @ seen.place)[None],
            self._silent,
        )
        return np.asarray(evidence.scores[0][~self._silent], dtype=np.float64)


ENGINES: dict[str, Callable[[], Nearest | NgramsOnly | TableOnly | Ours]] = {
    "nearest letters": Nearest,
    "n-grams, linear": NgramsOnly,
    "table alone, nearest": TableOnly,
    "n-grams + table (ours)": Ours,
}


def _words(line: str) -> list[str]:
    return list(split_words(line))


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


# --- our own lines ---------------------------------------------------------------------------------------


def own_lines() -> None:
    """Compare the engines on tests/lines/: in scope, and telling it from what is out of scope."""
    language = load_library(load_settings(example_config())).language("en")
    lines = [(id_, ask) for id_, topic in language.topics.items() for ask in topic.asks]
    asked = [row for row in read_lines(ROOT / "tests/lines/inscope.tsv") if row["lang"] == "en"]
    other = [row for row in read_lines(ROOT / "tests/lines/oos.tsv") if row["lang"] == "en"]
    table = Table(
        title=f"The project's own lines ({len(asked)} in scope, {len(other)} out; {len(lines)} phrasings)"
    )
    for column in ("engine", "right", "among 3", "AUROC", "right at 1 % of others", "learns in", "a message"):
        table.add_column(column, justify="left" if column == "engine" else "right")
    for name, make in ENGINES.items():
        engine = make()
        started = time.perf_counter()
        engine.fit(lines, language.unrelated)
        learned = time.perf_counter() - started
        started = time.perf_counter()
        judged = [engine.scores(row["text"]) for row in asked]
        silent = [engine.scores(row["text"]).max() for row in other]
        took = (time.perf_counter() - started) / (len(asked) + len(other))
        best = [np.argsort(-scores)[:3] for scores in judged]
        right = [{row["topic"], *row["also"].replace(",", " ").split()} for row in asked]
        first = np.array([engine.groups[top[0]] in ok for top, ok in zip(best, right, strict=True)])
        among = [bool({engine.groups[n] for n in top} & ok) for top, ok in zip(best, right, strict=True)]
        sure = np.array([scores.max() for scores in judged])
        bar = np.sort(silent)[::-1][int(0.01 * len(silent))]
        table.add_row(
            name,
            f"{first.mean():.1%}",
            f"{np.mean(among):.1%}",
            f"{_auroc(sure, np.array(silent)):.3f}",
            f"{(first & (sure > bar)).mean():.1%}",
            f"{learned:.1f} s",
            f"{took * 1000:.1f} ms",
        )
    out.print(table)


def _auroc(high: Scores, low: Scores) -> float:
    """Return how often one of *high* is above one of *low*."""
    return float((high[:, None] > low[None]).mean() + 0.5 * (high[:, None] == low[None]).mean())


# --- public sets -----------------------------------------------------------------------------------------

#: Published figures, in percent: few-shot from Casanueva et al. 2020, CLINC150 from Larson et al. 2019 (threshold rule).
PUBLISHED = (
    ("USE (2020)", "84.2", "", "83.8", ""),
    ("ConveRT (2020)", "83.3", "", "82.7", ""),
    ("USE + ConveRT (2020)", "85.2", "93.4", "85.8", ""),
    ("DialogFlow (2019)", "", "", "", "90.8 / 26.7"),
    ("Rasa (2019)", "", "", "", "90.9 / 31.2"),
    ("MLP (2019)", "", "", "", "93.4 / 49.1"),
    ("BERT (2019)", "", "", "", "96.2 / 52.3"),
)


def public_sets(data: Path, quick: bool) -> None:
    """Compare the engines on BANKING77, HWU64 and CLINC150, beside what was published."""
    table = Table(title="Public sets: accuracy in %; CLINC150: in-scope accuracy / out-of-scope recall")
    for column in ("engine", "BANKING77, 10 lines", "BANKING77, full", "HWU64, 10 lines", "CLINC150, full"):
        table.add_column(column, justify="left" if column == "engine" else "right")
    for name, make in ENGINES.items():
        few = [_accuracy(make(), *_banking(data, seed)) for seed in range(1 if quick else 3)]
        table.add_row(
            name,
            f"{np.mean(few):.1f}",
            "" if quick else f"{_accuracy(make(), *_banking(data, None)):.1f}",
            f"{_accuracy(make(), *_hwu(data)):.1f}",
            "" if quick else "{:.1f} / {:.1f}".format(*_clinc(make(), data)),
        )
    for row in PUBLISHED:
        table.add_row(f"[dim]{row[0]}, published[/]", *row[1:])
    out.print(table)


def _accuracy(engine: Nearest | NgramsOnly | TableOnly | Ours, train: Lines, test: Lines) -> float:
    engine.fit(train)
    return 100 * float(
        np.mean([engine.groups[int(engine.scores(line).argmax())] == group for group, line in test])
    )


def _banking(data: Path, seed: int | None) -> tuple[Lines, Lines]:
    """Return BANKING77: all of it, or the first ten lines of each category after a shuffle."""
    train, test = (
        [
            (row["category"], row["text"])
            for row in csv.DictReader((data / "banking77" / f"{part}.csv").open())
        ]
        for part in ("train", "test")
    )
    if seed is None:
        return train, test
    random.Random(seed).shuffle(train)
    kept: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for group, line in train:
        if len(kept[group]) < 10:
            kept[group].append((group, line))
    return [pair for pairs in kept.values() for pair in pairs], test


def _hwu(data: Path) -> tuple[Lines, Lines]:
    def part(name: str) -> Lines:
        folder = data / "hwu64" / name
        return list(
            zip(
                (folder / "label").read_text().splitlines(),
                (folder / "seq.in").read_text().splitlines(),
                strict=True,
            )
        )

    return part("train_10"), part("test")


def _clinc(engine: Nearest | NgramsOnly | TableOnly | Ours, data: Path) -> tuple[float, float]:
    """Return in-scope accuracy and out-of-scope recall with the bar that serves the validation set best."""
    full = json.loads((data / "clinc150" / "data_full.json").read_text())
    engine.fit([(group, line) for line, group in full["train"]])

    def judged(part: str) -> tuple[Scores, npt.NDArray[np.bool_]]:
        scores = [engine.scores(line) for line, _group in full[part]]
        sure = np.array([one.max() for one in scores])
        right = [
            engine.groups[int(one.argmax())] == group
            for one, (_l, group) in zip(scores, full[part], strict=True)
        ]
        return sure, np.array(right)

    (sure, right), (other, _none) = judged("val"), judged("oos_val")
    bars = np.quantile(np.concatenate([sure, other]), np.linspace(0, 0.6, 241))
    bar = max(bars, key=lambda at: ((sure >= at) & right).sum() + (other < at).sum())
    (sure, right), (other, _none) = judged("test"), judged("oos_test")
    return 100 * float(((sure >= bar) & right).mean()), 100 * float((other < bar).mean())


def main() -> None:
    """Print both tables, and on what they were measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--data", type=Path, default=None, help="the folder with clinc150/, banking77/ and hwu64/"
    )
    options.add_argument("--quick", action="store_true", help="leave the full sets out")
    given = options.parse_args()
    sparse.csr_matrix((1, 1))  # loads scipy before anything is timed
    own_lines()
    if given.data is None:
        out.print("The public sets are not part of the project. Name their folder: make bench DATA=…")
    elif not given.data.is_dir():
        sys.exit(f"There is no folder {given.data}.")
    else:
        public_sets(given.data, given.quick)


if __name__ == "__main__":
    main()
