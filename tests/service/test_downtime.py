"""Tests of the word to staff after a downtime: one message to each group, and it is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.message import TEXT_LIMIT, Priority, length
from bot.domain.patient import CheckInState
from bot.service import dispatch, downtime
from bot.service.downtime import MOST, WORTH_A_WORD, Down
from bot.storage import check_ins, outbox, patients
from bot.storage.database import Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import CheckIn
from tests.conftest import THURSDAY
from tests.kit.messenger import Shown
from tests.kit.story import ANA, BEN, GROUP, Person, Story

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
BUGIS = -200


@pytest.fixture
def two_branches(story: Story) -> Story:
    """The example clinic with a second branch, two and a half hours behind, and a group for each."""
    clinic = story.tools.settings.clinic
    bugis = clinic.branches[0].model_copy(
        update={"id": "bugis", "name": "Bugis", "time_zone": "Asia/Kolkata"}
    )
    clinic = clinic.model_copy(update={"branches": (*clinic.branches, bugis)})
    settings = story.tools.settings.model_copy(update={"clinic": clinic})
    story.tools = replace(story.tools, settings=settings)
    return story


async def comes_back(story: Story, alive_before: datetime) -> int:
    """Start the bot now: do what fell due, then tell staff; return how many groups were told."""
    began = story.now
    while story.tools.database.call(dispatch.due, story.tools, story.now, tell_expired=False).more:
        pass
    told = story.tools.database.call(downtime.tell_staff, story.tools, alive_before, began, story.now)
    await story.deliver()
    return told


def word(story: Story, group: int = GROUP) -> Shown:
    """Return the one word on the downtime in a group."""
    (shown,) = [shown for shown in story.messenger.chats[group] if "I was not running" in shown.text]
    assert story.messenger.chats[group][-1] is shown
    return shown


@pytest.mark.parametrize(
    ("away", "worth"),
    [(timedelta(), False), (WORTH_A_WORD - SECOND, False), (WORTH_A_WORD, True), (30 * HOUR, True)],
)
def test_a_short_stop_is_not_worth_a_word(away: timedelta, worth: bool) -> None:
    """An update of the program makes nothing late."""
    assert downtime.is_worth_a_word(THURSDAY - away, THURSDAY) is worth


def test_the_first_start_is_no_downtime() -> None:
    """Nobody was alive before."""
    assert not downtime.is_worth_a_word(None, THURSDAY)


async def test_staff_read_from_when_to_when_and_whom_to_call(story: Story) -> None:
    """One message, and no list beside it: what expired, each with its moment, in their order."""
    await story.binds()
    await story.enrols(ANA, "A1")  # due on Friday at 15:00
    story.now += 6 * HOUR - timedelta(minutes=5)
    await story.enrols(BEN, "B2")  # due on Friday at 20:55
    alive_before = story.now = THURSDAY + 20 * HOUR
    story.now = THURSDAY + 42 * HOUR  # Saturday, 09:00
    calls = len(story.messenger.chats[GROUP])

    assert await comes_back(story, alive_before) == 1

    assert len(story.messenger.chats[GROUP]) == calls + 1
    assert word(story).text == (
        "I was not running from yesterday at 11:00 to today at 09:00. I am back, and answer now what patients wrote "
        "meanwhile.\n\nPlease call: these check-ins could not be sent in time.\n• A1: was due yesterday at 15:00\n"
        "• B2: was due yesterday at 20:55"
    )


async def test_staff_read_which_check_ins_came_late(story: Story) -> None:
    """How many and whose, in the order of their moments; the patients have read the true hour themselves."""
    await story.binds()
    await story.enrols(BEN, "B2")
    story.now += HOUR
    await story.enrols(ANA, "A1")
    story.now = THURSDAY + 28 * HOUR

    await comes_back(story, THURSDAY + 23 * HOUR)

    assert word(story).text.endswith("meanwhile.\n\n2 check-ins went out late: B2, A1.")
    assert "later than planned" in story.sees(ANA).text


async def test_late_and_expired_are_told_together(story: Story) -> None:
    """Both are in the one message, first what needs nothing, then whom to call."""
    await story.binds()
    await story.enrols(ANA, "A1")
    story.now += 5 * HOUR
    await story.enrols(BEN, "B2")
    story.tools.database.call(give_more_grace, BEN.id, 20 * HOUR)
    story.now = THURSDAY + 41 * HOUR  # Saturday, 08:00

    await comes_back(story, THURSDAY + 20 * HOUR)

    text = word(story).text
    assert 0 < text.index("1 check-ins went out late: B2.") < text.index("Please call")
    assert "• A1: was due" in text
    assert "• B2" not in text


def give_more_grace(session: Session, chat: int, grace: timedelta) -> None:
    """Let the next check-in of a patient be asked this long after its moment."""
    patient = patients.by_chat(session, chat)
    assert patient is not None
    row = check_ins.next_of(session, patient.id)
    assert row is not None
    row.expires_at = row.due_at + grace


async def test_what_came_on_time_is_not_called_late(story: Story) -> None:
    """Due just when the bot came back: within the quarter of an hour that counts as on time."""
    await story.binds()
    await story.enrols(ANA)
    story.now = THURSDAY + 24 * HOUR + timedelta(minutes=15)

    await comes_back(story, THURSDAY + 20 * HOUR)

    assert word(story).text.endswith("\n\nNo check-in was missed.")


async def test_a_downtime_that_touched_nothing_is_told_as_such(story: Story) -> None:
    """Staff know that it was down, and that they need do nothing."""
    await story.binds()
    await comes_back(story, story.now - HOUR)

    assert word(story).text.endswith("\n\nNo check-in was missed.")
    assert "24 hours" not in word(story).text


@pytest.mark.parametrize(
    ("away", "is_said"), [(24 * HOUR, False), (24 * HOUR + SECOND, True), (90 * HOUR, True)]
)
async def test_after_a_day_messages_may_be_lost_and_staff_are_told_which(
    story: Story, away: timedelta, is_said: bool
) -> None:
    """Telegram keeps what people write for 24 hours only: what is older than that when the bot is back."""
    await story.binds()
    await comes_back(story, story.now - away)

    assert ("what patients wrote before yesterday at 15:00 may be lost" in word(story).text) is is_said


async def test_each_branch_reads_its_own_on_its_own_clock(two_branches: Story) -> None:
    """What is late at one is not told at the other."""
    story = two_branches
    await story.binds()
    await story.binds("bugis", chat_id=BUGIS)
    await story.enrols(ANA, "A1", branch_id="bugis")
    await story.enrols(BEN, "B2")
    story.now = THURSDAY + 27 * HOUR

    assert await comes_back(story, THURSDAY + 23 * HOUR) == 2

    assert "1 check-ins went out late: B2." in word(story).text
    assert "from today at 14:00 to today at 18:00" in word(story).text
    assert "1 check-ins went out late: A1." in word(story, BUGIS).text
    assert "from today at 11:30 to today at 15:30" in word(story, BUGIS).text


async def test_a_branch_without_a_group_is_left_out(two_branches: Story) -> None:
    """The others are told; without any group nobody is, and nothing fails."""
    story = two_branches
    assert await comes_back(story, story.now - HOUR) == 0
    assert story.messenger.order == []

    await story.binds("bugis", chat_id=BUGIS)
    assert await comes_back(story, story.now - HOUR) == 1
    assert word(story, BUGIS)


async def test_staff_words_do_not_hold_up_patients(story: Story) -> None:
    """It leaves after everything else: it is a digest, and kept like any word to staff."""
    await story.binds()
    story.tools.database.call(downtime.tell_staff, story.tools, story.now - HOUR, story.now, story.now)
    (row,) = [
        row for row in story.tools.database.call(outbox.of_chat, GROUP) if row.state == OutboxState.QUEUED
    ]
    assert row.priority == Priority.DIGEST
    assert row.purpose is None


@pytest.mark.parametrize("number", [MOST, MOST + 1, MOST + 30])
async def test_many_are_listed_as_far_as_a_message_goes(story: Story, number: int) -> None:
    """So many names, the number of the rest, and never more than Telegram takes, however long the labels are."""
    await story.binds()
    began = THURSDAY + 40 * HOUR
    people = [Person(1000 + index, f"P{index}") for index in range(2)]
    for index, person in enumerate(people):
        await story.enrols(person, f"P{index}")

    def end(row: CheckIn, state: CheckInState) -> None:
        row.state = state
        row.sent_at, row.ended_at = (began, None) if state is CheckInState.SENT else (None, began)

    def fill(session: Session) -> None:
        rows = [row for row in check_ins.claim_due(session, began, 10) if row.state == CheckInState.SCHEDULED]
        for row, state in zip(rows, (CheckInState.SENT, CheckInState.EXPIRED), strict=True):
            row.treatment.label = "W" * 40
            for _ in range(number - 1):
                copy = check_ins.add(session, row.treatment, row.step, row.due_at, row.expires_at)
                end(copy, state)
            end(row, state)

    story.tools.database.call(fill)
    story.now = began
    story.tools.database.call(downtime.tell_staff, story.tools, THURSDAY, began, began)
    await story.deliver()

    text = word(story).text
    assert length(text) <= TEXT_LIMIT
    assert text.count("W" * 40) == 2 * MOST
    assert text.count("was due") == MOST
    assert ("W, …." in text) == (number > MOST)
    assert f"{number} check-ins went out late" in text
    assert ("and 1 more: see /today" in text) == (number == MOST + 1)
    assert ("and 30 more: see /today" in text) == (number == MOST + 30)


async def test_who_could_not_be_reminded_is_named(story: Story) -> None:
    """Asked, and then a week without the bot: no reminder of something so old, but somebody calls."""
    await story.binds()
    await story.enrols(ANA, "A1")
    await story.later(hours=24)
    seen = len(story.texts(ANA))
    alive_before = story.now
    story.now += 7 * 24 * HOUR

    await comes_back(story, alive_before)

    assert len(story.texts(ANA)) == seen
    assert word(story).text.endswith(
        "may be lost. Please ask those you worry about.\n\nPlease call: these check-ins could not be sent in time.\n"
        "• A1: was due Sat 21 Nov at 15:00\n\nPlease call: no answer to these check-ins, and it was too late for a "
        "reminder.\n• A1: was due Fri 20 Nov at 15:00"
    )


async def test_who_was_reminded_or_is_asked_anew_is_not_named(story: Story) -> None:
    """Ana was reminded before, Ben is asked the next one at once: what they left open is in /today, as ever."""
    await story.binds()
    await story.enrols(ANA, "A1")
    await story.later(hours=5)
    await story.enrols(BEN, "B2")
    await story.later(hours=24)
    assert "gentle reminder" in story.texts(ANA)[-1]
    assert "is ready" in story.texts(BEN)[-1]
    alive_before = story.now
    story.now = THURSDAY + 53 * HOUR + timedelta(minutes=5)

    await comes_back(story, alive_before)

    assert "no answer" not in word(story).text
    assert "is ready" in story.texts(BEN)[-1]


async def test_a_short_downtime_costs_nobody_the_reminder(story: Story) -> None:
    """An hour late it is sent, and nobody is named."""
    await story.binds()
    await story.enrols(ANA, "A1")
    await story.later(hours=24)
    story.now += 5 * HOUR

    await comes_back(story, story.now - 2 * HOUR)

    assert "gentle reminder" in story.texts(ANA)[-1]
    assert word(story).text.endswith("\n\nNo check-in was missed.")


@pytest.mark.parametrize(("expired", "shown"), [(0, MOST), (10, MOST - 10), (MOST, 0), (MOST + 5, 0)])
async def test_those_to_call_share_the_room(story: Story, expired: int, shown: int) -> None:
    """Of both kinds together no more are listed than there is room for; the number of the others is told."""
    await story.binds()
    await story.enrols(ANA, "A1")

    def fill(session: Session) -> None:
        row = check_ins.claim_due(session, THURSDAY + 24 * HOUR, 1)[0]
        row.treatment.label = "W" * 40
        states = [CheckInState.EXPIRED] * expired + [CheckInState.MISSED] * (MOST + 1)
        for state in states:
            copy = check_ins.add(session, row.treatment, row.step, row.due_at, row.expires_at)
            copy.state, copy.ended_at = state, THURSDAY

    story.tools.database.call(fill)
    story.tools.database.call(downtime.tell_staff, story.tools, THURSDAY - 30 * HOUR, THURSDAY, THURSDAY)
    await story.deliver()

    text = word(story).text
    assert length(text) <= TEXT_LIMIT
    assert text.count("was due") == min(MOST, expired) + shown
    assert f"and {MOST + 1 - shown} more: see /today" in text


# --- the note, which outlives a process -------------------------------------------------------------------


def test_only_a_downtime_worth_a_word_is_noted(story: Story) -> None:
    """Not the first start, nor a short stop."""
    call = story.tools.database.call
    for alive_before in (None, THURSDAY - WORTH_A_WORD + SECOND, THURSDAY + HOUR):
        call(downtime.note, alive_before, THURSDAY)
        assert call(downtime.noted) is None

    call(downtime.note, THURSDAY - WORTH_A_WORD, THURSDAY)
    assert call(downtime.noted) == Down(since=THURSDAY - WORTH_A_WORD, back=THURSDAY, until=THURSDAY)


def test_a_downtime_that_was_not_told_goes_on(story: Story) -> None:
    """A start that died before it told anything ends nothing, however soon or late the next one comes."""
    call = story.tools.database.call
    call(downtime.note, THURSDAY - 20 * HOUR, THURSDAY)
    for later in (5 * SECOND, 3 * HOUR):
        call(downtime.note, THURSDAY + 3 * SECOND, THURSDAY + later)
        assert call(downtime.noted) == Down(since=THURSDAY - 20 * HOUR, back=THURSDAY, until=THURSDAY + later)


async def test_what_is_noted_is_told_once(story: Story) -> None:
    """Afterwards there is no note, and a later downtime is one of its own."""
    await story.binds()
    call = story.tools.database.call
    assert call(downtime.tell_noted, story.tools, story.now) == 0
    call(downtime.note, THURSDAY - 4 * HOUR, THURSDAY - HOUR)

    assert call(downtime.tell_noted, story.tools, story.now) == 1
    assert call(downtime.tell_noted, story.tools, story.now) == 0
    await story.deliver()

    assert "from today at 11:00 to today at 14:00" in word(story).text
    call(downtime.note, THURSDAY - HOUR, THURSDAY)
    assert call(downtime.noted) == Down(since=THURSDAY - HOUR, back=THURSDAY, until=THURSDAY)


async def test_the_list_of_a_process_that_died_is_told_by_the_next(story: Story) -> None:
    """What it found too late or sent late; not what was due after it came back, and went out in time."""
    await story.binds()
    await story.enrols(ANA, "A1")  # due on Friday at 15:00
    story.now += 22 * HOUR
    await story.enrols(BEN, "B2")  # due on Saturday at 13:00
    call = story.tools.database.call
    story.now = THURSDAY + 42 * HOUR  # Saturday, 09:00
    call(downtime.note, THURSDAY + 20 * HOUR, story.now)
    call(dispatch.due, story.tools, story.now, tell_expired=False)
    story.now = THURSDAY + 46 * HOUR
    call(dispatch.due, story.tools, story.now, tell_expired=False)
    story.now += HOUR
    call(downtime.note, story.now - HOUR, story.now)

    call(downtime.tell_noted, story.tools, story.now)
    await story.deliver()

    assert "to today at 14:00" in word(story).text
    assert "• A1: was due yesterday at 15:00" in word(story).text
    assert "B2" not in word(story).text
