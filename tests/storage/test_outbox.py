"""Tests of `bot.storage.outbox`: what was decided is sent in order, once; at most twice if its fate is unknown."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from bot.domain.message import Button, Outgoing, Priority
from bot.storage import outbox
from bot.storage.database import Database
from bot.storage.outbox import OutboxState, Purpose
from bot.storage.tables import OutboxRow
from tests.storage.conftest import ANA, BEN, NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LEASE = MINUTE
STAFF = -1_002_000_000_001

Mishap = Callable[[Database, int, datetime], None]


def _add(
    database: Database,
    chat_id: int = ANA,
    *,
    text: str = "Hello",
    slot: str | None = None,
    now: datetime = NOW,
    priority: Priority = Priority.REPLY,
    about_chat: int | None = None,
    purpose: Purpose | None = None,
    useful_until: datetime | None = None,
) -> int:
    return database.call(
        outbox.add,
        chat_id,
        Outgoing(text=text, slot=slot),
        now,
        priority=priority,
        about_chat=about_chat,
        purpose=purpose,
        useful_until=useful_until,
    ).id


def _claim(database: Database, now: datetime = NOW, limit: int = 16) -> list[int]:
    return [row.id for row in database.call(outbox.claim, now, LEASE, limit)]


def _row(database: Database, row_id: int) -> OutboxRow | None:
    return database.call(lambda session: session.get(OutboxRow, row_id))


def _state(database: Database, row_id: int) -> str | None:
    row = _row(database, row_id)
    return row.state if row else None


def _send_all(database: Database, now: datetime = NOW) -> list[int]:
    """Claim one batch after the other, record every message as sent, and return them in their order."""
    order: list[int] = []
    while ids := _claim(database, now):
        for row_id in ids:
            database.call(outbox.sent, row_id, 100 + row_id, now)
        order += ids
    return order


# --- order -----------------------------------------------------------------------------------------------


def test_a_message_comes_back_as_it_was_put_in(database: Database) -> None:
    """Text, buttons and slot survive being stored."""
    outgoing = Outgoing(
        text="<b>还痛?</b> 😣", buttons=((Button(label="Yes", data="ci:1:yes"),),), slot="check_in:1"
    )
    database.call(outbox.add, ANA, outgoing, NOW)

    (row,) = database.call(outbox.claim, NOW, LEASE, 1)

    assert Outgoing.from_dict(row.payload or {}) == outgoing
    assert (row.chat_id, row.slot, row.state) == (ANA, "check_in:1", OutboxState.SENDING)


def test_a_decision_that_was_rolled_back_says_nothing(database: Database) -> None:
    """A message belongs to the transaction that decided it."""

    def decide(session: Session) -> None:
        outbox.add(session, ANA, Outgoing(text="Hello"), NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.call(decide)

    assert _claim(database) == []


def test_the_most_urgent_leaves_first(database: Database) -> None:
    """Danger, reply, alert, check-in, digest: whatever came first."""
    ids = {
        priority: _add(database, chat_id, priority=priority)
        for chat_id, priority in enumerate(reversed(Priority), start=1)
    }

    assert _claim(database, limit=2) == [ids[Priority.DANGER], ids[Priority.REPLY]]
    assert _claim(database) == [ids[Priority.ALERT], ids[Priority.CHECK_IN], ids[Priority.DIGEST]]


def test_equals_leave_in_the_order_of_decision(database: Database) -> None:
    """Among messages of one priority the oldest is first."""
    ids = [_add(database, chat_id) for chat_id in (30, 10, 20)]

    assert _claim(database) == ids


def test_a_batch_has_its_limit(database: Database) -> None:
    """No more than *limit* messages are taken; the rest stay in line."""
    ids = [_add(database, chat_id) for chat_id in range(1, 6)]

    assert _claim(database, limit=3) == ids[:3]
    assert _claim(database, limit=3) == ids[3:]


def test_one_message_of_a_chat_is_on_its_way_at_a_time(database: Database) -> None:
    """The next one of a chat leaves only when the one before it has been recorded."""
    first, second, third = (_add(database) for _ in range(3))

    assert _claim(database) == [first]
    assert _claim(database) == []
    database.call(outbox.sent, first, 1, NOW)
    assert _claim(database) == [second]
    database.call(outbox.end, second, OutboxState.REFUSED, "bad request")
    assert _claim(database) == [third]


def test_danger_overtakes_within_a_chat(database: Database) -> None:
    """What to do about a red flag is said before what was already in line for the same person."""
    reply = _add(database)
    danger = _add(database, priority=Priority.DANGER)

    assert _send_all(database) == [danger, reply]


def test_two_who_claim_never_get_the_same(database: Database) -> None:
    """A message that one process has claimed is not given to another."""
    for chat_id in range(1, 5):
        _add(database, chat_id)
    other = Database(database.url)
    first, second = _claim(database, limit=2), _claim(other)
    other.close()

    assert len(first) == len(second) == 2
    assert not set(first) & set(second)


def test_a_crowded_chat_does_not_starve_the_others(database: Database) -> None:
    """However many alerts wait for the staff group, a patient's reply leaves as soon as there is room."""

    def alarm(session: Session) -> None:
        for _ in range(600):
            outbox.add(session, STAFF, Outgoing(text="Alert"), NOW, priority=Priority.DANGER)

    database.call(alarm)
    reply = _add(database, ANA)

    assert _claim(database)[1:] == [reply]


# --- trying again ----------------------------------------------------------------------------------------


def test_a_message_that_waits_for_another_try_holds_up_its_chat(database: Database) -> None:
    """Nothing overtakes it within its chat; other chats go on; then it goes first."""
    first, second, other = _add(database, ANA), _add(database, ANA), _add(database, BEN)
    assert _claim(database, limit=1) == [first]

    database.call(outbox.retry, first, NOW + 5 * SECOND, "no connection")

    assert _send_all(database) == [other]
    assert _send_all(database, NOW + 5 * SECOND) == [first, second]


def test_nothing_reached_telegram_is_tried_without_end(database: Database) -> None:
    """A failure before Telegram is no doubt: the message is tried until it arrives, and then sent once."""
    row_id = _add(database)
    for tries in range(1, 11):
        now = NOW + tries * MINUTE
        assert _claim(database, now) == [row_id]
        database.call(outbox.retry, row_id, now + SECOND, "no connection")

    assert _send_all(database, NOW + DAY) == [row_id]
    row = _row(database, row_id)
    assert row is not None
    assert (row.state, row.attempts, row.error) == (OutboxState.SENT, 11, None)


def test_giving_back_is_no_attempt(database: Database) -> None:
    """A message for which the pace had no room is as it was, and leaves in its turn."""
    first, second = _add(database), _add(database)
    _claim(database)

    database.call(outbox.give_back, first)

    row = _row(database, first)
    assert row is not None
    assert (row.state, row.attempts, row.lease_until) == (OutboxState.QUEUED, 0, None)
    assert _send_all(database) == [first, second]


@pytest.mark.parametrize("act", ["give_back", "retry", "unknown", "end"])
def test_a_late_word_on_a_sent_message_changes_nothing(database: Database, act: str) -> None:
    """Once recorded as sent, a message is never put back in line nor given up."""
    row_id = _add(database)
    _send_all(database)

    if act == "give_back":
        database.call(outbox.give_back, row_id)
    elif act == "retry":
        database.call(outbox.retry, row_id, NOW, "late")
    elif act == "unknown":
        database.call(outbox.unknown, row_id, NOW, "late")
    else:
        assert database.call(outbox.end, row_id, OutboxState.GONE, "late") is None

    assert _state(database, row_id) == OutboxState.SENT
    assert _claim(database, NOW + DAY) == []


# --- unknown fates: at most twice ------------------------------------------------------------------------


def _crash(database: Database, row_id: int, now: datetime) -> None:
    """Let the process die between sending and recording, and the lease run out."""
    database.call(outbox.recover, now + LEASE + SECOND)


def _lose_the_answer(database: Database, row_id: int, now: datetime) -> None:
    """Let the network fail after the message left."""
    database.call(outbox.unknown, row_id, now, "timed out")


def _restart(database: Database, row_id: int, now: datetime) -> None:
    """Let the process die, and be started again at once."""
    database.call(outbox.recover, now, all_of_them=True)


@pytest.mark.parametrize("first", [_crash, _lose_the_answer, _restart])
@pytest.mark.parametrize("second", [_crash, _lose_the_answer, _restart])
def test_a_message_is_sent_at_most_twice(database: Database, first: Mishap, second: Mishap) -> None:
    """However its answer is lost, again and again, a message leaves twice and then ends as unknown."""
    row_id = _add(database)
    left = 0
    for round_ in range(6):
        now = NOW + round_ * 5 * MINUTE
        if _claim(database, now):
            left += 1
            (first, second)[round_ % 2](database, row_id, now)

    assert left == 2
    assert _state(database, row_id) == OutboxState.UNKNOWN


def test_a_message_that_arrives_the_second_time_is_sent(database: Database) -> None:
    """The one repeat may succeed; afterwards nothing is repeated."""
    row_id = _add(database)
    _claim(database)
    _lose_the_answer(database, row_id, NOW)

    assert _send_all(database) == [row_id]

    _crash(database, row_id, NOW + DAY)
    assert _state(database, row_id) == OutboxState.SENT
    assert _claim(database, NOW + 2 * DAY) == []


def test_failures_in_between_give_no_further_repeat(database: Database) -> None:
    """A try that reached nobody neither uses up the repeat nor earns another."""
    row_id = _add(database)
    left = 0
    for fate in ("unknown", "retry", "retry", "unknown", "unknown"):
        if not _claim(database):
            break
        if fate == "unknown":
            left += 1
            database.call(outbox.unknown, row_id, NOW, "timed out")
        else:
            database.call(outbox.retry, row_id, NOW, "no connection")

    assert left == 2
    assert _state(database, row_id) == OutboxState.UNKNOWN


def test_a_lease_is_respected_until_it_ends(database: Database) -> None:
    """A message on its way is left alone while its lease runs, and recovered afterwards, once."""
    row_id = _add(database)
    _claim(database)

    assert database.call(outbox.recover, NOW + LEASE) == 0
    assert _claim(database, NOW + LEASE) == []
    assert database.call(outbox.recover, NOW + LEASE + SECOND) == 1
    assert database.call(outbox.recover, NOW + LEASE + SECOND) == 0
    assert _claim(database, NOW + LEASE + SECOND) == [row_id]


def test_the_only_process_need_not_wait_for_leases(database: Database) -> None:
    """At its start, the only process takes back everything that was on its way."""
    ids = [_add(database, ANA), _add(database, BEN)]
    _claim(database)

    assert database.call(outbox.recover, NOW, all_of_them=True) == 2
    assert _claim(database) == ids


def test_an_answer_that_comes_after_the_lease_still_counts(database: Database) -> None:
    """If Telegram's answer is recorded before the repeat has left, nothing is repeated."""
    row_id = _add(database)
    _claim(database)
    _crash(database, row_id, NOW)

    database.call(outbox.sent, row_id, 1, NOW + 2 * MINUTE)

    assert _claim(database, NOW + DAY) == []


def test_a_repeat_holds_its_place(database: Database) -> None:
    """A message of unknown fate is repeated before anything later of its chat."""
    first, second = _add(database), _add(database)
    _claim(database)
    _lose_the_answer(database, first, NOW)

    assert _send_all(database) == [first, second]


# --- ending otherwise ------------------------------------------------------------------------------------


def test_a_message_that_is_no_longer_useful_is_not_sent(database: Database) -> None:
    """Up to its moment it may leave; after it, it expires and its chat goes on."""
    useful = _add(database, ANA, useful_until=NOW + MINUTE)
    stale = _add(database, BEN, useful_until=NOW)
    after = _add(database, BEN)

    assert _claim(database, NOW + MINUTE) == [useful, after]
    assert _state(database, stale) == OutboxState.EXPIRED


def test_an_expired_retry_frees_its_chat(database: Database) -> None:
    """A message that waited for another try until it was of no use holds up nobody any more."""
    stale = _add(database, useful_until=NOW + MINUTE)
    after = _add(database)
    _claim(database)
    database.call(outbox.retry, stale, NOW + DAY, "flood")

    assert _claim(database, NOW + 2 * MINUTE) == [after]


@pytest.mark.parametrize("state", [OutboxState.GONE, OutboxState.REFUSED, OutboxState.EXPIRED])
def test_what_was_given_up_is_not_sent(database: Database, state: OutboxState) -> None:
    """A message that ended keeps its reason and is never claimed again, even after a restart."""
    row_id = _add(database)
    _claim(database)

    ended = database.call(outbox.end, row_id, state, "Forbidden: " + "x" * 400)

    assert ended is not None
    assert (ended.state, ended.error) == (state, ("Forbidden: " + "x" * 400)[:300])
    assert database.call(outbox.recover, NOW + DAY, all_of_them=True) == 0
    assert _claim(database, NOW + DAY) == []


def test_what_waits_can_be_cancelled(database: Database) -> None:
    """All that is in line for one chat is cancelled; sent messages and other chats are not touched."""
    sent = _add(database, ANA)
    _send_all(database)
    mine = [_add(database, ANA), _add(database, ANA)]
    other = _add(database, BEN)

    assert database.call(outbox.cancel, ANA) == 2

    assert [_state(database, row_id) for row_id in mine] == [OutboxState.CANCELLED] * 2
    assert _state(database, sent) == OutboxState.SENT
    assert _send_all(database) == [other]


def test_only_one_purpose_or_slot_is_cancelled_if_asked(database: Database) -> None:
    """A stop withdraws check-ins and keeps replies; a slot names one message."""
    check_in = _add(database, purpose=Purpose.CHECK_IN, slot="check_in:1")
    reply = _add(database)
    later = _add(database, slot="check_in:2")
    relay = _add(database, purpose=Purpose.RELAY, slot="check_in:1")

    assert database.call(outbox.cancel, ANA, Purpose.CHECK_IN) == 1
    assert database.call(outbox.cancel, ANA, slot="check_in:2") == 1
    assert database.call(outbox.cancel, ANA, Purpose.CHECK_IN, "check_in:1") == 0

    assert _state(database, check_in) == _state(database, later) == OutboxState.CANCELLED
    assert _send_all(database) == [reply, relay]


@pytest.mark.parametrize("fate", ["retry", "unknown", "recover"])
def test_what_was_cancelled_on_its_way_is_not_tried_again(database: Database, fate: str) -> None:
    """If a patient says stop while a check-in is on its way and that try fails, it does not leave later."""
    row_id = _add(database, purpose=Purpose.CHECK_IN)
    _claim(database)
    database.call(outbox.cancel, ANA, Purpose.CHECK_IN)

    if fate == "retry":
        database.call(outbox.retry, row_id, NOW + SECOND, "flood")
    elif fate == "unknown":
        database.call(outbox.unknown, row_id, NOW + SECOND, "timed out")
    else:
        database.call(outbox.recover, NOW + DAY)

    assert _claim(database, NOW + DAY) == []


def test_what_was_cancelled_on_its_way_and_arrived_is_on_record(database: Database) -> None:
    """It stands in the chat after all, so it can be found under its id and its slot."""
    row_id = _add(database, purpose=Purpose.CHECK_IN, slot="check_in:1")
    _claim(database)
    database.call(outbox.cancel, ANA, Purpose.CHECK_IN)

    database.call(outbox.sent, row_id, 77, NOW)

    assert _state(database, row_id) == OutboxState.SENT
    assert database.call(outbox.message_in_slot, ANA, "check_in:1") == 77


# --- recording, and what must not be kept ----------------------------------------------------------------


def test_what_was_sent_is_on_record(database: Database) -> None:
    """When, under which message id, and the words: an ordinary message keeps them."""
    row_id = _add(database, text="Drink some water")
    _claim(database)

    assert database.call(outbox.sent, row_id, 77, NOW + SECOND) is not None

    row = _row(database, row_id)
    assert row is not None
    assert (row.state, row.sent_at, row.message_id, row.lease_until) == (
        OutboxState.SENT,
        NOW + SECOND,
        77,
        None,
    )
    assert (row.payload or {})["text"] == "Drink some water"


def test_what_was_said_to_a_stranger_is_erased_once_sent(database: Database) -> None:
    """Nothing of it is left, not even to whom."""
    row_id = _add(database, purpose=Purpose.STRANGER)

    assert _send_all(database) == [row_id]

    assert _row(database, row_id) is None
    assert database.call(outbox.of_chat, ANA) == []


def test_secret_words_are_erased_once_sent(database: Database) -> None:
    """That it was sent, and under which id, stays; the words do not."""
    row_id = _add(database, purpose=Purpose.SECRET, text="Your code: ABCD")
    _claim(database)

    database.call(outbox.sent, row_id, 77, NOW)

    row = _row(database, row_id)
    assert row is not None
    assert (row.state, row.message_id, row.payload) == (OutboxState.SENT, 77, None)


@pytest.mark.parametrize("purpose", [Purpose.STRANGER, Purpose.SECRET])
@pytest.mark.parametrize("ending", ["gone", "refused", "unknown", "expired", "cancelled"])
def test_what_must_not_be_kept_is_erased_however_it_ends(
    database: Database, purpose: Purpose, ending: str
) -> None:
    """A stranger's or a secret message that never arrived leaves no words, and a stranger's no chat."""
    row_id = _add(database, purpose=purpose, text="Soreness is common", useful_until=NOW + MINUTE)
    if ending == "expired":
        _claim(database, NOW + DAY)
    elif ending == "cancelled":
        database.call(outbox.cancel, ANA)
    elif ending == "unknown":
        for _ in range(2):
            _claim(database)
            _lose_the_answer(database, row_id, NOW)
    else:
        _claim(database)
        database.call(outbox.end, row_id, OutboxState(ending), "Forbidden")

    assert _claim(database, NOW + 2 * DAY) == []
    row = _row(database, row_id)
    assert "Soreness" not in str(row.payload if row else None)
    assert purpose is Purpose.SECRET or row is None


def test_what_was_erased_on_its_way_is_not_recorded(database: Database) -> None:
    """If a patient was forgotten while a message was on its way, its answer brings nothing back."""
    row_id = _add(database)
    _claim(database)
    database.call(outbox.erase_chat, ANA)

    assert database.call(outbox.sent, row_id, 77, NOW) is None
    database.call(outbox.unknown, row_id, NOW, "timed out")

    assert _row(database, row_id) is None


# --- finding a message again -----------------------------------------------------------------------------


def test_a_slot_names_the_newest_message_sent(database: Database) -> None:
    """Only messages that were sent count, in that chat and under that slot."""
    for chat_id, slot in ((ANA, "menu"), (ANA, "menu"), (BEN, "menu"), (ANA, "other")):
        _add(database, chat_id, slot=slot)
    ids = sorted(_send_all(database))
    _add(database, ANA, slot="menu")

    assert database.call(outbox.message_in_slot, ANA, "menu") == 100 + ids[1]
    assert database.call(outbox.message_in_slot, BEN, "menu") == 100 + ids[2]
    assert database.call(outbox.message_in_slot, BEN, "other") is None


def test_a_message_is_found_by_its_id_in_its_chat(database: Database) -> None:
    """Message ids count per chat; if one comes twice, the newest is meant."""
    ids = [_add(database, chat_id) for chat_id in (ANA, BEN, ANA)]
    for _ in ids:
        for row_id in _claim(database):
            database.call(outbox.sent, row_id, 7, NOW)

    found = database.call(outbox.by_message, ANA, 7)
    other = database.call(outbox.by_message, BEN, 7)

    assert found is not None
    assert other is not None
    assert (found.id, other.id) == (ids[2], ids[1])
    assert database.call(outbox.by_message, ANA, 8) is None


def test_a_group_that_moved_gets_what_was_in_line(database: Database) -> None:
    """What waits or is on its way follows the group to its new id; what was sent stays with the old one."""
    sent = _add(database, STAFF)
    _send_all(database)
    flying, waiting, other = _add(database, STAFF), _add(database, STAFF), _add(database, ANA)
    _claim(database)

    database.call(outbox.follow_chat, STAFF, STAFF - 1)

    rows = [_row(database, row_id) for row_id in (sent, flying, waiting, other)]
    assert [row.chat_id if row else None for row in rows] == [STAFF, STAFF - 1, STAFF - 1, ANA]


# --- when and whether ------------------------------------------------------------------------------------


def test_nothing_to_send(database: Database) -> None:
    """True while all is sent or waits for later; false while something may leave or is on its way."""
    assert database.call(outbox.nothing_to_send, NOW)
    row_id = _add(database)
    assert not database.call(outbox.nothing_to_send, NOW)
    _claim(database)
    assert not database.call(outbox.nothing_to_send, NOW)
    database.call(outbox.retry, row_id, NOW + MINUTE, "no connection")
    assert database.call(outbox.nothing_to_send, NOW)
    assert not database.call(outbox.nothing_to_send, NOW + MINUTE)
    _send_all(database, NOW + MINUTE)
    assert database.call(outbox.nothing_to_send, NOW + DAY)


def test_the_next_moment_is_that_of_the_first_in_line(database: Database) -> None:
    """`next_moment` is the earliest moment at which something queued may leave."""
    assert database.call(outbox.next_moment) is None
    first, _second = _add(database, ANA), _add(database, BEN, now=NOW + 9 * SECOND)
    assert database.call(outbox.next_moment) == NOW

    _claim(database)
    database.call(outbox.retry, first, NOW + MINUTE, "no connection")

    assert database.call(outbox.next_moment) == NOW + 9 * SECOND
    _send_all(database, NOW + DAY)
    assert database.call(outbox.next_moment) is None


# --- forgetting ------------------------------------------------------------------------------------------


def test_erasing_a_chat_drops_what_was_said_about_it_as_well(database: Database) -> None:
    """Messages to a patient and messages to staff about them are gone, whatever their state; others stay."""
    said = _add(database, ANA)
    about = _add(database, STAFF, about_chat=ANA)
    waiting = _add(database, ANA)
    others = [_add(database, STAFF, about_chat=BEN), _add(database, BEN)]
    _claim(database, limit=2)
    assert [row.id for row in database.call(outbox.of_chat, ANA)] == [said, about, waiting]

    assert database.call(outbox.erase_chat, ANA) == 3

    assert [_row(database, row_id) for row_id in (said, about, waiting)] == [None] * 3
    assert None not in [_row(database, row_id) for row_id in others]


def test_tidying_drops_what_is_old_and_over(database: Database) -> None:
    """Old messages go, but never one that is still in line or on its way; the number is returned."""
    old = _add(database, ANA, now=NOW - 20 * DAY)
    cancelled = _add(database, BEN, now=NOW - 20 * DAY)
    database.call(outbox.cancel, BEN)
    recent = _add(database, ANA, now=NOW - DAY)
    _send_all(database)
    flying = _add(database, ANA, now=NOW - 20 * DAY)
    waiting = _add(database, ANA, now=NOW - 20 * DAY)
    _claim(database)

    assert database.call(outbox.tidy, NOW - 10 * DAY) == 2

    assert _row(database, old) is _row(database, cancelled) is None
    assert [_state(database, row_id) for row_id in (recent, flying, waiting)] == ["sent", "sending", "queued"]
