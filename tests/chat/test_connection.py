"""Tests of how Telegram is reached: at the server of the settings, without a queue of updates in memory."""

from __future__ import annotations

import pytest

from bot.chat.connection import Connection, connect


@pytest.mark.parametrize("root", ["http://127.0.0.1:8081", "http://127.0.0.1:8081/"])
def test_every_call_goes_to_the_given_server(root: str) -> None:
    """Methods and files alike, with or without a slash at the end."""
    bot = connect(Connection(token="1:x", api_url=root)).bot

    assert bot.base_url == "http://127.0.0.1:8081/bot1:x"
    assert bot.base_file_url == "http://127.0.0.1:8081/file/bot1:x"


def test_updates_do_not_pass_through_a_queue_in_memory() -> None:
    """They are stored first: an updater of python-telegram-bot's would lose what it had fetched."""
    assert connect(Connection(token="1:x", api_url="http://127.0.0.1:1")).updater is None
