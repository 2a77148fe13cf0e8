"""Tests of `bot.matching.ground`: what the held-out phrasings say about the topics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bot.matching.ground import ENOUGH, TOO_NEAR, Report, Stolen, survey
from bot.matching.learn import learn
from bot.matching.lessons import Lessons
from bot.matching.model import Model
from bot.matching.vectors import WordTable
from tests.kit.museum import ASKS, LESSONS, TALK, UNRELATED


def surveyed(table: WordTable, **more: tuple[str, ...]) -> Report:
    """Return the survey of the museum's FAQ with more phrasings for some topics."""
    asks = {topic: (*ASKS.get(topic, ()), *more.get(topic, ())) for topic in {**ASKS, **more}}
    return survey(learn(Lessons(asks=asks, talk=TALK, unrelated=UNRELATED), table))


def test_a_phrasing_in_the_wrong_place_is_found(table: WordTable) -> None:
    """A question about parking among those about dogs would be answered with parking; it is named, with both topics."""
    planted = "where can i park my car"
    assert Stolen(line=planted, topic="dogs", by="parking") in surveyed(table, dogs=(planted,)).stolen


def test_a_sound_faq_has_nothing_stolen(model: Model) -> None:
    """Topics that are told apart are hardly complained of: with half of so few phrasings held out, one may go astray."""
    report = survey(model)
    assert len(report.stolen) <= 1
    assert report.twins == ()


def test_twins_are_found(table: WordTable) -> None:
    """Two phrasings of one topic with the same words teach no more than one; each pair is named once."""
    report = surveyed(table, dogs=("Can I bring my dog?!",), tickets=("the entrance fee what is",))
    assert report.twins == (("dogs", "Can I bring my dog?!", "can i bring my dog"),)


def test_the_same_phrasing_in_two_topics_is_no_twin(table: WordTable) -> None:
    """That is for the loader of the content to say."""
    assert surveyed(table, dogs=("where can i park",)).twins == ()


def test_twins_among_what_no_topic_answers_are_nobodys_business(table: WordTable) -> None:
    """Small talk and unrelated lines may repeat themselves."""
    lessons = replace(LESSONS, talk=(*TALK, *TALK), unrelated=(*UNRELATED, *UNRELATED))
    assert survey(learn(lessons, table)).twins == ()


def test_topics_with_few_phrasings_are_named(table: WordTable) -> None:
    """With as many as are enough, a topic is not named."""
    report = surveyed(table, dogs=tuple(f"may the dog see room {number}" for number in range(ENOUGH - 12)))
    assert dict(report.few) == {"opening": 12, "parking": 12, "tickets": 12}


def fared(model: Model, first: dict[str, str], outright: bool) -> Model:
    """Return the model as if the lines named in *first* had gone to those topics, and all others to their own."""
    phrasings = model.phrasings
    found = np.array(
        [
            phrasings.groups.index(first[line]) if line in first else phrasings.group_of(number)
            for number, line in enumerate(phrasings.text)
        ],
        dtype=np.int32,
    )
    ground = replace(model.ground, first=found, outright=np.full(len(found), outright))
    return replace(model, ground=ground)


def test_the_topic_that_is_robbed_most_comes_first(model: Model) -> None:
    """Only what would be answered is stolen; what would be offered, the patient can refuse."""
    first = dict.fromkeys(ASKS["tickets"][:2], "dogs") | {ASKS["dogs"][0]: "parking"}
    stolen = survey(fared(model, first, outright=True)).stolen
    assert [(theft.topic, theft.by) for theft in stolen] == [("tickets", "dogs")] * 2 + [("dogs", "parking")]
    assert [theft.line for theft in stolen] == [*ASKS["tickets"][:2], ASKS["dogs"][0]]
    assert survey(fared(model, first, outright=False)).stolen == ()


def test_topics_that_lie_too_near_are_named_nearest_first(model: Model) -> None:
    """A share of a topic's phrasings that goes to another, offered or answered; one of twelve is nothing yet."""
    first = (
        dict.fromkeys(ASKS["tickets"][:2], "dogs")
        | dict.fromkeys(ASKS["parking"][:3], "tickets")
        | {ASKS["dogs"][0]: "parking"}
    )
    assert 1 / 12 < TOO_NEAR <= 2 / 12
    assert survey(fared(model, first, outright=False)).near == (
        ("parking", "tickets", 3 / 12),
        ("tickets", "dogs", 2 / 12),
    )


def test_what_becomes_of_unrelated_lines_is_not_surveyed(model: Model) -> None:
    """They belong to no topic."""
    first = dict.fromkeys([*TALK, *UNRELATED], "dogs")
    report = survey(fared(model, first, outright=True))
    assert (report.stolen, report.near) == ((), ())
    assert all(topic in ASKS for topic, _count in report.few)
