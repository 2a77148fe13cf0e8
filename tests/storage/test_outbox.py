"""Tests of `bot.storage.outbox`: what was decided is kept with the decision, ends once, and leaves no words behind."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from bot.domain.message import Kind, Outgoing
from bot.storage import claims, outbox
from bot.storage.database import Database
from bot.storage.outbox import IN_LINE, OPEN, USEFUL, OutboxState, Purpose
from tests.kit.outbox import Outbox
from tests.storage.conftest import ANA, BEN, NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
STAFF = -1_002_000_000_001


@pytest.fixture
def line(database: Database) -> Outbox:
    """Give an empty outbox."""
    return Outbox(database, NOW, ANA)


def waiting(line: Outbox, state: OutboxState, chat: int = ANA) -> int:
    """Put a message in line and let it wait there in *state* (one of `IN_LINE`) for a second; return its id."""
    row_id = line.add(chat)
    if state is not OutboxState.QUEUED:
        line.claim()
    if state is OutboxState.AGAIN:
        line.database.call(outbox.retry, row_id, NOW + SECOND, "no connection")
    if state is OutboxState.DOUBT:
        line.database.call(outbox.unknown, row_id, NOW, "timed out", SECOND)
    return row_id


# --- in line ---------------------------------------------------------------------------------------------


def test_a_decision_that_was_rolled_back_says_nothing(line: Outbox) -> None:
    """A message belongs to the transaction that decided it."""

    def decide(session: Session) -> None:
        outbox.add(session, ANA, Outgoing(text="Hello"), NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        line.database.call(decide)

    assert line.claim() == []


def test_a_message_is_useful_for_a_day_unless_it_says_otherwise(line: Outbox) -> None:
    """Nobody wants an answer of the day before yesterday; a check-in knows its own end."""
    plain, own = line.add(), line.add(useful_until=NOW + 9 * DAY)

    assert timedelta(hours=24) == USEFUL
    assert line.there(plain).useful_until == NOW + USEFUL
    assert line.there(own).useful_until == NOW + 9 * DAY


# --- ending otherwise ------------------------------------------------------------------------------------


def test_what_is_out_of_date_is_found_in_line(line: Outbox) -> None:
    """Whether it waits for its turn, for another try or in doubt, the longest waiting first, up to a limit; nothing else."""
    again = line.add(1, useful_until=NOW + MINUTE)
    doubt = line.add(6, useful_until=NOW + MINUTE)
    flying = line.add(2, useful_until=NOW + MINUTE)
    line.claim()
    line.database.call(outbox.retry, again, NOW + DAY, "no connection")
    line.database.call(outbox.unknown, doubt, NOW, "timed out")
    queued = [line.add(chat, useful_until=NOW + MINUTE) for chat in (3, 4)]
    line.add(5, useful_until=NOW + MINUTE + SECOND)

    def found(limit: int, seconds: int) -> list[int]:
        now = NOW + MINUTE + seconds * SECOND
        return [row.id for row in line.database.call(outbox.out_of_date, now, limit)]

    assert found(10, 0) == []
    assert found(10, 1) == [again, doubt, *queued]
    assert found(2, 1) == [again, doubt]
    assert line.state(flying) == OutboxState.SENDING


@pytest.mark.parametrize("state", IN_LINE)
def test_what_is_in_line_can_be_ended(line: Outbox, state: OutboxState) -> None:
    """What lost its sense in line ends there, with its reason."""
    row_id = waiting(line, state)
    assert line.state(row_id) == state

    ended = line.database.call(outbox.end, row_id, OutboxState.EXPIRED, "too late")

    assert ended is not None
    assert (line.state(row_id), line.there(row_id).error) == (OutboxState.EXPIRED, "too late")
    assert line.claim(NOW + MINUTE) == []


@pytest.mark.parametrize(
    "state", [OutboxState.SENT, OutboxState.GONE, OutboxState.UNKNOWN, OutboxState.CANCELLED]
)
def test_an_end_is_final(line: Outbox, state: OutboxState) -> None:
    """What has come to an end, however, does not get another."""
    row_id = line.add()
    line.claim()
    line.database.call(outbox.end, row_id, state, "first")

    assert line.database.call(outbox.end, row_id, OutboxState.REFUSED, "second") is None
    assert (line.state(row_id), line.there(row_id).error) == (state, "first")


@pytest.mark.parametrize("state", [OutboxState.GONE, OutboxState.REFUSED, OutboxState.EXPIRED])
def test_what_was_given_up_is_not_sent(line: Outbox, state: OutboxState) -> None:
    """A message that ended keeps its reason and is never claimed again, even after a restart."""
    row_id = line.add()
    line.claim()

    ended = line.database.call(outbox.end, row_id, state, "Forbidden: " + "x" * 400)

    assert ended is not None
    assert (ended.state, ended.error) == (state, ("Forbidden: " + "x" * 400)[:300])
    assert line.database.call(claims.on_their_way) == []
    assert line.claim(NOW + DAY) == []


def test_what_waits_can_be_cancelled(line: Outbox) -> None:
    """All that is in line for one chat is cancelled; sent messages and other chats are not touched."""
    sent = line.add(ANA)
    line.send_all()
    mine = [line.add(ANA), line.add(ANA)]
    other = line.add(BEN)

    assert line.database.call(outbox.cancel, ANA) == 2

    assert [line.state(row_id) for row_id in mine] == [OutboxState.CANCELLED] * 2
    assert line.state(sent) == OutboxState.SENT
    assert line.send_all() == [other]


def test_only_one_purpose_or_slot_is_cancelled_if_asked(line: Outbox) -> None:
    """A stop withdraws check-ins and keeps replies; a slot names one message."""
    check_in = line.add(purpose=Purpose.CHECK_IN, slot="check_in:1")
    reply = line.add()
    later = line.add(slot="check_in:2")
    relay = line.add(purpose=Purpose.RELAY, slot="check_in:1")

    assert line.database.call(outbox.cancel, ANA, Purpose.CHECK_IN) == 1
    assert line.database.call(outbox.cancel, ANA, slot="check_in:2") == 1
    assert line.database.call(outbox.cancel, ANA, Purpose.CHECK_IN, "check_in:1") == 0

    assert line.state(check_in) == line.state(later) == OutboxState.CANCELLED
    assert line.send_all() == [reply, relay]


@pytest.mark.parametrize("fate", ["retry", "unknown"])
def test_what_was_cancelled_on_its_way_is_not_tried_again(line: Outbox, fate: str) -> None:
    """If a patient says stop while a check-in is on its way and that try fails, it does not leave later."""
    row_id = line.add(purpose=Purpose.CHECK_IN)
    line.claim()
    line.database.call(outbox.cancel, ANA, Purpose.CHECK_IN)

    if fate == "retry":
        line.database.call(outbox.retry, row_id, NOW + SECOND, "flood")
    else:
        line.database.call(outbox.unknown, row_id, NOW + SECOND, "timed out")

    assert line.claim(NOW + DAY) == []


def test_what_was_cancelled_on_its_way_and_arrived_is_on_record(line: Outbox) -> None:
    """It stands in the chat after all, so it can be found under its id and its slot."""
    row_id = line.add(purpose=Purpose.CHECK_IN, slot="check_in:1")
    line.claim()
    line.database.call(outbox.cancel, ANA, Purpose.CHECK_IN)

    line.database.call(outbox.sent, row_id, 77, NOW)

    assert line.state(row_id) == OutboxState.SENT
    assert line.database.call(outbox.message_in_slot, ANA, "check_in:1") == 77


@pytest.mark.parametrize("state", [OutboxState.AGAIN, OutboxState.DOUBT])
def test_what_waits_for_another_try_can_be_cancelled(line: Outbox, state: OutboxState) -> None:
    """It does not come back at its moment."""
    row_id = waiting(line, state)

    assert line.database.call(outbox.cancel, ANA) == 1
    assert line.claim(NOW + DAY) == []
    assert line.state(row_id) == OutboxState.CANCELLED


# --- recording, and what must not be kept ----------------------------------------------------------------


def test_what_was_sent_is_on_record(line: Outbox) -> None:
    """When, under which message id, and the words: an ordinary message keeps them."""
    row_id = line.add(text="Drink some water")
    line.claim()

    assert line.database.call(outbox.sent, row_id, 77, NOW + SECOND) is not None

    row = line.row(row_id)
    assert row is not None
    assert (row.state, row.sent_at, row.message_id, row.lease_until) == (
        OutboxState.SENT,
        NOW + SECOND,
        77,
        None,
    )
    assert (row.payload or {})["text"] == "Drink some water"


def test_what_was_said_to_a_stranger_is_erased_once_sent(line: Outbox) -> None:
    """Nothing of it is left, not even to whom."""
    row_id = line.add(purpose=Purpose.STRANGER)

    assert line.send_all() == [row_id]

    assert line.row(row_id) is None
    assert line.database.call(outbox.of_chat, ANA) == []


def test_secret_words_are_erased_once_sent(line: Outbox) -> None:
    """That it was sent, and under which id, stays; the words do not."""
    row_id = line.add(purpose=Purpose.SECRET, text="Your code: ABCD")
    line.claim()

    line.database.call(outbox.sent, row_id, 77, NOW)

    row = line.row(row_id)
    assert row is not None
    assert (row.state, row.message_id, row.payload) == (OutboxState.SENT, 77, None)


@pytest.mark.parametrize("purpose", [Purpose.STRANGER, Purpose.SECRET])
@pytest.mark.parametrize("ending", ["gone", "refused", "unknown", "expired", "cancelled"])
def test_what_must_not_be_kept_is_erased_however_it_ends(line: Outbox, purpose: Purpose, ending: str) -> None:
    """A stranger's or a secret message that never arrived leaves no words, and a stranger's no chat."""
    row_id = line.add(purpose=purpose, text="Soreness is common", useful_until=NOW + MINUTE)
    if ending == "expired":
        line.database.call(outbox.end, row_id, OutboxState.EXPIRED, "too late")
    elif ending == "cancelled":
        line.database.call(outbox.cancel, ANA)
    elif ending == "unknown":
        for _ in range(2):
            line.claim()
            line.database.call(outbox.unknown, row_id, NOW, "timed out")
    else:
        line.claim()
        line.database.call(outbox.end, row_id, OutboxState(ending), "Forbidden")

    assert line.claim(NOW + 2 * DAY) == []
    row = line.row(row_id)
    assert "Soreness" not in str(row.payload if row else None)
    assert purpose is Purpose.SECRET or row is None


@pytest.mark.parametrize("purpose", [None, *Purpose])
def test_many_that_arrived_are_recorded_as_one_is(line: Outbox, purpose: Purpose | None) -> None:
    """Each under its own message id; what must not be kept is erased; what was cancelled on its way stands there too."""
    one, *many, other = [line.add(chat, purpose=purpose, text="Soreness") for chat in range(1, 6)]
    line.claim(limit=4)
    line.database.call(outbox.cancel, 3)
    line.database.call(outbox.sent, one, 71, NOW + SECOND)

    numbers = {row_id: 70 + row_id for row_id in many}
    line.database.call(outbox.sent_all, numbers, purpose, NOW + SECOND)

    rows = [line.row(row_id) for row_id in (one, *many)]
    kept = [row for row in rows if row is not None]
    assert len(kept) == (0 if purpose is Purpose.STRANGER else 4)
    assert [row.message_id for row in kept[1:]] == [70 + row.id for row in kept[1:]]
    for row in kept:
        assert (row.state, row.sent_at, row.lease_until, row.error) == (
            OutboxState.SENT,
            NOW + SECOND,
            None,
            None,
        )
        assert (row.payload is None) == (purpose is Purpose.SECRET)
    assert line.state(other) == OutboxState.QUEUED


def test_many_that_arrived_may_have_been_erased_meanwhile(line: Outbox) -> None:
    """Who was forgotten while messages were on their way stays forgotten."""
    erased, kept = line.add(ANA), line.add(BEN)
    line.claim()
    line.database.call(outbox.erase_chat, ANA)

    line.database.call(outbox.sent_all, {erased: 1, kept: 2}, None, NOW)

    assert line.row(erased) is None
    assert line.there(kept).message_id == 2


def test_what_was_erased_on_its_way_is_not_recorded(line: Outbox) -> None:
    """If a patient was forgotten while a message was on its way, its answer brings nothing back."""
    row_id = line.add()
    line.claim()
    line.database.call(outbox.erase_chat, ANA)

    assert line.database.call(outbox.sent, row_id, 77, NOW) is None
    line.database.call(outbox.unknown, row_id, NOW, "timed out")

    assert line.row(row_id) is None


@pytest.mark.parametrize("kind", ["text", "edit"])
def test_the_last_try_is_known_as_such(line: Outbox, kind: Kind) -> None:
    """The one after the doubts that a message may have; until then it is one like any other."""
    row_id = line.database.call(outbox.add, ANA, Outgoing(kind=kind, text="x", message_id=5), NOW).id
    most = outbox.REPEATS_OF_EDIT if kind == "edit" else outbox.REPEATS
    for doubts in range(most + 1):
        now = NOW + doubts * MINUTE
        assert outbox.is_last_try(line.there(row_id).payload) == (doubts == most)
        assert line.claim(now) == [row_id]
        line.database.call(outbox.unknown, row_id, now, "timed out")
        waits = OutboxState.DOUBT if doubts == most - 1 else OutboxState.AGAIN
        assert line.state(row_id) == (OutboxState.UNKNOWN if doubts == most else waits)

    assert not outbox.is_last_try(None)


def test_an_edit_of_unknown_fate_is_repeated_after_growing_pauses(line: Outbox) -> None:
    """It changes nothing if it comes again, and lost it would leave a person with yesterday's page; it ends all the same."""
    edit = Outgoing(kind="edit", text="2 of 3", message_id=5)
    row_id = line.database.call(outbox.add, ANA, edit, NOW).id
    now, waits = NOW, []
    while line.claim(now):
        line.database.call(outbox.unknown, row_id, now, "timed out")
        waits.append((line.there(row_id).send_at - now).total_seconds())
        now = line.there(row_id).send_at

    assert waits == [0, 4, 8, 16, 32, 0]
    assert line.state(row_id) == OutboxState.UNKNOWN


# --- finding a message again -----------------------------------------------------------------------------


def test_a_slot_names_the_newest_message_sent(line: Outbox) -> None:
    """Only messages that were sent count, in that chat and under that slot."""
    for chat_id, slot in ((ANA, "menu"), (ANA, "menu"), (BEN, "menu"), (ANA, "other")):
        line.add(chat_id, slot=slot)
    ids = sorted(line.send_all())
    line.add(ANA, slot="menu")

    assert line.database.call(outbox.message_in_slot, ANA, "menu") == 100 + ids[1]
    assert line.database.call(outbox.message_in_slot, BEN, "menu") == 100 + ids[2]
    assert line.database.call(outbox.message_in_slot, BEN, "other") is None


def test_a_message_is_found_by_its_id_in_its_chat(line: Outbox) -> None:
    """Message ids count per chat; if one comes twice, the newest is meant."""
    ids = [line.add(chat_id) for chat_id in (ANA, BEN, ANA)]
    for _ in ids:
        for row_id in line.claim():
            line.database.call(outbox.sent, row_id, 7, NOW)

    found = line.database.call(outbox.by_message, ANA, 7)
    other = line.database.call(outbox.by_message, BEN, 7)

    assert found is not None
    assert other is not None
    assert (found.id, other.id) == (ids[2], ids[1])
    assert line.database.call(outbox.by_message, ANA, 8) is None


def test_a_message_whose_id_was_lost_is_found_by_its_words(line: Outbox) -> None:
    """Telegram took it twice, and we know the second id only: whoever answers the first one means the same message."""
    row_id = line.add(text="Ana &amp; <b>Ben</b>", about_chat=ANA)
    line.send_all()

    def answered(message_id: int, text: str) -> int | None:
        row = line.database.call(outbox.answered, ANA, message_id, text)
        return row.id if row else None

    assert answered(100 + row_id, "whatever it shows now") == row_id
    assert answered(7, "Ana & Ben") == row_id
    assert answered(7, "Ana") is None
    assert answered(7, "") is None
    line.add(text="Ana &amp; Ben", about_chat=ANA)
    assert answered(7, "Ana & Ben") == row_id, "what is still in line stands in no chat"
    line.send_all()
    assert answered(7, "Ana & Ben") != row_id
    line.add(text="Ana &amp; Ben", about_chat=BEN)
    line.send_all()
    assert answered(7, "Ana & Ben") is None, "it could be about either of them"


def test_a_group_that_moved_gets_what_was_in_line(line: Outbox) -> None:
    """What waits or is on its way follows the group to its new id; what was sent stays with the old one."""
    sent = line.add(STAFF)
    line.send_all()
    flying, waiting, other = line.add(STAFF), line.add(STAFF), line.add(ANA)
    line.claim()

    line.database.call(outbox.follow_chat, STAFF, STAFF - 1)

    rows = [line.row(row_id) for row_id in (sent, flying, waiting, other)]
    assert [row.chat_id if row else None for row in rows] == [STAFF, STAFF - 1, STAFF - 1, ANA]


@pytest.mark.parametrize("state", [OutboxState.AGAIN, OutboxState.DOUBT])
def test_a_group_that_moved_gets_what_waits_for_another_try(line: Outbox, state: OutboxState) -> None:
    """It is tried at its moment, at the new id."""
    waiting(line, state, STAFF)

    line.database.call(outbox.follow_chat, STAFF, STAFF - 1)

    assert [row.chat_id for row in line.look(NOW + MINUTE).rows] == [STAFF - 1]


# --- when and whether ------------------------------------------------------------------------------------


def test_nothing_to_send(line: Outbox) -> None:
    """True while all is sent or waits for later; false while something may leave or is on its way."""
    assert line.database.call(outbox.nothing_to_send, NOW)
    row_id = line.add()
    assert not line.database.call(outbox.nothing_to_send, NOW)
    line.claim()
    assert not line.database.call(outbox.nothing_to_send, NOW)
    line.database.call(outbox.retry, row_id, NOW + MINUTE, "no connection")
    assert line.database.call(outbox.nothing_to_send, NOW)
    assert not line.database.call(outbox.nothing_to_send, NOW + MINUTE)
    line.claim(NOW + MINUTE)
    line.database.call(outbox.unknown, row_id, NOW + MINUTE, "timed out", MINUTE)
    assert line.database.call(outbox.nothing_to_send, NOW + MINUTE)
    assert not line.database.call(outbox.nothing_to_send, NOW + 2 * MINUTE)
    line.send_all(NOW + 2 * MINUTE)
    assert line.database.call(outbox.nothing_to_send, NOW + DAY)


def test_the_next_try_is_that_of_the_first_that_failed(line: Outbox) -> None:
    """Only what waits for another try has a moment; a claim tells the earliest."""

    def next_try(now: datetime = NOW, limit: int = 0) -> datetime | None:
        return line.database.call(claims.claim, now, MINUTE, limit).next_try

    ids = [line.add(chat) for chat in (1, 2, 3, 4)]
    assert next_try() is None
    line.claim(limit=3)
    for row_id, at in zip(ids, (NOW + MINUTE, NOW + 9 * SECOND, NOW + MINUTE), strict=False):
        line.database.call(outbox.retry, row_id, at, "no connection")

    assert next_try() == NOW + 9 * SECOND
    assert next_try(NOW + 9 * SECOND) == NOW + MINUTE
    line.send_all(NOW + MINUTE)
    assert next_try(NOW + MINUTE) is None


def test_what_was_sent_lately_is_told_oldest_first(line: Outbox) -> None:
    """Chat and moment of each message sent after a moment; what was not sent is not there."""
    for chat, seconds in ((1, 0), (2, 30), (3, 50), (1, 40)):
        row_id = line.add(chat)
        line.claim(limit=1)
        line.database.call(outbox.sent, row_id, 1, NOW + seconds * SECOND)
    line.add(4)
    line.claim()
    line.add(5)

    found = line.database.call(outbox.sent_since, NOW)

    assert found == [(2, NOW + 30 * SECOND), (1, NOW + 40 * SECOND), (3, NOW + 50 * SECOND)]
    assert line.database.call(outbox.sent_since, NOW, 2) == found[1:]


def test_what_was_sent_lately_is_found_before_a_long_line(line: Outbox) -> None:
    """Whatever was put in line since, and is still waiting: the pace goes by what left."""
    row_id = line.add(1)
    line.claim()
    line.database.call(outbox.sent, row_id, 1, NOW + SECOND)
    for chat in range(2, 6):
        line.add(chat)

    assert line.database.call(outbox.sent_since, NOW, 3) == [(1, NOW + SECOND)]


# --- forgetting ------------------------------------------------------------------------------------------


def test_erasing_a_chat_drops_what_was_said_about_it_as_well(line: Outbox) -> None:
    """Messages to a patient and messages to staff about them are gone, whatever their state; others stay."""
    said = line.add(ANA)
    about = line.add(STAFF, about_chat=ANA)
    waiting = line.add(ANA)
    others = [line.add(STAFF, about_chat=BEN), line.add(BEN)]
    line.claim(limit=2)
    assert [row.id for row in line.database.call(outbox.of_chat, ANA)] == [said, about, waiting]

    assert line.database.call(outbox.erase_chat, ANA) == 3

    assert [line.row(row_id) for row_id in (said, about, waiting)] == [None] * 3
    assert None not in [line.row(row_id) for row_id in others]


def test_tidying_drops_what_is_old_and_over(line: Outbox) -> None:
    """Old messages go, but never one that is still in line or on its way; the number is returned."""
    old = line.add(ANA, now=NOW - 20 * DAY)
    line.send_all(NOW - 20 * DAY)
    cancelled = line.add(BEN, now=NOW - 20 * DAY)
    line.database.call(outbox.cancel, BEN)
    recent = line.add(ANA, now=NOW - DAY)
    line.send_all()
    again, flying, in_doubt, queued = (
        line.add(chat, now=NOW - 20 * DAY, useful_until=NOW) for chat in (BEN, ANA, STAFF, ANA)
    )
    line.claim()
    line.database.call(outbox.retry, again, NOW + DAY, "no connection")
    line.database.call(outbox.unknown, in_doubt, NOW, "timed out")

    assert line.database.call(outbox.tidy, NOW - 10 * DAY) == 2

    assert line.row(old) is line.row(cancelled) is None
    assert [line.state(row_id) for row_id in (recent, again, flying, in_doubt, queued)] == [
        OutboxState.SENT,
        OutboxState.AGAIN,
        OutboxState.SENDING,
        OutboxState.DOUBT,
        OutboxState.QUEUED,
    ]


def test_tidying_drops_no_more_at_a_time_than_it_may(line: Outbox) -> None:
    """The oldest go first, and the next call goes on; a message in line is passed over, not waited for."""
    waits = line.add(BEN, now=NOW - 20 * DAY)
    line.database.call(outbox.end, waits, OutboxState.AGAIN, "no connection")
    ids = [line.add(ANA, now=NOW - 20 * DAY) for _ in range(3)]
    line.database.call(outbox.cancel, ANA)

    assert line.database.call(outbox.tidy, NOW - 10 * DAY, 2) == 2
    assert [line.row(row_id) is None for row_id in ids] == [True, True, False]
    assert line.database.call(outbox.tidy, NOW - 10 * DAY, 2) == 1
    assert line.database.call(outbox.tidy, NOW - 10 * DAY, 2) == 0
    assert line.state(waits) == OutboxState.AGAIN


@pytest.mark.parametrize("state", list(OutboxState))
def test_what_has_not_come_to_its_end_is_under_way(line: Outbox, state: OutboxState) -> None:
    """In line, in doubt or on its way; of this chat and this slot."""

    def put(session: Session) -> None:
        row = outbox.add(session, ANA, Outgoing(text="x", slot="check_in:1"), NOW)
        row.state = state

    line.database.call(put)

    def is_under_way(chat: int, slot: str) -> bool:
        return line.database.call(outbox.is_under_way, chat, slot)

    assert is_under_way(ANA, "check_in:1") is (state in OPEN)
    assert not is_under_way(BEN, "check_in:1")
    assert not is_under_way(ANA, "check_in:2")
