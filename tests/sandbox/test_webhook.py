"""Updates carried to a webhook."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve


class Receiver:
    """A webhook that writes down what came, and fails as often as it is told."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str | None]] = []
        self.failures = 0
        self.failing_text = ""
        self.url = ""

    async def take(self, request: Request) -> Response:
        """Take one update."""
        update = Update.de_json(await request.json())
        assert update.message is not None
        text = str(update.message.text)
        if self.failures and self.failing_text in text:
            self.failures -= 1
            return Response("no", 500)
        self.came.append((text, request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        return Response("ok")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Serve a webhook."""
    receiver = Receiver()
    app = create_app(Sandbox())
    app.router.routes.append(Route("/hook", receiver.take, methods=["POST"]))
    assert isinstance(app, Starlette)
    async with serve(app) as address:
        receiver.url = f"{address.url}/hook"
        yield receiver


async def test_updates_are_carried_with_the_secret(bot: Bot, sandbox: Sandbox, receiver: Receiver) -> None:
    """What waited and what comes later arrives, in order, with the secret token."""
    ana = sandbox.add_person("Ana")
    sandbox.says(ana, "one")
    await bot.set_webhook(receiver.url, secret_token="s3cret")
    sandbox.says(ana, "two")

    await sandbox.until(lambda: len(receiver.came) == 2)

    assert receiver.came == [("one", "s3cret"), ("two", "s3cret")]
    await sandbox.settled()
    assert (await bot.get_webhook_info()).pending_update_count == 0


async def test_what_fails_is_tried_again_and_keeps_its_place(
    bot: Bot, sandbox: Sandbox, receiver: Receiver
) -> None:
    """Ana's next message waits for her failed one; Ben's does not."""
    ana, ben = sandbox.add_person("Ana"), sandbox.add_person("Ben")
    receiver.failures, receiver.failing_text = 3, "ana"
    await bot.set_webhook(receiver.url)
    sandbox.says(ana, "ana one")
    sandbox.says(ana, "ana two")
    sandbox.says(ben, "ben")

    await sandbox.until(lambda: len(receiver.came) == 3)

    assert [text for text, _ in receiver.came] == ["ben", "ana one", "ana two"]
    info = await bot.get_webhook_info()
    assert info.last_error_message is not None
    assert "500" in info.last_error_message


async def test_a_webhook_nobody_answers_leaves_updates_waiting(bot: Bot, sandbox: Sandbox) -> None:
    """After deleteWebhook they can still be fetched."""
    ana = sandbox.add_person("Ana")
    await bot.set_webhook("http://127.0.0.1:9/hook")
    sandbox.says(ana, "hello")
    await asyncio.sleep(0.2)
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 1
    assert "Connection failed" in str(info.last_error_message)

    await bot.delete_webhook()

    assert [u.message.text for u in await bot.get_updates() if u.message] == ["hello"]


async def test_a_webhook_far_away_hears_later(bot: Bot, sandbox: Sandbox, receiver: Receiver) -> None:
    """An update travels half a round trip, and waits in the queue until the answer is back."""
    sandbox.world.round_trip = 0.4
    await bot.set_webhook(receiver.url)
    written = asyncio.get_running_loop().time()
    sandbox.says(sandbox.add_person("Ana"), "hello")

    await sandbox.until(lambda: receiver.came)

    assert asyncio.get_running_loop().time() - written >= 0.2
    assert len(sandbox.world.updates.waiting()) == 1
    await sandbox.settled()


async def test_waiting_updates_can_be_dropped(bot: Bot, sandbox: Sandbox, receiver: Receiver) -> None:
    """drop_pending_updates forgets what was not carried yet."""
    ana = sandbox.add_person("Ana")
    sandbox.says(ana, "old")
    await bot.set_webhook(receiver.url, drop_pending_updates=True)
    sandbox.says(ana, "new")

    await sandbox.until(lambda: receiver.came)

    assert [text for text, _ in receiver.came] == ["new"]
