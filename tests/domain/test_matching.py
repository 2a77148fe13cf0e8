"""Tests of `bot.domain.matching`: one answer, an offer, or a hand-over, on a small made-up FAQ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.matching import ANSWER_AT, LEAD, OFFER_AT, OFFERED, Matcher

ASKS = {
    "soreness": [
        "is it normal to be sore",
        "how long will i be sore",
        "sore after needling",
        "my muscle aches since the session",
    ],
    "bruise": [
        "i have a bruise",
        "is a bruise normal",
        "blue mark where the needle was",
        "bruising after the session",
    ],
    "gym": [
        "can i go to the gym",
        "when can i exercise again",
        "is running ok tomorrow",
        "can i lift weights after the session",
    ],
    "swim": [
        "can i go swimming",
        "when can i swim again",
        "is the pool ok tomorrow",
        "can i take a bath after the session",
    ],
    "price": [
        "how much does it cost",
        "price of one session",
        "what do you charge",
        "is it covered by insurance",
    ],
    "booking": ["how do i book", "i want an appointment", "can i reschedule", "what are your opening hours"],
}


MATCHER = Matcher(ASKS)


@pytest.mark.parametrize(
    ("topic", "ask"), [(topic, ask) for topic, asks in ASKS.items() for ask in asks], ids=lambda value: value
)
def test_a_phrasing_that_is_known_is_answered(topic: str, ask: str) -> None:
    """Asked in the very words of the FAQ, a topic is answered outright."""
    assert MATCHER.decide(ask).answer == topic


@pytest.mark.parametrize(
    ("typed", "topic"),
    [
        ("CAN I GO TO THE GYM???", "gym"),  # case and marks do not matter
        ("how mch does it csot", "price"),  # nor do slips of the keyboard
        ("how long am i going to be sore", "soreness"),
        ("got a blue mark from the needle", "bruise"),
        ("want to book an appointment", "booking"),
    ],
)
def test_other_words_for_it_are_understood(typed: str, topic: str) -> None:
    """What is near enough to one topic, and to no other, is answered."""
    assert MATCHER.decide(typed).answer == topic


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "???",
        "🙂🙂",
        "xqzvw jjkfp",
        "الطقس جميل",
        "今天天气很好",
        "lorem ipsum dolor",
    ],
)
def test_what_belongs_to_no_topic_is_handed_over(typed: str) -> None:
    """Gibberish, or a language that no phrasing is in, gets neither an answer nor an offer."""
    decision = MATCHER.decide(typed)
    assert decision.answer is None
    assert decision.offers == ()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("when can i do it again", {"gym", "swim"}),
        ("is it ok tomorrow", {"gym", "swim"}),
        ("can i", {"gym", "swim"}),
    ],
)
def test_what_may_mean_several_topics_is_offered(typed: str, offered: set[str]) -> None:
    """Between topics that are about equally near, the patient chooses; they are offered first."""
    decision = MATCHER.decide(typed)
    assert decision.answer is None
    assert set(decision.offers[:2]) == offered


def test_guesses_come_best_first() -> None:
    """The likeliest topics are returned in order, as many as were asked for, each once."""
    guesses = MATCHER.guesses("can i go to the gym", most=3)
    assert guesses[0].topic == "gym"
    assert len({guess.topic for guess in guesses}) == 3
    assert [guess.confidence for guess in guesses] == sorted(
        (guess.confidence for guess in guesses), reverse=True
    )


KNOWN = sorted({word for asks in ASKS.values() for ask in asks for word in ask.split()})


@settings(max_examples=60)
@given(st.text(max_size=60) | st.lists(st.sampled_from(KNOWN), max_size=8).map(" ".join))
def test_any_text_is_answered_offered_or_handed_over(text: str) -> None:
    """Matching never fails; it answers only what is sure and leads clearly, and offers at most three topics."""
    decision = MATCHER.decide(text)
    confidences = [guess.confidence for guess in decision.guesses]
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert len(decision.offers) <= OFFERED
    assert len(set(decision.offers)) == len(decision.offers)
    if decision.answer is not None:
        assert decision.offers == ()
        assert decision.answer == decision.guesses[0].topic
        assert confidences[0] >= max(ANSWER_AT, LEAD * confidences[1])
    elif decision.offers:
        assert decision.offers[0] == decision.guesses[0].topic
        assert confidences[0] >= OFFER_AT
    else:
        assert not confidences or confidences[0] < OFFER_AT
