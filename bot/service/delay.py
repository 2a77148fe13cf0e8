"""What is handled long after it was sent, because the bot was down: when that was, and one word on it for a backlog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.message import Incoming, Priority
from bot.service.turn import Turn

#: An answer that comes this long after the question needs a word.
LATE = timedelta(minutes=10)
#: Telegram keeps what it could not hand over for 24 hours: a date long before that is none.
KEPT = timedelta(hours=25)


def noted(turn: Turn, incoming: Incoming, arrived: datetime) -> Turn:
    """Return the turn with the moment at which *incoming* was written, if that is long ago.

    arrived: when it was stored, aware UTC; it counts where Telegram gives no moment, or an impossible one.
    """
    sent = incoming.sent_at
    written = sent if sent is not None and arrived - KEPT <= sent <= arrived else arrived
    return replace(turn, written_at=written) if turn.now - written > LATE else turn


@contextmanager
def excused(turn: Turn, *, in_group: bool = False) -> Iterator[None]:
    """Say why it comes late, before what is said inside: once for all that waited in this chat."""
    due = turn.written_at is not None and not turn.tools.recent.excused(turn.chat_id, turn.now)
    if due and turn.written_at is not None:
        turn.say(turn.text("late", when=turn.when(turn.written_at)), in_group=in_group)
    yield
    if due:  # it stays unsaid if what is said inside fails
        turn.tools.recent.excuse(turn.chat_id, turn.now)


def read_late(turn: Turn) -> None:
    """Say, below an instruction about danger, when the words were written that it answers, if that was long ago."""
    if turn.written_at is not None:
        turn.say(turn.text("late_danger", when=turn.when(turn.written_at)), priority=Priority.DANGER)
