"""Tests of `bot.content.context_words`: the words of the filters, as the file spells them and as the engine names them."""

import pytest
from pydantic import ValidationError

from bot.content.context_words import ContextWords
from bot.domain.triage_filters import CUES


def test_every_cue_of_the_filters_has_its_place_in_the_file() -> None:
    """No word list of the engine is left without a key, and none is named twice."""
    assert tuple(ContextWords().cues()) == CUES


def test_words_reach_the_engine_under_their_cue() -> None:
    """`context.question.is` and its like arrive as the filters ask for them."""
    words = ContextWords.model_validate(
        {
            "turns": ["but"],
            "denial": {"no_words": ["no"], "undone": ["like this"]},
            "question": {"is": ["is"]},
            "past": {"words": ["years ago"]},
        }
    )
    cues = words.cues()
    assert cues["turns"] == ("but",)
    assert (cues["denial.no"], cues["denial.undone"]) == (("no",), ("like this",))
    assert cues["question.is"] == ("is",)
    assert cues["past.words"] == ("years ago",)
    assert cues["idioms"] == ()


def test_a_slip_in_a_key_is_refused() -> None:
    """A word list that nobody reads would be a filter that nobody has."""
    with pytest.raises(ValidationError):
        ContextWords.model_validate({"denials": {"no_words": ["no"]}})
