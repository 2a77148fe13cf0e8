"""What tests of the chat floor share: an offline Telegram and a bot in it that does not poll."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from bot.chat import connection as connection_module
from bot.chat.app import TelegramApp
from bot.chat.connection import Connection, Hook
from bot.domain.pacing import Pacer
from bot.service.ports import Tools
from bot.storage.lease import Holder
from tests.conftest import THURSDAY
from tests.kit.offline import OfflineRequest


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> OfflineRequest:
    """A Telegram in memory, in place of every HTTP request."""
    request = OfflineRequest()
    monkeypatch.setattr(connection_module, "Request", lambda **_: request)
    monkeypatch.setattr(connection_module, "Pools", lambda *_, **__: request)
    return request


@pytest.fixture
def now() -> datetime:
    """Thursday, 15:00 in Singapore."""
    return THURSDAY


def build(tools: Tools, now: datetime, hook: Hook | None = None) -> TelegramApp:
    """Return a bot on the offline Telegram. *hook*: how updates are brought, if they are not fetched."""
    return TelegramApp(
        tools,
        Connection(token="1234567890:offline", api_url="http://127.0.0.1:1", hook=hook),
        now=lambda: now,
        seconds=lambda: 0.0,
        pacer=Pacer(1000, burst=1000, per_group_minute=1000),
        holder=Holder(host="here", pid=1, mark="m"),
    )


@pytest.fixture
async def bot(tools: Tools, offline: OfflineRequest, now: datetime) -> AsyncIterator[TelegramApp]:
    """A bot whose handlers work and whose loops do not run."""
    built = build(tools, now)
    await built._application.initialize()
    await built._duty.take()
    yield built
    await built._application.shutdown()
