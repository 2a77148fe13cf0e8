"""Slips of the keyboard: which important word is meant by a word with one letter wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

MIN_SLIP = 5
"""Letters of a word as typed that may be a slip; the word meant has at least six."""

_MIN_MEANT = 6
_MAX_MEANT = 24


def slip_table(meant: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return each word of six letters or more under itself and under itself with one letter left out."""
    table: dict[str, list[str]] = {}
    for word in sorted(meant):
        if len(word) >= _MIN_MEANT and word.isalpha():
            for form in (word, *_one_letter_less(word)):
                table.setdefault(form, []).append(word)
    return {form: tuple(listed) for form, listed in table.items()}


def meant_by(typed: str, table: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the words of *table* of which *typed* is one slip: a letter missing, extra, wrong, or two swapped."""
    found: list[str] = []
    for form in (typed, *_one_letter_less(typed)):
        for candidate in table.get(form, ()):
            if candidate not in found and candidate[0] == typed[0] and _one_slip(typed, candidate):
                found.append(candidate)
    return found


def _one_letter_less(word: str) -> set[str]:
    return {word[:n] + word[n + 1 :] for n in range(len(word))} if len(word) <= _MAX_MEANT else set()


def _one_slip(typed: str, meant: str) -> bool:
    """Return whether one letter is missing, extra or wrong, or two neighbours are swapped."""
    if abs(len(typed) - len(meant)) == 1:
        longer, shorter = (typed, meant) if len(typed) > len(meant) else (meant, typed)
        return shorter in _one_letter_less(longer)
    if len(typed) != len(meant):
        return False
    wrong = [n for n, (a, b) in enumerate(zip(typed, meant, strict=True)) if a != b]
    if len(wrong) == 1:
        return True
    return any(
        wrong == [a, b] and b == a + 1 and typed[a] == meant[b] and typed[b] == meant[a]
        for a, b in pairwise(wrong)
    )
