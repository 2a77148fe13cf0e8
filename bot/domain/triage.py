"""Red flags: reading every message for signs that must be acted on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.triage_filters import CUES, Context, Filter
from bot.domain.triage_words import Heard, Lexicon, Search, Span

__all__ = [
    "Circumstances",
    "Filter",
    "Finding",
    "Reach",
    "RedFlag",
    "Rule",
    "Ruleset",
    "Urgency",
    "doubts",
    "findings",
    "triage",
]

_LONGEST_PHRASE = 16


class Urgency(StrEnum):
    """How soon something must be done. Ordered: the more urgent is the greater."""

    ROUTINE = "routine"
    SAME_DAY = "same_day"
    EMERGENCY = "emergency"

    @property
    def rank(self) -> int:
        """Return 0 for routine up to 2 for emergency."""
        return tuple(Urgency).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Urgency(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Urgency(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Urgency(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Urgency(other).rank


class Reach(StrEnum):
    """How far apart the parts of a rule may stand: in one clause, one sentence (up to a "but"), or anywhere."""

    CLAUSE = "clause"
    SENTENCE = "sentence"
    MESSAGE = "message"


@dataclass(frozen=True)
class Circumstances:
    """What is known about the patient's treatment: where the needles went, and how many hours ago (None: unknown).

    Knowing more never takes a sign back: it only lets rules apply that ask for a place or a time.
    """

    regions: frozenset[str] = frozenset()
    hours: float | None = None


UNKNOWN = Circumstances()
"""Nothing is known about the treatment."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One way to tell a sign.

    parts: each part is a set of phrases of which one must occur; all parts must. Phrases as in `Lexicon.of`.
    within: how many other words may stand between a part and the parts before it.
    in_order: whether the parts must follow each other as listed.
    across: what the parts may be spread over (a fever here, a stiff neck there).
    unless: phrases that show that it is harmless ("when I press"), in the same sentence up to a "but", or anywhere
    if *across* is the message.
    ignores: filters that do not apply to this rule.
    urgency: higher than the red flag's own, or None.
    treated: the rule applies only if one of these places was treated; empty: wherever it was.
    hours: the rule applies only from so many hours after the treatment up to so many (None: open); None: always.
    weak: its words may well mean something else: a finding counts only if something else speaks for it, too.
    """

    id: str
    parts: tuple[tuple[str, ...], ...]
    within: int = 6
    in_order: bool = False
    across: Reach = Reach.SENTENCE
    unless: tuple[str, ...] = ()
    ignores: frozenset[Filter] = frozenset()
    urgency: Urgency | None = None
    treated: frozenset[str] = frozenset()
    hours: tuple[float, float | None] | None = None
    weak: bool = False

    def applies(self, circumstances: Circumstances) -> bool:
        """Return whether the place and the time that the rule asks for are known to be so."""
        if self.treated and self.treated.isdisjoint(circumstances.regions):
            return False
        if self.hours is None:
            return True
        since, until = self.hours
        hours = circumstances.hours
        return hours is not None and since <= hours and (until is None or hours <= until)


@dataclass(frozen=True, kw_only=True)
class RedFlag:
    """A sign that must be acted on, and the rules that recognise it."""

    id: str
    urgency: Urgency
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A red flag found in a message. because: the patient's words, as normalised, that led to it, run by run.

    weak: the rule that found it is a weak one.
    """

    red_flag: str
    urgency: Urgency
    rule: str
    because: tuple[str, ...]
    weak: bool = False


@dataclass(frozen=True)
class _Ready:
    rule: Rule
    red_flag: str
    urgency: Urgency
    parts: tuple[str, ...]  # the name of the lexicon's group for each part
    unless: str | None


@dataclass(frozen=True)
class Ruleset:
    """Compiled rules. Build it once with `Ruleset.of`; reading a message takes well under 2 ms."""

    _lexicon: Lexicon = field(repr=False)
    _ready: tuple[_Ready, ...] = field(repr=False)
    _by_word: Mapping[str, tuple[tuple[int, int], ...]] = field(repr=False)

    @classmethod
    def of(
        cls,
        red_flags: Iterable[RedFlag],
        *,
        groups: Mapping[str, Iterable[str]] | None = None,
        context: Mapping[str, Iterable[str]] | None = None,
        fillers: Iterable[str] = (),
        forgiven: Iterable[str] = (),
        never_slips: Iterable[str] = (),
    ) -> Ruleset:
        """Compile *red_flags*, in order of precedence among equals.

        groups: name → phrases, used as `@name`. context: a name of `CUES` → phrases. fillers, forgiven and
        never_slips: see `Lexicon.of`.

        Raises:
            ValueError: a group is missing or contains itself; one line per fault.
        """
        phrases = {name: tuple(listed) for name, listed in (groups or {}).items()}
        phrases |= {f"context.{cue}": tuple((context or {}).get(cue, ())) for cue in CUES}
        ready = []
        for flag in red_flags:
            for rule in flag.rules:
                names = tuple(f"{flag.id}.{rule.id}.{number}" for number in range(len(rule.parts)))
                phrases |= dict(zip(names, rule.parts, strict=True))
                unless = f"{flag.id}.{rule.id}.unless" if rule.unless else None
                if unless:
                    phrases[unless] = rule.unless
                urgency = max(flag.urgency, rule.urgency or flag.urgency)
                ready.append(_Ready(rule, flag.id, urgency, names, unless))
        lexicon = Lexicon.of(phrases, fillers, forgiven, never_slips)
        by_word: dict[str, list[tuple[int, int]]] = {}
        for index, entry in enumerate(ready):
            for number, name in enumerate(entry.parts):
                for word in lexicon.anchors(name):
                    by_word.setdefault(word, []).append((index, number))
        return cls(lexicon, tuple(ready), {word: tuple(listed) for word, listed in by_word.items()})

    def _candidates(self, heard: Heard) -> Iterator[_Ready]:
        """Yield the rules of which every part can stand in the message, by the rarest word of each phrase."""
        present: dict[int, set[int]] = {}
        for key in {key for keys in heard.keys for key in keys}:
            for index, number in self._by_word.get(key, ()):
                present.setdefault(index, set()).add(number)
        for index in sorted(present):
            if len(present[index]) == len(self._ready[index].parts):
                yield self._ready[index]

    def read(self, text: str, circumstances: Circumstances = UNKNOWN) -> tuple[list[Finding], list[Finding]]:
        """Return what *text* reports, and what it only asks about or supposes, in the order of the rules."""
        search = Search(self._lexicon, self._lexicon.hear(text))
        context = Context(search)
        reported: list[Finding] = []
        asked: list[Finding] = []
        for ready in self._candidates(search.heard):
            match = _find(ready, search, context) if ready.rule.applies(circumstances) else None
            if match:
                positions, only_asked = match
                finding = Finding(
                    red_flag=ready.red_flag,
                    urgency=ready.urgency,
                    rule=ready.rule.id,
                    because=_runs(positions, search.heard.words),
                    weak=ready.rule.weak,
                )
                (asked if only_asked else reported).append(finding)
        return reported, asked


def triage(text: str, ruleset: Ruleset, circumstances: Circumstances = UNKNOWN) -> Finding | None:
    """Return the most urgent red flag that *text* reports, or None."""
    return next(iter(findings(text, ruleset, circumstances)), None)


def findings(text: str, ruleset: Ruleset, circumstances: Circumstances = UNKNOWN) -> tuple[Finding, ...]:
    """Return every red flag that *text* reports, each once with its most urgent rule; the most urgent first."""
    return _most_urgent_first(ruleset.read(text, circumstances)[0])


def doubts(text: str, ruleset: Ruleset, circumstances: Circumstances = UNKNOWN) -> tuple[Finding, ...]:
    """Return the red flags that *text* only asks about or supposes, and does not report.

    "Is chest pain a side effect?", "if I get chest pain …": answer the question, and add what to do if the
    patient has this now.
    """
    reported, asked = ruleset.read(text, circumstances)
    known = {finding.red_flag for finding in reported}
    return _most_urgent_first(finding for finding in asked if finding.red_flag not in known)


def _most_urgent_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    best: dict[str, Finding] = {}
    for finding in found:
        if finding.red_flag not in best or _weight(finding) > _weight(best[finding.red_flag]):
            best[finding.red_flag] = finding
    return tuple(sorted(best.values(), key=_weight, reverse=True))


def _weight(finding: Finding) -> tuple[int, bool]:
    return finding.urgency.rank, not finding.weak


def _runs(positions: list[int], words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words at *positions*; neighbours stand together."""
    runs: list[list[str]] = []
    for number, at in enumerate(positions):
        if number and at == positions[number - 1] + 1:
            runs[-1].append(words[at])
        else:
            runs.append([words[at]])
    return tuple(" ".join(run) for run in runs)


def _find(ready: _Ready, search: Search, context: Context) -> tuple[list[int], bool] | None:
    """Return the words that fulfil a rule and whether they are only asked about; None if nothing counts."""
    ignores = ready.rule.ignores
    asked: list[int] | None = None
    for spans in _combinations(ready, search, context):
        positions = sorted({at for span in spans for at in range(*span)})
        owned = frozenset(positions)
        hull = (positions[0], positions[-1] + 1)
        if Filter.IDIOM not in ignores and any(map(context.is_idiom, spans)):
            continue
        if Filter.DENIAL not in ignores and any(context.is_denied(span, owned) for span in spans):
            continue
        if Filter.PAST not in ignores and any(map(context.is_past, spans)):
            continue
        if ready.unless and _harmless(ready, hull, search, context):
            continue
        first = min(spans)
        is_question = Filter.QUESTION not in ignores and context.is_asked((first[0], hull[1]))
        if context.is_owned:
            return positions, False
        if not is_question and (Filter.SUPPOSED in ignores or not context.is_supposed(first)):
            return positions, False
        asked = asked or positions
    return (asked, True) if asked else None


def _combinations(ready: _Ready, search: Search, context: Context) -> Iterator[tuple[Span, ...]]:
    """Yield one span per part, near each other as the rule demands."""
    found: list[tuple[Span, ...]] = []
    for name in ready.parts:
        spans = search.spans(name)
        if not spans:
            return
        found.append(spans)
    for span in found[0]:
        yield from _extended((span,), found[1:], ready.rule, context)


def _extended(
    chosen: tuple[Span, ...], rest: list[tuple[Span, ...]], rule: Rule, context: Context
) -> Iterator[tuple[Span, ...]]:
    if not rest:
        yield chosen
        return
    low, high = min(start for start, _ in chosen), max(end for _, end in chosen)
    first = bisect_left(rest[0], (high if rule.in_order else low - rule.within - _LONGEST_PHRASE, 0))
    for span in rest[0][first:]:
        start, end = span
        if start > high + rule.within:
            break
        if end <= low - rule.within or any(start < b and a < end for a, b in chosen):
            continue
        hull = min(low, start), max(high, end)
        if _reaches(rule.across, hull, context):
            yield from _extended((*chosen, span), rest[1:], rule, context)


def _reaches(across: Reach, hull: Span, context: Context) -> bool:
    if across is Reach.MESSAGE:
        return True
    return not context.crosses_turn(*hull) and (across is Reach.SENTENCE or context.same_clause(*hull))


def _harmless(ready: _Ready, hull: Span, search: Search, context: Context) -> bool:
    """Return whether an `unless` stands in the same statement, or anywhere for a rule about the whole message."""
    anywhere = ready.rule.across is Reach.MESSAGE
    return any(
        (anywhere or not context.crosses_turn(min(start, hull[0]), max(end, hull[1])))
        and not context.is_denied((start, end), frozenset(range(start, end)))
        for start, end in search.spans(ready.unless or "")
    )
