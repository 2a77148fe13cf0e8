"""Tests of `bot.storage.tuning`: connections set up, transactions that take turns, and troubles that pass."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.storage import groups
from bot.storage.database import Database, DatabaseAway
from bot.storage.tables import Patient
from bot.storage.tuning import Manner, engine_options, place_of
from tests.kit.postgres import Server
from tests.storage.conftest import NOW


class _Held:
    """A transaction that writes a note and stays open until it is let go."""

    def __init__(self, database: Database) -> None:
        self._begun, self._go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=database.call, args=(self._write,))

    def _write(self, session: Session) -> None:
        groups.write_note(session, "held", "yes")
        session.flush()
        self._begun.set()
        self._go_on.wait(timeout=10)

    def __enter__(self) -> "_Held":
        self._thread.start()
        assert self._begun.wait(timeout=5)
        return self

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        self._thread.join(timeout=10)


def _set(database: Database, statement: str) -> None:
    """Let every connection begin with a statement more."""
    event.listen(database.engine, "connect", lambda connection, _record: connection.execute(statement))


def _query(database: Database, question: str) -> Callable[[Session], object]:
    return lambda session: session.execute(text(question)).scalar()


# --- SQLite as it must be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),  # readers do not hold up the writer
        ("synchronous", 2),  # FULL: a commit is on the disk
        ("foreign_keys", 1),
        ("secure_delete", 1),  # what is erased is overwritten
        ("busy_timeout", 10_000),  # milliseconds
    ],
)
def test_every_connection_to_a_file_is_tuned(
    database: Database, sqlite_file: Path, pragma: str, value: str | int
) -> None:
    """The first connection and any further one have the settings the promises need."""
    first, second = database.engine.raw_connection(), database.engine.raw_connection()
    found: list[tuple[object, ...]] = []
    for connection in (first, second):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        found += cursor.fetchall()
        cursor.close()
    first.close()
    second.close()

    assert sqlite_file.exists()
    assert found == [(value,), (value,)]


# --- PostgreSQL as it must be ----------------------------------------------------------------------------


@pytest.mark.usefixtures("only_postgresql")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("timezone", "UTC"),
        ("synchronous_commit", "on"),  # a commit is on the disk
        ("idle_in_transaction_session_timeout", "10s"),  # a frozen process gives its turn up…
        ("lock_timeout", "15s"),  # …before the others have waited too long for it
        ("statement_timeout", "30s"),
        ("application_name", "aftercare"),
        ("client_encoding", "UTF8"),
    ],
)
def test_every_connection_to_a_server_is_tuned(database: Database, setting: str, value: str) -> None:
    """The first connection and any further one have the settings the promises need, in whatever transaction."""
    with (
        database.engine.connect() as first,
        database.engine.execution_options(manner=Manner.BESIDE).connect() as second,
    ):
        found = [one.exec_driver_sql(f"SHOW {setting}").scalar_one() for one in (first, second)]

    assert found == [value, value]


def test_a_silent_server_is_noticed_within_half_a_minute() -> None:
    """The system asks whether the other end is still there, while waiting for it and while sending to it."""
    given = engine_options(make_url("postgresql+psycopg://ana@db.example/aftercare"))["connect_args"]

    assert given["keepalives_idle"] + given["keepalives_interval"] * given["keepalives_count"] <= 30
    assert given["tcp_user_timeout"] <= 30_000
    assert given["connect_timeout"] <= 30


def test_what_the_address_says_of_the_connection_stands() -> None:
    """Who writes a parameter of libpq into the address knows why."""
    url = make_url("postgresql+psycopg://ana@db.example/aftercare?connect_timeout=3&application_name=bot2")

    given = engine_options(url)["connect_args"]

    assert not {"connect_timeout", "application_name"} & set(given)
    assert given["keepalives"] == 1


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:////data/aftercare.db", "/data/aftercare.db"),
        ("postgresql+psycopg://ana:s3cret@db.example/aftercare", "db.example/aftercare"),
        ("postgresql+psycopg:///aftercare", "localhost/aftercare"),
        ("postgresql+psycopg://ana@/aftercare?host=/run/postgresql", "/run/postgresql/aftercare"),
        # an @ in the password that was not escaped
        ("postgresql+psycopg://ana:x@s3cret@db.example/aftercare", "db.example/aftercare"),
        ("postgresql+psycopg://ana:x@s3@cret@db.example/aftercare", "db.example/aftercare"),
    ],
)
def test_a_place_is_told_without_a_password(url: str, place: str) -> None:
    """The file, or the server and the database."""
    assert place_of(make_url(url)) == place


# --- turns -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("only_postgresql")
async def test_a_call_beside_waits_for_nobody(database: Database) -> None:
    """What needs no turn is done while another transaction is open."""
    with _Held(database):
        await asyncio.wait_for(database.run_beside(groups.write_note, "beside", "yes"), timeout=5)
        written = await database.run_beside(groups.note, "beside")

    assert written == "yes"


async def test_a_call_beside_is_a_transaction_like_any_other(database: Database) -> None:
    """It is committed when it returns, on either database, and rolled back if it fails."""

    def fail(session: Session) -> None:
        groups.write_note(session, "two", "2")
        session.flush()
        raise KeyError

    await database.run_beside(groups.write_note, "one", "1")
    with pytest.raises(KeyError):
        await database.run_beside(fail)

    assert [database.call(groups.note, key) for key in ("one", "two")] == ["1", None]


@pytest.mark.usefixtures("only_postgresql")
def test_a_turn_ends_with_its_transaction(database: Database) -> None:
    """Nothing is held between calls, and nothing after a failure."""
    other = Database(database.url)
    _set(other, "SET lock_timeout = '100ms'")

    database.call(groups.note, "one")
    with pytest.raises(ZeroDivisionError):
        database.call(lambda _session: 1 // 0)

    assert other.call(groups.note, "one") is None
    other.close()


@pytest.mark.usefixtures("only_postgresql")
def test_many_turns_on_one_connection(database: Database) -> None:
    """The words that begin a transaction are said again and again; the driver does not try to prepare them."""
    for number in range(12):
        database.call(groups.write_note, "number", str(number))

    assert database.call(groups.note, "number") == "11"


@pytest.mark.usefixtures("only_postgresql")
def test_work_on_whole_tables_has_time(database: Database) -> None:
    """An unhurried transaction has no limit for a statement; the next one on the same connection has it again."""
    with database.unhurried() as connection:
        unhurried = connection.exec_driver_sql("SHOW statement_timeout").scalar_one()

    assert unhurried == "0"
    assert database.call(_query(database, "SHOW statement_timeout")) == "30s"


@pytest.mark.usefixtures("only_postgresql")
def test_work_on_whole_tables_takes_its_turn(database: Database) -> None:
    """While it is under way nobody else's transaction begins."""
    other = Database(database.url)
    _set(other, "SET lock_timeout = '100ms'")

    with database.unhurried(), pytest.raises(DatabaseAway, match="in time"):
        other.call(groups.note, "one")
    other.close()


# --- troubles that pass ----------------------------------------------------------------------------------


def test_a_locked_file_is_away(database: Database, sqlite_file: Path) -> None:
    """Another program holds the file for longer than we wait; afterwards the next call works."""
    _set(database, "PRAGMA busy_timeout = 50")
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseAway, match="is locked") as caught:
        database.call(groups.write_note, "one", "1")
    other.close()

    assert str(sqlite_file) in str(caught.value)
    database.call(groups.write_note, "one", "2")
    assert database.call(groups.note, "one") == "2"


def test_a_full_disk_is_away(database: Database, sqlite_file: Path) -> None:
    """What did not fit is rolled back; when there is room again the next call works."""
    limit = ["PRAGMA max_page_count = 1"]  # SQLite takes it as: no page more than there are
    event.listen(database.engine, "connect", lambda connection, _record: connection.execute(limit[0]))

    with pytest.raises(DatabaseAway, match="no room"):
        database.call(groups.write_note, "long", "x" * 100_000)

    limit[0] = "PRAGMA max_page_count = 4294967294"
    database.engine.dispose()
    assert sqlite_file.exists()
    assert database.call(groups.note, "long") is None
    database.call(groups.write_note, "long", "x" * 100_000)


def test_a_file_that_cannot_be_written_is_away(database: Database, sqlite_file: Path) -> None:
    """It says what to check: the rights of the file."""
    _set(database, "PRAGMA query_only = 1")

    with pytest.raises(DatabaseAway, match="cannot be written") as caught:
        database.call(groups.write_note, "one", "1")

    assert str(sqlite_file) in str(caught.value)


def test_a_folder_that_is_gone_is_away(tmp_path: Path) -> None:
    """A volume that is not mounted yet: the next call works when it is."""
    database = Database(f"sqlite:///{tmp_path / 'volume' / 'aftercare.db'}")

    with pytest.raises(DatabaseAway, match="cannot be opened"):
        database.call(groups.note, "one")
    (tmp_path / "volume").mkdir()
    database.migrate()

    assert database.call(groups.note, "one") is None
    database.close()


@pytest.mark.usefixtures("only_postgresql")
def test_a_turn_that_does_not_come_is_away(database: Database) -> None:
    """A transaction that cannot begin in time raises, and has done nothing."""
    other = Database(database.url)
    _set(other, "SET lock_timeout = '50ms'")

    with _Held(database), pytest.raises(DatabaseAway, match="in time"):
        other.call(groups.write_note, "held", "no")

    assert other.call(groups.note, "held") == "yes"
    other.close()


@pytest.mark.usefixtures("only_postgresql")
def test_a_transaction_that_stands_still_gives_up_its_turn(database: Database) -> None:
    """A frozen process does not hold up another; what it had written is rolled back, and its next call works."""
    frozen = Database(database.url)
    _set(frozen, "SET idle_in_transaction_session_timeout = '100ms'")
    begun = threading.Event()

    def freeze(session: Session) -> None:
        groups.write_note(session, "frozen", "yes")
        session.flush()
        begun.set()
        time.sleep(0.4)
        groups.write_note(session, "frozen", "still")

    caught: list[BaseException] = []

    def try_it() -> None:
        try:
            frozen.call(freeze)
        except DatabaseAway as away:
            caught.append(away)

    thread = threading.Thread(target=try_it)
    thread.start()
    assert begun.wait(timeout=5)
    assert database.call(groups.note, "frozen") is None  # waited for its turn, and got it
    thread.join(timeout=5)

    assert len(caught) == 1
    frozen.call(groups.write_note, "frozen", "no more")
    assert database.call(groups.note, "frozen") == "no more"
    frozen.close()


@pytest.mark.usefixtures("only_postgresql")
@pytest.mark.parametrize("moment", ["while it works", "before it commits"])
def test_a_connection_lost_inside_a_call_is_away(database: Database, moment: str) -> None:
    """The function is not run a second time behind its caller's back; nothing of it stays, and the next call works."""
    runs = []
    other = Database(database.url)

    def write(session: Session) -> None:
        runs.append(moment)
        groups.write_note(session, "lost", "yes")
        session.flush()
        number = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with other.engine.execution_options(manner=Manner.BESIDE).connect() as beside:
            beside.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
        if moment == "while it works":
            groups.write_note(session, "lost", "again")
            session.flush()

    with pytest.raises(DatabaseAway, match="cannot be reached"):
        database.call(write)
    other.close()

    assert len(runs) == 1
    assert database.call(groups.note, "lost") is None


async def test_after_a_restart_of_the_server_the_next_call_works(own_postgres: Server) -> None:
    """Connections that died meanwhile are noticed before anything is done, and made anew; each function runs once."""
    database = Database(own_postgres.fresh_database())
    database.migrate()
    runs = []

    def write(session: Session, key: str) -> None:
        runs.append(key)
        groups.write_note(session, key, "yes")

    await asyncio.gather(database.run(write, "one"), database.run_beside(write, "two"))
    own_postgres.restart()
    await database.run(write, "three")
    await database.run_beside(write, "four")
    own_postgres.crash()
    own_postgres.start()
    await database.run_beside(write, "five")

    assert sorted(runs) == sorted(["one", "two", "three", "four", "five"])
    assert all([await database.run(groups.note, key) == "yes" for key in runs])
    database.close()


def test_a_server_that_is_down_is_away_until_it_is_back(own_postgres: Server) -> None:
    """Every call says so; nothing has to be done for the first one that works."""
    database = Database(own_postgres.fresh_database())
    database.migrate()
    own_postgres.stop()

    for _ in range(2):
        with pytest.raises(DatabaseAway, match="cannot be reached; check that its server runs"):
            database.call(groups.note, "one")
    own_postgres.start()

    assert database.call(groups.note, "one") is None
    database.close()


def test_a_trouble_tells_no_password() -> None:
    """Neither in its sentence nor in what the driver said."""
    database = Database("postgresql+psycopg://ana:s3cret@127.0.0.1:1/aftercare")

    with pytest.raises(DatabaseAway) as caught:
        database.call(groups.note, "one")
    database.close()

    assert "127.0.0.1/aftercare" in str(caught.value)
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"


# --- troubles of our own ---------------------------------------------------------------------------------


def test_an_error_quotes_no_row(database: Database) -> None:
    """A row that is refused is not repeated, neither by SQLAlchemy nor by the database's own words."""
    refused = Patient(chat_id=2, name="Ben Lim", language="en", branch_id=None, consented_at=NOW)

    with pytest.raises(IntegrityError) as caught:
        database.call(lambda session: session.add(refused))

    error = caught.value
    assert "Ben" not in f"{error} {error.orig} {error.__cause__}"
    assert "branch_id" in str(error)
