"""Which of the peers are installed here; those that are not are left out, and the bench says so."""

from __future__ import annotations

import importlib.util

from tests.bench.sheet import Sheet

HOW = "pip install -r requirements-bench.txt, or: make bench"


def has_procrastinate(sheet: Sheet) -> bool:
    """Tell whether procrastinate is installed; say it if not."""
    if importlib.util.find_spec("procrastinate") is not None:
        return True
    sheet.note(f"procrastinate is left out: it is not installed ({HOW})")
    return False
