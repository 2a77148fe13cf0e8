"""What speaks for a topic, and how sure that makes us: the part of judging that learning and answering share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

#: Groups of lines that no topic may answer: small talk, and what is no question for this FAQ.
TALK, NONE = "~talk", "~none"
SILENT = (TALK, NONE)

#: How strongly the classifier's margins count when they become likelihoods.
_SHARPNESS = 4.0
_LITTLE = 1e-4
#: A lead over the second topic beyond this (in natural logarithms) says nothing more.
_CLEAR = 6.0
#: Beyond this a logistic curve is flat, and its exponential would soon be too large for a number.
_SURE = 60.0


@dataclass(frozen=True)
class Evidence:
    """What speaks for each topic in some lines. n lines, k groups (topics and silent ones).

    scores: (n, k), likelihood × nearness to the nearest phrasing, 0 to 1.
    order: (n, topics), the topics' columns, best first. best: (n,), the best column of all.
    ours: (n, 2), what tells a question for this FAQ from other talk: how far the first topic's margin and nearness
    lead over those of the silent groups. right: (n, 2), what tells the right topic: its score, and its lead.
    """

    scores: Floats
    order: Ints
    best: Ints
    ours: Floats
    right: Floats


def weigh(
    margins: Floats, near_words: Floats, near_places: Floats, silent: npt.NDArray[np.bool_]
) -> Evidence:
    """Return the evidence in the classifier's *margins* and the nearness in words and in meaning, each (n, k).

    silent: (k,), which groups are no topics.
    """
    likely = np.exp(_SHARPNESS * (margins - margins.max(axis=1, keepdims=True)))
    likely /= likely.sum(axis=1, keepdims=True)
    near = (near_words + np.clip(near_places, 0, 1)) / 2
    scores = likely * near
    topics = np.flatnonzero(~silent)
    order = topics[np.argsort(-scores[:, topics], axis=1, kind="stable")]
    row = np.arange(len(margins))
    first, second = order[:, 0], order[:, min(1, order.shape[1] - 1)]
    score = np.log(scores[row, first] + _LITTLE)
    lead = np.minimum(score - np.log(scores[row, second] + _LITTLE), _CLEAR)
    quiet = silent.any()
    over_silent = margins[row, first] - (margins[:, silent].max(axis=1) if quiet else -1.0)
    nearer = near[row, first] - (near[:, silent].max(axis=1) if quiet else 0.0)
    return Evidence(
        scores=scores.astype(np.float32),
        order=order,
        best=scores.argmax(axis=1),
        ours=np.stack([over_silent, nearer], axis=1).astype(np.float32),
        right=np.stack([score, lead], axis=1).astype(np.float32),
    )


@dataclass(frozen=True)
class Curve:
    """A logistic curve: from signs to how likely something is. None of the slopes is negative: more speaks for it."""

    slopes: tuple[float, ...]
    intercept: float

    def likely(self, signs: Floats) -> Floats:
        """Return, for each row of *signs*, how likely it is, 0 to 1."""
        sums = signs.astype(np.float64) @ np.array(self.slopes) + self.intercept
        return np.asarray(1 / (1 + np.exp(-np.clip(sums, -_SURE, _SURE))))


@dataclass(frozen=True)
class Calibration:
    """How sure the evidence makes us, learned from phrasings that were held out.

    ours: how likely a line is a question for this FAQ. right: how likely, if it is, its first topic is the right one.
    ours_at, right_at: a topic is answered outright if it reaches both. offer_at: from this likelihood of being ours
    on, topics are offered. talk_at: from this score on a line is small talk. certain_at: hardly any line that is none of
    ours is as likely as this; hopeless_at: hardly any that is ours is less likely than this.
    """

    ours: Curve
    right: Curve
    ours_at: float
    right_at: float
    offer_at: float
    talk_at: float
    certain_at: float
    hopeless_at: float
