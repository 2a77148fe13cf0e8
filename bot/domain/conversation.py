"""What was said just before, so that "and for swimming?" and "yes" mean something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.domain.text import STOPS, normalise, tokens


@dataclass(frozen=True)
class Before:
    """What the bot said last: it answered a topic, offered some, or asked for a place, or whether a red flag is there now.

    said: the person's words that it was said to, where they count for what comes next.
    """

    kind: Literal["answer", "offer", "check", "place"]
    about: tuple[str, ...]
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class SmallWords:
    """The small words of a language that only mean something after what came before.

    yes, no: a bare one. openers: how a follow-up begins ("and", "what about"). joints: what joins two questions
    ("and", "also"). bare: questions that do not name what they ask about ("how long"). ordinals: "the second one" → 2.
    """

    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()
    openers: tuple[str, ...] = ()
    joints: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    ordinals: Mapping[str, int] = field(default_factory=dict)


#: A follow-up that leans on what came before has at most this many words.
_MOST_LEANING = 6
#: A part of a message that could be a question of its own has at least this many words.
_LEAST_PART = 2
_MOST_PARTS = 4
#: Nobody offers more topics than two digits can number.
_MOST_DIGITS = 2


def leaning(text: str, words: SmallWords) -> str | None:
    """Return what is left of a follow-up without its opener ("and for swimming?" → "swimming"), or None if it is none.

    A short message leans on what came before even without an opener: "how long?".
    """
    said = " ".join(piece for piece in tokens(text) if piece not in STOPS and piece != ",")
    rest = said
    for opener in sorted(words.openers, key=len, reverse=True):
        if rest == opener or rest.startswith(opener + " "):
            rest = rest[len(opener) :].strip()
            break
    opened = rest != said
    count = len(rest.split())
    return rest if rest and count <= (2 * _MOST_LEANING if opened else _MOST_LEANING) else None


def chosen(text: str, before: Before, words: SmallWords) -> str | None:
    """Return which of the offered topics a message picks: "yes", "the second one", "2"; None if it picks none."""
    if before.kind != "offer" or not before.about:
        return None
    said = normalise(text).strip(" .!?")
    number = words.ordinals.get(said)
    if number is None and said.isdecimal() and len(said) <= _MOST_DIGITS:
        number = int(said)
    if number is not None:
        return before.about[number - 1] if 1 <= number <= len(before.about) else None
    return before.about[0] if said in words.yes else None


def parts(text: str, joints: Iterable[str]) -> tuple[str, ...]:
    """Return the parts of a message that may each be a question of its own; empty if there is only one."""
    joined = "|".join(sorted(map(re.escape, joints), key=len, reverse=True))
    cut = r"[?!;\n]+|\.+(?!\d)|(?<!\d)\.+" + (rf"|\b(?:{joined})\b" if joined else "")
    pieces = [piece.strip() for piece in re.split(cut, normalise(text)) if piece and piece.strip()]
    long_enough = [piece for piece in pieces if len(piece.split()) >= _LEAST_PART]
    return tuple(long_enough) if 2 <= len(long_enough) <= _MOST_PARTS else ()
