"""Tests of keeping house: what has been kept long enough is erased, and nothing earlier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, insert, select

from bot.domain.patient import CheckInState
from bot.service import keep_house
from bot.service.keep_house import PATIENTS, ROWS, Counts
from bot.storage import inbox, outbox, patients
from bot.storage.database import Session
from bot.storage.inbox import InboxState
from bot.storage.outbox import OutboxState
from bot.storage.tables import Base, CheckIn, InboxRow, OutboxRow, Patient, Treatment
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


# --- a little at a time ----------------------------------------------------------------------------------


def _nights(story: Story) -> Iterator[Counts]:
    """Give what each call erased, up to the last one."""
    counts = Counts(more=True)
    while counts.more:
        counts = story.tools.database.call(keep_house.tidy, story.tools, story.now)
        yield counts


def _number(story: Story, table: type[Base]) -> int:
    return story.tools.database.call(
        lambda session: session.execute(select(func.count()).select_from(table)).scalar_one()
    )


def _old_messages(story: Story, number: int) -> None:
    """Write messages both ways that ended two months ago."""
    then = story.now - timedelta(days=60)
    received = {"chat_id": 11, "received_at": then, "handled_at": then, "payload": {"text": "ow"}}
    said = {"chat_id": 11, "priority": 1, "created_at": then, "send_at": then, "payload": {"text": "no"}}

    def write(session: Session) -> None:
        session.execute(
            insert(InboxRow),
            [{"update_id": at, "state": InboxState.DONE, **received} for at in range(number)],
        )
        session.execute(insert(OutboxRow), [{"state": OutboxState.SENT, **said} for _ in range(number)])

    story.tools.database.call(write)


def _ended_patients(story: Story, number: int) -> None:
    """Write patients whose last check-in was a year ago, each with a treatment and a message."""
    then = story.now - timedelta(days=365)

    def write(session: Session) -> None:
        for at in range(1, number + 1):
            ana = patients.agree(session, chat_id=at, name="Ana", language="en", branch_id="main", now=then)
            treatment = Treatment(
                branch_id="main",
                label=f"A{at}",
                label_folded=f"a{at}",
                treated_at=then,
                regions=["neck"],
                plan="standard",
                state="active",
                patient_id=ana.id,
                registered_at=then,
                registered_by="Eva",
            )
            session.add(treatment)
            session.flush()
            session.add(
                CheckIn(
                    treatment_id=treatment.id,
                    patient_id=ana.id,
                    step="24h",
                    state=CheckInState.ANSWERED,
                    due_at=then,
                    expires_at=then,
                )
            )

    story.tools.database.call(write)


def test_many_old_messages_go_in_many_short_transactions(story: Story) -> None:
    """No call erases more than its share; together they erase all, and the last one says that it was."""
    number = 2 * ROWS + 1
    _old_messages(story, number)

    nights = list(_nights(story))

    assert [one.words_received for one in nights] == [ROWS, ROWS, 1]
    assert [one.messages_sent for one in nights] == [ROWS, ROWS, 1]
    assert [one.more for one in nights] == [True, True, False]
    assert _number(story, InboxRow) == _number(story, OutboxRow) == 0


def test_many_patients_go_in_many_short_transactions(story: Story) -> None:
    """When hundreds reach their end in one night, nobody has to wait until the last of them is erased."""
    _ended_patients(story, 2 * PATIENTS + 1)

    nights = list(_nights(story))

    assert [one.patients for one in nights] == [PATIENTS, PATIENTS, 1]
    assert [one.more for one in nights] == [True, True, False]
    assert _number(story, Patient) == _number(story, Treatment) == _number(story, CheckIn) == 0


def test_exactly_a_share_of_patients_needs_no_second_call(story: Story) -> None:
    """There is nothing left, and that is known."""
    _ended_patients(story, PATIENTS)

    (only,) = _nights(story)

    assert only.patients == PATIENTS


def test_with_nothing_to_erase_there_is_no_more(story: Story) -> None:
    """An empty house is kept in one call."""
    assert list(_nights(story)) == [Counts()]


def test_the_counts_of_a_night_add_up() -> None:
    """What was erased is summed; whether there is more is what the last call said."""
    first = Counts(patients=1, words_received=2, messages_sent=3, strangers=4, more=True)

    night = first + Counts(patients=10, words_received=20, messages_sent=30, strangers=40)

    assert night == Counts(patients=11, words_received=22, messages_sent=33, strangers=44, more=False)
