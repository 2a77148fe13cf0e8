"""Tests of registering with buttons: few taps, everything changeable, link, picture and card at the end."""

from __future__ import annotations

import base64

import pytest

from bot.domain.message import length, plain
from bot.service.enrol import BOT_NAME
from bot.storage import groups, treatments
from tests.kit.story import ANA, BEN, EVA, GROUP, Story


@pytest.fixture
async def clinic(story: Story) -> Story:
    """A clinic with its group, and a bot whose name is known."""
    story.tools.database.call(groups.write_note, BOT_NAME, "aftercare_test_bot")
    await story.binds()
    return story


async def test_five_taps_register_a_treatment(clinic: Story) -> None:
    """/treated with a label, then when, where, next, plan: link, QR picture and card are there."""
    await clinic.staff(EVA, "/treated A1023")
    for label in ("30 minutes ago", "Calf", "Next", "advised"):
        await clinic.staff_taps(label)

    photo, card = clinic.messenger.chats[GROUP][-2:]
    assert "https://t.me/aftercare_test_bot?start=" in photo.text
    assert "tomorrow at 14:30" in photo.text
    assert base64.b64decode(photo.outgoing.file or "").startswith(b"\x89PNG")
    assert length(plain(photo.outgoing.text)) <= 1024
    assert (card.outgoing.file_name or "") == "card-A1023.html"


async def test_the_label_may_be_typed_as_a_reply(clinic: Story) -> None:
    """Without a label behind /treated the bot asks for it at the end."""
    await clinic.staff(EVA, "/treated")
    for label in ("Just now", "Neck", "Next", "advised"):
        await clinic.staff_taps(label)
    asked = clinic.sees(GROUP)
    assert asked.outgoing.force_reply
    await clinic.staff(EVA, "  B <7> & co ", reply_to=asked)

    assert "B <7> & co is registered" in clinic.sees(GROUP, "is registered", last=0).text


async def test_a_label_that_is_too_long_is_asked_again(clinic: Story) -> None:
    """Nothing is lost: the same registration goes on."""
    await clinic.staff(EVA, "/treated")
    for label in ("Just now", "Neck", "Next", "advised"):
        await clinic.staff_taps(label)
    await clinic.staff(EVA, "x" * 50, reply_to=clinic.sees(GROUP))
    assert "1 to 40 characters" in clinic.sees(GROUP).text
    await clinic.staff(EVA, "B7", reply_to=clinic.sees(GROUP))

    assert len(clinic.tools.database.call(treatments.find, "main", "B7")) == 1


@pytest.mark.parametrize(
    ("typed", "hour"),
    [("15:10", "yesterday at 15:10"), ("9.05", "today at 09:05"), ("1300", "today at 13:00")],
)
async def test_a_time_may_be_typed(clinic: Story, typed: str, hour: str) -> None:
    """A time still to come today was yesterday's (15 minutes of grace for a slow clock)."""
    clinic.now = clinic.now.replace(hour=6, minute=0)  # 14:00
    await clinic.staff(EVA, "/treated A1")
    await clinic.staff(EVA, typed, reply_to=clinic.sees(GROUP))

    assert f"✓ {hour}" in clinic.sees(GROUP).text


async def test_a_time_that_is_none_is_asked_again(clinic: Story) -> None:
    """25:99 gets a word on how to write it."""
    await clinic.staff(EVA, "/treated A1")
    await clinic.staff(EVA, "25:99", reply_to=clinic.sees(GROUP))

    assert "such as 15:10" in clinic.sees(GROUP).text


async def test_today_at_offers_the_last_half_hours(clinic: Story) -> None:
    """Times are tapped, none lies in the future."""
    await clinic.staff(EVA, "/treated A1")
    await clinic.staff_taps("Today at")
    labels = [button.label for button in clinic.sees(GROUP).buttons]
    assert "14:30" in labels
    assert "15:30" not in labels
    await clinic.staff_taps("14:30")

    assert "✓ today at 14:30" in clinic.sees(GROUP).text


async def test_quitting_registers_nothing(clinic: Story) -> None:
    """A wrong start is taken back, and its buttons say so."""
    await clinic.staff(EVA, "/treated A1")
    data = clinic.find_button(GROUP, "Just now")[1]
    await clinic.staff_taps("Quit")
    await clinic.staff(EVA, data=data, message_id=clinic.sees(GROUP).id)

    assert "finished or too old" in clinic.sees(GROUP).text
    assert clinic.tools.database.call(treatments.find, "main", "A1") == []


async def test_the_code_in_the_group_works_and_is_not_kept(clinic: Story) -> None:
    """The link handed out enrols; the words of the message are erased once sent."""
    await clinic.staff(EVA, "/treated A1")
    for label in ("Just now", "Calf", "Next", "advised"):
        await clinic.staff_taps(label)
    code = clinic.sees(GROUP, "start=", last=2).text.partition("start=")[2].split()[0]
    await clinic.says(ANA, f"/start {code}")
    await clinic.taps(ANA, "Yes, I agree")

    assert "you are in" in clinic.sees(ANA).text


async def test_two_people_register_at_once_without_mixing(clinic: Story) -> None:
    """Each registration is its own."""
    await clinic.staff(EVA, "/treated A1")
    first = clinic.sees(GROUP)
    await clinic.staff(BEN, "/treated B2")
    await clinic.staff(EVA, data=str(first.buttons[0].data), message_id=first.id)

    assert "✓ A1" in first.text
    assert "Where were the needles?" in first.text
    assert "When did it end?" in clinic.sees(GROUP).text


async def test_a_restart_in_the_middle_loses_nothing(clinic: Story) -> None:
    """The registration stands in the database: its buttons work for another process."""
    await clinic.staff(EVA, "/treated A1")
    await clinic.staff_taps("Just now")
    again = Story(tools=clinic.tools, now=clinic.now, messenger=clinic.messenger)
    again._updates = clinic._updates
    await again.staff_taps("Calf")

    assert "✓ Calf" in again.sees(GROUP).text
