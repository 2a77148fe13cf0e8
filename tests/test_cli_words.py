"""Tests of the commands about words: check, ask and evaluate, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot import terminal
from tests.kit.command import aftercare
from tests.kit.faq_folder import FaqFolder


@pytest.fixture
def faq(clinic: Path) -> FaqFolder:
    """Give a small content folder beside the clinic's settings."""
    return FaqFolder(clinic, small=True)


def shown(text: str) -> str:
    """Return what is shown as one line of words."""
    return " ".join(text.split())


# --- check --------------------------------------------------------------------------------------------------


def test_check_is_content_with_the_example(clinic: Path) -> None:
    """What is supplied is in order."""
    result = aftercare("check")

    assert result.exit_code == 0
    assert "are in order" in result.output
    assert "TELEGRAM_BOT_TOKEN is not set" in result.output


def test_check_names_every_fault_with_line_and_cure(clinic: Path) -> None:
    """Two faults, two lines, exit code 1, no traceback."""
    text = (clinic / "config.yaml").read_text()
    (clinic / "config.yaml").write_text(
        text.replace("phone:", "phoen:", 1).replace("Asia/Singapore", "Mars/X", 1)
    )
    result = aftercare("check")

    assert result.exit_code == 1
    assert "did you mean 'phone'?" in result.output
    assert "'Mars/X' is no time zone" in result.output
    assert "config.yaml:" in result.output
    assert "Traceback" not in result.output


def test_check_sees_faults_of_the_overlay(clinic: Path) -> None:
    """A clinic's own words are checked as strictly, with file and line."""
    (clinic / "words" / "en").mkdir(parents=True)
    (clinic / "words" / "en" / "ours.yaml").write_text("topics:\n  parking: {title: Parking}\n")
    text = (clinic / "config.yaml").read_text().replace("# overlay: ./our-words", "overlay: ./words")
    (clinic / "config.yaml").write_text(text)
    result = aftercare("check")

    assert result.exit_code == 1
    assert "ours.yaml:2" in result.output
    assert "clinic.parking" in result.output


def grown(faq: FaqFolder, topics: int) -> None:
    """Give the small content so many topics with eight phrasings each, the first of them hard to read."""
    ids = [f"topic_{chr(97 + n)}" for n in range(topics)]
    listed = ", ".join(f"{{id: {id_}, held: clinic}}" for id_ in ids)
    faq.change("outline.yaml", "[{id: cost_insurance, held: clinic}]", f"[{listed}]")
    text = "reviewed: {by: A test, on: 2026-11-20}\ntopics:\n"
    for number, id_ in enumerate(ids):
        asks = ", ".join(
            f"{chr(97 + number) * 4}word {way}"
            for way in ["one", "two", "red", "blue", "ten", "old", "new", "far"]
        )
        answer = "Incomprehensible multisyllabic institutional communication." if number == 0 else "Ask us."
        text += (
            f"  {id_}:\n    title: {id_}\n    asks: [{asks}]\n    answer: {answer}\n    sources: [clinic]\n"
        )
    faq.write("en/clinic.yaml", text)


def test_check_lists_findings_that_are_no_faults(faq: FaqFolder) -> None:
    """What could be better is listed with what to do about it; the exit code is 0, for nothing is wrong."""
    grown(faq, 3)
    result = aftercare("check", "--faq", str(faq.folder))
    told = shown(result.output)

    assert result.exit_code == 0
    assert "3 topics with few phrasings (add more ways in which patients ask) topic_a: 8" in told
    assert "1 answers that are hard to read" in told
    assert f"{faq.at('en/clinic.yaml', 'Incomprehensible')}: topic_a: LIX" in told
    assert "3 topics, 24 phrasings, 4 red flags" in told
    assert "are in order" in told
    assert "more: aftercare check --all" not in told


def test_check_lists_the_first_of_many_findings_and_all_if_asked(faq: FaqFolder) -> None:
    """Eight of a kind are enough to begin with; --all lists every one."""
    grown(faq, 10)
    some = shown(aftercare("check", "--faq", str(faq.folder)).output)
    everything = aftercare("check", "--all", "--faq", str(faq.folder))

    assert "10 topics with few phrasings" in some
    assert "topic_h: 8" in some
    assert "topic_i: 8" not in some
    assert "… and 2 more: aftercare check --all" in some
    assert "topic_j: 8" in everything.output
    assert "aftercare check --all" not in everything.output
    assert everything.exit_code == 0


def test_check_exits_with_1_and_counts_the_faults_of_a_folder(faq: FaqFolder) -> None:
    """Each fault stands in a line of its own; nothing is called in order."""
    faq.change("en/clinic.yaml", "title: Money", "titel: Money")
    faq.change("plan.yaml", "calf: standard", "calf: default")
    result = aftercare("check", "--faq", str(faq.folder))

    assert result.exit_code == 1
    assert f"{faq.at('en/clinic.yaml', 'titel')}: topics.cost_insurance.titel: no such key" in result.output
    assert faq.at("plan.yaml", "calf: default") in result.output
    assert "faults to mend." in result.output
    assert "in order" not in result.output


@pytest.mark.parametrize("command", [["check"], ["ask", "x"], ["evaluate", "lines.tsv"]])
def test_a_folder_that_is_not_there_is_named(clinic: Path, command: list[str]) -> None:
    """One sentence, exit code 1."""
    (clinic / "lines.tsv").write_text("text\tlang\texpect\nx\ten\tbenign\n")
    result = aftercare(*command, "--faq", str(clinic / "nowhere"))

    assert result.exit_code == 1
    assert "There is no folder" in result.output
    assert "nowhere" in result.output


# --- ask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "detail"),
    [
        ("does it hurt?", "answer", "pain_during"),
        ("i cant breathe since the needling", "red_flag", "breathing"),
        ("hello", "smalltalk", None),
        ("zxqv wqpz blorf", "hand_over", None),
    ],
)
def test_ask_shows_what_the_bot_would_do(clinic: Path, text: str, kind: str, detail: str | None) -> None:
    """In JSON for programs; in words, with the reason, for people."""
    data = json.loads(aftercare("ask", text, "--json").output)

    assert data["kind"] == kind
    assert detail in (None, data["topic"], data["red_flag"])
    assert aftercare("ask", text).exit_code == 0


def test_ask_reads_another_folder(faq: FaqFolder) -> None:
    """--faq: the words of that folder, and no others."""
    data = json.loads(aftercare("ask", "money two", "--faq", str(faq.folder), "--json").output)

    assert (data["kind"], data["topic"]) == ("answer", "cost_insurance")
    assert (
        json.loads(aftercare("ask", "made up brain", "--faq", str(faq.folder), "--json").output)["red_flag"]
        == "brain"
    )


def test_ask_a_file_prints_one_object_for_each_line(faq: FaqFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """For other programs: a line of JSON for a line of the file, in its order, however narrow the terminal is."""
    monkeypatch.setattr(terminal.out, "width", 30)
    lines = ["money two", "made up brain", "hello", "[bold]zxqv[/] 干针 " + "long " * 30]
    path = faq.folder.parent / "lines.tsv"
    path.write_text("lang\ttext\n" + "".join(f"en\t{line}\n" for line in lines), encoding="utf-8")
    result = aftercare("ask", "--file", str(path), "--faq", str(faq.folder), "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]

    assert [data["text"] for data in found] == lines
    assert [data["kind"] for data in found[:3]] == ["answer", "red_flag", "smalltalk"]
    assert set(found[0]) == {
        "text", "lang", "kind", "topic", "also", "offered", "urgency", "red_flag", "confidence", "ms",
    }  # fmt: skip
    assert "干针" in result.stdout


def test_ask_a_file_for_people_shows_each_line_before_its_answer(faq: FaqFolder) -> None:
    """What was asked, what it is taken for, what the patient reads, and why; marks are shown as they are."""
    path = faq.folder.parent / "lines.tsv"
    path.write_text("text\nmoney two\n[red]hello[/]\n")
    told = shown(aftercare("ask", "--file", str(path), "--faq", str(faq.folder)).stdout)

    assert (
        told.index("“money two”")
        < told.index("Answer: Money")
        < told.index("Ask Example")
        < told.index("answer from")
    )
    assert "“[red]hello[/]”" in told


@pytest.mark.parametrize("words", [[], ["does it hurt?", "--file", "lines.tsv"]])
def test_ask_needs_a_line_or_a_file_of_them(clinic: Path, words: list[str]) -> None:
    """Neither or both: the way to ask is shown."""
    (clinic / "lines.tsv").write_text("text\nhello\n")
    result = aftercare("ask", *words)

    assert result.exit_code == 1
    assert "aftercare ask" in result.output
    assert "--file" in result.output


def test_ask_a_file_that_cannot_be_used_is_told_in_a_sentence(clinic: Path) -> None:
    """No file, and one without the column."""
    assert "There is no file none.tsv" in shown(aftercare("ask", "--file", "none.tsv").output)
    (clinic / "lines.tsv").write_text("line\nhello\n")
    result = aftercare("ask", "--file", "lines.tsv")

    assert result.exit_code == 1
    assert "no column 'text'" in shown(result.output)


# --- evaluate -----------------------------------------------------------------------------------------------

LINES = """\
text\tlang\texpect\ttopic\turgency
money two\ten\ttopic\tcost_insurance\t
money three\ten\ttopic\tsomething_else\t
made up brain\ten\tred_flag\t\temergency
made up skin\ten\tred_flag\t\tsame_day
hello\ten\tbenign\t\t
zxqv blorf\tzh\tout_of_scope\t\t
"""


@pytest.fixture
def lines(clinic: Path) -> Path:
    """Give a file of lines whose right answer is known; one is expected to be what it is not."""
    path = clinic / "lines.tsv"
    path.write_text(LINES)
    return path


def evaluated(faq: FaqFolder, *words: str) -> dict[str, Any]:
    """Return what evaluate prints for programs."""
    result = aftercare("evaluate", *words, "--faq", str(faq.folder), "--json")
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_evaluate_prints_figures_and_the_lines_that_failed(faq: FaqFolder, lines: Path) -> None:
    """Shares with their counts and aims, the time for one message, and each failed line with what came instead."""
    result = aftercare("evaluate", str(lines), "--faq", str(faq.folder))
    told = shown(result.output)

    assert result.exit_code == 0
    assert "in scope: right topic answered outright 50.0% 1 of 2 at least 75% missed" in told
    assert "emergency: met with an emergency (a check counts half) 100.0% 1 of 1 at least 98% met" in told
    assert "benign: met with an emergency 0.0% 0 of 1 at most 3% met" in told
    assert "One message:" in told
    assert "something_else → answer cost_insurance" in told
    assert ": money three" in told
    assert "money two" not in told


def test_evaluate_without_the_lines_that_failed(faq: FaqFolder, lines: Path) -> None:
    """--no-failures: the figures only."""
    result = aftercare("evaluate", str(lines), "--no-failures", "--faq", str(faq.folder))

    assert "50.0%" in result.output
    assert "money three" not in result.output


def test_evaluate_as_json(faq: FaqFolder, lines: Path) -> None:
    """Figures, failures and times for other programs; only the lines in the language that was asked for."""
    report = evaluated(faq, str(lines))
    figures = {figure["name"]: figure for figure in report["figures"]}

    assert figures["in scope: wrong topic answered outright"]["hits"] == 1
    assert figures["in scope: wrong topic answered outright"]["met"] is False
    assert figures["same day: met with same-day or higher"]["of"] == 1
    assert not any(name.startswith("out of scope") for name in figures)
    assert [failure["text"] for failure in report["failures"]] == ["money three"]
    assert report["median_ms"] > 0


def test_evaluate_reads_several_files_together(faq: FaqFolder, lines: Path) -> None:
    """The lines of all files make one report."""
    more = lines.with_name("more.tsv")
    more.write_text("lang\texpect\ttext\nen\tbenign\tthanks\n")
    figures = {f["name"]: f["of"] for f in evaluated(faq, str(lines), str(more))["figures"]}

    assert figures["benign: met with an emergency"] == 2
    assert figures["in scope: right topic answered outright"] == 2


def test_evaluate_with_slips_asks_other_lines_but_the_same_every_time(faq: FaqFolder, lines: Path) -> None:
    """--misspell 100: every word of four letters has a slip in it, and two runs measure the same."""
    wrong = lines.with_name("wrong.tsv")
    wrong.write_text("text\tlang\texpect\ttopic\nmoney exercise tomorrow now\ten\ttopic\tx\n")
    plain = evaluated(faq, str(wrong))["failures"][0]["text"]
    first, second = (evaluated(faq, str(wrong), "--misspell", "100")["failures"][0]["text"] for _ in range(2))

    assert plain == "money exercise tomorrow now"
    assert first == second != plain
    assert first.split()[-1] == "now"


@pytest.mark.parametrize("share", ["-1", "101", "few"])
def test_evaluate_puts_slips_into_0_to_100_of_100_words(faq: FaqFolder, lines: Path, share: str) -> None:
    """Another number is refused before anything is asked."""
    assert aftercare("evaluate", str(lines), "--misspell", share).exit_code == 2


def test_evaluate_says_if_no_line_is_in_the_language(faq: FaqFolder, lines: Path) -> None:
    """Figures of nothing would say nothing."""
    result = aftercare("evaluate", str(lines), "--language", "ta", "--faq", str(faq.folder))

    assert result.exit_code == 1
    assert "None of the lines is in the language 'ta' (column lang)." in shown(result.output)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x\ten\tred_flag\t\tvery urgent\n", "urgency is 'very urgent', but must be one of routine, same_day, emergency"),
        ("x\ten\ttopics\ta\t\n", "expect is 'topics', but must be one of"),
        ("x\ten\ttopic\t\t\n", "topic is empty"),
    ],
)  # fmt: skip
def test_evaluate_tells_a_line_that_cannot_be_judged_in_a_sentence(
    faq: FaqFolder, lines: Path, line: str, told: str
) -> None:
    """No traceback, exit code 1."""
    lines.write_text(LINES + line)
    result = aftercare("evaluate", str(lines), "--faq", str(faq.folder))

    assert result.exit_code == 1
    assert told in shown(result.output)


def test_evaluate_needs_its_columns(faq: FaqFolder, lines: Path) -> None:
    """The column that is missing is named."""
    lines.write_text("text\tlang\nx\ten\n")
    result = aftercare("evaluate", str(lines), "--faq", str(faq.folder))

    assert result.exit_code == 1
    assert "no column 'expect'" in shown(result.output)
