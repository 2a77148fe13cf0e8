"""Tests of `bot.matching.lessons`: the lines to learn from, sorted."""

from __future__ import annotations

from bot.matching.evidence import NONE, TALK
from bot.matching.lessons import Lessons


def test_every_line_comes_with_its_group_and_groups_stand_together() -> None:
    """Sorted by group; within a group in the order in which they were written."""
    lessons = Lessons(
        asks={"swim": ["z", "a"], "bath": ["b"]},
        talk=["hi", "bye"],
        unrelated=["france"],
        own=frozenset({"a"}),
    )
    assert lessons.lines() == [
        ("bath", "b"),
        ("swim", "z"),
        ("swim", "a"),
        (NONE, "france"),
        (TALK, "hi"),
        (TALK, "bye"),
    ]


def test_there_are_always_two_groups() -> None:
    """A single topic still has something that it is not, if only a line without words."""
    assert Lessons(asks={"swim": ["pool"]}).lines() == [("swim", "pool"), (NONE, "")]


def test_a_topic_without_phrasings_is_no_group() -> None:
    """There is nothing to learn of it."""
    assert Lessons(asks={"swim": [], "bath": ["tub"]}, unrelated=["x"]).lines() == [
        ("bath", "tub"),
        (NONE, "x"),
    ]
