"""A line of text as n-grams: its words, pairs of words, and runs of letters; what slips and endings leave alone."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

#: How long the runs of letters are; a space at each end of a word counts as a letter.
SHORTEST, LONGEST = 3, 4


def of_words(words: Sequence[str]) -> Counter[str]:
    """Return how often each word and each pair of neighbours occurs."""
    found = Counter(words)
    found.update(f"{first} {second}" for first, second in itertools.pairwise(words))
    return found


def of_letters(words: Iterable[str]) -> Counter[str]:
    """Return how often each run of letters within a word occurs, as scikit-learn's ``char_wb`` counts them."""
    found: list[str] = []
    for word in words:
        padded = f" {word} "
        length = len(padded)
        for size in range(SHORTEST, LONGEST + 1):
            if size >= length:
                found.append(padded)
                break
            found += [padded[at : at + size] for at in range(length - size + 1)]
    return Counter(found)
