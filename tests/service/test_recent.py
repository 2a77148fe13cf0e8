"""Tests of what the bot said last: for a quarter of an hour, of the newest chats, each by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.conversation import Before
from bot.service.recent import EXCUSED, FRESH, Recent

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HURTS, SORE = Before("answer", ("pain_during",)), Before("offer", ("post_soreness", "pain_during"))


@pytest.mark.parametrize(
    ("later", "there"),
    [
        (timedelta(), True),
        (FRESH, True),
        (FRESH + timedelta(seconds=1), False),
        (timedelta(seconds=-1), False),  # a clock that was set back is no reason to believe it
    ],
)
def test_it_is_remembered_for_a_quarter_of_an_hour(later: timedelta, there: bool) -> None:
    """After that a follow-up is read by itself."""
    recent = Recent()
    recent.remember(1, HURTS, NOW)

    assert recent.recall(1, NOW + later) == (HURTS if there else None)


def test_the_last_thing_said_counts() -> None:
    """A newer one takes the place of the older, and its quarter of an hour begins anew."""
    recent = Recent()
    recent.remember(1, HURTS, NOW)
    recent.remember(1, SORE, NOW + FRESH)

    assert recent.recall(1, NOW + 2 * FRESH) == SORE


def test_each_chat_has_its_own() -> None:
    """What was said to one person is never what was said to another."""
    recent = Recent()
    recent.remember(1, HURTS, NOW)

    assert recent.recall(2, NOW) is None


def test_a_chat_can_be_forgotten() -> None:
    """Also one of which nothing is known."""
    recent = Recent()
    recent.remember(1, HURTS, NOW)
    recent.remember(2, SORE, NOW)
    recent.forget(1)
    recent.forget(3)

    assert recent.recall(1, NOW) is None
    assert recent.recall(2, NOW) == SORE


def test_only_the_newest_chats_are_kept() -> None:
    """The memory has an end; who has been spoken to again counts as new."""
    recent = Recent(most=2)
    recent.remember(1, HURTS, NOW)
    recent.remember(2, HURTS, NOW)
    recent.remember(1, SORE, NOW)
    recent.remember(3, HURTS, NOW)

    assert recent.recall(1, NOW) == SORE
    assert recent.recall(2, NOW) is None
    assert recent.recall(3, NOW) == HURTS


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (timedelta(), True),
        (EXCUSED, True),
        (EXCUSED + timedelta(seconds=1), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_a_word_on_a_delay_counts_for_a_while(later: timedelta, told: bool) -> None:
    """Of each chat by itself, whatever else was said there."""
    recent = Recent()
    recent.excuse(1, NOW)
    recent.remember(1, HURTS, NOW)
    recent.forget(1)

    assert recent.excused(1, NOW + later) is told
    assert not recent.excused(2, NOW + later)


def test_only_the_newest_words_on_a_delay_are_remembered() -> None:
    """Memory has an end."""
    recent = Recent(most=2)
    for chat in (1, 2, 3):
        recent.excuse(chat, NOW)

    assert [recent.excused(chat, NOW) for chat in (1, 2, 3)] == [False, True, True]
