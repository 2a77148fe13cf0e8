"""What the bot has learned of one language: its topics, and a second opinion on danger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.matching.matcher import Matcher


@dataclass(frozen=True)
class Suspicion:
    """A line that is like reports of danger, though no rule found one. likely: 0 to 1. like: the nearest report."""

    red_flag: str
    likely: float
    like: str


@dataclass(frozen=True)
class Mind:
    """topics: which topic a message asks for. danger: the same machine over the red flags' own example lines.

    danger may be missing where a content has too few examples to learn from.
    """

    topics: Matcher
    danger: Matcher | None = None

    def suspects(self, text: str) -> Suspicion | None:
        """Return the red flag that *text* is like, if it is clearly more like a report of danger than like all else."""
        if self.danger is None:
            return None
        decision = self.danger.decide(text)
        if decision.answer is None:
            return None
        first = decision.guesses[0]
        return Suspicion(red_flag=decision.answer, likely=decision.confidence, like=first.nearest)


Minds = Mapping[str, Mind]
