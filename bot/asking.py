"""Asking the bot without a chat: what it makes of a message, for people, for programs and for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.content.library import Language, Library
from bot.content.settings import Settings
from bot.domain.message import plain, render
from bot.domain.trouble import Trouble
from bot.matching.mind import Minds
from bot.service.understand import Understanding, understand


class Unreadable(Trouble):
    """A file of lines that cannot be used; the message says what is wrong with it and what is expected."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the bot makes of one message. confidence: 0 to 1. ms: how long it took, in milliseconds.

    also: the second topic, where a message asks two things. heading, said and why are for people to read.
    """

    text: str
    lang: str
    kind: str
    topic: str | None = None
    also: str | None = None
    offered: tuple[str, ...] = ()
    urgency: str | None = None
    red_flag: str | None = None
    confidence: float = 0.0
    ms: float = 0.0
    heading: str = field(default="", metadata={"for": "people"})
    said: str = field(default="", metadata={"for": "people"})
    why: tuple[str, ...] = field(default=(), metadata={"for": "people"})

    def as_dict(self) -> dict[str, Any]:
        """Return it for other programs, without the words meant for a terminal."""
        return {key.name: getattr(self, key.name) for key in fields(self) if not key.metadata}


class Asker:
    """Answers lines as the chat would: red flags first, then small talk, then topics. Stores nothing."""

    def __init__(self, settings: Settings, library: Library, minds: Minds) -> None:
        """Use *library* and a mind for each of its languages."""
        self._library, self._minds = library, minds
        self._values = settings.variables(None)

    def ask(self, text: str, language_code: str | None = None) -> Reply:
        """Return what the bot makes of *text*."""
        language = self._library.language(language_code)
        started = perf_counter()
        meant = understand(self._library, language, self._minds[language.code], text)
        took = (perf_counter() - started) * 1000
        return self._reply(text, language, meant, round(took, 3))

    def _reply(self, text: str, language: Language, meant: Understanding, ms: float) -> Reply:
        decision = meant.decision
        if meant.kind in ("red_flag", "check") and meant.finding is not None:
            finding = meant.finding
            words = language.red_flags[finding.red_flag]
            asked = meant.kind == "check"
            named = "Ask the patient if it is there now" if asked else "Red flag"
            return Reply(
                text=text,
                lang=language.code,
                kind=meant.kind,
                urgency=str(finding.urgency),
                red_flag=finding.red_flag,
                confidence=round(meant.confidence, 4),
                ms=ms,
                heading=f"{named} ({finding.urgency}): {words.title}",
                said="" if asked else plain(render(words.say, self._values)),
                why=(f"{finding.rule}: {' … '.join(finding.because)}",),
            )
        why = [f"{guess.score:.2f}  {guess.topic}: “{guess.nearest}”" for guess in decision.guesses]
        if meant.doubt is not None:
            sign = meant.doubt.red_flag
            why.insert(
                0, f"asks about a sign of danger ({sign}): the reply says what to do if it is there now"
            )
        heading, template = "Hand over to the clinic", language.phrases["not_found"]
        if meant.small_talk is not None:
            heading, template = f"Small talk: {meant.small_talk}", language.small_talk[meant.small_talk].reply
        elif decision.answer is not None:
            topic = language.topics[decision.answer]
            heading, template = f"Answer: {topic.title}", topic.answer
            why.insert(0, f"answer from {topic.where}")
            if decision.also is not None:
                second = language.topics[decision.also]
                heading += f" + {second.title}"
                template += "\n\n" + second.answer
                why.insert(1, f"and from {second.where}")
        elif decision.offers:
            titles = ", ".join(language.topics[id_].title for id_ in decision.offers)
            heading, template = f"Offer: {titles}", ""
        return Reply(
            text=text,
            lang=language.code,
            kind=meant.kind,
            topic=decision.answer,
            also=decision.also,
            offered=decision.offers,
            confidence=round(meant.confidence, 4),
            ms=ms,
            heading=heading,
            said=plain(render(template, self._values)) if template else "",
            why=tuple(why),
        )


def read_lines(path: Path, needed: Sequence[str] = ("text",)) -> list[dict[str, str]]:
    """Read a tab-separated file with a header; every row as column → value.

    Raises:
        Unreadable: it is not there, is no UTF-8, or lacks one of the *needed* columns.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise Unreadable(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} cannot be read as text: {error}") from None
    header = [_unquoted(cell) for cell in lines[0].split("\t")]
    for name in needed:
        if name not in header:
            raise Unreadable(
                f"{path} has no column '{name}' (its columns: {', '.join(filter(None, header)) or 'none'}). "
                "The first line must name the columns, with tabs between them."
            )
    rows = [dict(zip(header, map(_unquoted, line.split("\t")), strict=False)) for line in lines[1:]]
    return [dict.fromkeys(header, "") | row for row in rows if row.get("text", "").strip()]


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes that spreadsheets put around one that has quotes in it."""
    inside = cell[1:-1]
    if len(cell) >= 2 and cell[0] == cell[-1] == '"' and '"' not in inside.replace('""', ""):
        return inside.replace('""', '"')
    return cell
