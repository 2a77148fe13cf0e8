"""Tests of the introduction: the menus, and the bot's name for links, asked when it has never run."""

from __future__ import annotations

import pytest
from telegram import Bot
from telegram.error import TimedOut

from bot.chat.introduce import introduce, user_name
from bot.content.library import Library
from tests.kit.offline import Answer, OfflineRequest, refusal


async def test_a_server_that_is_not_there_gives_no_name() -> None:
    """An invite made offline prints its code all the same."""
    assert await user_name("1:x", "http://127.0.0.1:9") is None


@pytest.mark.parametrize("trouble", [TimedOut(), refusal(404, "Not Found"), ValueError("a fault of ours")])
async def test_whatever_comes_of_the_menus_is_a_warning(
    library: Library, caplog: pytest.LogCaptureFixture, trouble: Answer
) -> None:
    """It is done beside the bot's work, which must not end for it."""
    request = OfflineRequest()
    request.answers["setMyCommands"] = [trouble]
    await introduce(Bot("1234567890:offline", request=request, get_updates_request=request), library)

    assert "menus could not be set" in caplog.text
    assert {record.levelname for record in caplog.records if record.name == "bot.chat.introduce"} == {
        "WARNING"
    }
