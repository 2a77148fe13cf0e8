"""Tests of `bot.content.library`: finding the right language, and answers in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.content.library import Library, QuestionWords
from bot.domain.plan import Option, Question
from tests.kit.faq_folder import FaqFolder


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Give the supplied library."""
    home: Path = tmp_path_factory.mktemp("library")
    return FaqFolder(home).load()


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"),
        ("zh", "zh"),
        ("zh-hans", "zh"),  # what Telegram's apps send
        ("zh-Hant-TW", "zh"),
        ("ZH", "zh"),
        ("fr", "en"),  # not spoken: the default
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_person_is_spoken_to_in_their_language(english: Library, code: str | None, language: str) -> None:
    """The language of a code, whatever its region, or the first one that the clinic chose."""
    en = english.languages["en"]
    both = replace(english, languages={"en": en, "zh": replace(en, code="zh")})
    assert both.language(code).code == language


def test_an_areas_topics_are_its_own_in_order(english: Library) -> None:
    """The menu shows an area's topics in the outline's order, and no others."""
    language = english.languages["en"]
    assert [topic.id for topic in language.area_topics("results")] == [
        "onset_of_relief",
        "duration_of_relief",
        "number_of_sessions",
        "frequency_of_sessions",
        "prevent_recurrence",
    ]
    assert language.area_topics("nowhere") == []


WORDS = QuestionWords(
    name="Bruise", ask="A bruise?", labels={"small": "A small one"}, advice={"small": "It fades."}
)


def test_an_answer_is_shown_in_words() -> None:
    """An option is shown by its label, a number with its scale."""
    scale = Question(id="soreness", scale_to=10, options=(Option(id="none"), Option(id="bad", at_least=8)))
    choice = Question(id="bruise", options=(Option(id="none"), Option(id="small")))
    assert WORDS.label(scale, "7") == "7 of 10"
    assert WORDS.label(choice, "small") == "A small one"


def test_an_answer_may_have_advice() -> None:
    """Some answers have advice, others have none."""
    assert WORDS.advice_for(Option(id="small")) == "It fades."
    assert WORDS.advice_for(Option(id="none")) is None
