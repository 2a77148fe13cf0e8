"""Tests of `bot.matching.learn`: any FAQ can be learned, always alike, and the bars keep what is unrelated out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bot.matching.learn import (
    FOLDS,
    WRONG_AT_MOST,
    _bars,
    _curve,
    _dealt,
    _lowest,
    learn,
)
from bot.matching.lessons import Lessons
from bot.matching.matcher import Decision, Matcher
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import WordTable
from tests.kit.museum import ASKS, LESSONS, TALK, UNRELATED


def taught(lessons: Lessons, table: WordTable) -> Matcher:
    """Return a matcher that has learned *lessons*."""
    model = learn(lessons, table)
    return Matcher(model, Reader(model.counts, {}, table.knows))


def decided(matcher: Matcher, lines: Sequence[str]) -> list[Decision]:
    """Return what is decided about each of some lines."""
    return [matcher.decide(line) for line in lines]


# --- always alike -------------------------------------------------------------------------------------------


def test_the_same_lessons_are_learned_alike(model: Model, table: WordTable) -> None:
    """To the last digit: a bot that is started anew on another machine answers the same."""
    for _ in range(3):
        again = learn(LESSONS, table)
        assert again.calibration == model.calibration
        assert np.array_equal(again.classifier.ngrams, model.classifier.ngrams)
        assert np.array_equal(again.ground.first, model.ground.first)


def test_the_order_of_the_topics_does_not_matter(matcher: Matcher, table: WordTable) -> None:
    """A topic that is moved within its file is the same topic."""
    turned = Lessons(asks=dict(reversed(list(ASKS.items()))), talk=TALK, unrelated=UNRELATED)
    lines = [*(ask for asks in ASKS.values() for ask in asks), "two dogs", "zzyzx"]
    assert decided(taught(turned, table), lines) == decided(matcher, lines)


def test_every_group_is_dealt_out_evenly() -> None:
    """No turn holds out more than its share of a topic."""
    group = np.repeat([0, 1, 2], [7, 3, 1])
    fold = _dealt(group)
    assert FOLDS == 2
    assert sorted(np.bincount(fold[group == 0]).tolist()) == [3, 4]
    assert sorted(np.bincount(fold[group == 1]).tolist()) == [1, 2]


# --- what is learned ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ASKS)
def test_a_faqs_own_lines_are_answered(matcher: Matcher, topic: str) -> None:
    """What is written down is known."""
    assert {matcher.decide(line).answer for line in ASKS[topic]} == {topic}


@pytest.mark.parametrize("line", UNRELATED)
def test_unrelated_lines_are_not_answered(matcher: Matcher, line: str) -> None:
    """They are there to be refused."""
    decision = matcher.decide(line)
    assert decision.answer is None
    assert decision.talk is None


@pytest.mark.parametrize(
    "line",
    ["the violin of my sister", "why do volcanoes erupt", "banana bread recipe please", "mount everest"],
)
def test_what_is_like_unrelated_lines_is_not_answered(matcher: Matcher, line: str) -> None:
    """The likes of them too."""
    assert matcher.decide(line).answer is None


def test_unrelated_lines_are_what_keeps_their_likes_out(table: WordTable) -> None:
    """The same lines mean a topic where they are its phrasings."""
    asks = {**ASKS, "general": UNRELATED}
    assert taught(Lessons(asks=asks, talk=TALK), table).decide("why do volcanoes erupt").answer == "general"


def test_a_clinics_own_phrasing_counts_more(table: WordTable) -> None:
    """Where two topics have the same phrasing, the clinic's wins; without its mark, it is a draw."""
    line = "tell me about the garden"
    asks = {**ASKS, "dogs": (*ASKS["dogs"], line), "tickets": (*ASKS["tickets"], line + " please")}
    plain = learn(Lessons(asks=asks, unrelated=UNRELATED), table)

    def lead(model: Model) -> float:
        margins = model.classifier.margins(model.features.see(line.split()))
        groups = model.phrasings.groups
        return float(margins[groups.index("dogs")] - margins[groups.index("tickets")])

    own = learn(Lessons(asks=asks, unrelated=UNRELATED, own=frozenset({line})), table)
    other = learn(Lessons(asks=asks, unrelated=UNRELATED, own=frozenset({line + " please"})), table)
    assert lead(own) > lead(plain) > lead(other)


# --- any FAQ ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unrelated", [(), UNRELATED[:1], UNRELATED])
@pytest.mark.parametrize("talk", [(), TALK])
@pytest.mark.parametrize(
    ("topics", "phrasings"),
    [(1, 1), (1, 2), (1, 12), (2, 1), (2, 2), (2, 3), (4, 1), (4, 2), (4, 3), (4, 12)],
)
def test_a_faq_of_any_size_can_be_learned(
    topics: int, phrasings: int, talk: Sequence[str], unrelated: Sequence[str], table: WordTable
) -> None:
    """One topic or a few, with too few phrasings, with or without small talk: no message fails, none is answered at will."""
    asks = {name: lines[:phrasings] for name, lines in list(ASKS.items())[:topics]}
    matcher = taught(Lessons(asks=asks, talk=talk, unrelated=unrelated), table)
    for line in ("", "😀", "do you sell zzyzx", "车", *(lines[0] for lines in asks.values())):
        decision = matcher.decide(line)
        assert {decision.answer, *decision.offers} <= {None, *asks}
        assert 0 <= decision.confidence <= 1
    assert matcher.decide("😀") == Decision()
    assert len(matcher.survey().few) == topics


def test_with_nothing_to_compare_nothing_is_answered_outright(table: WordTable) -> None:
    """A single topic without unrelated lines is offered: that all lines are questions about it is not known."""
    matcher = taught(Lessons(asks={"dogs": ASKS["dogs"]}), table)
    for line in ("can i bring my dog", "the stock market fell again"):
        decision = matcher.decide(line)
        assert decision.answer is None
        assert decision.offers == ("dogs",)


def test_too_few_phrasings_are_offered_at_most(table: WordTable) -> None:
    """Where no phrasing can be held out, nobody knows how sure to be."""
    matcher = taught(Lessons(asks={"dogs": ["can i bring my dog"], "parking": ["where can i park"]}), table)
    decision = matcher.decide("where can i park")
    assert (decision.answer, decision.offers) == (None, ("parking", "dogs"))


def test_a_faq_that_cannot_be_held_out_steals_nothing(table: WordTable) -> None:
    """Of lines that were never judged the survey says nothing."""
    report = taught(Lessons(asks={"b": ["can i bring my dog"], "c": ["where can i park"]}), table).survey()
    assert (report.stolen, report.near, report.twins) == ((), (), ())


def test_a_faq_in_another_script_can_be_learned(table: WordTable) -> None:
    """The table cannot read it; its signs do."""
    asks = {
        "dogs": ["可以带狗吗", "狗能进去吗", "带小狗来可以吗", "我的狗"],
        "parking": ["哪里停车", "有停车场吗", "停车要钱吗", "车停哪"],
    }
    matcher = taught(
        Lessons(asks=asks, unrelated=["今天天气很好", "谁赢了比赛", "唱一首歌", "山有多高"]), table
    )
    assert matcher.decide("停车场在哪里").guesses[0].topic == "parking"
    assert matcher.decide("hello").answer is None
    assert matcher.decide("😀") == Decision()


def test_phrasings_without_words_do_no_harm(table: WordTable) -> None:
    """Emojis, nothing, and the same line many times over."""
    asks = {
        "dogs": ["🐕", "", "🐕🐕", *["can i bring my dog"] * 5],
        "parking": [*["where can i park"] * 5, "?"],
    }
    matcher = taught(Lessons(asks=asks, unrelated=["", *UNRELATED]), table)
    assert matcher.decide("can i bring my dog").guesses[0].topic == "dogs"
    assert matcher.decide("🐕") == Decision()


# --- how sure -----------------------------------------------------------------------------------------------


def test_the_lowest_bar_lets_at_most_so_many_pass() -> None:
    """Those that reach it are counted, not those below; equals pass together or not at all."""
    sure = np.array([0.9, 0.5, 0.5, 0.1], dtype=np.float32)
    for allowed, passing in [(0, 0), (0.9, 0), (1, 1), (2, 1), (3, 3), (4, 4), (9, 4)]:
        assert (sure >= _lowest(sure, allowed)).sum() == passing
    assert _lowest(np.array([], dtype=np.float32), 0) == 0


def test_bars_let_most_through_and_no_more_wrong_than_allowed() -> None:
    """Of phrasings that are held out, few are answered wrongly, and of unrelated lines hardly any is answered."""
    rng = np.random.default_rng(3)
    is_topic = np.arange(2000) < 1000
    right = (rng.random(2000) < 0.8) & is_topic
    is_ours = np.clip(rng.normal(np.where(is_topic, 0.7, 0.3), 0.15), 0, 1).astype(np.float32)
    is_right = np.clip(rng.normal(np.where(right, 0.7, 0.4), 0.15), 0, 1).astype(np.float32)
    ours_at, right_at = _bars(is_ours, is_right, is_topic, right, 0.01)
    answered = (is_ours >= ours_at) & (is_right >= right_at)
    assert (answered & is_topic & ~right).sum() <= WRONG_AT_MOST * 1000
    assert (answered & ~is_topic).sum() <= 0.01 * 1000
    assert (answered & right).sum() > 300


def test_bars_that_nothing_can_meet_let_nothing_through() -> None:
    """If the first guess is always wrong, no topic is answered outright."""
    flags, sure = np.ones(50, dtype=np.bool_), np.ones(50, dtype=np.float32)
    assert _bars(sure, sure, flags, ~flags, 0.01) == (1.0, 1.0)


def test_a_curve_rises_with_what_speaks_for_it_and_never_falls() -> None:
    """A sign that would speak against is not used at all."""
    rng = np.random.default_rng(5)
    truth = np.arange(200) % 2 == 0
    signs = np.stack([truth + rng.normal(0, 0.5, 200), 0.0 - truth + rng.normal(0, 0.5, 200)], axis=1).astype(
        np.float32
    )
    curve = _curve(signs, truth)
    assert curve.slopes[0] > 0.5
    assert curve.slopes[1] == 0
    likely = curve.likely(signs)
    assert likely[truth].mean() > 0.6 > 0.4 > likely[~truth].mean()


def test_both_sides_of_a_curve_count_the_same() -> None:
    """Many unrelated lines do not make a question for this FAQ unlikely."""
    signs = np.array([[0.0]] * 95 + [[1.0]] * 5, dtype=np.float32)
    low, middle, high = _curve(signs, signs[:, 0] > 0).likely(np.array([[0], [0.5], [1]], dtype=np.float32))
    assert low < 0.2 < middle < 0.8 < high
    assert middle == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("flag", [True, False])
def test_a_curve_without_two_sides_is_flat(flag: bool) -> None:
    """If all is right, or nothing is, no sign says more."""
    curve = _curve(np.ones((4, 2), dtype=np.float32), np.full(4, flag))
    assert curve.slopes == (0, 0)
    assert (curve.likely(np.ones((1, 2), dtype=np.float32))[0] > 0.9) is np.bool_(flag)


def test_small_talk_needs_a_score_that_hardly_any_phrasing_reaches(model: Model, table: WordTable) -> None:
    """Where small talk reads like questions, its bar lies above those that were taken for it."""
    talk = (*TALK, *(f"{ask} thanks" for asks in ASKS.values() for ask in asks[::2]))
    misled = learn(Lessons(asks=ASKS, talk=talk, unrelated=UNRELATED), table)
    assert misled.calibration.talk_at > 0.2
    assert model.calibration.talk_at == pytest.approx(0.05)
