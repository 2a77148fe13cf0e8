"""Learning the content, or remembering what was learned of it: the same words are learned once on a machine."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from bot.content.library import Language, Library
from bot.content.loading import load_library
from bot.content.settings import Settings
from bot.content.tried import mark_of_code
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


def load_minds(settings: Settings, library: Library) -> dict[str, Mind]:
    """Return what there is to know of each language, quickly if the words are unchanged."""
    return minds_for(library, cache_folder(settings.content.cache))


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
    table, topics = shipped(), _topics(language)
    asked = _place(cache, [topics.lines(), sorted(topics.own)])
    suspicion = None
    if sum(map(len, language.danger_lines.values())) < _FEWEST_EXAMPLES:
        model = _model(asked, lambda: topics, table)
    else:
        told = _place(cache, [topics.lines(), sorted(language.danger_lines.items()), language.harmless_lines])
        with _learned_apart(asked, told, lambda: _danger(language, topics)):
            model = _model(asked, lambda: topics, table)
        suspicion = _model(told, lambda: _danger(language, topics), table)
    reader = Reader(model.counts, language.synonyms, table.knows)
    return Mind(Matcher(model, reader), Matcher(suspicion, reader) if suspicion is not None else None)


@contextlib.contextmanager
def _learned_apart(asked: Path | None, told: Path | None, lessons: Callable[[], Lessons]) -> Iterator[None]:
    """Meanwhile learn *lessons* in another process, if both are still to be learned; wait for it at the end.

    Two cores learn both in the time of one. If it does not come to pass, the lessons are learned here, afterwards.
    """
    if asked is None or told is None or asked.exists() or told.exists():
        yield
        return
    home = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    try:
        helper = subprocess.Popen(  # noqa: S603 (this very Python, this very program)
            [sys.executable, "-m", "bot.matching.learn", str(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
    except OSError:
        yield
        return
    writer = threading.Thread(target=helper.communicate, args=(_as_json(lessons()),))
    writer.start()
    try:
        yield
    finally:
        writer.join()


def _as_json(lessons: Lessons) -> bytes:
    return json.dumps({**asdict(lessons), "own": sorted(lessons.own)}).encode()


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


def _place(cache: Path | None, content: Any) -> Path | None:
    """Return where what is learned of *content* is kept: another place for every other content, or way to learn it."""
    if cache is None:
        return None
    text = json.dumps(content, ensure_ascii=False).encode()
    learned_by = mark_of_code("bot.matching") + mark_of_code("bot", "learning")
    mark = hashlib.sha256(text + shipped().digest + learned_by).hexdigest()
    return cache / f"{mark[:32]}.npz"


def _model(place: Path | None, lessons: Callable[[], Lessons], table: WordTable) -> Model:
    """Return what is kept at *place*, or learn *lessons* now, and keep that."""
    if place is None:
        return _learn(lessons(), table)
    try:
        return Model.load(place, table)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        _log.warning("What was learned before cannot be read (%s); learning it again.", type(error).__name__)
    model = _learn(lessons(), table)
    try:
        model.save(place)
        _forget_old(place.parent)
    except OSError as error:
        _log.warning("What was learned cannot be kept in %s: %s", place.parent, error.strerror)
    return model


def _learn(lessons: Lessons, table: WordTable) -> Model:
    """Learn, with a module that is imported only when it is needed: scikit-learn alone takes over a second."""
    model: Model = importlib.import_module("bot.matching.learn").learn(lessons, table)
    return model


def _forget_old(cache: Path, keep: int = 12) -> None:
    """Keep the newest files only: each change of a word makes a new one."""
    known = sorted(cache.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in known[keep:]:
        path.unlink(missing_ok=True)
