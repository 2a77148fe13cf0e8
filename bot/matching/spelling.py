"""Forgiving slips: a word nobody knows becomes the FAQ's own word that is one slip away, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot.domain.slips import one_slip_apart, parts, slip_table

#: A shorter word has too many neighbours to guess which was meant.
SHORTEST = 4


class Speller:
    """Mends words against the words that the FAQ uses."""

    def __init__(self, counts: Mapping[str, int], known: Callable[[str], bool] = lambda _word: False) -> None:
        """Keep the FAQ's words with their *counts*; *known* says of any other word that it is no slip."""
        self._counts = counts
        self._known = known
        self._table = slip_table(word for word in counts if len(word) >= SHORTEST and word.isalpha())

    def mend(self, word: str) -> str:
        """Return the commonest word of the FAQ that is one slip from *word*, or *word* if it is known or hopeless."""
        if len(word) < SHORTEST or word in self._counts or not word.isalpha() or self._known(word):
            return word
        near = {other for part in parts(word) for other in self._table.get(part, ())}
        slips = [other for other in near if one_slip_apart(word, other)]
        # A slip in the first letter is the rarest, so a word that begins alike goes first.
        return max(slips, key=lambda other: (other[0] == word[0], self._counts[other], other), default=word)

    def mend_all(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return *words*, each mended."""
        return tuple(map(self.mend, words))
