"""Words that mean the same in this house: "gym", "training" and "leg day" are all exercise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from bot.domain.text import words as split_words


class Thesaurus:
    """Groups of words and phrases, each under one name."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        """Keep *groups*: name → the words and phrases that mean it."""
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._words: set[str] = set()
        for name, phrases in groups.items():
            for phrase in phrases:
                words = split_words(phrase)
                if words:
                    self._words.update(words)
                    self._by_first.setdefault(words[0], []).append((words, name))

    def knows(self, word: str) -> bool:
        """Return whether *word* stands in any group."""
        return word in self._words

    def meaning(self, words: Sequence[str], strange: Set[str]) -> tuple[str, ...]:
        """Return the names of the groups with a phrase in *words* that has a *strange* word in it, each once."""
        found: dict[str, None] = {}
        for at, word in enumerate(words):
            for phrase, name in self._by_first.get(word, ()):
                if tuple(words[at : at + len(phrase)]) == phrase and not strange.isdisjoint(phrase):
                    found[name] = None
        return tuple(found)
