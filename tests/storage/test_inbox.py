"""Tests of `bot.storage.inbox`: every update stored once, handled in order, with one effect."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from bot.storage import groups, inbox, inbox_line
from bot.storage.database import Database
from bot.storage.inbox import Arrival, InboxState
from tests.kit.inbox import arrive, batch_of, fail, handle_all, ids_of, next_of, row_of
from tests.storage.conftest import ANA, BEN, NOW

EVA = 5_000_000_003
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


# --- storing ---------------------------------------------------------------------------------------------


def test_an_update_comes_back_as_telegram_gave_it(database: Database) -> None:
    """The stored row has the whole JSON, the chat, and when it came."""
    payload = {"update_id": 7, "message": {"text": "还痛 😣", "chat": {"id": ANA}}}

    assert database.call(inbox.store, [Arrival(update_id=7, chat_id=ANA, payload=payload)], NOW) == 1

    (row,) = database.call(inbox_line.next_batch, NOW, limit=9)
    assert (row.update_id, row.chat_id, row.payload, row.received_at) == (7, ANA, payload, NOW)
    assert row.state == InboxState.WAITING


def test_a_repeated_update_is_stored_once(database: Database) -> None:
    """An update that comes again, in the same batch or a later one, is dropped and not counted."""
    assert arrive(database, (1, ANA), (2, ANA), (1, ANA)) == 2
    assert arrive(database, (2, ANA), (3, ANA)) == 1

    assert handle_all(database) == [1, 2, 3]


def test_a_repeat_of_a_handled_update_has_no_second_effect(database: Database) -> None:
    """Also after its words were erased, an update that comes again is known."""
    arrive(database, (1, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=False)

    assert arrive(database, (1, ANA)) == 0
    assert next_of(database) is None


def test_the_order_of_arrival_is_kept(database: Database) -> None:
    """Updates are handled as they arrived, whatever their numbers: those may start anew after a quiet week."""
    first = [(9000 + number, ANA) for number in range(50)]
    second = [(number, BEN) for number in range(50)]
    arrive(database, *first)
    arrive(database, *second)

    assert handle_all(database) == [id_ for id_, _chat in first + second]


def test_the_same_update_may_be_stored_twice_at_once(database: Database) -> None:
    """Two processes that hand over the same updates at the same moment keep each once, and neither fails."""
    rounds, each = 20, 5
    arrived = threading.Barrier(2)

    def hand_over() -> int:
        new = 0
        for number in range(rounds):
            arrived.wait(timeout=30)
            new += arrive(database, *((number * each + place, ANA) for place in range(each)))
        return new

    with ThreadPoolExecutor(2) as both:
        counted = [both.submit(hand_over) for _ in range(2)]

    assert sum(one.result() for one in counted) == rounds * each
    assert ids_of(database) == list(range(rounds * each))


def test_an_empty_batch_is_nothing(database: Database) -> None:
    """Storing no updates stores none."""
    assert arrive(database) == 0
    assert next_of(database) is None


# --- handling --------------------------------------------------------------------------------------------


def test_an_update_is_finished_once(database: Database) -> None:
    """Only the first `finish` says that the effects are to happen, with the moment of arrival."""
    arrive(database, (1, ANA))

    assert database.call(inbox.finish, 1, NOW + SECOND, keep_words=True) == NOW
    assert database.call(inbox.finish, 1, NOW + 2 * SECOND, keep_words=True) is None
    assert row_of(database, 1).handled_at == NOW + SECOND


def test_an_unknown_update_is_not_finished(database: Database) -> None:
    """What was never stored has no effect."""
    assert database.call(inbox.finish, 404, NOW, keep_words=True) is None


def test_effects_that_fail_leave_the_update_waiting(database: Database) -> None:
    """If the transaction of the effects is rolled back, the update is still there to be handled."""
    arrive(database, (1, ANA))

    def handle(session: Session) -> None:
        assert inbox.finish(session, 1, NOW, keep_words=False)
        groups.write_note(session, "effect", "1")
        session.flush()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.call(handle)

    assert next_of(database) == 1
    assert row_of(database, 1).payload == {"text": "words of 1"}
    assert database.call(groups.note, "effect") is None


@pytest.mark.parametrize("keep", [True, False])
def test_words_are_kept_or_erased_as_asked(database: Database, keep: bool) -> None:
    """A patient's words are kept; of a stranger's update only the number stays."""
    arrive(database, (1, ANA))

    database.call(inbox.finish, 1, NOW, keep_words=keep)

    row = row_of(database, 1)
    assert (row.payload, row.chat_id) == (({"text": "words of 1"}, ANA) if keep else (None, None))
    assert row.state == InboxState.DONE


def test_updates_nobody_wanted_are_ended_at_once(database: Database) -> None:
    """`finish_all` erases the words of those that still wait, and leaves the others as they ended."""
    arrive(database, (1, ANA), (2, ANA), (3, ANA), (4, ANA), (5, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=True)
    fail(database, 2, 4)

    database.call(inbox.finish_all, [1, 2, 3, 4, 404], NOW + SECOND)

    assert [row_of(database, id_).state for id_ in (1, 2, 3, 4)] == ["done", "parked", "done", "done"]
    assert (row_of(database, 1).payload, row_of(database, 1).handled_at) == ({"text": "words of 1"}, NOW)
    assert row_of(database, 2).payload == {"text": "words of 2"}
    ended = row_of(database, 3)
    assert (ended.payload, ended.chat_id, ended.handled_at) == (None, None, NOW + SECOND)
    assert handle_all(database) == [5]


# --- failing ---------------------------------------------------------------------------------------------


def test_pauses_grow_and_then_the_update_is_parked(database: Database) -> None:
    """A failing update is tried again after 1, 10 and 60 seconds; the fourth failure parks it."""
    arrive(database, (1, ANA))
    now = NOW
    for seconds in (1, 10, 60):
        assert fail(database, 1, 1, now) == InboxState.WAITING
        assert database.call(inbox_line.next_try) == now + timedelta(seconds=seconds)
        assert next_of(database, now + timedelta(seconds=seconds) - timedelta(milliseconds=1)) is None
        now += timedelta(seconds=seconds)
        assert next_of(database, now) == 1

    assert fail(database, 1, 1, now) == InboxState.PARKED
    assert next_of(database, now + DAY) is None
    assert database.call(inbox_line.next_try) is None


def test_a_failure_says_which_kind(database: Database) -> None:
    """The kind of the failure stays with the update, cut to fit, until it is handled."""
    arrive(database, (1, ANA))

    database.call(inbox.failed, 1, "Error" * 100, NOW)
    assert row_of(database, 1).error == ("Error" * 100)[:300]

    database.call(inbox.finish, 1, NOW + SECOND, keep_words=True)
    assert row_of(database, 1).error is None


def test_a_parked_update_is_not_finished(database: Database) -> None:
    """Once given up, an update has no effect any more."""
    arrive(database, (1, ANA))
    fail(database, 1, 4)

    assert database.call(inbox.finish, 1, NOW, keep_words=True) is None


def test_a_failure_after_the_end_changes_nothing(database: Database) -> None:
    """An update that was handled is not put back in line."""
    arrive(database, (1, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=True)

    assert fail(database, 1, 1) == InboxState.DONE
    assert (row_of(database, 1).attempts, row_of(database, 1).error) == (0, None)


def test_waiting_for_telegram_is_no_try(database: Database) -> None:
    """However often within the hour: it is tried again when it was said, holds up its own chat only, and is listed."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN))
    now, pause = NOW, timedelta(seconds=30)
    for _ in range(20):
        assert database.call(inbox.failed, 1, "TimedOut", now, pause) == InboxState.WAITING
        assert batch_of(database, now) == [3]
        assert database.call(inbox_line.next_try) == now + pause
        now += pause
        assert batch_of(database, now) == [1, 3]

    assert (row_of(database, 1).attempts, row_of(database, 1).error) == (0, "TimedOut")
    assert [row.update_id for row in database.call(inbox.in_trouble)] == [1]
    assert database.call(inbox.drop, [1, 2], now) == 1


def test_after_an_hour_waiting_for_telegram_counts(database: Database) -> None:
    """It ends parked, as other failures do; real failures before that were counted all the time."""
    arrive(database, (1, ANA))
    pause = timedelta(seconds=30)
    assert fail(database, 1, 1) == InboxState.WAITING
    just_before = NOW + inbox.PATIENCE - SECOND
    assert database.call(inbox.failed, 1, "TimedOut", just_before, pause) == InboxState.WAITING
    assert row_of(database, 1).attempts == 1

    now = NOW + inbox.PATIENCE
    states = [database.call(inbox.failed, 1, "TimedOut", now, pause) for _ in range(3)]

    assert states == [InboxState.WAITING, InboxState.WAITING, InboxState.PARKED]
    assert row_of(database, 1).attempts == 4


def test_no_pause_is_longer_than_a_clock_set_back_would_make_it(database: Database) -> None:
    """Whatever Telegram asks for: else the next look would take it for a clock that was set back, and not wait."""
    arrive(database, (1, ANA))
    database.call(inbox.failed, 1, "RetryAfter", NOW, timedelta(hours=3))

    assert database.call(inbox_line.next_try) == NOW + inbox.LONGEST
    assert batch_of(database, NOW) == []
    assert batch_of(database, NOW + inbox.LONGEST) == [1]


def test_an_update_from_the_future_does_not_wait_for_telegram_for_ever(database: Database) -> None:
    """Where the clock was set back by hours, the hour is over when it has ended on the new clock as well."""
    arrive(database, (1, ANA), now=NOW + DAY)

    assert database.call(inbox.failed, 1, "TimedOut", NOW, SECOND) == InboxState.WAITING
    assert row_of(database, 1).attempts == 1


def test_what_is_in_trouble_is_found_in_the_order_of_arrival(database: Database) -> None:
    """Parked, or waiting after a failure; not what is new, and not what was done in the end."""
    arrive(database, (5, ANA), (4, BEN), (3, ANA), (2, BEN))
    fail(database, 5, 4)
    fail(database, 4, 1)
    fail(database, 2, 1)
    database.call(inbox.finish, 2, NOW, keep_words=True)

    assert [row.update_id for row in database.call(inbox.in_trouble)] == [5, 4]


def test_parked_updates_are_put_back_as_if_new(database: Database) -> None:
    """With all their tries, in their old place; others named with them are left alone."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN))
    fail(database, 1, 4)
    fail(database, 3, 1)

    assert database.call(inbox.retry_parked, [1, 2, 3, 404]) == 1

    assert (row_of(database, 1).attempts, row_of(database, 1).error) == (0, None)
    assert handle_all(database) == [1, 2]
    assert row_of(database, 3).attempts == 1


def test_what_failed_can_be_dropped(database: Database) -> None:
    """Its words are erased and its number stays; what has not failed is not dropped."""
    arrive(database, (1, ANA), (2, BEN), (3, ANA))
    fail(database, 1, 4)
    fail(database, 2, 1)

    assert database.call(inbox.drop, [1, 2, 3], NOW) == 2

    for update_id in (1, 2):
        row = row_of(database, update_id)
        assert (row.state, row.payload, row.chat_id, row.handled_at) == ("done", None, None, NOW)
    assert arrive(database, (1, ANA)) == 0
    assert handle_all(database) == [3]


# --- forgetting ------------------------------------------------------------------------------------------


def test_the_words_of_a_chat_are_in_the_order_of_arrival(database: Database) -> None:
    """`of_chat` returns one chat's updates, oldest first."""
    arrive(database, (5, ANA), (4, BEN), (3, ANA))

    assert [row.update_id for row in database.call(inbox.of_chat, ANA)] == [5, 3]


def test_erasing_a_chat_leaves_its_numbers(database: Database) -> None:
    """The words of all handled updates of a chat are erased and counted; the ids stay, and others' words too."""
    arrive(database, (1, ANA), (2, BEN), (3, ANA))
    handle_all(database)

    assert database.call(inbox.erase_chat, ANA) == 2

    assert database.call(inbox.of_chat, ANA) == []
    assert [row_of(database, id_).payload for id_ in (1, 3)] == [None, None]
    assert row_of(database, 2).payload == {"text": "words of 2"}
    assert arrive(database, (1, ANA), (3, ANA)) == 0


def test_erasing_a_chat_ends_what_was_parked(database: Database) -> None:
    """A parked update without words is of no use to anybody: it counts as done."""
    arrive(database, (1, ANA))
    fail(database, 1, 4)

    database.call(inbox.erase_chat, ANA)

    assert (row_of(database, 1).state, row_of(database, 1).payload) == (InboxState.DONE, None)


def test_what_arrived_after_an_erasure_was_asked_is_still_handled(database: Database) -> None:
    """Erasing a chat spares what waits: "/forget" and then "I can't breathe" must still raise the alarm."""
    arrive(database, (1, ANA), (2, ANA))

    def forget(session: Session) -> None:
        inbox.finish(session, 1, NOW, keep_words=True)
        inbox.erase_chat(session, ANA)

    database.call(forget)

    (row,) = database.call(inbox_line.next_batch, NOW, limit=9)
    assert (row.update_id, row.payload, row.chat_id) == (2, {"text": "words of 2"}, ANA)


def test_tidying_erases_old_words_and_drops_older_ids(database: Database) -> None:
    """Words go first, ids later, and what is recent stays; the number of erased words is returned."""
    arrive(database, (1, ANA), (2, ANA), (3, ANA))
    for update_id, days in ((1, 40), (2, 20), (3, 5)):
        database.call(inbox.finish, update_id, NOW - days * DAY, keep_words=True)

    assert database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY) == 2  # of 1 (now dropped) and 2

    assert ids_of(database) == [2, 3]
    assert (row_of(database, 2).payload, row_of(database, 2).chat_id) == (None, None)
    assert row_of(database, 3).payload == {"text": "words of 3"}
    assert database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY) == 0


def test_tidying_changes_no_more_at_a_time_than_it_may(database: Database) -> None:
    """The oldest first, whether their words are erased or their rows dropped; the next call goes on until none is left."""
    arrive(database, *((number, ANA) for number in range(1, 6)))
    for update_id, days in ((1, 20), (2, 40), (3, 40), (4, 20), (5, 5)):
        database.call(inbox.finish, update_id, NOW - days * DAY, keep_words=True)
    limits = (NOW - 10 * DAY, NOW - 30 * DAY, 2)

    assert database.call(inbox.tidy, *limits) == 2
    assert ids_of(database) == [1, 3, 4, 5]
    assert [row_of(database, number).payload is None for number in (1, 3, 4, 5)] == [
        True,
        False,
        False,
        False,
    ]
    assert [database.call(inbox.tidy, *limits) for _ in range(2)] == [2, 0]
    assert ids_of(database) == [1, 4, 5]
    assert (row_of(database, 4).payload, row_of(database, 4).chat_id) == (None, None)
    assert row_of(database, 5).payload is not None


def test_tidying_erases_words_of_no_chat(database: Database) -> None:
    """An update that belongs to no chat has words, too, and they go at the same time."""
    arrive(database, (1, None))
    database.call(inbox.finish, 1, NOW - 20 * DAY, keep_words=True)

    database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY)

    assert row_of(database, 1).payload is None


def test_tidying_spares_what_waits(database: Database) -> None:
    """An update nobody has handled is not erased, however long ago it came."""
    arrive(database, (1, ANA), now=NOW - 100 * DAY)

    database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY)

    assert row_of(database, 1).payload == {"text": "words of 1"}


def test_tidying_erases_what_was_parked_long_ago(database: Database) -> None:
    """Words that could not be handled are not kept for ever: retention counts for them as well."""
    arrive(database, (1, ANA), now=NOW - 20 * DAY)
    fail(database, 1, 4, NOW - 20 * DAY)

    database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY)

    assert database.call(inbox.of_chat, ANA) == []


def test_a_clock_that_was_set_back_keeps_no_update_waiting(database: Database) -> None:
    """The moment of another try then lies hours ahead; no pause of ours is that long."""
    arrive(database, (1, ANA))
    database.call(inbox.failed, 1, "TimeoutError", NOW)

    assert [
        row.update_id for row in database.call(inbox_line.next_batch, NOW - timedelta(hours=3), limit=9)
    ] == [1]
    assert batch_of(database) == []
