"""How hard a text is to read, so that a tired person understands an answer at first reading."""

from __future__ import annotations

import re
import unicodedata

from bot.domain.message import plain
from bot.domain.text import STOPS, tokens

#: Above this an answer is reported by `aftercare check`: Björnsson's scale calls 30 to 40 "fiction, popular
#: magazines" and 40 to 50 "newspapers".
TOO_HARD = 40.0
#: The most words an answer may have.
MOST_WORDS = 90

_VARIABLE = re.compile(r"\{[^}]*\}")
_LONG = 6


def word_count(template: str) -> int:
    """Return how many words a template has; a variable in braces counts as one."""
    return len(_words(template))


def lix(template: str) -> float:
    """Return the readability index LIX of a template (Björnsson 1968): words a sentence + long words in 100.

    Long is more than six letters. Needs no syllables, so it serves every language that puts spaces between words.
    A variable counts as a short word. About 25 is a children's book, 40 a magazine, 60 a law.
    """
    words = _words(template)
    if not words:
        return 0.0
    sentences = max(1, sum(mark in STOPS for mark in tokens(_plain(template) + " .")))
    long = sum(sum(map(str.isalpha, word)) > _LONG for word in words)
    return len(words) / sentences + 100 * long / len(words)


def _words(template: str) -> list[str]:
    # Without their marks: a vowel sign of Tamil or Hindi would else divide a word.
    letters = "".join(char for char in _plain(template) if not unicodedata.category(char).startswith("M"))
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", letters)


def _plain(template: str) -> str:
    return plain(_VARIABLE.sub("it", template))
