"""Faults that a test plans: errors, delays, silence, broken lines, nonsense."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["error", "delay", "hang", "drop", "garbage"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with the next *times* calls of *method* (``"*"`` is any method).

    kind
        ``error`` answers *code* and *description* (with *retry_after* seconds, if given);
        ``delay`` waits *seconds* and then does as it should; ``hang`` never answers;
        ``drop`` breaks the connection; ``garbage`` answers with something that is no JSON.
    taken
        True: the call has its effect first and only the answer is lost ("take and drop").
    chat_id
        Only calls for this chat.
    """

    method: str
    kind: Kind
    times: int = 1
    chat_id: int | None = None
    taken: bool = False
    code: int = 500
    description: str = "Internal Server Error"
    retry_after: int | None = None
    seconds: float = 0.0


class Faults:
    """The faults that are still to come, in the order they were planned."""

    def __init__(self) -> None:
        self._planned: list[tuple[Fault, int]] = []

    def plan(self, fault: Fault) -> None:
        """Let *fault* happen."""
        self._planned.append((fault, fault.times))

    def clear(self) -> None:
        """Forget what was planned."""
        self._planned = []

    @property
    def left(self) -> int:
        """Return how many calls will still fail."""
        return sum(times for _, times in self._planned)

    def take(self, method: str, chat_id: Any) -> Fault | None:
        """Return the fault for this call, if one is planned, and count it as used."""
        for place, (fault, times) in enumerate(self._planned):
            named = fault.method == "*" or fault.method.lower() == method.lower()
            if named and (fault.chat_id is None or str(fault.chat_id) == str(chat_id)):
                if times > 1:
                    self._planned[place] = (fault, times - 1)
                else:
                    del self._planned[place]
                return fault
        return None
