"""Tests of the webhook's care: set, looked after, taken away; trouble waited out, refusals told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from telegram import Bot
from telegram.error import NetworkError, TimedOut

from bot.chat import webhook
from bot.chat.house import CannotRun
from bot.chat.poll import ALLOWED
from tests.conftest import THURSDAY
from tests.kit.offline import OfflineRequest, refusal

URL = "https://bot.example.com/telegram"
SECRET = "5ec2e7"
NOW = THURSDAY
Told = Callable[..., None]


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> OfflineRequest:
    """A Telegram in memory; nobody waits in these tests."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("bot.chat.webhook.PAUSES", (0, 0, 0))
    return OfflineRequest()


@pytest.fixture
def bot(telegram: OfflineRequest) -> Bot:
    """Telegram's library on the offline Telegram."""
    return Bot("1234567890:offline", request=telegram, get_updates_request=telegram)


@pytest.fixture
def tells(telegram: OfflineRequest) -> Told:
    """Let Telegram tell something of the webhook; what is not said is as it should be."""

    def tell(**changes: Any) -> None:
        info = {
            "url": URL,
            "has_custom_certificate": False,
            "pending_update_count": 0,
            "allowed_updates": sorted(ALLOWED),
        }
        told = {key: value for key, value in (info | changes).items() if value is not None}
        telegram.results["getWebhookInfo"] = lambda _: told

    return tell


def error(message: str, ago: timedelta) -> dict[str, Any]:
    """Return an error as Telegram reports it."""
    return {"last_error_message": message, "last_error_date": int((NOW - ago).timestamp())}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was written into the log about the webhook."""
    return [record.getMessage() for record in caplog.records if record.name == "bot.chat.webhook"]


# --- set ----------------------------------------------------------------------------------------------------


async def test_the_webhook_is_set_with_everything_it_needs(bot: Bot, telegram: OfflineRequest) -> None:
    """The address, the secret, the kinds of updates; what waits is not dropped."""
    await webhook.point(bot, URL, SECRET)

    [call] = telegram.sent("setWebhook")
    assert call["url"] == URL
    assert call["secret_token"] == SECRET
    assert call["allowed_updates"] == list(ALLOWED)
    assert call["max_connections"] == 40
    assert not call.get("drop_pending_updates")


async def test_trouble_that_passes_is_waited_out(
    bot: Bot, telegram: OfflineRequest, caplog: pytest.LogCaptureFixture
) -> None:
    """The network, a server's fault: then it is set, and nothing in the log tells the secret."""
    telegram.answers["setWebhook"] = [TimedOut(), refusal(502, "Bad Gateway")]

    await webhook.point(bot, URL, SECRET)

    assert len(telegram.sent("setWebhook")) == 3
    assert lines(caplog) == [
        "Telegram cannot be told about the webhook yet (TimedOut).",
        "Telegram cannot be told about the webhook yet (NetworkError).",
        "Telegram brings updates to the webhook.",
    ]
    assert SECRET not in caplog.text


async def test_telegram_is_left_alone_as_long_as_it_asks(
    bot: Bot, telegram: OfflineRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 says for how long; our own pauses are for all the rest."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("bot.chat.webhook.PAUSES", (1, 2))
    telegram.answers["setWebhook"] = [refusal(429, "Too Many Requests", retry_after=7), TimedOut()]
    with monkeypatch.context() as patch:
        patch.setattr("bot.chat.webhook.asyncio.sleep", sleep)
        await webhook.point(bot, URL, SECRET)

    assert [seconds for seconds in slept if seconds] == [7, 2]


async def test_trouble_that_stays_ends_with_a_reason(bot: Bot, telegram: OfflineRequest) -> None:
    """After a few tries a person is told."""
    telegram.answers["setWebhook"] = [NetworkError("x") for _ in range(20)]

    with pytest.raises(CannotRun, match=r"NetworkError.*Check telegram\.api_url and the network"):
        await webhook.point(bot, URL, SECRET)
    assert len(telegram.sent("setWebhook")) == 4


async def test_an_address_telegram_refuses_is_told_with_its_reason(
    bot: Bot, telegram: OfflineRequest
) -> None:
    """In Telegram's own words, at once."""
    reason = "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
    telegram.answers["setWebhook"] = [refusal(400, reason)]

    with pytest.raises(CannotRun, match=r"only on ports 80, 88, 443 or 8443\. Check telegram\.webhook_url"):
        await webhook.point(bot, URL, SECRET)
    assert len(telegram.sent("setWebhook")) == 1


async def test_a_token_telegram_refuses_is_told(bot: Bot, telegram: OfflineRequest, tells: Told) -> None:
    """When it is set or looked at: nothing will ever come."""
    telegram.answers["setWebhook"] = [refusal(401, "Unauthorized")]
    with pytest.raises(CannotRun, match="TELEGRAM_BOT_TOKEN"):
        await webhook.point(bot, URL, SECRET)

    telegram.answers["getWebhookInfo"] = [refusal(401, "Unauthorized")]
    with pytest.raises(CannotRun, match="TELEGRAM_BOT_TOKEN"):
        await webhook.check(bot, URL, SECRET, NOW)


# --- looked after -------------------------------------------------------------------------------------------


async def test_a_webhook_that_is_well_is_left_alone(
    bot: Bot, telegram: OfflineRequest, tells: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is set, nothing is written."""
    tells()

    assert await webhook.check(bot, URL, SECRET, NOW) is False
    assert telegram.sent("setWebhook") == []
    assert lines(caplog) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"url": ""}, "it was gone"),
        ({"url": "https://elsewhere.example/x"}, "it led elsewhere"),
        ({"allowed_updates": ["message"]}, "other kinds of updates"),
        ({"allowed_updates": [*ALLOWED, "poll"]}, "other kinds of updates"),
        ({"allowed_updates": None}, "other kinds of updates"),  # Telegram's own choice
        (error("Wrong response from the webhook: 403 Forbidden", timedelta(minutes=1)), "another secret"),
        (error("Wrong response from the webhook: 403 Forbidden", timedelta(seconds=-2)), "another secret"),
    ],
)
async def test_what_is_wrong_is_set_again(
    changes: dict[str, Any],
    why: str,
    bot: Bot,
    telegram: OfflineRequest,
    tells: Told,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another program, another version or another token was there; the log says what was wrong, not where it led."""
    tells(**changes)

    assert await webhook.check(bot, URL, SECRET, NOW) is True

    [call] = telegram.sent("setWebhook")
    assert (call["url"], call["secret_token"]) == (URL, SECRET)
    [line] = lines(caplog)
    assert line.startswith("The webhook was set again: ")
    assert why in line
    assert "elsewhere.example" not in caplog.text


async def test_old_errors_are_no_news(
    bot: Bot, telegram: OfflineRequest, tells: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """Telegram reports its last error for ever, also when all is well again."""
    tells(**error("Wrong response from the webhook: 403 Forbidden", timedelta(hours=1)))

    assert await webhook.check(bot, URL, SECRET, NOW) is False
    assert telegram.sent("setWebhook") == []
    assert lines(caplog) == []


async def test_other_errors_are_passed_on(
    bot: Bot, telegram: OfflineRequest, tells: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy that is down cannot be mended from here: whoever reads the log learns what Telegram sees."""
    tells(
        **error("Wrong response from the webhook: 502 Bad Gateway", timedelta(minutes=1)),
        pending_update_count=4031,
    )

    assert await webhook.check(bot, URL, SECRET, NOW) is False
    assert telegram.sent("setWebhook") == []
    assert lines(caplog) == [
        "Telegram could not bring every update of late: Wrong response from the webhook: 502 Bad Gateway. "
        "4031 wait."
    ]


@pytest.mark.parametrize("method", ["getWebhookInfo", "setWebhook"])
@pytest.mark.parametrize(
    "answer",
    [
        TimedOut(),
        NetworkError("x"),
        refusal(500, "Internal Server Error"),
        refusal(429, "Too Many Requests", retry_after=3),
        refusal(400, "Bad Request: bad webhook: Failed to resolve host"),
        (200, b"garbage"),
    ],
    ids=["timeout", "network", "500", "429", "400", "garbage"],
)
async def test_a_check_survives_trouble(
    method: str,
    answer: Any,
    bot: Bot,
    telegram: OfflineRequest,
    tells: Told,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged and left to the next check, which mends it."""
    tells(url="")
    telegram.answers[method] = [answer]

    assert await webhook.check(bot, URL, SECRET, NOW) is False
    assert len(lines(caplog)) == 1
    assert await webhook.check(bot, URL, SECRET, NOW) is True


# --- taken away ---------------------------------------------------------------------------------------------


async def test_a_webhook_is_taken_away_before_polling(
    bot: Bot, telegram: OfflineRequest, tells: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """Else nothing could be fetched; what waits is kept."""
    tells()
    telegram.answers["deleteWebhook"] = [TimedOut()]

    await webhook.clear(bot)

    calls = telegram.sent("deleteWebhook")
    assert len(calls) == 2
    assert not calls[-1].get("drop_pending_updates")
    assert "It was taken away" in lines(caplog)[-1]


async def test_a_server_that_knows_no_webhooks_is_polled_all_the_same(
    bot: Bot, telegram: OfflineRequest, caplog: pytest.LogCaptureFixture
) -> None:
    """A stranger's emulator may lack the method; fetching tells whether there is a conflict."""
    telegram.answers["getWebhookInfo"] = [refusal(404, "Not Found")]

    await webhook.clear(bot)

    assert telegram.sent("deleteWebhook") == []
    assert "does not say whether a webhook is set" in lines(caplog)[-1]


async def test_without_a_webhook_there_is_nothing_to_take_away(
    bot: Bot, telegram: OfflineRequest, tells: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """One question, no more."""
    tells(url="", allowed_updates=None)

    await webhook.clear(bot)

    assert telegram.sent("deleteWebhook") == []
    assert lines(caplog) == []
