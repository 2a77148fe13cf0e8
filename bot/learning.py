"""Learning the content, or remembering what was learned of it: the same words are learned once on a machine."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.content.library import Language, Library
from bot.domain.text import words as split_words
from bot.domain.triage import triage
from bot.matching.lessons import Lessons
from bot.matching.matcher import Matcher
from bot.matching.mind import Mind
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import WordTable, shipped

if TYPE_CHECKING:
    from types import ModuleType

#: What was learned by another version is learned anew.
_VERSION = 1
#: With fewer examples of danger than this there is nothing to learn from.
_FEWEST_EXAMPLES = 40

_log = logging.getLogger(__name__)


def minds_for(library: Library, cache: Path | None = None) -> dict[str, Mind]:
    """Return what there is to know of each language; *cache* is the folder where it is kept (None: nowhere)."""
    return {code: _mind(language, cache) for code, language in library.languages.items()}


def cache_folder(wanted: Path | None) -> Path:
    """Return the folder of the settings, or the user's own cache folder."""
    if wanted is not None:
        return wanted
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aftercare"


def _mind(language: Language, cache: Path | None) -> Mind:
    table = shipped()
    topics = Lessons(
        asks={id_: topic.asks for id_, topic in language.topics.items()},
        own=frozenset(ask for topic in language.topics.values() for ask in topic.own_asks),
        talk=tuple(ask for talk in language.small_talk.values() for ask in talk.asks),
        unrelated=language.unrelated,
    )
    danger = _danger(language, topics)
    return Mind(
        _matcher(topics, language, table, cache),
        _matcher(danger, language, table, cache) if danger is not None else None,
    )


def _danger(language: Language, topics: Lessons) -> Lessons | None:
    """Return the red flags' examples, and beside them everything that is no report of danger."""
    reports = {id_: lines for id_, lines in language.danger_lines.items() if lines}
    if sum(map(len, reports.values())) < _FEWEST_EXAMPLES:
        return None
    harmless = [line for line in language.harmless_lines if triage(line, language.rules) is None]
    asks = [ask for asked in topics.asks.values() for ask in asked]
    return Lessons(
        asks=reports, unrelated=(*dict.fromkeys([*harmless, *asks, *topics.unrelated, *topics.talk]),)
    )


def _matcher(lessons: Lessons, language: Language, table: WordTable, cache: Path | None) -> Matcher:
    pairs = lessons.lines()
    lines = [line for _group, line in pairs]
    reader = Reader(map(split_words, lines), language.synonyms, table.knows)
    return Matcher(_model(lessons, lines, table, cache), reader, lines)


def _model(lessons: Lessons, lines: Sequence[str], table: WordTable, cache: Path | None) -> Model:
    """Return what was learned of *lessons*: from the cache, or now."""
    if cache is None:
        return _teacher().learn(lessons, table)  # type: ignore[no-any-return]
    text = json.dumps([_VERSION, lessons.lines(), sorted(lessons.own)], ensure_ascii=False)
    digest = hashlib.sha256(text.encode() + table.digest)
    path = cache / f"{digest.hexdigest()[:32]}.npz"
    try:
        return Model.load(path, table)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError) as error:
        _log.warning("What was learned before cannot be read (%s); learning it again.", type(error).__name__)
    model: Model = _teacher().learn(lessons, table)
    try:
        model.save(path)
        _forget_old(cache)
    except OSError as error:
        _log.warning("What was learned cannot be kept in %s: %s", cache, error.strerror)
    return model


def _teacher() -> ModuleType:
    """Return the module that learns. It is imported only when it is needed: scikit-learn alone takes over a second."""
    return importlib.import_module("bot.matching.learn")


def _forget_old(cache: Path, keep: int = 12) -> None:
    """Keep the newest files only: each change of a word makes a new one."""
    known = sorted(cache.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in known[keep:]:
        path.unlink(missing_ok=True)
