"""`red_flags.yaml` into a `Ruleset`: its shape, its faults in plain words, a clinic's additions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from bot.content.context_words import ContextWords, Part, Phrases
from bot.content.files import Reviewed
from bot.domain.text import words
from bot.domain.triage import (
    Circumstances,
    Filter,
    Finding,
    Reach,
    RedFlag,
    Rule,
    Ruleset,
    Urgency,
    findings,
)

Hours = Annotated[float, Field(ge=0, le=10_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]

_REFERENCE = re.compile(r"@(\w+)")
_SAY_MAX = 600


class RuleEntry(Part):
    """One rule: `any` of some phrases, or one phrase of each of `all` lists, near each other.

    `treated` and `hours` bind it to a place and a time; its own `examples` are then tried there and then.
    """

    any: Phrases = ()
    all: tuple[Phrases, ...] = ()
    within: int = Field(default=6, ge=0, le=60)
    in_order: bool = False
    across: Reach = Reach.SENTENCE
    unless: Phrases = ()
    ignores: tuple[Filter, ...] = ()
    urgency: Urgency | None = None
    treated: tuple[Name, ...] = ()
    hours: Annotated[tuple[Hours | None, ...], Field(min_length=1, max_length=2)] | None = None
    examples: tuple[str, ...] = ()
    weak: bool = False

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        """Take a bare list as `any`, and a single phrase as a list of one."""
        if isinstance(value, str | list | tuple):
            value = {"any": value}
        if isinstance(value, dict):
            value = dict(value)
            for key in ("any", "unless", "ignores", "treated"):
                if isinstance(value.get(key), str):
                    value[key] = [value[key]]
            if isinstance(value.get("all"), list | tuple):
                value["all"] = [[part] if isinstance(part, str) else part for part in value["all"]]
        return value

    def parts(self) -> tuple[Phrases, ...]:
        """Return the parts that must all occur."""
        return ((self.any,) if self.any else ()) + self.all

    def period(self) -> tuple[float, float | None] | None:
        """Return from how many hours after the treatment to how many the rule applies; None: always."""
        if self.hours is None:
            return None
        since, until = (*self.hours, None)[:2]
        return since or 0.0, until

    def circumstances(self) -> Circumstances:
        """Return circumstances in which the rule applies."""
        period = self.period()
        return Circumstances(regions=frozenset(self.treated), hours=period[0] if period else None)


class RedFlagEntry(Part):
    """One red flag in one language. In an overlay every part may be left out."""

    title: Annotated[str, Field(max_length=60)] = ""
    say: str = ""
    rules: dict[Name, RuleEntry] = Field(default_factory=dict)
    examples: tuple[str, ...] = ()
    not_: tuple[str, ...] = Field(default=(), alias="not")


class RedFlagsFile(Part):
    """The whole of a `red_flags.yaml`, or of a clinic's overlay of the same shape."""

    reviewed: Reviewed | None = None
    fillers: Phrases = ()
    forgiven: Phrases = ()
    never_slips: Phrases = ()
    groups: dict[Name, Phrases] = Field(default_factory=dict)
    context: ContextWords = ContextWords()
    red_flags: dict[Name, RedFlagEntry] = Field(default_factory=dict)


def merge(base: RedFlagsFile, overlay: RedFlagsFile) -> RedFlagsFile:
    """Return *base* with a clinic's additions: words, rules, examples, red flags; `title` and `say` are replaced.

    Nothing is ever removed. A rule whose name is taken is added as `<name>_2`. The overlay's `context` is left
    out, and so is its `unless` of a rule of ours: they could make the bot overlook a sign.
    """
    groups = {name: _joined(base.groups.get(name, ()), words) for name, words in overlay.groups.items()}
    flags = {
        id_: _merged(base.red_flags[id_], entry) if id_ in base.red_flags else entry
        for id_, entry in overlay.red_flags.items()
    }
    return base.model_copy(
        update={
            "groups": {**base.groups, **groups},
            "red_flags": {**base.red_flags, **flags},
        }
    )


def with_words(data: RedFlagsFile, words: Mapping[str, Phrases]) -> RedFlagsFile:
    """Return *data* with the groups of the thesaurus that its phrases refer to; a group of its own counts before one."""
    used = set(_REFERENCE.findall(data.model_dump_json()))
    borrowed = {name: phrases for name, phrases in words.items() if name in used and name not in data.groups}
    return data.model_copy(update={"groups": {**borrowed, **data.groups}}) if borrowed else data


def build_ruleset(
    data: RedFlagsFile,
    urgencies: Mapping[str, Urgency],
    regions: Collection[str] | None = None,
    *,
    in_order: bool = False,
) -> Ruleset:
    """Check *data*, compile it and try its own examples on it; only compile it if it is known to be *in_order*.

    urgencies: every red flag of outline.yaml. regions: the places of plan.yaml, if they are to be checked.

    Raises:
        ValueError: one line per fault, in plain words.
    """
    faults = [] if in_order else [*_shape_faults(data, urgencies), *_place_faults(data, regions)]
    if faults:
        raise ValueError("\n".join(faults))
    ruleset = Ruleset.of(
        [_red_flag(id_, urgencies[id_], data.red_flags[id_]) for id_ in urgencies],
        groups=data.groups,
        context=data.context.cues(),
        fillers=data.fillers,
        forgiven=data.forgiven,
        never_slips=data.never_slips,
    )
    faults = [] if in_order else [*_example_faults(data, urgencies, ruleset)]
    if faults:
        raise ValueError("\n".join(faults))
    return ruleset


def _joined(first: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))


def _merged(base: RedFlagEntry, more: RedFlagEntry) -> RedFlagEntry:
    rules = dict(base.rules)
    for name, rule in more.rules.items():
        number, free = 2, name
        while free in rules:
            free, number = f"{name}_{number}", number + 1
        rules[free] = rule
    return base.model_copy(
        update={
            "title": more.title or base.title,
            "say": more.say or base.say,
            "rules": rules,
            "examples": _joined(base.examples, more.examples),
            "not_": _joined(base.not_, more.not_),
        }
    )


def _red_flag(id_: str, urgency: Urgency, entry: RedFlagEntry) -> RedFlag:
    return RedFlag(
        id=id_,
        urgency=urgency,
        rules=tuple(
            Rule(
                id=name,
                parts=rule.parts(),
                within=rule.within,
                in_order=rule.in_order,
                across=rule.across,
                unless=rule.unless,
                ignores=frozenset(rule.ignores),
                urgency=rule.urgency,
                treated=frozenset(rule.treated),
                hours=rule.period(),
                weak=rule.weak,
            )
            for name, rule in entry.rules.items()
        ),
    )


def _shape_faults(data: RedFlagsFile, urgencies: Mapping[str, Urgency]) -> Iterator[str]:
    for id_ in data.red_flags:
        if id_ not in urgencies:
            yield f"red flag '{id_}': outline.yaml does not know it; add it there, or correct the name"
    for id_ in urgencies:
        if id_ not in data.red_flags:
            yield f"red flag '{id_}' of outline.yaml has no words here; add title, say, rules and examples"
    for where, phrases in _phrases(data):
        for phrase in phrases:
            for name in _REFERENCE.findall(phrase):
                if name not in data.groups:
                    yield f"{where}: there is no group @{name}; add it under groups, or correct the name"
            if phrase.startswith("_") or not words(phrase):
                yield f"{where}: '{phrase}' does not start with a word"
    yield from _group_loops(data.groups)
    for id_, entry in data.red_flags.items():
        for field, text in (("title", entry.title), ("say", entry.say)):
            if not text.strip():
                yield f"red flag '{id_}' has no {field}"
        if len(entry.say) > _SAY_MAX:
            yield f"red flag '{id_}': say has {len(entry.say)} characters; shorten it to {_SAY_MAX}"
        if not entry.rules:
            yield f"red flag '{id_}' has no rules; nothing would ever find it"
        if not entry.examples:
            yield f"red flag '{id_}' has no examples; add sentences that patients write"
        for name, rule in entry.rules.items():
            if not rule.parts() or not all(rule.parts()):
                yield f"red flag '{id_}', rule '{name}': no words to look for; give it any or all"
            if rule.urgency and id_ in urgencies and rule.urgency < urgencies[id_]:
                yield f"red flag '{id_}', rule '{name}': urgency may be higher than '{urgencies[id_]}', not lower"


def _place_faults(data: RedFlagsFile, regions: Collection[str] | None) -> Iterator[str]:
    for id_, entry in data.red_flags.items():
        for name, rule in entry.rules.items():
            where = f"red flag '{id_}', rule '{name}'"
            bound = bool(rule.treated or rule.hours)
            for region in rule.treated:
                if regions is not None and region not in regions:
                    yield f"{where}: plan.yaml has no region '{region}'; correct the name, or add it there"
            period = rule.period()
            if period and period[1] is not None and period[1] <= period[0]:
                yield f"{where}: hours must run from the smaller number to the larger"
            if bound and not rule.examples:
                yield f"{where}: it has treated or hours, so give it examples of its own"
            if rule.examples and not bound:
                yield f"{where}: it has no treated and no hours; its examples belong to the red flag"


def _phrases(data: RedFlagsFile) -> Iterator[tuple[str, Phrases]]:
    for name, phrases in data.groups.items():
        yield f"group '{name}'", phrases
    for name, phrases in data.context.cues().items():
        yield f"context '{name}'", phrases
    for id_, entry in data.red_flags.items():
        for name, rule in entry.rules.items():
            for part in (*rule.parts(), rule.unless):
                yield f"red flag '{id_}', rule '{name}'", part


def _group_loops(groups: Mapping[str, Phrases]) -> Iterator[str]:
    uses = {name: set(_REFERENCE.findall(" ".join(phrases))) for name, phrases in groups.items()}
    for name in groups:
        reached, todo = set[str](), set(uses[name])
        while todo:
            reached |= todo
            todo = {inner for outer in todo for inner in uses.get(outer, ())} - reached
        if name in reached:
            yield f"group '{name}' contains itself"


def _example_faults(data: RedFlagsFile, urgencies: Mapping[str, Urgency], rules: Ruleset) -> Iterator[str]:
    for id_, entry in data.red_flags.items():
        for example in entry.examples:
            found = findings(example, rules)
            own = _of(id_, found)
            if own is None:
                others = ", ".join(finding.red_flag for finding in found) or "nothing"
                yield f"red flag '{id_}': its rules do not find the example '{example}' (found: {others})"
            elif own.urgency < urgencies[id_]:
                yield f"red flag '{id_}': the example '{example}' is found as '{own.urgency}' only"
        for name, rule in entry.rules.items():
            for example in rule.examples:
                found = findings(example, rules, rule.circumstances())
                own = _of(id_, found)
                if own is None or own.urgency < (rule.urgency or urgencies[id_]):
                    yield f"red flag '{id_}', rule '{name}': it does not find its example '{example}'"
        for line in entry.not_:
            own = _of(id_, findings(line, rules))
            if own and not own.weak:
                because = " ".join(own.because)
                yield f"red flag '{id_}': rule '{own.rule}' finds '{line}', which it must not (because of: {because})"


def _of(id_: str, found: tuple[Finding, ...]) -> Finding | None:
    return next((finding for finding in found if finding.red_flag == id_), None)
