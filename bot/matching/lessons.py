"""What there is to learn from: lines, and what each is an example of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.matching.evidence import NONE, TALK


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """What there is to learn, and how careful to be with it.

    asks: topic → its phrasings; own: those of them that the clinic added. talk and unrelated: no topic answers them.
    mistaken_at_most: of the unrelated lines, held out, at most this share may be taken for one of the topics. The
    supplied ones are meant to mislead; of what people really write about other things, far fewer are.
    missed_at_most: of the phrasings, held out, at most this share may be taken for none of the topics.
    """

    asks: Mapping[str, Sequence[str]]
    own: frozenset[str] = frozenset()
    talk: Sequence[str] = ()
    unrelated: Sequence[str] = ()
    mistaken_at_most: float = 0.012
    missed_at_most: float = 0.02

    def lines(self) -> list[tuple[str, str]]:
        """Return (group, line), sorted by group, so that each group stands together; there are always two groups."""
        found = [(topic, ask) for topic, asks in self.asks.items() for ask in asks]
        found += [(TALK, line) for line in self.talk] + [(NONE, line) for line in self.unrelated or ("",)]
        return sorted(found, key=lambda pair: pair[0])
