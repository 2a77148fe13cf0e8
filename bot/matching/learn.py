"""Learning a FAQ: a linear classifier over n-grams and places, and how sure it may be, from phrasings held out.

The only module that needs scikit-learn; it is not even imported where what was learned is read from a file.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize
from sklearn.svm import LinearSVC

from bot.domain.text import words as split_words
from bot.matching.evidence import SILENT, TALK, Calibration, Curve, Evidence, weigh
from bot.matching.features import Floats, Sheet, Weights
from bot.matching.lessons import Lessons
from bot.matching.model import Classifier, Ground, Model, Phrasings
from bot.matching.vectors import WordTable, shipped

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]

#: How often the phrasings are held out: in each turn one part of this many is, and is judged by the rest.
FOLDS = 2
#: How many times a clinic's own phrasing counts.
OWN_WEIGHT = 3.0
#: Of all held-out phrasings, at most this share may be answered wrongly outright. A held-out phrasing is harder than
#: a patient's line: its likes were never learned, for the phrasings of a topic are written to differ.
WRONG_AT_MOST = 0.045
#: Of all held-out phrasings, at most this share may be taken for small talk.
TALK_AT_MOST = 0.002
_LEAST_TALK = 0.05
#: Of the unrelated lines, held out, at most this share is taken for ours for certain.
_CERTAIN = 0.012
#: Of the phrasings, held out, this share is given up for none of ours.
_HOPELESS = 0.004
#: Two phrasings of one topic that share this much of their words (cosine) teach no more than one.
_TWINS = 0.95
#: Where there is too little to learn from, topics are offered at most.
_NEVER = Curve((0.0, 0.0), 0.0)
_NEVER_SURE = Calibration(
    _NEVER,
    _NEVER,
    ours_at=1.0,
    right_at=1.0,
    offer_at=0.0,
    talk_at=_LEAST_TALK,
    certain_at=1.0,
    hopeless_at=0.0,
)


@dataclass(frozen=True)
class _Lines:
    """All lines as one matrix. x: n-grams, and behind them places."""

    words: sparse.csr_matrix
    places: Floats
    x: sparse.csr_matrix
    group: Numbers
    weight: Floats

    @classmethod
    def of(cls, sheet: Sheet, group: Numbers, weight: Floats) -> _Lines:
        features = sheet.features
        words = _matrix(sheet.words, len(features.words.names))
        letters = _matrix(sheet.letters, len(features.letters.names))
        x = sparse.hstack([words, letters, sparse.csr_matrix(sheet.places)]).tocsr()
        return cls(words, sheet.places, x, group, weight)


def _matrix(lines: Weights, width: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((lines.weights, lines.ids, lines.at), shape=(len(lines.at) - 1, width))


def learn(lessons: Lessons, table: WordTable) -> Model:
    """Learn *lessons*; takes a few seconds. A group needs two lines at least to be judged by what is left of it.

    The same lessons are always learned alike. So nothing here runs side by side: all of scikit-learn's linear machines
    in a process draw from one source of chance.
    """
    pairs = lessons.lines()
    names = tuple(dict.fromkeys(group for group, _line in pairs))
    number = {name: at for at, name in enumerate(names)}
    group = np.array([number[name] for name, _line in pairs])
    weight = np.array(
        [OWN_WEIGHT if line in lessons.own else 1.0 for _group, line in pairs], dtype=np.float32
    )
    words = [split_words(line) for _group, line in pairs]
    sheet = Sheet.of(words, table)
    lines = _Lines.of(sheet, group, weight)
    fold = _dealt(group)
    silent = np.array([name in SILENT for name in names])
    talk = names.index(TALK) if TALK in names else -1
    classifier = _classifier(_fit(lines, np.arange(len(group))), lines, len(names))
    turns = [fold == turn for turn in range(FOLDS) if _can_be_judged(group, fold == turn)]
    judged = [_held_out(lines, is_out, silent, talk) for is_out in turns]
    by_word = lines.words.tocsc()
    calibration = _calibrate(judged, lessons)
    return Model(
        features=sheet.features,
        classifier=classifier,
        phrasings=Phrasings(
            groups=names,
            starts=np.searchsorted(group, np.arange(len(names))),
            text=tuple(line for _group, line in pairs),
            places=lines.places,
            at=by_word.indptr.astype(np.int64),
            lines=by_word.indices.astype(np.int32),
            weights=by_word.data.astype(np.float32),
        ),
        calibration=calibration,
        ground=_ground(lines, judged, calibration),
        counts=Counter(word for line in words for word in line),
    )


def _dealt(group: Numbers) -> Numbers:
    """Return the turn in which each line is held out; every group is dealt out evenly."""
    fold = np.zeros(len(group), dtype=np.intp)
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _can_be_judged(group: Numbers, is_out: Flags) -> bool:
    """Return whether lines are out, and what is left can be told apart."""
    return bool(is_out.any()) and len(np.unique(group[~is_out])) > 1


def _fit(lines: _Lines, rows: Numbers) -> LinearSVC:
    machine = LinearSVC(C=1.0, tol=0.1, random_state=0)
    return machine.fit(lines.x[rows], lines.group[rows], sample_weight=lines.weight[rows])


def _classifier(machine: LinearSVC, lines: _Lines, groups: int) -> Classifier:
    """Return the machine's lines in the space of features; two groups share one line, with opposite signs."""
    coef, bias = machine.coef_, machine.intercept_
    if groups == 2:
        coef, bias = np.vstack([-coef, coef]), np.concatenate([-bias, bias])
    size = lines.x.shape[1] - lines.places.shape[1]
    places = coef[:, size:].T
    return Classifier(
        np.ascontiguousarray(coef[:, :size].T, dtype=np.float32),
        places.astype(np.float32),
        bias.astype(np.float32),
    )


@dataclass(frozen=True)
class _Judged:
    """Held-out lines, judged. rows: which lines. talk: the score of small talk where it is the best of all, else 0."""

    rows: Numbers
    evidence: Evidence
    right: Flags
    is_topic: Flags
    talk: Floats


def _held_out(lines: _Lines, is_out: Flags, silent: Flags, talk: int) -> _Judged:
    """Judge the lines that are out by what is learned from the others."""
    kept, out, groups = np.flatnonzero(~is_out), np.flatnonzero(is_out), len(silent)
    machine = _fit(lines, kept)
    margins = np.full((len(out), groups), -1.0, dtype=np.float32)
    found = machine.decision_function(lines.x[out])
    margins[:, machine.classes_] = found if found.ndim == 2 else np.stack([-found, found], axis=1)
    group = lines.group[kept]
    present = np.unique(group)
    starts = np.searchsorted(group, present)
    near = np.zeros((2, len(out), groups), dtype=np.float32)
    shared = (lines.words[out] @ lines.words[kept].T).toarray()
    near[0][:, present] = np.maximum.reduceat(shared, starts, axis=1)
    near[1][:, present] = np.maximum.reduceat(lines.places[out] @ lines.places[kept].T, starts, axis=1)
    evidence = weigh(margins, near[0], near[1], silent)
    truth = lines.group[out]
    best_score = evidence.scores.max(axis=1)
    return _Judged(
        rows=out,
        evidence=evidence,
        right=evidence.order[:, 0] == truth,
        is_topic=~silent[truth],
        talk=np.where(evidence.best == talk, best_score, 0).astype(np.float32),
    )


def _calibrate(judged: Sequence[_Judged], lessons: Lessons) -> Calibration:
    """Learn how sure to be, and set the bars as low as what was held out allows.

    Without topics that were held out, and something unrelated to tell them from, it is never sure.
    """
    if {bool(flag) for part in judged for flag in part.is_topic} != {True, False}:
        return _NEVER_SURE
    ours = np.vstack([part.evidence.ours for part in judged])
    signs = np.vstack([part.evidence.right for part in judged])
    right = np.concatenate([part.right for part in judged])
    is_topic = np.concatenate([part.is_topic for part in judged])
    talk = np.concatenate([part.talk for part in judged])
    ours_curve, right_curve = _curve(ours, is_topic), _curve(signs[is_topic], right[is_topic])
    is_ours, is_right = ours_curve.likely(ours), right_curve.likely(signs)
    ours_at, right_at = _bars(is_ours, is_right, is_topic, right, lessons.mistaken_at_most)
    return Calibration(
        ours_curve,
        right_curve,
        ours_at=ours_at,
        right_at=right_at,
        offer_at=float(np.quantile(is_ours[is_topic], lessons.missed_at_most)),
        certain_at=_lowest(is_ours[~is_topic], _CERTAIN * (~is_topic).sum()),
        hopeless_at=float(np.quantile(is_ours[is_topic], _HOPELESS)),
        talk_at=max(_lowest(talk[is_topic], TALK_AT_MOST * is_topic.sum()), _LEAST_TALK),
    )


def _ground(lines: _Lines, judged: Sequence[_Judged], calibration: Calibration) -> Ground:
    """Return what became of every phrasing while it was held out, and which other line is nearly the same."""
    first = lines.group.astype(np.int32)  # of a line that could not be held out nothing is said
    outright = np.zeros(len(lines.group), dtype=np.bool_)
    for part in judged:
        ours = calibration.ours.likely(part.evidence.ours) >= calibration.ours_at
        right = calibration.right.likely(part.evidence.right) >= calibration.right_at
        first[part.rows] = part.evidence.order[:, 0]
        outright[part.rows] = ours & right
    twin = np.full(len(lines.group), -1, dtype=np.int32)
    for group in np.unique(lines.group):
        rows = np.flatnonzero(lines.group == group)
        alike = (lines.words[rows] @ lines.words[rows].T).toarray()
        np.fill_diagonal(alike, 0)
        near = alike.argmax(axis=1)
        close = alike[np.arange(len(rows)), near] >= _TWINS
        twin[rows[close]] = rows[near[close]]
    return Ground(first, outright, twin)


def _curve(signs: Floats, truth: Flags) -> Curve:
    """Fit a logistic curve, both sides counting the same, with no slope below zero.

    Held-out lines are strangers to each other; without that bound the fit would learn that nearness speaks against.
    """
    if truth.all() or not truth.any():
        return Curve((0.0,) * signs.shape[1], 6.0 if truth.all() else -6.0)
    centre, spread = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    z = ((signs - centre) / spread).astype(np.float64)
    weight = np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))

    def loss(guess: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        sums = z @ guess[:-1] + guess[-1]
        likely = 1 / (1 + np.exp(-sums))
        misfit = weight * np.logaddexp(0, np.where(truth, -sums, sums))
        slope = weight * (likely - truth)
        decay = 0.5 * (guess[:-1] ** 2).sum()
        return float(misfit.sum() + decay), np.append(z.T @ slope + guess[:-1], slope.sum())

    bounds = [(0.0, None)] * signs.shape[1] + [(None, None)]
    found = minimize(loss, np.full(signs.shape[1] + 1, 0.1), jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes = found[:-1] / spread
    return Curve(tuple(map(float, slopes)), float(found[-1] - slopes @ centre))


def _bars(
    is_ours: Floats, is_right: Floats, is_topic: Flags, right: Flags, mistaken_at_most: float
) -> tuple[float, float]:
    """Return the two bars that let most right answers through and no more wrong ones than allowed."""
    best = (-1.0, 1.0, 1.0)
    for right_at in np.quantile(is_right[is_topic], np.linspace(0, 0.95, 96)):
        sure = is_right >= right_at
        ours_at = _lowest(is_ours[sure & ~is_topic], mistaken_at_most * (~is_topic).sum())
        answered = sure & (is_ours >= ours_at)
        if (answered & is_topic & ~right).sum() <= WRONG_AT_MOST * is_topic.sum():
            best = max(best, (float((answered & right & is_topic).sum()), ours_at, float(right_at)))
    return best[1], best[2]


def _lowest(sure: Floats, allowed: float) -> float:
    """Return the lowest bar that at most *allowed* of *sure* reach."""
    if len(sure) <= allowed:
        return 0.0
    return float(np.nextafter(np.sort(sure)[::-1][int(allowed)], 1.0))


def main() -> None:
    """Learn the lessons on standard input (JSON, as `Lessons` names its fields), and keep them in the file named."""
    lessons = json.load(sys.stdin)
    lessons["own"] = frozenset(lessons["own"])
    learn(Lessons(**lessons), shipped()).save(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
