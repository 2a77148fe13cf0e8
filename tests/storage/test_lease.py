"""Tests of `bot.storage.lease`: one process at a time handles, sends and schedules."""

from datetime import timedelta

import pytest

from bot.storage import lease
from bot.storage.database import Database
from bot.storage.lease import TERM, Holder
from tests.storage.conftest import NOW

FIRST = Holder(host="desk", pid=100, mark="aaaa")
SECOND = Holder(host="desk", pid=200, mark="bbbb")
SECONDS = timedelta(seconds=1)


@pytest.mark.parametrize(
    "holder",
    [FIRST, Holder(host="a/strange/host", pid=1, mark="cccc"), Holder(host="", pid=0, mark="")],
)
def test_a_holder_is_read_as_it_was_written(holder: Holder) -> None:
    """Whatever its host is called."""
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
    ],
)
def test_a_likeness_is_not_the_holder(database: Database, other: Holder) -> None:
    """Host, process and mark must all agree."""
    database.call(lease.take, FIRST, NOW)

    assert database.call(lease.take, other, NOW) == FIRST


def test_a_released_lease_is_free_at_once(database: Database) -> None:
    """The next process need not wait for the end of the term."""
    database.call(lease.take, FIRST, NOW)
    database.call(lease.release, FIRST)

    assert database.call(lease.take, SECOND, NOW) is None


def test_only_the_holder_can_release(database: Database) -> None:
    """A process that has lost its lease does not give up its successor's."""
    database.call(lease.take, FIRST, NOW)

    database.call(lease.release, SECOND)

    assert database.call(lease.take, SECOND, NOW) == FIRST
