"""Faults that were planned, as PTB meets them."""

import time
from datetime import timedelta

import pytest
from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.model import Person
from bot.sandbox.sandbox import Sandbox


@pytest.fixture
def ana(sandbox: Sandbox) -> Person:
    """Give Ana, who has started the bot."""
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    return ana


def said(sandbox: Sandbox, person: Person) -> list[str]:
    """Return what the bot said."""
    return [m.text for m in sandbox.chat(person).messages if m.by_bot]


async def test_an_error_comes_as_often_as_planned(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """Two 502 answers, then all is well."""
    sandbox.plan(Fault(method="sendMessage", kind="error", times=2, code=502, description="Bad Gateway"))
    for _ in range(2):
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await bot.send_message(ana.id, "x")
    await bot.send_message(ana.id, "x")

    assert said(sandbox, ana) == ["x"]
    assert [entry.outcome for entry in sandbox.calls("sendMessage")] == [502, 502, 200]


async def test_429_tells_how_long_to_wait(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """PTB raises RetryAfter."""
    sandbox.plan(
        Fault(
            method="sendmessage",
            kind="error",
            code=429,
            description="Too Many Requests: retry after 7",
            retry_after=7,
        )
    )
    with pytest.raises(RetryAfter) as raised:
        await bot.send_message(ana.id, "x")

    assert raised.value.retry_after == timedelta(seconds=7)


async def test_a_fault_can_be_for_one_chat(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """Others are not touched."""
    ben = sandbox.add_person("Ben")
    sandbox.opens_link(ben)
    sandbox.plan(Fault(method="*", kind="error", code=400, description="Bad Request: x", chat_id=ana.id))
    await bot.send_message(ben.id, "x")
    with pytest.raises(BadRequest):
        await bot.send_message(ana.id, "x")


@pytest.mark.parametrize("taken", [True, False])
async def test_a_broken_line_may_or_may_not_have_taken_the_message(
    bot: Bot, sandbox: Sandbox, ana: Person, taken: bool
) -> None:
    """The bot sees the same failure; Ana sees the message or does not."""
    sandbox.plan(Fault(method="sendMessage", kind="drop", taken=taken))
    with pytest.raises(NetworkError):
        await bot.send_message(ana.id, "x")

    assert said(sandbox, ana) == (["x"] if taken else [])
    [entry] = sandbox.calls("sendMessage")
    assert (entry.outcome, entry.told) == ((200, False) if taken else (None, True))


@pytest.mark.parametrize("taken", [True, False])
async def test_silence_becomes_a_timeout(bot: Bot, sandbox: Sandbox, ana: Person, taken: bool) -> None:
    """A call that is never answered is TimedOut for PTB."""
    sandbox.plan(Fault(method="sendMessage", kind="hang", taken=taken))
    with pytest.raises(TimedOut):
        await bot.send_message(ana.id, "x", read_timeout=0.3)

    assert said(sandbox, ana) == (["x"] if taken else [])


async def test_nonsense_and_delay(bot: Bot, sandbox: Sandbox, ana: Person) -> None:
    """An answer that is no JSON is an error; a slow one is only slow."""
    sandbox.plan(Fault(method="sendMessage", kind="garbage"))
    with pytest.raises(TelegramError, match="Invalid server response"):
        await bot.send_message(ana.id, "x")
    sandbox.plan(Fault(method="sendMessage", kind="delay", seconds=0.3))
    began = time.monotonic()
    await bot.send_message(ana.id, "y")

    assert time.monotonic() - began >= 0.3
    assert said(sandbox, ana) == ["y"]


def test_planned_faults_are_counted_and_can_be_forgotten() -> None:
    """They are used up in the order they were planned."""
    faults = Faults()
    faults.plan(Fault(method="sendMessage", kind="drop"))
    faults.plan(Fault(method="*", kind="hang", times=2))

    assert [f.kind for f in (faults.take("sendMessage", 1), faults.take("getMe", None)) if f] == [
        "drop",
        "hang",
    ]
    assert faults.left == 1
    faults.clear()
    assert faults.take("getMe", None) is None
