"""Tests of measuring: every figure by replies made by hand, the lines that cannot be judged, and the slips."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.asking import Reply, Unreadable
from bot.domain.slips import one_slip_apart
from bot.measure import AIMS, Figure, as_dict, as_rows, measure, misspelt

ANSWERED = "in scope: right topic answered outright"
FOUND = "in scope: right topic answered or offered"
WRONG = "in scope: wrong topic answered outright"
RAISED = "in scope: read as a red flag"
OUT_ANSWERED = "out of scope: a topic answered"
OUT_OFFERED = "out of scope: topics offered"
EMERGENCY = "emergency: met with an emergency (a check counts half)"
EMERGENCY_ASKED = "emergency: at least asked about"
SAME_DAY = "same day: met with same-day or higher"
SAME_DAY_ASKED = "same day: at least asked about"
ROUTINE = "routine: met with an emergency"
BENIGN = "benign: met with an emergency"
BENIGN_ASKED = "benign: asked about"


def reply(kind: str, **fields: Any) -> Reply:
    """Return a reply made by hand."""
    return Reply(text="", lang="en", kind=kind, **fields)


ANSWER = reply("answer", topic="a", confidence=0.9)
BOTH = reply("answer", topic="b", also="a")
OTHERS = reply("answer", topic="b", also="c")
OFFER = reply("offer", offered=("b", "a"))
OTHER_OFFER = reply("offer", offered=("b", "c"))
NOTHING = reply("hand_over")
TALK = reply("smalltalk")
NOW = reply("red_flag", urgency="emergency", red_flag="breathing")
TODAY = reply("red_flag", urgency="same_day", red_flag="skin")
CHECK = reply("check", urgency="emergency", red_flag="breathing")
CHECK_TODAY = reply("check", urgency="same_day", red_flag="skin")


def judged(row: Mapping[str, str], given: Reply) -> tuple[dict[str, float], bool]:
    """Return every figure's hits for one line with this reply, and whether it is listed as failed."""
    report = measure([{"text": "x", **row}], lambda _text: given)
    assert all(figure.of == 1 for figure in report.figures)
    return {figure.name: figure.hits for figure in report.figures}, bool(report.failures)


@pytest.mark.parametrize(
    ("also", "given", "answered", "found", "wrong", "raised"),
    [
        ("", ANSWER, 1, 1, 0, 0),
        ("", BOTH, 1, 1, 0, 0),  # right as the second of two
        ("", OTHERS, 0, 0, 1, 0),
        ("c", OTHERS, 1, 1, 0, 0),  # a topic that would do as well
        ("d, c", OTHERS, 1, 1, 0, 0),
        ("d e", OTHERS, 0, 0, 1, 0),
        ("", OFFER, 0, 1, 0, 0),
        ("", OTHER_OFFER, 0, 0, 0, 0),
        ("c", OTHER_OFFER, 0, 1, 0, 0),
        ("", NOTHING, 0, 0, 0, 0),
        ("", TALK, 0, 0, 0, 0),
        ("", NOW, 0, 0, 0, 1),
        ("", CHECK, 0, 0, 0, 1),
    ],
)
def test_a_question_of_the_faqs(
    also: str, given: Reply, answered: int, found: int, wrong: int, raised: int
) -> None:
    """Right if one of its topics is answered or offered; wrong only if another one is answered outright."""
    figures, failed = judged({"expect": "topic", "topic": "a", "also": also}, given)

    assert figures == {ANSWERED: answered, FOUND: found, WRONG: wrong, RAISED: raised}
    assert failed is (found == 0)


def test_a_question_of_the_faqs_needs_no_column_for_further_topics() -> None:
    """The column `also` may be missing."""
    assert judged({"expect": "topic", "topic": "a"}, ANSWER)[0][ANSWERED] == 1


@pytest.mark.parametrize(
    ("given", "answered", "offered"),
    [(ANSWER, 1, 0), (OFFER, 0, 1), (NOTHING, 0, 0), (TALK, 0, 0), (NOW, 0, 0), (CHECK, 0, 0)],
)
def test_a_line_that_is_none_of_our_business(given: Reply, answered: int, offered: int) -> None:
    """A topic must not be answered; an offer is counted by itself and is no failure."""
    figures, failed = judged({"expect": "out_of_scope"}, given)

    assert figures == {OUT_ANSWERED: answered, OUT_OFFERED: offered}
    assert failed is (answered == 1)


@pytest.mark.parametrize(
    ("given", "met", "asked"),
    [
        (NOW, 1, 1),
        (CHECK, 0.5, 1),
        (CHECK_TODAY, 0.5, 1),
        (TODAY, 0, 0),
        (ANSWER, 0, 0),
        (NOTHING, 0, 0),
    ],
)
def test_an_emergency(given: Reply, met: float, asked: int) -> None:
    """Only an emergency will do; asking whether it is there now counts half, and stays on the list."""
    figures, failed = judged({"expect": "red_flag", "urgency": "emergency"}, given)

    assert figures == {EMERGENCY: met, EMERGENCY_ASKED: asked}
    assert failed is (met < 1)


@pytest.mark.parametrize(
    ("given", "met", "asked"), [(NOW, 1, 1), (TODAY, 1, 1), (CHECK, 0, 1), (OFFER, 0, 0), (NOTHING, 0, 0)]
)
def test_a_sign_for_the_same_day(given: Reply, met: int, asked: int) -> None:
    """The same day or more urgent is right."""
    figures, failed = judged({"expect": "red_flag", "urgency": "same_day"}, given)

    assert figures == {SAME_DAY: met, SAME_DAY_ASKED: asked}
    assert failed is (met == 0)


@pytest.mark.parametrize(("given", "hit"), [(NOW, 1), (TODAY, 0), (CHECK, 0), (ANSWER, 0), (NOTHING, 0)])
def test_what_is_routine(given: Reply, hit: int) -> None:
    """Routine must not be met with an emergency; all else is right."""
    figures, failed = judged({"expect": "red_flag", "urgency": "routine"}, given)

    assert figures == {ROUTINE: hit}
    assert failed is (hit == 1)


@pytest.mark.parametrize(
    ("given", "raised", "asked"), [(NOW, 1, 0), (TODAY, 0, 0), (CHECK, 0, 1), (ANSWER, 0, 0), (NOTHING, 0, 0)]
)
def test_a_harmless_line(given: Reply, raised: int, asked: int) -> None:
    """No alarm for it; a question whether it is there now is counted by itself."""
    figures, failed = judged({"expect": "benign"}, given)

    assert figures == {BENIGN: raised, BENIGN_ASKED: asked}
    assert failed is (raised == 1)


def asks(replies: Mapping[str, Reply]) -> Callable[[str], Reply]:
    """Return a bot that replies as given."""
    return replies.__getitem__


def test_the_figures_of_many_lines_are_added_up() -> None:
    """Each kind of line counts in its own figures only, in the order in which they are shown."""
    rows = [
        {"text": "1", "expect": "topic", "topic": "a"},
        {"text": "2", "expect": "topic", "topic": "a"},
        {"text": "3", "expect": "red_flag", "urgency": "emergency"},
        {"text": "4", "expect": "red_flag", "urgency": "emergency"},
        {"text": "5", "expect": "red_flag", "urgency": "emergency"},
        {"text": "6", "expect": "benign"},
    ]
    report = measure(rows, asks({"1": ANSWER, "2": OTHERS, "3": NOW, "4": CHECK, "5": TODAY, "6": NOTHING}))
    by_name = {figure.name: (figure.hits, figure.of) for figure in report.figures}

    assert list(by_name) == [name for name in AIMS if name in by_name]
    assert by_name[ANSWERED] == (1, 2)
    assert by_name[WRONG] == (1, 2)
    assert by_name[EMERGENCY] == (1.5, 3)
    assert by_name[EMERGENCY_ASKED] == (2, 3)
    assert by_name[BENIGN] == (0, 1)
    assert OUT_ANSWERED not in by_name
    assert [(failure.text, failure.expected, failure.got) for failure in report.failures] == [
        ("2", "a", "answer b 0.00"),
        ("4", "emergency", "check breathing 0.00"),
        ("5", "emergency", "red_flag skin 0.00"),
    ]


@pytest.mark.parametrize(
    ("row", "given", "expected", "got"),
    [
        ({"expect": "benign"}, NOW, "benign", "red_flag breathing 0.00"),
        ({"expect": "out_of_scope"}, ANSWER, "out_of_scope", "answer a 0.90"),
        ({"expect": "topic", "topic": "z"}, OFFER, "z", "offer b a 0.00"),
        ({"expect": "topic", "topic": "z", "urgency": "emergency"}, NOTHING, "z", "hand_over 0.00"),
        ({"expect": "red_flag", "urgency": "same_day", "topic": "z"}, TALK, "same_day", "smalltalk 0.00"),
    ],
)
def test_a_line_that_failed_says_what_was_expected_and_what_came(
    row: dict[str, str], given: Reply, expected: str, got: str
) -> None:
    """What is read in the list: topic, urgency or kind, and the reply in a few words."""
    (failure,) = measure([{"text": "the line", **row}], lambda _text: given).failures

    assert (failure.text, failure.expected, failure.got) == ("the line", expected, got)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"expect": "topics", "topic": "a"}, "expect is 'topics', but must be one of topic, red_flag, benign"),
        ({"expect": ""}, "expect is '', but must be one of"),
        ({}, "expect is '', but must be one of"),
        ({"expect": "topic", "topic": ""}, "topic is empty; a line with expect topic needs it"),
        ({"expect": "red_flag"}, "urgency is empty; a line with expect red_flag needs it"),
        (
            {"expect": "red_flag", "urgency": "urgent"},
            "urgency is 'urgent', but must be one of routine, same_day, emergency",
        ),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_judged_is_told_in_a_sentence(row: dict[str, str], told: str) -> None:
    """The line is named by its words, for it may come from any of several files; nothing was asked of the bot."""
    with pytest.raises(Unreadable) as error:
        measure([{"text": "does it hurt", **row}], lambda _text: pytest.fail("it was asked"))

    assert str(error.value).startswith(f"“does it hurt”: {told}")


def test_the_time_for_one_message() -> None:
    """The middle of the times, and what ninety-nine of a hundred stay below; one line alone is its own middle."""
    rows = [{"text": str(ms), "expect": "benign"} for ms in range(1, 102)]
    report = measure(rows, lambda text: reply("hand_over", ms=float(text)))
    one = measure(rows[6:7], lambda text: reply("hand_over", ms=float(text)))

    assert report.median_ms == 51
    assert 99 <= report.p99_ms <= 101
    assert (one.median_ms, one.p99_ms) == (7, 7)


def test_without_lines_there_are_no_figures() -> None:
    """Nothing was measured, and nothing is claimed."""
    report = measure([], lambda _text: ANSWER)

    assert (report.figures, report.failures, report.median_ms) == ((), (), 0)


# --- met or missed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "low", "high", "met"),
    [
        (75, 0.75, None, True),
        (74.5, 0.75, None, False),
        (2, None, 0.02, True),
        (3, None, 0.02, False),
        (50, None, None, None),
    ],
)
def test_a_figure_is_met_or_missed(
    hits: float, low: float | None, high: float | None, met: bool | None
) -> None:
    """What is aimed at counts as met; where nothing is aimed at there is nothing to miss."""
    figure = Figure(name="f", hits=hits, of=100, at_least=low, at_most=high)

    assert figure.met is met
    assert figure.share == hits / 100


def test_no_lines_are_no_share() -> None:
    """A figure of nothing is nothing, not a division by it."""
    assert Figure(name="f", hits=0, of=0).share == 0


def test_the_figures_as_a_table() -> None:
    """Name, share, count, and the aim with its mark; halves are shown, whole numbers have no point."""
    figures = [
        Figure(name="a", hits=1.5, of=3, at_least=0.98),
        Figure(name="b", hits=1.0, of=50, at_most=0.02),
        Figure(name="c", hits=2, of=3),
    ]

    assert as_rows(figures) == [
        ("a", "50.0%", "1.5 of 3", "at least 98% missed"),
        ("b", "2.0%", "1 of 50", "at most 2% met"),
        ("c", "66.7%", "2 of 3", ""),
    ]


def test_the_report_as_plain_values() -> None:
    """What other programs read."""
    rows = [{"text": "x", "expect": "red_flag", "urgency": "emergency"}]
    report = as_dict(measure(rows, lambda _text: CHECK))

    assert report["figures"][0] == {
        "name": EMERGENCY,
        "share": 0.5,
        "hits": 0.5,
        "of": 1,
        "at_least": 0.98,
        "at_most": None,
        "met": False,
    }
    assert report["failures"] == [{"text": "x", "expected": "emergency", "got": "check breathing 0.00"}]
    assert set(report) == {"figures", "failures", "median_ms", "p99_ms"}


# --- slips --------------------------------------------------------------------------------------------------

LINE = "can patients exercise tomorrow after their needling session because muscles still ache "


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_slips_come_in_about_the_wanted_share(share: float) -> None:
    """Of the words of four letters or more so many are changed, each by one slip (or, by chance, by none)."""
    before = (LINE * 200).split()
    after = misspelt(LINE * 200, share, random.Random(1)).split()
    long = [pair for pair in zip(before, after, strict=True) if len(pair[0]) >= 4]
    changed = [pair for pair in long if pair[0] != pair[1]]

    # A wrong letter may be the right one, and two like letters may change places.
    assert share * 0.8 < len(changed) / len(long) < share * 1.1
    assert all(one_slip_apart(*pair) for pair in changed)


def test_slips_are_the_same_every_time() -> None:
    """Two runs with the same seed measure the same lines; another seed makes other slips."""
    assert misspelt(LINE, 0.5, random.Random(7)) == misspelt(LINE, 0.5, random.Random(7))
    assert misspelt(LINE, 0.5, random.Random(7)) != misspelt(LINE, 0.5, random.Random(8))


@pytest.mark.parametrize(
    "text", ["can gym tmr", "干针会不会很痛", "நாளை நீந்தலாமா", "sakitñabc", "3 4567 8.5", "", "ow! 😀 <b>"]
)
def test_short_words_and_other_scripts_are_left_alone(text: str) -> None:
    """Only words of four or more plain letters are changed, never a part of a longer word in another script."""
    assert misspelt(text, 1, random.Random(1)) == text


def test_no_share_is_no_slip_and_a_whole_share_leaves_the_short_words() -> None:
    """Marks, spaces and the number of words stay."""
    assert misspelt(LINE, 0, random.Random(1)) == LINE
    slipped = misspelt("is it sore? exercise, tomorrow!", 1, random.Random(1))
    assert slipped.split()[:2] == ["is", "it"]
    assert slipped.endswith("!")
    assert len(slipped.split()) == 5
