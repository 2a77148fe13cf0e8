"""What journeys share: the sandbox with the real bot in it, on a clock that stands still until it is turned."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.content.library import Library
from bot.content.settings import Settings
from bot.demo import on_stage
from bot.matching.mind import Minds
from bot.sandbox.clock import SandboxClock
from tests.conftest import THURSDAY
from tests.kit.journey import Journey


@pytest.fixture
async def journey(settings: Settings, library: Library, minds: Minds) -> AsyncIterator[Journey]:
    """A Thursday at 15:00; Ana and Ben have phones, Mei and Raj share the bound staff group."""
    clock = SandboxClock(THURSDAY, frozen=True)
    async with on_stage(settings, clock=clock, library=library, minds=minds, cast=True) as stage:
        told = Journey(stage)
        await stage.bind(told.group)
        yield told
