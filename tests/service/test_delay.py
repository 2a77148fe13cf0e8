"""Tests of delays: what was written while the bot was down is acted on as usual, and said to be late, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.message import Incoming, Media, Sender
from bot.service import ask, delay, receive
from bot.service.treatment import circumstances_of
from bot.service.turn import Turn
from bot.storage import alerts, inbox
from bot.storage.database import Session
from bot.storage.inbox import Arrival
from tests.kit.story import ANA, BEN, EVA, GROUP, Story

SORRY = "Sorry for the wait"
HOUR = timedelta(hours=1)


def late_words(story: Story, who: int) -> list[str]:
    """Return the words on a delay in a chat."""
    return [text for text in story.texts(who) if SORRY in text]


# --- when is it late -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "arrived", "written"),
    [
        (0, 0, None),
        (-10, 0, None),  # minutes before now: not late yet
        (-11, 0, -11),  # Telegram kept it
        (-11, -11, -11),  # it waited in the inbox
        (-30, -11, -30),
        (None, -11, -11),  # a tap has no moment of its own
        (None, 0, None),
        (5, 0, None),  # Telegram's clock is ahead of ours
        (5, -11, -11),
        (-60 * 24 * 9, 0, None),  # no such date: Telegram keeps nothing for that long
        (-60 * 24 * 9, -11, -11),
    ],
)
def test_what_is_late(story: Story, sent: int | None, arrived: int, written: int | None) -> None:
    """More than ten minutes after it was written, by Telegram's word or by when it arrived."""

    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else story.now + timedelta(minutes=minutes)

    incoming = Incoming(update_id=1, chat_id=5, sender=Sender(id=5, name="?"), sent_at=at(sent))

    def look(session: Session) -> datetime | None:
        turn = Turn.of(session, story.tools, incoming, story.now)
        return delay.noted(turn, incoming, at(arrived) or story.now).written_at

    assert story.tools.database.call(look) == at(written)


# --- what is said ----------------------------------------------------------------------------------------


async def test_a_late_question_gets_a_word_and_its_answer(story: Story) -> None:
    """First why it comes late and when it was asked, then the answer."""
    await story.private(BEN, text="does it hurt?", sent_at=story.now - 55 * timedelta(minutes=1))

    word, answer = story.texts(BEN)
    assert word.startswith(SORRY)
    assert "today at 14:05" in word
    assert "hurt" in answer


async def test_a_question_in_time_gets_no_word(story: Story) -> None:
    """Also one that is a few minutes old."""
    await story.private(BEN, text="does it hurt?", sent_at=story.now - timedelta(minutes=9))

    assert late_words(story, BEN.id) == []


async def test_one_word_is_enough_for_all_that_waited(story: Story) -> None:
    """Each chat hears it once; after another downtime, again."""
    for text in ("does it hurt?", "/help", "can i swim?"):
        await story.private(
            BEN, text=text, command="help" if text == "/help" else None, sent_at=story.now - HOUR
        )
    await story.private(ANA, text="does it hurt?", sent_at=story.now - HOUR)
    assert (len(late_words(story, BEN.id)), len(late_words(story, ANA.id))) == (1, 1)

    story.now += timedelta(minutes=11)
    await story.private(BEN, text="does it hurt?", sent_at=story.now - HOUR)

    assert len(late_words(story, BEN.id)) == 2


async def test_a_late_tap_works_and_gets_a_word(story: Story) -> None:
    """It counts from when it arrived."""
    story.tools.database.call(
        inbox.store, [Arrival(update_id=5000, chat_id=BEN.id, payload={})], story.now - HOUR
    )
    sender = Sender(id=BEN.id, name=BEN.name)
    tap = Incoming(update_id=5000, chat_id=BEN.id, sender=sender, data="menu", message_id=1)
    story.tools.database.call(receive.from_person, story.tools, tap, story.now)
    await story.deliver()

    assert "today at 14:00" in late_words(story, BEN.id)[0]
    assert "What would you like to read about?" in story.sees(BEN).text


async def test_a_late_answer_to_a_check_in_is_taken(story: Story) -> None:
    """It is as good as one in time, after a word on the delay."""
    await story.enrols(ANA)
    await story.later(hours=25)
    await story.taps(ANA, "Start")
    story.now += HOUR

    await story.private(ANA, text="3", sent_at=story.now - HOUR)

    assert len(late_words(story, ANA.id)) == 1
    assert any("✓" in text for text in story.texts(ANA)[-3:])


async def test_a_late_red_flag_is_acted_on_and_dated(story: Story) -> None:
    """The instruction first, as always, then when it was written; staff read that moment too."""
    await story.binds()
    await story.private(BEN, text="i cant breathe properly", sent_at=story.now - HOUR)

    instruction, word = story.texts(BEN)
    assert "995" in instruction
    assert "You wrote this today at 14:00" in word
    assert "Written today at 14:00" in story.sees(GROUP).text
    (alert,) = story.tools.database.call(alerts.of_chat, BEN.id)
    assert alert.raise_at == story.now + timedelta(minutes=5)


async def test_every_late_red_flag_is_dated(story: Story) -> None:
    """That a delay was spoken of before does not count: which words an instruction answers must be plain."""
    await story.private(BEN, text="does it hurt?", sent_at=story.now - HOUR)
    await story.private(BEN, text="i cant breathe properly", sent_at=story.now - HOUR)

    assert "You wrote this" in story.texts(BEN)[-1]


async def test_hours_since_the_treatment_count_up_to_the_words(story: Story) -> None:
    """What was felt an hour after the needles is not judged as if it were felt the next day."""
    await story.enrols(ANA)
    written = story.now + HOUR
    story.now += 10 * HOUR

    def hours(session: Session) -> float | None:
        incoming = Incoming(update_id=1, chat_id=ANA.id, sender=Sender(id=1, name="?"), sent_at=written)
        turn = delay.noted(Turn.of(session, story.tools, incoming, story.now), incoming, story.now)
        return circumstances_of(turn).hours

    assert story.tools.database.call(hours) == 1


@pytest.mark.parametrize(
    "fields",
    [{"text": " ... "}, {"media": Media(kind="story")}, {"text": "does it hurt?", "edited": True}],
)
async def test_what_gets_no_answer_gets_no_word(story: Story, fields: dict[str, Any]) -> None:
    """A word on a delay alone would be a riddle."""
    await story.private(BEN, sent_at=story.now - HOUR, **fields)

    assert story.texts(BEN) == []


async def test_a_word_that_was_lost_with_a_failure_is_said_at_the_next_try(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is rolled back was not said."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(ask, "question", broken)
        with pytest.raises(RuntimeError):
            await story.private(BEN, text="does it hurt?", sent_at=story.now - HOUR)
    assert story.texts(BEN) == []

    await story.private(BEN, text="does it hurt?", sent_at=story.now - HOUR)

    assert len(late_words(story, BEN.id)) == 1


# --- staff -----------------------------------------------------------------------------------------------


async def test_late_commands_of_staff_work_and_get_a_word(story: Story) -> None:
    """Once for the backlog; taps are acted on without one, for they change what stands there."""
    await story.binds()
    await story.private(BEN, text="i cant breathe properly")
    shown, data = story.find_button(GROUP, "Acknowledge")

    await story.staff(EVA, data=data, message_id=shown.id, sent_at=story.now - HOUR)
    assert late_words(story, GROUP) == []
    for _ in range(2):
        await story.staff(EVA, "/today", sent_at=story.now - HOUR)

    assert len(late_words(story, GROUP)) == 1
    assert "Today at" in story.sees(GROUP).text
