"""What takes a sign back: denied, only asked about, only supposed, long past, a way of speaking."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property

from bot.domain.triage_words import Search, Span

CUES = (
    "turns",
    "divides",
    "idioms",
    "denial.no",
    "denial.no_bridge",
    "denial.not",
    "denial.not_bridge",
    "denial.except",
    "denial.undone",
    "denial.after",
    "denial.joins",
    "denial.near",
    "denial.complaints",
    "denial.fresh",
    "question.openers",
    "question.except",
    "question.is",
    "question.after",
    "question.mine",
    "question.owned",
    "supposed.openers",
    "supposed.except",
    "present",
    "present.except",
    "past.words",
    "past.undone",
)
"""The word lists of the filters; each is a group of the lexicon, named as here with `context.` in front."""

_BARE = 3  # words of "chest pain" in "no fever and chest pain"; a longer rest is a new statement


class Filter(StrEnum):
    """A reason why words of a sign do not count as one; a rule can switch each of them off."""

    DENIAL = "denial"
    QUESTION = "question"
    SUPPOSED = "supposed"
    PAST = "past"
    IDIOM = "idiom"


class Context:
    """What surrounds the signs of one message."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._heard = search.heard
        self._size = len(search.heard.words)
        self._position_cache: dict[str, frozenset[int]] = {}
        self._cover_cache: dict[str, frozenset[int]] = {}
        self._segment_cache: dict[Span, Span] = {}

    def is_idiom(self, span: Span) -> bool:
        """Return whether *span* touches a way of speaking ("killing me")."""
        return not self._in_idioms.isdisjoint(range(*span))

    def is_denied(self, span: Span, owned: frozenset[int]) -> bool:
        """Return whether *span* is denied by a word that is not itself part of the sign (*owned*).

        "no chest pain", "not short of breath", "no fever, rash or chest pain", "chest pain: none".
        """
        for position in range(*span):
            for negation in self._denials.get(position, ()):
                if owned.isdisjoint(range(*negation)):
                    return True
        return self._is_denied_after(span, owned)

    def is_asked(self, span: Span) -> bool:
        """Return whether *span* is what a question about a possibility is about."""
        if span[0] in self._covered("question"):
            return True
        start, end = span
        sentence = self._heard.sentence[start]
        after = [
            cue
            for cue in self._cues("question.after")
            if cue[0] > start and self._heard.sentence[cue[0]] == sentence
        ]
        if not after or any(
            self._heard.sentence[mine] == sentence for mine, _ in self._cues("question.mine")
        ):
            return False
        is_before = any(end_is == start for _, end_is in self._cues("question.is"))
        return is_before or (sentence in self._heard.questions and 0 <= after[0][0] - end <= 2)

    @cached_property
    def is_owned(self) -> bool:
        """Return whether somebody who asked adds that it is so: "is chest pain a risk? because I have it"."""
        return any(
            not self.is_denied(span, frozenset(range(*span))) and not self.is_supposed(span)
            for span in self._cues("question.owned")
        )

    def is_supposed(self, span: Span) -> bool:
        """Return whether *span* follows a supposition such as "if I get"."""
        return span[0] in self._covered("supposed")

    def is_past(self, span: Span) -> bool:
        """Return whether *span* is told as something of long ago ("heart attack years ago")."""
        words = self._cues("past.words")
        if not words:
            return False
        start, end = self._segment(span)
        if not any(start <= cue[0] < end for cue in words):
            return False
        return not any(start <= cue[0] < end for cue in self._cues("past.undone"))

    def crosses_turn(self, start: int, end: int) -> bool:
        """Return whether a sentence end or a "but" stands between the words *start* and *end*."""
        if self._heard.sentence[start] != self._heard.sentence[end - 1]:
            return True
        return any(start < turn < end for turn in self._turns)

    def same_clause(self, start: int, end: int) -> bool:
        """Return whether the words from *start* up to *end* stand between two marks."""
        return self._heard.clause[start] == self._heard.clause[end - 1]

    def same_sentence(self, a: int, b: int) -> bool:
        """Return whether two words stand in one sentence."""
        return self._heard.sentence[a] == self._heard.sentence[b]

    # --- questions and suppositions -----------------------------------------------------------------------

    def _covered(self, kind: str) -> frozenset[int]:
        """Return the words from an opener of *kind* to the end of its sentence, or to where the present starts."""
        if kind not in self._cover_cache:
            covered: set[int] = set()
            walked: set[int] = set()  # from here on an earlier opener has led the way
            sentence = self._heard.sentence
            for opener, end in self._openers(kind):
                covered.update(range(opener, end))
                at = end
                while at < self._size and sentence[at] == sentence[opener]:
                    if at in walked or at in self._turns or at in self._restarts:
                        break
                    walked.add(at)
                    at += 1
            self._cover_cache[kind] = frozenset(covered | walked)
        return self._cover_cache[kind]

    def _openers(self, kind: str) -> tuple[Span, ...]:
        return _without(self._cues(f"{kind}.openers"), self._cues(f"{kind}.except"))

    @cached_property
    def _restarts(self) -> frozenset[int]:
        """Where somebody who asked starts to tell: "because now …", or "…, my chest hurts"."""
        cues = _without(self._cues("present"), self._cues("present.except"))
        starts = {start for start, _ in cues}
        fresh = {start for start, _ in self._cues("denial.fresh")}
        clause = self._heard.clause
        starts |= {
            at
            for at in range(1, self._size)
            if clause[at] != clause[at - 1] and not fresh.isdisjoint(range(at, min(at + 2, self._size)))
        }
        return frozenset(starts)

    # --- the past -------------------------------------------------------------------------------------------

    def _segment(self, span: Span) -> Span:
        """Return the stretch of one statement around *span*, with a short clause in front ("years ago, …")."""
        if span in self._segment_cache:
            return self._segment_cache[span]
        clause, sentence = self._heard.clause, self._heard.sentence
        start, end = span
        dividers = self._turns | {at for at, _ in self._cues("divides")}
        while start > 0 and clause[start - 1] == clause[span[0]] and start not in dividers:
            start -= 1
        while end < self._size and clause[end] == clause[span[1] - 1] and end not in dividers:
            end += 1
        if start > 0 and clause[start - 1] != clause[start] and sentence[start - 1] == sentence[start]:
            front = start
            while front > 0 and clause[front - 1] == clause[start - 1]:
                front -= 1
            if start - front <= 4:
                start = front
        self._segment_cache[span] = (start, end)
        return start, end

    # --- denials --------------------------------------------------------------------------------------------

    @cached_property
    def _denials(self) -> dict[int, list[Span]]:
        """Return for each denied word the negations that deny it."""
        denied: dict[int, list[Span]] = {}
        undone = self._cues("denial.undone")
        for kind in ("no", "not"):
            bridge = self._positions(f"denial.{kind}_bridge")
            for negation in _without(self._cues(f"denial.{kind}"), self._cues("denial.except")):
                sentence = self._heard.sentence[negation[0]]
                if any(at >= negation[1] and self._heard.sentence[at] == sentence for at, _ in undone):
                    continue
                for position in self._scope(negation[1], bridge):
                    denied.setdefault(position, []).append(negation)
        return denied

    def _scope(self, start: int, bridge: frozenset[int]) -> set[int]:
        """Return the words that a negation ending before *start* denies: its item, and the items of its list."""
        denied: set[int] = set()
        item, end = self._item(start, bridge)
        if item is None:
            return denied
        denied |= item
        joins, complaints = self._positions("denial.joins"), self._positions("denial.complaints")
        here = start
        while end < self._size and not complaints.isdisjoint(range(here, end)):
            comma = self._heard.clause[end] != self._heard.clause[end - 1]
            if comma and self._heard.sentence[end] != self._heard.sentence[end - 1]:
                break
            joined = end in joins
            strict = joined and not self._alternative(end)
            if not joined and not (comma and self._list_goes_on(end)):
                break
            here = end + joined
            following, end = self._item(here, frozenset() if strict else bridge, last=True)
            if following is None or (strict and len(following) > _BARE):
                break
            denied |= following
        return denied

    def _item(self, start: int, bridge: frozenset[int], last: bool = False) -> tuple[set[int] | None, int]:
        """Return the denied words of the item at *start*, and where the item ends; None if nothing is denied.

        The words after the negation ("any", "really feel") are skipped. Of the first item only what follows
        directly, and what hangs on it ("in my chest", "when I breathe"), is denied: people leave commas out.
        """
        at = start
        clause = self._heard.clause
        here = clause[start] if last and start < self._size else clause[start - 1]
        while at < self._size and at in bridge and clause[at] == here:
            at += 1
        if at >= self._size or clause[at] != here or at in self._turns:
            return None, at
        fresh, near = self._positions("denial.fresh"), self._positions("denial.near")
        joins = self._positions("denial.joins")
        if last and at in fresh:
            return None, at
        end = self._noun_end(at)
        denied = set(range(start, end))
        hanging = False
        while end < self._size and clause[end] == here:
            if end in self._turns or end in joins:
                break
            if end in fresh and end - 1 not in near and not (hanging and end - 2 in near):
                if last and not hanging:
                    return None, end
                break
            hanging = hanging or end in near
            if hanging or last:
                denied.add(end)
            end += 1
        return denied, end

    def _noun_end(self, at: int) -> int:
        """Return where the denied noun ends that starts at *at*: "chest pain" ends with the complaint."""
        complaints = self._positions("denial.complaints")
        stop = self._turns.union(*map(self._positions, ("denial.fresh", "denial.joins", "denial.near")))
        for end in range(at, min(at + 4, self._size)):
            if self._heard.clause[end] != self._heard.clause[at] or (end in stop and end > at):
                break
            if end in complaints:
                return end + 1
        return at + 1

    def _list_goes_on(self, end: int) -> bool:
        """Return whether an "or" follows in this sentence before anything new is told."""
        stop = self._turns | self._positions("denial.fresh")
        for at in range(end, self._size):
            if self._heard.sentence[at] != self._heard.sentence[end] or at in stop:
                return False
            if at in self._positions("denial.joins"):
                return True
        return False

    def _alternative(self, at: int) -> bool:
        """Return whether the joining word is an "or", which cannot start a new statement, not an "and"."""
        return at not in self._positions("divides")

    def _is_denied_after(self, span: Span, owned: frozenset[int]) -> bool:
        """Return whether a bare "none" or "no" follows and ends its clause: "chest pain: none", "fever? no"."""
        end = span[1]
        clause = self._heard.clause
        for start, stop in self._cues("denial.after"):
            if start == end and start not in owned and (stop == self._size or clause[stop] != clause[start]):
                is_tag = self._heard.sentence[start] in self._heard.questions  # "…, no?" asks for a yes
                if clause[start] - clause[end - 1] <= 1 and not is_tag:
                    return True
        return False

    # --- cues -------------------------------------------------------------------------------------------------

    def _cues(self, name: str) -> tuple[Span, ...]:
        return self._search.spans(f"context.{name}")

    def _positions(self, name: str) -> frozenset[int]:
        if name not in self._position_cache:
            self._position_cache[name] = frozenset(p for span in self._cues(name) for p in range(*span))
        return self._position_cache[name]

    @cached_property
    def _turns(self) -> frozenset[int]:
        return frozenset(start for start, _ in self._cues("turns"))

    @cached_property
    def _in_idioms(self) -> frozenset[int]:
        return self._positions("idioms")


def _without(cues: Iterable[Span], exceptions: Iterable[Span]) -> tuple[Span, ...]:
    """Return the *cues* that no exception overlaps."""
    taken = {position for span in exceptions for position in range(*span)}
    return tuple(cue for cue in cues if taken.isdisjoint(range(*cue)))
