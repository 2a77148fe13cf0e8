"""`red_flags.yaml` into a `Ruleset`: its shape, its faults in plain words, a clinic's additions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.content.files import Reviewed
from bot.domain.text import words
from bot.domain.triage import Filter, Finding, Reach, RedFlag, Rule, Ruleset, Urgency, findings

Phrase = Annotated[str, Field(min_length=1, max_length=200)]
Phrases = tuple[Phrase, ...]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]

_REFERENCE = re.compile(r"@(\w+)")
_SAY_MAX = 600


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DenialWords(_Part):
    """Words that deny what follows, and how far they reach. See the comments of `faq/en/red_flags.yaml`."""

    no_words: Phrases = ()
    no_bridge: Phrases = ()
    not_words: Phrases = ()
    not_bridge: Phrases = ()
    exceptions: Phrases = ()
    undone: Phrases = ()
    after: Phrases = ()
    joins: Phrases = ()
    near: Phrases = ()
    complaints: Phrases = ()
    fresh: Phrases = ()


class QuestionWords(_Part):
    """Words that open a question about what might happen."""

    openers: Phrases = ()
    exceptions: Phrases = ()
    is_: Phrases = Field(default=(), alias="is")
    after: Phrases = ()
    mine: Phrases = ()
    owned: Phrases = ()


class OpenerWords(_Part):
    """Words that open something, and longer phrases that contain them and do not."""

    words: Phrases = ()
    exceptions: Phrases = ()


class PastWords(_Part):
    """Words that put a sign into the past, and words that bring it back."""

    words: Phrases = ()
    undone: Phrases = ()


class ContextWords(_Part):
    """The words of the filters: what takes a sign back."""

    turns: Phrases = ()
    divides: Phrases = ()
    idioms: Phrases = ()
    denial: DenialWords = DenialWords()
    question: QuestionWords = QuestionWords()
    supposed: OpenerWords = OpenerWords()
    present: OpenerWords = OpenerWords()
    past: PastWords = PastWords()

    def cues(self) -> dict[str, Phrases]:
        """Return the word lists under the names that `bot.domain.triage_filters.CUES` gives them."""
        denial, question = self.denial, self.question
        return {
            "turns": self.turns,
            "divides": self.divides,
            "idioms": self.idioms,
            "denial.no": denial.no_words,
            "denial.no_bridge": denial.no_bridge,
            "denial.not": denial.not_words,
            "denial.not_bridge": denial.not_bridge,
            "denial.except": denial.exceptions,
            "denial.undone": denial.undone,
            "denial.after": denial.after,
            "denial.joins": denial.joins,
            "denial.near": denial.near,
            "denial.complaints": denial.complaints,
            "denial.fresh": denial.fresh,
            "question.openers": question.openers,
            "question.except": question.exceptions,
            "question.is": question.is_,
            "question.after": question.after,
            "question.mine": question.mine,
            "question.owned": question.owned,
            "supposed.openers": self.supposed.words,
            "supposed.except": self.supposed.exceptions,
            "present": self.present.words,
            "present.except": self.present.exceptions,
            "past.words": self.past.words,
            "past.undone": self.past.undone,
        }


class RuleEntry(_Part):
    """One rule: `any` of some phrases, or one phrase of each of `all` lists, near each other."""

    any: Phrases = ()
    all: tuple[Phrases, ...] = ()
    within: int = Field(default=6, ge=0, le=60)
    in_order: bool = False
    across: Reach = Reach.SENTENCE
    unless: Phrases = ()
    ignores: tuple[Filter, ...] = ()
    urgency: Urgency | None = None

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        """Take a bare list as `any`, and a single phrase as a list of one."""
        if isinstance(value, str | list | tuple):
            value = {"any": value}
        if isinstance(value, dict):
            value = dict(value)
            for key in ("any", "unless", "ignores"):
                if isinstance(value.get(key), str):
                    value[key] = [value[key]]
            if isinstance(value.get("all"), list | tuple):
                value["all"] = [[part] if isinstance(part, str) else part for part in value["all"]]
        return value

    def parts(self) -> tuple[Phrases, ...]:
        """Return the parts that must all occur."""
        return ((self.any,) if self.any else ()) + self.all


class RedFlagEntry(_Part):
    """One red flag in one language. In an overlay every part may be left out."""

    title: Annotated[str, Field(max_length=60)] = ""
    say: str = ""
    rules: dict[Name, RuleEntry] = {}
    examples: tuple[str, ...] = ()
    not_: tuple[str, ...] = Field(default=(), alias="not")


class RedFlagsFile(_Part):
    """The whole of a `red_flags.yaml`, or of a clinic's overlay of the same shape."""

    reviewed: Reviewed | None = None
    fillers: Phrases = ()
    forgiven: Phrases = ()
    never_slips: Phrases = ()
    groups: dict[Name, Phrases] = {}
    context: ContextWords = ContextWords()
    red_flags: dict[Name, RedFlagEntry] = {}


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


def build_ruleset(data: RedFlagsFile, urgencies: Mapping[str, Urgency]) -> Ruleset:
    """Compile *data* and try its own examples on it. *urgencies*: every red flag of outline.yaml.

    Raises:
        ValueError: one line per fault, in plain words.
    """
    faults = [*_shape_faults(data, urgencies)]
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
    faults = [*_example_faults(data, urgencies, ruleset)]
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
        for line in entry.not_:
            own = _of(id_, findings(line, rules))
            if own:
                because = " ".join(own.because)
                yield f"red flag '{id_}': rule '{own.rule}' finds '{line}', which it must not (because of: {because})"


def _of(id_: str, found: tuple[Finding, ...]) -> Finding | None:
    return next((finding for finding in found if finding.red_flag == id_), None)
