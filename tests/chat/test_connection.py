"""Tests of how Telegram is reached: at the server of the settings, without a queue of updates in memory; and waited for."""

from __future__ import annotations

import pytest
from telegram.error import NetworkError, TimedOut

from bot.chat import connection as connection_module
from bot.chat.connection import Connection, connect, meet
from bot.chat.house import CannotRun
from tests.kit.offline import OfflineRequest, refusal

CONNECTION = Connection(token="1234567890:offline", api_url="http://127.0.0.1:1")


@pytest.mark.parametrize("root", ["http://127.0.0.1:8081", "http://127.0.0.1:8081/"])
def test_every_call_goes_to_the_given_server(root: str) -> None:
    """Methods and files alike, with or without a slash at the end."""
    bot = connect(Connection(token="1:x", api_url=root)).bot

    assert bot.base_url == "http://127.0.0.1:8081/bot1:x"
    assert bot.base_file_url == "http://127.0.0.1:8081/file/bot1:x"


def test_updates_do_not_pass_through_a_queue_in_memory() -> None:
    """They are stored first: an updater of python-telegram-bot's would lose what it had fetched."""
    assert connect(Connection(token="1:x", api_url="http://127.0.0.1:1")).updater is None


# --- the first call ---------------------------------------------------------------------------------------


async def test_telegram_is_waited_for(
    offline: OfflineRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The network comes later than the bot, then a proxy's faults pass; each try says so in the log, with its cure."""
    monkeypatch.setattr(connection_module, "MEET_PAUSES", (0, 0, 0.01))
    offline.answers["getMe"] = [
        NetworkError("no route"),
        TimedOut(),
        refusal(502, "Bad Gateway"),
        refusal(429, "Too Many Requests", retry_after=1),
        (200, b"<html>Please log in to this network</html>"),
        refusal(403, "Forbidden"),
    ]
    application = connect(CONNECTION)
    await meet(application)

    assert application.bot.username == "aftercare_test_bot"
    said = [record.getMessage() for record in caplog.records if record.name == "bot.chat.connection"]
    assert len(said) == 6
    assert "(NetworkError). Check telegram.api_url and the network." in said[0]
    await application.shutdown()


def test_the_pauses_grow_and_stay_short_enough() -> None:
    """Nobody waits for long once the network is there."""
    assert list(connection_module.MEET_PAUSES) == sorted(connection_module.MEET_PAUSES)
    assert connection_module.MEET_PAUSES[-1] <= 30


@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        (refusal(401, "Unauthorized"), "TELEGRAM_BOT_TOKEN"),
        (refusal(404, "Not Found"), "TELEGRAM_BOT_TOKEN"),
        (refusal(400, "Bad Request: what?"), r"telegram\.api_url"),
    ],
)
async def test_what_will_not_pass_is_said_at_once(
    offline: OfflineRequest, answer: tuple[int, bytes], cure: str
) -> None:
    """A refused token, or a server that is none of Telegram's: one sentence, no second try."""
    offline.answers["getMe"] = [answer]
    with pytest.raises(CannotRun, match=cure):
        await meet(connect(CONNECTION))

    assert [name for name, _ in offline.calls] == ["getMe"]
