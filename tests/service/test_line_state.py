"""Tests of what is known of the line: an outage is one and over at the first answer; repeats leave when it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.service.line_state import ALONE_PAUSES, OUTAGE, OUTAGE_PAUSES, LineState, is_answer
from bot.service.ports import Gone, Moved, Outcome, Refused, Sent, TryLater, Unknown
from bot.storage.claims import ALL

SENT = Sent(message_id=1)
LOST = Unknown(reason="timed out")
DOWN = TryLater(reason="ConnectError", everyone=True)
BROKEN = TryLater(reason="502")
SLOW_DOWN = TryLater(reason="429", after=timedelta(seconds=7), everyone=True)
ANSWERS: list[Outcome] = [SENT, Refused(reason="400"), Gone(reason="403"), Moved(chat_id=-99)]


@dataclass
class Line:
    """A line at a moment that stands still unless it is turned; each message that is heard of is another one."""

    now: float = 1000.0
    share: float = 1.0
    state: LineState = field(init=False)
    messages: int = 0

    def __post_init__(self) -> None:
        self.state = LineState(lambda seconds: self.share * seconds)

    def hears(self, outcome: Outcome, *, is_paused: bool = False) -> float:
        """Hear what became of a message; return the pause that follows."""
        self.messages += 1
        return self.state.heard(self.messages, outcome, self.now, left=self.now, is_paused=is_paused)

    def asks(self, *, is_there: bool) -> None:
        """Put a question and hear whether it was answered."""
        assert self.ask_in <= 0
        self.state.asks()
        assert self.state.ask_at() is None, "one at a time"
        self.state.asked(self.now, is_there=is_there)

    def repeats_alone(self, outcome: Outcome) -> None:
        """Repeat the one message that may go alone, and hear what became of it."""
        assert self.state.repeats() == 1
        self.state.repeated(-7)
        assert self.state.repeats() == 0
        self.state.heard(-7, outcome, self.now, left=self.now, is_paused=False)

    @property
    def ask_in(self) -> float:
        """In how many seconds a question makes sense."""
        at = self.state.ask_at()
        assert at is not None
        return at - self.now


@pytest.fixture
def line() -> Line:
    """The line of a process that has just met Telegram."""
    return Line()


# --- outages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [BROKEN, LOST, TryLater(reason="401", after=timedelta(minutes=1))])
def test_so_many_failures_in_a_row_are_an_outage(line: Line, failure: Outcome) -> None:
    """Of whatever kind; one fewer is not."""
    pauses = [line.hears(failure) for _ in range(OUTAGE)]
    assert pauses == [0.0] * (OUTAGE - 1) + [OUTAGE_PAUSES[0]]


def test_no_way_to_telegram_is_an_outage_at_once(line: Line) -> None:
    """Nothing else would find one; pauses grow, and the last one repeats."""
    pauses = [line.hears(DOWN) for _ in range(len(OUTAGE_PAUSES) + 2)]
    assert pauses == [*OUTAGE_PAUSES, OUTAGE_PAUSES[-1], OUTAGE_PAUSES[-1]]


def test_an_outages_failures_at_once_are_one(line: Line) -> None:
    """Those that were on their way when all began to wait make no second pause, and no longer one."""
    assert line.hears(DOWN) == OUTAGE_PAUSES[0]
    assert [line.hears(DOWN, is_paused=True) for _ in range(20)] == [0.0] * 20
    assert line.hears(DOWN) == OUTAGE_PAUSES[1]


@pytest.mark.parametrize("answer", ANSWERS)
def test_any_answer_of_telegram_ends_an_outage(line: Line, answer: Outcome) -> None:
    """It can be reached: failures are counted anew, and the next outage begins with a short pause."""
    for _ in range(3):
        for _ in range(OUTAGE - 1):
            assert line.hears(BROKEN) == 0.0
        line.hears(answer)
    line.hears(DOWN)
    line.hears(DOWN)
    line.hears(answer)

    assert line.hears(DOWN) == OUTAGE_PAUSES[0]


def test_being_asked_to_wait_is_no_outage(line: Line) -> None:
    """However often Telegram asks for it, to the second, the next failure of a message is the first one."""
    line.share = 1.25
    assert [line.hears(SLOW_DOWN) for _ in range(OUTAGE)] == [7.0] * OUTAGE
    assert line.hears(BROKEN) == 0.0


def test_pauses_vary(line: Line) -> None:
    """So that not everybody comes back at once."""
    line.share = 0.75
    assert line.hears(DOWN) == 0.75 * OUTAGE_PAUSES[0]


# --- what is an answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [*ANSWERS, SLOW_DOWN, LOST, DOWN, BROKEN])
def test_what_telegram_said_is_an_answer(outcome: Outcome) -> None:
    """Silence is none, and what stands between us and Telegram does not speak for it."""
    assert is_answer(outcome) == (outcome not in (LOST, DOWN, BROKEN))


# --- may a message in doubt be repeated? --------------------------------------------------------------------


def test_at_the_start_one_goes_alone_and_its_answer_lets_the_others_follow(line: Line) -> None:
    """Meeting Telegram was the question; nobody needs to ask again."""
    assert line.state.ask_at() is None
    line.repeats_alone(SENT)
    assert line.state.repeats() == ALL


def test_after_a_lost_answer_nothing_is_repeated_until_telegram_has_answered_a_message(line: Line) -> None:
    """Any other message's answer will do; a later loss closes the way again."""
    for _ in range(2):
        line.hears(LOST)
        assert line.state.repeats() == 0
        line.hears(SENT)
        assert line.state.repeats() == ALL


@pytest.mark.parametrize("answer", [*ANSWERS, SLOW_DOWN, TryLater(reason="409", after=timedelta(minutes=1))])
def test_whatever_telegram_says_is_an_answer(line: Line, answer: Outcome) -> None:
    """Also a no."""
    line.hears(LOST)
    line.hears(answer)
    assert line.state.repeats() == ALL


@pytest.mark.parametrize("failure", [DOWN, BROKEN])
def test_what_never_reached_telegram_is_neither_an_answer_nor_a_loss(line: Line, failure: Outcome) -> None:
    """A proxy says 502 by itself; nothing is known anew."""
    line.hears(failure)
    assert line.state.repeats() == 1
    line.hears(LOST)
    line.hears(failure)
    assert line.state.repeats() == 0
    line.hears(SENT)
    line.hears(failure)
    assert line.state.repeats() == ALL


def test_if_nothing_else_is_sent_a_question_lets_one_go_alone(line: Line) -> None:
    """It makes sense at once; its answer is no word on messages, so the others wait for that of the one."""
    line.hears(LOST)
    assert line.ask_in <= 0
    line.asks(is_there=True)
    assert line.state.ask_at() is None
    line.repeats_alone(SENT)

    assert line.state.repeats() == ALL
    assert line.state.ask_at() is None


def test_questions_without_an_answer_come_after_growing_pauses(line: Line) -> None:
    """And let nothing go; after an answer the pauses begin anew."""
    for _ in range(2):
        line.hears(LOST)
        waits = []
        for _ in range(len(OUTAGE_PAUSES) + 1):
            line.asks(is_there=False)
            assert line.state.repeats() == 0
            waits.append(line.ask_in)
            line.now += waits[-1]
        assert waits == [*OUTAGE_PAUSES, OUTAGE_PAUSES[-1]]
        line.asks(is_there=True)


def test_an_answer_to_a_message_ends_the_pauses_of_questions(line: Line) -> None:
    """The next loss is another break: the first question comes at once, and its pause is short."""
    line.hears(LOST)
    line.asks(is_there=False)
    line.hears(SENT)
    line.hears(LOST)
    line.asks(is_there=False)
    assert line.ask_in == OUTAGE_PAUSES[0]


def test_pauses_of_questions_vary(line: Line) -> None:
    """As those of messages do."""
    line.share = 1.25
    line.hears(LOST)
    line.asks(is_there=False)
    assert line.ask_in == 1.25 * OUTAGE_PAUSES[0]


def test_a_repeat_that_was_lost_alone_makes_questions_worth_little(line: Line) -> None:
    """Each such repeat is a message given up: the next comes after a long pause that grows, unless a message is answered."""
    line.hears(LOST)
    waits = []
    for _ in range(len(ALONE_PAUSES) + 1):
        line.asks(is_there=True)
        line.repeats_alone(LOST)
        waits.append(line.ask_in)
        line.now += waits[-1]
    assert waits == [*ALONE_PAUSES, ALONE_PAUSES[-1]]

    line.hears(SENT)
    line.hears(LOST)
    line.asks(is_there=True)
    line.repeats_alone(LOST)
    assert line.ask_in == ALONE_PAUSES[0]


def test_a_message_that_is_answered_ends_the_long_pause(line: Line) -> None:
    """Then all may go."""
    line.repeats_alone(LOST)
    line.hears(SENT)
    assert line.state.repeats() == ALL


def test_an_answer_from_before_the_break_says_nothing_of_it(line: Line) -> None:
    """It left while the line was fine, and came back after another answer was lost."""
    left = line.now
    line.now += 1
    line.hears(LOST)
    line.state.heard(50, SENT, line.now + 1, left=left, is_paused=False)
    assert line.state.repeats() == 0

    line.state.heard(51, SENT, line.now + 1, left=line.now, is_paused=False)
    assert line.state.repeats() == ALL


def test_an_answered_edit_says_nothing_of_messages(line: Line) -> None:
    """The way of messages may be broken while that of edits is not: seen where a proxy lost the answers of one kind."""
    line.hears(LOST)
    line.state.heard(50, SENT, line.now, left=line.now, is_paused=False, is_edit=True)
    assert line.state.repeats() == 0
    line.asks(is_there=True)
    assert line.state.repeats() == 1


@pytest.mark.parametrize("is_there", [False, True])
def test_a_question_from_before_changes_nothing(line: Line, is_there: bool) -> None:
    """A message has told more meanwhile: that the line is fine, or that its answers to questions say little."""
    line.hears(LOST)
    line.state.asks()
    line.hears(SENT)
    line.state.asked(line.now, is_there=is_there)
    assert line.state.repeats() == ALL

    line = Line()
    line.state.repeated(1)
    line.hears(LOST)  # another message's
    line.state.asks()
    line.state.heard(1, LOST, line.now, left=line.now, is_paused=False)
    line.state.asked(line.now, is_there=is_there)
    assert (line.state.repeats(), line.ask_in) == (0, ALONE_PAUSES[0])


def test_while_one_is_on_its_way_alone_no_other_follows(line: Line) -> None:
    """Not even after another question: only when it is known what became of it."""
    line.state.repeated(-7)
    line.hears(LOST)
    line.asks(is_there=True)
    assert line.state.repeats() == 0


@pytest.mark.parametrize("failure", [DOWN, BROKEN])
def test_one_that_did_not_reach_telegram_goes_alone_again(line: Line, failure: Outcome) -> None:
    """Its repeat is still to come."""
    line.repeats_alone(failure)
    line.repeats_alone(SENT)
    assert line.state.repeats() == ALL


def test_among_many_a_repeat_is_not_alone(line: Line) -> None:
    """If it is lost, that is a break like any other: a question is worth its answer."""
    line.hears(SENT)
    line.state.repeated(-7)
    assert line.state.repeats() == ALL
    line.state.heard(-7, LOST, line.now, left=line.now, is_paused=False)
    line.asks(is_there=True)
    assert line.state.repeats() == 1
