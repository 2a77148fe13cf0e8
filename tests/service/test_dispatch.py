"""Tests of dispatch: on time, never in the night, nudged once, missed, expired, and nobody asked twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.patient import CheckInState
from bot.service import dispatch, follow_up
from bot.service.turn import Turn
from bot.storage import check_ins, patients
from bot.storage.tables import CheckIn
from tests.conftest import THURSDAY
from tests.kit.story import ANA, BEN, GROUP, Story


def states(story: Story) -> list[str]:
    """Return the states of Ana's check-ins in the order in which they are due."""
    patient = story.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    return [str(row.state) for row in story.tools.database.call(check_ins.all_of, patient.id)]


def ready(story: Story) -> int:
    """Count the announcements Ana has had."""
    return sum("is ready" in text for text in story.texts(ANA))


async def test_check_ins_come_at_24_and_48_hours(story: Story) -> None:
    """Promise 3, to the minute."""
    await story.enrols(ANA)
    await story.later(hours=23, minutes=59)
    assert ready(story) == 0
    await story.later(minutes=1)
    assert ready(story) == 1
    await story.later(hours=24)
    assert ready(story) == 2


async def test_nothing_is_asked_in_the_night(story: Story) -> None:
    """Treated at 23:00, the 24 h check-in waits until eight in the morning."""
    story.now = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
    await story.enrols(ANA)
    await story.later(hours=32, minutes=59)
    assert ready(story) == 0
    await story.later(minutes=1)
    assert ready(story) == 1


async def test_a_silent_patient_is_asked_once_more_and_then_listed(story: Story) -> None:
    """One nudge with the buttons again, then "please call"."""
    await story.binds()
    await story.enrols(ANA)
    await story.later(hours=28)
    nudges = [text for text in story.texts(ANA) if "gentle reminder" in text]
    assert len(nudges) == 1
    assert story.find_button(ANA.id, "Start")[0].text == nudges[0]

    await story.later(hours=19)
    assert states(story)[0] == CheckInState.MISSED
    await story.staff(BEN, "/today")
    assert "Please call: no answer (1)" in story.sees(GROUP).text
    assert len([text for text in story.texts(ANA) if "gentle reminder" in text]) == 1


async def test_a_nudge_does_not_come_in_the_night(story: Story) -> None:
    """Asked at 18:00, the reminder of 22:00 waits for the morning."""
    story.now = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)  # 18:00
    await story.enrols(ANA)
    await story.later(hours=37)  # 07:00 two days on
    assert not any("gentle reminder" in text for text in story.texts(ANA))
    await story.later(hours=1)
    assert any("gentle reminder" in text for text in story.texts(ANA))


async def test_after_a_short_interruption_it_comes_late_with_the_true_hour(story: Story) -> None:
    """Three hours of downtime: sent all the same, and it says so."""
    await story.enrols(ANA)
    story.now += timedelta(hours=27)
    await story.rings()

    text = story.sees(ANA).text
    assert "later than planned" in text
    assert "it was due today at 15:00" in text
    assert "About 27 hours" in text


async def test_after_a_long_interruption_it_expires_and_staff_are_told(story: Story) -> None:
    """Thirty hours of downtime: the old one is not asked, and somebody calls."""
    await story.binds()
    await story.enrols(ANA)
    story.now += timedelta(hours=46)
    await story.rings()

    assert ready(story) == 0
    assert states(story)[0] == CheckInState.EXPIRED
    assert "could not be sent in time" in story.sees(GROUP).text
    assert "A1023" in story.sees(GROUP).text


async def test_back_in_the_night_it_waits_for_the_morning(story: Story) -> None:
    """What is late is not sent at three o'clock at night either."""
    await story.enrols(ANA)
    story.now = THURSDAY + timedelta(hours=24 + 8)  # 23:00
    await story.rings()
    assert ready(story) == 0
    story.now = THURSDAY + timedelta(hours=24 + 17)  # 08:00: beyond the grace of ten hours
    await story.rings()

    assert ready(story) == 0
    assert states(story)[0] == CheckInState.EXPIRED


async def test_an_invite_nobody_opened_asks_nobody(story: Story) -> None:
    """Without a patient nothing is sent, nothing fails, and the invite is listed."""
    await story.binds()
    story.registers("B7")
    await story.later(hours=60)
    await story.staff(BEN, "/today")

    text = story.sees(GROUP).text
    assert "Invitation not accepted (1)" in text
    assert "B7" in text
    assert "not opened" in text


async def test_a_late_joiner_gets_what_is_still_within_its_grace(story: Story) -> None:
    """Who opens the invite 26 hours after the treatment is asked the first check-in at once."""
    done = story.registers("B7")
    await story.later(hours=26)
    await story.says(ANA, f"/start {done.code.replace('-', '')}")
    await story.taps(ANA, "Yes, I agree")
    assert "in a moment" in story.sees(ANA).text
    await story.rings()

    assert ready(story) == 1


async def test_stop_means_stop(story: Story) -> None:
    """After STOP nothing comes, whatever was planned."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "STOP")
    await story.later(hours=60)

    assert ready(story) == 0
    assert "wrote STOP. 2 check-ins" in story.sees(GROUP, "STOP", last=0).text


async def test_calling_dispatch_again_does_nothing(story: Story) -> None:
    """A step may be called at any time, as often as you like."""
    await story.enrols(ANA)
    await story.later(hours=24)

    again = story.tools.database.call(dispatch.due, story.tools, story.now)

    assert again.total == 0


async def test_many_due_at_once_all_come_in_order(story: Story) -> None:
    """More than one batch: everybody is asked once."""
    people = [type(ANA)(1000 + number, f"P{number}") for number in range(dispatch.BATCH // 8)]
    for person in people:
        await story.enrols(person, f"P{person.id}")
    await story.later(hours=24)

    asked = [chat for chat, message in story.messenger.order if "is ready" in message.text]
    assert asked == [person.id for person in people]


async def test_an_open_check_in_gives_way_to_the_next(story: Story) -> None:
    """One is asked at a time: yesterday's unanswered one is missed when today's comes."""
    await story.enrols(ANA)
    await story.later(hours=24)
    await story.taps(ANA, "Start")
    await story.taps(ANA, "3")
    await story.later(hours=24)

    assert states(story) == [CheckInState.MISSED, CheckInState.SENT]


async def test_one_that_cannot_be_handled_stops_nobody_else(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours with one patient's check-in: it is put off, the others are asked, and it is tried again."""
    await story.enrols(ANA, "A1")
    await story.enrols(BEN, "B2")
    announce = follow_up.invite_to_answer

    def fails_for_ana(turn: Turn, row: CheckIn, *, again: bool = False) -> None:
        if turn.chat_id == ANA.id:
            raise RuntimeError("planted")
        announce(turn, row, again=again)

    monkeypatch.setattr(follow_up, "invite_to_answer", fails_for_ana)
    await story.later(hours=24)
    assert "is ready" in story.sees(BEN).text
    assert ready(story) == 0
    assert states(story)[0] == CheckInState.SCHEDULED

    monkeypatch.setattr(follow_up, "invite_to_answer", announce)
    await story.later(minutes=15)

    assert ready(story) == 1
