"""Doing the same step for many rows: what fails by a fault of ours stops nothing else."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.storage.database import DatabaseAway, Session

log = logging.getLogger(__name__)
R = TypeVar("R")


def each(session: Session, done: Counter[str], step: Callable[[R], str | None], rows: Sequence[R]) -> list[R]:
    """Do a step for all *rows* at once; if one fails, for each by itself. Return those for which it failed.

    *step* returns a word for what it did, or None; *done* counts the words, and those that failed as "put_off". Nothing
    of a step that failed stays. Raises `DatabaseAway`: that is no fault of a row.
    """
    if not rows:
        return []
    try:
        with session.begin_nested():
            said = [step(row) for row in rows]
    except DatabaseAway:
        raise
    except Exception:
        return [row for row in rows if not _try(session, done, step, row)]
    done.update(word for word in said if word is not None)
    return []


def _try(session: Session, done: Counter[str], step: Callable[[R], str | None], row: R) -> bool:
    """Do one step by itself: if it fails, nothing of it stays, and the others go on."""
    try:
        with session.begin_nested():
            word = step(row)
    except DatabaseAway:
        raise
    except Exception:
        log.exception("Something due could not be handled; it is put off.", extra={"action": "dispatch"})
        done["put_off"] += 1
        return False
    if word is not None:
        done[word] += 1
    return True
