"""Tests of asking without a chat: the fields that programs read, and files of lines of every shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.asking import Asker, Reply, Unreadable, read_lines
from bot.content.library import Library
from bot.content.settings import Settings
from bot.matching.matcher import Decision
from bot.matching.mind import Mind
from tests.kit.scripted import Scripted, Suspicious, answer, like, offer

FIELDS = [
    "text",
    "lang",
    "kind",
    "topic",
    "also",
    "offered",
    "urgency",
    "red_flag",
    "confidence",
    "ms",
]
TOPICS = {
    "does it hurt": answer("pain_during", 0.93),
    "does it hurt and how long is it": offer("pain_during", "session_duration"),
    "how long is it": answer("session_duration", 0.8),
    "hm needles": offer("needle_details", "sterility"),
    "is chest pain a side effect": answer("side_effects"),
    "cheers m8": Decision(talk="thanks", confidence=0.7),
}
DANGER = {"odd air": like("breathing", 0.61), "i cant breathe": like("breathing", 0.99)}


@pytest.fixture(scope="module")
def asker(settings: Settings, library: Library) -> Asker:
    """Ask a mind whose decisions are told beforehand; red flags and small talk are the real ones."""
    return Asker(settings, library, {"en": Mind(Scripted(TOPICS), Suspicious(DANGER))})


def as_json(reply: Reply) -> dict[str, object]:
    """Return what a program reads, less the time it took."""
    fields: dict[str, object] = json.loads(json.dumps(reply.as_dict()))
    assert list(fields) == FIELDS
    took = fields.pop("ms")
    assert isinstance(took, float)
    assert took > 0
    return fields


NOTHING: dict[str, object] = {
    "lang": "en",
    "topic": None,
    "also": None,
    "offered": [],
    "urgency": None,
    "red_flag": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("does it hurt", {"kind": "answer", "topic": "pain_during", "confidence": 0.93}),
        ("hm needles", {"kind": "offer", "offered": ["needle_details", "sterility"], "confidence": 0.4}),
        ("zxqv", {"kind": "hand_over", "confidence": 0.0}),
        ("Hello!", {"kind": "smalltalk", "confidence": 1.0}),
        ("cheers m8", {"kind": "smalltalk", "confidence": 0.7}),
        (
            "i cant breathe",
            {"kind": "red_flag", "urgency": "emergency", "red_flag": "breathing", "confidence": 1.0},
        ),
        (
            "odd air",
            {"kind": "check", "urgency": "emergency", "red_flag": "breathing", "confidence": 0.61},
        ),
        (
            "does it hurt and how long is it",
            {"kind": "answer", "topic": "pain_during", "also": "session_duration", "confidence": 0.8},
        ),
    ],
)
def test_each_kind_has_exactly_the_fields_that_are_documented(
    asker: Asker, text: str, expected: dict[str, object]
) -> None:
    """A program that reads the JSON finds every field in every kind, and nothing else."""
    assert as_json(asker.ask(text)) == NOTHING | {"text": text} | expected


def test_people_read_the_approved_answer_and_where_it_stands(asker: Asker, library: Library) -> None:
    """The words of a topic, without markup or variables, and its file and line."""
    reply = asker.ask("does it hurt")
    topic = library.languages["en"].topics["pain_during"]

    assert reply.heading == f"Answer: {topic.title}"
    assert reply.said.startswith(topic.answer[:30])
    assert reply.why == (f"answer from {topic.where}", "0.93  pain_during: “like pain_during”")


def test_two_questions_are_shown_with_both_answers(asker: Asker, library: Library) -> None:
    """The heading names both, and both places are told."""
    reply = asker.ask("does it hurt and how long is it")
    first, second = (library.languages["en"].topics[id_] for id_ in ("pain_during", "session_duration"))

    assert reply.heading == f"Answer: {first.title} + {second.title}"
    assert first.answer[:30] in reply.said
    assert second.answer[:30] in reply.said
    assert reply.why[:2] == (f"answer from {first.where}", f"and from {second.where}")


def test_a_red_flag_is_shown_with_what_the_patient_is_told_and_why(asker: Asker) -> None:
    """The instruction has the clinic's number filled in; the rule and the words that led to it are named."""
    reply = asker.ask("i cant breathe")

    assert reply.heading.startswith("Red flag (emergency): ")
    assert "995" in reply.said
    assert "{" not in reply.said
    assert "breathe" in reply.why[0]


def test_a_likeness_to_danger_is_shown_as_a_question(asker: Asker) -> None:
    """Nobody reads the instruction for what the bot would first ask about; the nearest report is named."""
    reply = asker.ask("odd air")

    assert reply.heading.startswith("Ask the patient if it is there now (emergency): ")
    assert reply.said == ""
    assert reply.why == ("second opinion: known report of breathing",)


def test_a_question_about_danger_says_so(asker: Asker) -> None:
    """The answer is given, and it is told which sign the reply will warn of."""
    reply = asker.ask("is chest pain a side effect")

    assert (reply.kind, reply.topic) == ("answer", "side_effects")
    assert any("asks about a sign of danger (breathing)" in line for line in reply.why)


def test_what_is_not_known_is_handed_over_in_the_bots_own_words(asker: Asker) -> None:
    """No guess is shown as an answer; an offer says nothing but its titles."""
    assert asker.ask("zxqv").heading == "Hand over to the clinic"
    assert "no approved answer" in asker.ask("zxqv").said
    assert asker.ask("hm needles").heading.startswith("Offer: ")
    assert asker.ask("hm needles").said == ""


@pytest.mark.parametrize("code", ["en-GB", "xx", None])
def test_a_language_that_is_not_there_is_answered_in_the_default_one(asker: Asker, code: str | None) -> None:
    """The reply names the language it is in."""
    assert asker.ask("does it hurt", code).lang == "en"


# --- files of lines -----------------------------------------------------------------------------------------


def lines_of(tmp_path: Path, content: str | bytes, *needed: str) -> list[dict[str, str]]:
    """Read a file with this content."""
    path = tmp_path / "lines.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_lines(path, needed or ("text",))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("text\tlang\ndoes it hurt\ten\n", [{"text": "does it hurt", "lang": "en"}]),
        ("\ufefftext\tlang\nhi\ten\n", [{"text": "hi", "lang": "en"}]),  # a BOM, as spreadsheets write
        ("text\tlang\r\nhi\ten\r\n", [{"text": "hi", "lang": "en"}]),  # lines that end as on Windows
        ("text\nhi", [{"text": "hi"}]),  # no end of line at the end
        ("text\tlang\nhi\ten\n\n  \t\n\t\t\nho\ten\n", [{"text": "hi", "lang": "en"}, {"text": "ho", "lang": "en"}]),
        ("lang\ttext\ttopic\nen\thi\n", [{"lang": "en", "text": "hi", "topic": ""}]),  # fewer cells
        ("text\nhi\tmore\tstill more\n", [{"text": "hi"}]),  # more cells than columns
        ('text\n"she said ""ow"", then left"\n', [{"text": 'she said "ow", then left'}]),
        ('"text"\t"lang"\n"hi"\t"en"\n', [{"text": "hi", "lang": "en"}]),
        ('text\n"ow" is what i said, "ow"\n', [{"text": '"ow" is what i said, "ow"'}]),  # the patient's own
        ('text\n"\n', [{"text": '"'}]),
        ("text\nwhat\u2028now\x0cplease\n", [{"text": "what\u2028now\x0cplease"}]),  # one line all the same
        ("text\n", []),
    ],
)  # fmt: skip
def test_a_file_of_lines_is_read_as_it_is_meant(
    tmp_path: Path, content: str, rows: list[dict[str, str]]
) -> None:
    """Spreadsheets put a BOM, quotes and short rows into what they save; blank lines are no lines."""
    assert lines_of(tmp_path, content) == rows


@pytest.mark.parametrize(
    ("content", "needed", "told"),
    [
        ("txt\tlang\nhi\ten\n", (), "no column 'text' (its columns: txt, lang)"),
        ("text\nhi\n", ("text", "expect"), "no column 'expect' (its columns: text)"),
        ("text,lang\nhi,en\n", (), "with tabs between them"),
        ("", (), "no column 'text' (its columns: none)"),
        ("\n\n", (), "no column 'text' (its columns: none)"),
        (b"text\ncaf\xe9\n", (), "cannot be read as text"),  # not UTF-8
    ],
)
def test_a_file_that_is_none_is_told_in_a_sentence(
    tmp_path: Path, content: str | bytes, needed: tuple[str, ...], told: str
) -> None:
    """Its path, what is wrong, and what was expected."""
    with pytest.raises(Unreadable) as error:
        lines_of(tmp_path, content, *needed)

    assert told in str(error.value)
    assert "lines.tsv" in str(error.value)


def test_no_file_and_a_folder_are_told_in_a_sentence(tmp_path: Path) -> None:
    """What cannot be opened is named."""
    with pytest.raises(Unreadable, match=r"There is no file .*none\.tsv"):
        read_lines(tmp_path / "none.tsv")
    with pytest.raises(Unreadable, match="cannot be read as text"):
        read_lines(tmp_path)
