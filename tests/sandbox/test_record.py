"""The record of calls."""

from datetime import UTC, datetime

from bot.sandbox.record import KEPT, Record

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_calls_are_numbered_and_picked_by_method() -> None:
    """And a test can ask for what came after something."""
    record = Record()
    assert record.number == 0
    for method in ("getMe", "sendMessage", "getMe"):
        record.add(method, {}, NOW, 200)
    assert record.number == 3

    assert [e.number for e in record.calls("GETME")] == [1, 3]
    assert [e.number for e in record.calls(after=1)] == [2, 3]
    record.clear()
    assert record.calls() == []
    assert record.counts() == {}


def test_only_the_newest_are_kept() -> None:
    """A long demonstration does not fill the memory."""
    record = Record()
    for _ in range(KEPT + 5):
        record.add("getUpdates", {}, NOW, 200)

    assert (len(record.calls()), record.calls()[0].number) == (KEPT, 6)


def test_all_are_counted_also_those_no_longer_kept() -> None:
    """By method and outcome, so that no 429 is missed in a long run."""
    record = Record()
    for number in range(KEPT + 5):
        record.add("sendMessage", {}, NOW, 429 if number < 3 else 200)
    record.add("getMe", {}, NOW, None)

    assert record.counts() == {"sendMessage": {"429": 3, "200": KEPT + 2}, "getMe": {"lost": 1}}
