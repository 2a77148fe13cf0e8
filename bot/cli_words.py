"""The commands about words: check them, ask as a patient would, measure how well patients are understood."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot import measure
from bot.asking import Asker, Reply, read_lines
from bot.content.library import Language, Library
from bot.content.loading import load_library
from bot.content.settings import TOKEN, Settings
from bot.domain.readability import MOST_WORDS, TOO_HARD, lix, word_count
from bot.learning import load_minds, load_words
from bot.matching.ground import Report
from bot.terminal import ConfigOption, JsonOption, err, fail, in_plain_words, out, settings_from

app = typer.Typer()

FaqOption = Annotated[
    Path | None,
    typer.Option(
        "--faq",
        help="Another FAQ folder, shaped like faq/. [dim]Default: the supplied one[/dim]",
        show_default=False,
    ),
]
#: How many of a kind of finding are listed unless all are asked for.
_LISTED = 8


@app.command()
def check(
    config: ConfigOption = None,
    faq: FaqOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List every finding, not only the first of each kind.")
    ] = False,
) -> None:
    """Check settings and content: every fault with its file, line and cure. Exits with 1 if there is one.

    Then it says what could be better: phrasings that another topic takes, topics too near each other or with too few
    phrasings, answers that are hard to read. Those are no faults.
    """
    with in_plain_words(), err.status("Reading settings and words…"):
        settings, library = _words(config, faq, example_will_do=False, try_examples=True)
        minds = load_minds(settings, library)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for language in library.languages.values():
        phrasings = sum(len(topic.asks) for topic in language.topics.values())
        table.add_row(
            language.name,
            f"{len(language.topics)} topics, {phrasings} phrasings, {len(language.red_flags)} red flags",
        )
    for plan in library.plans.plans.values():
        table.add_row(f"plan {plan.id}", ", ".join(f"{step.hours} h" for step in plan.steps))
    out.print(table)
    for code, language in library.languages.items():
        _say_ground(minds[code].topics.survey(), everything)
        _say_readability(language, everything)
    out.print(f"[green]✓[/] Settings and content of {escape(settings.clinic.name)} are in order.")
    if not os.environ.get(TOKEN):
        out.print(f"[yellow]Note:[/] {TOKEN} is not set; `aftercare run` needs it (from @BotFather).")


def _say_ground(report: Report, everything: bool) -> None:
    kinds = {
        "phrasings that another topic would take (add like ones to their own topic)": [
            f"{theft.topic} ← {theft.by}: “{theft.line}”" for theft in report.stolen
        ],
        "topics that lie too near another (make their phrasings differ, or make them one)": [
            f"{topic} → {other}: {share:.0%} of its phrasings" for topic, other, share in report.near
        ],
        "topics with few phrasings (add more ways in which patients ask)": [
            f"{topic}: {count}" for topic, count in report.few
        ],
        "phrasings that are nearly the same (one of the two is enough)": [
            f"{topic}: “{first}” and “{second}”" for topic, first, second in report.twins
        ],
    }
    for title, lines in kinds.items():
        _list(title, lines, everything)


def _say_readability(language: Language, everything: bool) -> None:
    hard = sorted(
        (
            (lix(topic.answer), word_count(topic.answer), topic)
            for topic in language.topics.values()
            if lix(topic.answer) > TOO_HARD or word_count(topic.answer) > MOST_WORDS
        ),
        key=lambda found: -found[0],
    )
    lines = [f"{topic.where}: {topic.id}: LIX {index:.0f}, {words} words" for index, words, topic in hard]
    _list(
        f"answers that are hard to read (LIX above {TOO_HARD:.0f}, or more than {MOST_WORDS} words)",
        lines,
        everything,
    )
    middle = sorted(lix(topic.answer) for topic in language.topics.values())[len(language.topics) // 2]
    out.print(f"[dim]Readability: LIX {middle:.0f} at the median (30 is easy, 50 is hard).[/]")


def _list(title: str, lines: list[str], everything: bool) -> None:
    if not lines:
        return
    out.print(f"[yellow]{len(lines)}[/] {title}")
    for line in lines if everything else lines[:_LISTED]:
        out.print(f"  [dim]{escape(line)}[/]", soft_wrap=True)
    if not everything and len(lines) > _LISTED:
        out.print(f"  [dim]… and {len(lines) - _LISTED} more: aftercare check --all[/]")


@app.command()
def ask(
    text: Annotated[
        str | None, typer.Argument(help='What a patient might type, such as "can gym tmr?".')
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A tab-separated file with a column `text`: every line is asked."),
    ] = None,
    faq: FaqOption = None,
    config: ConfigOption = None,
    language: Annotated[str | None, typer.Option(help="The language to answer in.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the bot as a patient would, and see what it makes of it and why. Nothing is stored.

    With --json it prints one object a line: text, lang, kind (answer, offer, hand_over, red_flag, check, smalltalk),
    topic, also, offered, urgency, red_flag, confidence (0 to 1), ms.
    """
    if (text is None) == (file is None):
        fail('Give one line to ask, such as: aftercare ask "does it hurt?" – or a file of them with --file.')
    with in_plain_words():
        lines = [row["text"] for row in read_lines(file)] if file is not None else [text or ""]
        with err.status("Reading the words…"):
            asker = _asker(*_words(config, faq, example_will_do=True))
    for line in lines:
        reply = asker.ask(line, language)
        if as_json:
            out.out(json.dumps(reply.as_dict(), ensure_ascii=False), highlight=False)
        else:
            _show(reply, with_text=file is not None)


def _show(reply: Reply, *, with_text: bool) -> None:
    if with_text:
        out.print(f"\n[bold]“{escape(reply.text)}”[/]", soft_wrap=True)
    out.print(f"[bold]{escape(reply.heading)}[/]", soft_wrap=True)
    if reply.said:
        out.print(escape(reply.said), soft_wrap=True)
    out.print(f"[dim]language {reply.lang} · confidence {reply.confidence:.2f} · {reply.ms:.1f} ms[/]")
    for line in reply.why:
        out.print(f"[dim]{escape(line)}[/]", soft_wrap=True)


@app.command()
def evaluate(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Tab-separated files: text, lang, expect, and topic (also) or urgency, as in tests/lines/."
        ),
    ],
    faq: FaqOption = None,
    config: ConfigOption = None,
    language: Annotated[str, typer.Option(help="Only lines in this language (column `lang`).")] = "en",
    misspell: Annotated[
        float, typer.Option(min=0, max=100, help="Put a slip into this many of 100 words first.")
    ] = 0,
    failures: Annotated[bool, typer.Option(help="List the lines that failed.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure how patients are understood, on lines whose right answer is known: the figures, and the lines that failed."""
    with in_plain_words():
        rows = [
            row
            for path in files
            for row in read_lines(path, ("text", "lang", "expect"))
            if row["lang"] == language
        ]
        if not rows:
            fail(f"None of the lines is in the language '{language}' (column lang).")
        with err.status("Reading the words…"):
            asker = _asker(*_words(config, faq, example_will_do=True))
        chance = random.Random(0)  # noqa: S311 (slips of the keyboard, not secrets)
        if misspell:
            rows = [{**row, "text": measure.misspelt(row["text"], misspell / 100, chance)} for row in rows]
        report = measure.measure(rows, lambda line: asker.ask(line, language))
    if as_json:
        out.out(json.dumps(measure.as_dict(report), ensure_ascii=False), highlight=False)
        return
    figures = measure.as_rows(report.figures)
    widths = [max(map(len, column)) for column in zip(*figures, strict=True)]
    for cells in figures:  # no table: it would break long names on a narrow terminal, and in a file
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        out.print(escape(line.rstrip()), soft_wrap=True)
    out.print(
        f"One message: {report.median_ms:.2f} ms at the median, {report.p99_ms:.2f} ms at the 99th percentile."
    )
    for failure in report.failures if failures else ():
        out.print(f"[dim]{escape(f'{failure.expected} → {failure.got}: {failure.text}')}[/]", soft_wrap=True)


def _words(
    config: Path | None, faq: Path | None, *, example_will_do: bool, try_examples: bool = False
) -> tuple[Settings, Library]:
    settings = settings_from(config, example_will_do=example_will_do)
    if faq is not None and not faq.is_dir():
        fail(f"There is no folder {faq}.")
    return settings, load_library(settings, faq) if try_examples else load_words(settings, faq)


def _asker(settings: Settings, library: Library) -> Asker:
    return Asker(settings, library, load_minds(settings, library))
