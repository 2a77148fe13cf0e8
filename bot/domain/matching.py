"""Which topic a message asks for: one answer, a few to choose from, or none.

Word and character n-grams, a linear classifier over the topics' phrasings, and a confidence that also asks how
near the nearest phrasing is. The seam is `Matcher.decide`; what stands behind it may change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from bot.domain.text import normalise

#: How strongly the classifier's margins count when they become likelihoods.
SHARPNESS = 4.0
#: At or above this confidence a topic is answered outright (if it leads clearly); at or above the second, offered.
ANSWER_AT = 0.20
OFFER_AT = 0.045
#: How far ahead of the second topic an outright answer must be.
LEAD = 2.0
#: How many topics are offered at most.
OFFERED = 3


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A topic and how sure the matcher is of it, 0 to 1."""

    topic: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do with a message: answer one topic, offer some, or (both empty) hand it over."""

    answer: str | None = None
    offers: tuple[str, ...] = ()
    guesses: tuple[Guess, ...] = ()


class Matcher:
    """Knows the phrasings of every topic of one language."""

    def __init__(self, asks: Mapping[str, Sequence[str]]) -> None:
        """Learn *asks*: topic id → the ways in which patients ask for it."""
        lines = [(topic, normalise(ask)) for topic, said in asks.items() for ask in said]
        self._topics = np.array([topic for topic, _line in lines])
        self._features = FeatureUnion(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"[^\W_]+")),
                ("letters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)),
            ]
        )
        self._lines = self._features.fit_transform([line for _topic, line in lines])
        self._classifier = LinearSVC(C=1.0)
        self._classifier.fit(self._lines, self._topics)
        self._classes: list[str] = self._classifier.classes_.tolist()
        self._of_class = [np.flatnonzero(self._topics == topic) for topic in self._classes]

    def guesses(self, text: str, most: int = 5) -> tuple[Guess, ...]:
        """Return the likeliest topics, best first."""
        features = self._features.transform([normalise(text)])
        if features.nnz == 0:
            return ()
        margins = self._classifier.decision_function(features)[0] * SHARPNESS
        likelihood = np.exp(margins - margins.max())
        likelihood /= likelihood.sum()
        # Each half of the features has length 1, so the product of two lines is at most 2.
        nearness = (self._lines @ features.T).toarray()[:, 0] / 2
        near = np.array([nearness[rows].max() for rows in self._of_class])
        # Nearness to any phrasing lifts a likely topic and sinks one that only wins because all others lose.
        confidence = np.sqrt(likelihood * near) * near
        best = np.argsort(-confidence)[:most]
        return tuple(Guess(topic=self._classes[i], confidence=float(confidence[i])) for i in best)

    def decide(self, text: str) -> Decision:
        """Return what to do with *text*."""
        guesses = self.guesses(text)
        if not guesses or guesses[0].confidence < OFFER_AT:
            return Decision(guesses=guesses)
        first = guesses[0]
        second = guesses[1].confidence if len(guesses) > 1 else 0.0
        if first.confidence >= ANSWER_AT and first.confidence >= LEAD * second:
            return Decision(answer=first.topic, guesses=guesses)
        offers = tuple(guess.topic for guess in guesses[:OFFERED] if guess.confidence >= OFFER_AT / 2)
        return Decision(offers=offers, guesses=guesses)
