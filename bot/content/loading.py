"""Loading `faq/` and a clinic's overlay into a `Library`; all faults are collected, then shown together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from bot.content import library as shelf
from bot.content.files import (
    CheckInsFile,
    Outline,
    PhrasesFile,
    PlacesFile,
    PlanFile,
    SmallTalkFile,
    Sources,
    TellingsFile,
    UnrelatedFile,
    WordsFile,
)
from bot.content.red_flags import RedFlagsFile, build_ruleset, with_words
from bot.content.red_flags import merge as merge_red_flags
from bot.content.settings import VARIABLES, Settings
from bot.content.shelving import Words, shelve
from bot.content.topics import read_topics
from bot.content.tried import Tried
from bot.content.yaml_source import Fault, Faults, Source, read
from bot.domain.message import variables_of
from bot.domain.plan import Option, Plan, Plans, Question, Step
from bot.domain.triage import Urgency

F = TypeVar("F", bound=BaseModel)

#: How `build_ruleset` begins a fault that belongs to one red flag.
_NAMED_FLAG = re.compile(r"red flag '([^']+)'")


def faq_folder() -> Path:
    """Return the supplied content: `faq/` beside the checkout's `bot/`, or the copy inside the wheel."""
    beside = Path(__file__).resolve().parents[2] / "faq"
    return beside if beside.is_dir() else Path(str(resources.files("bot"))) / "_faq"


def load_library(
    settings: Settings, folder: Path | None = None, *, cache: Path | None = None
) -> shelf.Library:
    """Load every language that *settings* names; raise `Faults` with all that is wrong in any file.

    cache: where it is noted that the red flags' examples have been tried; without it they are tried each time.
    """
    reader = _Reader(folder or faq_folder(), settings.content.overlay, cache)
    return reader.library(settings.content.languages)


class _Reader:
    """Reads one content folder and its overlay, and gathers the faults on the way."""

    def __init__(self, folder: Path, overlay: Path | None, cache: Path | None) -> None:
        self.folder = folder
        self.cache = cache
        self.overlay = overlay
        self.faults: list[Fault] = []
        self._read: dict[Path, Source] = {}
        if overlay is not None and not overlay.is_dir():
            what = "the overlay folder of the settings is not there; correct content.overlay"
            self.faults.append(Fault(file=str(overlay), line=1, where="", what=what))
            self.overlay = None

    def library(self, codes: tuple[str, ...]) -> shelf.Library:
        """Read all files, or raise `Faults`."""
        outline = self._once(self.folder / "outline.yaml", "outline.yaml").read_as(Outline)
        sources = self._file("sources.yaml", Sources)
        plan = self._file("plan.yaml", PlanFile, own="replaces")
        urgencies = self._urgencies(outline)
        plans = self._plans(plan, urgencies) if plan else None
        languages = {}
        for code in codes:
            language = self._language(code, outline, sources, plans, urgencies)
            if language:
                languages[code] = language
        if sources:
            source = self._source("sources.yaml")
            for id_, reference in sources.sources.items():
                self._check_variables(source, ("sources", id_), reference)
        if self.faults or sources is None or plans is None or not languages:
            raise Faults(self.faults)
        return shelf.Library(
            languages=languages, plans=plans, urgencies=urgencies, sources=dict(sources.sources)
        )

    def _own_file(self, name: str) -> Path | None:
        own = self.overlay / name if self.overlay else None
        return own if own and own.is_file() else None

    def _once(self, path: Path, name: str | None = None) -> Source:
        """Read a file, or return it as it was read before."""
        if path not in self._read:
            self._read[path] = read(path, name) if name else read(path)
        return self._read[path]

    def _source(self, name: str, own: str = "extends") -> Source:
        """Read a supplied file with the clinic's own file of that name on top, or that alone where we have none."""
        overlay = self._own_file(name)
        if overlay and not (self.folder / name).is_file():
            return self._once(overlay)
        source = self._once(self.folder / name, name)
        return source.overlaid(self._once(overlay), extend=own == "extends") if overlay else source

    def _file(self, name: str, model: type[F], own: str = "extends") -> F | None:
        try:
            return self._source(name, own).read_as(model)
        except Faults as error:
            self.faults.extend(error.faults)
            return None

    def _optional(self, name: str, model: type[F]) -> F:
        """Read a file that may be missing, or its overlay, or both."""
        if self._own_file(name) is None and not (self.folder / name).is_file():
            return model()
        return self._file(name, model) or model()

    def _urgencies(self, outline: Outline) -> dict[str, Urgency]:
        """Return the urgency of each red flag; an overlay may add some or make one more urgent, never softer."""
        urgencies = dict(outline.red_flags)
        own = self._own_file("outline.yaml")
        if not own:
            return urgencies
        try:
            source = read(own)
            extra = source.read_as(Outline)
        except Faults as error:
            self.faults.extend(error.faults)
            return urgencies
        for id_, urgency in extra.red_flags.items():
            if id_ in urgencies and urgency < urgencies[id_]:
                what = f"a red flag may be made more urgent, never less: it is '{urgencies[id_]}'"
                self.faults.append(source.fault(("red_flags", id_), what))
            urgencies[id_] = max(urgency, urgencies.get(id_, urgency))
        return urgencies

    def _plans(self, plan: PlanFile, urgencies: Mapping[str, Urgency]) -> Plans:
        source = self._source("plan.yaml", own="replaces")
        questions = {
            id_: Question(
                id=id_,
                scale_to=entry.scale_to,
                options=tuple(Option(**option.model_dump()) for option in entry.options),
            )
            for id_, entry in plan.questions.items()
        }
        for id_, question in questions.items():
            for option in question.options:
                if option.red_flag and option.red_flag not in urgencies:
                    what = f"'{option.red_flag}' is no red flag of outline.yaml"
                    self.faults.append(source.fault(("questions", id_), what))
            if question.scale_to is not None and min(o.at_least for o in question.options) > 0:
                self.faults.append(
                    source.fault(("questions", id_), "the lowest band must start with at_least: 0")
                )
        plans = {}
        for id_, entry in plan.plans.items():
            ids = [step.id for step in entry.steps]
            for number, step in enumerate(entry.steps):
                if step.id in ids[:number]:
                    place = ("plans", id_, "steps", number)
                    self.faults.append(source.fault(place, f"the step '{step.id}' stands here twice"))
                for asked in step.questions:
                    if asked not in questions:
                        place = ("plans", id_, "steps", number)
                        self.faults.append(source.fault(place, f"'{asked}' is no question of this file"))
            steps = sorted((Step(**step.model_dump()) for step in entry.steps), key=lambda step: step.after)
            plans[id_] = Plan(id=id_, steps=tuple(steps))
        asked_for: list[tuple[tuple[str, ...], str]] = [
            (("regions", region), wanted) for region, wanted in plan.regions.items()
        ]
        for where, wanted in [*asked_for, (("default",), plan.default)]:
            if wanted not in plans:
                self.faults.append(source.fault(where, f"'{wanted}' is no plan of this file"))
        self._never_softer(plan, urgencies, source)
        return Plans(plans=plans, questions=questions, regions=dict(plan.regions), default=plan.default)

    def _never_softer(self, plan: PlanFile, urgencies: Mapping[str, Urgency], source: Source) -> None:
        """Refuse a clinic's plan in which an answer that is a red flag of ours is none, or less urgent."""
        supplied = self._once(self.folder / "plan.yaml", "plan.yaml").read_as(PlanFile)
        for id_, question in supplied.questions.items():
            own = plan.questions.get(id_)
            for option in question.options if own else ():
                flag = option.red_flag
                kept = [o for o in own.options if o.id == option.id] if own else []
                if flag is None:
                    continue
                softer = not kept or kept[0].at_least > option.at_least
                now = urgencies.get(kept[0].red_flag or "") if kept else None
                if softer or now is None or now < urgencies[flag]:
                    what = f"the answer '{option.id}' is the red flag '{flag}' and must stay one"
                    self.faults.append(source.fault(("questions", id_), what))

    def _language(
        self,
        code: str,
        outline: Outline,
        sources: Sources | None,
        plans: Plans | None,
        urgencies: Mapping[str, Urgency],
    ) -> shelf.Language | None:
        if not (self.folder / code).is_dir():
            what = (
                f"there are no words for the language '{code}'; correct content.languages or add the folder"
            )
            self.faults.append(Fault(file=f"{code}/", line=1, where="", what=what))
            return None
        topics, topic_faults = read_topics(
            self.folder / code, self.overlay / code if self.overlay else None, outline, sources
        )
        self.faults.extend(topic_faults)
        check_ins = self._file(f"{code}/check_ins.yaml", CheckInsFile)
        phrases = self._file(f"{code}/phrases.yaml", PhrasesFile)
        talk = self._file(f"{code}/small_talk.yaml", SmallTalkFile)
        synonyms = self._optional(f"{code}/words.yaml", WordsFile)
        unrelated = self._optional(f"{code}/unrelated.yaml", UnrelatedFile)
        tellings = self._optional(f"{code}/tellings.yaml", TellingsFile)
        places = self._optional(f"{code}/places.yaml", PlacesFile)
        flags = self._red_flags(code)
        if check_ins is None or phrases is None or flags is None or plans is None or talk is None:
            return None
        self._check_check_ins(code, check_ins, plans)
        self._check_phrases(code, phrases, outline)
        for id_, kind in talk.small_talk.items():
            self._check_variables(self._source(f"{code}/small_talk.yaml"), ("small_talk", id_), kind.reply)
        self._check_red_flag_words(code, flags)
        flags = with_words(flags, synonyms.words)
        try:
            tried = Tried(self.cache, flags, urgencies, plans.regions)
            rules = build_ruleset(flags, urgencies, plans.regions, in_order=tried.before)
            tried.remember()
        except ValueError as error:
            source = self._source(f"{code}/red_flags.yaml")
            for line in str(error).splitlines():
                named = _NAMED_FLAG.match(line)
                self.faults.append(source.fault(("red_flags", named[1]) if named else (), line))
            return None
        for id_ in sorted(set(tellings.reports) - set(flags.red_flags)):
            source = self._source(f"{code}/tellings.yaml")
            self.faults.append(source.fault(("reports", id_), "no such red flag; correct the name"))
        words = synonyms.words, unrelated.unrelated, tellings, places
        return shelve(code, Words(topics, rules, flags, check_ins, phrases, talk, *words))

    def _red_flags(self, code: str) -> RedFlagsFile | None:
        """Read the red flags; an overlay's are merged by rules of their own: nothing can be taken away."""
        name = f"{code}/red_flags.yaml"
        try:
            flags = self._once(self.folder / name, name).read_as(RedFlagsFile)
            own = self._own_file(name)
            return merge_red_flags(flags, read(own).read_as(RedFlagsFile)) if own else flags
        except Faults as error:
            self.faults.extend(error.faults)
            return None

    def _check_check_ins(self, code: str, words: CheckInsFile, plans: Plans) -> None:
        source = self._source(f"{code}/check_ins.yaml")

        def expect(place: tuple[str, ...], have: Mapping[str, object], wanted: set[str]) -> None:
            for id_ in sorted(wanted - set(have)):
                self.faults.append(source.fault(place, f"'{id_}' of plan.yaml has no words here; add it"))
            for id_ in sorted(set(have) - wanted):
                self.faults.append(source.fault((*place, id_), "plan.yaml has no such id; remove it"))

        steps = {step.id for plan in plans.plans.values() for step in plan.steps}
        expect(("steps",), words.steps, steps)
        expect(("regions",), words.regions, set(plans.regions))
        expect(("plans",), words.plans, set(plans.plans))
        expect(("questions",), words.questions, set(plans.questions))
        for id_, step in words.steps.items():
            self._check_variables(source, ("steps", id_), step.normal, step.title)
        for id_, spoken in words.questions.items():
            self._check_variables(
                source, ("questions", id_), spoken.ask, spoken.name, *spoken.options.values()
            )
            question = plans.questions.get(id_)
            if question is None:
                continue
            if question.scale_to is None:
                expect(("questions", id_, "options"), spoken.options, set(question.values()))
            for value in set(spoken.typed) - set(question.values()):
                self.faults.append(
                    source.fault(("questions", id_, "typed", value), "no such answer; remove it")
                )
            for option, advice in spoken.advice.items():
                if option not in {o.id for o in question.options}:
                    self.faults.append(
                        source.fault(("questions", id_, "advice", option), "no such answer; remove it")
                    )
                self._check_variables(source, ("questions", id_, "advice", option), advice)

    def _check_phrases(self, code: str, words: PhrasesFile, outline: Outline) -> None:
        source = self._source(f"{code}/phrases.yaml")
        for area in outline.areas:
            if area.id not in words.areas:
                self.faults.append(source.fault(("areas",), f"'{area.id}' has no name; add it"))
        for id_, name in words.areas.items():
            self._check_variables(source, ("areas", id_), name)
        reference = self.folder / "en" / "phrases.yaml"
        if reference.is_file():
            wanted = self._once(reference, "en/phrases.yaml").read_as(PhrasesFile).phrases
            for key in sorted(set(wanted) - set(words.phrases)):
                self.faults.append(
                    source.fault(("phrases",), f"'{key}' of en/phrases.yaml is missing; add it")
                )
            for key in sorted(set(words.phrases) - set(wanted)):
                self.faults.append(source.fault(("phrases", key), "en/phrases.yaml has no such phrase"))
            for key in set(wanted) & set(words.phrases):
                for name in sorted(variables_of(words.phrases[key]) - variables_of(wanted[key]) - VARIABLES):
                    what = f"{{{name}}} is not available in this phrase; remove it"
                    self.faults.append(source.fault(("phrases", key), what))

    def _check_red_flag_words(self, code: str, flags: RedFlagsFile) -> None:
        source = self._source(f"{code}/red_flags.yaml")
        for id_, entry in flags.red_flags.items():
            self._check_variables(source, ("red_flags", id_), entry.say, entry.title)

    def _check_variables(self, source: Source, place: tuple[str, ...], *templates: str) -> None:
        for name in sorted(frozenset[str]().union(*map(variables_of, templates)) - VARIABLES):
            what = f"{{{name}}} is no variable; there are {', '.join(sorted(VARIABLES))}"
            self.faults.append(source.fault(place, what))
