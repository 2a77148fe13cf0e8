"""Tests of `bot.service.raise_again`: raised until somebody has seen it, and the patient told that nobody has."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from bot.service import raise_again
from tests.kit.story import ANA, Story

DANGER = "my chest hurts when i breathe in"
MINUTE = timedelta(minutes=1)


def step(story: Story, batch: int = 20) -> tuple[Counter[str], bool]:
    """Do one batch of what is due of the alerts."""
    done: Counter[str] = Counter()
    more = story.tools.database.call(raise_again.due, story.tools, done, story.now, batch)
    return done, more


async def test_what_is_not_due_is_left_alone(story: Story) -> None:
    """A step may be called at any time."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)

    assert step(story) == (Counter(), False)


async def test_it_counts_what_it_raised_and_whom_it_told(story: Story) -> None:
    """Raised after five minutes; told, and raised, after ten; a full batch asks for another call."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    story.now += 5 * MINUTE
    assert step(story, batch=1) == (Counter(raised_again=1), True)
    assert step(story, batch=1) == (Counter(), False)
