"""The record of every call the bot made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT = 20_000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One call: its number, method, parameters (never the token), the moment, and the outcome.

    *outcome* is 200 or the error code; None for a call whose answer was lost on purpose.
    """

    number: int
    method: str
    params: dict[str, Any]
    at: datetime
    outcome: int | None


class Record:
    """The newest calls, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._number = 0

    def add(self, method: str, params: dict[str, Any], at: datetime, outcome: int | None) -> None:
        """Write down one call."""
        self._number += 1
        entry = Entry(number=self._number, method=method, params=params, at=at, outcome=outcome)
        self._entries.append(entry)
        del self._entries[:-KEPT]

    def calls(self, method: str | None = None, after: int = 0) -> list[Entry]:
        """Return the calls (of one method), those with a number beyond *after*."""
        wanted = method.lower() if method else None
        return [e for e in self._entries if e.number > after and wanted in (None, e.method.lower())]

    def clear(self) -> None:
        """Forget all calls."""
        self._entries = []
