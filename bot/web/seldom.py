"""Lines in the log that anybody on the internet can cause: each kind at most once a minute, with a count of the rest."""

from __future__ import annotations

from collections.abc import Callable

#: How long a kind of line is held back after it was written, in seconds.
PAUSE = 60.0


class Seldom:
    """Tells whose turn it is to be written down, so that a scanner cannot fill the disk."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Begin with nothing written. seconds: a clock that never goes back, in seconds."""
        self._seconds = seconds
        self._written: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def turn(self, kind: str) -> int | None:
        """Return how many of *kind* were held back since its last line; None: hold this one back as well."""
        now = self._seconds()
        written = self._written.get(kind)
        if written is not None and now - written < PAUSE:
            self._held[kind] = self._held.get(kind, 0) + 1
            return None
        self._written[kind] = now
        return self._held.pop(kind, 0)
