"""Tests of `bot.content.files`: what may stand in the files of `faq/`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import BaseModel

from bot.content.files import (
    CheckInsFile,
    CommandWords,
    Outline,
    PhrasesFile,
    PlanFile,
    PlanStep,
    SmallTalk,
    Sources,
    TopicEntry,
    TopicsFile,
)
from bot.content.yaml_source import Faults, parse
from bot.domain.triage import Urgency


def faults_of(text: str, model: type[BaseModel]) -> list[str]:
    """Return the faults of a piece of YAML as *model*."""
    try:
        parse(text, "a.yaml").read_as(model)
    except Faults as error:
        return [str(fault).removeprefix("a.yaml:1: ") for fault in error.faults]
    return []


STEP = "id: h24, after: 24h, grace: 10h, nudge_after: 4h, questions: [soreness]"


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("24h", timedelta(hours=24)),
        ("30min", timedelta(minutes=30)),
        ("2d", timedelta(days=2)),
        ("0h", timedelta()),
        ("90 min", timedelta(minutes=90)),
    ],
)
def test_a_length_of_time_is_written_with_its_unit(written: str, span: timedelta) -> None:
    """Hours, minutes and days are told apart by what stands behind the number."""
    step = parse(f"{{{STEP.replace('24h', written)}}}", "a.yaml").read_as(PlanStep)
    assert step.after == span


@pytest.mark.parametrize("written", ["24", "-4h", "1.5h", "4 weeks", "h", "24hours", "''"])
def test_a_length_without_its_unit_is_refused(written: str) -> None:
    """24 of what? The fault shows how to write it."""
    shown = written.strip("'")
    assert faults_of(f"{{{STEP.replace('24h', written)}}}", PlanStep) == [
        f"after: '{shown}' is no length of time; write it as 24h, 30min or 2d"
    ]


def test_an_urgency_is_one_of_three() -> None:
    """A red flag is routine, same_day or emergency; another word is named."""
    outline = parse("red_flags: {brain: emergency, skin: same_day}", "a.yaml").read_as(Outline)
    assert outline.red_flags == {"brain": Urgency.EMERGENCY, "skin": Urgency.SAME_DAY}
    assert faults_of("red_flags: {brain: urgent}", Outline) == [
        "red_flags.brain: must be one of 'routine', 'same_day' or 'emergency'"
    ]


QUESTIONS = "questions: {q: {options: [{id: a}, {id: b}, {id: c}]}}"
PLAN = f"plans: {{p: {{steps: [{{{STEP}}}]}}}}, {QUESTIONS}, regions: {{}}, default: p"
CHECK_INS = "reviewed: {by: A, on: 2026-11-20}, steps: {}, regions: {}, plans: {}, questions: {}"
PHRASES = (
    "name: English, description: d, short_description: s, commands: {patient: {}, staff: {}}, areas: {}, "
    "stop_words: [], yes_words: [], phrases: {}"
)


@pytest.mark.parametrize(
    ("model", "text"),
    [(PlanFile, PLAN), (CheckInsFile, CHECK_INS), (PhrasesFile, PHRASES), (PlanStep, STEP)],
    ids=["plan", "check-ins", "phrases", "step"],
)
def test_the_least_that_a_file_needs_is_enough(model: type[BaseModel], text: str) -> None:
    """The small files that the next test breaks are right before it does."""
    assert faults_of(f"{{{text}}}", model) == []


@pytest.mark.parametrize(
    ("model", "text", "old", "new", "fault"),
    [
        (PlanStep, STEP, "h24", "H24", "id: "),  # a step's id stands in buttons and in the database
        (PlanStep, STEP, "h24", "the_day_after", "id: "),
        (PlanStep, STEP, "[soreness]", "[]", "questions: has too few entries; it needs at least 1"),
        (PlanStep, STEP, "[soreness]", "soreness", "questions: must be a list; start each line with '- '"),
        (PlanStep, STEP, "grace: 10h, ", "", "grace: is missing; add it"),
        (PlanFile, PLAN, "default: p", "defualt: p", "default: is missing; add it"),
        (PlanFile, PLAN, f"[{{{STEP}}}]", "[]", "plans.p.steps: has too few entries; it needs at least 1"),
        (
            PlanFile,
            PLAN,
            ", {id: b}, {id: c}",
            "",
            "questions.q.options: has too few entries; it needs at least 2",
        ),
        (
            PlanFile,
            PLAN,
            "{options:",
            "{scale_to: 11, options:",
            "questions.q.scale_to: must be at most 10",
        ),
        (
            PlanFile,
            PLAN,
            "{id: a}",
            "{id: a, red_flags: x}",
            "questions.q.options.0.red_flags: no such key; did you mean 'red_flag'?",
        ),
        (CheckInsFile, CHECK_INS, "reviewed: {by: A, on: 2026-11-20}, ", "", "reviewed: is missing; add it"),
        (CheckInsFile, CHECK_INS, "2026-11-20", "soon", "reviewed.on: must be a date such as 2026-11-20"),
        (CheckInsFile, CHECK_INS, "by: A", "by: ''", "reviewed.by: must not be empty"),
        (
            CheckInsFile,
            CHECK_INS,
            "by: A",
            f"by: {'x' * 121}",
            "reviewed.by: is too long; it may have 120 characters",
        ),
        (CheckInsFile, CHECK_INS, "by: A", "by: 7", "reviewed.by: must be text; put it in quotes"),
        (
            CheckInsFile,
            CHECK_INS,
            "steps: {}",
            "steps: {h24: {title: T}}",
            "steps.h24.normal: is missing; add it",
        ),
        (
            CheckInsFile,
            CHECK_INS,
            "plans: {}",
            f"plans: {{p: {'x' * 41}}}",  # it stands on a button
            "plans.p: is too long; it may have 40 characters",
        ),
        (
            PhrasesFile,
            PHRASES,
            "description: d",
            f"description: {'x' * 513}",  # Telegram's limits for a bot's profile
            "description: is too long; it may have 512 characters",
        ),
        (
            PhrasesFile,
            PHRASES,
            "short_description: s",
            f"short_description: {'x' * 121}",
            "short_description: is too long; it may have 120 characters",
        ),
        (PhrasesFile, PHRASES, "phrases: {}", "phrases: {a: ''}", "phrases.a: must not be empty"),
        (
            PhrasesFile,
            PHRASES,
            "yes_words: []",
            "yes_words: [true]",
            "yes_words.0: must be text; put it in quotes",
        ),
        (PhrasesFile, PHRASES, "areas: {}", "areas: {a: [b]}", "areas.a: must be text; put it in quotes"),
    ],
)
def test_what_a_file_must_not_hold_is_named(
    model: type[BaseModel], text: str, old: str, new: str, fault: str
) -> None:
    """Each slip is named, with what may stand there."""
    assert text.count(old) == 1
    faults = faults_of(f"{{{text.replace(old, new)}}}", model)
    if "defualt" in new:  # the key that is spelled wrongly is a fault of its own
        assert faults == [fault, "defualt: no such key; did you mean 'default'?"]
        return
    assert len(faults) == 1
    assert faults[0].startswith(fault)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{answer: ''}", "answer: must not be empty"),
        (f"{{answer: {'x' * 601}}}", "answer: is too long; it may have 600 characters"),
        (f"{{title: {'x' * 41}}}", "title: is too long; it may have 40 characters"),  # it stands on a button
        ("{asks: ['']}", "asks.0: must not be empty"),
        (f"{{asks: [{'x' * 301}]}}", "asks.0: is too long; it may have 300 characters"),
        ("{held: no}", "held: must be one of 'full', 'partly' or 'clinic'"),
        ("{anwser: x}", "anwser: no such key; did you mean 'answer'?"),
        ("{hide: perhaps}", "hide: "),
    ],
)
def test_a_topic_keeps_to_what_a_phone_shows(entry: str, fault: str) -> None:
    """An answer, a title and a phrasing have a length; other keys are none."""
    (found,) = faults_of(entry, TopicEntry)
    assert found.startswith(fault)


@pytest.mark.parametrize("word", ["true", "yes", "on"])
def test_a_topic_is_hidden_in_whichever_word(word: str) -> None:
    """ "hide: yes" is as good as "hide: true"."""
    assert parse(f"hide: {word}", "a.yaml").read_as(TopicEntry).hide is True


def test_a_topics_file_has_topics() -> None:
    """A file of an area without the word "topics" is not taken for an empty one."""
    assert faults_of("{what_is_it: {title: T}}", TopicsFile) == [
        "topics: is missing; add it",
        "what_is_it: no such key; remove it",
    ]


def test_the_other_parts_need_all_their_words() -> None:
    """Small talk has a reply, commands have both lists, a source has words."""
    assert faults_of("{asks: [hi]}", SmallTalk) == ["reply: is missing; add it"]
    assert faults_of("{patient: {}}", CommandWords) == ["staff: is missing; add it"]
    assert faults_of("{sources: {who: ''}}", Sources) == ["sources.who: must not be empty"]
