"""Forgiving slips: a word nobody knows becomes the FAQ's own word that is one slip away, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot.domain.slips import meant_by, slip_table

#: A shorter word has too many neighbours to guess which was meant.
SHORTEST = 4


class Speller:
    """Mends words against the words that the FAQ uses."""

    def __init__(self, counts: Mapping[str, int], known: Callable[[str], bool] = lambda _word: False) -> None:
        """Keep the FAQ's words with their *counts*; *known* says of any other word that it is no slip."""
        self._counts = counts
        self._known = known
        self._table = slip_table(word for word in counts if len(word) >= SHORTEST and word.isalpha())
        self._longest = max(map(len, counts), default=0) + 1

    def mend(self, word: str) -> str:
        """Return the commonest word of the FAQ that is one slip from *word*, or *word* if it is known or hopeless."""
        if not SHORTEST <= len(word) <= self._longest or not word.isalpha():
            return word
        if word in self._counts or self._known(word):
            return word
        slips = meant_by(word, self._table)
        # A slip in the first letter is the rarest, so a word that begins alike goes first.
        return max(slips, key=lambda other: (other[0] == word[0], self._counts[other], other), default=word)

    def mend_all(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return *words*, each mended."""
        return tuple(map(self.mend, words))
