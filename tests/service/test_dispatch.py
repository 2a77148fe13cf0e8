"""Tests of dispatch: on time, never in the night, nudged once, missed, expired, and nobody asked twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.message import Outgoing
from bot.domain.patient import AlertKind, CheckInState
from bot.domain.triage import Urgency
from bot.service import announce, dispatch, outcome
from bot.service.ports import TryLater, Unknown
from bot.service.turn import Turn
from bot.storage import alerts, check_ins, outbox, patients, treatments
from bot.storage.database import DatabaseAway, Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import CheckIn, OutboxRow
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


async def test_many_due_at_once_all_come_in_order(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than two batches: everybody is asked once."""
    monkeypatch.setattr(dispatch, "BATCH", 2)
    people = [type(ANA)(1000 + number, f"P{number}") for number in range(5)]
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
    say = announce.announce

    def fails_for_ana(turn: Turn, row: CheckIn) -> None:
        if turn.chat_id == ANA.id:
            raise RuntimeError("planted")
        say(turn, row)

    monkeypatch.setattr(announce, "announce", fails_for_ana)
    await story.later(hours=24)
    assert "is ready" in story.sees(BEN).text
    assert ready(story) == 0
    assert states(story)[0] == CheckInState.SCHEDULED

    monkeypatch.setattr(announce, "announce", say)
    await story.later(minutes=15)

    assert ready(story) == 1


# --- batches ------------------------------------------------------------------------------------------------


def due(story: Story, **more: bool) -> dispatch.Counts:
    """Ring once: one batch of each kind."""
    return story.tools.database.call(dispatch.due, story.tools, story.now, **more)


def nobody_joined(story: Story, number: int) -> None:
    """Register so many treatments that nobody joins: after a day and a half one check-in of each is over."""
    for label in range(number):
        story.registers(f"B{label}")


@pytest.mark.parametrize("number", [2, 3, 4, 6])
async def test_a_full_batch_says_that_there_may_be_more(
    story: Story, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Batches of three: each full one asks for another call, and together they do all, once."""
    monkeypatch.setattr(dispatch, "BATCH", 3)
    nobody_joined(story, number)
    story.now += timedelta(hours=36)
    found = []
    while True:
        counts = due(story)
        found.append(counts.expired)
        assert counts.more == (counts.expired == 3)
        if not counts.more:
            break

    assert found == [3] * (number // 3) + [number % 3]
    assert due(story).total == 0


async def test_more_nudges_alerts_and_late_messages_are_told_too(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full batch of any kind asks for another call."""
    await story.binds()
    await story.enrols(ANA)
    await story.later(hours=24)
    monkeypatch.setattr(dispatch, "BATCH", 1)
    assert not due(story).more
    story.now += timedelta(hours=4)
    counts = due(story)
    assert (counts.nudged, counts.more) == (1, True)
    assert not due(story).more

    story.tools.database.call(an_alert, story)
    counts = due(story)
    assert (counts.raised_again, counts.more) == (1, True)
    assert not due(story).more

    story.tools.database.call(outbox.add, BEN.id, Outgoing(text="hello"), story.now - timedelta(hours=30))
    counts = due(story)
    assert (counts.out_of_date, counts.more) == (1, True)
    assert not due(story).more


def an_alert(session: Session, story: Story) -> None:
    """Open an alert that is to be raised again now."""
    alerts.add(
        session,
        branch_id="main",
        chat_id=BEN.id,
        patient=None,
        treatment=None,
        kind=AlertKind.RED_FLAG,
        urgency=Urgency.EMERGENCY,
        red_flag="breathing",
        who="",
        said="I can't breathe",
        because="",
        raise_at=story.now,
        tell_patient_at=None,
        now=story.now,
    )


async def test_the_word_whether_there_is_more_is_no_number(story: Story) -> None:
    """The total counts what was done."""
    counts = dispatch.Counts(asked=2, put_off=1, out_of_date=3, more=True)
    assert counts.total == 6


# --- while Telegram cannot be reached -----------------------------------------------------------------------

FAILURES = [TryLater(reason="ConnectError", everyone=True), TryLater(reason="502")]


def cut_off(story: Story, failure: TryLater) -> None:
    """Let nothing reach Ana until `reconnect`."""
    story.messenger.outcomes[ANA.id] = [failure] * 500


def reconnect(story: Story) -> None:
    """Let messages to Ana arrive again."""
    story.messenger.outcomes[ANA.id] = []


def listed(story: Story) -> int:
    """Count how often staff were given a list of what could not be sent in time."""
    return sum("could not be sent in time" in text for text in story.texts(GROUP))


def in_state(story: Story, state: OutboxState) -> list[str]:
    """Return the texts of Ana's messages in a state."""
    rows = story.tools.database.call(outbox.of_chat, ANA.id)
    return [(row.payload or {})["text"] for row in rows if row.state == state and row.chat_id == ANA.id]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_check_in_that_could_not_leave_in_time_expires_in_line(
    story: Story, failure: TryLater
) -> None:
    """Due at 08:00, to be asked by 18:00, and Telegram away until 19:00: nobody is asked, staff get the list, once."""
    story.now -= timedelta(hours=7)
    await story.binds()
    await story.enrols(ANA)
    cut_off(story, failure)
    await story.later(hours=33, minutes=59)
    assert (states(story)[0], listed(story)) == (CheckInState.SENT, 0)
    await story.later(hours=1)

    assert (states(story)[0], listed(story)) == (CheckInState.EXPIRED, 1)
    assert "A1023" in story.sees(GROUP, "could not be sent in time", last=0).text
    assert [("is ready" in text) for text in in_state(story, OutboxState.EXPIRED)] == [True]
    reconnect(story)
    await story.later(hours=13)
    assert (ready(story), listed(story)) == (0, 1)
    await story.later(minutes=1)
    assert ready(story) == 1  # the next one comes as planned


async def test_a_check_in_that_was_answered_meanwhile_did_not_expire(story: Story) -> None:
    """The announcement never left, but the patient asked for the check-in: nobody need be called."""
    await story.binds()
    await story.enrols(ANA)
    cut_off(story, FAILURES[0])
    await story.later(hours=24)

    def answer(session: Session) -> None:
        patient = patients.by_chat(session, ANA.id)
        assert patient is not None
        row = check_ins.open_of(session, patient.id)
        assert row is not None
        check_ins.end_open(session, [row], CheckInState.ANSWERED, story.now)

    story.tools.database.call(answer)
    await story.later(hours=12)

    assert (states(story)[0], listed(story)) == (CheckInState.ANSWERED, 0)
    assert [("is ready" in text) for text in in_state(story, OutboxState.EXPIRED)] == [True]


@pytest.mark.parametrize("failure", FAILURES)
async def test_nobody_is_reminded_of_what_they_have_not_been_asked(story: Story, failure: TryLater) -> None:
    """The reminder waits while the first message is still in line, and comes later, after it."""
    await story.enrols(ANA)
    cut_off(story, failure)
    await story.later(hours=29)
    assert not any("gentle reminder" in text for text in in_state(story, OutboxState.QUEUED))
    assert not any("gentle reminder" in text for text in in_state(story, OutboxState.AGAIN))
    reconnect(story)
    await story.later(minutes=5)
    assert ready(story) == 1
    assert not any("gentle reminder" in text for text in story.texts(ANA))

    await story.later(hours=20)

    reminders = [number for number, text in enumerate(story.texts(ANA)) if "gentle reminder" in text]
    announced = [number for number, text in enumerate(story.texts(ANA)) if "is ready" in text]
    assert len(reminders) == 1
    assert announced[0] < reminders[0]


async def test_a_check_in_that_gives_way_takes_its_unsent_announcement_along(story: Story) -> None:
    """After an outage the patient gets one announcement, that of the check-in that can be answered."""
    await story.enrols(ANA)
    in_25_hours = story.now + timedelta(hours=25)

    def one_more(session: Session) -> None:
        patient = patients.by_chat(session, ANA.id)
        assert patient is not None
        treatment = treatments.active_of(session, patient.id)
        assert treatment is not None
        check_ins.add(session, treatment, "h48", in_25_hours, in_25_hours + timedelta(hours=10))

    story.tools.database.call(one_more)
    cut_off(story, FAILURES[1])
    await story.later(hours=25)
    assert len(in_state(story, OutboxState.CANCELLED)) == 1
    reconnect(story)
    await story.later(minutes=5)

    assert ready(story) == 1
    assert states(story)[:2] == [CheckInState.MISSED, CheckInState.SENT]


async def test_another_message_that_lost_its_sense_is_given_up_with_a_word_to_staff(story: Story) -> None:
    """A reply that could not leave for a day is not sent any more; somebody calls instead."""
    await story.binds()
    await story.enrols(ANA)
    cut_off(story, FAILURES[0])
    story.tools.database.call(outbox.add, ANA.id, Outgoing(text="an answer"), story.now)
    story.now += timedelta(hours=24)
    assert due(story).out_of_date == 0
    story.now += timedelta(seconds=1)
    counts = due(story)
    assert (counts.out_of_date, due(story).out_of_date) == (1, 0)
    await story.deliver()

    assert "Telegram could not be reached in time" in story.sees(GROUP, "delivered", last=0).text
    assert in_state(story, OutboxState.EXPIRED) == ["an answer"]


async def test_a_message_in_doubt_that_lost_its_sense_is_not_called_unsent(story: Story) -> None:
    """It may have arrived: staff read so, and it ends as what nobody knows of."""
    await story.binds()
    await story.enrols(ANA)
    story.messenger.outcomes[ANA.id] = [Unknown(reason="timed out")]
    story.tools.database.call(outbox.add, ANA.id, Outgoing(text="an answer"), story.now)
    await story.deliver()
    assert in_state(story, OutboxState.DOUBT) == ["an answer"]
    story.now += timedelta(hours=24, seconds=1)
    assert due(story).out_of_date == 1
    await story.deliver()

    assert "nobody knows whether it arrived" in story.sees(GROUP, "delivered", last=0).text
    assert in_state(story, OutboxState.UNKNOWN) == ["an answer"]


async def test_a_reminder_that_lost_its_sense_ends_no_check_in(story: Story) -> None:
    """The first message arrived: the check-in stays open until it is answered or missed."""
    await story.enrols(ANA)
    await story.later(hours=24)
    cut_off(story, FAILURES[0])
    await story.later(hours=4)
    assert any("gentle reminder" in text for text in in_state(story, OutboxState.QUEUED))

    def age(session: Session) -> None:
        for row in outbox.of_chat(session, ANA.id):
            row.useful_until = story.now - timedelta(seconds=1)

    story.tools.database.call(age)
    assert due(story).out_of_date == 1
    assert states(story)[0] == CheckInState.SENT


async def test_one_that_cannot_be_given_up_stops_nobody_else(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours with a late message: it ends all the same, and check-ins and other late messages go on."""
    await story.enrols(ANA)
    give_up = outcome.give_up
    story.now += timedelta(hours=24)
    for chat in (1, 2):
        story.tools.database.call(outbox.add, chat, Outgoing(text="old"), story.now - timedelta(hours=25))

    def fails_once(session: Session, tools: object, message: OutboxRow, *args: object) -> None:
        if message.chat_id == 1:
            raise RuntimeError("planted")
        give_up(session, tools, message, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(outcome, "give_up", fails_once)
    counts = due(story)

    assert (counts.asked, counts.out_of_date, counts.put_off) == (1, 1, 1)
    assert due(story).total == 0
    rows = [story.tools.database.call(outbox.of_chat, chat)[0] for chat in (1, 2)]
    assert [row.state for row in rows] == [OutboxState.EXPIRED] * 2


@pytest.mark.parametrize("before", [[], [RuntimeError("planted")]])
async def test_a_database_that_goes_away_is_no_fault_of_what_is_due(
    story: Story, monkeypatch: pytest.MonkeyPatch, before: list[Exception]
) -> None:
    """Nothing is put off, also if it goes away amid a second attempt: all of it is tried again when it is back."""
    await story.enrols(ANA)
    story.now += timedelta(hours=24)
    troubles = [*before, DatabaseAway("The database is away (planted).")]
    say = announce.announce

    def troubled(turn: Turn, row: CheckIn) -> None:
        if troubles:
            raise troubles.pop(0)
        say(turn, row)

    monkeypatch.setattr(announce, "announce", troubled)
    with pytest.raises(DatabaseAway):
        due(story)

    assert due(story).asked == 1


async def test_what_is_due_goes_before_what_is_over(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """While check-ins fill whole batches, messages that have lost their sense can wait: they are not sent anyway."""
    monkeypatch.setattr(dispatch, "BATCH", 1)
    await story.enrols(ANA)
    story.now += timedelta(hours=24)
    story.tools.database.call(outbox.add, BEN.id, Outgoing(text="old"), story.now - timedelta(hours=25))

    first, second = due(story), due(story)

    assert (first.asked, first.out_of_date, first.more) == (1, 0, True)
    assert (second.asked, second.out_of_date) == (0, 1)


async def test_the_caller_may_tell_staff_itself(story: Story) -> None:
    """Without the list: the check-ins expire and are counted, and staff get no message for it."""
    await story.binds()
    await story.enrols(ANA)
    story.now += timedelta(hours=46)
    assert due(story, tell_expired=False).expired == 1
    await story.deliver()

    assert (states(story)[0], listed(story)) == (CheckInState.EXPIRED, 0)
