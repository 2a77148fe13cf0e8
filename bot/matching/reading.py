"""A patient's line, read: slips are mended, and words that the FAQ never uses are read as ones that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot.domain.text import words as split_words
from bot.matching.spelling import Speller
from bot.matching.thesaurus import Thesaurus

#: A message longer than this is read up to here: nobody asks one question in more words, and time is bounded.
MOST_WORDS = 120


class Reader:
    """Reads lines with the FAQ's own words in mind."""

    def __init__(
        self,
        counts: Mapping[str, int],
        synonyms: Mapping[str, Iterable[str]],
        known: Callable[[str], bool] = lambda _word: False,
    ) -> None:
        """Keep the FAQ's words with their *counts*; *known* says of any other word that it is no slip.

        synonyms: a name → words and phrases that mean it. The name is written with "_" between its words.
        """
        self._used = frozenset(counts)
        self._thesaurus = Thesaurus(synonyms)
        self._speller = Speller(counts, lambda word: known(word) or self._thesaurus.knows(word))

    def read(self, text: str) -> tuple[str, ...]:
        """Return the words of a patient's *text*, slips mended."""
        return self._speller.mend_all(split_words(text)[:MOST_WORDS])

    def in_other_words(self, words: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return *words* and behind them what the strange ones mean by the thesaurus, or None if that adds nothing.

        If there is one strange word that even the thesaurus does not know, the line may be about anything.
        """
        strange = {word for word in words if word not in self._used}
        if not strange or not all(map(self._thesaurus.knows, strange)):
            return None
        meant = self._thesaurus.meaning(words, strange)
        return words + tuple(word for name in meant for word in name.split("_")) if meant else None
