"""What is known of the line to Telegram: whether it is an outage, and whether messages in doubt may be repeated."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum

from bot.service.ports import Outcome, TryLater, Unknown
from bot.storage.claims import ALL

log = logging.getLogger(__name__)

#: Pauses of the whole exit, in seconds, while Telegram cannot be reached at all; and between questions it does not answer.
OUTAGE_PAUSES = (0.5, 1, 2, 5, 15)
#: So many failures in a row, of any kind that passes, are an outage.
OUTAGE = 5
#: Pauses in seconds after a repeat that went alone and was lost although Telegram had answered a question: its answer to
#: a question then says little of its answers to messages. Growing, for each such repeat is a message given up.
ALONE_PAUSES = (30, 120, 600)


def is_answer(outcome: Outcome) -> bool:
    """Tell whether Telegram itself answered, whatever it said; a 5xx may be the word of something on the way."""
    if isinstance(outcome, TryLater):
        return outcome.after is not None
    return not isinstance(outcome, Unknown)


class _Trust(Enum):
    """What has been heard since the last answer was lost: nothing; an answer to a question; one to a message."""

    NOTHING = 0
    A_QUESTION = 1
    A_MESSAGE = 2


class LineState:
    """Hears what becomes of every message, and says how long all wait and how many in doubt may be repeated.

    A message whose answer was lost is repeated once only, so a repeat must not meet the same break of the line. After
    a lost answer none leaves until Telegram has answered something: if it was a message, all may; if it was only a
    question without effect, one goes alone, and the others follow when that is answered. A break that loses every
    answer to messages, but none to questions, so costs one repeat, and not all.

    Times are seconds of a clock that never goes back.
    """

    def __init__(self, jitter: Callable[[float], float]) -> None:
        """Begin for a process that has just met Telegram. *jitter* varies a pause, given in seconds."""
        self._jitter = jitter
        self._failures = 0
        self._outages = 0
        self._trust = _Trust.A_QUESTION
        #: The repeat that went alone, while it is on its way.
        self._alone: int | None = None
        self._lost_alone = 0
        self._is_asking = False
        self._silences = 0
        self._quiet_until = self._lost_at = float("-inf")

    # --- messages ----------------------------------------------------------------------------------------

    def repeats(self) -> int:
        """Return how many messages in doubt may be repeated now."""
        if self._trust is _Trust.A_MESSAGE:
            return ALL
        return int(self._trust is _Trust.A_QUESTION and self._alone is None)

    def repeated(self, message: int) -> None:
        """Note that a message in doubt leaves once more."""
        if self._trust is _Trust.A_QUESTION:
            self._alone = message

    def heard(
        self,
        message: int,
        outcome: Outcome,
        now: float,
        *,
        left: float,
        is_paused: bool,
        is_edit: bool = False,
    ) -> float:
        """Note what became of a message; return for how many seconds nothing may leave (0: no pause is needed).

        left: when it left; an answer to one that left before the last answer was lost says nothing of the line since.
        is_paused: all wait already, so a failure more is part of the same outage. is_edit: it is another call of
        Telegram's than a message, and its answer says as little of messages as that to a question.
        """
        was_alone = message == self._alone
        if was_alone:
            self._alone = None
        if isinstance(outcome, Unknown):
            self._lost(now, was_alone)
        elif is_answer(outcome) and not is_edit and left >= self._lost_at:
            self._trust = _Trust.A_MESSAGE
            self._lost_alone = self._silences = 0
            self._quiet_until = now
        return self._pause(outcome, is_paused)

    def _lost(self, now: float, was_alone: bool) -> None:
        self._trust = _Trust.NOTHING
        self._lost_at = now
        if was_alone:
            pause = ALONE_PAUSES[min(self._lost_alone, len(ALONE_PAUSES) - 1)]
            self._lost_alone += 1
            self._quiet_until = now + self._jitter(pause)
            log.warning(
                "Telegram's answers are lost; what may have arrived waits.", extra={"action": "outbox"}
            )

    def _pause(self, outcome: Outcome, is_paused: bool) -> float:
        """Let everybody wait when Telegram asks for it, or when it cannot be reached at all."""
        if not isinstance(outcome, (TryLater, Unknown)):
            self._failures = self._outages = 0
            return 0.0
        everyone = isinstance(outcome, TryLater) and outcome.everyone
        if isinstance(outcome, TryLater) and everyone and outcome.after is not None:
            return outcome.after.total_seconds()
        self._failures += 1
        if is_paused or not (everyone or self._failures >= OUTAGE):
            return 0.0
        pause = OUTAGE_PAUSES[min(self._outages, len(OUTAGE_PAUSES) - 1)]
        self._outages += 1
        log.warning("Telegram cannot be reached; a pause of about %s s.", pause, extra={"action": "outbox"})
        return self._jitter(pause)

    # --- questions ---------------------------------------------------------------------------------------

    def ask_at(self) -> float | None:
        """Return from when on a question to Telegram makes sense, so that a message in doubt can go; None: it does not.

        It may be past.
        """
        if self._is_asking or self._trust is not _Trust.NOTHING:
            return None
        return self._quiet_until

    def asks(self) -> None:
        """Note that a question is under way."""
        self._is_asking = True

    def asked(self, now: float, *, is_there: bool) -> None:
        """Note that a question was answered, or not."""
        self._is_asking = False
        if self._trust is not _Trust.NOTHING or now < self._quiet_until:
            return  # a message has told more since
        if is_there:
            self._trust = _Trust.A_QUESTION
            self._silences = 0
            return
        pause = OUTAGE_PAUSES[min(self._silences, len(OUTAGE_PAUSES) - 1)]
        if not self._silences:
            log.warning("Telegram does not answer; what may have arrived waits.", extra={"action": "outbox"})
        self._silences += 1
        self._quiet_until = now + self._jitter(pause)
