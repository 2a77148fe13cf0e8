"""Tests of `bot.domain.check_in`: typed answers are as good as taps, and a question is never taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.check_in import AnswerWords, Reading, next_question, read_answers
from bot.domain.plan import Option, Question

BREATHING = Question(
    id="breathing", options=(Option(id="easy"), Option(id="hurts"), Option(id="short", red_flag="breathing"))
)
SORENESS = Question(
    id="soreness",
    scale_to=10,
    options=(Option(id="none"), Option(id="mild", at_least=1), Option(id="bad", at_least=8)),
)
WATER = Question(id="water", options=(Option(id="plenty"), Option(id="some"), Option(id="little")))
BRUISING = Question(id="bruising", options=(Option(id="none"), Option(id="small"), Option(id="large")))
ALL = (BREATHING, SORENESS, WATER, BRUISING)
DAY_AFTER = (SORENESS, WATER, BRUISING)

WORDS = AnswerWords(
    typed={
        "breathing": {
            "easy": ["ok", "fine", "normal", "can breathe"],
            "hurts": ["hurts", "hurts when i breathe in"],
            "short": ["short of breath", "bad"],
        },
        "soreness": {"0": ["no", "not sore"], "5": ["sore", "quite sore", "so so"]},
        "water": {
            "plenty": ["yes", "lots"],
            "some": ["normal", "ok", "a bit", "so so"],
            "little": ["no", "do not"],
        },
        "bruising": {"none": ["no", "no bruise", "gone"], "small": ["yes", "small"], "large": ["big"]},
    },
    numbers={"zero": 0, "one": 1, "seven": 7, "eight": 8, "ten": 10},
    fillers=frozenset(
        {"about", "around", "a", "i", "it", "is", "it's", "lah", "like", "maybe", "the", "think", "my"}
    ),
    openers=frozenset({"is"}),
)


def read(text: str, *questions: Question) -> dict[str, str] | None:
    """Return the answers that are read from *text* (to the check-in of the day after, if nothing is said)."""
    reading = read_answers(text, questions or DAY_AFTER, WORDS)
    if reading is None:
        return None
    assert not reading.out_of_range
    return dict(reading.answers)


@pytest.mark.parametrize(
    ("typed", "score"),
    [
        ("7", "7"),
        ("0", "0"),
        ("10", "10"),
        (" 7. ", "7"),
        ("７", "7"),  # typed with a Chinese keyboard
        ("seven", "7"),
        ("Seven!", "7"),
        ("7/10", "7"),
        ("7 / 10", "7"),
        ("7 out of 10", "7"),
        ("7 of 10", "7"),
        ("seven out of ten", "7"),
        ("7 out of ten", "7"),  # half in letters
        ("seven/10", "7"),
        ("ten out of ten", "10"),
        ("10/10", "10"),
        ("about 7 lah", "7"),  # words that change nothing
        ("it's like a 7 i think", "7"),
        ("quite sore", "5"),  # no number at all
        ("Not sore.", "0"),
    ],
)
def test_a_score_is_read_however_it_is_typed(typed: str, score: str) -> None:
    """A score counts in figures, in letters, out of ten, and in the words that stand for one."""
    assert read(typed) == {"soreness": score}


@pytest.mark.parametrize(
    "typed", ["7.5", "6-7", "7 8", "3/5", "7/100", "twenty", "7 days", "day 7", "not 7", "፩", "7/፩"]
)
def test_what_is_not_one_score_is_not_read_as_one(typed: str) -> None:
    """Two numbers, a number of something else or on another scale, and what only looks like a figure: no answer."""
    assert read(typed) is None


def test_a_score_is_read_on_the_scale_that_was_asked() -> None:
    """On a scale to 5, "3/5" is an answer and "3/10" is none."""
    five = Question(id="stiff", scale_to=5, options=(Option(id="low"), Option(id="high", at_least=3)))
    assert read("3/5", five) == {"stiff": "3"}
    assert read("3/10", five) is None


@pytest.mark.parametrize("typed", ["11", "15/10", "100", "999", "about 12"])
def test_a_score_that_fits_no_scale_is_told_apart(typed: str) -> None:
    """A number beyond the scale is neither stored nor taken for something else."""
    assert read_answers(typed, DAY_AFTER, WORDS) == Reading(answers={}, out_of_range=True)


def test_a_number_means_nothing_where_no_scale_is_open() -> None:
    """ "2" is no answer to how much water it was."""
    assert read_answers("2", (WATER, BRUISING), WORDS) is None
    assert read_answers("15", (WATER, BRUISING), WORDS) is None


@pytest.mark.parametrize(
    ("typed", "answers"),
    [
        ("no bruise", {"bruising": "none"}),  # a later question may be answered first
        ("7, no bruise", {"soreness": "7", "bruising": "none"}),
        ("7 and no bruise", {"soreness": "7", "bruising": "none"}),
        ("7 but no bruise", {"soreness": "7", "bruising": "none"}),
        ("7 n small", {"soreness": "7", "bruising": "small"}),
        ("7 & lots", {"soreness": "7", "water": "plenty"}),
        ("7. lots. small.", {"soreness": "7", "water": "plenty", "bruising": "small"}),
        ("seven\nlots\nno", {"soreness": "7", "water": "plenty", "bruising": "none"}),
        (
            "no, no, no",
            {"soreness": "0", "water": "little", "bruising": "none"},
        ),  # each no is the next question's
        ("don't", {"water": "little"}),  # is spelled out before it is compared
        ("yes", {"water": "plenty"}),  # the question that is asked first wins
    ],
)
def test_several_answers_can_stand_in_one_message(typed: str, answers: dict[str, str]) -> None:
    """Every piece is an answer to one of the open questions, the one asked first having the first say."""
    assert read(typed) == answers


def test_the_question_being_asked_has_the_first_say() -> None:
    """The same word answers whichever question comes first."""
    assert read("so so", SORENESS, WATER) == {"soreness": "5"}
    assert read("so so", WATER, SORENESS) == {"water": "some"}


@pytest.mark.parametrize(
    "typed",
    [
        "7?",
        "can i swim?",
        "normal?",
        "no bruise, right?",
        "7, can i swim",  # one piece is an answer, the other a question
        "7 but can I swim",
        "quite sore and what now",
        "not sore but 15",  # half an answer is none
        "hello",
        "my back hurts a lot today",
        "",
        "   ",
        ".",
        "of",
        "out of 10",
        "/10",
        "lah",
    ],
)
def test_what_is_no_answer_is_left_for_others_to_read(typed: str) -> None:
    """A question, or a message of which some part is no answer, is not swallowed."""
    assert read_answers(typed, ALL, WORDS) is None


@pytest.mark.parametrize(
    ("typed", "questions"),
    [
        ("normal？", ALL),  # the question mark of a Chinese keyboard
        ("normal؟", ALL),  # and of an Arabic one
        ("7？", DAY_AFTER),
        ("is it normal", ALL),  # people leave the question mark out
        ("is it ok", ALL),
        ("is it bad", ALL),
        ("is the bruise normal", DAY_AFTER),
        ("sore, is it normal", ALL),
        ("7, is it normal", DAY_AFTER),
    ],
)
def test_a_question_is_never_swallowed(typed: str, questions: tuple[Question, ...]) -> None:
    """A question is not an answer, whichever keyboard it comes from, and with or without its mark."""
    assert read_answers(typed, questions, WORDS) is None


def test_nothing_is_read_when_nothing_is_asked() -> None:
    """Without an open question no message is an answer."""
    assert read_answers("7", (), WORDS) is None


def test_phrases_for_an_answer_that_the_plan_lacks_are_passed_over() -> None:
    """A clinic may change the options of a question; words for one that is gone do not come back as its answer."""
    water = Question(id="water", options=(Option(id="plenty"), Option(id="little")))
    assert read("a bit", water) is None
    assert read("lots", water) == {"water": "plenty"}


SAID = st.sampled_from(
    [
        *(
            "7",
            "15",
            "seven",
            "10",
            "of",
            "out",
            "no",
            "yes",
            "bruise",
            "normal",
            "sore",
            "quite",
            "ok",
            "lots",
            "lah",
        ),
        *(
            ",",
            ".",
            "\n",
            "and",
            "but",
            "n",
            "&",
            "/",
            "?",
            "？",
            "about",
            "is",
            "it",
            "can",
            "swim",
            "٣",
            "²",
            "½",
            "፩",
        ),
    ]
)


@given(st.text(max_size=80) | st.lists(SAID, max_size=10).map(" ".join))
def test_any_text_is_an_answer_or_none(text: str) -> None:
    """Reading never fails, and what it returns can be stored: answers to open questions, with values they have."""
    for count in range(len(ALL) + 1):
        reading = read_answers(text, ALL[:count], WORDS)
        if reading is None:
            continue
        assert bool(reading.answers) != reading.out_of_range
        open_questions = {question.id: question for question in ALL[:count]}
        for id_, value in reading.answers.items():
            assert value in open_questions[id_].values()


@given(st.lists(SAID, min_size=1, max_size=6).map(" ".join), st.integers(0, 30))
def test_no_text_with_a_question_mark_is_an_answer(text: str, place: int) -> None:
    """Wherever the mark stands, the message is a question."""
    assert read_answers(f"{text[:place]}?{text[place:]}", ALL, WORDS) is None


@pytest.mark.parametrize(
    ("answers", "following"),
    [
        ({}, "soreness"),
        ({"soreness": "7"}, "water"),
        ({"water": "some"}, "soreness"),  # answered out of turn: the first gap is asked
        ({"soreness": "7", "bruising": "none"}, "water"),
        ({"soreness": "7", "water": "some", "bruising": "none"}, None),
    ],
)
def test_the_first_question_without_an_answer_is_asked_next(
    answers: dict[str, str], following: str | None
) -> None:
    """A check-in is complete when every question has its answer, in whichever order they came."""
    question = next_question(DAY_AFTER, answers)
    assert (question.id if question else None) == following
