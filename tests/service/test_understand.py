"""Tests of the seam: what kind of message it is, in the order that counts."""

from __future__ import annotations

import pytest

from bot.content.library import Library
from bot.matching.mind import Minds
from bot.service.understand import find_red_flag, understand


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello, i cant breathe", "red_flag"),  # before small talk
        ("hello!", "smalltalk"),
        ("does it hurt?", "answer"),
        ("zxqv wqpz blorf", "hand_over"),
        ("", "hand_over"),
    ],
)
def test_each_kind(library: Library, minds: Minds, text: str, kind: str) -> None:
    """Danger first, then small talk, then topics, else a person."""
    meant = understand(library, library.language("en"), minds["en"], text)

    assert meant.kind == kind


def test_a_sign_that_is_only_asked_about_is_a_doubt(library: Library, minds: Minds) -> None:
    """The question is answered, and the doubt is told."""
    meant = understand(library, library.language("en"), minds["en"], "is chest pain a side effect?")

    assert meant.finding is None
    assert meant.doubt is not None
    assert meant.doubt.red_flag == "breathing"


def test_a_code_is_no_fever(library: Library) -> None:
    """What stands in an invitation by chance is not read; the words beside it are."""
    code = "1HSHJ7BF43NVZ1C5CT39ZWYM47"

    assert find_red_flag(library, code) is None
    assert find_red_flag(library, "1HSHJ 7BF43 NVZ1C 5CT39 ZWYM47") is None
    assert find_red_flag(library, f"{code} and i cant breathe") is not None
