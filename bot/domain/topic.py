"""A topic of the FAQ: what patients ask, and the one approved answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Held = Literal["full", "partly", "clinic"]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One FAQ entry in one language. *answer* is a template: variables in braces, <b> and <i> allowed.

    own_asks: those of the phrasings that the clinic added itself; they count more. held: whether the sources answer it ("full"), answer some of it ("partly"), or only the clinic can ("clinic").
    where: ``file:line`` of the answer, so that every word can be traced.
    """

    id: str
    area: str
    title: str
    asks: tuple[str, ...]
    answer: str
    sources: tuple[str, ...]
    follow_ups: tuple[str, ...]
    held: Held
    reviewed_by: str
    reviewed_on: date
    where: str
    own_asks: frozenset[str] = frozenset()

    @property
    def offers_hand_over(self) -> bool:
        """Whether the bot offers to pass the question on to the clinic under the answer."""
        return self.held != "full"
