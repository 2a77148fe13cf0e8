"""Tests of `bot.domain.pacing`: Telegram's limits hold, whatever is waiting, by simulation."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.pacing import Pacer

#: Sums of seconds are not exact to the last digit.
DUST = 1e-6

Sent = list[tuple[float, int]]


def simulate(pacer: Pacer, queue: list[tuple[int, bool]], gaps: list[float] | None = None) -> Sent:
    """Send *queue* (chat, urgent) in order as fast as *pacer* lets it; return each moment and chat.

    The clock starts at 1000 seconds; *gaps* are the pauses (in seconds) before a message comes, over and over.
    """
    now, sent = 1000.0, []
    for number, (chat_id, urgent) in enumerate(queue):
        now += gaps[number % len(gaps)] if gaps else 0
        for _ in range(1000):
            wait = pacer.wait(chat_id, now, urgent=urgent)
            assert wait >= 0
            if wait == 0:
                break
            now += wait
        else:
            pytest.fail("a message waits for ever")
        pacer.sent(chat_id, now)
        sent.append((now, chat_id))
    return sent


def most_within(moments: list[float], seconds: float) -> int:
    """Return how many of *moments* (in order) fall into any stretch of less than *seconds*."""
    return max(
        (sum(start <= other < start + seconds - DUST for other in moments) for start in moments), default=0
    )


PEOPLE = st.integers(1, 60)
GROUPS = st.integers(-3, -1)
GAPS = st.lists(st.sampled_from([0, 0, 0.01, 0.3, 0.7, 2.5]), min_size=1, max_size=5)


@settings(max_examples=40)
@given(st.lists(st.tuples(PEOPLE | GROUPS, st.booleans()), max_size=150), GAPS)
def test_the_bot_never_sends_more_than_30_in_any_second(
    queue: list[tuple[int, bool]], gaps: list[float]
) -> None:
    """The limit of the whole bot holds for any mixture of chats, urgent messages included."""
    moments = [moment for moment, _chat in simulate(Pacer(), queue, gaps)]
    assert most_within(moments, 1) <= 30


@settings(max_examples=40)
@given(st.lists(st.sampled_from([1, 2, -1, -2]), max_size=150), GAPS)
def test_each_chat_and_group_has_its_limits(queue: list[int], gaps: list[float]) -> None:
    """Nobody gets more than three messages in any three seconds, and no group more than 20 in any minute."""
    chats = defaultdict(list)
    for moment, chat_id in simulate(Pacer(), [(chat_id, False) for chat_id in queue], gaps):
        chats[chat_id].append(moment)
    for chat_id, moments in chats.items():
        assert most_within(moments, 3) <= 3
        assert chat_id > 0 or most_within(moments, 60) <= 20


def test_thirty_chats_a_second_are_served_without_a_pause() -> None:
    """The limits are used to the full: 30 messages leave at once, the next ones a second later."""
    sent = simulate(Pacer(), [(chat_id, False) for chat_id in range(1, 62)])
    assert [moment for moment, _chat in sent] == [1000.0] * 30 + [1001.0] * 30 + [1002.0]


def test_the_pace_is_the_clinics_own() -> None:
    """A clinic whose server allows less, or more, gets that many a second."""
    sent = simulate(Pacer(2), [(chat_id, False) for chat_id in range(1, 6)])
    assert [moment for moment, _chat in sent] == [1000.0, 1000.0, 1001.0, 1001.0, 1002.0]


def test_a_chat_gets_a_short_burst_and_then_one_a_second() -> None:
    """Three messages at once, and from then on one a second on the average."""
    sent = simulate(Pacer(), [(7, False)] * 7)
    assert [moment for moment, _chat in sent] == [1000.0] * 3 + [1003.0] * 3 + [1006.0]


def test_a_group_gets_20_a_minute() -> None:
    """The 21st message to a group waits until a minute after the first."""
    sent = simulate(Pacer(), [(-7, False)] * 21)
    assert sent[19][0] < 1060
    assert sent[20][0] == 1060


def test_a_person_may_get_more_than_20_a_minute() -> None:
    """The limit of a minute is for groups only."""
    assert simulate(Pacer(), [(7, False)] * 30)[-1][0] < 1030


def test_one_chat_does_not_hold_up_another() -> None:
    """A chat that has had its burst waits; others do not."""
    pacer = Pacer()
    simulate(pacer, [(7, False)] * 3)
    assert pacer.wait(7, 1000.0) == 3
    assert pacer.wait(8, 1000.0) == 0


@pytest.mark.parametrize(("chat_id", "before"), [(7, 3), (-7, 20)])
def test_what_is_urgent_passes_the_limits_of_a_chat_and_a_group(chat_id: int, before: int) -> None:
    """An instruction about danger does not wait behind a chat's own limit."""
    pacer = Pacer()
    now = simulate(pacer, [(chat_id, False)] * before)[-1][0]
    assert pacer.wait(chat_id, now) > 0
    assert pacer.wait(chat_id, now, urgent=True) == 0


def test_what_is_urgent_counts_for_the_chat() -> None:
    """A chat that has just had three urgent messages waits with the next ordinary one."""
    pacer = Pacer()
    simulate(pacer, [(7, True)] * 3)
    assert pacer.wait(7, 1000.0) == 3


def test_nothing_passes_a_pause() -> None:
    """While Telegram asks for silence nothing leaves, urgent or not, to no chat; then everything may."""
    pacer = Pacer()
    pacer.pause(5, 1000.0)
    assert pacer.wait(7, 1002.0, urgent=True) == 3
    assert pacer.wait(-8, 1002.0) == 3
    assert pacer.wait(7, 1005.0) == 0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """Of two pauses the one that ends later counts."""
    pacer = Pacer()
    pacer.pause(60, 1000.0)
    pacer.pause(1, 1010.0)
    assert pacer.wait(7, 1010.0) == 50


def test_asking_does_not_count() -> None:
    """Only what was sent is counted, not what asked whether it may be."""
    pacer = Pacer()
    assert [pacer.wait(7, 1000.0) for _ in range(50)] == [0] * 50


def test_chats_that_have_long_been_quiet_are_forgotten() -> None:
    """However many chats there have been, the pacer goes on, also when one that was asked about was not sent to."""
    pacer = Pacer(1_000_000)
    for chat_id in range(1, 10_001):
        pacer.sent(chat_id, 1000.0)
    pacer.wait(1, 1100.0)
    pacer.sent(20_000, 1100.0)
    assert len(pacer._chats) == 1
    assert pacer.wait(1, 1100.0) == 0


def test_chats_of_the_last_minute_are_remembered() -> None:
    """However many chats there are, one that was written to in the last minute keeps its limits."""
    pacer = Pacer(1_000_000)
    for chat_id in range(1, 10_001):
        pacer.sent(chat_id, 1000.0)
    for moment in range(1001, 1021):
        pacer.sent(-7, float(moment))
    for chat_id in range(20_000, 20_003):
        pacer.sent(chat_id, 1065.0)
    assert len(pacer._chats) == 4
    assert pacer.wait(-7, 1060.9) > 0
    assert pacer.wait(-7, 1061.0) == 0
