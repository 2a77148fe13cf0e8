"""What each connection and each transaction begins with, so that SQLite and PostgreSQL keep the same promises."""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from time import sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from bot.storage.away import DatabaseAway, why_away

#: How often (20 times a second) a database is asked again that another process is just setting up.
PATIENCE = 200
#: The number of the lock that makes PostgreSQL's transactions take turns; it means nothing else.
TURN = int.from_bytes(b"aftercar", "big")
#: Another lock, by which a database is recognised that goes by two names.
COPYING = TURN + 1


class Manner(StrEnum):
    """How a transaction begins: the execution option "manner" of a connection, `IN_TURN` unless said otherwise.

    IN_TURN: one at a time in the whole database, whoever asks: what it reads stays true until it has written.
    BESIDE: without waiting for a turn. SQLite has one writer at any time, so there it is the same.
    UNHURRIED: in turn, and without the usual limits of time.
    BARE: SQLite says no BEGIN at all.
    """

    IN_TURN = "in turn"
    BESIDE = "beside"
    UNHURRIED = "unhurried"
    BARE = "bare"


def place_of(url: URL) -> str:
    """Return where a database is, for people to read: a path or ``server/name``, never a password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = str(url.host or url.query.get("host") or "localhost")
    return f"{host.rpartition('@')[2]}/{url.database}"  # before an @ that was not escaped stands a piece of the password


def engine_options(url: URL) -> dict[str, Any]:
    """Return what `create_engine` needs to know beside the URL; what the URL's query says itself stands."""
    if url.get_backend_name() != "postgresql":
        return {}
    given = {name: value for name, value in _OF_A_CONNECTION.items() if name not in url.query}
    return {"connect_args": given, "use_native_hstore": False}


def tune(engine: Engine) -> None:
    """Set every connection up, let every transaction begin as it must, and turn troubles into `DatabaseAway`."""
    place = place_of(engine.url)

    @event.listens_for(engine, "handle_error")
    def _on_error(context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if not isinstance(error, DBAPIError):
            return
        _leave_rows_out(error)
        why = why_away(error)
        if why is None:
            return
        if why.anew:
            context.is_disconnect = True
        lost = context.is_disconnect and context.connection is not None
        raise DatabaseAway(f"The database {place} {why.words}.", lost=lost, words=why.words) from error.orig

    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    elif engine.dialect.name == "postgresql":
        _tune_postgresql(engine)


def _leave_rows_out(error: DBAPIError) -> None:
    """Keep the first sentence of what PostgreSQL says: its details quote whole rows."""
    sentence = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    if error.orig is not None and sentence:
        error.orig.args = (sentence,)
        error.args = (f"({type(error.orig).__name__}) {sentence}",)


def _manner(connection: Connection) -> Manner:
    return Manner(connection.get_execution_options().get("manner", Manner.IN_TURN))


# --- SQLite ----------------------------------------------------------------------------------------------


def _tune_sqlite(engine: Engine) -> None:
    """WAL, every commit on the disk (`synchronous=FULL`), foreign keys, and writers that wait for each other."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN itself, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 10000")
        _switch_to_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is erased is gone from the file as well
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # Take the write lock at once: a transaction that reads first could not be upgraded later.
        if _manner(connection) is not Manner.BARE:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Turn the write-ahead log on; while another process does the same, SQLite refuses at once, so try again."""
    for attempt in range(PATIENCE):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == PATIENCE - 1:
                raise
            sleep(0.05)
        else:
            return


# --- PostgreSQL ------------------------------------------------------------------------------------------

#: libpq's parameters: seconds, but milliseconds for tcp_user_timeout. A server that is gone is noticed in half a minute.
_OF_A_CONNECTION = {
    "autocommit": True,  # SQLAlchemy says BEGIN itself, below
    "application_name": "aftercare",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
#: A transaction that stands still is ended before others have waited too long for its turn; so a process that froze, or
#: whose machine is gone, does not hold up another that takes over.
_OF_A_SESSION = """
    SET TIME ZONE 'UTC';
    SET synchronous_commit = on;
    SET idle_in_transaction_session_timeout = '10s';
    SET lock_timeout = '15s';
    SET statement_timeout = '30s';
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 3;
"""
_TAKE_TURN = f"SELECT pg_advisory_xact_lock({TURN})"  # until the transaction ends, however it ends
_NO_HURRY = """
    SET LOCAL idle_in_transaction_session_timeout = '10min';
    SET LOCAL lock_timeout = '10min';
    SET LOCAL statement_timeout = 0
"""
#: Sent in one go: the turn costs no round trip of its own.
_BEGIN = {
    Manner.IN_TURN: f"BEGIN; {_TAKE_TURN}",
    Manner.BESIDE: "BEGIN",
    Manner.UNHURRIED: f"BEGIN; {_NO_HURRY}; {_TAKE_TURN}",
    Manner.BARE: "BEGIN",
}


def _tune_postgresql(engine: Engine) -> None:
    """UTC, every commit on the disk, limits of time, and transactions that take turns."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.execute(_OF_A_SESSION)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(_BEGIN[_manner(connection)])
