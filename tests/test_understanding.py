"""Keeps the understanding from falling: the lines of tests/lines/, which nothing was taught, and the bars they must reach.

The aims stand in `bot.measure.AIMS`; the bars here are what has been reached, less a little. See tests/lines/README.md.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.asking import Asker, Reply, read_lines
from bot.content.library import Library
from bot.content.settings import Settings
from bot.matching.mind import Minds
from bot.measure import Report, measure, misspelt
from bot.service.understand import understand

LINES = Path(__file__).parent / "lines"
FILES = sorted(path for path in LINES.glob("*.tsv") if path.name != "pairs.tsv")

#: What the lines reach, less about a point.
AT_LEAST = {
    "in scope: right topic answered outright": 0.73,
    "in scope: right topic answered or offered": 0.93,
    "emergency: met with an emergency (a check counts half)": 0.96,
    "emergency: at least asked about": 0.98,
    "same day: met with same-day or higher": 0.91,
}
AT_MOST = {
    "in scope: wrong topic answered outright": 0.02,
    "out of scope: a topic answered": 0.02,
    "benign: met with an emergency": 0.05,
}


@pytest.fixture(scope="module")
def ask(settings: Settings, library: Library, minds: Minds) -> Callable[[str], Reply]:
    """Ask the supplied content."""
    return Asker(settings, library, minds).ask


@pytest.fixture(scope="module")
def report(ask: Callable[[str], Reply]) -> Report:
    """The figures on all lines."""
    return measure([row for path in FILES for row in read_lines(path)], ask)


def test_every_figure_has_a_bar_that_it_reaches(report: Report) -> None:
    """A change of words or code that understands patients worse is seen at once."""
    shares = {figure.name: figure.share for figure in report.figures}
    assert {name: shares[name] for name, bar in AT_LEAST.items() if shares[name] < bar} == {}
    assert {name: shares[name] for name, bar in AT_MOST.items() if shares[name] > bar} == {}


def test_slips_cost_little(ask: Callable[[str], Reply], report: Report) -> None:
    """With a slip in every fifth word, the right topic is still answered or offered nearly as often."""
    chance = random.Random(1)
    rows = [{**row, "text": misspelt(row["text"], 0.2, chance)} for row in read_lines(LINES / "inscope.tsv")]
    name = "in scope: right topic answered or offered"
    clean = {figure.name: figure.share for figure in report.figures}[name]
    slipped = {figure.name: figure.share for figure in measure(rows, ask).figures}[name]
    assert slipped >= clean - 0.03


def test_two_questions_in_one_message_get_two_answers(library: Library, minds: Minds) -> None:
    """Most messages that ask two things get both answers; hardly one that asks one thing gets two."""
    english = library.language("en")
    with (LINES / "pairs.tsv").open(encoding="utf-8") as file:
        pairs = list(csv.DictReader(file, delimiter="\t"))
    both = 0
    for pair in pairs:
        decision = understand(library, english, minds["en"], pair["text"]).decision
        both += {decision.answer, decision.also} == {pair["first"], pair["second"]}
    assert both >= 0.65 * len(pairs)
    single = [row["text"] for row in read_lines(LINES / "inscope.tsv")]
    doubled = [line for line in single if understand(library, english, minds["en"], line).decision.also]
    assert len(doubled) <= 0.02 * len(single)


def test_gibberish_is_no_danger(minds: Minds) -> None:
    """Neither an invitation's code nor a cat on the keyboard is like any report of danger."""
    chance = random.Random(3)
    for length in (1, 5, 12, 26):
        for _ in range(300):
            line = "".join(chance.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(length))
            opinion = minds["en"].on_danger(line)
            assert opinion is not None
            assert not opinion.certain, line


def test_no_line_that_judges_is_taught(library: Library) -> None:
    """The lines measure only as long as nobody copies them into the content."""
    english = library.language("en")
    taught = {ask.casefold() for topic in english.topics.values() for ask in topic.asks}
    taught |= {line.casefold() for line in english.unrelated + english.harmless_lines}
    taught |= {line.casefold() for lines in english.danger_lines.values() for line in lines}
    judging = [row["text"] for path in LINES.glob("*.tsv") for row in read_lines(path)]
    assert [line for line in judging if line.casefold() in taught] == []
