"""Tests of the webhook's door: who is let in, what is kept before the answer, and what never gets into a log."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from bot.storage.inbox import Arrival
from bot.web import webhook
from bot.web.webhook import Webhook

SECRET = "5ec2e7-of-the-webhook"
WORDS = "my back hurts since Tuesday"
SHOWN = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


def update(number: int = 7) -> dict[str, Any]:
    """Return a raw update in which somebody says something."""
    return {"update_id": number, "message": {"message_id": 1, "chat": {"id": 5}, "text": WORDS}}


class Kept:
    """What was kept; fails as often as it is told."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.failures = 0

    async def __call__(self, arrivals: list[Arrival]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError(f"INSERT failed: {arrivals[0].payload}")
        self.arrivals += arrivals


class Watch:
    """A clock turned by hand, in seconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class Body:
    """A body in pieces, as slow as wanted; knows how many bytes were asked of it."""

    def __init__(self, piece: bytes, times: int, pause: float = 0.0) -> None:
        self.piece, self.times, self.pause = piece, times, pause
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.times):
            await asyncio.sleep(self.pause)
            self.given += len(self.piece)
            yield self.piece


@pytest.fixture
def kept() -> Kept:
    """A place where updates are kept."""
    return Kept()


@pytest.fixture
def watch() -> Watch:
    """A clock for what is written seldom."""
    return Watch()


@pytest.fixture
def door(kept: Kept, watch: Watch) -> Webhook:
    """The webhook of an example clinic."""
    return Webhook("https://bot.example.com/telegram", SECRET, kept, seconds=watch)


@pytest.fixture(autouse=True)
def nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, neither words nor secrets are written down, at any level."""
    caplog.set_level(logging.DEBUG)
    yield
    records = caplog.get_records("call")
    written = [record for record in records if not record.name.startswith(("httpx", "httpcore"))]
    text = "\n".join(f"{record.getMessage()} {record.exc_info} {vars(record)}" for record in written)
    assert WORDS not in text
    assert "hurts" not in text
    assert SECRET not in text
    assert "guess" not in text


async def ask(door: Webhook, method: str = "POST", path: str = "/telegram", **more: Any) -> httpx.Response:
    """Send one request to the door."""
    more = {"headers": SHOWN} | more
    transport = httpx.ASGITransport(app=door)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.request(method, path, **more)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the webhook wrote into the log."""
    return [record.getMessage() for record in caplog.records if record.name == "bot.web.webhook"]


# --- let in -------------------------------------------------------------------------------------------------


async def test_an_update_is_kept_and_then_acknowledged(door: Webhook, kept: Kept) -> None:
    """Promise 1: 200 with an empty body, and the update stands in the inbox with its chat."""
    answer = await ask(door, json=update())

    assert (answer.status_code, answer.content) == (200, b"")
    assert kept.arrivals == [Arrival(update_id=7, chat_id=5, payload=update())]


async def test_nothing_is_acknowledged_before_it_is_kept() -> None:
    """While the database is at work, Telegram waits."""
    may_end = asyncio.Event()

    async def keep(_: list[Arrival]) -> None:
        await may_end.wait()

    asking = asyncio.create_task(
        ask(Webhook("https://x/telegram", SECRET, keep, seconds=Watch()), json=update())
    )
    await asyncio.sleep(0.05)
    assert not asking.done()
    may_end.set()
    assert (await asking).status_code == 200


async def test_what_cannot_be_kept_is_asked_for_again(
    door: Webhook, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """503: Telegram brings it again, soon; the log names the kind of failure only."""
    kept.failures = 1

    answer = await ask(door, json=update())
    assert (answer.status_code, answer.content) == (503, b"")
    assert answer.headers["retry-after"] == str(webhook.AGAIN)
    assert (await ask(door, json=update())).status_code == 200
    assert [one.update_id for one in kept.arrivals] == [7]
    assert lines(caplog) == ["An update could not be stored (ConnectionError); Telegram brings it again."]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://bot.example.com/telegram", "/telegram"),
        ("https://bot.example.com:8443/a/b/", "/a/b/"),
        ("https://bot.example.com", "/"),
        ("https://bot.example.com/with%20blank", "/with%20blank"),
    ],
)
async def test_the_door_is_at_the_path_of_the_url(url: str, path: str, kept: Kept) -> None:
    """Whatever the clinic wrote, Telegram finds it."""
    door = Webhook(url, SECRET, kept, seconds=Watch())

    assert (await ask(door, path=path, json=update())).status_code == 200


# --- turned away --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Telegram-Bot-Api-Secret-Token": ""},
        {"X-Telegram-Bot-Api-Secret-Token": "guess"},
        {"X-Telegram-Bot-Api-Secret-Token": SECRET[:-1]},
        {"X-Telegram-Bot-Api-Secret-Token": SECRET + "x"},
        {"X-Telegram-Bot-Api-Secret-Token": SECRET.upper()},
        {b"X-Telegram-Bot-Api-Secret-Token": b"\xff\xfe"},  # no ASCII
    ],
)
async def test_without_the_secret_nothing_is_read_or_kept(
    headers: dict[Any, Any], door: Webhook, kept: Kept
) -> None:
    """403, and the body was not even asked for."""
    body = Body(json.dumps(update()).encode(), 1)

    answer = await ask(door, headers=headers, content=body)

    assert (answer.status_code, answer.content) == (403, b"")
    assert body.given == 0
    assert kept.arrivals == []


async def test_the_secret_is_compared_in_constant_time(
    door: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an answer does not tell how much of a guess was right."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(shown: bytes, secret: bytes) -> bool:
        compared.append((shown, secret))
        return hmac_compare(shown, secret)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr("bot.web.webhook.hmac.compare_digest", compare)

    await ask(door, headers={"X-Telegram-Bot-Api-Secret-Token": "guess"}, json=update())

    assert compared == [(b"guess", SECRET.encode())]


async def test_a_scanner_cannot_fill_the_disk(
    door: Webhook, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred guesses are one line; the next one, a minute later, says how many there were."""
    for number in range(100):
        await ask(door, headers={"X-Telegram-Bot-Api-Secret-Token": f"guess {number}"}, json=update())
    assert lines(caplog) == ["A request to the webhook did not show its secret and was refused."]
    assert caplog.records[-1].levelno <= logging.WARNING

    watch.at += 60
    await ask(door, headers={}, json=update())
    assert lines(caplog)[1:] == [
        "A request to the webhook did not show its secret and was refused "
        "(and 99 more like it since the last such line)."
    ]


@pytest.mark.parametrize(
    "path", ["/", "/telegram/", "/telegram/x", "/Telegram", "/health", "//telegram", "/telegram%2F"]
)
async def test_other_paths_lead_nowhere(
    path: str, door: Webhook, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """404, with the secret or without, and no line in the log."""
    answer = await ask(door, path=f"http://bot{path}", json=update())

    assert (answer.status_code, answer.content, kept.arrivals) == (404, b"", [])
    assert lines(caplog) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_refused(method: str, door: Webhook, kept: Kept) -> None:
    """405, and which one is allowed."""
    answer = await ask(door, method, json=update())

    assert (answer.status_code, answer.content, kept.arrivals) == (405, b"", [])
    assert answer.headers["allow"] == "POST"


async def test_a_stranger_with_a_long_body_is_parted_with(door: Webhook) -> None:
    """The connection ends with the refusal when the body may be long; after a short one it may stay."""
    short = await ask(door, headers={}, content=b"x" * 100)
    long = await ask(door, headers={}, content=b"x" * (webhook.LARGEST + 1))
    endless = await ask(door, headers={}, content=Body(b"x", 1))

    assert "connection" not in short.headers
    assert [long.headers["connection"], endless.headers["connection"]] == ["close", "close"]


# --- too large, too slow, no update -------------------------------------------------------------------------


async def test_a_body_that_says_it_is_too_large_is_not_read(door: Webhook, kept: Kept) -> None:
    """413 at once."""
    body = Body(b"x" * 1000, 10)

    answer = await ask(door, headers=SHOWN | {"Content-Length": str(webhook.LARGEST + 1)}, content=body)

    assert (answer.status_code, answer.content, body.given) == (413, b"", 0)
    assert kept.arrivals == []


@pytest.mark.parametrize("lie", [{}, {"Content-Length": "10"}], ids=["chunked", "lie"])
async def test_a_body_that_is_too_large_is_read_no_further(
    lie: dict[str, str], door: Webhook, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred megabytes in pieces: reading ends with the first piece beyond the limit."""
    body = Body(b"x" * 65536, 1600)

    answer = await ask(door, headers=SHOWN | lie, content=body)

    assert (answer.status_code, answer.content) == (413, b"")
    assert body.given == webhook.LARGEST + 65536
    assert kept.arrivals == []
    assert lines(caplog) == ["What came to the webhook with its secret was no update (413)."]


async def test_an_update_may_be_as_large_as_the_limit(door: Webhook, kept: Kept) -> None:
    """To the byte."""
    bare = json.dumps({"update_id": 7, "x": ""}).encode()
    body = bare[:-2] + b"y" * (webhook.LARGEST - len(bare)) + bare[-2:]
    assert len(body) == webhook.LARGEST

    assert (await ask(door, content=body)).status_code == 200
    assert (await ask(door, content=body + b" ")).status_code == 413
    assert len(kept.arrivals) == 1


async def test_a_body_that_never_ends_is_not_waited_for(
    door: Webhook, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole body: a byte now and then does not prolong it."""
    monkeypatch.setattr("bot.web.webhook.PATIENCE", 0.1)

    answer = await asyncio.wait_for(ask(door, content=Body(b" ", 1000, pause=0.02)), 2)

    assert (answer.status_code, answer.content, kept.arrivals) == (408, b"", [])


async def test_whoever_hangs_up_leaves_nothing(door: Webhook, kept: Kept) -> None:
    """Half an update is none."""
    pieces = [
        {"type": "http.request", "body": b'{"update_id": 7', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return pieces.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"x-telegram-bot-api-secret-token", SECRET.encode())]
    scope = {"type": "http", "method": "POST", "path": "/telegram", "headers": headers, "query_string": b""}
    await door(scope, receive, send)

    assert kept.arrivals == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        WORDS.encode(),
        b"\xff\xfe\xfd",
        b'{"update_id": 7',
        b"[" * 200_000,
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b"null",
        b'"update_id"',
        json.dumps([update()]).encode(),
        json.dumps({"message": {"text": WORDS}}).encode(),
        json.dumps({"update_id": "7", "message": {"text": WORDS}}).encode(),
        b'{"update_id": 7.0}',
        b'{"update_id": true}',
    ],
)
async def test_what_is_no_update_is_refused_without_an_echo(
    body: bytes, door: Webhook, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """400, an empty answer, and a line without content."""
    answer = await ask(door, content=body)

    assert (answer.status_code, answer.content, kept.arrivals) == (400, b"", [])
    assert lines(caplog) == ["What came to the webhook with its secret was no update (400)."]
