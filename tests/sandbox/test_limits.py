"""Telegram's limits on sending."""

import pytest
from telegram import Bot
from telegram.error import RetryAfter

from bot.sandbox.limits import Limits
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve
from tests.sandbox.conftest import TOKEN


def test_a_chat_may_get_a_burst_of_three_and_then_one_a_second() -> None:
    """After a rest the burst is there again."""
    now = [0.0]
    limits = Limits(ticks=lambda: now[0])

    assert [limits.pause(1, group=False) for _ in range(4)] == [0, 0, 0, 1]
    now[0] = 1.0
    assert [limits.pause(1, group=False) for _ in range(2)] == [0, 1]
    now[0] = 60.0
    assert [limits.pause(1, group=False) for _ in range(4)] == [0, 0, 0, 1]


def test_a_group_may_get_20_a_minute() -> None:
    """The twenty-first has to wait until the first is a minute old."""
    now = [0.0]
    limits = Limits(ticks=lambda: now[0])
    for second in range(20):
        now[0] = float(second)
        assert limits.pause(-1, group=True) == 0
    now[0] = 20.0

    assert limits.pause(-1, group=True) == 40


def test_the_bot_may_send_30_a_second() -> None:
    """Whoever they are for."""
    limits = Limits(ticks=lambda: 5.0)

    assert [limits.pause(chat, group=False) for chat in range(31)] == [0] * 30 + [1]


async def test_ptb_is_told_to_retry_later() -> None:
    """With limits on, the fourth message at once is RetryAfter, and did not arrive."""
    sandbox = Sandbox(limits=Limits())
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    async with serve(create_app(sandbox)) as address, Bot(TOKEN, base_url=address.api) as bot:
        for _ in range(3):
            await bot.send_message(ana.id, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(ana.id, "x")

    assert len(sandbox.chat(ana).messages) == 4
