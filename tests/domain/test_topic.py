"""Tests of `bot.domain.topic`: when a person is offered under an answer."""

from __future__ import annotations

from datetime import date

import pytest

from bot.domain.topic import Held, Topic


@pytest.mark.parametrize(
    ("held", "offered"),
    [
        ("full", False),  # the sources answer it
        ("partly", True),  # some of it is the clinic's to answer
        ("clinic", True),  # all of it is
    ],
)
def test_the_clinic_is_offered_where_the_answer_is_not_whole(held: Held, offered: bool) -> None:
    """A hand-over is offered unless the sources answer the question in full."""
    topic = Topic(
        id="beer",
        area="daily_life",
        title="Beer",
        asks=("beer?",),
        answer="Ask the clinic.",
        sources=("clinic",),
        follow_ups=(),
        held=held,
        reviewed_by="A test",
        reviewed_on=date(2026, 11, 20),
        where="en/daily_life.yaml:1",
    )
    assert topic.offers_hand_over is offered
