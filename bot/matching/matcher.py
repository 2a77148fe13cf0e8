"""Which topic a message asks for: one answer, a few to choose from, small talk, or none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.matching.evidence import SILENT, TALK, Evidence, Floats, weigh
from bot.matching.ground import Report, survey
from bot.matching.model import Model
from bot.matching.reading import Reader

#: How many topics are offered at most.
OFFERED = 3
#: How many guesses are kept, to explain a decision.
_GUESSES = 5
#: An opinion needs this many words to stand on.
_FEWEST_WORDS = 2


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A topic, how much speaks for it (0 to 1), and the phrasing of it that is nearest to the message."""

    topic: str
    score: float
    nearest: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do with a message: answer a topic (and *also* a second one), offer some, or hand it over (all empty).

    talk: the line of small talk that it is like. confidence: 0 to 1, how likely the first guess is right.
    """

    answer: str | None = None
    also: str | None = None
    offers: tuple[str, ...] = ()
    talk: str | None = None
    confidence: float = 0.0
    guesses: tuple[Guess, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """Whether a line belongs to any topic. likely: 0 to 1.

    hopeless: less likely than nearly every phrasing was while it was held out; possible: as likely as most were.
    sure: more likely than most lines that belong to none, however misleading; certain: than nearly all of them.
    """

    first: Guess
    likely: float
    hopeless: bool
    possible: bool
    sure: bool
    certain: bool


class Matcher:
    """Knows the phrasings of every topic of one language."""

    def __init__(self, model: Model, reader: Reader) -> None:
        """Use what was learned, and *reader* to read messages."""
        self._model, self._reader = model, reader
        self._groups = model.phrasings.groups
        self._silent = np.array([group in SILENT for group in self._groups])

    def survey(self) -> Report:
        """Return how its topics hold their ground."""
        return survey(self._model)

    def opinion(self, text: str) -> Opinion:
        """Return how likely *text* is a line of these topics at all, and of which.

        Of a text with fewer than two known words nothing can be said, whatever its letters or numbers look like.
        """
        line = self._reader.read(text)
        evidence, near = self._weigh(line)
        calibration = self._model.calibration
        words = [word for word in line if len(word) > 1 and word.isalpha() and word in self._model.counts]
        known = len(words) >= _FEWEST_WORDS
        likely = float(calibration.ours.likely(evidence.ours)[0]) if known else 0.0
        return Opinion(
            first=self._guess(int(evidence.order[0, 0]), evidence.scores[0], near),
            likely=likely,
            hopeless=likely < calibration.hopeless_at,
            possible=known and likely >= calibration.offer_at,
            sure=known and likely >= calibration.ours_at,
            certain=known and likely >= calibration.certain_at,
        )

    def decide(self, text: str) -> Decision:
        """Return what to do with *text*.

        What only the thesaurus makes of strange words is offered, never answered outright: they may be meant otherwise.
        """
        words = self._reader.read(text)
        decision = self._judge(words)
        other = self._reader.in_other_words(words) if decision.answer is None else None
        if other is None or decision.talk is not None:
            return decision
        second = self._judge(other)
        if second.answer is None and (decision.offers or not second.offers):
            return decision
        offers = tuple(guess.topic for guess in second.guesses[:OFFERED])
        return replace(second, answer=None, offers=offers, talk=None)

    def _weigh(self, line: Sequence[str]) -> tuple[Evidence, Floats]:
        """Return the evidence in one line, and how near it is to every phrasing."""
        known = self._model.phrasings
        seen = self._model.features.see(line)
        near_words = known.near_words(seen)
        near_places = known.places @ seen.place
        evidence = weigh(
            self._model.classifier.margins(seen)[None],
            known.by_group(near_words)[None],
            known.by_group(near_places)[None],
            self._silent,
        )
        return evidence, near_words + near_places

    def _judge(self, line: Sequence[str]) -> Decision:
        if not line:
            return Decision()
        evidence, near = self._weigh(line)
        counts = self._model.counts
        if not any(word in counts and (len(word) > 1 or not word.isascii()) for word in line):
            return Decision()  # not one word of it is known, whatever its letters look like
        scores, calibration = evidence.scores[0], self._model.calibration
        best = int(evidence.best[0])
        is_ours = float(calibration.ours.likely(evidence.ours)[0])
        is_right = float(calibration.right.likely(evidence.right)[0])
        guesses = tuple(self._guess(int(column), scores, near) for column in evidence.order[0, :_GUESSES])
        if self._groups[best] == TALK and scores[best] >= calibration.talk_at:
            talk = self._guess(best, scores, near)
            return Decision(talk=talk.nearest, confidence=min(1.0, talk.score), guesses=guesses)
        confidence = is_ours * is_right
        if is_ours >= calibration.ours_at and is_right >= calibration.right_at:
            return Decision(answer=guesses[0].topic, confidence=confidence, guesses=guesses)
        if is_ours >= calibration.offer_at:
            offers = tuple(guess.topic for guess in guesses[:OFFERED])
            return Decision(offers=offers, confidence=confidence, guesses=guesses)
        return Decision(confidence=confidence, guesses=guesses)

    def _guess(self, column: int, scores: Floats, near: Floats) -> Guess:
        starts = self._model.phrasings.starts
        end = starts[column + 1] if column + 1 < len(starts) else len(near)
        nearest = int(starts[column] + near[starts[column] : end].argmax())
        return Guess(
            topic=self._groups[column],
            score=float(scores[column]),
            nearest=self._model.phrasings.text[nearest],
        )
