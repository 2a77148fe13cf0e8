"""Tests of the exit: each kind of message, and each of Telegram's answers sorted where it arrives."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.chat.messenger import TelegramMessenger, sort_error
from bot.domain.message import Button, Outgoing
from bot.service.ports import Gone, Moved, Refused, Sent, TryLater, Unknown
from tests.kit.offline import OfflineRequest, refusal


@pytest.fixture
async def wire() -> AsyncIterator[tuple[TelegramMessenger, OfflineRequest]]:
    """A messenger and what it says to Telegram."""
    request = OfflineRequest()
    async with Bot("1:x", request=request, get_updates_request=request) as bot:
        yield TelegramMessenger(bot), request


Wire = tuple[TelegramMessenger, OfflineRequest]


async def test_text_goes_out_as_html_with_buttons_and_no_previews(wire: Wire) -> None:
    """What is said is what is sent."""
    messenger, request = wire
    rows = ((Button(label="A", data="a"), Button(label="B", url="https://example.org")),)
    outcome = await messenger.send(7, Outgoing(text="<b>x</b> &lt;y&gt;", buttons=rows, reply_to=3), None)

    sent = request.sent()[0]
    assert outcome == Sent(message_id=501)
    assert sent["text"] == "<b>x</b> &lt;y&gt;"
    assert sent["parse_mode"] == "HTML"
    assert sent["reply_markup"]["inline_keyboard"][0][0] == {"text": "A", "callback_data": "a"}
    assert sent["reply_parameters"]["allow_sending_without_reply"] is True
    assert sent["link_preview_options"]["is_disabled"] is True


async def test_photo_document_copy_and_edit(wire: Wire) -> None:
    """Each kind is one call."""
    messenger, request = wire
    file = base64.b64encode(b"\x89PNG").decode()
    assert isinstance(
        await messenger.send(7, Outgoing(kind="photo", file=file, file_name="q.png"), None), Sent
    )
    assert isinstance(await messenger.send(7, Outgoing(kind="photo", file_id="abc"), None), Sent)
    assert isinstance(
        await messenger.send(7, Outgoing(kind="document", file=file, file_name="c.html"), None), Sent
    )
    assert isinstance(await messenger.send(7, Outgoing(kind="copy", from_chat=9, message_id=4), None), Sent)
    assert await messenger.send(7, Outgoing(kind="edit", text="new"), 12) == Sent(message_id=12)

    assert [name for name, _ in request.calls if name != "getMe"] == [
        "sendPhoto",
        "sendPhoto",
        "sendDocument",
        "copyMessage",
        "editMessageText",
    ]


async def test_an_edit_without_a_message_is_sent_anew(wire: Wire) -> None:
    """Nothing to edit: the words come all the same."""
    messenger, request = wire
    await messenger.send(7, Outgoing(kind="edit", text="new"), None)

    assert request.sent()[0]["text"] == "new"


@pytest.mark.parametrize(
    "reason", ["Bad Request: message to edit not found", "Bad Request: message can't be edited"]
)
async def test_an_edit_of_a_message_that_is_gone_is_sent_anew(wire: Wire, reason: str) -> None:
    """The patient deleted it, or it is too old."""
    messenger, request = wire
    request.answers["editMessageText"] = [refusal(400, reason)]

    assert isinstance(await messenger.send(7, Outgoing(kind="edit", text="new"), 12), Sent)
    assert request.sent()[0]["text"] == "new"


async def test_an_edit_that_changes_nothing_is_done(wire: Wire) -> None:
    """A double tap is no failure."""
    messenger, request = wire
    request.answers["editMessageText"] = [refusal(400, "Bad Request: message is not modified: same")]

    assert await messenger.send(7, Outgoing(kind="edit", text="same"), 12) == Sent(message_id=12)


async def test_markup_that_telegram_cannot_read_does_not_keep_the_words_back(wire: Wire) -> None:
    """An emergency instruction arrives without bold letters rather than not at all."""
    messenger, request = wire
    request.answers["sendMessage"] = [refusal(400, "Bad Request: can't parse entities: oops")]
    outcome = await messenger.send(7, Outgoing(text="<b>Call 995</b> &amp; go"), None)

    assert isinstance(outcome, Sent)
    assert request.sent()[-1]["text"] == "Call 995 & go"
    assert "parse_mode" not in request.sent()[-1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(403, "Forbidden: bot was blocked by the user"), Gone),
        (refusal(403, "Forbidden: user is deactivated"), Gone),
        (refusal(403, "Forbidden: bot was kicked from the group chat"), Gone),
        (refusal(400, "Bad Request: chat not found"), Gone),
        (refusal(400, "Bad Request: message is too long"), Refused),
        (refusal(400, "Bad Request: BUTTON_DATA_INVALID"), Refused),
        (refusal(500, "Internal Server Error"), TryLater),
        (refusal(502, "Bad Gateway"), TryLater),
        (refusal(401, "Unauthorized"), TryLater),
        ((200, b"<html>not json"), Unknown),
    ],
)
async def test_each_answer_is_sorted(wire: Wire, answer: tuple[int, bytes], expected: type[object]) -> None:
    """Gone for good, refused for good, later, or unknown."""
    messenger, request = wire
    request.answers["sendMessage"] = [answer]

    assert isinstance(await messenger.send(7, Outgoing(text="x"), None), expected)


async def test_retry_after_and_migration_carry_their_figures(wire: Wire) -> None:
    """How long to wait, and where the group has gone."""
    messenger, request = wire
    request.answers["sendMessage"] = [
        refusal(429, "Too Many Requests: retry after 7", retry_after=7),
        refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1005),
    ]

    later = await messenger.send(7, Outgoing(text="x"), None)
    assert isinstance(later, TryLater)
    assert (later.after, later.everyone) == (timedelta(seconds=7), True)
    assert await messenger.send(7, Outgoing(text="x"), None) == Moved(chat_id=-1005)


@pytest.mark.parametrize(
    ("cause", "expected", "everyone"),
    [
        (httpx.ConnectError("refused"), TryLater, True),  # never left: there is no way to Telegram
        (httpx.ConnectTimeout("no answer"), TryLater, True),
        (httpx.PoolTimeout("busy"), TryLater, False),  # never left: our own connections were all in use
        (httpx.ReadTimeout("silence"), Unknown, None),  # may have been taken
        (httpx.ReadError("broken"), Unknown, None),
        (httpx.WriteTimeout("silence"), Unknown, None),
        (httpx.WriteError("broken"), Unknown, None),
        (httpx.RemoteProtocolError("closed"), Unknown, None),
    ],
)
async def test_what_never_left_is_told_from_what_may_have_arrived(
    wire: Wire, cause: Exception, expected: type[object], everyone: bool | None
) -> None:
    """Only a message whose fate is unknown may arrive twice; only without a way to Telegram must everybody wait."""
    messenger, request = wire
    kind: type[TelegramError] = TimedOut if isinstance(cause, httpx.TimeoutException) else NetworkError
    error = kind() if kind is TimedOut else kind("x")
    error.__cause__ = cause
    request.answers["sendMessage"] = [error]

    outcome = await messenger.send(7, Outgoing(text="x"), None)

    assert type(outcome) is expected
    assert getattr(outcome, "everyone", None) is everyone
    assert getattr(outcome, "after", None) is None


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (refusal(500, "Internal Server Error"), None),
        (refusal(401, "Unauthorized"), timedelta(minutes=1)),
        (refusal(409, "Conflict: terminated by other getUpdates request"), timedelta(minutes=1)),
    ],
)
async def test_a_failure_that_passes_is_this_messages_own(
    wire: Wire, answer: tuple[int, bytes], after: timedelta | None
) -> None:
    """Others are not made to wait by one answer; how long this one waits is told if it is not for the exit to choose."""
    messenger, request = wire
    request.answers["sendMessage"] = [answer]

    outcome = await messenger.send(7, Outgoing(text="x"), None)

    assert isinstance(outcome, TryLater)
    assert (outcome.everyone, outcome.after) == (False, after)


def test_an_error_of_an_unheard_of_kind_may_have_arrived() -> None:
    """What python-telegram-bot cannot name is no word on whether the message was taken."""
    assert isinstance(sort_error(TelegramError("?")), Unknown)


async def test_hostile_text_survives_the_wire(wire: Wire) -> None:
    """JSON, HTML and the bot between them change no letter."""
    messenger, request = wire
    text = "a_b *c* [d](e) \u202e😀 &lt;&amp;&gt; \\ \" '"
    await messenger.send(7, Outgoing(text=text), None)

    assert json.loads(json.dumps(request.sent()[0]["text"])) == text


async def test_a_message_that_cannot_be_put_together_is_refused_and_raises_nothing(wire: Wire) -> None:
    """A damaged picture in the outbox must not stop the messages behind it."""
    messenger, _request = wire
    damaged = Outgoing(kind="photo", file="abc", file_name="x")  # no valid base64
    assert isinstance(await messenger.send(7, damaged, None), Refused)


# --- is Telegram there? -------------------------------------------------------------------------------------


def a_network_error(cause: Exception) -> TelegramError:
    """Return what python-telegram-bot makes of *cause*."""
    error: TelegramError = TimedOut() if isinstance(cause, httpx.TimeoutException) else NetworkError("x")
    error.__cause__ = cause
    return error


async def test_whoever_answers_is_there(wire: Wire) -> None:
    """It is asked who we are: that has no effect, and nobody sees it."""
    messenger, request = wire
    before = len(request.calls)
    assert await messenger.is_there()
    assert [name for name, _ in request.calls[before:]] == ["getMe"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(429, "Too Many Requests: retry after 7", retry_after=7), True),
        (refusal(401, "Unauthorized"), True),
        (refusal(403, "Forbidden: bot was blocked"), True),
        (refusal(400, "Bad Request: what?"), True),
        (refusal(502, "Bad Gateway"), False),  # a proxy says that by itself
        ((200, b"<html>not json"), False),
        ((200, b'{"ok": true, "result": {}}'), False),  # JSON, but no answer to what was asked
        (a_network_error(httpx.ConnectError("refused")), False),
        (a_network_error(httpx.ReadTimeout("silence")), False),
        (a_network_error(httpx.PoolTimeout("busy")), False),
        (RuntimeError("planted"), False),
    ],
)
async def test_only_telegrams_own_answer_counts(
    wire: Wire, answer: tuple[int, bytes] | Exception, expected: bool
) -> None:
    """Whatever it says; and nothing is raised."""
    messenger, request = wire
    request.answers["getMe"] = [answer]
    assert await messenger.is_there() is expected


async def test_the_question_does_not_wait_long(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Danger may wait for its answer: a line on which it hangs is known within seconds."""
    messenger, request = wire
    waits: list[float] = []
    ask = request.do_request

    async def asked(*args: Any, **more: Any) -> tuple[int, bytes]:
        waits.extend(more[f"{kind}_timeout"] for kind in ("read", "write", "connect", "pool"))
        return await ask(*args, **more)

    monkeypatch.setattr(request, "do_request", asked)
    assert await messenger.is_there()
    assert waits == [5.0] * 4
