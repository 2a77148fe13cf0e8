"""Tests of the threshold: every update gets in, whatever its shape, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from bot.service.arrive import arrivals, chat_of


def test_updates_come_in_their_order_and_unaltered() -> None:
    """What is stored is what Telegram sent, also of kinds that nobody knows yet."""
    first: dict[str, Any] = {"update_id": 8, "message": {"chat": {"id": 5}, "text": "a <b>"}}
    second: dict[str, Any] = {"update_id": 7, "something_new": {"x": [1]}}

    came = arrivals([first, second])

    assert [(one.update_id, one.chat_id, one.payload) for one in came] == [(8, 5, first), (7, None, second)]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "nonsense",
        {"update_id": 1},  # not a list
        [None, 3, "x", ["update_id"]],
        [{}, {"update_id": None}, {"update_id": "1"}, {"update_id": 1.0}, {"update_id": True}],
    ],
)
def test_what_is_no_update_is_left_out(raw: object) -> None:
    """Nothing is raised, and nothing without a number gets in."""
    assert arrivals(raw) == []


def test_one_that_is_none_does_not_keep_the_others_out() -> None:
    """Among updates, nonsense is stepped over."""
    assert [one.update_id for one in arrivals([{"update_id": 1}, "?", {"update_id": 2}])] == [1, 2]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"update_id": 1, "message": {"chat": {"id": 5}}}, 5),
        ({"update_id": 1, "callback_query": {"message": {"chat": {"id": 6}}}}, 6),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": 7}}}, 7),
        ({"update_id": 1, "poll": {"id": "x"}}, None),
        ({"update_id": 1, "message": "nonsense"}, None),
        ({"update_id": 1, "message": {"chat": "nonsense"}}, None),
        ({"update_id": 1, "message": {"chat": {"id": "5"}}}, None),
        ({"update_id": 1, "message": {"chat": {"id": True}}}, None),
        ({}, None),
    ],
)
def test_the_chat_of_a_raw_update(payload: dict[str, object], expected: int | None) -> None:
    """Whatever its shape, nothing is raised."""
    assert chat_of(payload) == expected


def test_what_no_database_takes_is_left_out_and_the_rest_kept() -> None:
    """Half a letter, a zero byte, numbers without end and nesting without end; beside them everything stays."""
    deep: Any = "bottom"
    for _ in range(200):
        deep = [deep]
    update = {
        "update_id": 1,
        "message": {
            "text": "a\ud800b\x00c 还痛 😣",
            "date": 2**80,
            "x": [float("nan"), float("-inf"), 1.5, True, None, -3],
            "deep": deep,
            "chat": {"id": 5},
        },
    }
    (came,) = arrivals([update])

    message = came.payload["message"]
    assert message["text"] == "a?bc 还痛 😣"
    assert message["date"] is None
    assert message["x"] == [None, None, 1.5, True, None, -3]
    assert "bottom" not in str(message["deep"])
    assert came.chat_id == 5


@pytest.mark.parametrize("number", [2**63, -(2**64)])
def test_an_update_whose_number_no_database_takes_is_none(number: int) -> None:
    """It could never be told apart from others, so it is not kept at all."""
    assert arrivals([{"update_id": number}]) == []
    assert arrivals([{"update_id": 1, "message": {"chat": {"id": number}}}])[0].chat_id is None
