"""The sandbox's clock, which can be turned forward."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the sandbox asks of a clock: the moment, and to be turned forward."""

    def now(self) -> datetime:
        """Return the present moment, aware."""

    def turn(self, seconds: float) -> None:
        """Go forward by *seconds*."""


class SandboxClock:
    """Real UTC time plus an offset; *frozen*, time moves only when it is turned.

    *start* is the moment shown now (aware); without it the clock starts at the real time.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        real = datetime.now(UTC)
        if start is not None and start.tzinfo is None:
            raise ValueError("the start of a sandbox clock needs a time zone")
        self.frozen = frozen
        self._stopped_at = real
        self._offset = (start.astimezone(UTC) - real) if start is not None else timedelta()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the sandbox's present moment in UTC."""
        return (self._stopped_at if self.frozen else datetime.now(UTC)) + self._offset

    def turn(self, seconds: float) -> None:
        """Go forward by *seconds*; there is no way back, for what was said stays said."""
        if seconds < 0:
            raise ValueError("a sandbox clock goes forward only")
        self._offset += timedelta(seconds=seconds)
        for listener in list(self._listeners):
            listener()

    def when_turned(self, listener: Callable[[], None]) -> None:
        """Call *listener* after each turn, so that a sleeping scheduler can be woken."""
        self._listeners.append(listener)
