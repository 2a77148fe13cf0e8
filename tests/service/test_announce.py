"""Tests of what opens a check-in: it leaves by day, also when Telegram was away; it waits, and is not said twice."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.content.settings import Quiet
from bot.domain.message import Outgoing
from bot.domain.patient import CheckInState
from bot.domain.plan import Plan, Plans
from bot.domain.timing import PUNCTUAL
from bot.service import announce, dispatch, outcome
from bot.service.ports import Outcome, Sent, Tools, TryLater, Unknown
from bot.storage import check_ins, claims, outbox, patients
from bot.storage.database import Session
from bot.storage.outbox import OutboxState, Purpose
from bot.storage.tables import CheckIn, OutboxRow
from tests.conftest import THURSDAY
from tests.kit.messenger import RecordingMessenger
from tests.kit.story import ANA, BEN, GROUP, Story

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
#: The bell looks every five seconds; for these tests it is often enough to look every quarter of an hour.
LOOK = 15 * MINUTE
AWAY = TryLater(reason="ConnectError", everyone=True)
LOST = Unknown(reason="timed out")


def on_friday(clock: str) -> datetime:
    """Return the moment at which the clinic's clock shows *clock* on Friday ("+08:00": on Saturday)."""
    day = 21 if clock.startswith("+") else 20
    hour, minute = map(int, clock.lstrip("+").split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - 8 * HOUR


def with_night(tools: Tools, start: int, end: int) -> Story:
    """Return a story of a clinic with other quiet hours."""
    night = Quiet(start=time(start), end=time(end))
    return Story(
        tools=replace(tools, settings=tools.settings.model_copy(update={"quiet_hours": night})), now=THURSDAY
    )


async def enrolled(story: Story, clock: str) -> Story:
    """Enrol Ana so that her first check-in is due on Friday at *clock*, and go to the last look before."""
    story.now = on_friday(clock) - 24 * HOUR
    await story.binds()
    await story.enrols(ANA)
    story.now = on_friday(clock) - LOOK
    await story.rings()
    return story


async def goes_to(story: Story, clock: str) -> None:
    """Let time pass until the clock shows that, with the bell rung at each look."""
    while story.now < on_friday(clock):
        story.now = min(story.now + LOOK, on_friday(clock))
        await story.rings()


def away(story: Story) -> None:
    """Let nothing reach Ana until `back`."""
    story.messenger.outcomes[ANA.id] = [AWAY] * 5000


def loses(story: Story) -> None:
    """Let the answer to the next message be lost, and nothing reach Ana after it until `back`."""
    answers: list[Outcome] = [AWAY] * 5000
    story.messenger.outcomes[ANA.id] = [LOST, *answers]


def back(story: Story) -> None:
    """Let messages to Ana arrive again."""
    story.messenger.outcomes[ANA.id] = []


def rows(story: Story) -> list[CheckIn]:
    """Return Ana's check-ins in the order in which they are due."""
    patient = story.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    return story.tools.database.call(check_ins.all_of, patient.id)


def ready(story: Story) -> int:
    """Count the announcements Ana has had."""
    return sum("is ready" in text for text in story.texts(ANA))


def reminded(story: Story) -> int:
    """Count the reminders Ana has had."""
    return sum("gentle reminder" in text for text in story.texts(ANA))


def listed(story: Story) -> int:
    """Count how often staff were given a list of what could not be sent in time."""
    return sum("could not be sent in time" in text for text in story.texts(GROUP))


def messages(story: Story, state: OutboxState) -> list[OutboxRow]:
    """Return the messages that open Ana's check-ins and are in a state."""
    found = story.tools.database.call(outbox.of_chat, ANA.id)
    return [row for row in found if row.purpose == Purpose.CHECK_IN and row.state == state]


def change(story: Story, step: str, **fields: object) -> None:
    """Write into one of Ana's check-ins."""

    def write(session: Session) -> None:
        patient = patients.by_chat(session, ANA.id)
        assert patient is not None
        for row in check_ins.all_of(session, patient.id):
            for name, value in fields.items() if row.step == step else ():
                setattr(row, name, value)

    story.tools.database.call(write)


# --- announcements that could not leave before the night ----------------------------------------------------


async def test_what_could_not_leave_before_the_night_leaves_in_the_morning(tools: Tools) -> None:
    """Due at 20:00, Telegram away until 02:30: at the end of the night it comes, once, and with the true hour."""
    story = await enrolled(with_night(tools, 22, 5), "20:00")
    away(story)
    await goes_to(story, "21:45")
    assert rows(story)[0].state == CheckInState.SENT
    await goes_to(story, "22:15")
    assert (rows(story)[0].state, rows(story)[0].due_at) == (CheckInState.SCHEDULED, on_friday("+05:00"))
    assert (rows(story)[0].sent_at, rows(story)[0].nudge_at) == (None, None)
    await goes_to(story, "+02:30")
    back(story)
    await goes_to(story, "+04:45")
    assert ready(story) == 0
    await goes_to(story, "+08:45")

    assert (ready(story), reminded(story), listed(story)) == (1, 0, 0)
    assert "it was due yesterday at 20:00" in story.sees(ANA, "is ready").text
    assert rows(story)[0].sent_at == on_friday("+05:00")
    await goes_to(story, "+09:00")
    assert reminded(story) == 1


async def test_what_would_be_too_late_in_the_morning_expires_when_the_night_begins(story: Story) -> None:
    """Due at 20:00, to be asked by 06:00, and the night lasts until eight: staff are told in the evening, once."""
    await enrolled(story, "20:00")
    away(story)
    await goes_to(story, "20:45")
    assert (rows(story)[0].state, listed(story)) == (CheckInState.SENT, 0)
    await goes_to(story, "21:15")
    assert (rows(story)[0].state, listed(story)) == (CheckInState.EXPIRED, 1)
    await goes_to(story, "+02:30")
    back(story)
    await goes_to(story, "+12:00")

    assert (ready(story), reminded(story), listed(story)) == (0, 0, 1)


async def test_telegram_back_before_the_night_is_early_enough(story: Story) -> None:
    """At 20:55 it leaves as ever."""
    await enrolled(story, "20:00")
    away(story)
    await goes_to(story, "20:30")
    back(story)
    await goes_to(story, "20:45")
    assert ready(story) == 1


async def test_without_quiet_hours_it_leaves_at_night(tools: Tools) -> None:
    """Start and end alike: as soon as Telegram is back."""
    story = await enrolled(with_night(tools, 9, 9), "20:00")
    away(story)
    await goes_to(story, "+02:30")
    back(story)
    await goes_to(story, "+02:45")

    assert ready(story) == 1


async def test_the_night_is_the_patients_own(story: Story) -> None:
    """In Tokyo it is 21:00 an hour earlier than at the clinic."""
    await enrolled(story, "19:30")
    await story.says(ANA, "/timezone Tokyo")
    away(story)
    await goes_to(story, "19:45")
    assert rows(story)[0].state == CheckInState.SENT
    await goes_to(story, "20:15")
    assert rows(story)[0].state == CheckInState.EXPIRED


async def test_a_check_at_the_edge_of_the_night_may_touch_it_and_no_more(story: Story) -> None:
    """A same-day check that is due when the night begins has its quarter of an hour, however often it is tried."""
    for minutes, arrived in ((10, 1), (20, 0)):
        other = replace(story, messenger=RecordingMessenger())
        person = replace(ANA, id=ANA.id + minutes)
        other.now = on_friday("18:00")
        await other.enrols(person, f"A{minutes}", regions=("chest",))
        other.messenger.outcomes[person.id] = [AWAY] * 5000
        await goes_to(other, "21:00")
        other.now += minutes * MINUTE
        other.messenger.outcomes[person.id] = []
        await other.rings()
        assert sum("is ready" in text for text in other.texts(person)) == arrived


async def test_a_check_in_that_the_patient_began_does_not_wait_for_the_morning(tools: Tools) -> None:
    """Its announcement lost its sense, but they are at it: it stays open."""
    story = await enrolled(with_night(tools, 22, 5), "20:00")
    away(story)
    await goes_to(story, "20:15")
    change(story, "h24", started_at=story.now)
    await goes_to(story, "22:15")

    assert rows(story)[0].state == CheckInState.SENT
    assert len(messages(story, OutboxState.EXPIRED)) == 1


# --- announcements in doubt, or on their way ----------------------------------------------------------------


async def test_what_may_have_arrived_is_not_said_again_in_the_morning(story: Story) -> None:
    """Its answer was lost, and the line stays dead until the night: the reminder of the morning has the button."""
    await enrolled(story, "20:00")
    loses(story)
    await goes_to(story, "20:45")
    assert len(messages(story, OutboxState.DOUBT)) == 1
    await goes_to(story, "21:15")
    assert (rows(story)[0].state, listed(story)) == (CheckInState.SENT, 0)
    assert len(messages(story, OutboxState.UNKNOWN)) == 1
    back(story)
    await goes_to(story, "+07:45")
    assert (ready(story), reminded(story)) == (0, 0)
    await goes_to(story, "+13:00")

    assert (ready(story), reminded(story)) == (0, 1)
    assert rows(story)[0].state == CheckInState.MISSED


async def test_what_may_have_arrived_and_can_have_no_reminder_is_listed(story: Story) -> None:
    """In doubt until it was too late for either: nobody knows whether they were asked, so somebody calls."""
    await enrolled(story, "09:00")
    loses(story)
    await goes_to(story, "18:45")
    assert rows(story)[0].state == CheckInState.SENT
    await goes_to(story, "19:15")

    assert (rows(story)[0].state, listed(story)) == (CheckInState.EXPIRED, 1)


ENDS: list[tuple[Outcome, CheckInState, int]] = [
    (Sent(message_id=7), CheckInState.SENT, 0),
    (AWAY, CheckInState.SCHEDULED, 1),
    (TryLater(reason="502"), CheckInState.SCHEDULED, 1),
    (LOST, CheckInState.SENT, 0),
]


@pytest.mark.parametrize(("end", "state", "said_again"), ENDS)
async def test_what_is_on_its_way_when_the_night_begins_is_left_alone(
    tools: Tools, end: Outcome, state: CheckInState, said_again: int
) -> None:
    """Until its answer comes nothing is decided; then it has arrived, or waits for the morning, or is in doubt."""
    story = await enrolled(with_night(tools, 22, 5), "21:30")
    call = story.tools.database.call
    away(story)
    await goes_to(story, "21:30")
    claim = call(claims.claim, story.now, timedelta(minutes=1), 1)
    assert [row.purpose for row in claim.rows] == [Purpose.CHECK_IN]
    story.now = on_friday("22:00")
    assert call(dispatch.due, story.tools, story.now).out_of_date == 0
    assert rows(story)[0].state == CheckInState.SENT
    call(outcome.record, story.tools, claim.rows[0].id, end, story.now)
    back(story)
    await story.rings()
    assert rows(story)[0].state == state
    await goes_to(story, "+04:45")
    assert ready(story) == 0
    await goes_to(story, "+12:00")

    assert ready(story) == said_again
    assert reminded(story) == 1


async def test_a_process_that_died_while_sending_says_it_once_more_at_most(story: Story) -> None:
    """Claimed at 20:30, dead until 23:00: it may have arrived, so the next process waits for the reminder."""
    await enrolled(story, "20:30")
    away(story)
    await goes_to(story, "20:30")
    back(story)
    call = story.tools.database.call
    assert call(claims.claim, story.now, timedelta(minutes=1), 1).rows
    story.now = on_friday("23:00")
    call(outcome.recover, story.tools, story.now)
    await goes_to(story, "+07:45")
    assert (ready(story), reminded(story), listed(story)) == (0, 0, 0)
    await goes_to(story, "+08:00")

    assert (ready(story), reminded(story)) == (0, 1)


async def test_nobody_is_reminded_of_what_is_on_its_way(story: Story) -> None:
    """While the first message is being sent the reminder waits, as it does while that is in line."""
    await enrolled(story, "10:00")
    away(story)
    await goes_to(story, "13:45")
    claim = story.tools.database.call(claims.claim, story.now, timedelta(minutes=1), 1)
    story.now = on_friday("14:00")
    assert story.tools.database.call(dispatch.due, story.tools, story.now).put_off == 1
    assert rows(story)[0].nudged_at is None
    story.tools.database.call(outcome.record, story.tools, claim.rows[0].id, Sent(message_id=7), story.now)
    back(story)
    await goes_to(story, "15:45")
    assert reminded(story) == 0
    await goes_to(story, "16:00")
    assert reminded(story) == 1


# --- reminders ----------------------------------------------------------------------------------------------


async def test_a_reminder_does_not_leave_in_the_night(story: Story) -> None:
    """Due at 20:00, Telegram away until 04:00: it comes at eight, once, and then there is time for an answer."""
    await enrolled(story, "16:00")
    await goes_to(story, "19:45")
    assert ready(story) == 1
    away(story)
    await goes_to(story, "20:15")
    assert rows(story)[0].nudged_at == on_friday("20:00")
    await goes_to(story, "21:15")
    assert (rows(story)[0].nudged_at, rows(story)[0].nudge_at) == (None, on_friday("+08:00"))
    await goes_to(story, "+04:00")
    back(story)
    await goes_to(story, "+07:45")
    assert reminded(story) == 0
    await goes_to(story, "+11:45")
    assert (reminded(story), rows(story)[0].state) == (1, CheckInState.SENT)
    await goes_to(story, "+12:00")

    assert (reminded(story), rows(story)[0].state, listed(story)) == (1, CheckInState.MISSED, 0)


async def test_nobody_is_given_up_while_the_reminder_waits_in_line(story: Story) -> None:
    """The time for an answer is over, but nobody could read the question: not missed before it was sent."""
    await enrolled(story, "09:00")
    await goes_to(story, "09:15")
    change(story, "h24", nudge_at=on_friday("10:00"))
    away(story)
    await goes_to(story, "14:15")
    assert rows(story)[0].state == CheckInState.SENT
    back(story)
    await goes_to(story, "15:45")
    assert (reminded(story), rows(story)[0].state) == (1, CheckInState.SENT)
    await goes_to(story, "16:15")
    assert rows(story)[0].state == CheckInState.MISSED


async def test_a_reminder_that_never_left_is_missed_in_the_end(story: Story) -> None:
    """Away for days: each reminder has its end, and staff see it in /today, with no word for each message."""
    await enrolled(story, "16:00")
    change(story, "h48", state=CheckInState.CANCELLED)
    await goes_to(story, "19:45")
    away(story)
    await goes_to(story, "+14:15")

    assert rows(story)[0].state == CheckInState.MISSED
    assert not any("delivered" in text for text in story.texts(GROUP))
    back(story)
    await goes_to(story, "+20:00")
    assert reminded(story) == 0
    await story.staff(BEN, "/today")
    assert "Please call: no answer (1)" in story.sees(GROUP).text


async def test_a_reminder_that_may_have_arrived_is_not_said_again(story: Story) -> None:
    """In doubt when the night begins: one of it may be in the chat, and that is enough."""
    await enrolled(story, "16:00")
    await goes_to(story, "19:45")
    loses(story)
    await goes_to(story, "21:15")
    assert len(messages(story, OutboxState.UNKNOWN)) == 1
    back(story)
    await goes_to(story, "+12:00")

    assert (reminded(story), rows(story)[0].state) == (0, CheckInState.MISSED)


async def test_after_a_long_downtime_nobody_is_reminded(story: Story) -> None:
    """A week after the check-in it is missed without a word to the patient."""
    await enrolled(story, "15:00")
    await goes_to(story, "15:15")
    story.now += timedelta(days=7)
    await story.rings()

    assert (ready(story), reminded(story)) == (1, 0)
    assert [row.state for row in rows(story)] == [CheckInState.MISSED, CheckInState.EXPIRED]


@pytest.mark.parametrize(
    ("due", "sent", "last"),
    [
        ("09:00", "09:00", "19:00"),  # by day: until it expires
        ("09:00", "18:00", "+12:00"),  # asked late: the reminder of 22:00 comes in the morning
        ("09:00", "11:00", "19:00"),  # that of 15:00 has four hours
        ("09:00", "12:30", "20:30"),  # and so has that of 16:30
        ("15:00", "15:00", "+12:00"),  # it expires in the night: a morning more
        ("20:00", "20:00", "+12:00"),
    ],
)
async def test_a_reminder_makes_sense_until_the_check_in_expires(
    story: Story, due: str, sent: str, last: str
) -> None:
    """And as long behind its own moment as one waits for an answer; in the morning, if that is in the night."""
    await enrolled(story, due)
    change(story, "h48", state=CheckInState.CANCELLED)
    change(story, "h24", state=CheckInState.SENT, sent_at=on_friday(sent), nudge_at=on_friday(last))
    story.now = on_friday(last)
    counts = story.tools.database.call(dispatch.due, story.tools, story.now)
    assert (counts.nudged, counts.missed) == (1, 0)
    change(story, "h24", nudged_at=None, nudge_at=on_friday(last))
    story.tools.database.call(lambda session: outbox.cancel(session, ANA.id))
    counts = story.tools.database.call(dispatch.due, story.tools, story.now + timedelta(seconds=1))
    assert (counts.nudged, counts.missed) == (0, 1)


# --- asked for by the patient -------------------------------------------------------------------------------


async def test_who_asks_at_night_is_answered_at_once(story: Story) -> None:
    """Quiet hours are for what the bot begins."""
    await enrolled(story, "16:00")
    story.now = on_friday("+02:00")
    change(story, "h24", state=CheckInState.ANSWERED)
    await story.says(ANA, "/checkin")
    assert "How sore" in story.sees(ANA).text


async def test_what_the_patient_began_is_not_announced_afterwards(story: Story) -> None:
    """The announcement could not leave; their own /checkin opened it; then Telegram is back: one question stands there."""
    await enrolled(story, "16:00")
    away(story)
    await goes_to(story, "16:15")
    assert ready(story) == 0
    await story.says(ANA, "/checkin")
    back(story)
    await goes_to(story, "16:30")

    assert ready(story) == 0
    assert "How sore" in story.sees(ANA).text


async def test_what_waits_for_the_morning_is_begun_at_night_on_request(tools: Tools) -> None:
    """It is the very check-in that waits: nothing is asked again in the morning."""
    story = await enrolled(with_night(tools, 22, 5), "20:00")
    away(story)
    await goes_to(story, "22:15")
    back(story)
    story.now = on_friday("23:00")
    await story.says(ANA, "/checkin")
    await story.says(ANA, "4, plenty of water, no bruise")
    await goes_to(story, "+12:00")

    assert [(row.step, row.state) for row in rows(story)] == [
        ("h24", CheckInState.ANSWERED),
        ("h48", CheckInState.SCHEDULED),
    ]
    assert (ready(story), reminded(story)) == (0, 0)


async def test_a_check_in_that_is_still_to_come_is_not_taken_before_its_hour(story: Story) -> None:
    """On request before its moment, one more is opened, and the planned one still comes."""
    await enrolled(story, "16:00")
    story.now = on_friday("12:00")
    await story.says(ANA, "/checkin")
    assert [row.state for row in rows(story)] == [
        CheckInState.SENT,
        CheckInState.SCHEDULED,
        CheckInState.SCHEDULED,
    ]


# --- which message opens which check-in, and how long a pause can be ----------------------------------------


@pytest.mark.parametrize(
    ("slot", "purpose"),
    [
        (None, Purpose.CHECK_IN),
        ("check_in:1", None),
        ("check_in:x", Purpose.CHECK_IN),
        ("other:1", Purpose.CHECK_IN),
    ],
)
async def test_other_messages_open_nothing(story: Story, slot: str | None, purpose: Purpose | None) -> None:
    """Only one with the purpose and the slot of a check-in does; one whose check-in is gone does not."""
    await story.enrols(ANA)
    (first, _second) = rows(story)
    slot = slot.replace("1", str(first.id)) if slot else slot

    def opened(session: Session, slot: str | None, purpose: Purpose | None) -> CheckIn | None:
        row = outbox.add(session, ANA.id, Outgoing(text="x", slot=slot), story.now, purpose=purpose)
        return announce.opened_by(session, row)

    call = story.tools.database.call
    assert call(opened, slot, purpose) is None
    assert call(opened, "check_in:999", Purpose.CHECK_IN) is None
    found = call(opened, f"check_in:{first.id}", Purpose.CHECK_IN)
    assert found is not None
    assert found.id == first.id


def test_the_longest_pause_is_a_night_or_the_patience_of_a_plan(tools: Tools) -> None:
    """Whichever is longer; without quiet hours, and with plans that ask sooner, what an unknown step waits."""
    usual = with_night(tools, 21, 8).tools
    assert announce.longest_pause(usual) == usual.settings.quiet.longest
    assert announce.longest_pause(with_night(tools, 9, 9).tools) == 4 * HOUR
    steps = (replace(tools.library.plans.plans["standard"].steps[0], nudge_after=30 * HOUR),)
    plans = Plans(plans={"slow": Plan(id="slow", steps=steps)}, questions={})
    slow = replace(usual, library=replace(usual.library, plans=plans))
    assert announce.longest_pause(slow) == 30 * HOUR


# --- any outage ---------------------------------------------------------------------------------------------


@dataclass
class Clocked(RecordingMessenger):
    """A messenger that notes when what opens a check-in arrived, or may have; away now and then."""

    story: Story | None = None
    chance: random.Random = field(default_factory=random.Random)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    arrived: list[tuple[datetime, str, str]] = field(default_factory=list)
    lost_answers: Counter[str] = field(default_factory=Counter)

    async def send(self, chat_id: int, outgoing: Outgoing, message_id: int | None) -> Outcome:
        """Record one message, unless Telegram is away; now and then its answer is lost."""
        assert self.story is not None
        is_away = any(start <= self.story.now < end for start, end in self.outages)
        is_lost = is_away and self.chance.random() < 0.1
        if chat_id == ANA.id and is_away and not is_lost:
            return AWAY
        data = " ".join(button.data or "" for row in outgoing.buttons for button in row)
        self.arrived.append((self.story.now, outgoing.text, data))
        self.lost_answers[data] += is_lost
        done = await super().send(chat_id, outgoing, message_id)
        return LOST if chat_id == ANA.id and is_lost else done

    async def is_there(self) -> bool:
        """Answer while Telegram is not away."""
        assert self.story is not None
        return not any(start <= self.story.now < end for start, end in self.outages)


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_the_outages_nothing_leaves_at_night_and_nothing_twice(
    tools: Tools, seed: int
) -> None:
    """Each check-in is announced once and reminded of once at most (an answer that is lost: once more), by day only.

    In the end each was asked, or staff were told to call.
    """
    chance = random.Random(seed)
    story = with_night(tools, 21, chance.choice((4, 8)))
    messenger = Clocked(story=story, chance=chance)
    story.messenger = messenger
    story.now = on_friday("08:00") - 24 * HOUR + chance.randrange(12 * 60) * MINUTE
    await story.binds()
    await story.enrols(ANA)
    for _ in range(chance.randrange(1, 4)):
        start = story.now + (20 + chance.random() * 35) * HOUR
        messenger.outages.append((start, start + chance.random() * 15 * HOUR))
    end = story.now + 96 * HOUR
    planned = [row.due_at for row in rows(story)]
    while story.now < end:
        story.now += LOOK
        await story.rings()

    quiet, zone = story.tools.settings.quiet, story.tools.settings.zone(None)
    for at, _text, _data in messenger.arrived:
        assert not quiet.cover(at, zone) or any(at - due <= PUNCTUAL for due in planned if due <= at)
    for row in rows(story):
        assert row.state in (CheckInState.MISSED, CheckInState.EXPIRED)
        button = f"ci:{row.id}:start"
        said = [text for _at, text, data in messenger.arrived if button in data]
        said_lost = messenger.lost_answers[button]
        announced = sum("is ready" in text for text in said)
        assert announced <= 1 + said_lost
        assert len(said) - announced <= 1 + said_lost
        assert announced or row.state == CheckInState.EXPIRED
