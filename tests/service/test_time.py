"""Tests of time across the services: branches in zones of their own, and clocks that jump."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.content.settings import Branch, Quiet
from bot.domain.patient import CheckInState
from bot.service import announce, dispatch
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import check_ins, patients
from bot.storage.database import Session
from bot.storage.tables import CheckIn
from tests.conftest import THURSDAY
from tests.kit.story import ANA, BEN, GROUP, Person, Story

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NEW_YORK = -200


def rows(story: Story, person: Person = ANA) -> list[CheckIn]:
    """Return a patient's check-ins in the order in which they are due."""
    patient = story.tools.database.call(patients.by_chat, person.id)
    assert patient is not None
    return story.tools.database.call(check_ins.all_of, patient.id)


def ready(story: Story, person: Person = ANA) -> int:
    """Count the announcements a patient has had."""
    return sum("is ready" in text for text in story.texts(person))


# --- branches in zones of their own -----------------------------------------------------------------------


@pytest.fixture
def chain(tools: Tools) -> Story:
    """A story of a clinic in Singapore with a branch in New York."""
    clinic = tools.settings.clinic
    there = Branch(
        id="ny",
        name="Example Physio New York",
        address="1 Example Avenue",
        hours=clinic.branches[0].hours,
        time_zone="America/New_York",
    )
    both = clinic.model_copy(update={"branches": (*clinic.branches, there)})
    settings = tools.settings.model_copy(update={"clinic": both})
    return Story(tools=replace(tools, settings=settings), now=THURSDAY)


async def test_each_branch_has_its_own_night(chain: Story) -> None:
    """07:00 in UTC is 15:00 in Singapore and 02:00 in New York: there the check-in waits for the morning."""
    await chain.enrols(ANA, "A1")
    await chain.enrols(BEN, "B1", branch_id="ny")
    assert "tomorrow at 15:00" in chain.sees(ANA).text
    assert "tomorrow at 08:00" in chain.sees(BEN).text
    await chain.later(hours=24)
    assert (ready(chain, ANA), ready(chain, BEN)) == (1, 0)
    await chain.later(hours=5, minutes=59)
    assert ready(chain, BEN) == 0
    await chain.later(minutes=1)

    assert ready(chain, BEN) == 1


async def test_what_is_late_is_not_sent_in_the_night_of_its_branch(chain: Story) -> None:
    """Nine and a half hours late it is 10:30 in Singapore, but 21:30 in New York: staff there are to call."""
    await chain.binds("ny", chat_id=NEW_YORK)
    chain.now = datetime(2026, 11, 19, 17, 0, tzinfo=UTC)  # 12:00 in New York
    await chain.enrols(BEN, "B1", branch_id="ny")
    chain.now += 33 * HOUR + 30 * timedelta(minutes=1)
    await chain.rings()

    assert ready(chain, BEN) == 0
    assert "B1: was due today at 12:00" in chain.sees(NEW_YORK).text


async def test_staff_of_each_branch_see_their_own_times(chain: Story) -> None:
    """One moment is 15:00 in one group and 02:00 in the other."""
    await chain.binds("main")
    await chain.binds("ny", chat_id=NEW_YORK)
    await chain.enrols(ANA, "A1")
    await chain.enrols(BEN, "B1", branch_id="ny")
    await chain.staff(BEN, "/find A1")
    assert "Treated today at 15:00" in chain.sees(GROUP).text
    await chain.staff(BEN, "/find B1", chat_id=NEW_YORK)
    assert "Treated today at 02:00" in chain.sees(NEW_YORK).text
    await chain.says(BEN, "my chest hurts when i breathe in")

    assert "Written today at 02:00" in chain.sees(NEW_YORK).text


async def test_a_time_that_staff_type_is_their_branchs(chain: Story) -> None:
    """ "00:30" in the group of New York was an hour and a half ago."""
    await chain.binds("ny", chat_id=NEW_YORK)
    await chain.staff(BEN, "/treated B1", chat_id=NEW_YORK)
    await chain.staff_taps("Today at…", chat_id=NEW_YORK)
    assert chain.sees(NEW_YORK).buttons[-2].label == "02:00"
    await chain.staff(BEN, "00:30", reply_to=chain.sees(NEW_YORK), chat_id=NEW_YORK)

    assert "✓ today at 00:30" in chain.sees(NEW_YORK).text


async def test_a_list_of_today_is_the_day_of_the_branch(chain: Story) -> None:
    """At 12:00 in Singapore it is 23:00 of the day before in New York: what is due in two hours is tomorrow's."""
    await chain.binds("ny", chat_id=NEW_YORK)
    chain.now = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)  # 10:00
    await chain.enrols(BEN, "B1", branch_id="ny")
    chain.now = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 23:00
    await chain.staff(BEN, "/today", chat_id=NEW_YORK)
    assert "Due" not in chain.sees(NEW_YORK).text
    chain.now += 2 * HOUR
    await chain.staff(BEN, "/today", chat_id=NEW_YORK)

    assert "Due (1)" in chain.sees(NEW_YORK).text
    assert "today at 10:00" in chain.sees(NEW_YORK).text


@pytest.mark.parametrize(
    ("treated", "said"),
    [
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), "tomorrow at 11:00"),  # 10:00, and the clocks go forward
        (datetime(2026, 10, 31, 14, 0, tzinfo=UTC), "tomorrow at 09:00"),  # 10:00, and they go back
        (datetime(2026, 11, 7, 15, 0, tzinfo=UTC), "tomorrow at 10:00"),  # 10:00, and they stay
    ],
)
async def test_hours_are_elapsed_hours_when_a_branch_changes_its_clocks(
    chain: Story, treated: datetime, said: str
) -> None:
    """24 hours are 24 hours; the clock of the branch shows what it shows then."""
    chain.now = treated
    await chain.enrols(BEN, "B1", branch_id="ny")
    assert said in chain.sees(BEN).text
    await chain.later(hours=23, minutes=59)
    assert ready(chain, BEN) == 0
    await chain.later(minutes=1)

    assert ready(chain, BEN) == 1


async def test_a_branch_that_is_closed_opens_on_its_own_clock(chain: Story) -> None:
    """Nobody in New York is told Singapore's nine o'clock."""
    await chain.binds("ny", chat_id=NEW_YORK)
    await chain.enrols(BEN, "B1", branch_id="ny")
    await chain.taps_data(BEN, "ho:write")
    await chain.says(BEN, "please ring me")

    assert "open today at 09:00" in chain.sees(BEN).text


async def test_a_patient_who_goes_to_another_branch_is_in_its_zone(chain: Story) -> None:
    """The newer treatment's branch counts, for the night and for the times that are read."""
    await chain.enrols(ANA, "A1")
    await chain.enrols(ANA, "A2", branch_id="ny")

    assert "tomorrow at 08:00" in chain.sees(ANA).text
    assert [row.due_at for row in rows(chain) if row.state == CheckInState.SCHEDULED] == [
        datetime(2026, 11, 20, 13, 0, tzinfo=UTC),
        datetime(2026, 11, 21, 13, 0, tzinfo=UTC),
    ]


async def test_a_traveller_of_one_branch_in_the_zone_of_the_other_is_told_both_clocks(chain: Story) -> None:
    """A patient of Singapore in New York: their own times, and the opening on both clocks."""
    await chain.enrols(ANA, "A1")
    await chain.binds("main")
    await chain.says(ANA, "/timezone New York")
    chain.now += 6 * HOUR
    await chain.taps_data(ANA, "ho:write")
    await chain.says(ANA, "please ring me")

    assert "Fri 20 Nov at 09:00, clinic time (for you: Thu 19 Nov at 20:00)" in chain.sees(ANA).text
    assert "Written today at 21:00" in chain.sees(GROUP).text


# --- clocks that jump -------------------------------------------------------------------------------------


async def ring(story: Story, now: datetime) -> dispatch.Counts:
    """Ring the bell by a clock that shows *now*."""
    story.now = now
    counts = story.tools.database.call(dispatch.due, story.tools, now)
    await story.rings()
    return counts


async def test_a_clock_that_jumps_back_asks_nothing_twice(story: Story) -> None:
    """Asked at 24 hours; then the clock shows 23, 22 and 24 again."""
    await story.enrols(ANA)
    assert (await ring(story, THURSDAY + 24 * HOUR)).asked == 1
    for hours in (23, 22, 24):
        assert (await ring(story, THURSDAY + hours * HOUR)).total == 0

    assert ready(story) == 1


async def test_a_clock_that_jumps_back_loses_nothing(story: Story) -> None:
    """An hour is lived twice: what was to come still comes, on its moment, once."""
    await story.enrols(ANA)
    await ring(story, THURSDAY + 23 * HOUR)
    await ring(story, THURSDAY + 10 * HOUR)
    await story.later(hours=13, minutes=59)
    assert ready(story) == 0
    await story.later(hours=24, minutes=1)

    assert ready(story) == 2


async def test_a_clock_that_jumps_back_reminds_nobody_twice(story: Story) -> None:
    """The one reminder was sent; the hour comes again, and it does not."""
    await story.enrols(ANA)
    await story.later(hours=28)
    await ring(story, THURSDAY + 26 * HOUR)
    await story.later(hours=3)

    assert sum("gentle reminder" in text for text in story.texts(ANA)) == 1


async def test_a_clock_that_jumps_forward_and_back_asks_each_step_once(story: Story) -> None:
    """For a minute the clock was a day ahead: the step that it asked for then is not asked again."""
    await story.enrols(ANA)
    await ring(story, THURSDAY + 24 * HOUR)
    assert ready(story) == 1
    story.now = THURSDAY + HOUR
    await story.later(hours=48)

    assert ready(story) == 2
    assert [row.step for row in rows(story) if row.sent_at is not None] == ["h24", "h48"]


async def test_a_clock_that_jumps_forward_leaves_nobody_out(story: Story) -> None:
    """Thirty hours at once: what is too late is listed for staff, what is not is asked."""
    await story.binds()
    await story.enrols(ANA, "A1")
    await ring(story, THURSDAY + 5 * HOUR)
    await ring(story, THURSDAY + 35 * HOUR)
    assert [row.state for row in rows(story)] == [CheckInState.EXPIRED, CheckInState.SCHEDULED]
    assert "A1: was due" in story.sees(GROUP, "could not be sent in time", last=0).text
    await story.later(hours=13)

    assert [row.state for row in rows(story)] == [CheckInState.EXPIRED, CheckInState.SENT]


@pytest.mark.parametrize("days", [1, 2, 30])
async def test_a_clock_that_was_days_ahead_reminds_all_the_same(story: Story, days: int) -> None:
    """Asked by a clock that ran ahead, which was then set right: the pause begins again, and is no longer than ever."""
    await story.enrols(ANA)
    story.tools.database.call(ask_now, story, THURSDAY + days * 24 * HOUR)
    await ring(story, THURSDAY + HOUR)
    (asked,) = (row for row in rows(story) if row.sent_at is not None)
    assert asked.nudge_at == THURSDAY + 5 * HOUR
    assert (await ring(story, THURSDAY + HOUR)).total == 0
    await story.later(hours=3, minutes=59)
    assert not any("gentle reminder" in text for text in story.texts(ANA))
    await story.later(minutes=1)

    assert sum("gentle reminder" in text for text in story.texts(ANA)) == 1
    await ring(story, THURSDAY - 48 * HOUR)
    await story.later(hours=4)
    assert [row.state for row in rows(story) if row.sent_at is not None] == [CheckInState.MISSED]


def ask_now(session: Session, story: Story, now: datetime) -> None:
    """Let Ana's first check-in have been asked at *now*, by whatever clock."""
    patient = patients.by_chat(session, ANA.id)
    assert patient is not None
    row = check_ins.all_of(session, patient.id)[0]
    row.due_at, row.expires_at = now, now + 10 * HOUR
    announce.mark_sent(Turn.with_patient(session, story.tools, patient, now), row)


async def test_a_clock_that_is_set_back_in_the_night_forgets_no_reminder(story: Story) -> None:
    """Put off to the morning at 22:00; then it is the afternoon again: it comes in the morning, as it would have."""
    story.now = THURSDAY + 3 * HOUR
    await story.enrols(ANA)
    await story.later(hours=28)
    morning = rows(story)[0].nudge_at
    assert morning == THURSDAY + 41 * HOUR
    assert (await ring(story, THURSDAY + 28 * HOUR)).total == 0
    assert rows(story)[0].nudge_at == morning
    await story.later(hours=13)

    assert sum("gentle reminder" in text for text in story.texts(ANA)) == 1


async def test_a_check_in_that_was_put_off_by_a_clock_ahead_is_asked_while_it_makes_sense(
    story: Story,
) -> None:
    """A clock six hours ahead put it off to its morning: by the right one it is asked then, before it expires."""
    story.now = THURSDAY - 3 * HOUR
    await story.enrols(ANA)
    assert (await ring(story, THURSDAY + 21 * HOUR - timedelta(minutes=1))).total == 0
    planned = rows(story)[0]
    settings = story.tools.settings
    short = settings.model_copy(update={"quiet_hours": Quiet(start=time(16), end=time(20))})
    story.tools = replace(story.tools, settings=short)
    assert (await ring(story, planned.due_at + 6 * HOUR)).moved_to_day == 1
    assert rows(story)[0].due_at == planned.due_at + 8 * HOUR < planned.expires_at
    story.now = planned.due_at
    await story.later(hours=8)

    assert ready(story) == 1


async def test_an_alert_is_raised_again_however_the_clock_jumps(story: Story) -> None:
    """Promise 6: back or forward, it is raised at once, and then after its pause by the clock that counts now."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")

    def raised() -> int:
        return sum("EMERGENCY" in text for text in story.texts(GROUP))

    first = raised()
    await ring(story, THURSDAY - HOUR)
    assert raised() == first + 1
    await ring(story, THURSDAY - HOUR + 4 * MINUTE)
    assert raised() == first + 1
    await ring(story, THURSDAY - HOUR + 5 * MINUTE)
    assert raised() == first + 2
    await ring(story, THURSDAY + 10 * HOUR)

    assert raised() == first + 3


async def test_a_hardware_clock_that_is_set_right_leaves_no_emergency_alone(story: Story) -> None:
    """Eight hours back (it was kept in local time): staff are called every few minutes, the patient hears how it is, once."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    before = len(story.texts(GROUP))
    story.now -= 8 * HOUR
    await story.rings()
    await story.later(minutes=15)

    assert len(story.texts(GROUP)) == before + 4
    assert sum("Nobody at the clinic has seen" in text for text in story.texts(ANA)) == 1
