"""Tests of `bot/storage/migrations`: the steps give the tables of `tables.py`, in whole or not at all."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.storage import database as door
from bot.storage import groups, patients
from bot.storage.database import MIGRATIONS, Database, DatabaseUnusable, Session
from bot.storage.tables import Base

ROOT = Path(__file__).resolve().parents[2]

_BROKEN = '''"""A step that fails half-way."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{last}"


def upgrade() -> None:
    """Make one change, and fail at the next."""
    op.create_table("half_done", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO notes (key, value) VALUES ('half', 'done')")
    op.execute("INSERT INTO no_such_table (id) VALUES (1)")


def downgrade() -> None:
    """Take it back."""
'''


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Give a migrated database of this test's own: these tests change its tables."""
    database = Database(url)
    database.migrate()
    yield database
    database.close()


def _tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _columns(connection: Connection) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns("patients")}


def _add_patient(session: Session) -> None:
    now = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
    patient = patients.agree(session, chat_id=11, name="Ana", language="en", branch_id="main", now=now)
    patient.time_zone = "Asia/Tokyo"


def test_the_steps_give_exactly_the_tables(database: Database) -> None:
    """Between the migrated database and `tables.py` Alembic finds no difference: no column, index, or key."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)

    assert differences == []
    assert _tables(database) == {*Base.metadata.tables, "alembic_version"}


def test_migrating_again_changes_nothing(database: Database) -> None:
    """A second `migrate`, as at every start, keeps tables and rows."""
    database.call(groups.write_note, "bot", "aftercare_bot")
    before = _tables(database)

    database.migrate()

    assert _tables(database) == before
    assert database.call(groups.note, "bot") == "aftercare_bot"


def test_there_is_one_line_of_steps() -> None:
    """The steps follow each other; there are no two last ones."""
    script = ScriptDirectory.from_config(_config())

    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_all_steps_can_be_taken_back(database: Database) -> None:
    """Downgrading to nothing drops every table, and upgrading brings them all again."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert _tables(database) == {"alembic_version"}

    database.migrate()

    assert _tables(database) == {*Base.metadata.tables, "alembic_version"}


def test_the_time_zone_comes_and_goes_and_patients_stay(database: Database) -> None:
    """The second step adds a column to patients and takes it back; the rows that are there stay."""
    config = _config()
    database.call(_add_patient)
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert "time_zone" not in _columns(connection)
        assert connection.scalar(text("SELECT name FROM patients")) == "Ana"
        command.upgrade(config, "head")
        assert "time_zone" in _columns(connection)
        assert connection.execute(text("SELECT name, time_zone FROM patients")).one() == ("Ana", None)


def test_a_step_that_fails_leaves_nothing_behind(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a step fails half-way, `DatabaseUnusable` is raised and the database is as it was."""
    steps = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, steps, ignore=shutil.ignore_patterns("__pycache__"))
    last = ScriptDirectory.from_config(_config()).get_current_head()
    (steps / "versions" / "9999_broken.py").write_text(_BROKEN.format(last=last))
    monkeypatch.setattr(door, "MIGRATIONS", steps)
    before = _tables(database)

    with pytest.raises(DatabaseUnusable):
        database.migrate()

    assert _tables(database) == before
    assert database.call(groups.note, "half") is None
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == last


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    """A database that a later version migrated is not touched: `DatabaseUnusable` says so."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9998'"))

    with pytest.raises(DatabaseUnusable):
        database.migrate()


def test_two_processes_may_migrate_at_once(url: str) -> None:
    """Two programs started together on an empty database both find it ready."""
    child = "import sys; from bot.storage.database import Database; d = Database(sys.argv[1]); d.migrate(); d.close()"
    children = [
        subprocess.Popen([sys.executable, "-c", child, url], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    errors = [one.communicate(timeout=20)[1] for one in children]

    assert [one.returncode for one in children] == [0, 0], errors
    database = Database(url)
    assert _tables(database) == {*Base.metadata.tables, "alembic_version"}
    database.close()
