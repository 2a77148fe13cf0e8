"""Tests of the introduction: the bot's name for links, asked when it has never run."""

from __future__ import annotations

from bot.chat.introduce import user_name


async def test_a_server_that_is_not_there_gives_no_name() -> None:
    """An invite made offline prints its code all the same."""
    assert await user_name("1:x", "http://127.0.0.1:9") is None
