"""Tests of `bot.matching.matcher`: answer, offer, small talk, or hand over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from bot.matching.evidence import Calibration
from bot.matching.matcher import OFFERED, Decision, Matcher
from bot.matching.mind import Minds
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import WordTable
from tests.kit.museum import ASKS, TALK


@pytest.mark.parametrize(
    ("said", "topic"),
    [
        ("may i bring two dogs", "dogs"),
        ("wehn do you opne", "opening"),  # slips
        ("HOW MUCH DO TICKETS COST???", "tickets"),
        ("where do i leave my lorry", "parking"),  # the table knows that a lorry is like a car
        ("where can i p\u200bark", "parking"),  # a mark that nobody sees
        ("ｗｈｅｒｅ ｃａｎ ｉ ｐａｒｋ", "parking"),
        ("😀 can i bring my dog 🐕", "dogs"),
    ],
)
def test_what_is_asked_in_other_words_is_answered(matcher: Matcher, said: str, topic: str) -> None:
    """The answer comes with the phrasing that it is nearest to."""
    decision = matcher.decide(said)
    assert decision.answer == topic
    assert decision.offers == ()
    assert decision.guesses[0].topic == topic
    assert decision.guesses[0].nearest in ASKS[topic]
    assert decision.confidence > 0.5


@pytest.mark.parametrize("said", ["", "   ", "😀😀", "?!", "\u202e\u200b\ufeff", "可以游泳吗", "வலி", "\x00"])
def test_what_cannot_be_read_is_handed_over(matcher: Matcher, said: str) -> None:
    """Nothing is known of it, so nothing is guessed."""
    assert matcher.decide(said) == Decision()


@pytest.mark.parametrize(
    "said",
    [
        "a" * 4096,
        "ab" * 2048,
        "dog" * 1365,
        "x " * 2048,
        "\u0301" * 4096,
        "\ud800 zzyzx",
        "(" * 4096,
        "zz'" * 1300,
    ],
)
def test_a_page_of_nonsense_is_not_answered(matcher: Matcher, said: str) -> None:
    """The longest message that Telegram takes breaks nothing."""
    assert matcher.decide(said).answer is None


@given(st.text(max_size=120))
@trying(max_examples=60)
def test_any_message_is_decided(matcher: Matcher, said: str) -> None:
    """One of four things, and what is named exists."""
    decision = matcher.decide(said)
    assert sum(map(bool, (decision.answer, decision.offers, decision.talk))) <= 1
    assert {decision.answer, *decision.offers} <= {None, *ASKS}
    assert decision.talk is None or decision.talk in TALK
    assert len(decision.offers) <= OFFERED
    assert 0 <= decision.confidence <= 1
    assert matcher.decide(said) == decision


@pytest.mark.parametrize("said", [*TALK, "thanks", "hello everyone"])
def test_small_talk_is_told_from_questions(matcher: Matcher, said: str) -> None:
    """It comes with the line that it is like, and with no topic."""
    decision = matcher.decide(said)
    assert decision.talk in TALK
    assert decision.answer is None
    assert decision.offers == ()


def test_guesses_come_best_first_and_are_topics_only(matcher: Matcher) -> None:
    """They explain a decision, also where nothing is answered."""
    for said in ("where can i park my dog", "who wrote war and peace", "hello there"):
        guesses = matcher.decide(said).guesses
        assert sorted(guess.topic for guess in guesses) == sorted(ASKS)
        scores = [guess.score for guess in guesses]
        assert scores == sorted(scores, reverse=True)
        assert all(guess.nearest in ASKS[guess.topic] for guess in guesses)


# --- the bars -----------------------------------------------------------------------------------------------


def with_bars(model: Model, **bars: float) -> Matcher:
    """Return the museum's matcher with other bars."""
    calibration = Calibration(**{**vars(model.calibration), **bars})
    return Matcher(replace(model, calibration=calibration), Reader(model.counts, {}))


def test_a_topic_must_reach_both_bars_to_be_answered(model: Model) -> None:
    """Being ours and being right are two questions; what reaches only one of the bars is offered."""
    assert with_bars(model).decide("where can i park").answer == "parking"
    for bar in ("ours_at", "right_at"):
        decision = with_bars(model, **{bar: 1.01}).decide("where can i park")
        assert decision.answer is None
        assert decision.offers[0] == "parking"
        assert decision.offers == tuple(guess.topic for guess in decision.guesses[:OFFERED])


def test_what_is_not_ours_is_not_even_offered(model: Model) -> None:
    """Below the bar for offers a message is handed over, with the guesses for those who ask why."""
    decision = with_bars(model, ours_at=1.01, offer_at=1.01).decide("where can i park")
    assert (decision.answer, decision.offers, decision.talk) == (None, (), None)
    assert decision.guesses[0].topic == "parking"


def test_small_talk_must_reach_its_bar(model: Model) -> None:
    """A line that is only a little like small talk is judged as a question."""
    assert with_bars(model).decide("thanks a lot").talk == "thanks a lot"
    assert with_bars(model, talk_at=1.01).decide("thanks a lot").talk is None


# --- whether it is of these topics at all -------------------------------------------------------------------


def test_an_opinion_says_whether_a_line_is_of_these_topics_at_all(matcher: Matcher) -> None:
    """A question is, small talk and other talk are not, whichever topic would be first."""
    ours = matcher.opinion("may i bring two dogs")
    assert (ours.first.topic, ours.possible, ours.sure) == ("dogs", True, True)
    assert ours.first.nearest in ASKS["dogs"]
    for said in ("who wrote war and peace", "thanks a lot"):
        other = matcher.opinion(said)
        assert not other.sure
        assert not other.possible
        assert other.likely < 0.1 < 0.9 < ours.likely


def test_an_opinion_is_possible_and_sure_by_the_bars(model: Model) -> None:
    """Possible from the bar for offers on, sure from the bar for answers on."""
    said = "may i bring two dogs"
    doubtful = with_bars(model, ours_at=1.01).opinion(said)
    assert (doubtful.possible, doubtful.sure) == (True, False)
    unlikely = with_bars(model, ours_at=1.01, offer_at=1.01).opinion(said)
    assert (unlikely.possible, unlikely.sure) == (False, False)


@pytest.mark.parametrize("said", ["", "😀", "车", "\x00", "zz'" * 1300])
def test_there_is_no_sure_opinion_on_what_cannot_be_read(matcher: Matcher, said: str) -> None:
    """Nothing speaks for it, and nothing fails."""
    opinion = matcher.opinion(said)
    assert not opinion.sure
    assert 0 <= opinion.likely <= 1


# --- the thesaurus ------------------------------------------------------------------------------------------


def with_synonyms(model: Model, **groups: tuple[str, ...]) -> Matcher:
    """Return the museum's matcher with another thesaurus."""
    return Matcher(model, Reader(model.counts, groups))


def test_the_thesaurus_offers_and_never_answers(model: Model) -> None:
    """What only it makes of a word is put before the patient: it may be meant otherwise."""
    assert with_synonyms(model).decide("zzyzx").offers == ()
    decision = with_synonyms(model, dog=("zzyzx",)).decide("zzyzx")
    assert decision.answer is None
    assert decision.offers[0] == "dogs"
    told = with_synonyms(model, can_i_bring_my_dog=("zzyzx",)).decide("zzyzx")
    assert (told.answer, told.offers[0], told.talk) == (None, "dogs", None)


def test_the_thesaurus_changes_no_answer(model: Model) -> None:
    """What is clear by itself stays, whatever a strange word could mean."""
    said = "are dogs allowed inside zzyzx"
    plain = with_synonyms(model).decide(said)
    assert plain.answer == "dogs"
    assert with_synonyms(model, car_park=("zzyzx",)).decide(said) == plain


def test_a_word_that_nobody_knows_silences_the_thesaurus(model: Model) -> None:
    """A line with a strange word in it may be about anything, so a second one that is known adds nothing."""
    helped = with_synonyms(model, dog=("zzyzx",))
    assert helped.decide("zzyzx qqfoo") == with_synonyms(model).decide("zzyzx qqfoo")
    assert helped.decide("zzyzx qqfoo").offers == ()


def test_the_thesaurus_turns_no_small_talk_into_a_question(model: Model) -> None:
    """Thanks are thanks, and what it reads as small talk is none."""
    said = "thanks a lot zzyzx"
    assert with_synonyms(model).decide(said).talk is not None
    helped = with_synonyms(model, can_i_bring_my_dog_inside_are_dogs_allowed=("zzyzx",))
    assert helped.decide("zzyzx").offers[0] == "dogs"
    assert helped.decide(said) == with_synonyms(model).decide(said)
    assert with_synonyms(model, hello_there=("zzyzx",)).decide("zzyzx").talk is None


def test_words_of_the_faq_need_no_thesaurus(model: Model) -> None:
    """The FAQ's own words mean what they mean in its phrasings."""
    said = "who wrote war and peace"
    assert with_synonyms(model, dog=("war", "peace")).decide(said) == with_synonyms(model).decide(said)


# --- the supplied content -----------------------------------------------------------------------------------


def test_the_supplied_content_is_understood(minds: Minds) -> None:
    """A few plain questions, the likes of which nobody wants to see go wrong."""
    topics = minds["en"].topics
    assert topics.decide("what is dry needling").answer == "what_is_dry_needling"
    assert topics.decide("who won the football last night").answer is None
    assert topics.decide("😀") == Decision()
    assert topics.decide("可以游泳吗").answer is None


def test_the_museum_is_not_asked_about_the_table(model: Model, table: WordTable) -> None:
    """A word that the table knows is no slip, even if it is one slip from a word of the FAQ."""
    assert Reader(model.counts, {}).read("bark") == ("park",)
    assert Reader(model.counts, {}, table.knows).read("bark") == ("bark",)
