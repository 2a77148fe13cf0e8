"""Tests of `bot.storage.inbox_line`: each chat in its order, danger first, and nobody waits for what goes on failing."""

from datetime import timedelta
from typing import Any

from bot.storage import inbox, inbox_line
from bot.storage.database import Database
from bot.storage.inbox import InboxState
from tests.kit.inbox import arrive, batch_of, fail, handle_all, next_of, row_of, wholly
from tests.storage.conftest import ANA, BEN, NOW

EVA = 5_000_000_003
SECOND = timedelta(seconds=1)


# --- lanes -----------------------------------------------------------------------------------------------


def test_a_batch_holds_the_oldest_update_of_each_chat(database: Database) -> None:
    """Several chats' updates may be handled at a time, each chat's in order; without a chat, each for itself."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, BEN), (6, None), (7, EVA))

    assert batch_of(database) == [1, 3, 4, 6, 7]
    assert batch_of(database, limit=2) == [1, 3]


def test_a_batch_looks_as_far_as_it_must(database: Database) -> None:
    """Behind many pages of one chat's updates the oldest of others is found, each once, and no order is lost."""
    flood = [(number, ANA) for number in range(3 * inbox_line.PAGE)]
    rest = [(10_000 + number, BEN + number % inbox_line.PAGE) for number in range(2 * inbox_line.PAGE)]
    arrive(database, *flood, *rest)

    assert batch_of(database, limit=3) == [0, 10_000, 10_001]
    assert batch_of(database, limit=1000) == [0, *range(10_000, 10_000 + inbox_line.PAGE)]
    assert batch_of(database, limit=2, busy=[ANA]) == [10_000, 10_001]
    assert batch_of(database, limit=0) == []


def test_nobody_is_passed_over_behind_many_chats_that_wait_for_another_try(database: Database) -> None:
    """Each of them closes its own lane only."""
    held = [(number, 1000 + number) for number in range(inbox_line.PAGE + 5)]
    arrive(database, *held, *((5_000 + number, chat) for number, chat in held), (9_999, ANA))
    for number, _chat in held:
        fail(database, number, 1)

    assert batch_of(database) == [9_999]


def test_a_batch_leaves_out_what_is_in_progress(database: Database) -> None:
    """Nothing of a chat that is busy, and no chatless update that is being handled."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, None))

    assert batch_of(database, busy={ANA}) == [3, 4, 5]
    assert batch_of(database, busy_updates=[4]) == [1, 3, 5]
    assert batch_of(database, busy=[ANA, BEN], busy_updates=[4]) == [5]


def test_a_busy_chats_next_update_waits_when_the_first_has_ended(database: Database) -> None:
    """An update that is recorded as handled, whose handler has not returned, still keeps its chat."""
    arrive(database, (1, ANA), (2, ANA))
    database.call(inbox.finish, 1, NOW, keep_words=True)

    assert batch_of(database, busy={ANA}) == []
    assert batch_of(database) == [2]


def test_a_batch_leaves_out_chats_that_wait_for_another_try(database: Database) -> None:
    """While a chat's first update waits, its others do; when it is time, the first comes first."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, None))
    fail(database, 1, 1)
    fail(database, 4, 1)

    assert batch_of(database) == [3, 5]
    assert batch_of(database, NOW + SECOND) == [1, 3, 4, 5]


# --- first things first ----------------------------------------------------------------------------------


def test_chats_that_are_named_go_first_in_that_order(database: Database) -> None:
    """Each with its own oldest update; the others follow in the order of arrival."""
    arrive(database, (1, ANA), (2, None), (3, BEN), (4, EVA), (5, EVA), (6, BEN))

    assert batch_of(database, first=wholly(EVA, BEN)) == [4, 3, 1, 2]
    assert batch_of(database, first=wholly(EVA, BEN), limit=1) == [4]
    assert batch_of(database, first=wholly(404), limit=2) == [1, 2]


def test_a_chat_goes_first_up_to_a_place_in_the_line(database: Database) -> None:
    """What it wrote after that has its usual turn."""
    arrive(database, (1, ANA), (2, BEN), (3, BEN), (4, BEN))
    until = {BEN: row_of(database, 3).seq}
    assert batch_of(database, first=until) == [2, 1]
    database.call(inbox.finish, 2, NOW, keep_words=True)
    assert batch_of(database, first=until) == [3, 1]
    database.call(inbox.finish, 3, NOW, keep_words=True)

    assert batch_of(database, first=until) == [1, 4]


def test_a_chat_that_is_named_keeps_its_order_and_its_pauses(database: Database) -> None:
    """A busy one is not taken twice; one whose oldest update waits for another try is not taken at all."""
    arrive(database, (1, ANA), (2, BEN), (3, BEN), (4, EVA))
    fail(database, 2, 1)

    assert batch_of(database, first=wholly(EVA, BEN), busy=[EVA]) == [1]
    assert batch_of(database, first=wholly(EVA, BEN)) == [4, 1]
    assert batch_of(database, NOW + SECOND, first=wholly(BEN)) == [2, 1, 4]


def test_a_batch_says_whether_there_was_more(database: Database) -> None:
    """More is what could be handled now, in another chat: not what waits behind it, nor for another try."""

    def more(limit: int, **others: Any) -> bool:
        return database.call(inbox_line.next_batch, NOW, limit=limit, **others).more

    assert not more(1)
    arrive(database, (1, ANA), (2, ANA))
    assert not more(1)
    assert more(0)
    arrive(database, (3, BEN), (4, EVA))
    fail(database, 3, 1)
    assert more(1)
    assert not more(2)
    assert not more(1, busy=[ANA])
    assert more(1, first=wholly(EVA))  # nobody has looked at the others
    arrive(database, *((100 + number, ANA) for number in range(inbox_line.PAGE)))
    assert more(2)  # there is another page


def test_a_batch_says_where_the_lines_of_the_first_begin(database: Database) -> None:
    """By that it is known what has been handled; a chat with nothing waiting is left out, a busy one as well."""
    arrive(database, (1, ANA), (2, BEN), (3, BEN), (4, EVA))
    database.call(inbox.finish, 2, NOW, keep_words=True)

    batch = database.call(
        inbox_line.next_batch, NOW, limit=1, first=dict.fromkeys([EVA, BEN, 404, ANA], 1), busy=[ANA]
    )

    assert batch.oldest == {BEN: row_of(database, 3).seq, EVA: row_of(database, 4).seq}
    assert database.call(inbox_line.next_batch, NOW, limit=1).oldest == {}


def test_a_look_ahead_returns_what_waits_page_after_page(database: Database) -> None:
    """In the order of arrival, each once; what was handled is left out, and what waits for another try is not."""
    arrive(database, *((number, None if number == 5 else number) for number in range(inbox_line.LOOK + 10)))
    database.call(inbox.finish, 0, NOW, keep_words=True)
    fail(database, 1, 1)

    page = database.call(inbox_line.look_ahead, 0, ())
    known = {row.seq for row in page}
    rest = database.call(inbox_line.look_ahead, page[-1].seq, known)

    assert [row.update_id for row in (*page, *rest)] == list(range(1, inbox_line.LOOK + 10))
    assert len(page) == inbox_line.LOOK
    assert (page[4].update_id, page[4].chat_id, page[4].payload) == (5, None, {"text": "words of 5"})
    assert database.call(inbox_line.look_ahead, rest[-1].seq, known | {row.seq for row in rest}) == []


def test_a_look_ahead_finds_what_was_stored_late(database: Database) -> None:
    """On PostgreSQL a number is given before it is seen: others may have been looked at that came after it."""
    arrive(database, (1, ANA), (2, BEN), (3, EVA))
    late, newest = row_of(database, 2).seq, row_of(database, 3).seq

    (found,) = database.call(inbox_line.look_ahead, newest, {row_of(database, 1).seq, newest})

    assert found.seq == late
    assert database.call(inbox_line.look_ahead, newest + inbox_line.MARGIN, ()) == []


def test_there_is_nothing_to_handle_when_all_that_waits_waits_for_later(database: Database) -> None:
    """`nothing_to_handle` looks at this moment only."""
    assert database.call(inbox_line.nothing_to_handle, NOW) is True
    arrive(database, (1, ANA))
    assert database.call(inbox_line.nothing_to_handle, NOW) is False

    fail(database, 1, 1)

    assert database.call(inbox_line.nothing_to_handle, NOW) is True
    assert database.call(inbox_line.nothing_to_handle, NOW + SECOND) is False


# --- behind what fails ------------------------------------------------------------------------------------


def test_a_failing_update_holds_up_only_its_own_chat(database: Database) -> None:
    """While one chat's update waits for another try, that chat keeps its order and others go on."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN), (4, None), (5, BEN))
    fail(database, 1, 1)

    assert handle_all(database) == [3, 4, 5]
    assert handle_all(database, NOW + SECOND) == [1, 2]


def test_an_update_that_fails_again_holds_up_nobody(database: Database) -> None:
    """Somebody in danger must not wait a minute for another try of what they wrote before; that has its turn later."""
    arrive(database, (1, ANA), (2, ANA), (3, BEN))
    fail(database, 1, 2)

    assert batch_of(database, first=wholly(ANA)) == [2, 3]
    assert handle_all(database) == [2, 3]
    assert handle_all(database, NOW + 10 * SECOND) == [1]


def test_a_clock_that_was_set_back_keeps_a_stubborn_update_first(database: Database) -> None:
    """Its moment cannot be so far ahead: it is tried now, before what came after it."""
    arrive(database, (1, ANA), (2, ANA))
    fail(database, 1, 2)

    assert handle_all(database, NOW - timedelta(hours=1)) == [1, 2]


def test_updates_without_a_chat_do_not_hold_each_other_up(database: Database) -> None:
    """One that fails and belongs to no chat lets another of no chat pass."""
    arrive(database, (1, None), (2, None))
    fail(database, 1, 1)

    assert handle_all(database) == [2]


def test_a_long_line_behind_a_failing_update_holds_up_nobody_else(database: Database) -> None:
    """However much one chat has waiting behind an update that failed, another chat's red flag is handled now."""
    arrive(database, *((number, ANA) for number in range(250)), (1000, BEN))
    fail(database, 0, 1)

    assert next_of(database) == 1000


def test_a_parked_update_does_not_stop_the_line(database: Database) -> None:
    """When an update is given up, its chat's next one is handled."""
    arrive(database, (1, ANA), (2, ANA))

    assert fail(database, 1, 4) == InboxState.PARKED

    assert handle_all(database) == [2]


def test_the_next_try_is_the_earliest(database: Database) -> None:
    """`next_try` looks at those that failed and wait, and at nothing else."""
    arrive(database, (1, ANA), (2, BEN), (3, None))
    assert database.call(inbox_line.next_try) is None
    fail(database, 1, 2)
    fail(database, 2, 1, NOW + SECOND)

    assert database.call(inbox_line.next_try) == NOW + 2 * SECOND
    database.call(inbox.finish, 2, NOW + 2 * SECOND, keep_words=True)
    assert database.call(inbox_line.next_try) == NOW + 10 * SECOND
