"""The webhook with a Telegram at the other end: the sandbox carries updates to our own door, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.chat import webhook
from bot.demo import SANDBOX_TOKEN
from bot.domain.secret import secret_for
from bot.sandbox.clock import SandboxClock
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app
from bot.sandbox.server import serve as serve_sandbox
from bot.storage.inbox import Arrival
from bot.web.serve import serve
from bot.web.webhook import Webhook
from tests.conftest import THURSDAY

SECRET = secret_for(SANDBOX_TOKEN)


@dataclass(kw_only=True)
class World:
    """Telegram, the door and what came through it; `keep` fails as often as it is told."""

    sandbox: Sandbox
    bot: Bot
    url: str = ""
    kept: list[Arrival] = field(default_factory=list)
    failures: int = 0

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Keep what came, or fail."""
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        self.kept += arrivals

    def words(self) -> list[str]:
        """Return what people said, as it was kept."""
        return [arrival.payload["message"]["text"] for arrival in self.kept]

    async def reported(self) -> str | None:
        """Return the last error of which Telegram knows."""
        return (await self.bot.get_webhook_info()).last_error_message


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A Thursday at 15:00; nobody brings updates yet. What fails is brought again at once."""
    monkeypatch.setattr("bot.web.webhook.AGAIN", 0)
    sandbox = Sandbox(clock=SandboxClock(THURSDAY, frozen=True))
    async with serve_sandbox(create_app(sandbox, webhook_pauses=(0.0, 0.05))) as address:
        request = HTTPXRequest(read_timeout=5, connect_timeout=5)
        async with Bot(SANDBOX_TOKEN, base_url=address.api, request=request) as bot:
            world = World(sandbox=sandbox, bot=bot)
            door = Webhook("https://bot.example.com/telegram", SECRET, world.keep, seconds=lambda: 0.0)
            async with serve(door, "127.0.0.1:0", seconds=lambda: 0.0) as port:
                world.url = f"http://127.0.0.1:{port}/telegram"
                yield world


async def test_what_people_write_is_brought_and_kept(world: World) -> None:
    """What waited before the webhook was set, and what comes after, in order and with the chat."""
    ana = world.sandbox.add_person("Ana")
    world.sandbox.says(ana, "does it hurt?")

    await webhook.point(world.bot, world.url, SECRET)
    world.sandbox.says(ana, "can gym tmr?")
    await world.sandbox.until(lambda: len(world.kept) == 2)
    await world.sandbox.settled()

    assert world.words() == ["does it hurt?", "can gym tmr?"]
    assert {arrival.chat_id for arrival in world.kept} == {ana.id}
    info = await world.bot.get_webhook_info()
    assert (info.pending_update_count, info.last_error_message) == (0, None)
    assert await webhook.check(world.bot, world.url, SECRET, THURSDAY) is False


async def test_what_could_not_be_kept_is_brought_again(world: World) -> None:
    """Promise 1: Telegram hears 503 until the update is stored; nothing is lost, and the order stays."""
    ana = world.sandbox.add_person("Ana")
    await webhook.point(world.bot, world.url, SECRET)
    world.failures = 3

    world.sandbox.says(ana, "I have a fever")
    world.sandbox.says(ana, "and the skin is hot")
    await world.sandbox.until(lambda: len(world.kept) == 2)

    assert world.words() == ["I have a fever", "and the skin is hot"]
    assert world.failures == 0
    assert "503" in str(await world.reported())


async def test_another_secret_is_reported_and_mended(world: World) -> None:
    """Telegram is turned away with 403; the check finds that and sets the webhook again, and what waited comes."""
    ana = world.sandbox.add_person("Ana")
    await webhook.point(world.bot, world.url, "the-secret-of-an-older-token")
    world.sandbox.says(ana, "hello?")
    carrier = world.sandbox.world.webhook
    await world.sandbox.until(lambda: carrier is not None and carrier.last_error is not None)
    assert "403" in str(await world.reported())
    assert world.kept == []

    assert await webhook.check(world.bot, world.url, SECRET, THURSDAY) is True
    await world.sandbox.until(lambda: bool(world.kept))

    assert world.words() == ["hello?"]
    assert await webhook.check(world.bot, world.url, SECRET, THURSDAY) is False


async def test_back_to_polling_nothing_is_lost(world: World) -> None:
    """The webhook is taken away while its server is down; what waited there is fetched."""
    ana = world.sandbox.add_person("Ana")
    await webhook.point(world.bot, "http://127.0.0.1:9/telegram", SECRET)
    world.sandbox.says(ana, "anybody there?")

    await webhook.clear(world.bot)

    assert [u.message.text for u in await world.bot.get_updates() if u.message] == ["anybody there?"]
