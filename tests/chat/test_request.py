"""Tests of requests to the Bot API: whatever answers in Telegram's place is not believed, and not quoted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import httpx
import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.chat.messenger import TelegramMessenger
from bot.chat.request import NotTelegram, Request
from bot.domain.message import Outgoing
from bot.service.ports import Gone, Outcome, Refused, TryLater, Unknown

PAGE = b"<html><title>403</title>Ana wrote: I want to die</html>"


def asking(answer: Callable[[httpx.Request], httpx.Response]) -> Request:
    """Return a request whose answers are given."""
    return Request(httpx_kwargs={"transport": httpx.MockTransport(answer)})


async def post(code: int, body: bytes) -> object:
    """Ask for something by POST and return what python-telegram-bot makes of the answer."""
    async with asking(lambda _: httpx.Response(code, content=body)) as request:
        return await request.post("http://api.test/bot1:x/sendMessage")


async def sent(code: int, body: bytes) -> Outcome:
    """Send a message; every call but the introduction is answered so."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/getMe"):
            me = {"id": 1, "is_bot": True, "first_name": "A", "username": "a_bot"}
            return httpx.Response(200, json={"ok": True, "result": me})
        return httpx.Response(code, content=body)

    async with Bot("1:x", request=asking(answer), get_updates_request=asking(answer)) as bot:
        return await TelegramMessenger(bot).send(7, Outgoing(text="x"), None)


@pytest.mark.parametrize("code", [301, 400, 401, 403, 404, 407, 409, 413, 429, 451, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body", [PAGE, b"", b"[]", b'"no"', b'{"error": "blocked"}', b"[" * 100_000, b"\xff"]
)
async def test_what_is_not_telegrams_is_told_as_such(
    code: int, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A firewall's 403 is no patient who blocked the bot, its 404 no wrong token; and its words stand nowhere."""
    caplog.set_level(logging.DEBUG)

    with pytest.raises(NotTelegram) as caught:
        await post(code, body)

    assert caught.value.code == code
    assert "die" not in f"{caught.value!r} {caplog.text}"


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (400, {"description": "Bad Request: chat not found"}, BadRequest),
        (401, {"description": "Unauthorized"}, InvalidToken),
        (403, {"description": "Forbidden: bot was blocked by the user"}, Forbidden),
        (429, {"description": "Too Many Requests", "parameters": {"retry_after": 3}}, RetryAfter),
        (502, {"description": "Bad Gateway"}, NetworkError),
    ],
)
async def test_what_is_telegrams_stays_as_it_was(
    code: int, said: dict[str, object], expected: type[TelegramError]
) -> None:
    """The library's own errors, for the Bot API's own answers."""
    with pytest.raises(expected) as caught:
        await post(code, json.dumps({"ok": False, "error_code": code, **said}).encode())

    assert not isinstance(caught.value, NotTelegram)


async def test_a_result_comes_through() -> None:
    """As it is."""
    assert await post(200, b'{"ok": true, "result": {"message_id": 5}}') == {"message_id": 5}


@pytest.mark.parametrize(
    "body", [PAGE, b"", b"[]", b"7", b'{"ok": true}', b'{"ok": true, "result": {"text": "I want to die']
)
async def test_a_200_without_a_result_may_have_been_done_and_is_not_logged(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that is cut off holds a patient's words; python-telegram-bot by itself would log them all."""
    caplog.set_level(logging.DEBUG)

    with pytest.raises(TelegramError) as caught:
        await post(200, body)

    assert not isinstance(caught.value, NetworkError)
    assert "die" not in f"{caught.value!r} {caplog.text}"
    assert isinstance(await sent(200, body), Unknown)


async def test_a_file_is_no_json() -> None:
    """Files are fetched by GET, and may be anything."""
    async with asking(lambda _: httpx.Response(200, content=b"\x89PNG")) as request:
        assert await request.retrieve("http://api.test/file/bot1:x/a.png") == b"\x89PNG"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (302, TryLater(reason="", everyone=True)),
        (400, TryLater(reason="", everyone=True)),
        (403, TryLater(reason="", everyone=True)),
        (404, TryLater(reason="", everyone=True)),
        (413, Refused(reason="")),
        (502, TryLater(reason="")),
        (504, Unknown(reason="")),
    ],
)
async def test_nobody_is_given_up_for_a_strangers_word(code: int, expected: Outcome) -> None:
    """No patient is gone, no message refused for good: it waits until Telegram itself answers."""
    outcome = await sent(code, PAGE)

    assert type(outcome) is type(expected)
    assert getattr(outcome, "everyone", False) == getattr(expected, "everyone", False)
    assert "Ana" not in repr(outcome)


async def test_what_telegram_says_itself_of_a_size_is_final() -> None:
    """A 413 in Telegram's own words passes with no waiting; a block is a block."""
    too_large = {"ok": False, "error_code": 413, "description": "Request Entity Too Large"}
    blocked = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}

    assert isinstance(await sent(413, json.dumps(too_large).encode()), Refused)
    assert isinstance(await sent(403, json.dumps(blocked).encode()), Gone)
