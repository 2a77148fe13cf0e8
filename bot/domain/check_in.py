"""Reading a patient's answers to a check-in: taps and typed words are equal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.plan import Question
from bot.domain.text import normalise

_PIECES = re.compile(r"\s*(?:[,;\n]|\.(?!\d)|\band\b|\bbut\b|\bn\b|&)\s*")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|\d+")
_OUT_OF = re.compile(r"^(\S+)(?:\s*(?:/|out of|of|outta)\s*(\S+))?$")
_ASKING = re.compile("[?؟]")


@dataclass(frozen=True, kw_only=True)
class AnswerWords:
    """How patients type their answers in one language.

    typed: question id → value → phrases. numbers: "seven" → 7. fillers: words that change nothing ("about", "lah").
    openers: how a question begins. no_answers: what holds an answer's words and is none ("thanks a lot").
    """

    typed: Mapping[str, Mapping[str, Sequence[str]]]
    numbers: Mapping[str, int]
    fillers: frozenset[str]
    openers: frozenset[str] = frozenset()
    no_answers: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read from a typed message: values by question id; *out_of_range* if a number fits no scale."""

    answers: Mapping[str, str]
    out_of_range: bool = False


def read_answers(text: str, open_questions: Sequence[Question], words: AnswerWords) -> Reading | None:
    """Read *text* as answers to some of *open_questions* (the one being asked first), or None if it is none.

    Every piece of the message must be an answer: "7, no bruise" is two; "7 but can I swim?" is none,
    so that a question is never swallowed.
    """
    if _ASKING.search(normalise(text)) or not open_questions:
        return None
    whole = _read_piece(normalise(text), open_questions, words)
    if whole is not None:
        return whole
    found: dict[str, str] = {}
    pieces = [piece for piece in _PIECES.split(normalise(text)) if piece]
    for piece in pieces:
        remaining = [question for question in open_questions if question.id not in found]
        reading = _read_piece(piece, remaining, words)
        if reading is None or reading.out_of_range:
            return None
        found.update(reading.answers)
    return Reading(answers=found) if found else None


def next_question(questions: Sequence[Question], answers: Mapping[str, str]) -> Question | None:
    """Return the first question that has no answer yet, or None when the check-in is complete."""
    return next((question for question in questions if question.id not in answers), None)


def _read_piece(piece: str, questions: Sequence[Question], words: AnswerWords) -> Reading | None:
    if piece.split(maxsplit=1)[:1] and piece.split(maxsplit=1)[0] in words.openers:
        return None
    if piece.strip(" .!") in words.no_answers:
        return None
    scale = next((question for question in questions if question.scale_to is not None), None)
    if scale is not None and scale.scale_to is not None:
        number = _read_number(piece, scale.scale_to, words)
        if number is not None:
            if 0 <= number <= scale.scale_to:
                return Reading(answers={scale.id: str(number)})
            return Reading(answers={}, out_of_range=True)
    wanted = _bare(piece, words)
    for question in questions:
        for value, phrases in words.typed.get(question.id, {}).items():
            if value in question.values() and any(wanted == _bare(phrase, words) for phrase in phrases):
                return Reading(answers={question.id: value})
    return None


def _read_number(piece: str, most: int, words: AnswerWords) -> int | None:
    """Read "7", "seven", "7/10" or "seven out of ten"; "3/5" is no answer on a scale to 10."""
    match = _OUT_OF.match(_bare(piece, words, keep="/").replace(" / ", "/").replace("/", " of "))
    if match is None or (match[2] is not None and _figure(match[2], words) != most):
        return None
    return _figure(match[1], words)


def _figure(word: str, words: AnswerWords) -> int | None:
    return int(word) if word.isdecimal() and len(word) <= 3 else words.numbers.get(word)


def _bare(piece: str, words: AnswerWords, keep: str = "") -> str:
    tokens = re.findall(rf"{_WORD.pattern}|[{re.escape(keep)}]", piece) if keep else _WORD.findall(piece)
    kept = [token for token in tokens if token not in words.fillers]
    return " ".join(kept or tokens)
