"""Tests of `bot.matching.mind`: the second opinion on danger."""

from __future__ import annotations

from bot.matching.matcher import Matcher
from bot.matching.mind import Mind, Minds


def test_without_examples_of_danger_there_is_no_opinion(matcher: Matcher) -> None:
    """A content may have too few of them to learn from."""
    assert Mind(matcher).on_danger("can i bring my dog") is None


def test_the_opinion_is_that_of_what_learned_danger(matcher: Matcher) -> None:
    """It comes with the report that it is like, and with how likely it is."""
    mind = Mind(matcher, danger=matcher)
    assert mind.on_danger("may i bring two dogs") == matcher.opinion("may i bring two dogs")
    assert mind.on_danger("") == matcher.opinion("")


def test_the_supplied_content_has_a_second_opinion(minds: Minds) -> None:
    """It was learned; it knows a report of danger, and a plain question does not frighten it."""
    report = minds["en"].on_danger("i cannot breathe properly since the needling")
    question = minds["en"].on_danger("how much does a session cost")
    assert report is not None
    assert report.possible
    assert question is not None
    assert not question.sure
    assert question.likely < report.likely
