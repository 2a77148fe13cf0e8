"""Which of the peers are installed here (those that are not are left out, and the bench says so), and what they are told."""

from __future__ import annotations

import importlib.util
from urllib.parse import urlsplit

from tests.bench.sheet import Sheet

HOW = "pip install -r requirements-bench.txt, or: make bench"


def has_procrastinate(sheet: Sheet) -> bool:
    """Tell whether procrastinate is installed; say it if not."""
    if importlib.util.find_spec("procrastinate") is not None:
        return True
    sheet.note(f"procrastinate is left out: it is not installed ({HOW})")
    return False


def plain_address(url: str) -> str:
    """Return SQLAlchemy's URL of a PostgreSQL database as libpq reads it."""
    return urlsplit(url)._replace(scheme="postgresql").geturl()
