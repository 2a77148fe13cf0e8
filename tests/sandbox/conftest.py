"""A served sandbox, and PTB's own Bot as the judge of what it says."""

from collections.abc import AsyncIterator

import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.sandbox.clock import SandboxClock
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import Address, create_app, serve

TOKEN = "123456:ABCDEFghijklmnopqrstuvwxyz-0123456789"


@pytest.fixture(autouse=True)
def _durations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PTB give retry_after as a timedelta; its old way warns."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
def clock() -> SandboxClock:
    """Give a clock that stands still until it is turned."""
    return SandboxClock(frozen=True)


@pytest.fixture
def sandbox(clock: SandboxClock) -> Sandbox:
    """Give a sandbox with nobody in it."""
    return Sandbox(clock=clock)


@pytest.fixture
async def address(sandbox: Sandbox) -> AsyncIterator[Address]:
    """Serve the sandbox on a free port."""
    async with serve(create_app(sandbox, webhook_pauses=(0.0, 0.05))) as address:
        yield address


@pytest.fixture
async def bot(address: Address) -> AsyncIterator[Bot]:
    """Give PTB's Bot, pointed at the sandbox."""
    request = HTTPXRequest(read_timeout=3, connect_timeout=3)
    updates = HTTPXRequest(read_timeout=3, connect_timeout=3)
    judge = Bot(
        TOKEN, base_url=address.api, base_file_url=address.files, request=request, get_updates_request=updates
    )
    async with judge:
        yield judge
