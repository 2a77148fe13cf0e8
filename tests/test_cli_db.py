"""Tests of `aftercare db copy`: a clinic moves to PostgreSQL, is told what to write next, and reads no password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot import cli_db
from bot.content.settings import load_settings
from bot.storage import groups, lease, patients
from bot.storage.database import Database
from bot.storage.lease import Holder
from tests.kit.command import aftercare
from tests.kit.postgres import Databases

NOW = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
ANA = 5_000_000_001


class Pauses:
    """What the command waits; no time passes, and something may happen meanwhile."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.happens: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.seconds += seconds
        self.happens()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Let the command wait without waiting."""
    pauses = Pauses()
    monkeypatch.setattr(cli_db, "time", pauses)
    return pauses


@pytest.fixture
def filled(clinic: Path) -> Path:
    """A clinic's folder whose database holds a patient and a note."""
    database = Database(f"sqlite:///{clinic / 'aftercare.db'}")
    database.migrate()
    database.call(patients.agree, chat_id=ANA, name="Ana", language="en", branch_id="main", now=NOW)
    database.call(groups.write_note, "one", "1")
    database.close()
    return clinic


def read_name(url: str) -> str | None:
    """Return the name under which Ana is known in a database."""
    database = Database(url)
    database.migrate()
    row = database.call(patients.by_chat, ANA)
    database.close()
    return row.name if row else None


def test_a_clinic_moves_to_postgresql(filled: Path, postgres: Databases) -> None:
    """What is printed to be written in config.yaml is enough to go on there."""
    url = postgres.fresh_database()

    result = aftercare("db", "copy", "--to", url)

    assert result.exit_code == 0, result.output
    assert "Copied 2 rows into" in result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["patients", "1"] in lines
    assert ["treatments", "0"] in lines
    written = result.output[result.output.index("database:") :].partition("\n\n")[0]
    config = filled / "config.yaml"
    before = config.read_text()
    start = before.index("\ndatabase:") + 1
    end = before.index("\n\n", start)
    config.write_text(before[:start] + written + before[end:])
    assert read_name(load_settings(config).database.url) == "Ana"
    assert str(filled / "aftercare.db") in result.output
    assert read_name(f"sqlite:///{filled / 'aftercare.db'}") == "Ana"


def test_and_back_into_a_file(filled: Path, postgres: Databases) -> None:
    """The same command brings it back: a copy at home, or a change of mind."""
    url = postgres.fresh_database()
    aftercare("db", "copy", "--to", url)
    config = filled / "config.yaml"
    config.write_text(config.read_text().replace("sqlite:///aftercare.db", url))
    assert load_settings(config).database.url == url

    result = aftercare("db", "copy", "--to", f"sqlite:///{filled / 'back.db'}")

    assert result.exit_code == 0, result.output
    assert read_name(f"sqlite:///{filled / 'back.db'}") == "Ana"


@pytest.mark.parametrize("hidden", ["in its place", "in the query"])
def test_a_password_is_not_printed(filled: Path, postgres: Databases, hidden: str) -> None:
    """What is to be written holds none, and it is said where it goes."""
    url = make_url(postgres.fresh_database())
    with_password = (
        url.set(password="s3cret")
        if hidden == "in its place"
        else url.update_query_dict({"password": "s3cret"})
    )

    result = aftercare("db", "copy", "--to", with_password.render_as_string(hide_password=False))

    assert result.exit_code == 0, result.output
    assert "s3cret" not in result.output
    assert "PGPASSWORD" in result.output
    assert str(url.database) in result.output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:s3cret@db.example/aftercare",  # without the driver's name
        "mysql://ana:s3cret@db.example/aftercare",
        "postgresql+psycopg://ana:s3cret@db.example:port/aftercare",
        "postgresql+psycopg://ana:s3cret@127.0.0.1:1/aftercare",  # nobody answers
        "postgresql+psycopg://ana:x@s3cret@127.0.0.1:1/aftercare",  # an @ in the password
        "mysql://ana:x@db.example/aftercare?password=s3cret",
        "ana:s3cret",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(filled: Path, url: str) -> None:
    """One sentence, with the way to write it; the password is in none of it."""
    result = aftercare("db", "copy", "--to", url)

    assert result.exit_code == 1
    cures = ("postgresql+psycopg://user@host/name", "127.0.0.1/aftercare", "write it as %40")
    assert any(cure in result.output for cure in cures)
    assert "s3cret" not in result.output


def test_a_server_that_is_down_is_told_in_a_sentence_that_helps(filled: Path) -> None:
    """It is not the rights of a file that are to be looked at."""
    result = aftercare("db", "copy", "--to", "postgresql+psycopg://ana@127.0.0.1:1/aftercare")

    assert result.exit_code == 1
    assert "check that its server runs" in result.output


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///"])
def test_memory_is_no_target(filled: Path, url: str) -> None:
    """Everything would have been copied, and nothing kept."""
    result = aftercare("db", "copy", "--to", url)

    assert result.exit_code == 1
    assert "name a file" in result.output
    assert "Copied" not in result.output


def test_a_running_bot_is_to_be_stopped_first(filled: Path, pauses: Pauses) -> None:
    """It would write into what is being left. Its clock is a day behind: only its sign of life tells of it."""
    database = Database(f"sqlite:///{filled / 'aftercare.db'}")
    holder = Holder(host="desk", pid=1, mark="aa")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    database.call(lease.take, holder, yesterday)
    pauses.happens = lambda: database.call(lease.take, holder, yesterday + timedelta(seconds=3))

    result = aftercare("db", "copy", "--to", f"sqlite:///{filled / 'other.db'}")
    database.close()

    assert result.exit_code == 1
    assert "Stop it first" in result.output


def test_a_bot_that_died_is_waited_for_and_not_obeyed(filled: Path, pauses: Pauses) -> None:
    """Its lease ends in eight hours, for the clock was set back since; after its term without a sign it is no more."""
    database = Database(f"sqlite:///{filled / 'aftercare.db'}")
    holder = Holder(host="desk", pid=1, mark="aa")
    database.call(lease.take, holder, datetime.now(UTC) + timedelta(hours=8))
    database.close()

    result = aftercare("db", "copy", "--to", f"sqlite:///{filled / 'other.db'}")

    assert result.exit_code == 0, result.output
    assert pauses.seconds >= lease.TERM.total_seconds()


def test_the_way_to_the_command_is_told() -> None:
    """`aftercare db` alone lists what there is, and `--help` explains the option."""
    assert "copy" in aftercare("db", "--help").output
    assert "PGPASSWORD" in aftercare("db", "copy", "--help").output
