"""The door to the database: one call is one transaction, in a worker thread.

So nobody can hold a transaction across a call to Telegram.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any, Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from bot.domain.trouble import Trouble

__all__ = ["Database", "DatabaseUnusable", "Session"]

P = ParamSpec("P")
R = TypeVar("R")

#: How often (20 times a second) a database is asked again that another process is just setting up.
PATIENCE = 200

MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseUnusable(Trouble):
    """The database cannot be used; the message says what to do."""


class Database:
    """One database, SQLite or PostgreSQL, by its SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_engine(url, hide_parameters=True)
        if self.engine.dialect.name == "sqlite":
            _tune_sqlite(self.engine)
        self._session = sessionmaker(self.engine, expire_on_commit=False)
        # One thread: calls to the database happen one after the other, in the order they were made.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    def migrate(self) -> None:
        """Bring the tables up to date; raise `DatabaseUnusable` if that cannot be done."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        try:
            with self.engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DatabaseError as error:
            why = f"{error.orig}. Check that it exists and can be written"
            raise DatabaseUnusable(_reason(self.engine, why)) from error
        except CommandError:
            reason = "its tables were made by a newer Aftercare; update this one"
            raise DatabaseUnusable(_reason(self.engine, reason)) from None

    def call(self, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run *function* with a session, as one transaction, in this thread."""
        with self._session.begin() as session:
            return function(session, *args, **kwargs)

    async def run(
        self, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *function* with a session, as one transaction, in the database's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self.call(function, *args, **kwargs))

    def compact(self) -> None:
        """Empty SQLite's write-ahead log, where erased words would stand a while longer; nothing on PostgreSQL."""
        if self.engine.dialect.name == "sqlite":
            raw = self.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                raw.close()

    def close(self) -> None:
        """Finish what is running and close all connections."""
        self._thread.shutdown(wait=True)
        self.engine.dispose()


def _tune_sqlite(engine: Engine) -> None:
    """WAL, every commit on the disk (`synchronous=FULL`), foreign keys, and writers that wait for each other."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN itself, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 10000")
        _switch_to_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is erased is gone from the file as well
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        # Take the write lock at once: a transaction that reads first could not be upgraded later.
        connection.execute(text("BEGIN IMMEDIATE"))


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


def _reason(engine: Engine, why: str) -> str:
    """Say in one sentence why the database cannot be used, without a password that its URL may hold."""
    url = engine.url
    place = url.database if engine.dialect.name == "sqlite" else f"{url.host}/{url.database}"
    return f"The database {place} cannot be used: {why}."
