"""The queue of updates and long polling, judged by PTB."""

import asyncio
import time

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import Conflict

from bot.sandbox.sandbox import Sandbox


async def test_an_update_stays_until_a_higher_offset_confirms_it(bot: Bot, sandbox: Sandbox) -> None:
    """Reading is not confirming."""
    ana = sandbox.add_person("Ana")
    for text in ("one", "two", "three"):
        sandbox.says(ana, text)

    first = await bot.get_updates(limit=2)
    again = await bot.get_updates(limit=2)
    rest = await bot.get_updates(offset=first[-1].update_id + 1)

    assert [u.message.text for u in first if u.message] == ["one", "two"]
    assert again == first
    assert [u.message.text for u in rest if u.message] == ["three"]
    assert await bot.get_updates(offset=rest[-1].update_id + 1) == ()
    assert list(sandbox.world.updates.given) == [u.update_id for u in (*first, *rest)]
    assert rest[-1].update_id == first[0].update_id + 2


async def test_a_negative_offset_forgets_the_older_ones(bot: Bot, sandbox: Sandbox) -> None:
    """-1 keeps the newest only."""
    ana = sandbox.add_person("Ana")
    for text in ("one", "two"):
        sandbox.says(ana, text)

    assert [u.message.text for u in await bot.get_updates(offset=-1) if u.message] == ["two"]
    assert len(await bot.get_updates()) == 1


async def test_a_long_poll_is_answered_as_soon_as_something_comes(bot: Bot, sandbox: Sandbox) -> None:
    """No need to wait for the timeout."""
    ana = sandbox.add_person("Ana")
    began = time.monotonic()
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.1)
    assert not poll.done()
    sandbox.says(ana, "hello")

    assert len(await poll) == 1
    assert time.monotonic() - began < 5


async def test_a_poll_without_news_ends_empty(bot: Bot) -> None:
    """After the timeout there is an empty list."""
    assert await bot.get_updates(timeout=1) == ()


async def test_a_second_poll_ends_the_first_with_a_conflict(bot: Bot) -> None:
    """Two readers of one bot cannot both be right."""
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(bot.get_updates(timeout=1))

    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first
    assert await second == ()


async def test_only_allowed_kinds_come_from_then_on(bot: Bot, sandbox: Sandbox) -> None:
    """The list holds until another is given."""
    ana = sandbox.add_person("Ana")
    await bot.get_updates(allowed_updates=["callback_query"])
    sandbox.says(ana, "unheard")
    assert await bot.get_updates() == ()
    await bot.get_updates(allowed_updates=[])
    sandbox.says(ana, "heard")

    assert len(await bot.get_updates()) == 1


async def test_updates_are_forgotten_after_a_day_and_presses_after_150_seconds(
    bot: Bot, sandbox: Sandbox
) -> None:
    """A bot that was away too long never hears of them."""
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    await bot.send_message(
        ana.id, "?", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="x")]])
    )
    sandbox.presses(ana, sandbox.chat(ana).last, "x")

    sandbox.turn(151)
    assert [u.message is not None for u in await bot.get_updates()] == [True]
    sandbox.turn(24 * 3600)
    assert await bot.get_updates() == ()


async def test_an_update_can_come_twice(bot: Bot, sandbox: Sandbox) -> None:
    """Telegram may repeat an update under its own number; so can a test."""
    ana = sandbox.add_person("Ana")
    sandbox.says(ana, "hello")
    [update] = sandbox.world.updates.waiting()
    await bot.get_updates(offset=update.id + 1)

    sandbox.world.updates.repeat(update)

    assert [u.update_id for u in await bot.get_updates()] == [update.id]
