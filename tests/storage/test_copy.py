"""Tests of `bot.storage.copy`: every row of one database in another one, of either kind, or nothing at all."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Integer, String, Table, Text, insert, make_url, select, text
from sqlalchemy.types import TypeEngine

from bot.storage import copy as room
from bot.storage import groups, lease, patients
from bot.storage.copy import CannotCopy, copy
from bot.storage.database import Database, DatabaseAway, DatabaseUnusable, Session
from bot.storage.lease import TERM, Holder, LeaseLost
from bot.storage.tables import Base, InboxRow, Lease, Moment
from tests.kit.postgres import Databases
from tests.storage.conftest import ANA, BEN, NOW, Clinic

HOLDER = Holder(host="desk", pid=100, mark="aaaa")
#: More than two batches.
MANY = 2 * room.BATCH + 3
#: What only careful hands carry over: other scripts, an escaped zero, a big number, an odd order, a nothing within.
ODD_JSON = {"z": "还痛 😣 \x00", "a": [1.5, 2**60, None, True], "": {"deep": ["é"]}}


def no_wait(_seconds: float) -> None:
    """Let no time pass: nobody is at work."""


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path, postgres: Databases) -> Iterator[Database]:
    """Give another database, empty and without tables: on PostgreSQL unless the test says "sqlite"."""
    if getattr(request, "param", "postgresql") == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'other.db'}")
        yield database
        database.close()
        return
    url = postgres.fresh_database()
    database = Database(url)
    yield database
    database.close()
    postgres.drop(url)


BOTH = pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)


def _value(kind: TypeEngine[Any], number: int) -> object:
    """Return a value that a careless copy would alter."""
    match kind:
        case Moment():
            return NOW + timedelta(days=30 * number, microseconds=number)
        case JSON():
            return {**ODD_JSON, "number": number}
        case String() | Text():
            return f"{number} é还"[: kind.length]
        case Integer():
            return number if type(kind) is Integer else 2**40 + number
    raise AssertionError(f"what would a {kind} be?")


def _fill(table: Table, number: int) -> dict[str, object]:
    return {
        column.name: number if column.foreign_keys else _value(column.type, number)
        for column in table.columns
    }


def _filled(database: Database) -> None:
    """Write three rows into every table, by its columns: a new table is tested with the rest."""

    def write(session: Session) -> None:
        for table in Base.metadata.sorted_tables:
            for number in (1, 2, 3):
                session.execute(insert(table).values(_fill(table, number)))
        session.execute(text("UPDATE lease SET holder = ''"))

    database.call(write)


def _rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""

    def read(session: Session) -> dict[str, list[tuple[object, ...]]]:
        return {
            table.name: [
                tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in Base.metadata.sorted_tables
        }

    return database.call(read)


# --- what arrives ----------------------------------------------------------------------------------------


@BOTH
def test_every_row_of_every_table_arrives_unaltered(database: Database, target: Database) -> None:
    """Moments to the microsecond, JSON to the sign, words in any script; what was copied from is as it was."""
    _filled(database)
    before = _rows(database)

    counts = copy(database, target, no_wait)

    assert _rows(target) == before == _rows(database)
    assert counts == dict.fromkeys(Base.metadata.tables, 3)


@BOTH
def test_json_is_not_written_anew(database: Database, target: Database) -> None:
    """A number keeps its spelling, a key its place, and no value is told from a value that is nothing."""
    written = '{"b": 1.10, "a":  1e2, "b ": "\\u0000"}'

    def write(session: Session) -> None:
        for number, value in enumerate((f"'{written}'", "'null'", "NULL")):
            session.execute(
                text(
                    "INSERT INTO inbox (update_id, received_at, state, attempts, payload) "
                    f"VALUES ({number}, '2026-01-01 00:00:00', 'done', 0, {value})".replace(":", r"\:")
                )
            )

    database.call(write)
    copy(database, target, no_wait)

    rows = target.call(
        lambda session: session.execute(text("SELECT CAST(payload AS TEXT) FROM inbox ORDER BY seq")).all()
    )
    assert [row[0] for row in rows] == [written, "null", None]


def test_more_rows_than_a_batch_arrive(database: Database, target: Database) -> None:
    """All of them, each once."""

    def write(session: Session) -> None:
        session.execute(
            insert(InboxRow),
            [
                {"update_id": number, "chat_id": ANA, "received_at": NOW, "state": "waiting", "payload": {}}
                for number in range(MANY)
            ],
        )

    database.call(write)
    counts = copy(database, target, no_wait)

    assert counts["inbox"] == MANY
    assert target.call(lambda session: session.scalars(select(InboxRow.update_id)).all()) == list(range(MANY))


@BOTH
def test_new_rows_are_numbered_after_the_old_ones(clinic: Clinic, target: Database) -> None:
    """After the copy the bot goes on writing: into tables with rows, and into tables without."""
    clinic.treatment(clinic.patient())
    copy(clinic.database, target, no_wait)
    other = Clinic(target)

    ben = other.patient(BEN, "Ben")
    treatment = other.treatment(ben)
    alert = other.alert(ben)

    assert (ben.id, treatment.id, alert.id) == (2, 2, 1)


def test_the_lease_is_free_but_tells_until_when_the_bot_lived(database: Database, target: Database) -> None:
    """The next bot need not wait, and knows how long there was none."""
    database.call(lease.take, HOLDER, NOW)
    database.call(groups.write_note, "one", "1")

    copy(database, target, no_wait)

    assert target.call(lambda session: session.scalars(select(Lease.holder)).all()) == [""]
    assert target.call(lease.last_alive) == NOW


# --- what is refused -------------------------------------------------------------------------------------


def test_nobody_is_left_with_the_lease_of_what_was_left(clinic: Clinic, target: Database) -> None:
    """A bot that was only asleep (a laptop, a paused machine) stops when it wakes, instead of writing where none reads."""
    clinic.patient()
    clinic.database.call(lease.take, HOLDER, NOW)

    copy(clinic.database, target, no_wait)

    with pytest.raises(LeaseLost):
        clinic.database.call(lease.require, HOLDER)
    assert clinic.database.call(lease.last_alive) == NOW


def _nothing_in(target: Database) -> bool:
    target.migrate()
    return not any(_rows(target).values())


class _Waiting:
    """Waits for nobody, and lets something happen at one of the times."""

    def __init__(self, happens: Callable[[], object] = lambda: None, *, at: int = 3) -> None:
        self.seconds = 0.0
        self.times = 0
        self._happens, self._at = happens, at

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds
        self.times += 1
        if self.times == self._at:
            self._happens()


@pytest.mark.parametrize("wrong", [timedelta(0), -timedelta(days=1), timedelta(hours=8)])
@pytest.mark.parametrize("at", [1, room.LOOKS])
def test_a_bot_at_work_is_to_be_stopped_first(
    clinic: Clinic, target: Database, wrong: timedelta, at: int
) -> None:
    """Whoever gives a sign of life is at work, wherever its clock stands: nothing is copied, and it keeps the lease."""
    clinic.patient()
    clinic.database.call(lease.take, HOLDER, NOW + wrong)
    again = NOW + wrong + timedelta(seconds=3)

    with pytest.raises(CannotCopy, match="Stop it first"):
        copy(
            clinic.database,
            target,
            _Waiting(lambda: clinic.database.call(lease.take, HOLDER, again), at=at),
        )

    assert _nothing_in(target)
    clinic.database.call(lease.require, HOLDER)


@pytest.mark.parametrize("wrong", [timedelta(0), -timedelta(days=1), timedelta(hours=8)])
def test_a_bot_that_died_holds_nobody_up(clinic: Clinic, target: Database, wrong: timedelta) -> None:
    """Who gives no sign of life for a term is no more, however far ahead its lease would end."""
    clinic.patient()
    clinic.database.call(lease.take, HOLDER, NOW + wrong)
    waiting = _Waiting()

    assert copy(clinic.database, target, waiting)["patients"] == 1
    assert TERM.total_seconds() < waiting.seconds < 30


def test_a_bot_that_stops_meanwhile_holds_nobody_up(clinic: Clinic, target: Database) -> None:
    """Giving up the lease changes its row as well, and is no work."""
    clinic.patient()
    clinic.database.call(lease.take, HOLDER, NOW)
    stops = _Waiting(lambda: clinic.database.call(lease.release, HOLDER, NOW))

    assert copy(clinic.database, target, stops)["patients"] == 1


@pytest.mark.usefixtures("only_postgresql")
@pytest.mark.parametrize("ran_before", [True, False])
def test_a_bot_that_stood_by_is_to_be_stopped_as_well(
    clinic: Clinic, target: Database, ran_before: bool
) -> None:
    """On a server another takes over when one is stopped; it is waited for, even if nobody holds the lease."""
    clinic.patient()
    if ran_before:
        clinic.database.call(lease.take, HOLDER, NOW)
        clinic.database.call(lease.release, HOLDER, NOW)
    other = Holder(host="ward", pid=7, mark="bbbb")

    with pytest.raises(CannotCopy, match="every one that stands by"):
        copy(clinic.database, target, _Waiting(lambda: clinic.database.call(lease.take, other, NOW)))

    assert _nothing_in(target)


def test_a_file_without_a_bot_is_copied_at_once(clinic: Clinic, sqlite_file: Path, target: Database) -> None:
    """Nobody stands by at a file: there is nothing to wait for."""
    clinic.patient()
    clinic.database.call(lease.take, HOLDER, NOW)
    clinic.database.call(lease.release, HOLDER, NOW)
    waiting = _Waiting()

    copy(clinic.database, target, waiting)

    assert sqlite_file.exists()
    assert waiting.times == 0


def test_a_bot_that_begins_at_the_last_moment_is_seen(
    clinic: Clinic, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look and the first row copied somebody takes the lease."""
    clinic.patient()
    watch = room._refuse_running

    def watch_and_begin(source: Database, wait: Any) -> Any:
        sign = watch(source, wait)
        source.call(lease.take, HOLDER, NOW)
        return sign

    monkeypatch.setattr(room, "_refuse_running", watch_and_begin)
    with pytest.raises(CannotCopy, match="Stop it first"):
        copy(clinic.database, target, no_wait)

    assert _nothing_in(target)
    clinic.database.call(lease.require, HOLDER)


def test_a_copy_that_fails_takes_no_lease(clinic: Clinic, target: Database) -> None:
    """Then the old database is still the one in use, and whoever wakes may go on."""
    clinic.patient()
    clinic.database.call(lease.take, HOLDER, NOW)
    target.migrate()
    target.call(groups.write_note, "one", "1")

    with pytest.raises(CannotCopy, match="not empty"):
        copy(clinic.database, target, no_wait)

    clinic.database.call(lease.require, HOLDER)


@pytest.mark.filterwarnings("ignore:Selection of the SingletonThreadPool")
@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:clinic?mode=memory&uri=true",
    ],
)
def test_memory_is_no_place_for_a_copy(clinic: Clinic, sqlite_file: Path, address: str) -> None:
    """It would be gone when the command ends."""
    clinic.patient()
    memory = Database(address)

    with pytest.raises(CannotCopy, match="name a file"):
        copy(clinic.database, memory, no_wait)
    memory.close()
    assert sqlite_file.exists()


@BOTH
def test_a_database_with_rows_is_not_written_into(clinic: Clinic, target: Database) -> None:
    """Its tables are named, and what was in it stays alone."""
    clinic.patient()
    target.migrate()
    target.call(groups.write_note, "one", "1")

    with pytest.raises(CannotCopy, match="not empty: there are rows in notes"):
        copy(clinic.database, target, no_wait)

    assert target.call(patients.by_chat, ANA) is None
    assert target.call(groups.note, "one") == "1"


def test_an_empty_database_is_not_copied(database: Database, target: Database) -> None:
    """Most likely another one was meant."""
    with pytest.raises(CannotCopy, match="nothing in"):
        copy(database, target, no_wait)


def test_a_database_is_not_copied_into_itself(clinic: Clinic) -> None:
    """By the same address."""
    clinic.patient()
    same = Database(clinic.database.url)

    with pytest.raises(CannotCopy, match="is the database that"):
        copy(clinic.database, same, no_wait)
    same.close()


def _by_a_way_round(path: Path) -> Path:
    return path.parent / "folder" / ".." / path.name


def _by_a_link(path: Path) -> Path:
    (path.parent / "link.db").symlink_to(path)
    return path.parent / "link.db"


def _by_a_second_name(path: Path) -> Path:
    (path.parent / "second.db").hardlink_to(path)
    return path.parent / "second.db"


@pytest.mark.parametrize("other_name", [_by_a_way_round, _by_a_link, _by_a_second_name])
def test_one_file_by_two_names_is_the_same(
    clinic: Clinic, sqlite_file: Path, other_name: Callable[[Path], Path]
) -> None:
    """Whichever way leads to it."""
    clinic.patient()
    (sqlite_file.parent / "folder").mkdir()
    same = Database(f"sqlite:///{other_name(sqlite_file)}")

    with pytest.raises(CannotCopy, match="is the database that"):
        copy(clinic.database, same, no_wait)
    same.close()


@pytest.mark.usefixtures("only_postgresql")
def test_one_server_by_two_names_is_the_same(clinic: Clinic) -> None:
    """The server itself is asked."""
    clinic.patient()
    url = make_url(clinic.database.url)
    same = Database(url.update_query_dict({"host": f"{url.query['host']}/."}).render_as_string())

    with pytest.raises(CannotCopy, match="is the database that"):
        copy(clinic.database, same, no_wait)
    same.close()


def test_a_target_that_does_not_exist_is_named(clinic: Clinic, postgres: Databases) -> None:
    """With what the server says."""
    clinic.patient()
    nowhere = make_url(postgres.url).set(database="no_such_database")
    missing = Database(nowhere.render_as_string(hide_password=False))

    with pytest.raises(DatabaseUnusable, match=r"no_such_database.* does not exist"):
        copy(clinic.database, missing, no_wait)
    missing.close()


def test_a_row_that_does_not_fit_leaves_nothing_behind(
    clinic: Clinic, sqlite_file: Path, target: Database
) -> None:
    """SQLite takes a text of any length. The table is named, the words are not; the tables before it are empty again."""
    ana = clinic.patient()
    clinic.treatment(ana, label="Ben Lim " * 10)

    with pytest.raises(CannotCopy, match="A row of treatments does not fit") as caught:
        copy(clinic.database, target, no_wait)

    assert sqlite_file.exists()
    assert "Ben" not in str(caught.value)
    assert _nothing_in(target)


# --- meanwhile -------------------------------------------------------------------------------------------


@BOTH
def test_nobody_writes_into_either_database_meanwhile(
    clinic: Clinic, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes in between waits for the end, even if it takes no turn; what it writes is neither lost nor counted."""
    clinic.patient()
    intruders: list[threading.Thread] = []
    waited: list[bool] = []
    copied = room._copy_table

    def intrude(table: Table, *rest: Any) -> None:
        if table.name == "notes":
            for number, database in enumerate((clinic.database, target)):
                intruder = threading.Thread(target=_write_beside, args=(database.url, str(number)))
                intruder.start()
                intruder.join(timeout=0.2)
                waited.append(intruder.is_alive())
                intruders.append(intruder)
        copied(table, *rest)

    monkeypatch.setattr(room, "_copy_table", intrude)
    counts = copy(clinic.database, target, no_wait)
    for intruder in intruders:
        intruder.join(timeout=15)

    assert waited == [True, True]
    assert counts["notes"] == 0
    assert [clinic.database.call(groups.note, key) for key in "01"] == ["yes", None]
    assert [target.call(groups.note, key) for key in "01"] == [None, "yes"]


def _write_beside(url: str, key: str) -> None:
    database = Database(url)
    with database.beside() as connection:
        connection.execute(text("INSERT INTO notes (key, value) VALUES (:key, 'yes')"), {"key": key})
    database.close()


def test_a_connection_lost_half_way_leaves_nothing_behind(
    clinic: Clinic, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target's server ends our connection: `DatabaseAway`, and the next try works."""
    clinic.patient()
    copied = room._copy_table
    killer = Database(target.url)

    def lose(table: Table, *rest: Any) -> None:
        copied(table, *rest)
        if table.name == "patients":
            with killer.beside() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )

    with monkeypatch.context() as patched:
        patched.setattr(room, "_copy_table", lose)
        with pytest.raises(DatabaseAway):
            copy(clinic.database, target, no_wait)
    killer.close()

    assert _nothing_in(target)
    assert copy(clinic.database, target, no_wait)["patients"] == 1
