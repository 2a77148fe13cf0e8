"""Tests of `bot.storage.inbox`: every update stored once, handled in order, with one effect."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.storage import groups, inbox
from bot.storage.database import Database
from bot.storage.inbox import Arrival, InboxState
from bot.storage.tables import InboxRow
from tests.storage.conftest import ANA, BEN, NOW

EVA = 5_000_000_003
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def _arrive(database: Database, *arrivals: tuple[int, int | None], now: datetime = NOW) -> int:
    """Store updates given by their id and chat."""
    return database.call(
        inbox.store,
        [Arrival(update_id=id_, chat_id=chat, payload={"text": f"words of {id_}"}) for id_, chat in arrivals],
        now,
    )


def _row(database: Database, update_id: int) -> InboxRow:
    return database.call(
        lambda session: session.scalars(select(InboxRow).where(InboxRow.update_id == update_id)).one()
    )


def _ids(database: Database) -> list[int]:
    return database.call(
        lambda session: list(session.scalars(select(InboxRow.update_id).order_by(InboxRow.seq)))
    )


def _next(database: Database, now: datetime = NOW) -> int | None:
    return next(iter(_batch(database, now, limit=1)), None)


def _batch(database: Database, now: datetime = NOW, *, limit: int = 10, **others: Any) -> list[int]:
    return [row.update_id for row in database.call(inbox.next_batch, now, limit=limit, **others)]


def _wholly(*chats: int) -> dict[int, int]:
    """Let these chats go first with all that waits of theirs."""
    return dict.fromkeys(chats, 10**9)


def _handle_all(database: Database, now: datetime = NOW) -> list[int]:
    """Handle whatever may be handled at *now*, and return the ids in the order in which it came."""
    handled = []
    while (update_id := _next(database, now)) is not None:
        database.call(inbox.finish, update_id, now, keep_words=True)
        handled.append(update_id)
    return handled


def _fail(database: Database, update_id: int, times: int, now: datetime = NOW) -> InboxState:
    state = InboxState.WAITING
    for _ in range(times):
        state = database.call(inbox.failed, update_id, "KeyError", now)
    return state


# --- storing ---------------------------------------------------------------------------------------------


def test_an_update_comes_back_as_telegram_gave_it(database: Database) -> None:
    """The stored row has the whole JSON, the chat, and when it came."""
    payload = {"update_id": 7, "message": {"text": "还痛 😣", "chat": {"id": ANA}}}

    assert database.call(inbox.store, [Arrival(update_id=7, chat_id=ANA, payload=payload)], NOW) == 1

    (row,) = database.call(inbox.next_batch, NOW, limit=9)
    assert (row.update_id, row.chat_id, row.payload, row.received_at) == (7, ANA, payload, NOW)
    assert row.state == InboxState.WAITING


def test_a_repeated_update_is_stored_once(database: Database) -> None:
    """An update that comes again, in the same batch or a later one, is dropped and not counted."""
    assert _arrive(database, (1, ANA), (2, ANA), (1, ANA)) == 2
    assert _arrive(database, (2, ANA), (3, ANA)) == 1

    assert _handle_all(database) == [1, 2, 3]


def test_a_repeat_of_a_handled_update_has_no_second_effect(database: Database) -> None:
    """Also after its words were erased, an update that comes again is known."""
    _arrive(database, (1, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=False)

    assert _arrive(database, (1, ANA)) == 0
    assert _next(database) is None


def test_the_order_of_arrival_is_kept(database: Database) -> None:
    """Updates are handled as they arrived, whatever their numbers: those may start anew after a quiet week."""
    first = [(9000 + number, ANA) for number in range(50)]
    second = [(number, BEN) for number in range(50)]
    _arrive(database, *first)
    _arrive(database, *second)

    assert _handle_all(database) == [id_ for id_, _chat in first + second]


def test_the_same_update_may_be_stored_twice_at_once(database: Database) -> None:
    """Two processes that hand over the same updates at the same moment keep each once, and neither fails."""
    rounds, each = 20, 5
    arrived = threading.Barrier(2)

    def hand_over() -> int:
        new = 0
        for number in range(rounds):
            arrived.wait(timeout=30)
            new += _arrive(database, *((number * each + place, ANA) for place in range(each)))
        return new

    with ThreadPoolExecutor(2) as both:
        counted = [both.submit(hand_over) for _ in range(2)]

    assert sum(one.result() for one in counted) == rounds * each
    assert _ids(database) == list(range(rounds * each))


def test_an_empty_batch_is_nothing(database: Database) -> None:
    """Storing no updates stores none."""
    assert _arrive(database) == 0
    assert _next(database) is None


# --- handling --------------------------------------------------------------------------------------------


def test_an_update_is_finished_once(database: Database) -> None:
    """Only the first `finish` says that the effects are to happen, with the moment of arrival."""
    _arrive(database, (1, ANA))

    assert database.call(inbox.finish, 1, NOW + SECOND, keep_words=True) == NOW
    assert database.call(inbox.finish, 1, NOW + 2 * SECOND, keep_words=True) is None
    assert _row(database, 1).handled_at == NOW + SECOND


def test_an_unknown_update_is_not_finished(database: Database) -> None:
    """What was never stored has no effect."""
    assert database.call(inbox.finish, 404, NOW, keep_words=True) is None


def test_effects_that_fail_leave_the_update_waiting(database: Database) -> None:
    """If the transaction of the effects is rolled back, the update is still there to be handled."""
    _arrive(database, (1, ANA))

    def handle(session: Session) -> None:
        assert inbox.finish(session, 1, NOW, keep_words=False)
        groups.write_note(session, "effect", "1")
        session.flush()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.call(handle)

    assert _next(database) == 1
    assert _row(database, 1).payload == {"text": "words of 1"}
    assert database.call(groups.note, "effect") is None


@pytest.mark.parametrize("keep", [True, False])
def test_words_are_kept_or_erased_as_asked(database: Database, keep: bool) -> None:
    """A patient's words are kept; of a stranger's update only the number stays."""
    _arrive(database, (1, ANA))

    database.call(inbox.finish, 1, NOW, keep_words=keep)

    row = _row(database, 1)
    assert (row.payload, row.chat_id) == (({"text": "words of 1"}, ANA) if keep else (None, None))
    assert row.state == InboxState.DONE


def test_updates_nobody_wanted_are_ended_at_once(database: Database) -> None:
    """`finish_all` erases the words of those that still wait, and leaves the others as they ended."""
    _arrive(database, (1, ANA), (2, ANA), (3, ANA), (4, ANA), (5, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=True)
    _fail(database, 2, 4)

    database.call(inbox.finish_all, [1, 2, 3, 4, 404], NOW + SECOND)

    assert [_row(database, id_).state for id_ in (1, 2, 3, 4)] == ["done", "parked", "done", "done"]
    assert (_row(database, 1).payload, _row(database, 1).handled_at) == ({"text": "words of 1"}, NOW)
    assert _row(database, 2).payload == {"text": "words of 2"}
    ended = _row(database, 3)
    assert (ended.payload, ended.chat_id, ended.handled_at) == (None, None, NOW + SECOND)
    assert _handle_all(database) == [5]


# --- lanes -----------------------------------------------------------------------------------------------


def test_a_batch_holds_the_oldest_update_of_each_chat(database: Database) -> None:
    """Several chats' updates may be handled at a time, each chat's in order; without a chat, each for itself."""
    _arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, BEN), (6, None), (7, EVA))

    assert _batch(database) == [1, 3, 4, 6, 7]
    assert _batch(database, limit=2) == [1, 3]


def test_a_batch_looks_as_far_as_it_must(database: Database) -> None:
    """Behind many pages of one chat's updates the oldest of others is found, each once, and no order is lost."""
    flood = [(number, ANA) for number in range(3 * inbox.PAGE)]
    rest = [(10_000 + number, BEN + number % inbox.PAGE) for number in range(2 * inbox.PAGE)]
    _arrive(database, *flood, *rest)

    assert _batch(database, limit=3) == [0, 10_000, 10_001]
    assert _batch(database, limit=1000) == [0, *range(10_000, 10_000 + inbox.PAGE)]
    assert _batch(database, limit=2, busy=[ANA]) == [10_000, 10_001]
    assert _batch(database, limit=0) == []


def test_nobody_is_passed_over_behind_many_chats_that_wait_for_another_try(database: Database) -> None:
    """Each of them closes its own lane only."""
    held = [(number, 1000 + number) for number in range(inbox.PAGE + 5)]
    _arrive(database, *held, *((5_000 + number, chat) for number, chat in held), (9_999, ANA))
    for number, _chat in held:
        _fail(database, number, 1)

    assert _batch(database) == [9_999]


def test_a_batch_leaves_out_what_is_in_progress(database: Database) -> None:
    """Nothing of a chat that is busy, and no chatless update that is being handled."""
    _arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, None))

    assert _batch(database, busy={ANA}) == [3, 4, 5]
    assert _batch(database, busy_updates=[4]) == [1, 3, 5]
    assert _batch(database, busy=[ANA, BEN], busy_updates=[4]) == [5]


def test_a_busy_chats_next_update_waits_when_the_first_has_ended(database: Database) -> None:
    """An update that is recorded as handled, whose handler has not returned, still keeps its chat."""
    _arrive(database, (1, ANA), (2, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=True)

    assert _batch(database, busy={ANA}) == []
    assert _batch(database) == [2]


def test_a_batch_leaves_out_chats_that_wait_for_another_try(database: Database) -> None:
    """While a chat's first update waits, its others do; when it is time, the first comes first."""
    _arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, None))
    _fail(database, 1, 1)
    _fail(database, 4, 1)

    assert _batch(database) == [3, 5]
    assert _batch(database, NOW + SECOND) == [1, 3, 4, 5]


# --- first things first ----------------------------------------------------------------------------------


def test_chats_that_are_named_go_first_in_that_order(database: Database) -> None:
    """Each with its own oldest update; the others follow in the order of arrival."""
    _arrive(database, (1, ANA), (2, None), (3, BEN), (4, EVA), (5, EVA), (6, BEN))

    assert _batch(database, first=_wholly(EVA, BEN)) == [4, 3, 1, 2]
    assert _batch(database, first=_wholly(EVA, BEN), limit=1) == [4]
    assert _batch(database, first=_wholly(404), limit=2) == [1, 2]


def test_a_chat_goes_first_up_to_a_place_in_the_line(database: Database) -> None:
    """What it wrote after that has its usual turn."""
    _arrive(database, (1, ANA), (2, BEN), (3, BEN), (4, BEN))
    until = {BEN: _row(database, 3).seq}
    assert _batch(database, first=until) == [2, 1]
    database.call(inbox.finish, 2, NOW, keep_words=True)
    assert _batch(database, first=until) == [3, 1]
    database.call(inbox.finish, 3, NOW, keep_words=True)

    assert _batch(database, first=until) == [1, 4]


def test_a_chat_that_is_named_keeps_its_order_and_its_pauses(database: Database) -> None:
    """A busy one is not taken twice; one whose oldest update waits for another try is not taken at all."""
    _arrive(database, (1, ANA), (2, BEN), (3, BEN), (4, EVA))
    _fail(database, 2, 1)

    assert _batch(database, first=_wholly(EVA, BEN), busy=[EVA]) == [1]
    assert _batch(database, first=_wholly(EVA, BEN)) == [4, 1]
    assert _batch(database, NOW + SECOND, first=_wholly(BEN)) == [2, 1, 4]


def test_a_batch_says_whether_there_was_more(database: Database) -> None:
    """More is what could be handled now, in another chat: not what waits behind it, nor for another try."""

    def more(limit: int, **others: Any) -> bool:
        return database.call(inbox.next_batch, NOW, limit=limit, **others).more

    assert not more(1)
    _arrive(database, (1, ANA), (2, ANA))
    assert not more(1)
    assert more(0)
    _arrive(database, (3, BEN), (4, EVA))
    _fail(database, 3, 1)
    assert more(1)
    assert not more(2)
    assert not more(1, busy=[ANA])
    assert more(1, first=_wholly(EVA))  # nobody has looked at the others
    _arrive(database, *((100 + number, ANA) for number in range(inbox.PAGE)))
    assert more(2)  # there is another page


def test_a_batch_says_where_the_lines_of_the_first_begin(database: Database) -> None:
    """By that it is known what has been handled; a chat with nothing waiting is left out, a busy one as well."""
    _arrive(database, (1, ANA), (2, BEN), (3, BEN), (4, EVA))
    database.call(inbox.finish, 2, NOW, keep_words=True)

    batch = database.call(
        inbox.next_batch, NOW, limit=1, first=dict.fromkeys([EVA, BEN, 404, ANA], 1), busy=[ANA]
    )

    assert batch.oldest == {BEN: _row(database, 3).seq, EVA: _row(database, 4).seq}
    assert database.call(inbox.next_batch, NOW, limit=1).oldest == {}


def test_a_look_ahead_returns_what_waits_page_after_page(database: Database) -> None:
    """In the order of arrival, each once; what was handled is left out, and what waits for another try is not."""
    _arrive(database, *((number, None if number == 5 else number) for number in range(inbox.LOOK + 10)))
    database.call(inbox.finish, 0, NOW, keep_words=True)
    _fail(database, 1, 1)

    page = database.call(inbox.look_ahead, 0, ())
    known = {row.seq for row in page}
    rest = database.call(inbox.look_ahead, page[-1].seq, known)

    assert [row.update_id for row in (*page, *rest)] == list(range(1, inbox.LOOK + 10))
    assert len(page) == inbox.LOOK
    assert (page[4].update_id, page[4].chat_id, page[4].payload) == (5, None, {"text": "words of 5"})
    assert database.call(inbox.look_ahead, rest[-1].seq, known | {row.seq for row in rest}) == []


def test_a_look_ahead_finds_what_was_stored_late(database: Database) -> None:
    """On PostgreSQL a number is given before it is seen: others may have been looked at that came after it."""
    _arrive(database, (1, ANA), (2, BEN), (3, EVA))
    late, newest = _row(database, 2).seq, _row(database, 3).seq

    (found,) = database.call(inbox.look_ahead, newest, {_row(database, 1).seq, newest})

    assert found.seq == late
    assert database.call(inbox.look_ahead, newest + inbox.MARGIN, ()) == []


def test_there_is_nothing_to_handle_when_all_that_waits_waits_for_later(database: Database) -> None:
    """`nothing_to_handle` looks at this moment only."""
    assert database.call(inbox.nothing_to_handle, NOW) is True
    _arrive(database, (1, ANA))
    assert database.call(inbox.nothing_to_handle, NOW) is False

    _fail(database, 1, 1)

    assert database.call(inbox.nothing_to_handle, NOW) is True
    assert database.call(inbox.nothing_to_handle, NOW + SECOND) is False


# --- failing ---------------------------------------------------------------------------------------------


def test_pauses_grow_and_then_the_update_is_parked(database: Database) -> None:
    """A failing update is tried again after 1, 10 and 60 seconds; the fourth failure parks it."""
    _arrive(database, (1, ANA))
    now = NOW
    for seconds in (1, 10, 60):
        assert _fail(database, 1, 1, now) == InboxState.WAITING
        assert database.call(inbox.next_try) == now + timedelta(seconds=seconds)
        assert _next(database, now + timedelta(seconds=seconds) - timedelta(milliseconds=1)) is None
        now += timedelta(seconds=seconds)
        assert _next(database, now) == 1

    assert _fail(database, 1, 1, now) == InboxState.PARKED
    assert _next(database, now + DAY) is None
    assert database.call(inbox.next_try) is None


def test_a_failure_says_which_kind(database: Database) -> None:
    """The kind of the failure stays with the update, cut to fit, until it is handled."""
    _arrive(database, (1, ANA))

    database.call(inbox.failed, 1, "Error" * 100, NOW)
    assert _row(database, 1).error == ("Error" * 100)[:300]

    database.call(inbox.finish, 1, NOW + SECOND, keep_words=True)
    assert _row(database, 1).error is None


def test_a_failing_update_holds_up_only_its_own_chat(database: Database) -> None:
    """While one chat's update waits for another try, that chat keeps its order and others go on."""
    _arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, BEN))
    _fail(database, 1, 1)

    assert _handle_all(database) == [3, 4, 5]
    assert _handle_all(database, NOW + SECOND) == [1, 2]


def test_updates_without_a_chat_do_not_hold_each_other_up(database: Database) -> None:
    """One that fails and belongs to no chat lets another of no chat pass."""
    _arrive(database, (1, None), (2, None))
    _fail(database, 1, 1)

    assert _handle_all(database) == [2]


def test_a_long_line_behind_a_failing_update_holds_up_nobody_else(database: Database) -> None:
    """However much one chat has waiting behind its failing update, another chat's red flag is handled now."""
    _arrive(database, *((number, ANA) for number in range(250)), (1000, BEN))
    _fail(database, 0, 1)

    assert _next(database) == 1000


def test_a_parked_update_does_not_stop_the_line(database: Database) -> None:
    """When an update is given up, its chat's next one is handled."""
    _arrive(database, (1, ANA), (2, ANA))

    assert _fail(database, 1, 4) == InboxState.PARKED

    assert _handle_all(database) == [2]


def test_a_parked_update_is_not_finished(database: Database) -> None:
    """Once given up, an update has no effect any more."""
    _arrive(database, (1, ANA))
    _fail(database, 1, 4)

    assert database.call(inbox.finish, 1, NOW, keep_words=True) is None


def test_a_failure_after_the_end_changes_nothing(database: Database) -> None:
    """An update that was handled is not put back in line."""
    _arrive(database, (1, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=True)

    assert _fail(database, 1, 1) == InboxState.DONE
    assert (_row(database, 1).attempts, _row(database, 1).error) == (0, None)


def test_the_next_try_is_the_earliest(database: Database) -> None:
    """`next_try` looks at those that failed and wait, and at nothing else."""
    _arrive(database, (1, ANA), (2, BEN), (3, None))
    assert database.call(inbox.next_try) is None
    _fail(database, 1, 2)
    _fail(database, 2, 1, NOW + SECOND)

    assert database.call(inbox.next_try) == NOW + 2 * SECOND
    database.call(inbox.finish, 2, NOW + 2 * SECOND, keep_words=True)
    assert database.call(inbox.next_try) == NOW + 10 * SECOND


def test_waiting_for_telegram_is_no_try(database: Database) -> None:
    """However often within the hour: it is tried again when it was said, holds up its own chat only, and is listed."""
    _arrive(database, (1, ANA), (2, ANA), (3, BEN))
    now, pause = NOW, timedelta(seconds=30)
    for _ in range(20):
        assert database.call(inbox.failed, 1, "TimedOut", now, pause) == InboxState.WAITING
        assert _batch(database, now) == [3]
        assert database.call(inbox.next_try) == now + pause
        now += pause
        assert _batch(database, now) == [1, 3]

    assert (_row(database, 1).attempts, _row(database, 1).error) == (0, "TimedOut")
    assert [row.update_id for row in database.call(inbox.in_trouble)] == [1]
    assert database.call(inbox.drop, [1, 2], now) == 1


def test_after_an_hour_waiting_for_telegram_counts(database: Database) -> None:
    """It ends parked, as other failures do; real failures before that were counted all the time."""
    _arrive(database, (1, ANA))
    pause = timedelta(seconds=30)
    assert _fail(database, 1, 1) == InboxState.WAITING
    just_before = NOW + inbox.PATIENCE - SECOND
    assert database.call(inbox.failed, 1, "TimedOut", just_before, pause) == InboxState.WAITING
    assert _row(database, 1).attempts == 1

    now = NOW + inbox.PATIENCE
    states = [database.call(inbox.failed, 1, "TimedOut", now, pause) for _ in range(3)]

    assert states == [InboxState.WAITING, InboxState.WAITING, InboxState.PARKED]
    assert _row(database, 1).attempts == 4


def test_no_pause_is_longer_than_a_clock_set_back_would_make_it(database: Database) -> None:
    """Whatever Telegram asks for: else the next look would take it for a clock that was set back, and not wait."""
    _arrive(database, (1, ANA))
    database.call(inbox.failed, 1, "RetryAfter", NOW, timedelta(hours=3))

    assert database.call(inbox.next_try) == NOW + inbox.LONGEST
    assert _batch(database, NOW) == []
    assert _batch(database, NOW + inbox.LONGEST) == [1]


def test_an_update_from_the_future_does_not_wait_for_telegram_for_ever(database: Database) -> None:
    """Where the clock was set back by hours, the hour is over when it has ended on the new clock as well."""
    _arrive(database, (1, ANA), now=NOW + DAY)

    assert database.call(inbox.failed, 1, "TimedOut", NOW, SECOND) == InboxState.WAITING
    assert _row(database, 1).attempts == 1


def test_what_is_in_trouble_is_found_in_the_order_of_arrival(database: Database) -> None:
    """Parked, or waiting after a failure; not what is new, and not what was done in the end."""
    _arrive(database, (5, ANA), (4, BEN), (3, ANA), (2, BEN))
    _fail(database, 5, 4)
    _fail(database, 4, 1)
    _fail(database, 2, 1)
    database.call(inbox.finish, 2, NOW, keep_words=True)

    assert [row.update_id for row in database.call(inbox.in_trouble)] == [5, 4]


def test_parked_updates_are_put_back_as_if_new(database: Database) -> None:
    """With all their tries, in their old place; others named with them are left alone."""
    _arrive(database, (1, ANA), (2, ANA), (3, BEN))
    _fail(database, 1, 4)
    _fail(database, 3, 1)

    assert database.call(inbox.retry_parked, [1, 2, 3, 404]) == 1

    assert (_row(database, 1).attempts, _row(database, 1).error) == (0, None)
    assert _handle_all(database) == [1, 2]
    assert _row(database, 3).attempts == 1


def test_what_failed_can_be_dropped(database: Database) -> None:
    """Its words are erased and its number stays; what has not failed is not dropped."""
    _arrive(database, (1, ANA), (2, BEN), (3, ANA))
    _fail(database, 1, 4)
    _fail(database, 2, 1)

    assert database.call(inbox.drop, [1, 2, 3], NOW) == 2

    for update_id in (1, 2):
        row = _row(database, update_id)
        assert (row.state, row.payload, row.chat_id, row.handled_at) == ("done", None, None, NOW)
    assert _arrive(database, (1, ANA)) == 0
    assert _handle_all(database) == [3]


# --- forgetting ------------------------------------------------------------------------------------------


def test_the_words_of_a_chat_are_in_the_order_of_arrival(database: Database) -> None:
    """`of_chat` returns one chat's updates, oldest first."""
    _arrive(database, (5, ANA), (4, BEN), (3, ANA))

    assert [row.update_id for row in database.call(inbox.of_chat, ANA)] == [5, 3]


def test_erasing_a_chat_leaves_its_numbers(database: Database) -> None:
    """The words of all handled updates of a chat are erased and counted; the ids stay, and others' words too."""
    _arrive(database, (1, ANA), (2, BEN), (3, ANA))
    _handle_all(database)

    assert database.call(inbox.erase_chat, ANA) == 2

    assert database.call(inbox.of_chat, ANA) == []
    assert [_row(database, id_).payload for id_ in (1, 3)] == [None, None]
    assert _row(database, 2).payload == {"text": "words of 2"}
    assert _arrive(database, (1, ANA), (3, ANA)) == 0


def test_erasing_a_chat_ends_what_was_parked(database: Database) -> None:
    """A parked update without words is of no use to anybody: it counts as done."""
    _arrive(database, (1, ANA))
    _fail(database, 1, 4)

    database.call(inbox.erase_chat, ANA)

    assert (_row(database, 1).state, _row(database, 1).payload) == (InboxState.DONE, None)


def test_what_arrived_after_an_erasure_was_asked_is_still_handled(database: Database) -> None:
    """Erasing a chat spares what waits: "/forget" and then "I can't breathe" must still raise the alarm."""
    _arrive(database, (1, ANA), (2, ANA))

    def forget(session: Session) -> None:
        inbox.finish(session, 1, NOW, keep_words=True)
        inbox.erase_chat(session, ANA)

    database.call(forget)

    (row,) = database.call(inbox.next_batch, NOW, limit=9)
    assert (row.update_id, row.payload, row.chat_id) == (2, {"text": "words of 2"}, ANA)


def test_tidying_erases_old_words_and_drops_older_ids(database: Database) -> None:
    """Words go first, ids later, and what is recent stays; the number of erased words is returned."""
    _arrive(database, (1, ANA), (2, ANA), (3, ANA))
    for update_id, days in ((1, 40), (2, 20), (3, 5)):
        database.call(inbox.finish, update_id, NOW - days * DAY, keep_words=True)

    assert database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY) == 2  # of 1 (now dropped) and 2

    assert _ids(database) == [2, 3]
    assert (_row(database, 2).payload, _row(database, 2).chat_id) == (None, None)
    assert _row(database, 3).payload == {"text": "words of 3"}
    assert database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY) == 0


def test_tidying_changes_no_more_at_a_time_than_it_may(database: Database) -> None:
    """The oldest first, whether their words are erased or their rows dropped; the next call goes on until none is left."""
    _arrive(database, *((number, ANA) for number in range(1, 6)))
    for update_id, days in ((1, 20), (2, 40), (3, 40), (4, 20), (5, 5)):
        database.call(inbox.finish, update_id, NOW - days * DAY, keep_words=True)
    limits = (NOW - 10 * DAY, NOW - 30 * DAY, 2)

    assert database.call(inbox.tidy, *limits) == 2
    assert _ids(database) == [1, 3, 4, 5]
    assert [_row(database, number).payload is None for number in (1, 3, 4, 5)] == [True, False, False, False]
    assert [database.call(inbox.tidy, *limits) for _ in range(2)] == [2, 0]
    assert _ids(database) == [1, 4, 5]
    assert (_row(database, 4).payload, _row(database, 4).chat_id) == (None, None)
    assert _row(database, 5).payload is not None


def test_tidying_erases_words_of_no_chat(database: Database) -> None:
    """An update that belongs to no chat has words, too, and they go at the same time."""
    _arrive(database, (1, None))
    database.call(inbox.finish, 1, NOW - 20 * DAY, keep_words=True)

    database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY)

    assert _row(database, 1).payload is None


def test_tidying_spares_what_waits(database: Database) -> None:
    """An update nobody has handled is not erased, however long ago it came."""
    _arrive(database, (1, ANA), now=NOW - 100 * DAY)

    database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY)

    assert _row(database, 1).payload == {"text": "words of 1"}


def test_tidying_erases_what_was_parked_long_ago(database: Database) -> None:
    """Words that could not be handled are not kept for ever: retention counts for them as well."""
    _arrive(database, (1, ANA), now=NOW - 20 * DAY)
    _fail(database, 1, 4, NOW - 20 * DAY)

    database.call(inbox.tidy, NOW - 10 * DAY, NOW - 30 * DAY)

    assert database.call(inbox.of_chat, ANA) == []


def test_a_clock_that_was_set_back_keeps_no_update_waiting(database: Database) -> None:
    """The moment of another try then lies hours ahead; no pause of ours is that long."""
    _arrive(database, (1, ANA))
    database.call(inbox.failed, 1, "TimeoutError", NOW)

    assert [row.update_id for row in database.call(inbox.next_batch, NOW - timedelta(hours=3), limit=9)] == [
        1
    ]
    assert _batch(database) == []
