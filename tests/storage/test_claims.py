"""Tests of `bot.storage.claims`: what may leave is taken in order, once; at most twice if its fate is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from bot.domain.message import Button, Outgoing, Priority
from bot.storage import claims, outbox
from bot.storage.claims import LONGEST_PAUSE
from bot.storage.database import Database
from bot.storage.outbox import OutboxState, Purpose
from bot.storage.tables import OutboxRow
from tests.kit.outbox import LEASE, Outbox
from tests.storage.conftest import ANA, BEN, NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
STAFF = -1_002_000_000_001

Mishap = Callable[[Outbox, int, datetime], None]


@pytest.fixture
def line(database: Database) -> Outbox:
    """Give an empty outbox."""
    return Outbox(database, NOW, ANA)


# --- order -----------------------------------------------------------------------------------------------


def test_a_message_comes_back_as_it_was_put_in(line: Outbox) -> None:
    """Text, buttons and slot survive being stored."""
    outgoing = Outgoing(
        text="<b>还痛?</b> 😣", buttons=((Button(label="Yes", data="ci:1:yes"),),), slot="check_in:1"
    )
    line.database.call(outbox.add, ANA, outgoing, NOW, priority=Priority.ALERT, purpose=Purpose.RELAY)

    (row,) = line.look(limit=1).rows

    assert Outgoing.from_dict(row.payload or {}) == outgoing
    assert (row.chat_id, row.priority, row.purpose) == (ANA, Priority.ALERT, Purpose.RELAY)


def test_the_most_urgent_leaves_first(line: Outbox) -> None:
    """Danger, reply, alert, check-in, digest: whatever came first."""
    ids = {
        priority: line.add(chat_id, priority=priority)
        for chat_id, priority in enumerate(reversed(Priority), start=1)
    }

    assert line.claim(limit=2) == [ids[Priority.DANGER], ids[Priority.REPLY]]
    assert line.claim() == [ids[Priority.ALERT], ids[Priority.CHECK_IN], ids[Priority.DIGEST]]


def test_equals_leave_in_the_order_of_decision(line: Outbox) -> None:
    """Among messages of one priority the oldest is first."""
    ids = [line.add(chat_id) for chat_id in (30, 10, 20)]

    assert line.claim() == ids


def test_a_batch_has_its_limit(line: Outbox) -> None:
    """No more than *limit* messages are taken; the rest stay in line."""
    ids = [line.add(chat_id) for chat_id in range(1, 6)]

    assert line.claim(limit=3) == ids[:3]
    assert line.claim(limit=3) == ids[3:]


def test_one_message_of_a_chat_is_on_its_way_at_a_time(line: Outbox) -> None:
    """The next one of a chat leaves only when the one before it has been recorded."""
    first, second, third = (line.add() for _ in range(3))

    assert line.claim() == [first]
    assert line.claim() == []
    line.database.call(outbox.sent, first, 1, NOW)
    assert line.claim() == [second]
    line.database.call(outbox.end, second, OutboxState.REFUSED, "bad request")
    assert line.claim() == [third]


def test_danger_overtakes_within_a_chat(line: Outbox) -> None:
    """What to do about a red flag is said before what was already in line for the same person."""
    reply = line.add()
    danger = line.add(priority=Priority.DANGER)

    assert line.send_all() == [danger, reply]


def test_two_who_claim_never_get_the_same(line: Outbox) -> None:
    """A message that one process has claimed is not given to another."""
    for chat_id in range(1, 5):
        line.add(chat_id)
    other = Database(line.database.url)
    first, second = line.claim(limit=2), Outbox(other, NOW, ANA).claim()
    other.close()

    assert len(first) == len(second) == 2
    assert not set(first) & set(second)


def test_a_crowded_chat_does_not_starve_the_others(line: Outbox) -> None:
    """However many alerts wait for the staff group, a patient's reply leaves as soon as there is room."""

    def alarm(session: Session) -> None:
        for _ in range(600):
            outbox.add(session, STAFF, Outgoing(text="Alert"), NOW, priority=Priority.DANGER)

    line.database.call(alarm)
    reply = line.add(ANA)

    assert line.claim()[1:] == [reply]


@pytest.mark.parametrize("crowd", [claims.PAGE - 1, claims.PAGE, claims.PAGE + 1, 3 * claims.PAGE])
def test_a_crowd_in_front_hides_nobody_behind_it(line: Outbox, crowd: int) -> None:
    """Behind any number of messages of one chat, and again of another, each chat's first is found in its turn."""

    def crowd_in(session: Session) -> list[int]:
        firsts = []
        for chat in (STAFF, ANA, BEN):
            rows = [
                outbox.add(session, chat, Outgoing(text="Hello"), NOW, priority=Priority.ALERT)
                for _ in range(crowd)
            ]
            session.flush()
            firsts.append(rows[0].id)
        return firsts

    firsts = line.database.call(crowd_in)
    assert line.claim() == firsts
    assert line.claim() == []


def test_a_claim_may_be_larger_than_a_page(line: Outbox) -> None:
    """What one look at the line does not find, the next one does."""
    number = 2 * claims.PAGE + 1
    rows = line.database.call(
        lambda session: [outbox.add(session, chat, Outgoing(), NOW) for chat in range(1, number + 1)]
    )
    assert line.claim(limit=10 * number) == [row.id for row in rows]


def test_what_the_same_transaction_decided_is_claimed(line: Outbox) -> None:
    """An answer that is recorded, or a message that is put in line, just before the claim counts for it."""
    first, second = line.add(ANA), line.add(ANA)
    line.claim()

    def answered_and_decided(session: Session) -> list[int]:
        row = session.get(OutboxRow, first)
        assert row is not None
        row.state = OutboxState.SENT
        outbox.add(session, BEN, Outgoing(), NOW)
        return [row.id for row in claims.claim(session, NOW, LEASE, 10).rows]

    ids = line.database.call(answered_and_decided)
    assert ids[0] == second
    assert len(ids) == 2


def test_what_is_claimed_is_marked_so(line: Outbox) -> None:
    """On its way, for as long as the lease says, and tried once more."""
    row_id = line.add()
    line.claim()

    row = line.there(row_id)
    assert (row.state, row.lease_until, row.attempts) == (OutboxState.SENDING, NOW + LEASE, 1)


# --- the pace --------------------------------------------------------------------------------------------


def test_of_what_can_wait_only_so_many_are_taken(line: Outbox) -> None:
    """Check-ins and digests share their number; what cannot wait has its own."""
    digest = line.add(1, priority=Priority.DIGEST)
    check_ins = [line.add(chat, priority=Priority.CHECK_IN) for chat in (2, 3)]
    others = [line.add(chat, priority=priority) for chat, priority in enumerate(list(Priority)[:3], start=4)]

    first = line.look(slow=1)
    assert ([row.id for row in first.rows], first.waiting) == ([*others, check_ins[0]], Priority.CHECK_IN)
    none = line.look(slow=0)
    assert (none.rows, none.waiting) == ([], Priority.CHECK_IN)
    rest = line.look(slow=2)
    assert ([row.id for row in rest.rows], rest.waiting) == ([check_ins[1], digest], None)


def test_what_can_wait_counts_within_the_limit(line: Outbox) -> None:
    """A place for a check-in is no place more."""
    reply = line.add(1)
    line.add(2, priority=Priority.CHECK_IN)

    found = line.look(limit=1, slow=1)

    assert ([row.id for row in found.rows], found.waiting) == ([reply], Priority.CHECK_IN)


def test_without_a_number_what_can_wait_fills_the_limit(line: Outbox) -> None:
    """All places may be check-ins'."""
    ids = [line.add(chat, priority=Priority.CHECK_IN) for chat in range(1, 5)]
    assert line.claim(limit=3) == ids[:3]


@pytest.mark.parametrize("priority", Priority)
def test_what_only_the_pace_holds_back_is_told(line: Outbox, priority: Priority) -> None:
    """When there is no room, the best of what would leave is named, and nothing is taken."""
    row_id = line.add(1, priority=priority)
    line.add(2, priority=Priority.DIGEST)

    found = line.look(limit=0)

    assert (found.rows, found.waiting) == ([], priority)
    assert line.state(row_id) == OutboxState.QUEUED


def test_what_something_else_holds_back_is_not_told(line: Outbox) -> None:
    """A full chat, a busy one, one that waits for another try, and a message out of date wait for no room."""
    held = line.add(1)
    line.claim()
    line.database.call(outbox.retry, held, NOW + MINUTE, "no connection")
    line.add(1)
    line.add(2)
    line.add(3, priority=Priority.DANGER)
    line.add(4, useful_until=NOW - SECOND)

    assert line.look(limit=0, full=[2], busy=[3]).waiting is None


def test_a_full_chat_gets_nothing_but_danger(line: Outbox) -> None:
    """The instruction passes; the rest stays in line, and other chats go on."""
    reply, other = line.add(ANA), line.add(BEN)
    danger = line.add(ANA, priority=Priority.DANGER)

    assert [row.id for row in line.look(full=[ANA]).rows] == [danger, other]
    line.database.call(outbox.sent, danger, 1, NOW)
    assert line.look(full=[ANA]).rows == []
    assert line.claim() == [reply]


def test_a_shut_chat_does_not_get_danger_either(line: Outbox) -> None:
    """A group that has had its 20 of the minute: one more would silence the bot for everybody."""
    line.add(ANA, priority=Priority.DANGER)
    other = line.add(BEN)

    assert [row.id for row in line.look(shut=[ANA]).rows] == [other]


def test_a_busy_chat_gets_nothing_at_all(line: Outbox) -> None:
    """Not even danger: what is on its way there must not be overtaken on it."""
    line.add(ANA, priority=Priority.DANGER)
    other = line.add(BEN)

    assert [row.id for row in line.look(busy=[ANA]).rows] == [other]


@dataclass(frozen=True)
class Entry:
    chat: int
    priority: Priority
    state: OutboxState
    waits: bool
    stale: bool


ENTRIES = st.lists(
    st.builds(
        Entry,
        chat=st.integers(1, 6),
        priority=st.sampled_from(Priority),
        state=st.sampled_from(
            [OutboxState.QUEUED] * 4
            + [OutboxState.AGAIN, OutboxState.DOUBT, OutboxState.DOUBT, OutboxState.SENDING, OutboxState.SENT]
        ),
        waits=st.booleans(),
        stale=st.sampled_from([False, False, False, True]),
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entries=ENTRIES,
    limit=st.integers(0, 6),
    slow=st.none() | st.integers(0, 4),
    full=st.sets(st.integers(1, 6), max_size=2),
    busy=st.sets(st.integers(1, 6), max_size=2),
    repeats=st.integers(0, 3),
)
def test_whatever_is_in_line_the_right_messages_are_taken(
    line: Outbox,
    monkeypatch: pytest.MonkeyPatch,
    entries: list[Entry],
    limit: int,
    slow: int | None,
    full: set[int],
    busy: set[int],
    repeats: int,
) -> None:
    """One page or many: the claim is what a plain reading of its rules says, and so is what it says of the rest."""
    monkeypatch.setattr(claims, "PAGE", 4)
    ids = line.database.call(_put, entries)
    queued = [
        (entry.priority, row_id, entry.chat)
        for row_id, entry in zip(ids, entries, strict=True)
        if not entry.stale
        and (entry.state is OutboxState.QUEUED or (entry.state is OutboxState.AGAIN and not entry.waits))
    ]
    failed = {
        entry.chat
        for entry in entries
        if entry.state in (OutboxState.AGAIN, OutboxState.DOUBT) and entry.waits and not entry.stale
    }
    held = full | failed
    closed = busy | {entry.chat for entry in entries if entry.state is OutboxState.SENDING}
    in_doubt = False
    allowed: set[int] = set()
    for priority, row_id, chat in sorted(
        (entry.priority, row_id, entry.chat)
        for row_id, entry in zip(ids, entries, strict=True)
        if entry.state is OutboxState.DOUBT and not entry.waits and not entry.stale
    ):
        if chat in closed or (chat in held and priority is not Priority.DANGER):
            held.add(chat)
        elif len(allowed) == repeats:
            in_doubt = True
            held.add(chat)
        else:
            allowed.add(row_id)  # it holds up others of its chat, and is held up by none
            queued.append((priority, row_id, chat))
    expected: list[int] = []
    waiting, slow_left = None, limit if slow is None else slow
    for priority, row_id, chat in sorted(queued):
        passes = priority is Priority.DANGER or row_id in allowed
        if chat in closed or (chat in held and not passes):
            continue
        can_wait = priority >= Priority.CHECK_IN
        if len(expected) == limit or (can_wait and slow_left == 0):
            waiting = priority
            break
        closed.add(chat)
        expected.append(row_id)
        slow_left -= can_wait

    found = line.look(limit=limit, slow=slow, full=full, busy=busy, repeats=repeats)

    assert ([row.id for row in found.rows], found.waiting) == (expected, waiting)
    assert found.in_doubt == in_doubt
    assert found.next_try == (NOW + SECOND if failed else None)


def _put(session: Session, entries: list[Entry]) -> list[int]:
    """Fill an emptied outbox."""
    session.execute(delete(OutboxRow))
    rows = []
    for entry in entries:
        row = outbox.add(session, entry.chat, Outgoing(), NOW, priority=entry.priority)
        row.state = entry.state
        row.send_at = NOW + SECOND if entry.waits else NOW
        row.useful_until = NOW - SECOND if entry.stale else NOW
        rows.append(row)
    session.flush()
    return [row.id for row in rows]


# --- trying again ----------------------------------------------------------------------------------------


def test_a_message_that_waits_for_another_try_holds_up_its_chat(line: Outbox) -> None:
    """Nothing overtakes it within its chat; other chats go on; then it goes first."""
    first, second, other = line.add(ANA), line.add(ANA), line.add(BEN)
    assert line.claim(limit=1) == [first]

    line.database.call(outbox.retry, first, NOW + 5 * SECOND, "no connection")

    assert line.send_all() == [other]
    assert line.send_all(NOW + 5 * SECOND) == [first, second]


def test_a_message_that_goes_on_failing_holds_up_its_chat_no_more(line: Outbox) -> None:
    """After eight tries the others of its chat may pass; it is tried on, in its turn."""
    first, second = line.add(ANA), line.add(ANA)
    for tried in range(1, claims.PATIENCE + 1):
        now = NOW + tried * MINUTE
        assert line.claim(now, limit=1) == [first]
        line.database.call(outbox.retry, first, now + MINUTE, "no connection")
        assert line.claim(now) == ([second] if tried == claims.PATIENCE else [])
    line.database.call(outbox.sent, second, 5, now)

    assert line.send_all(now + MINUTE) == [first]


def test_nothing_reached_telegram_is_tried_without_end(line: Outbox) -> None:
    """A failure before Telegram is no doubt: the message is tried until it arrives, and then sent once."""
    row_id = line.add()
    for tries in range(1, 11):
        now = NOW + tries * MINUTE
        assert line.claim(now) == [row_id]
        line.database.call(outbox.retry, row_id, now + SECOND, "no connection")

    assert line.send_all(NOW + DAY) == [row_id]
    row = line.row(row_id)
    assert row is not None
    assert (row.state, row.attempts, row.error) == (OutboxState.SENT, 11, None)


def test_giving_back_is_no_attempt(line: Outbox) -> None:
    """A message for which the pace had no room is as it was, and leaves in its turn."""
    first, second = line.add(), line.add()
    line.claim()

    line.database.call(claims.give_back, first)

    row = line.row(first)
    assert row is not None
    assert (row.state, row.attempts, row.lease_until) == (OutboxState.QUEUED, 0, None)
    assert line.send_all() == [first, second]


@pytest.mark.parametrize("act", ["give_back", "retry", "unknown", "end"])
def test_a_late_word_on_a_sent_message_changes_nothing(line: Outbox, act: str) -> None:
    """Once recorded as sent, a message is never put back in line nor given up."""
    row_id = line.add()
    line.send_all()

    if act == "give_back":
        line.database.call(claims.give_back, row_id)
    elif act == "retry":
        line.database.call(outbox.retry, row_id, NOW, "late")
    elif act == "unknown":
        line.database.call(outbox.unknown, row_id, NOW, "late")
    else:
        assert line.database.call(outbox.end, row_id, OutboxState.GONE, "late") is None

    assert line.state(row_id) == OutboxState.SENT
    assert line.claim(NOW + DAY) == []


def test_an_expired_retry_frees_its_chat(line: Outbox) -> None:
    """A message that waited for another try until it was of no use holds up nobody any more."""
    stale = line.add(useful_until=NOW + MINUTE)
    after = line.add()
    line.claim()
    line.database.call(outbox.retry, stale, NOW + DAY, "flood")

    assert line.claim(NOW + 2 * MINUTE) == [after]


def test_danger_passes_a_message_that_waits_for_another_try(line: Outbox) -> None:
    """An instruction is not held up by an earlier failure; what failed keeps its place before the rest."""
    first, second = line.add(), line.add()
    line.claim()
    line.database.call(outbox.retry, first, NOW + MINUTE, "no connection")
    danger = line.add(priority=Priority.DANGER)

    assert line.send_all() == [danger]
    assert line.send_all(NOW + MINUTE) == [first, second]


def test_a_message_waits_for_its_moment_and_not_longer(line: Outbox) -> None:
    """A second before, nothing; at the moment, back in line."""
    row_id = line.add()
    line.claim()
    line.database.call(outbox.retry, row_id, NOW + MINUTE, "no connection")
    assert line.state(row_id) == OutboxState.AGAIN

    assert line.claim(NOW + MINUTE - SECOND) == []
    assert line.state(row_id) == OutboxState.AGAIN
    assert line.claim(NOW + MINUTE) == [row_id]


@pytest.mark.parametrize(
    ("ahead", "waits"), [(LONGEST_PAUSE, True), (LONGEST_PAUSE + SECOND, False), (DAY, False)]
)
def test_a_clock_that_was_set_back_keeps_nothing_waiting(line: Outbox, ahead: timedelta, waits: bool) -> None:
    """No pause is that long: a moment further ahead was written by a clock that ran ahead."""
    row_id = line.add()
    line.claim()
    line.database.call(outbox.retry, row_id, NOW + ahead, "no connection")

    assert line.claim() == ([] if waits else [row_id])


def test_what_is_back_in_line_but_finds_no_room_stays_there(line: Outbox) -> None:
    """Its moment has come, the pace has not: it is in line like any other, and holds nobody up."""
    row_id = line.add()
    line.claim()
    line.database.call(outbox.retry, row_id, NOW + SECOND, "no connection")

    found = line.look(NOW + SECOND, limit=0)

    assert (found.rows, found.waiting) == ([], Priority.REPLY)
    assert line.state(row_id) == OutboxState.QUEUED


# --- strays ----------------------------------------------------------------------------------------------


def test_strays_are_given_back_untried(line: Outbox) -> None:
    """Claimed messages that nobody sends are in line again, as they were; what is being sent is left alone."""
    stray, known, waiting = line.add(ANA), line.add(BEN), line.add(ANA)
    line.claim()

    assert line.database.call(claims.give_back_strays, {(known, 1)}) == 1

    row = line.there(stray)
    assert (row.state, row.attempts, row.lease_until) == (OutboxState.QUEUED, 0, None)
    assert line.state(known) == OutboxState.SENDING
    assert line.send_all() == [stray, waiting]


def test_a_later_try_of_a_message_that_is_known_is_a_stray(line: Outbox) -> None:
    """The answer that is still to be recorded is of the try before: this one never left."""
    row_id = line.add()
    line.claim()
    line.database.call(outbox.unknown, row_id, NOW, "timed out")
    line.claim()

    assert line.database.call(claims.give_back_strays, {(row_id, 1)}) == 1

    row = line.there(row_id)
    assert (row.state, row.attempts) == (OutboxState.DOUBT, 1)
    assert [row.attempts for row in line.look().rows] == [2]
    assert line.database.call(claims.give_back_strays, {(row_id, 2)}) == 0


def test_there_may_be_no_strays(line: Outbox) -> None:
    """What is in line, waits, or is over is none."""
    for chat in (1, 2, 3):
        line.add(chat)
    first, second = line.claim(limit=2)
    line.database.call(outbox.sent, first, 1, NOW)
    line.database.call(outbox.retry, second, NOW + MINUTE, "no connection")

    assert line.database.call(claims.give_back_strays, set()) == 0
    assert [line.state(first), line.state(second)] == [OutboxState.SENT, OutboxState.AGAIN]


# --- unknown fates: at most twice ------------------------------------------------------------------------


def _crash(line: Outbox, row_id: int, now: datetime) -> None:
    """Let the process die between sending and recording, and the lease run out."""
    for lapsed in line.look(now + LEASE + SECOND, limit=0).lapsed:
        line.database.call(outbox.unknown, lapsed, now, "the lease has ended")


def _lose_the_answer(line: Outbox, row_id: int, now: datetime) -> None:
    """Let the network fail after the message left."""
    line.database.call(outbox.unknown, row_id, now, "timed out")


def _restart(line: Outbox, row_id: int, now: datetime) -> None:
    """Let the process die, and be started again at once."""
    for flying in line.database.call(claims.on_their_way):
        line.database.call(outbox.unknown, flying, now, "the process ended")


@pytest.mark.parametrize("first", [_crash, _lose_the_answer, _restart])
@pytest.mark.parametrize("second", [_crash, _lose_the_answer, _restart])
def test_a_message_is_sent_at_most_twice(line: Outbox, first: Mishap, second: Mishap) -> None:
    """However its answer is lost, again and again, a message leaves twice and then ends as unknown."""
    row_id = line.add()
    left = 0
    for round_ in range(6):
        now = NOW + round_ * 5 * MINUTE
        if line.claim(now):
            left += 1
            (first, second)[round_ % 2](line, row_id, now)

    assert left == 2
    assert line.state(row_id) == OutboxState.UNKNOWN


def test_a_message_that_arrives_the_second_time_is_sent(line: Outbox) -> None:
    """The one repeat may succeed; afterwards nothing is repeated."""
    row_id = line.add()
    line.claim()
    _lose_the_answer(line, row_id, NOW)

    assert line.send_all() == [row_id]

    _crash(line, row_id, NOW + DAY)
    assert line.state(row_id) == OutboxState.SENT
    assert line.claim(NOW + 2 * DAY) == []


def test_failures_in_between_give_no_further_repeat(line: Outbox) -> None:
    """A try that reached nobody neither uses up the repeat nor earns another."""
    row_id = line.add()
    left = 0
    for fate in ("unknown", "retry", "retry", "unknown", "unknown"):
        if not line.claim():
            break
        if fate == "unknown":
            left += 1
            line.database.call(outbox.unknown, row_id, NOW, "timed out")
        else:
            line.database.call(outbox.retry, row_id, NOW, "no connection")

    assert left == 2
    assert line.state(row_id) == OutboxState.UNKNOWN


def test_a_claim_whose_lease_has_ended_is_told(line: Outbox) -> None:
    """Nobody we know sends it: it was left behind. Until then, and if this process sends it, it is left alone."""
    row_id, waiting = line.add(), line.add()
    line.claim()

    assert line.look(NOW + LEASE).lapsed == []
    assert line.look(NOW + LEASE + SECOND, sending=[row_id]).lapsed == []
    found = line.look(NOW + LEASE + SECOND)
    assert (found.lapsed, found.rows) == ([row_id], [])
    line.database.call(outbox.unknown, row_id, NOW + LEASE + SECOND, "the lease has ended")
    assert line.send_all(NOW + LEASE + SECOND) == [row_id, waiting]


@pytest.mark.parametrize("until", [None, NOW + LEASE + SECOND, NOW + DAY])
def test_a_lease_that_cannot_be_has_ended(line: Outbox, until: datetime | None) -> None:
    """A clock that was set back since wrote it; or nobody did."""
    row_id = line.add()
    line.claim()
    line.database.call(lambda session: session.execute(update(OutboxRow).values(lease_until=until)) and None)

    assert line.look().lapsed == [row_id]


def test_what_is_on_its_way_is_told(line: Outbox) -> None:
    """At its start, the only process finds all that the one before it had claimed, whatever their leases say."""
    ids = [line.add(ANA), line.add(BEN)]
    assert line.database.call(claims.on_their_way) == []
    line.claim()
    line.add(ANA)

    assert line.database.call(claims.on_their_way) == ids


# --- in doubt: only when Telegram is known to answer -----------------------------------------------------


def _in_doubt(line: Outbox, *priorities: Priority, pause: timedelta = timedelta(0)) -> list[int]:
    """Put a message of each priority in line, each to a chat of its own, and lose the answer to each; return the ids."""
    ids = [line.add(chat, priority=priority) for chat, priority in enumerate(priorities, start=101)]
    line.claim()
    for row_id in ids:
        line.database.call(outbox.unknown, row_id, NOW, "timed out", pause)
    return ids


def test_of_those_in_doubt_only_so_many_leave_the_most_urgent_first(line: Outbox) -> None:
    """None, one, or all; whether one more could leave is told."""
    check_in, danger, reply = _in_doubt(line, Priority.CHECK_IN, Priority.DANGER, Priority.REPLY)

    none = line.look(repeats=0)
    assert (none.rows, none.in_doubt, none.waiting) == ([], True, None)
    one = line.look(repeats=1)
    assert ([row.id for row in one.rows], one.in_doubt) == ([danger], True)
    rest = line.look(repeats=claims.ALL)
    assert ([row.id for row in rest.rows], rest.in_doubt) == ([reply, check_in], False)


def test_one_that_may_be_lost_is_the_one_that_matters_least(line: Outbox) -> None:
    """Nobody knows whether the line answers: not the danger finds that out."""
    check_in, danger, reply = _in_doubt(line, Priority.CHECK_IN, Priority.DANGER, Priority.REPLY)

    first = line.look(repeats=1, cautious=True)
    assert ([row.id for row in first.rows], first.in_doubt) == ([check_in], True)
    assert [row.id for row in line.look(repeats=2, cautious=True).rows] == [danger, reply]


def test_what_is_in_doubt_holds_up_its_chat(line: Outbox) -> None:
    """Danger passes, other chats go on; when it may leave it goes first."""
    (doubt,) = _in_doubt(line, Priority.REPLY)
    behind, other = line.add(101), line.add(102)
    danger = line.add(101, priority=Priority.DANGER)

    assert [row.id for row in line.look(repeats=0).rows] == [danger, other]
    line.database.call(outbox.sent, danger, 1, NOW)
    assert line.look(repeats=0).rows == []
    assert line.send_all() == [doubt, behind]


def test_what_is_in_doubt_waits_for_its_moment_too(line: Outbox) -> None:
    """However many may leave; that moment is told, and until then nothing waits for Telegram alone."""
    (row_id,) = _in_doubt(line, Priority.REPLY, pause=5 * SECOND)

    found = line.look(NOW + 4 * SECOND)
    assert (found.rows, found.next_try, found.in_doubt) == ([], NOW + 5 * SECOND, False)
    assert line.look(NOW + 5 * SECOND, repeats=0).in_doubt
    assert line.claim(NOW + 5 * SECOND) == [row_id]


@pytest.mark.parametrize("ahead", [LONGEST_PAUSE + SECOND, DAY])
def test_a_clock_that_was_set_back_keeps_nothing_in_doubt(line: Outbox, ahead: timedelta) -> None:
    """A moment so far ahead was written by a clock that ran ahead."""
    ids = _in_doubt(line, Priority.REPLY, pause=ahead)
    assert line.claim() == ids


def test_what_is_in_doubt_for_its_chat_alone_asks_for_nothing(line: Outbox) -> None:
    """It waits for a chat that is full or busy, not for Telegram."""
    _in_doubt(line, Priority.REPLY, Priority.REPLY)

    found = line.look(full=[101], busy=[102], repeats=0)
    assert (found.rows, found.in_doubt) == ([], False)


def test_what_is_in_doubt_and_out_of_date_holds_up_nobody(line: Outbox) -> None:
    """It waits for nothing any more."""
    stale = line.add(useful_until=NOW + MINUTE)
    behind = line.add()
    line.claim()
    line.database.call(outbox.unknown, stale, NOW, "timed out")

    found = line.look(NOW + 2 * MINUTE, repeats=0)
    assert ([row.id for row in found.rows], found.in_doubt) == ([behind], False)


def test_a_repeat_that_finds_no_room_is_still_in_doubt(line: Outbox) -> None:
    """It is not in line like any other: when there is room, Telegram may answer no more."""
    ids = _in_doubt(line, Priority.REPLY)

    found = line.look(limit=0)
    assert (found.rows, found.waiting) == ([], Priority.REPLY)
    assert line.state(ids[0]) == OutboxState.DOUBT
    assert line.look(repeats=0).rows == []


@pytest.mark.parametrize("act", ["give_back", "strays", "retry"])
def test_a_repeat_that_did_not_leave_is_in_doubt_again(line: Outbox, act: str) -> None:
    """Its one repeat is still to come, and waits for Telegram as before."""
    (row_id,) = _in_doubt(line, Priority.REPLY)
    assert line.claim() == [row_id]
    if act == "give_back":
        line.database.call(claims.give_back, row_id)
    elif act == "strays":
        line.database.call(claims.give_back_strays, set())
    else:
        line.database.call(outbox.retry, row_id, NOW, "502")

    assert line.state(row_id) == OutboxState.DOUBT
    assert line.look(repeats=0).rows == []
    assert line.send_all() == [row_id]


def test_an_answer_that_comes_after_the_lease_still_counts(line: Outbox) -> None:
    """If Telegram's answer is recorded before the repeat has left, nothing is repeated."""
    row_id = line.add()
    line.claim()
    _crash(line, row_id, NOW)

    line.database.call(outbox.sent, row_id, 1, NOW + 2 * MINUTE)

    assert line.claim(NOW + DAY) == []


def test_a_repeat_holds_its_place(line: Outbox) -> None:
    """A message of unknown fate is repeated before anything later of its chat."""
    first, second = line.add(), line.add()
    line.claim()
    _lose_the_answer(line, first, NOW)

    assert line.send_all() == [first, second]


# --- out of date -----------------------------------------------------------------------------------------


def test_a_message_that_is_no_longer_useful_is_not_sent(line: Outbox) -> None:
    """Up to its moment it may leave; after it, it stays behind and its chat goes on."""
    useful = line.add(ANA, useful_until=NOW + MINUTE)
    stale = line.add(BEN, useful_until=NOW + MINUTE - SECOND)
    after = line.add(BEN)

    assert line.claim(NOW + MINUTE) == [useful, after]
    assert line.state(stale) == OutboxState.QUEUED


def test_a_message_from_before_the_rule_has_no_end(line: Outbox) -> None:
    """Rows of an older Aftercare may have no moment at which they lose their sense."""
    row_id = line.add()
    line.database.call(lambda session: session.execute(update(OutboxRow).values(useful_until=None)) and None)

    assert line.claim(NOW + 30 * DAY) == [row_id]
