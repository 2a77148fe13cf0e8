"""What the bot has learned of one language: its topics, and a second opinion on danger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.matching.matcher import Matcher, Opinion


@dataclass(frozen=True)
class Mind:
    """topics: which topic a message asks for. danger: the same machine over reports of red flags.

    danger may be missing where a content has too few examples to learn from.
    """

    topics: Matcher
    danger: Matcher | None = None

    def on_danger(self, text: str) -> Opinion | None:
        """Return how likely *text* reports a red flag (`Opinion.first.topic`), by its likeness to known reports."""
        return self.danger.opinion(text) if self.danger is not None else None


Minds = Mapping[str, Mind]
