"""Reading a patient's answers to a check-in: taps and typed words are equal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.plan import Question
from bot.domain.text import normalise

_PIECES = re.compile(r"\s*(?:[,;\n]|\.(?!\d)|\band\b|\bbut\b|\bn\b|&)\s*")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|\d+")
_SCORE = re.compile(r"^(\d{1,3})(?:\s*(?:/|out of|of|outta)\s*(\d{1,3}))?$")


@dataclass(frozen=True, kw_only=True)
class AnswerWords:
    """How patients type their answers in one language.

    typed: question id → value → phrases. numbers: "seven" → 7. fillers: words that change nothing ("about", "lah").
    """

    typed: Mapping[str, Mapping[str, Sequence[str]]]
    numbers: Mapping[str, int]
    fillers: frozenset[str]


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
    if "?" in text or not open_questions:
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
    number = _read_number(piece, words)
    if number is not None:
        for question in questions:
            if question.scale_to is not None:
                if 0 <= number <= question.scale_to:
                    return Reading(answers={question.id: str(number)})
                return Reading(answers={}, out_of_range=True)
    wanted = _bare(piece, words)
    for question in questions:
        for value, phrases in words.typed.get(question.id, {}).items():
            if value in question.values() and any(wanted == _bare(phrase, words) for phrase in phrases):
                return Reading(answers={question.id: value})
    return None


def _read_number(piece: str, words: AnswerWords) -> int | None:
    bare = _bare(piece, words, keep="/")
    if match := _SCORE.match(bare):
        if match[2] not in (None, "10"):
            return None
        return int(match[1])
    spelled = [word for word in bare.split() if word not in ("out", "of", "ten", "10")] or bare.split()[:1]
    return words.numbers.get(spelled[0]) if len(spelled) == 1 else None


def _bare(piece: str, words: AnswerWords, keep: str = "") -> str:
    tokens = re.findall(rf"{_WORD.pattern}|[{re.escape(keep)}]", piece) if keep else _WORD.findall(piece)
    kept = [token for token in tokens if token not in words.fillers]
    return " ".join(kept or tokens)
