"""Tests of `bot.domain.triage_filters`: what takes a sign back, word by word."""

import pytest

from bot.domain.triage_filters import CUES, Context
from bot.domain.triage_words import Lexicon, Search

WORDS = {
    "turns": ["but"],
    "divides": ["and"],
    "denial.no": ["no"],
    "denial.no_bridge": ["any"],
    "denial.except": ["no doubt"],
    "denial.undone": ["like this"],
    "denial.joins": ["or", "and"],
    "denial.near": ["in", "when"],
    "denial.complaints": ["pain", "rash"],
    "denial.fresh": ["i", "my"],
    "question.openers": ["can it"],
    "question.is": ["is"],
    "question.after": ["a risk"],
    "question.mine": ["my"],
    "present": ["because"],
    "past.words": ["years ago"],
    "past.undone": ["still"],
    "idioms": ["pain in the neck to"],
}
LEXICON = Lexicon.of({**{f"context.{cue}": WORDS.get(cue, []) for cue in CUES}, "pain": ["pain"]})


def around(text: str) -> tuple[Context, tuple[int, int]]:
    """Return the context of *text* and where its last "pain" stands."""
    search = Search(LEXICON, LEXICON.hear(text))
    return Context(search), search.spans("pain")[-1]


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("no pain", True),
        ("no any pain", True),
        ("no chest pain", True),  # up to the complaint
        ("no rash pain", False),  # which is another one here
        ("no rash in my leg or pain", True),
        ("no rash and pain", True),
        ("no rash and pain when walking so far", False),  # too long for the rest of a list
        ("no rash in my leg, pain", False),
        ("no rash, pain or fever", True),
        ("no doubt pain", False),
        ("no pain like this", False),
        ("no, pain", False),
        ("no rash but pain", False),
        ("rash no. pain", False),
    ],
)
def test_how_far_a_denial_reaches(text: str, denied: bool) -> None:
    """A denial covers its own item and those of its list, and ends where something new begins."""
    context, span = around(text)
    assert context.is_denied(span, frozenset()) is denied


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("can it cause pain", True),
        ("can it harm because pain", False),
        ("can it harm but pain", False),
        ("is pain a risk", True),
        ("is my pain a risk", False),
        ("pain a risk?", True),
        ("pain a risk", False),
        ("can it harm? pain", False),
    ],
)
def test_what_is_asked_about(text: str, asked: bool) -> None:
    """A question covers its sentence up to where the present starts."""
    context, span = around(text)
    assert context.is_asked(span) is asked


@pytest.mark.parametrize(
    ("text", "past"),
    [
        ("pain years ago", True),
        ("years ago, pain", True),
        ("years ago i fell and pain", False),  # another statement
        ("still pain as years ago", False),
        ("pain. that was years ago", False),
    ],
)
def test_what_is_past(text: str, past: bool) -> None:
    """The past covers its own statement only."""
    context, span = around(text)
    assert context.is_past(span) is past


def test_idioms_are_covered_word_by_word() -> None:
    """A sign inside a way of speaking is one."""
    context, span = around("a pain in the neck to park")
    assert context.is_idiom(span)
    context, span = around("pain in the neck")
    assert not context.is_idiom(span)
