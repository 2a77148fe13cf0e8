"""Reading the FAQ's topics in one language, with the clinic's overlay on top, and checking them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.content.files import AsksFile, Outline, Sources, TopicEntry, TopicsFile
from bot.content.settings import VARIABLES
from bot.content.yaml_source import Fault, Faults, Source, read
from bot.domain.message import variables_of
from bot.domain.topic import Held, Topic

#: Files of a language folder that hold no topics.
OTHER_FILES = frozenset(
    {
        "check_ins.yaml",
        "phrases.yaml",
        "places.yaml",
        "red_flags.yaml",
        "small_talk.yaml",
        "tellings.yaml",
        "unrelated.yaml",
        "words.yaml",
    }
)
#: A topic's id stands in its buttons' data (64 bytes) behind a word such as "yes:".
LONGEST_ID = 60
#: A clinic's own topics start with this, so that they never collide with a later supplied one.
OWN = "clinic."
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class _Ask:
    line: str
    source: Source
    place: tuple[str | int, ...]
    own: bool = False


class _Draft:
    """A topic while it is put together: its parts, each with the place it came from."""

    def __init__(self, area: str, held: Held, entry: TopicEntry, source: Source, place: str) -> None:
        self.area, self.held, self.entry, self.source, self.place = area, held, entry, source, place
        self.reviewed = entry.reviewed
        #: Each way to ask, with the file and the place in it, and whether it is the clinic's own.
        self.asks: list[_Ask] = []
        self.answer_source, self.answer_place = source, place
        #: Which file a part comes from, where it is not the supplied one.
        self.parts: dict[str, Source] = {}

    def source_of(self, part: str) -> Source:
        """Return the file that a part of the topic stands in."""
        return self.parts.get(part, self.source)


def read_topics(
    folder: Path, overlay: Path | None, outline: Outline, sources: Sources | None
) -> tuple[dict[str, Topic], list[Fault]]:
    """Return the topics in the outline's order, and every fault that was found."""
    faults: list[Fault] = []
    held = {topic.id: topic.held for area in outline.areas for topic in area.topics}
    drafts: dict[str, _Draft] = {}
    hidden: set[str] = set()
    for area in outline.areas:
        name = f"{folder.name}/{area.id}.yaml"
        expected = {topic.id for topic in area.topics}
        loaded = _load(folder / f"{area.id}.yaml", name, faults)
        if loaded is None:
            continue
        source, file = loaded
        for id_ in sorted(expected - set(file.topics)):
            faults.append(source.fault(("topics",), f"'{id_}' of outline.yaml is missing; add it"))
        for id_, entry in file.topics.items():
            place = ("topics", id_)
            if id_ not in expected:
                faults.append(source.fault(place, "outline.yaml has no such topic in this area"))
                continue
            for part in ("title", "answer", "sources"):
                if getattr(entry, part) in (None, ()):
                    faults.append(source.fault(place, f"'{part}' is missing; add it"))
            if not 8 <= len(entry.asks) <= 20:
                faults.append(source.fault((*place, "asks"), f"has {len(entry.asks)}; give 8 to 20"))
            if entry.reviewed is None and file.reviewed is None:
                faults.append(source.fault(place, "'reviewed' is missing here and at the file's top; add it"))
            draft = _Draft(area.id, held[id_], entry, source, id_)
            draft.reviewed = entry.reviewed or file.reviewed
            draft.asks = _listed(entry.asks, source, ("topics", id_, "asks"))
            drafts[id_] = draft
        _more_asks(
            folder / "asks" / f"{area.id}.yaml",
            f"{folder.name}/asks/{area.id}.yaml",
            drafts,
            expected,
            faults,
        )
    if overlay and overlay.is_dir():
        for path in sorted(overlay.glob("*.yml")):
            faults.append(Fault(file=str(path), line=1, where="", what="rename it to end in .yaml"))
        for path in sorted(overlay.glob("*.yaml")):
            if path.name not in OTHER_FILES:
                _lay_over(path, drafts, hidden, faults)
    known = set(drafts) - hidden
    # Topics of a file that could not be read are known all the same: what leads to them is not wrong.
    _check(drafts, known, set(held), sources, faults)
    if faults:
        return {}, faults
    order = [id_ for area in outline.areas for id_ in [t.id for t in area.topics] if id_ in known]
    order += sorted(known - set(order))
    return {id_: _topic(id_, drafts[id_], known) for id_ in order}, []


def _listed(
    asks: Iterable[str], source: Source, place: tuple[str | int, ...], *, own: bool = False
) -> list[_Ask]:
    return [_Ask(line, source, (*place, number), own) for number, line in enumerate(asks)]


def _more_asks(
    path: Path, name: str, drafts: dict[str, _Draft], expected: set[str], faults: list[Fault]
) -> None:
    """Add the further phrasings of an area; the file may be missing."""
    if not path.is_file():
        return
    try:
        source = read(path, name)
        file = source.read_as(AsksFile)
    except Faults as error:
        faults.extend(error.faults)
        return
    for id_, asks in file.asks.items():
        if id_ not in expected:
            faults.append(source.fault(("asks", id_), "outline.yaml has no such topic in this area"))
        elif id_ in drafts:
            drafts[id_].asks += _listed(asks, source, ("asks", id_))


def _load(path: Path, name: str, faults: list[Fault]) -> tuple[Source, TopicsFile] | None:
    try:
        source = read(path, name)
        return source, source.read_as(TopicsFile)
    except Faults as error:
        faults.extend(error.faults)
        return None


def _lay_over(path: Path, drafts: dict[str, _Draft], hidden: set[str], faults: list[Fault]) -> None:
    """Put one overlay file on top: `answer` and the like replace, `asks` add, `hide` hides, `clinic.<id>` is new."""
    loaded = _load(path, str(path), faults)
    if loaded is None:
        return
    source, file = loaded
    for id_, entry in file.topics.items():
        place = ("topics", id_)
        reviewed = entry.reviewed or file.reviewed
        if id_ not in drafts:
            if not id_.startswith(OWN):
                what = f"no such topic; a new one of your own must be called '{OWN}{id_}'"
                faults.append(source.fault(place, what))
                continue
            if None in (entry.title, entry.answer, reviewed) or len(entry.asks) < 3:
                what = "a new topic needs title, answer, reviewed and at least 3 asks"
                faults.append(source.fault(place, what))
                continue
            drafts[id_] = _Draft("clinic", entry.held or "full", entry, source, id_)
        draft = drafts[id_]
        if entry.hide:
            hidden.add(id_)
        given = entry.model_dump(exclude_none=True, exclude={"asks", "hide", "reviewed"})
        if entry.answer is not None:
            draft.answer_source, draft.answer_place = source, id_
            if reviewed is None:
                faults.append(
                    source.fault(place, "'reviewed' is missing: who approved this answer, and when?")
                )
            draft.reviewed = reviewed
            # The clinic's own answer is an answer: nothing is left for the clinic to add, unless it says so.
            draft.held = "full"
        draft.held = entry.held or draft.held
        draft.parts.update(dict.fromkeys(given, source))
        draft.entry = draft.entry.model_copy(update=given)
        draft.asks += _listed(entry.asks, source, (*place, "asks"), own=True)


def _check(
    drafts: dict[str, _Draft],
    known: set[str],
    outlined: set[str],
    sources: Sources | None,
    faults: list[Fault],
) -> None:
    said: dict[tuple[str, ...], tuple[str, _Ask]] = {}
    for id_, draft in drafts.items():
        if id_ not in known:
            continue
        if len(id_.encode()) > LONGEST_ID:
            what = f"the id is too long for a button; it may have {LONGEST_ID} bytes"
            faults.append(draft.source.fault(("topics", id_), what))
        for part in ("title", "answer"):
            for name in sorted(variables_of(getattr(draft.entry, part) or "") - VARIABLES):
                what = f"{{{name}}} is no variable; there are {', '.join(sorted(VARIABLES))}"
                faults.append(draft.source_of(part).fault(("topics", id_, part), what))
        for wanted in draft.entry.follow_ups or ():
            if wanted not in drafts and wanted not in outlined:
                place = ("topics", id_, "follow_ups")
                faults.append(draft.source_of("follow_ups").fault(place, f"'{wanted}' is no topic"))
        for wanted in draft.entry.sources or ():
            if sources is not None and wanted not in sources.sources:
                place = ("topics", id_, "sources")
                faults.append(draft.source_of("sources").fault(place, f"'{wanted}' is not in sources.yaml"))
        for ask in draft.asks:
            key = tuple(_WORD.findall(ask.line.casefold()))
            if key in said:
                other, before = said[key]
                file, line = before.source.at(before.place)
                what = f"'{ask.line}' already stands under '{other}' ({file}:{line}); keep one"
                faults.append(ask.source.fault(ask.place, what))
            said[key] = (id_, ask)


def _topic(id_: str, draft: _Draft, known: set[str]) -> Topic:
    entry, reviewed = draft.entry, draft.reviewed
    assert entry.title  # noqa: S101 (checked above: a fault otherwise)
    assert entry.answer  # noqa: S101
    assert reviewed  # noqa: S101
    file, line = draft.answer_source.at(("topics", draft.answer_place, "answer"))
    return Topic(
        id=id_,
        area=draft.area,
        title=entry.title,
        asks=tuple(ask.line for ask in draft.asks),
        own_asks=frozenset(ask.line for ask in draft.asks if ask.own),
        answer=entry.answer.strip(),
        sources=entry.sources or (),
        follow_ups=tuple(wanted for wanted in entry.follow_ups or () if wanted in known),
        held=draft.held,
        reviewed_by=reviewed.by,
        reviewed_on=reviewed.on,
        where=f"{file}:{line}",
    )
