"""Tests of `bot.domain.pacing`: Telegram's limits hold, whatever is waiting and whatever the network does, by simulation."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.pacing import CATCH_UP, DOUBT, FOR_DANGER, TRIPS, UNEVEN, Pacer, Ticket

#: Sums of seconds are not exact to the last digit.
DUST = 1e-6
#: The shortest round trip of the simulated network, in seconds.
SHORTEST = 0.08
SLOT = (1 + UNEVEN) / 30
START = 1000.0


@dataclass(frozen=True)
class Post:
    """A message and its fate: it is there from *at* on; *up* and *down* are what its two ways take longer than the shortest.

    slow: it can wait; danger: it need not wait until its chat's burst is over. down None: the answer never comes.
    """

    chat: int
    at: float = START
    slow: bool = False
    danger: bool = False
    up: float = 0.0
    down: float | None = 0.0


@dataclass
class Wire:
    """The exit, the network and Telegram, by a clock of their own: each message leaves as soon as the pacer lets it."""

    pacer: Pacer
    now: float = START
    left: list[tuple[float, Post]] = field(default_factory=list)
    #: When Telegram counted each message, in the order of leaving.
    counted: list[tuple[float, Post]] = field(default_factory=list)
    _flying: list[tuple[float, int, Ticket]] = field(default_factory=list)
    _numbers: Iterable[int] = field(default_factory=count)

    def carry(self, posts: Iterable[Post]) -> Wire:
        """Send all of *posts*: what is urgent first, what can wait last, each in order; return what happened."""
        line = sorted(posts, key=lambda post: (post.slow, not post.danger))
        while line:
            self._land()
            post, moments = self._next(line)
            if post is not None:
                line.remove(post)
                self._send(post)
                continue
            moments += [moment for moment, _number, _ticket in self._flying[:1]]
            assert min(moments) > self.now, "a message waits for ever"
            self.now = min(moments)
        return self

    def _next(self, line: list[Post]) -> tuple[Post | None, list[float]]:
        """Return the first message that may leave now; or none, and the moments at which that may change."""
        at = {slow: self.pacer.free_at(0, self.now, slow=slow) for slow in (False, True)}
        moments = []
        for post in line:
            if post.at > self.now + DUST:
                moments.append(post.at)
            elif at[post.slow] > self.now + 1e-9:
                moments.append(at[post.slow])
                if post.slow:  # and all behind it
                    break
            elif (free := self._chat_free_at(post)) > self.now + 1e-9:
                moments.append(free)
            else:
                return post, []
        return None, moments

    def _chat_free_at(self, post: Post) -> float:
        return self.pacer.chat_free_at(post.chat, self.now, danger=post.danger)

    def _send(self, post: Post) -> None:
        ticket = self.pacer.left(post.chat, self.now, slow=post.slow)
        self.left.append((self.now, post))
        self.counted.append((self.now + SHORTEST / 2 + post.up, post))
        if post.down is not None:
            back = self.now + SHORTEST + post.up + post.down
            heapq.heappush(self._flying, (back, next(iter(self._numbers)), ticket))

    def _land(self) -> None:
        while self._flying and self._flying[0][0] <= self.now + 1e-9:
            _moment, _number, ticket = heapq.heappop(self._flying)
            self.pacer.landed(ticket, self.now)

    def moments(self, wanted: Callable[[Post], bool] = lambda post: True) -> list[float]:
        """Return when Telegram counted the messages that are *wanted*, in order."""
        return sorted(at for at, post in self.counted if wanted(post))


def carry(posts: Iterable[Post], pacer: Pacer | None = None) -> Wire:
    """Send all of *posts* over a new wire, behind one message that has shown how short a round trip can be."""
    wire = Wire(pacer or Pacer())
    wire.carry([Post(chat=10_000)])
    wire.now += SHORTEST
    return wire.carry(posts)


def most_within(moments: list[float], seconds: float) -> int:
    """Return how many of *moments* (in order) fall into any stretch of less than *seconds*."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - seconds + DUST:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_saved_up(moments: list[float]) -> float:
    """Return the most a chat ever owed, of one message a second that it earns (Telegram lets it owe three)."""
    most = owed = 0.0
    before = float("-inf")
    for moment in moments:
        owed = max(0.0, owed - (moment - before)) + 1
        most, before = max(most, owed), moment
    return most


#: What the adversary may do to a way: mostly little, sometimes much; both ways of a message together stay below `DOUBT`.
WAYS = st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2, 0.95, 1.4]) | st.floats(0, 1.4)
LATER = st.sampled_from([0.0, 0.0, 0.0, 0.5, 1.0, 3.0])


def posts(chats: st.SearchStrategy[int], most: int = 130) -> st.SearchStrategy[list[Post]]:
    """Draw messages to *chats*, with whatever the network does to each."""
    post = st.builds(
        Post,
        chat=chats,
        at=LATER.map(lambda later: START + later),
        slow=st.booleans(),
        danger=st.sampled_from([False, False, True]),
        up=WAYS,
        down=WAYS,
    )
    return st.lists(post, max_size=most)


# --- the limits ---------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(posts(st.integers(1, 60) | st.integers(-3, -1)))
@example([Post(chat, up=0.95) for chat in range(1, 31)] + [Post(chat) for chat in range(31, 131)])
@example([Post(chat, slow=True, up=1.4 * (chat % 30 < 20)) for chat in range(1, 131)])
@example([Post(chat, down=1.4) for chat in range(1, 61)] + [Post(chat, up=1.4) for chat in range(61, 131)])
def test_telegram_never_counts_more_than_30_in_any_second(queue: list[Post]) -> None:
    """Whatever the network does to each message, and whatever is urgent: 30 in any stretch of a second."""
    assert most_within(carry(queue).moments(), 1) <= 30


@settings(max_examples=60)
@given(posts(st.sampled_from([1, 2, -1, -2])))
@example([Post(1, up=2.0), Post(1, up=2.0), Post(1), Post(1), Post(1), Post(1)])
@example([Post(-1, at=START + 3 * number, up=1.4 * (number < 15)) for number in range(25)])
def test_each_chat_and_group_has_its_limits(queue: list[Post]) -> None:
    """A chat saves up three messages and earns one a second, danger or not; no group gets more than 20 in any minute."""
    wire = carry(queue)
    for chat in {post.chat for post in queue}:
        moments = wire.moments(lambda post, chat=chat: post.chat == chat)  # type: ignore[misc]
        assert most_saved_up(moments) <= 3 + DUST
        assert chat > 0 or most_within(moments, 60) <= 20


@settings(max_examples=40)
@given(posts(st.sampled_from([1, -1])))
def test_without_danger_a_chat_gets_three_in_three_seconds(queue: list[Post]) -> None:
    """Nobody's chat counts more, and of a group's 20 a minute some are left for danger."""
    wire = carry([post for post in queue if not post.danger])
    for chat in {post.chat for post in queue}:
        moments = wire.moments(lambda post, chat=chat: post.chat == chat)  # type: ignore[misc]
        assert most_within(moments, 3) <= 3
        assert chat > 0 or most_within(moments, 60) <= 20 - FOR_DANGER


def test_a_network_that_is_slow_by_turns_heaps_nothing_up() -> None:
    """Ten seconds in which every other half second is a second slower: what catches up with what is counted."""
    posts = [Post(chat, up=0.9 * (chat % 30 < 15)) for chat in range(1, 301)]
    assert most_within(carry(posts).moments(), 1) <= 30


def test_slow_first_connections_count_anew_once_a_shorter_trip_is_known() -> None:
    """Thirty messages over new connections took long; as soon as a quick one shows it, they count from later on."""
    pacer = Pacer()
    tickets = [pacer.left(chat, START) for chat in range(1, 30)]
    for ticket in tickets:
        pacer.landed(ticket, START + 0.8)
    quick = pacer.left(30, START + 0.8)
    pacer.landed(quick, START + 1.0)

    assert pacer.free_at(0, START + 1.0) == pytest.approx(START + 0.6 + 1 + UNEVEN)


def test_the_shortest_trip_is_that_of_the_last_ones() -> None:
    """If the way has become longer for good, that is known after a while, and the limit is used to the full again."""
    pacer = Pacer()
    pacer.landed(pacer.left(1, START), START + 0.01)
    for number in range(TRIPS):
        at = START + 10 + number
        pacer.landed(pacer.left(number, at), at + 0.5)
    at = START + 1000
    for number in range(30):
        pacer.landed(pacer.left(number, at), at + 0.5)

    assert pacer.free_at(0, at + 0.5) == pytest.approx(at + 1 + UNEVEN)


def test_what_got_no_answer_does_not_tell_how_short_a_trip_can_be() -> None:
    """A connection that was refused at once is no round trip to Telegram."""
    pacer = Pacer()
    pacer.landed(pacer.left(1, START), START + 0.5)
    pacer.landed(pacer.left(2, START), START + 0.001, answered=False)
    at = START + 100
    for number in range(30):
        pacer.landed(pacer.left(number, at), at + 0.5)

    assert pacer.free_at(0, at + 0.5) == pytest.approx(at + 1 + UNEVEN)


# --- full use -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("extra", [0.0, 0.5])
def test_with_an_even_network_the_limit_is_used_to_the_full(slow: bool, extra: float) -> None:
    """At least 29.5 messages a second over 100 seconds, near or far from Telegram, whether they can wait or not."""
    wire = Wire(Pacer())
    wire.carry([Post(chat, slow=slow, up=extra) for chat in range(1, 2951)])
    assert wire.now - START <= 100
    assert most_within(wire.moments(), 1) <= 30


def test_thirty_chats_a_second_are_served_without_a_pause() -> None:
    """What cannot wait leaves at once, as many as may: 30, then 30 a second later."""
    wire = Wire(Pacer()).carry([Post(chat) for chat in range(1, 62)])
    at = START + 1 + UNEVEN, START + 2 + 2 * UNEVEN
    assert [at for at, _post in wire.left] == pytest.approx([START] * 30 + [at[0]] * 30 + [at[1]])


def test_the_way_there_may_be_shorter_than_that_of_the_shortest_trip() -> None:
    """Trips of the same length: of some the way there took longer, of others the way back; no second counts 31."""
    wire = carry(
        [Post(chat, up=0.004) for chat in range(1, 31)] + [Post(chat, down=0.004) for chat in range(31, 301)]
    )
    trips = [
        Post(chat, up=0.004 * (chat // 30 % 2), down=0.004 * (1 - chat // 30 % 2)) for chat in range(1, 301)
    ]
    pacer = Pacer()
    pacer.landed(pacer.left(9_999, START - 10), START - 10 + SHORTEST + 0.004)
    even = Wire(pacer).carry(trips)

    assert most_within(wire.moments(), 1) <= 30
    assert most_within(even.moments(), 1) <= 30


def test_a_jittery_network_costs_little() -> None:
    """Trips that vary by 20 ms still leave 29 messages a second."""
    wire = carry([Post(chat, up=0.02 * (chat * 7 % 10) / 10) for chat in range(1, 1451)])
    assert wire.now - START <= 50


def test_the_pace_is_the_clinics_own() -> None:
    """A clinic whose server allows less, or more, gets that many a second."""
    wire = Wire(Pacer(2)).carry([Post(chat) for chat in range(1, 6)])
    at = START + 1 + UNEVEN, START + 2 + 2 * UNEVEN
    assert [at for at, _post in wire.left] == pytest.approx([START, START, at[0], at[0], at[1]])


def test_the_place_in_line_tells_when_a_message_may_leave() -> None:
    """Behind 29 others there is room at once, behind 30 a second later; a slow one leaves a slot behind the one before."""
    pacer = Pacer()
    for chat in range(20):
        pacer.landed(pacer.left(chat, START), START)
    now = START + 0.25

    assert pacer.free_at(9, now) == now
    assert pacer.free_at(10, now) == START + 1
    assert pacer.free_at(30, now) == now + 1
    pacer = Pacer()
    assert pacer.free_at(CATCH_UP, START, slow=True) == pytest.approx(START)
    assert pacer.free_at(CATCH_UP + 1, START, slow=True) == pytest.approx(START + SLOT)
    for _ in range(CATCH_UP + 1):
        pacer.left(1, START, slow=True)
    assert pacer.free_at(0, START, slow=True) == pytest.approx(START + SLOT)
    assert pacer.free_at(2, START, slow=True) == pytest.approx(START + 3 * SLOT)


# --- what can wait ------------------------------------------------------------------------------------------


def test_what_can_wait_keeps_an_even_distance() -> None:
    """A few catch up at the start; after a second each follows a slot behind the one before, for good."""
    wire = carry([Post(chat, slow=True) for chat in range(1, 401)])
    moments = [at for at, _post in wire.left if at > wire.left[1][0] + 1 + SLOT]

    assert len(moments) > 300
    assert [later - at for at, later in pairwise(moments)] == pytest.approx([SLOT] * (len(moments) - 1))


def test_no_more_than_a_few_catch_up_at_once() -> None:
    """However long nothing left, at most `CATCH_UP` messages that can wait leave at once with the first."""
    pacer = Pacer()
    for pause in (0.0, 0.05, 1.0, 500.0):
        wire = Wire(pacer, now=START + 2000 * pause)
        wire.carry([Post(chat, slow=True) for chat in range(1, 61)])
        wire.now += pause
        begin = len(wire.left)
        wire.carry([Post(chat, slow=True, at=wire.now) for chat in range(101, 161)])
        moments = [at for at, _post in wire.left[begin:]]
        assert most_within(moments, SLOT) <= CATCH_UP + 1
        assert most_within(moments, 5 * SLOT) <= CATCH_UP + 5


def test_what_telegrams_limit_held_up_is_not_caught_up_with() -> None:
    """After 30 replies at once, check-ins go on one by one, not in a heap a second later."""
    wire = carry([Post(chat) for chat in range(1, 30)])
    begin = wire.now
    wire.carry([Post(chat, slow=True, at=begin) for chat in range(101, 141)])
    moments = [at for at, post in wire.left if post.slow and at > begin + 0.5]
    assert most_within(moments, SLOT) == 1


def test_a_pause_is_not_caught_up_with() -> None:
    """What waited for the end of a pause leaves one by one."""
    pacer = Pacer()
    pacer.pause(7, START)
    wire = Wire(pacer).carry([Post(chat, slow=True) for chat in range(1, 11)])
    moments = [at for at, _post in wire.left]
    assert moments[0] == START + 7
    assert most_within(moments, SLOT) == 1


@pytest.mark.parametrize("every", [0.11, 0.5, 1.0])
def test_a_reply_waits_for_hardly_more_than_one_that_can_wait(every: float) -> None:
    """While 600 check-ins leave, replies come now and then: once the flow is even, each waits a slot at the most."""
    replies = [Post(1000 + number, at=START + 2 + every * number) for number in range(int(14 / every))]
    wire = carry([*(Post(chat, slow=True) for chat in range(1, 601)), *replies])

    waits = [at - post.at for at, post in wire.left if not post.slow]
    assert max(waits[1:]) <= SLOT + DUST
    assert most_within(wire.moments(), 1) <= 30


# --- one chat -----------------------------------------------------------------------------------------------


def test_a_chat_gets_a_short_burst_and_then_one_a_second() -> None:
    """Three messages at once, and from then on one a second on the average."""
    wire = carry([Post(7)] * 7)
    begin = START + SHORTEST
    assert [at for at, _post in wire.left[1:]] == pytest.approx([begin] * 3 + [begin + 3] * 3 + [begin + 6])


def test_a_group_gets_20_a_minute_and_the_last_four_are_for_danger() -> None:
    """The 17th message to a group waits until a minute after the first, an alert only if it is the 21st."""
    moments = [at for at, _post in carry([Post(-7)] * 17).left[1:]]
    assert moments[15] < moments[0] + 59
    assert moments[16] == pytest.approx(moments[0] + 60)

    moments = [at for at, _post in carry([Post(-7, danger=True)] * 21).left[1:]]
    assert moments[19] < moments[0] + 20
    assert moments[20] == pytest.approx(moments[0] + 60)


def test_danger_does_not_wait_until_a_burst_is_over() -> None:
    """Right behind three answers to a chat it leaves a second later, when Telegram allows it; a fourth answer after three."""
    pacer = Pacer()
    for _ in range(3):
        pacer.landed(pacer.left(-7, START), START)
    assert pacer.chat_free_at(-7, START) == START + 3
    assert pacer.chat_free_at(-7, START, danger=True) == START + 1
    assert pacer.full_chats(START + 1) == {-7: START + 3}
    assert pacer.shut_chats(START + 0.9) == {-7: START + 1}
    assert pacer.shut_chats(START + 1) == {}


def test_a_group_that_has_had_its_minute_is_shut_to_danger_too() -> None:
    """The 429 that the 21st would get silences the bot for everybody: that is worse than to wait."""
    pacer = Pacer()
    for second in range(20):
        pacer.landed(pacer.left(-7, START + second), START + second)
        assert pacer.full_chats(START + second).keys() == ({-7} if second >= 2 else set())
    assert pacer.shut_chats(START + 30) == {-7: START + 60}
    assert pacer.shut_chats(START + 60) == {}


def test_a_small_limit_leaves_room_for_others_too() -> None:
    """Half of it at most is kept for danger."""
    pacer = Pacer(per_group_minute=2)
    assert pacer.chat_free_at(-7, START) == START
    pacer.landed(pacer.left(-7, START), START)
    assert pacer.chat_free_at(-7, START) == START + 60
    assert pacer.chat_free_at(-7, START, danger=True) == START


def test_a_person_may_get_more_than_20_a_minute() -> None:
    """The limit of a minute is for groups only."""
    assert carry([Post(7)] * 30).now < START + 30


def test_one_chat_does_not_hold_up_another() -> None:
    """A chat that has had its burst waits; others do not."""
    pacer = Pacer()
    for _ in range(3):
        pacer.landed(pacer.left(7, START), START)
    assert pacer.chat_free_at(7, START) == START + 3
    assert pacer.chat_free_at(8, START) == START
    assert pacer.free_at(0, START) == START


def test_a_chats_messages_count_whatever_order_their_answers_come_in() -> None:
    """Two that left first were counted last: they still fill the chat when a third comes."""
    pacer = Pacer()
    pacer.landed(pacer.left(1, START), START)
    late = [pacer.left(7, START) for _ in range(2)]
    for _ in range(2):
        pacer.landed(pacer.left(7, START + 0.5), START + 0.5)
    for ticket in late:
        pacer.landed(ticket, START + 2)
    pacer.landed(pacer.left(7, START + 4), START + 4)
    assert pacer.chat_free_at(7, START + 4) == START + 5


def test_full_chats_are_those_that_have_had_what_they_may_get() -> None:
    """Each with the moment at which it may get more; then it is full no more."""
    pacer = Pacer()
    for chat, number in ((7, 3), (8, 2), (-9, 3)):
        for _ in range(number):
            pacer.landed(pacer.left(chat, START), START)

    assert pacer.full_chats(START) == {7: START + 3, -9: START + 3}
    assert pacer.full_chats(START + 2.9) == {7: START + 3, -9: START + 3}
    assert pacer.full_chats(START + 3) == {}
    pacer.landed(pacer.left(8, START + 3), START + 3)
    assert pacer.full_chats(START + 3) == {}
    for _ in range(2):
        pacer.landed(pacer.left(8, START + 3), START + 3)
    assert pacer.full_chats(START + 3) == {8: START + 6}


def test_a_group_is_full_for_a_minute() -> None:
    """After 16 messages it stays full until a minute after the first."""
    pacer = Pacer()
    for number in range(20 - FOR_DANGER):
        at = START + 2 * number
        pacer.landed(pacer.left(-7, at), at)
        pacer.full_chats(at)
    assert pacer.full_chats(START + 38) == {-7: START + 60}
    assert pacer.full_chats(START + 59.9) == {-7: START + 60}
    assert pacer.full_chats(START + 60) == {}


# --- pauses, doubts, the past -------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", [False, True])
def test_nothing_passes_a_pause(slow: bool) -> None:
    """While Telegram asks for silence nothing leaves; then, exactly, everything may."""
    pacer = Pacer()
    pacer.pause(5, START)
    assert pacer.is_paused(START + 4.999)
    assert pacer.free_at(0, START + 2, slow=slow) == START + 5
    assert not pacer.is_paused(START + 5)
    assert pacer.free_at(0, START + 5, slow=slow) == START + 5


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """Of two pauses the one that ends later counts."""
    pacer = Pacer()
    pacer.pause(60, START)
    pacer.pause(1, START + 10)
    assert pacer.free_at(0, START + 10) == START + 60


def test_what_has_no_answer_counts_as_being_counted_just_now() -> None:
    """Thirty on their way: nothing leaves until `DOUBT` seconds and one more are over, or an answer has come."""
    pacer = Pacer()
    tickets = [pacer.left(chat, START) for chat in range(30)]

    assert pacer.free_at(0, START + 2) == START + 3
    assert pacer.free_at(0, START + DOUBT + 0.9) == START + DOUBT + 1
    assert pacer.free_at(0, START + DOUBT + 1) == START + DOUBT + 1
    pacer.landed(tickets[0], START + 0.1)
    assert pacer.free_at(0, START + 2) == START + 2


def test_a_chat_whose_last_answer_is_out_waits_for_it() -> None:
    """The third of a burst may be counted just now."""
    pacer = Pacer()
    for _ in range(3):
        pacer.left(7, START)
    assert pacer.chat_free_at(7, START + 2) == START + 5
    assert pacer.chat_free_at(7, START + DOUBT + 3) == START + DOUBT + 3


@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=60, max_size=120))
def test_answers_that_never_come_stop_nothing_for_ever(answered: list[bool]) -> None:
    """Each unanswered message takes its place for `DOUBT` seconds longer, no more."""
    wire = carry([Post(chat, down=0.0 if fine else None) for chat, fine in enumerate(answered, start=1)])
    assert len(wire.left) == len(answered) + 1
    assert wire.now - START <= (len(answered) / 30 + 1) * (1 + DOUBT)
    assert most_within(wire.moments(), 1) <= 30


def test_what_left_before_is_remembered() -> None:
    """An earlier process sent 29 messages, three of them to one chat: both limits go on from there."""
    pacer = Pacer()
    for number in range(29):
        pacer.remember(7 if number < 3 else number + 100, START - 0.5)

    assert pacer.free_at(0, START) == START
    assert pacer.free_at(1, START) == START + 0.5
    assert pacer.full_chats(START) == {7: START + 2.5}
    assert pacer.free_at(1, START + 0.5) == START + 0.5


def test_what_left_before_does_not_tell_how_short_a_trip_can_be() -> None:
    """Only answers tell that."""
    pacer = Pacer()
    pacer.remember(1, START - 10)
    for chat in range(30):
        pacer.landed(pacer.left(chat, START), START + 0.5)
    assert pacer.free_at(0, START + 0.5) == pytest.approx(START + 1 + UNEVEN)


def test_asking_does_not_count() -> None:
    """Only what left is counted, not what asked whether it may."""
    pacer = Pacer()
    for _ in range(50):
        assert pacer.free_at(0, START) == pacer.free_at(0, START, slow=True) == START
        assert pacer.chat_free_at(7, START) == START


# --- memory -------------------------------------------------------------------------------------------------


def test_100_000_chats_take_no_more_room_than_those_of_a_minute() -> None:
    """An hour of check-ins to ever new people: what is kept are the last minute's chats and a few seconds' messages."""
    pacer = Pacer()
    for chat in range(1, 100_001):
        now = START + chat / 30
        pacer.landed(pacer.left(chat, now), now)
        if chat % 1_000 < 3:
            pacer.left(-1, now)
            pacer.free_at(0, now)
            pacer.full_chats(now)

    pacer.free_at(0, now)
    pacer.full_chats(now)
    assert len(pacer._chats) <= 30 * (60 + DOUBT) + 2
    assert len(pacer._all) <= 30 * (1 + DOUBT) + 6
    assert len(pacer._near) <= 1
    assert len(pacer._trips) == TRIPS


def test_full_chats_are_forgotten_once_they_may_get_more() -> None:
    """A chat that was full an hour ago leaves nothing behind."""
    pacer = Pacer(1_000_000)
    for chat in range(1, 1001):
        for _ in range(3):
            pacer.landed(pacer.left(chat, START), START)
    assert len(pacer.full_chats(START)) == 1000
    assert pacer.full_chats(START + 3600) == {}
    pacer.left(5, START + 3600)
    assert (len(pacer._chats), len(pacer._near)) == (1, 0)


def test_a_process_that_stood_still_goes_on() -> None:
    """Frozen for minutes after a chat had its burst: asking about it first and sending then forgets it, and works."""
    pacer = Pacer()
    for _ in range(3):
        pacer.landed(pacer.left(7, START), START)
    pacer.landed(pacer.left(8, START), START)

    assert pacer.full_chats(START + 300) == {}
    pacer.left(9, START + 300)

    assert list(pacer._chats) == [9]


def test_chats_of_the_last_minute_are_remembered() -> None:
    """However many chats there are, one that was written to in the last minute keeps its limits."""
    pacer = Pacer(1_000_000)
    for chat in range(1, 5001):
        pacer.landed(pacer.left(chat, START), START)
    for second in range(1, 21 - FOR_DANGER):
        pacer.landed(pacer.left(-7, START + second), START + second)
    for chat in range(20_000, 20_003):
        pacer.landed(pacer.left(chat, START + 65), START + 65)

    assert list(pacer._chats) == [-7, 20_000, 20_001, 20_002]
    assert pacer.chat_free_at(-7, START + 60.9) == START + 61
