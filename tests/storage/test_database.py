"""Tests of `bot.storage.database`: one call is one transaction, on the disk when it returns, whoever else writes."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.storage import groups, inbox, inbox_line, patients
from bot.storage.database import Database, DatabaseUnusable
from bot.storage.inbox import Arrival
from bot.storage.tables import CheckIn, Patient
from tests.kit.postgres import Databases, Server
from tests.storage.conftest import ANA, NOW, Clinic

ROOT = Path(__file__).resolve().parents[2]


class _Stop(Exception):
    """What a test raises."""


# --- what is kept, and what is not -----------------------------------------------------------------------


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    """Foreign keys are kept, not only declared."""
    stray = CheckIn(treatment_id=404, step="24h", state="scheduled", due_at=NOW, expires_at=NOW, answers={})

    with pytest.raises(IntegrityError):
        database.call(lambda session: session.add(stray))


def test_a_closed_database_is_one_file(database: Database, sqlite_file: Path) -> None:
    """After `close` everything stands in the one file, so that copying it is a backup."""
    database.call(groups.write_note, "bot", "aftercare_bot")

    database.close()

    assert [path.name for path in sqlite_file.parent.iterdir()] == [sqlite_file.name]
    assert b"aftercare_bot" in sqlite_file.read_bytes()


def test_erased_words_are_gone_from_the_file(database: Database, sqlite_file: Path) -> None:
    """What was erased cannot be read from the file's free space."""
    words = "zebra crossing, quite sore"
    arrival = Arrival(update_id=1, chat_id=ANA, payload={"text": words})
    database.call(inbox.store, [arrival], NOW)
    other = Database(database.url)
    assert other.call(inbox.of_chat, ANA)[0].payload == {"text": words}
    other.close()

    database.call(inbox.finish, 1, NOW, keep_words=False)
    database.close()

    assert words.encode() not in sqlite_file.read_bytes()


def test_after_compacting_erased_words_are_gone_from_every_file(
    database: Database, sqlite_file: Path
) -> None:
    """While the program runs, erased words stand in the write-ahead log until it is emptied."""
    words = "zebra crossing, quite sore"
    database.call(inbox.store, [Arrival(update_id=1, chat_id=ANA, payload={"text": words})], NOW)
    database.call(inbox.finish, 1, NOW, keep_words=False)

    database.compact()

    files = list(sqlite_file.parent.iterdir())
    assert [path.name for path in files if words.encode() in path.read_bytes()] == []
    assert f"{sqlite_file.name}-wal" in [path.name for path in files]


def test_compacting_loses_nothing(database: Database) -> None:
    """Whatever the database, its rows are still there, and it can be written to."""
    database.call(groups.write_note, "one", "1")

    database.compact()
    database.call(groups.write_note, "two", "2")

    assert [database.call(groups.note, key) for key in ("one", "two")] == ["1", "2"]


# --- one call, one transaction ---------------------------------------------------------------------------


def test_what_a_call_wrote_is_seen_by_others(database: Database) -> None:
    """When `call` has returned, another connection reads what it wrote."""
    database.call(groups.write_note, "bot", "aftercare_bot")

    other = Database(database.url)
    read = other.call(groups.note, "bot")
    other.close()

    assert read == "aftercare_bot"


def test_an_exception_rolls_everything_back(database: Database) -> None:
    """A function that fails half-way leaves nothing behind, and its exception comes out as it is."""

    def write(session: Session) -> None:
        groups.write_note(session, "one", "1")
        session.flush()
        patients.agree(session, chat_id=ANA, name="Ana", language="en", branch_id="orchard", now=NOW)
        raise _Stop

    with pytest.raises(_Stop):
        database.call(write)

    assert database.call(groups.note, "one") is None
    assert database.call(patients.by_chat, ANA) is None


def test_after_an_exception_the_next_call_works(database: Database) -> None:
    """A failed transaction holds no lock."""

    def fail(session: Session) -> None:
        groups.write_note(session, "one", "1")
        session.flush()
        raise _Stop

    with pytest.raises(_Stop):
        database.call(fail)
    database.call(groups.write_note, "one", "2")

    assert database.call(groups.note, "one") == "2"


def test_rows_can_be_read_after_the_transaction(clinic: Clinic) -> None:
    """What a call returns is still readable when its session is gone."""
    clinic.patient(name="Ana")

    row = clinic.database.call(patients.by_chat, ANA)

    assert row is not None
    assert (row.name, row.consented_at) == ("Ana", NOW)


def test_an_error_does_not_quote_what_was_written(clinic: Clinic) -> None:
    """The message of a database error holds no name and no words of a patient."""
    clinic.patient(name="Ana")
    second = Patient(chat_id=ANA, name="Ben Lim", language="en", branch_id="orchard", consented_at=NOW)

    with pytest.raises(IntegrityError) as caught:
        clinic.database.call(lambda session: session.add(second))

    assert "Ben" not in str(caught.value)


# --- from asyncio ----------------------------------------------------------------------------------------


async def test_calls_run_one_after_the_other_in_their_order(database: Database) -> None:
    """`run` keeps the order of the calls and never runs two at once, in a thread of its own."""
    order: list[int] = []
    at_once: list[int] = []
    running = 0

    def note(session: Session, number: int) -> str:
        nonlocal running
        running += 1
        groups.write_note(session, "last", str(number))
        session.flush()
        at_once.append(running)
        order.append(number)
        running -= 1
        return threading.current_thread().name

    names = await asyncio.gather(*(database.run(note, number) for number in range(20)))

    assert order == list(range(20))
    assert set(at_once) == {1}
    assert len(set(names)) == 1
    assert names[0].startswith("database")


async def test_the_loop_goes_on_while_the_database_works(database: Database) -> None:
    """A slow transaction does not stop the bot from listening."""
    go_on = threading.Event()
    waiting = asyncio.create_task(database.run(lambda _session: go_on.wait(timeout=5)))
    await asyncio.sleep(0)

    go_on.set()

    assert await waiting is True


async def test_an_exception_reaches_who_awaits(database: Database) -> None:
    """`run` rolls back and raises in the caller, like `call`."""

    def fail(session: Session) -> None:
        groups.write_note(session, "one", "1")
        raise _Stop

    with pytest.raises(_Stop):
        await database.run(fail)

    assert await database.run(groups.note, "one") is None


async def test_close_waits_for_what_is_running(url: str) -> None:
    """A transaction that has begun is finished before the connections are closed."""
    database = Database(url)
    database.migrate()
    begun, go_on = threading.Event(), threading.Event()

    def slowly(session: Session) -> None:
        begun.set()
        go_on.wait(timeout=5)
        groups.write_note(session, "one", "1")

    running = asyncio.create_task(database.run(slowly))
    await asyncio.to_thread(begun.wait, 5)
    closing = asyncio.create_task(asyncio.to_thread(database.close))
    await asyncio.sleep(0.05)
    assert not closing.done()
    go_on.set()
    await asyncio.gather(running, closing)

    other = Database(url)
    read = other.call(groups.note, "one")
    other.close()
    assert read == "1"


# --- two at once -----------------------------------------------------------------------------------------


def test_two_databases_write_in_turns(database: Database) -> None:
    """A writer waits while another has the same row in its transaction, and then writes as well."""
    database.call(groups.write_note, "turn", "nobody")
    other = Database(database.url)
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        groups.write_note(session, "turn", "first")
        session.flush()
        begun.set()
        go_on.wait(timeout=5)

    def second() -> None:
        other.call(groups.write_note, "turn", "second")
        done.set()

    holding = threading.Thread(target=database.call, args=(hold,))
    waiting = threading.Thread(target=second)
    holding.start()
    assert begun.wait(timeout=5)
    waiting.start()
    assert not done.wait(timeout=0.2)
    go_on.set()
    holding.join(timeout=5)
    waiting.join(timeout=5)
    other.close()

    assert done.is_set()
    assert database.call(groups.note, "turn") == "second"


@pytest.mark.parametrize(("fails", "kept_by_the_second"), [(False, 0), (True, 1)])
async def test_an_update_stored_by_two_at_once_has_one_row(
    database: Database, fails: bool, kept_by_the_second: int
) -> None:
    """Storing beside others is safe: the second waits for the first one's end, and then keeps what that did not."""
    other = Database(database.url)
    begun, go_on = threading.Event(), threading.Event()
    arrival = Arrival(update_id=1, chat_id=ANA, payload={"text": "ow"})

    def hold(session: Session) -> int:
        new = inbox.store(session, [arrival], NOW)
        begun.set()
        go_on.wait(timeout=5)
        if fails:
            raise _Stop
        return new

    first = asyncio.create_task(database.run_beside(hold))
    assert await asyncio.to_thread(begun.wait, 5)
    second = asyncio.create_task(other.run_beside(inbox.store, [arrival], NOW))
    await asyncio.wait([second], timeout=0.2)
    assert not second.done()
    go_on.set()
    ended = await asyncio.gather(first, second, return_exceptions=True)
    other.close()

    assert isinstance(ended[0], _Stop) if fails else ended[0] == 1
    assert ended[1] == kept_by_the_second
    assert len(database.call(inbox.of_chat, ANA)) == 1


def test_reading_first_and_writing_later_is_no_trap(database: Database) -> None:
    """Two processes that read a number and write it back plus one lose none and are never refused."""
    database.call(groups.write_note, "number", "0")
    other = Database(database.url)

    def add_one(session: Session) -> None:
        groups.write_note(session, "number", str(int(groups.note(session, "number") or 0) + 1))

    def often(one: Database) -> None:
        for _ in range(20):
            one.call(add_one)

    threads = [threading.Thread(target=often, args=(one,)) for one in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    other.close()

    assert database.call(groups.note, "number") == "40"


# --- a database that cannot be used ----------------------------------------------------------------------


def _no_such_folder(folder: Path) -> Path:
    return folder / "missing" / "aftercare.db"


def _a_folder(folder: Path) -> Path:
    (folder / "aftercare.db").mkdir()
    return folder / "aftercare.db"


def _something_else(folder: Path) -> Path:
    (folder / "aftercare.db").write_text("This is a letter, no database. " * 100)
    return folder / "aftercare.db"


def _odd_name(folder: Path) -> Path:
    return folder / "clinic@home" / "aftercare.db"


@pytest.mark.parametrize("make", [_no_such_folder, _a_folder, _something_else, _odd_name])
def test_an_unusable_file_is_named(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """`migrate` raises `DatabaseUnusable` with the whole path and a cure."""
    path = make(tmp_path)
    database = Database(f"sqlite:///{path}")

    with pytest.raises(DatabaseUnusable) as caught:
        database.migrate()
    database.close()

    assert str(path) in str(caught.value)
    assert "check that" in str(caught.value).lower()


class _Nowhere(SQLiteDialect_pysqlite):
    """A server that answers nobody, to see what is said about its address."""

    name = "nowhere"
    supports_statement_cache = False

    def create_connect_args(self, url: Any) -> tuple[list[Any], dict[str, Any]]:
        """Take any address."""
        return [], {}

    def connect(self, *_: Any, **__: Any) -> Any:
        """Refuse."""
        assert self.loaded_dbapi is not None
        raise self.loaded_dbapi.OperationalError("no answer")


@pytest.fixture
def _nowhere() -> Iterator[None]:
    registry.impls["nowhere"] = lambda: _Nowhere
    yield
    del registry.impls["nowhere"]


@pytest.mark.usefixtures("_nowhere")
@pytest.mark.parametrize(
    "address",
    [
        "nowhere://ana:s3cret@db.example/aftercare",
        "nowhere://ana:s3cret%40x@db.example/aftercare",  # an @ in the password
        "nowhere://db.example/aftercare?user=ana&password=s3cret",  # libpq takes it here, too
    ],
)
def test_a_password_is_never_told(address: str) -> None:
    """The message names the server and the database, but not the password in the address."""
    database = Database(address)

    with pytest.raises(DatabaseUnusable) as caught:
        database.migrate()
    database.close()

    assert "db.example/aftercare" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "aftercare.db",
        "ana:s3cret",
        "nosuch://ana:s3cret@db.example/aftercare",
        "sqlite://ana:s3cret@:port/",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    """The message says how one is written; what was written may hold a password."""
    with pytest.raises(DatabaseUnusable, match="cannot be read; write sqlite:///") as caught:
        Database(address)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://ana:x@s3cret@db.example/aftercare",
        "postgresql+psycopg://ana:x@s3cret@db.example:5433/aftercare",
    ],
)
def test_a_password_with_an_at_in_it_is_to_be_escaped(address: str) -> None:
    """What follows its first @ would be taken for the server, and told to everybody as one."""
    with pytest.raises(DatabaseUnusable, match="%40") as caught:
        Database(address)

    assert "s3cret" not in str(caught.value)


def test_a_server_that_is_down_is_told_from_a_database_that_cannot_be_written(own_postgres: Server) -> None:
    """At the start as well: whoever reads it goes and looks at the server, and not at the rights of a file."""
    database = Database(own_postgres.fresh_database())
    own_postgres.stop()

    with pytest.raises(DatabaseUnusable, match="cannot be reached; check that its server runs") as caught:
        database.migrate()
    own_postgres.start()
    database.migrate()
    database.close()

    assert f"The database {database.place} cannot be used: it cannot be reached" in str(caught.value)
    assert "written" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"database": "no_such_database"}, 'database "no_such_database" does not exist'),
        ({"username": "nobody_known"}, 'role "nobody_known" does not exist'),
    ],
)
def test_a_server_that_does_not_let_us_in_is_told_from_one_that_is_down(
    own_postgres: Server, changes: dict[str, str], said: str
) -> None:
    """It runs: what to check is who asks for what, and its own words say which."""
    database = Database(make_url(own_postgres.url).set(**changes).render_as_string(hide_password=False))  # type: ignore[arg-type]

    with pytest.raises(DatabaseUnusable, match="it does not let us in; check its name, the user") as caught:
        database.migrate()
    database.close()

    assert said in str(caught.value)
    assert "server runs" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("sqlite:////data/aftercare.db", "sqlite:////data/aftercare.db"),
        (
            "postgresql+psycopg://ana:s3cret%40x@db.example:5433/aftercare",
            "postgresql+psycopg://ana@db.example:5433/aftercare",
        ),
        (
            "postgresql+psycopg://db.example/aftercare?user=ana&password=s3cret&sslmode=require",
            "postgresql+psycopg://db.example/aftercare?sslmode=require&user=ana",
        ),
        (
            "postgresql+psycopg://ana@db.example/aftercare?sslkey=k.pem&sslpassword=s3cret",
            "postgresql+psycopg://ana@db.example/aftercare?sslkey=k.pem",
        ),
    ],
)
def test_an_address_to_be_written_down_holds_no_password(url: str, address: str) -> None:
    """Everything else stays in it."""
    database = Database(url)

    assert database.address == address
    database.close()


def test_a_database_that_cannot_hold_every_script_is_refused(postgres: Databases) -> None:
    """PostgreSQL's encoding is chosen when a database is made; the message says how."""
    database = Database(postgres.fresh_database(encoding="SQL_ASCII"))

    with pytest.raises(DatabaseUnusable, match="its encoding is SQL_ASCII"):
        database.migrate()
    database.close()


# --- kill -9 ---------------------------------------------------------------------------------------------

_CHILD = """
import sys
import time
from datetime import UTC, datetime

from bot.storage import inbox
from bot.storage.database import Database
from bot.storage.inbox import Arrival

database = Database(sys.argv[1])

def store(session):
    inbox.store(session, [Arrival(update_id=1, chat_id=2, payload={"text": "ow"})], datetime.now(UTC))
    session.flush()
    if sys.argv[2] == "before":
        print("now", flush=True)
        time.sleep(60)

database.call(store)
print("now", flush=True)
time.sleep(60)
"""


def _kill_while_storing(url: str, when: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, url, when], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "now\n"
    finally:
        child.kill()
        child.wait(timeout=10)
        child.stdout.close()


def test_a_stored_update_survives_kill_9(database: Database) -> None:
    """A process killed right after `call` returned has lost nothing that the call wrote."""
    _kill_while_storing(database.url, "after")

    (row,) = database.call(inbox_line.next_batch, NOW, limit=9)
    assert row.payload == {"text": "ow"}


def test_half_a_transaction_does_not_survive_kill_9(database: Database) -> None:
    """A process killed inside `call` leaves nothing of it, and no lock."""
    _kill_while_storing(database.url, "before")

    assert database.call(inbox_line.nothing_to_handle, NOW)
    assert database.call(inbox.store, [Arrival(update_id=1, chat_id=2, payload={})], NOW) == 1
