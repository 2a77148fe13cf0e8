"""Tests of `bot.storage.lease`: one process at a time handles, sends and schedules."""

from datetime import timedelta

import pytest

from bot.storage import lease
from bot.storage.database import Database
from bot.storage.lease import TERM, Holder, LeaseLost
from tests.storage.conftest import NOW

FIRST = Holder(host="desk", pid=100, mark="aaaa")
SECOND = Holder(host="desk", pid=200, mark="bbbb")
SECONDS = timedelta(seconds=1)


@pytest.mark.parametrize(
    "holder",
    [
        FIRST,
        Holder(host="a/strange@host", pid=1, mark="cccc", space="0123456789ab"),
        Holder(host="", pid=0, mark=""),
    ],
)
def test_a_holder_is_read_as_it_was_written(holder: Holder) -> None:
    """Whatever its host is called, and whether it is known where its id counts."""
    assert Holder.read(str(holder)) == holder


def test_the_first_takes_the_lease(database: Database) -> None:
    """Nobody holds it, so it is taken."""
    assert database.call(lease.take, FIRST, NOW) is None


def test_a_second_is_refused_and_told_who_has_it(database: Database) -> None:
    """While the lease runs, also from another connection."""
    database.call(lease.take, FIRST, NOW)
    other = Database(database.url)

    answers = [other.call(lease.take, SECOND, NOW + after) for after in (timedelta(), TERM - SECONDS)]
    other.close()

    assert answers == [FIRST, FIRST]


def test_the_holder_renews(database: Database) -> None:
    """Each renewal lasts a whole term from its own moment."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, FIRST, NOW + TERM - SECONDS) is None
    assert database.call(lease.take, SECOND, NOW + TERM) == FIRST
    assert database.call(lease.take, SECOND, NOW + 2 * TERM - 2 * SECONDS) == FIRST
    assert database.call(lease.take, SECOND, NOW + 2 * TERM - SECONDS) is None


def test_an_expired_lease_is_taken_over(database: Database) -> None:
    """And then the first is the one who is refused."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, SECOND, NOW + TERM) is None
    assert database.call(lease.take, FIRST, NOW + TERM) == SECOND


def test_a_lease_from_before_the_clock_was_set_back_is_over(database: Database) -> None:
    """None ends later than a term from now: whoever took it died, or renews in a moment by the new time."""
    database.call(lease.take, FIRST, NOW)
    back = NOW - timedelta(hours=8)

    assert database.call(lease.take, SECOND, back, by_clock=False) == FIRST
    assert database.call(lease.take, SECOND, back) is None
    assert database.call(lease.take, FIRST, back) == SECOND


def test_a_lease_that_was_taken_just_now_runs(database: Database) -> None:
    """The longest there can be is no sign of a clock that was set."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, SECOND, NOW) == FIRST
    assert database.call(lease.take, SECOND, NOW - timedelta(microseconds=1)) is None


def test_a_late_holder_may_renew_if_nobody_came(database: Database) -> None:
    """A process that slept past its lease goes on if it is still the only one."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, FIRST, NOW + 10 * TERM) is None
    assert database.call(lease.take, SECOND, NOW + 10 * TERM) == FIRST


def test_a_dead_holders_lease_is_taken_over_at_once(database: Database) -> None:
    """Who knows that the process is no more need not wait."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, SECOND, NOW, dead=True) is None
    assert database.call(lease.take, FIRST, NOW + TERM - SECONDS) == SECOND


@pytest.mark.parametrize(
    "other",
    [
        Holder(host="desk", pid=100, mark="zzzz"),  # the same number in a container started anew
        Holder(host="desk", pid=101, mark="aaaa"),
        Holder(host="cellar", pid=100, mark="aaaa"),
        Holder(host="desk", pid=100, mark="aaaa", space="0123456789ab"),
    ],
)
def test_a_likeness_is_not_the_holder(database: Database, other: Holder) -> None:
    """Host, process and mark must all agree."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, other, NOW) == FIRST


def test_a_released_lease_is_free_at_once(database: Database) -> None:
    """The next process need not wait for the end of the term."""
    database.call(lease.take, FIRST, NOW)
    database.call(lease.release, FIRST, NOW)

    assert database.call(lease.take, SECOND, NOW) is None
    assert database.call(lease.take, FIRST, NOW) == SECOND


def test_only_the_holder_can_release(database: Database) -> None:
    """A process that has lost its lease does not give up its successor's."""
    database.call(lease.take, FIRST, NOW)

    database.call(lease.release, SECOND, NOW)

    assert database.call(lease.take, SECOND, NOW) == FIRST


def test_nothing_can_be_released_before_it_was_taken(database: Database) -> None:
    """A process that stops before it began leaves no trace."""
    database.call(lease.release, FIRST, NOW)

    assert database.call(lease.last_alive) is None
    assert database.call(lease.take, SECOND, NOW) is None


# --- while it works --------------------------------------------------------------------------------------


def test_the_holder_may_work(database: Database) -> None:
    """Also when its lease ran out while nobody came: it may have slept."""
    database.call(lease.take, FIRST, NOW)

    database.call(lease.require, FIRST)


@pytest.mark.parametrize("dead", [False, True])
def test_whoever_was_replaced_may_work_no_more(database: Database, dead: bool) -> None:
    """The message names the process that has taken over."""
    database.call(lease.take, FIRST, NOW)
    database.call(lease.take, SECOND, NOW + (timedelta() if dead else TERM), dead=dead)

    with pytest.raises(LeaseLost, match=r"process 200 on desk"):
        database.call(lease.require, FIRST)
    database.call(lease.require, SECOND)


def test_whoever_gave_the_lease_up_may_work_no_more(database: Database) -> None:
    """Nor whoever never had it; nobody is named."""
    with pytest.raises(LeaseLost, match=r"^Another Aftercare has taken over"):
        database.call(lease.require, FIRST)
    database.call(lease.take, FIRST, NOW)
    database.call(lease.release, FIRST, NOW)

    with pytest.raises(LeaseLost, match=r"^Another Aftercare has taken over"):
        database.call(lease.require, FIRST)


# --- until when it lived ---------------------------------------------------------------------------------


def test_nobody_was_alive_before_the_first(database: Database) -> None:
    """A new database tells no moment."""
    assert database.call(lease.last_alive) is None


def test_who_died_was_alive_until_the_last_renewal(database: Database) -> None:
    """A process that was killed says no more than its lease does."""
    database.call(lease.take, FIRST, NOW)
    assert database.call(lease.last_alive) == NOW

    database.call(lease.take, FIRST, NOW + SECONDS)

    assert database.call(lease.last_alive) == NOW + SECONDS


def test_who_stopped_was_alive_until_then(database: Database) -> None:
    """A process that gave its lease up wrote when; asking for the lease in vain changes nothing."""
    database.call(lease.take, FIRST, NOW)
    database.call(lease.release, FIRST, NOW + 5 * SECONDS)
    assert database.call(lease.last_alive) == NOW + 5 * SECONDS

    database.call(lease.take, SECOND, NOW + 8 * SECONDS)
    database.call(lease.take, FIRST, NOW + 9 * SECONDS)

    assert database.call(lease.last_alive) == NOW + 8 * SECONDS
