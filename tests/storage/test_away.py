"""Tests of `bot.storage.away`: which troubles are the database's, and that each says what to check."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from bot.storage.away import why_away

#: In the wrong: nobody's row may be quoted.
ROW = "Ben Lim, can't breathe"


def of_sqlite(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> DBAPIError:
    """Return what SQLAlchemy raises for a result code of SQLite."""
    error = kind(ROW)
    error.sqlite_errorcode = code
    return _wrapped(error, sqlite3.Error)


def of_postgresql(state: str) -> DBAPIError:
    """Return what SQLAlchemy raises for an SQLSTATE of PostgreSQL."""
    return _wrapped(psycopg.errors.lookup(state)(ROW), psycopg.Error)


def _wrapped(error: Exception, base: type[Exception]) -> DBAPIError:
    wrapped = DBAPIError.instance("SELECT 1", None, error, base)
    assert isinstance(wrapped, DBAPIError)
    return wrapped


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (sqlite3.SQLITE_BUSY, "locked"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "locked"),  # a detail of SQLITE_BUSY
        (sqlite3.SQLITE_LOCKED, "locked"),
        (sqlite3.SQLITE_FULL, "room"),
        (sqlite3.SQLITE_IOERR_FSYNC, "disk"),
        (sqlite3.SQLITE_READONLY, "written"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "written"),
        (sqlite3.SQLITE_CANTOPEN, "opened"),
    ],
)
def test_troubles_of_the_file_and_its_disk_are_the_databases(code: int, word: str) -> None:
    """Each has its sentence, and quotes nothing."""
    why = why_away(of_sqlite(code))

    assert why is not None
    assert word in why.words
    assert "Ben" not in why.words


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("08006", "reached"),  # connection_failure
        ("57P01", "reached"),  # admin_shutdown
        ("57P03", "reached"),  # cannot_connect_now
        ("57014", "in time"),  # statement_timeout
        ("55P03", "in time"),  # lock_timeout
        ("25P03", "in time"),  # idle_in_transaction_session_timeout
        ("40001", "two writers"),  # serialization_failure
        ("40P01", "two writers"),  # deadlock_detected
        ("53100", "room"),  # disk_full
        ("53300", "connection left"),  # too_many_connections
        ("58030", "disk"),  # io_error
        ("25006", "primary"),  # read_only_sql_transaction
    ],
)
def test_troubles_of_the_server_are_the_databases(state: str, word: str) -> None:
    """Each has its sentence, and quotes nothing."""
    why = why_away(of_postgresql(state))

    assert why is not None
    assert word in why.words
    assert "Ben" not in why.words


def test_a_server_that_says_nothing_cannot_be_reached() -> None:
    """What the driver says by itself has no SQLSTATE: there was nobody to speak to."""
    why = why_away(_wrapped(psycopg.OperationalError("connection refused"), psycopg.Error))

    assert why is not None
    assert "reached" in why.words


_TO = 'connection failed: connection to server at "db.example", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (_TO + "Connection refused", "reached"),
        ("failed to resolve host 'db.example': [Errno -2] Name or service not known", "reached"),
        (_TO + "FATAL:  the database system is starting up", "reached"),
        (_TO + "FATAL:  the database system is shutting down", "reached"),
        (_TO + "FATAL:  the database system is not yet accepting connections", "reached"),
        (_TO + 'FATAL:  password authentication failed for user "ana"', "let us in"),
        (_TO + "fe_sendauth: no password supplied", "let us in"),
        (_TO + 'FATAL:  database "aftercare" does not exist', "let us in"),
        (_TO + 'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "ana"', "let us in"),
        (_TO + "FATAL:  sorry, too many clients already", "connection left"),
        (
            _TO + "FATAL:  remaining connection slots are reserved for roles with privileges",
            "connection left",
        ),
    ],
)
def test_before_the_first_word_a_server_is_known_by_what_it_says(said: str, word: str) -> None:
    """There is no SQLSTATE yet; but a server that refuses us is not one that is down."""
    why = why_away(_wrapped(psycopg.OperationalError(said), psycopg.Error))

    assert why is not None
    assert word in why.words
    assert why.anew or word == "connection left"


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.IntegrityError),
        of_sqlite(sqlite3.SQLITE_ERROR),  # no such table
        of_sqlite(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError),  # waiting mends nothing
        _wrapped(sqlite3.ProgrammingError("Cannot operate on a closed database."), sqlite3.Error),
        of_postgresql("23505"),  # unique_violation
        of_postgresql("42P01"),  # undefined_table
        of_postgresql("22001"),  # string_data_right_truncation
        _wrapped(psycopg.DataError("a text cannot contain NUL"), psycopg.Error),
    ],
)
def test_everything_else_is_the_programs(error: DBAPIError) -> None:
    """Trying again would not help."""
    assert why_away(error) is None


@pytest.mark.parametrize(
    ("error", "anew"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY), False),
        (of_sqlite(sqlite3.SQLITE_IOERR), True),
        (of_postgresql("55P03"), False),
        (of_postgresql("53100"), False),
        (of_postgresql("57P01"), True),
        (of_postgresql("25006"), True),  # perhaps another server is the primary one now
    ],
)
def test_a_connection_that_is_of_no_use_is_not_used_again(error: DBAPIError, anew: bool) -> None:
    """A busy database keeps its connections; one that was lost or moved needs new ones."""
    why = why_away(error)

    assert why is not None
    assert why.anew is anew
