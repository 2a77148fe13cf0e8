"""The door to the database: one call is one transaction, in a worker thread.

So nobody can hold a transaction across a call to Telegram.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from bot.domain.trouble import Trouble
from bot.storage.away import DatabaseAway
from bot.storage.tuning import Manner, engine_options, place_of, tune

__all__ = ["Database", "DatabaseAway", "DatabaseUnusable", "Session"]

P = ParamSpec("P")
R = TypeVar("R")

MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseUnusable(Trouble):
    """The database cannot be used; the message says what to do."""


class Database:
    """One database, SQLite or PostgreSQL, by its SQLAlchemy URL; `DatabaseUnusable` if that is none.

    Transactions take turns, in this process and in any other: what one has read stays true until it has written.
    Whatever uses the database may raise `DatabaseAway`: it does not answer, is locked, is full; trying again later is
    right. After PostgreSQL was started anew the next call works; nobody has to connect again.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            parts = make_url(url)
            if "@" in (parts.host or ""):
                raise DatabaseUnusable(
                    "The address of the database has an @ too many: in a name or a password write it as %40; "
                    "better still, give the password in PGPASSWORD."
                )
            self.engine = create_engine(url, hide_parameters=True, **engine_options(parts))
        except (ArgumentError, ValueError):
            raise DatabaseUnusable(
                "The address of the database cannot be read; write sqlite:///aftercare.db "
                "or postgresql+psycopg://user@host/name."
            ) from None
        tune(self.engine)
        #: Where it is, for people to read; no password in it.
        self.place = place_of(self.engine.url)
        #: Its URL as it may be written down: without the password.
        self.address = _without_password(self.engine.url)
        self._session = sessionmaker(self.engine, expire_on_commit=False)
        self._session_beside = sessionmaker(
            self.engine.execution_options(manner=Manner.BESIDE), expire_on_commit=False
        )
        # One thread each: calls happen one after the other, in the order they were made.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._side_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside")

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use it at the same time: one on duty, others standing by."""
        return self.engine.dialect.name != "sqlite"

    def migrate(self) -> None:
        """Bring the tables up to date; raise `DatabaseUnusable` if that cannot be done.

        Processes that start together do it one after the other: the later ones find it done.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        try:
            with self.unhurried() as connection:
                self._check_encoding(connection)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DatabaseAway as away:
            raise self._unusable(f"it {away.words} ({_first_line(away.__cause__)})") from away
        except DBAPIError as error:
            reason = _first_line(error.orig)
            raise self._unusable(
                f"{reason}. Check that its address is right, and that it can be written"
            ) from error
        except CommandError:
            raise self._unusable("its tables were made by a newer Aftercare; update this one") from None

    def call(self, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run *function* with a session, as one transaction, in this thread."""
        return _transaction(self._session, lambda session: function(session, *args, **kwargs))

    async def run(
        self, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *function* with a session, as one transaction, in the database's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self.call(function, *args, **kwargs))

    async def run_beside(
        self, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *function* as `run` does, in a thread of its own and without waiting for other transactions' turns.

        Only for what is right whatever others write at the same time, such as storing arrivals under unique ids. On
        SQLite it is `run`: there is one writer at any time, and waiting in line is quicker than asking again and again.
        """
        if not self.is_shared:
            return await self.run(function, *args, **kwargs)
        loop = asyncio.get_running_loop()
        step = partial(_transaction, self._session_beside, lambda session: function(session, *args, **kwargs))
        return await loop.run_in_executor(self._side_thread, step)

    @contextlib.contextmanager
    def beside(self) -> Iterator[Connection]:
        """Give a connection in one transaction that takes no turn: for a look at what others do."""
        with self.engine.execution_options(manner=Manner.BESIDE).begin() as connection:
            yield connection

    @contextlib.contextmanager
    def unhurried(self) -> Iterator[Connection]:
        """Give a connection in one transaction, in turn, without the usual limits of time: for work on whole tables."""
        with self.engine.execution_options(manner=Manner.UNHURRIED).begin() as connection:
            yield connection

    def compact(self) -> None:
        """Empty SQLite's write-ahead log, where erased words would stand a while longer; nothing on PostgreSQL."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.execution_options(manner=Manner.BARE).connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Finish what is running and close all connections."""
        self._thread.shutdown(wait=True)
        self._side_thread.shutdown(wait=True)
        self.engine.dispose()

    def _check_encoding(self, connection: Connection) -> None:
        """Refuse a PostgreSQL database that cannot hold every language."""
        if connection.dialect.name == "postgresql":
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
            if encoding != "UTF8":
                why = f"its encoding is {encoding}. Make it anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
                raise self._unusable(why)

    def _unusable(self, why: str) -> DatabaseUnusable:
        return DatabaseUnusable(f"The database {self.place} cannot be used: {why}.")


def _first_line(said: object) -> str:
    return (str(said).splitlines() or [""])[0].rstrip(".")


def _without_password(url: URL) -> str:
    query = {name: value for name, value in url.query.items() if "password" not in name}
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, query)
    return bare.render_as_string(hide_password=False)


def _transaction(sessions: sessionmaker[Session], step: Callable[[Session], R]) -> R:
    session = sessions()
    try:
        session.connection()
    except DatabaseAway as away:
        session.close()
        if not away.lost:
            raise
        # The server was started anew since this connection was used. Nothing has been done yet: once more, on a new one.
        session = sessions()
    with session:
        result = step(session)
        session.commit()
        return result
