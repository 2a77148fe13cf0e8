"""What journeys share: the sandbox with the real bot in it, on a clock that is turned; and the bot as real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from bot.content.library import Library
from bot.content.settings import Settings
from bot.demo import on_stage
from bot.matching.mind import Minds
from bot.sandbox.clock import SandboxClock
from tests.conftest import THURSDAY
from tests.kit.crowd import clear_questions
from tests.kit.journey import Journey
from tests.kit.processes import Template
from tests.kit.trial import Trial, on_trial

#: Sets a trial up; arguments as `tests.kit.trial.on_trial` takes them, a copy of an empty SQLite file if none is named.
Trials = Callable[..., AbstractAsyncContextManager[Trial]]


@pytest.fixture
async def journey(settings: Settings, library: Library, minds: Minds) -> AsyncIterator[Journey]:
    """A Thursday at 15:00; Ana and Ben have phones, Mei and Raj share the bound staff group."""
    clock = SandboxClock(THURSDAY, frozen=True)
    async with on_stage(settings, clock=clock, library=library, minds=minds, cast=True) as stage:
        told = Journey(stage)
        await stage.bind(told.group)
        yield told


@pytest.fixture(scope="session")
def template() -> Iterator[Template]:
    """The process from which bots are forked."""
    made = Template()
    yield made
    made.close()


@pytest.fixture(scope="session")
def questions(library: Library, minds: Minds) -> list[str]:
    """What the crowd asks."""
    found = clear_questions(library, minds)
    assert len(found) > 60
    return found


@pytest.fixture
def trial(template: Template, questions: list[str], migrated: Path, tmp_path: Path) -> Trials:
    """Sets a trial up, in a folder of this test's own."""

    def set_up(database: Path | str = migrated, **more: Any) -> AbstractAsyncContextManager[Trial]:
        return on_trial(template, tmp_path, database, questions, **more)

    return set_up
