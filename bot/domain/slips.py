"""Slips of the keyboard: a letter too many, one missing, a wrong one, or two that changed places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def one_slip_apart(first: str, second: str) -> bool:
    """Return whether one insertion, deletion, substitution or swap of neighbours turns *first* into *second*."""
    if len(first) > len(second):
        first, second = second, first
    if len(second) - len(first) > 1 or first == second:
        return False
    at = next((n for n, letter in enumerate(first) if letter != second[n]), len(first))
    if len(first) < len(second):
        return first[at:] == second[at + 1 :]
    if first[at + 1 :] == second[at + 1 :]:
        return True
    return first[at : at + 2] == second[at : at + 2][::-1] and first[at + 2 :] == second[at + 2 :]


def slip_table(words: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return, for each of *words* and each of them less one letter, the words it may have been meant to be.

    Two words one slip apart have such a part in common, so looking up the parts of a typed word finds every
    candidate; `one_slip_apart` then decides.
    """
    table: dict[str, list[str]] = {}
    for word in words:
        for part in parts(word):
            table.setdefault(part, []).append(word)
    return {part: tuple(found) for part, found in table.items()}


def meant_by(typed: str, table: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the words of *table* (see `slip_table`) that are one slip apart from *typed*."""
    found: dict[str, None] = {}
    for part in sorted(parts(typed)):
        found.update(dict.fromkeys(word for word in table.get(part, ()) if one_slip_apart(typed, word)))
    return list(found)


def parts(word: str) -> set[str]:
    """Return *word*, and what is left of it without any one letter."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def slips_between(first: str, second: str, most: int) -> int | None:
    """Return how many insertions, deletions, substitutions or swaps of neighbours lie between two texts.

    None: more than *most*.
    """
    if abs(len(first) - len(second)) > most or len(set(first) ^ set(second)) > 2 * most:
        return None
    above: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        above, before, row = row, above, [i]
        for j, other in enumerate(second, 1):
            slips = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                slips = min(slips, before[j - 2] + 1)
            row.append(slips)
    return row[-1] if row[-1] <= most else None
