"""The record of calls."""

from datetime import UTC, datetime

from bot.sandbox.record import KEPT, Record

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_calls_are_numbered_and_picked_by_method() -> None:
    """And a test can ask for what came after something."""
    record = Record()
    for method in ("getMe", "sendMessage", "getMe"):
        record.add(method, {}, NOW, 200)

    assert [e.number for e in record.calls("GETME")] == [1, 3]
    assert [e.number for e in record.calls(after=1)] == [2, 3]
    record.clear()
    assert record.calls() == []


def test_only_the_newest_are_kept() -> None:
    """A long demonstration does not fill the memory."""
    record = Record()
    for _ in range(KEPT + 5):
        record.add("getUpdates", {}, NOW, 200)

    assert (len(record.calls()), record.calls()[0].number) == (KEPT, 6)
