"""The clock."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.clock import SandboxClock


def test_time_flows_from_the_given_start() -> None:
    """Without a start it is the real time."""
    start = datetime(2026, 3, 28, 16, tzinfo=UTC)

    assert timedelta() <= SandboxClock(start).now() - start < timedelta(seconds=5)
    assert abs(SandboxClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_frozen_clock_moves_only_when_turned() -> None:
    """And tells those who asked."""
    start = datetime(2026, 3, 28, 16, tzinfo=UTC)
    clock = SandboxClock(start, frozen=True)
    turned: list[datetime] = []
    clock.when_turned(lambda: turned.append(clock.now()))
    assert clock.now() == clock.now() == start

    clock.turn(3600)

    assert turned == [start + timedelta(hours=1)]
    assert clock.now().tzinfo is UTC


def test_there_is_no_way_back() -> None:
    """Nor a start without a zone."""
    with pytest.raises(ValueError, match="forward"):
        SandboxClock().turn(-1)
    with pytest.raises(ValueError, match="zone"):
        SandboxClock(datetime(2026, 1, 1))  # noqa: DTZ001
