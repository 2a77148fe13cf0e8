"""Tests of `bot.domain.plan`: questions, the bands of a scale, and which plan a region asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.plan import Option, Plan, Plans, Question, Step

SORENESS = Question(
    id="soreness",
    scale_to=10,
    options=(
        # Not in order: a band is found by where it starts, not by where it stands.
        Option(id="severe", at_least=8, red_flag="pain_severe"),
        Option(id="none"),
        Option(id="moderate", at_least=4),
        Option(id="mild", at_least=1),
    ),
)
WATER = Question(id="water", options=(Option(id="plenty"), Option(id="little", alert=True)))


def plan(id_: str, *hours: float) -> Plan:
    """Return a plan with a step at each of *hours*."""
    steps = (
        Step(
            id=f"h{number}",
            after=timedelta(hours=after),
            grace=timedelta(hours=10),
            nudge_after=timedelta(hours=4),
            questions=("soreness",),
        )
        for number, after in enumerate(hours)
    )
    return Plan(id=id_, steps=tuple(steps))


PLANS = Plans(
    plans={
        "standard": plan("standard", 24, 48),
        "chest": plan("chest", 4, 24, 48),
        "short": plan("short", 24),
    },
    questions={"soreness": SORENESS, "water": WATER},
    regions={"calf": "standard", "neck": "chest", "jaw": "short"},
)


def test_a_scale_can_be_answered_with_every_number_from_0_to_its_end() -> None:
    """The answers of a scale are its whole numbers, both ends included."""
    assert SORENESS.values() == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")


def test_a_choice_can_be_answered_with_its_options() -> None:
    """The answers of a choice are the ids of its options, in order."""
    assert WATER.values() == ("plenty", "little")


@pytest.mark.parametrize(
    ("value", "band"),
    [
        ("0", "none"),
        ("1", "mild"),  # a band starts at its least number …
        ("3", "mild"),  # … and goes up to the next one
        ("4", "moderate"),
        ("7", "moderate"),
        ("8", "severe"),
        ("10", "severe"),
    ],
)
def test_a_number_falls_into_the_highest_band_that_it_reaches(value: str, band: str) -> None:
    """Each number of a scale belongs to one band."""
    assert SORENESS.option_for(value).id == band


def test_a_choice_is_its_own_option() -> None:
    """An answer of a choice leads to the option with that id."""
    assert WATER.option_for("little") == Option(id="little", alert=True)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        (SORENESS, "11"),
        (SORENESS, "-1"),
        (SORENESS, "7.5"),
        (SORENESS, "severe"),
        (WATER, "lots"),
        (WATER, ""),
    ],
)
def test_what_is_no_answer_is_refused(question: Question, value: str) -> None:
    """A value that cannot be stored raises `ValueError`, which names it and the question."""
    with pytest.raises(ValueError, match=f"{value!r} is no answer to '{question.id}'"):
        question.option_for(value)


def test_a_step_is_found_by_its_id() -> None:
    """A plan returns its step, or None for one that it does not have (any more)."""
    standard = PLANS.plans["standard"]
    assert standard.step("h1") is standard.steps[1]
    assert standard.step("h9") is None


@pytest.mark.parametrize(("hours", "whole"), [(24, 24), (0.5, 0), (3.9, 4)])
def test_a_step_tells_its_offset_in_whole_hours(hours: float, whole: int) -> None:
    """Words such as "24 hours after" get the nearest whole number."""
    assert plan("p", hours).steps[0].hours == whole


@pytest.mark.parametrize(
    ("regions", "wanted"),
    [
        (("calf",), "standard"),
        (("neck",), "chest"),
        (("jaw",), "short"),
        (("calf", "neck"), "chest"),  # the plan with most check-ins wins, wherever it is named
        (("neck", "calf"), "chest"),
        (("jaw", "calf"), "standard"),
        ((), "standard"),  # nothing said: the default
    ],
)
def test_the_regions_choose_the_plan_with_most_check_ins(regions: tuple[str, ...], wanted: str) -> None:
    """A needle near the chest asks for the chest's plan, whatever else was treated."""
    assert PLANS.for_regions(regions) == wanted
