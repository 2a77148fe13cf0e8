"""What tests of more than one floor share: the words (loaded once), a database of their own, and the story."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from bot.content.library import Library
from bot.content.loading import load_library
from bot.content.settings import Settings, load_settings
from bot.learning import minds_for
from bot.matching.mind import Minds
from bot.service.ports import Tools
from bot.storage.database import Database
from tests.kit.postgres import NAMED, Databases, Server, own_server
from tests.kit.story import Story

# What is printed is the same from every terminal, and in none. Before the commands are imported: rich and typer
# read some of these only then.
for _name in (
    "LINES",
    "FORCE_COLOR",
    "NO_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
    "TELEGRAM_BOT_TOKEN",
    "AFTERCARE_CONFIG",
):
    os.environ.pop(_name, None)
os.environ.update(COLUMNS="200", TERM="xterm")

# A slow machine is no failure; CI plays the same cases every time, a developer's machine looks for new ones.
hypothesis.settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("house")

EXAMPLE = Path(__file__).resolve().parents[1] / "config.example.yaml"
CACHE = Path(__file__).resolve().parents[1] / ".cache" / "aftercare"
#: Thursday, 15:00 in Singapore: the example clinic is open.
THURSDAY = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The example clinic's settings."""
    return load_settings(EXAMPLE)


@pytest.fixture(scope="session")
def library(settings: Settings) -> Library:
    """The supplied content."""
    return load_library(settings)


@pytest.fixture(scope="session")
def minds(library: Library) -> Minds:
    """What there is to know of the supplied content; learned once, then kept for the next run of the tests."""
    return minds_for(library, CACHE)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with all tables, made once by the real migrations."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.compact()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """A PostgreSQL server on which tests make databases: the one that TEST_DATABASE_URL names, else our own."""
    with contextlib.ExitStack() as stack:
        named = os.environ.get(NAMED)
        databases = Databases(named) if named else stack.enter_context(own_server())
        yield databases
        databases.drop_all()


@pytest.fixture(scope="session")
def _own_postgres(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The shared server if that is our own, else another."""
    shared = None if NAMED in os.environ else request.getfixturevalue("postgres")
    with contextlib.ExitStack() as stack:
        yield shared or stack.enter_context(own_server())


@pytest.fixture
def own_postgres(_own_postgres: Server) -> Iterator[Server]:
    """A PostgreSQL server of our own, which a test may stop and start again; afterwards it runs."""
    yield _own_postgres
    _own_postgres.start()


@pytest.fixture
def tools(
    tmp_path: Path, migrated: Path, settings: Settings, library: Library, minds: Minds
) -> Iterator[Tools]:
    """Tools on a real SQLite file of this test's own."""
    path = Path(shutil.copy(migrated, tmp_path / "test.db"))
    database = Database(f"sqlite:///{path}")
    yield Tools(
        database=database,
        settings=settings,
        library=library,
        minds=minds,
        random_bits=secrets.randbits,
    )
    database.close()


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a clinic's config.yaml in it, in which commands run; no token in the environment."""
    (tmp_path / "config.yaml").write_text(EXAMPLE.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE.parent))
    return tmp_path


@pytest.fixture
def story(tools: Tools) -> Story:
    """A story that begins on a Thursday at 15:00 in Singapore."""
    return Story(tools=tools, now=THURSDAY)
