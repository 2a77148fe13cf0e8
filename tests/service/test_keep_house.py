"""Tests of keeping house: what has been kept long enough is erased, and nothing earlier."""

from __future__ import annotations

from datetime import timedelta

from bot.service import keep_house
from bot.storage import inbox, outbox, patients
from tests.kit.story import ANA, BEN, Story


async def test_a_patient_is_erased_when_the_clinics_time_is_over(story: Story) -> None:
    """180 days after the last check-in nothing of the patient is left; a day earlier everything is."""
    await story.enrols(ANA)
    await story.later(days=181)
    assert story.tools.database.call(keep_house.tidy, story.tools, story.now).patients == 0
    story.now += timedelta(days=2)
    counts = story.tools.database.call(keep_house.tidy, story.tools, story.now)

    assert counts.patients == 1
    assert story.tools.database.call(patients.by_chat, ANA.id) is None


async def test_words_are_erased_after_their_days(story: Story) -> None:
    """Messages go after 30 days, the patient stays."""
    await story.enrols(ANA)
    await story.says(ANA, "does it hurt?")
    story.now += timedelta(days=29)
    assert story.tools.database.call(keep_house.tidy, story.tools, story.now).words_received == 0
    story.now += timedelta(days=2)
    story.tools.database.call(keep_house.tidy, story.tools, story.now)

    assert story.tools.database.call(inbox.of_chat, ANA.id) == []
    assert story.tools.database.call(outbox.of_chat, ANA.id) == []
    assert story.tools.database.call(patients.by_chat, ANA.id) is not None


async def test_a_strangers_alert_goes_when_it_is_closed_and_old(story: Story) -> None:
    """An open one stays until a person has dealt with it."""
    await story.binds()
    await story.says(BEN, "my chest hurts when i breathe in")
    story.now += timedelta(days=31)
    assert story.tools.database.call(keep_house.tidy, story.tools, story.now).strangers == 0
    await story.staff(ANA, "/today")
    await story.staff_taps("Trouble breathing")
    await story.staff_taps("Acknowledge")
    await story.staff_taps("Close with outcome")
    await story.staff_taps("Advised")

    assert story.tools.database.call(keep_house.tidy, story.tools, story.now).strangers == 1
