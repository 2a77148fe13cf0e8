"""The record of every call the bot made."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT = 20_000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One call: its number, method, parameters (never the token), the moment, and the outcome.

    *outcome* is 200 or the error code; None for a call whose answer was lost on purpose. *told*: the
    bot was told so; False for a call whose caller got another answer, or none, or was there no more.
    """

    number: int
    method: str
    params: dict[str, Any]
    at: datetime
    outcome: int | None
    told: bool = True


class Record:
    """The newest calls, oldest first; and how many there were of each kind, for as long as it runs."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0
        self._counts: Counter[tuple[str, int | None]] = Counter()

    def add(
        self, method: str, params: dict[str, Any], at: datetime, outcome: int | None, *, told: bool = True
    ) -> None:
        """Write down one call."""
        self._number += 1
        entry = Entry(number=self._number, method=method, params=params, at=at, outcome=outcome, told=told)
        self._entries.append(entry)
        self._counts[method, outcome] += 1

    @property
    def number(self) -> int:
        """Return the number of the newest call; 0 before the first."""
        return self._number

    def calls(self, method: str | None = None, after: int = 0) -> list[Entry]:
        """Return the calls (of one method), those with a number beyond *after*."""
        wanted = method.lower() if method else None
        return [e for e in self._entries if e.number > after and wanted in (None, e.method.lower())]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many calls there were, by method and outcome: {"sendMessage": {"200": 12, "429": 1}}.

        None of them is forgotten, however many there were; a lost answer counts as "lost".
        """
        by_method: dict[str, dict[str, int]] = {}
        for (method, outcome), number in self._counts.items():
            by_method.setdefault(method, {})["lost" if outcome is None else str(outcome)] = number
        return by_method

    def clear(self) -> None:
        """Forget all calls, and how many there were."""
        self._entries.clear()
        self._counts.clear()
