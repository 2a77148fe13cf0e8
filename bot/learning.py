"""Learning the content, or remembering what was learned of it: the same words are learned once on a machine."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from bot.content.library import Language, Library
from bot.content.loading import load_library
from bot.content.settings import Settings
from bot.domain.triage import triage
from bot.matching.lessons import Lessons
from bot.matching.matcher import Matcher
from bot.matching.mind import Mind
from bot.matching.model import Model
from bot.matching.reading import Reader
from bot.matching.vectors import WordTable, shipped

#: With fewer examples of danger than this there is nothing to learn from.
_FEWEST_EXAMPLES = 40
#: Of the FAQ's own lines every so manieth stands beside the examples of danger, as what is none.
_EVERY = 5
#: Of the harmless lines, at most this share may lead to the question "do you have this now?".
_MISTAKEN = 0.06
#: Of the reports of danger, this share may be too unlike the others to confirm a weak rule.
_UNLIKE = 0.03

_log = logging.getLogger(__name__)


def load_words(settings: Settings, folder: Path | None = None) -> Library:
    """Load the content as `load_library` does, quickly if it is unchanged."""
    return load_library(settings, folder, cache=cache_folder(settings.content.cache))


def minds_for(library: Library, cache: Path | None = None) -> dict[str, Mind]:
    """Return what there is to know of each language; *cache* is the folder where it is kept (None: nowhere).

    From here on numpy works in one thread: a message's numbers are few, and threads that wait for each other on a busy
    machine made a millisecond's work take fifty.
    """
    threadpool_limits(limits=1)
    return {code: _mind(language, cache) for code, language in library.languages.items()}


def cache_folder(wanted: Path | None) -> Path:
    """Return the folder of the settings, or the user's own cache folder."""
    if wanted is not None:
        return wanted
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aftercare"


def _mind(language: Language, cache: Path | None) -> Mind:
    table = shipped()
    topics = _topics(language)
    model = _model([topics.lines(), sorted(topics.own)], lambda: topics, table, cache)
    reader = Reader(model.counts, language.synonyms, table.knows)
    if sum(map(len, language.danger_lines.values())) < _FEWEST_EXAMPLES:
        return Mind(Matcher(model, reader))
    suspicion = _model(
        [topics.lines(), sorted(language.danger_lines.items()), language.harmless_lines],
        lambda: _danger(language, topics),
        table,
        cache,
    )
    return Mind(Matcher(model, reader), Matcher(suspicion, reader))


def _topics(language: Language) -> Lessons:
    return Lessons(
        asks={id_: topic.asks for id_, topic in language.topics.items()},
        own=frozenset(ask for topic in language.topics.values() for ask in topic.own_asks),
        talk=tuple(ask for talk in language.small_talk.values() for ask in talk.asks),
        unrelated=language.unrelated,
    )


def _danger(language: Language, topics: Lessons) -> Lessons:
    """Return the red flags' examples, and beside them what is no report of danger."""
    found = {line: triage(line, language.rules) for line in language.harmless_lines}
    harmless = [line for line, finding in found.items() if finding is None or finding.weak]
    asks = [ask for asked in topics.asks.values() for ask in asked]
    others = [*asks, *topics.unrelated, *topics.talk][::_EVERY]
    return Lessons(
        asks={id_: lines for id_, lines in language.danger_lines.items() if lines},
        unrelated=tuple(dict.fromkeys([*harmless, *others])),
        mistaken_at_most=_MISTAKEN,
        missed_at_most=_UNLIKE,
    )


def _model(content: Any, lessons: Callable[[], Lessons], table: WordTable, cache: Path | None) -> Model:
    """Return what was learned of *content*: from the cache, or by learning *lessons* now."""
    if cache is None:
        return _learn(lessons(), table)
    text = json.dumps(content, ensure_ascii=False)
    path = cache / f"{hashlib.sha256(text.encode() + table.digest + _how_it_learns()).hexdigest()[:32]}.npz"
    try:
        return Model.load(path, table)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError) as error:
        _log.warning("What was learned before cannot be read (%s); learning it again.", type(error).__name__)
    model = _learn(lessons(), table)
    try:
        model.save(path)
        _forget_old(cache)
    except OSError as error:
        _log.warning("What was learned cannot be kept in %s: %s", cache, error.strerror)
    return model


def _how_it_learns() -> bytes:
    """Return a mark of the code that learns: what another version learned is learned anew."""
    files = sorted(
        (path for path in resources.files("bot.matching").iterdir() if path.name.endswith(".py")),
        key=lambda path: path.name,
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).digest()


def _learn(lessons: Lessons, table: WordTable) -> Model:
    """Learn, with a module that is imported only when it is needed: scikit-learn alone takes over a second."""
    model: Model = importlib.import_module("bot.matching.learn").learn(lessons, table)
    return model


def _forget_old(cache: Path, keep: int = 12) -> None:
    """Keep the newest files only: each change of a word makes a new one."""
    known = sorted(cache.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in known[keep:]:
        path.unlink(missing_ok=True)
