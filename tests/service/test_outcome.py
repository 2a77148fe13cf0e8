"""Tests of what follows from each of Telegram's answers: recorded once, tried again, given up, and staff told once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.message import Outgoing, Priority
from bot.service import outcome
from bot.service.outcome import PAUSE_OF_DOUBT, PAUSES
from bot.service.parcel import Parcel
from bot.service.ports import Gone, Moved, Outcome, Refused, Sent, TryLater, Unknown
from bot.storage import groups, outbox, patients
from bot.storage.database import Session
from bot.storage.outbox import OutboxState, Purpose
from bot.storage.tables import OutboxRow
from tests.kit.outbox import Outbox
from tests.kit.story import ANA, BEN, EVA, GROUP, Story

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
BLOCKED = Gone(reason="Forbidden: bot was blocked by the user")
TOO_LONG = Refused(reason="BadRequest: message is too long")
LOST = Unknown(reason="lost")


@pytest.fixture
async def clinic(story: Story) -> Story:
    """A clinic with a staff group, and Ana as its patient."""
    await story.binds()
    await story.enrols(ANA)
    return story


def flying(story: Story, chat: int = ANA.id, purpose: Purpose | None = None, **fields: object) -> int:
    """Put a message in line, let it be claimed, and return its id."""
    outgoing = Outgoing(**{"text": "Hello", **fields})  # type: ignore[arg-type]
    row_id = story.tools.database.call(outbox.add, chat, outgoing, story.now, purpose=purpose).id
    line = Outbox(story.tools.database, story.now, chat)
    while row_id not in (claimed := line.claim()):
        assert claimed
    return row_id


def relayed(story: Story) -> int:
    """Put a staff member's words in line whose arrival is to be told as an answer to message 77, and claim them."""
    row_id = flying(story, purpose=Purpose.RELAY)

    def ask_for_word(session: Session) -> None:
        row = session.get(OutboxRow, row_id)
        assert row is not None
        row.payload = {**(row.payload or {}), "receipt": [GROUP, 77]}

    story.tools.database.call(ask_for_word)
    return row_id


def record(
    story: Story, row_id: int, answer: Outcome, jitter: Callable[[float], float] = float
) -> OutboxRow | None:
    """Record an answer, and return the message as it stands then."""
    story.tools.database.call(outcome.record, story.tools, row_id, answer, story.now, jitter=jitter)
    return Outbox(story.tools.database, story.now, 1).row(row_id)


def told(story: Story, chat: int = GROUP) -> list[Outgoing]:
    """Return what is in line for a chat, in order."""
    rows = story.tools.database.call(outbox.of_chat, chat)
    return [
        Outgoing.from_dict(row.payload or {})
        for row in rows
        if row.chat_id == chat and row.state == OutboxState.QUEUED
    ]


# --- it arrived ---------------------------------------------------------------------------------------------


async def test_what_arrived_is_on_record(clinic: Story) -> None:
    """Its id and its moment; nobody is told."""
    row = record(clinic, flying(clinic), Sent(message_id=7))
    assert row is not None
    assert (row.state, row.message_id, row.sent_at) == (OutboxState.SENT, 7, clinic.now)
    assert told(clinic) == []


@pytest.mark.parametrize("times", [1, 2])
async def test_staff_are_told_once_that_their_words_arrived(clinic: Story, times: int) -> None:
    """As an answer to what they wrote; not again if the same answer is recorded again."""
    row_id = relayed(clinic)
    for _ in range(times):
        record(clinic, row_id, Sent(message_id=7))

    (word,) = told(clinic)
    assert "Delivered to" in word.text
    assert word.reply_to == 77


async def test_a_group_that_is_bound_no_more_is_told_nothing(clinic: Story) -> None:
    """The group was unbound while the words were on their way."""
    row_id = relayed(clinic)
    clinic.tools.database.call(groups.unbind, GROUP)
    row = record(clinic, row_id, Sent(message_id=7))
    assert row is not None
    assert row.state == OutboxState.SENT
    assert told(clinic) == []


# --- later --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [None, timedelta(seconds=7)])
async def test_what_everybody_waits_for_counts_as_untried(clinic: Story, after: timedelta | None) -> None:
    """It is in line as it was: the pause is the whole exit's."""
    row = record(clinic, flying(clinic), TryLater(reason="429", after=after, everyone=True))
    assert row is not None
    assert (row.state, row.attempts, row.error, row.lease_until) == (OutboxState.QUEUED, 0, None, None)


async def test_pauses_grow_from_try_to_try(clinic: Story) -> None:
    """Each a little different from what is written, so that not everybody comes back at once; the last one repeats."""
    row_id = flying(clinic)
    waited = []
    for _ in range(len(PAUSES) + 2):
        row = record(clinic, row_id, TryLater(reason="502"), jitter=lambda seconds: seconds + 0.25)
        assert row is not None
        assert (row.state, row.error) == (OutboxState.AGAIN, "502")
        waited.append((row.send_at - clinic.now).total_seconds() - 0.25)
        clinic.now = row.send_at
        assert Outbox(clinic.tools.database, clinic.now, ANA.id).claim() == [row_id]

    assert waited == [*PAUSES, PAUSES[-1], PAUSES[-1]]


async def test_a_moment_that_was_given_is_kept_as_it_is(clinic: Story) -> None:
    """Nothing is added to what we were asked to wait."""
    answer = TryLater(reason="conflict", after=timedelta(minutes=1))
    row = record(clinic, flying(clinic), answer, jitter=lambda seconds: seconds * 2)
    assert row is not None
    assert (row.state, row.send_at) == (OutboxState.AGAIN, clinic.now + timedelta(minutes=1))


async def test_an_unknown_fate_is_repeated_once_after_a_pause(clinic: Story) -> None:
    """The repeat must not meet the same hiccup of the network, so it is in doubt until then. The second time it ends."""
    row_id = flying(clinic)
    row = record(clinic, row_id, Unknown(reason="lost"), jitter=lambda seconds: seconds + 1)
    assert row is not None
    assert (row.state, row.error) == (OutboxState.DOUBT, "lost")
    assert row.send_at == clinic.now + timedelta(seconds=PAUSE_OF_DOUBT + 1)
    clinic.now = row.send_at
    Outbox(clinic.tools.database, clinic.now, ANA.id).claim()
    row = record(clinic, row_id, Unknown(reason="lost"))
    assert row is not None
    assert row.state == OutboxState.UNKNOWN


@pytest.mark.parametrize("death", [False, True])
@pytest.mark.parametrize(
    ("put", "words"),
    [
        (flying, "could not be delivered (nobody knows whether it arrived)"),
        (relayed, "did not reach"),
        (lambda story: flying(story, GROUP), ""),  # an alert is raised again until somebody has seen it
        (lambda story: flying(story, BEN.id, Purpose.STRANGER), ""),
    ],
)
async def test_what_may_not_have_arrived_after_all_is_told_to_staff(
    clinic: Story, put: Callable[[Story], int], words: str, death: bool
) -> None:
    """Two answers were lost, or two processes died: a person must find out. After the first, nobody hears of it."""
    row_id = put(clinic)
    for time in (1, 2):
        if death:
            assert clinic.tools.database.call(outcome.recover, clinic.tools, clinic.now) == 1
        else:
            record(clinic, row_id, Unknown(reason="lost"))
        said = [outgoing.text for outgoing in told(clinic) if outgoing.text != "Hello"]
        assert len(said) == (time == 2 and bool(words))
        clinic.now += timedelta(seconds=PAUSE_OF_DOUBT)
        Outbox(clinic.tools.database, clinic.now, 0).claim()

    assert words in "".join(said)


async def test_that_nobody_knows_is_told_once(clinic: Story) -> None:
    """The second lost answer is recorded twice, because its commit seemed to fail: staff read of it once."""
    row_id = flying(clinic)
    record(clinic, row_id, LOST)
    Outbox(clinic.tools.database, clinic.now + timedelta(seconds=PAUSE_OF_DOUBT), ANA.id).claim()
    for _ in range(2):
        record(clinic, row_id, LOST)

    assert len(told(clinic)) == 1


async def test_a_try_that_was_given_back_is_no_doubt(clinic: Story) -> None:
    """The lost answer was recorded before its commit seemed to fail: the repeat is still to come, and the only one."""
    row_id = flying(clinic)
    record(clinic, row_id, LOST)
    row = record(clinic, row_id, LOST)
    assert row is not None
    assert (row.state, (row.payload or {})["doubts"]) == (OutboxState.DOUBT, 1)


async def test_a_repeat_that_did_not_reach_telegram_is_in_doubt_as_before(clinic: Story) -> None:
    """It waits for its moment, and for Telegram."""
    row_id = flying(clinic)
    record(clinic, row_id, LOST)
    clinic.now += timedelta(seconds=PAUSE_OF_DOUBT)
    Outbox(clinic.tools.database, clinic.now, ANA.id).claim()
    row = record(clinic, row_id, TryLater(reason="502"))
    assert row is not None
    assert (row.state, row.send_at) == (OutboxState.DOUBT, clinic.now + timedelta(seconds=PAUSES[1]))


async def test_what_the_process_before_was_sending_is_in_doubt_without_a_pause(clinic: Story) -> None:
    """A start takes longer than a hiccup; what it was not sending is left alone."""
    flew, waits = flying(clinic), Outbox(clinic.tools.database, clinic.now, BEN.id).add()
    assert clinic.tools.database.call(outcome.recover, clinic.tools, clinic.now) == 1

    line = Outbox(clinic.tools.database, clinic.now, ANA.id)
    assert (line.there(flew).state, line.there(flew).send_at) == (OutboxState.DOUBT, clinic.now)
    assert line.state(waits) == OutboxState.QUEUED


async def test_what_nobody_sends_any_more_is_in_doubt(clinic: Story) -> None:
    """Whoever claimed it may have sent it: once more after a pause, then staff are told."""
    row_id = flying(clinic)
    line = Outbox(clinic.tools.database, clinic.now, ANA.id)
    clinic.tools.database.call(
        outcome.lapsed, clinic.tools, [row_id], clinic.now, jitter=lambda seconds: seconds + 1
    )
    row = line.there(row_id)
    assert (row.state, row.send_at) == (
        OutboxState.DOUBT,
        clinic.now + timedelta(seconds=PAUSE_OF_DOUBT + 1),
    )
    assert line.claim(row.send_at) == [row_id]
    clinic.tools.database.call(outcome.lapsed, clinic.tools, [row_id], clinic.now)

    assert line.state(row_id) == OutboxState.UNKNOWN
    assert ["nobody knows" in word.text for word in told(clinic)] == [True]


# --- several answers ----------------------------------------------------------------------------------------


async def test_each_of_several_answers_is_recorded(clinic: Story) -> None:
    """What arrived and is followed by nothing in one go; the others each for itself."""
    answers: list[tuple[Parcel, Outcome]] = []
    purposes = (None, None, Purpose.STRANGER, Purpose.SECRET, Purpose.RELAY, None)
    for chat, purpose in enumerate(purposes, start=1001):
        row_id = flying(clinic, chat, purpose)
        answers.append((parcel(row_id, chat, purpose), Sent(message_id=10 * chat)))
    answers[1] = answers[1][0], LOST
    answers[-1] = parcel(relayed(clinic), ANA.id, None, has_receipt=True), Sent(message_id=7)
    clinic.tools.database.call(outcome.record_all, clinic.tools, answers, clinic.now)

    line = Outbox(clinic.tools.database, clinic.now, 1)
    states = [line.state(one.id) for one, _answer in answers]
    sent = OutboxState.SENT
    assert states == [sent, OutboxState.DOUBT, None, sent, sent, sent]
    assert line.there(answers[0][0].id).message_id == 10 * 1001
    assert ["Delivered" in word.text for word in told(clinic)] == [True]


def parcel(row_id: int, chat: int, purpose: str | None, *, has_receipt: bool = False) -> Parcel:
    """Return a message on its way."""
    return Parcel(
        id=row_id,
        attempt=1,
        chat_id=chat,
        outgoing=Outgoing(),
        target=None,
        slow=False,
        purpose=purpose,
        has_receipt=has_receipt,
        is_repeat=False,
    )


# --- moved --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 2])
async def test_a_group_that_moved_is_followed(clinic: Story, times: int) -> None:
    """The message goes on at the new id at once, and so does all that waits; also if the word comes twice."""
    row_id, waiting = flying(clinic, GROUP), Outbox(clinic.tools.database, clinic.now, GROUP).add()
    for _ in range(times):
        record(clinic, row_id, Moved(chat_id=-1009))

    line = Outbox(clinic.tools.database, clinic.now, GROUP)
    assert [line.there(id_).chat_id for id_ in (row_id, waiting)] == [-1009, -1009]
    assert line.send_all() == [row_id, waiting]
    group = clinic.tools.database.call(groups.of_branch, "main")
    assert group is not None
    assert group.chat_id == -1009


async def test_what_is_said_to_a_strange_group_follows_it_too(clinic: Story) -> None:
    """A group that is bound to no branch moved while it was being answered."""
    row = record(clinic, flying(clinic, -55), Moved(chat_id=-1055))
    assert row is not None
    assert (row.state, row.chat_id) == (OutboxState.AGAIN, -1055)


async def test_a_picture_from_a_group_that_moved_is_not_sent_to_the_group(clinic: Story) -> None:
    """The way to the patient is not the one that moved: staff hear that it did not arrive, at the group's new id."""
    row_id = flying(clinic, kind="copy", from_chat=GROUP, message_id=77, text="")

    def ask_for_word(session: Session) -> None:
        row = session.get(OutboxRow, row_id)
        assert row is not None
        row.payload = {**(row.payload or {}), "receipt": [GROUP, 77]}

    clinic.tools.database.call(ask_for_word)
    row = record(clinic, row_id, Moved(chat_id=-1009))
    await clinic.deliver()

    assert row is not None
    assert (row.state, row.chat_id) == (OutboxState.REFUSED, ANA.id)
    (word,) = clinic.messenger.chats[-1009]
    assert "did not reach A1023" in word.text
    assert word.outgoing.reply_to is None  # 77 stands for another message there


async def test_what_became_of_a_reply_is_told_in_the_group_as_it_is_today(clinic: Story) -> None:
    """It was written before the group became a supergroup, and refused afterwards."""
    row_id = relayed(clinic)
    clinic.tools.database.call(groups.migrate, GROUP, -1009)
    record(clinic, row_id, TOO_LONG)
    await clinic.deliver()

    assert "did not reach A1023" in clinic.sees(-1009).text


async def test_a_word_of_a_move_that_was_recorded_before_keeps_the_group(clinic: Story) -> None:
    """The try at the new id was given back because its commit seemed to fail; then the same answer is recorded again."""
    row_id = flying(clinic, GROUP)
    record(clinic, row_id, Moved(chat_id=-1009))
    Outbox(clinic.tools.database, clinic.now, GROUP).claim()

    record(clinic, row_id, Moved(chat_id=-1009))

    group = clinic.tools.database.call(groups.of_branch, "main")
    assert group is not None
    assert group.chat_id == -1009


# --- gone ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 2])
async def test_a_patient_who_is_gone_is_marked_and_staff_told_once(clinic: Story, times: int) -> None:
    """What is in line for them falls away."""
    row_id = flying(clinic)
    waiting = Outbox(clinic.tools.database, clinic.now, ANA.id).add()
    for _ in range(times):
        row = record(clinic, row_id, BLOCKED)

    assert row is not None
    assert (row.state, row.error) == (OutboxState.GONE, BLOCKED.reason)
    assert Outbox(clinic.tools.database, clinic.now, ANA.id).state(waiting) == OutboxState.CANCELLED
    patient = clinic.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    assert patient.unreachable_at == clinic.now
    assert ["has blocked the bot" in word.text for word in told(clinic)] == [True]


@pytest.mark.parametrize("times", [1, 2])
async def test_staff_are_told_once_that_their_words_did_not_arrive(clinic: Story, times: int) -> None:
    """Beside the word that the patient is gone."""
    row_id = relayed(clinic)
    for _ in range(times):
        record(clinic, row_id, BLOCKED)

    words = [word for word in told(clinic) if "did not reach" in word.text]
    assert [word.reply_to for word in words] == [77]


async def test_a_group_that_is_gone_is_forgotten(clinic: Story) -> None:
    """With what was in line for it."""
    row_id = flying(clinic, GROUP)
    waiting = Outbox(clinic.tools.database, clinic.now, GROUP).add()
    record(clinic, row_id, Gone(reason="Forbidden: bot was kicked"))

    assert clinic.tools.database.call(groups.of_branch, "main") is None
    assert Outbox(clinic.tools.database, clinic.now, GROUP).state(waiting) == OutboxState.CANCELLED


async def test_a_stranger_who_is_gone_leaves_nothing(clinic: Story) -> None:
    """No row, and no word to staff."""
    row_id = flying(clinic, BEN.id, purpose=Purpose.STRANGER)
    assert record(clinic, row_id, BLOCKED) is None
    assert told(clinic) == []


# --- refused, given up --------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 2])
async def test_staff_are_told_once_what_a_patient_did_not_get(clinic: Story, times: int) -> None:
    """With the reason, so that somebody can call."""
    row_id = flying(clinic)
    for _ in range(times):
        row = record(clinic, row_id, TOO_LONG)

    assert row is not None
    assert (row.state, row.error) == (OutboxState.REFUSED, TOO_LONG.reason)
    (word,) = told(clinic)
    assert "could not be delivered" in word.text
    assert "message is too long" in word.text


@pytest.mark.parametrize("times", [1, 2])
async def test_words_of_staff_that_were_refused_are_told_as_such(clinic: Story, times: int) -> None:
    """As an answer to what they wrote, and only so."""
    row_id = relayed(clinic)
    for _ in range(times):
        record(clinic, row_id, TOO_LONG)

    (word,) = told(clinic)
    assert "did not reach" in word.text
    assert word.reply_to == 77


async def test_a_page_that_cannot_be_turned_is_nobodys_matter(clinic: Story) -> None:
    """An edit that is refused leaves the old words; staff are not bothered."""
    row = record(clinic, flying(clinic, kind="edit", message_id=5), TOO_LONG)
    assert row is not None
    assert row.state == OutboxState.REFUSED
    assert told(clinic) == []


@pytest.mark.parametrize("chat", [GROUP, BEN.id])
async def test_what_a_group_or_a_stranger_did_not_get_is_told_to_nobody(clinic: Story, chat: int) -> None:
    """There is nobody to call."""
    record(clinic, flying(clinic, chat), TOO_LONG)
    assert told(clinic) == []


async def test_without_a_group_what_was_refused_is_only_recorded(story: Story) -> None:
    """A clinic that has not bound a group yet."""
    await story.enrols(ANA)
    for answer, state in ((TOO_LONG, OutboxState.REFUSED), (BLOCKED, OutboxState.GONE)):
        row = record(story, flying(story), answer)
        assert row is not None
        assert row.state == state


async def test_what_lost_its_sense_in_line_is_given_up_with_a_word(clinic: Story) -> None:
    """The same word as for what was refused, with its own reason and state."""
    row_id = Outbox(clinic.tools.database, clinic.now, ANA.id).add()

    def give_up(session: Session) -> None:
        row = session.get(OutboxRow, row_id)
        assert row is not None
        outcome.give_up(session, clinic.tools, row, OutboxState.EXPIRED, "too late", clinic.now)

    clinic.tools.database.call(give_up)

    assert Outbox(clinic.tools.database, clinic.now, ANA.id).state(row_id) == OutboxState.EXPIRED
    (word,) = told(clinic)
    assert "too late" in word.text


# --- erased, cancelled --------------------------------------------------------------------------------------

ANSWERS: list[Outcome] = [
    Sent(message_id=7),
    TryLater(reason="502"),
    TryLater(reason="429", everyone=True),
    Unknown(reason="lost"),
    Moved(chat_id=-1009),
    BLOCKED,
    TOO_LONG,
]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_whoever_was_erased_meanwhile_stays_so(clinic: Story, answer: Outcome) -> None:
    """No answer brings anything back, and nobody is told."""
    row_id = relayed(clinic)
    clinic.tools.database.call(outbox.erase_chat, ANA.id)
    assert record(clinic, row_id, answer) is None
    assert told(clinic) == []


@pytest.mark.parametrize("answer", ANSWERS[1:])
async def test_what_was_cancelled_on_its_way_stays_so(clinic: Story, answer: Outcome) -> None:
    """It is not tried again; that it could not be delivered is no news, but that the patient is gone is."""
    row_id = relayed(clinic)
    clinic.tools.database.call(outbox.cancel, ANA.id)

    row = record(clinic, row_id, answer)

    assert row is not None
    assert row.state == OutboxState.CANCELLED
    gone = ["blocked" in word.text for word in told(clinic)]
    assert gone == ([True] if answer is BLOCKED else [])
    assert row_id not in Outbox(clinic.tools.database, clinic.now + DAY, ANA.id).claim()


async def test_what_arrives_although_it_was_cancelled_is_on_record(clinic: Story) -> None:
    """It stands in the chat."""
    row_id = flying(clinic)
    clinic.tools.database.call(outbox.cancel, ANA.id)
    row = record(clinic, row_id, Sent(message_id=7))
    assert row is not None
    assert (row.state, row.message_id) == (OutboxState.SENT, 7)


async def test_the_word_to_staff_comes_as_an_alert(clinic: Story) -> None:
    """It passes check-ins and digests that wait."""
    record(clinic, flying(clinic), TOO_LONG)
    line = Outbox(clinic.tools.database, clinic.now, GROUP)
    line.add(EVA.id, priority=Priority.CHECK_IN)
    first = line.look(limit=1).rows[0]
    assert (first.chat_id, first.priority) == (GROUP, Priority.ALERT)


# --- the staff group cannot be told of itself: the log is --------------------------------------------------------


async def test_a_group_that_is_gone_is_an_error_in_the_log(
    clinic: Story, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody gets the alerts of this branch, so whoever runs the bot must know; once."""
    rows = [flying(clinic, GROUP), flying(clinic, -55)]
    for row_id in rows:
        record(clinic, row_id, BLOCKED)

    (said,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "staff group of main is gone" in said.getMessage()


async def test_what_the_group_does_not_take_is_an_error_in_the_log(
    clinic: Story, caplog: pytest.LogCaptureFixture
) -> None:
    """The bot may not write there, perhaps; an edit that fails is no news."""
    record(clinic, flying(clinic, GROUP, kind="edit", message_id=5), TOO_LONG)
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []

    record(clinic, flying(clinic, GROUP), TOO_LONG)

    (said,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "staff group of main could not be delivered" in said.getMessage()
    assert "Hello" not in said.getMessage()


async def test_an_alert_that_never_reached_the_group_is_no_secret_from_the_patient(clinic: Story) -> None:
    """They have read that the team was told. It was not: they hear so at the next look, and staff are shown it again."""
    clinic.messenger.outcomes[GROUP] = [TOO_LONG]
    await clinic.says(ANA, "my chest hurts when i breathe in")
    shown, heard = len(clinic.messenger.chats[GROUP]), len(clinic.texts(ANA))
    await clinic.rings()

    assert len(clinic.texts(ANA)) == heard + 1
    assert "nobody" in clinic.sees(ANA.id).text.lower()
    assert [one.text for one in clinic.messenger.chats[GROUP][shown:] if "EMERGENCY" in one.text]


async def test_an_alert_that_may_have_reached_the_group_keeps_its_pauses(clinic: Story) -> None:
    """Nobody knows whether staff have it: to tell the patient at once that they have not would be as wrong."""
    clinic.messenger.outcomes[GROUP] = [LOST]
    await clinic.says(ANA, "my chest hurts when i breathe in")
    heard = len(clinic.texts(ANA))
    clinic.messenger.outcomes[GROUP] = [LOST]
    await clinic.later(seconds=PAUSE_OF_DOUBT + 1)
    await clinic.later(seconds=30)

    states = clinic.tools.database.call(lambda session: list(session.scalars(select(OutboxRow.state))))
    assert OutboxState.UNKNOWN in states
    assert len(clinic.texts(ANA)) == heard


async def test_a_group_that_is_lost_is_no_secret_from_those_with_open_alerts(clinic: Story) -> None:
    """Nobody can see their alerts now."""
    await clinic.says(ANA, "my chest hurts when i breathe in")
    heard = len(clinic.texts(ANA))
    record(clinic, flying(clinic, GROUP), BLOCKED)
    await clinic.rings()

    assert len(clinic.texts(ANA)) == heard + 1
    assert "nobody" in clinic.sees(ANA.id).text.lower()
