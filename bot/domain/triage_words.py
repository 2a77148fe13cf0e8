"""Finding phrases in a patient's words: word groups, fillers, slips of the keyboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from bot.domain.text import MARKS, STOPS, tokens

Span = tuple[int, int]
"""From the first word (counted from 0) up to, not including, the last."""

_ANY = "_"
_MAX_FILLERS = 3
_MIN_STEM = 2
_MIN_SLIP = 5  # letters of a word as typed that may be a slip; the word meant has at least six
_MIN_MEANT = 6


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message, taken apart. All tuples have one entry per word.

    keys: what a word counts as: itself, the stems it starts with (`numb*`), the word it is a slip of.
    sentence: the number of the sentence the word stands in.
    clause: the number of the clause; commas, dashes and sentence ends divide clauses.
    questions: numbers of the sentences that end with a question mark.
    """

    words: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    sentence: tuple[int, ...]
    clause: tuple[int, ...]
    questions: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Alternatives for one place in a phrase. by_first: first word → the words that must follow."""

    by_first: Mapping[str, tuple[tuple[str, ...], ...]]
    nested: tuple[tuple[str, ...], ...]
    first: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """All phrases of a ruleset, ready to be looked for. Build it with `Lexicon.of`."""

    _groups: Mapping[str, _Group]
    _fillers: frozenset[str]
    _known: frozenset[str]
    _stems: frozenset[str]
    _slips: Mapping[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(
        cls,
        groups: Mapping[str, Iterable[str]],
        fillers: Iterable[str] = (),
        forgiven: Iterable[str] = (),
        never_slips: Iterable[str] = (),
    ) -> Lexicon:
        """Return the lexicon of *groups* (name → phrases).

        A phrase is words divided by spaces. `@name` stands for any phrase of that group, `_` for any one word,
        `numb*` for any word that starts so. fillers: words that may stand anywhere inside a phrase
        ("so", "very"). forgiven: words of six letters or more that may have one letter wrong, missing, too many
        or swapped. never_slips: real words that must not be taken for such a slip.

        Raises:
            ValueError: a group is missing, or two groups contain each other; one line per fault.
        """
        entries = {name: tuple(_atoms(phrase) for phrase in phrases) for name, phrases in groups.items()}
        _check(entries)
        firsts: dict[str, frozenset[str]] = {}
        built = {name: _build(name, entries, firsts) for name in entries}
        plain = {
            atom
            for listed in entries.values()
            for entry in listed
            for atom in entry
            if not atom.startswith("@")
        } - {_ANY}
        stems = frozenset(atom[:-1] for atom in plain if atom.endswith("*"))
        meant = frozenset(atom for atom in plain if not atom.endswith("*"))
        known = meant | frozenset(word for phrase in never_slips for word in phrase.split())
        filler_words = frozenset(fillers)
        return cls(built, filler_words, known | filler_words, stems, _slip_table(forgiven))

    def hear(self, text: str) -> Heard:
        """Take *text* apart."""
        words: list[str] = []
        sentence: list[int] = []
        clause: list[int] = []
        questions: set[int] = set()
        sentences = clauses = 0
        for piece in tokens(text):
            if piece in MARKS:
                clauses += 1
                if piece == "?":
                    questions.add(sentences)
                sentences += piece in STOPS
                continue
            words.append(piece)
            sentence.append(sentences)
            clause.append(clauses)
        seen: dict[str, tuple[str, ...]] = {}
        for word in words:
            if word not in seen:
                seen[word] = self._keys(word)
        return Heard(
            words=tuple(words),
            keys=tuple(seen[word] for word in words),
            sentence=tuple(sentence),
            clause=tuple(clause),
            questions=frozenset(questions),
        )

    def first_words(self, group: str) -> frozenset[str]:
        """Return every key with which a phrase of *group* can start."""
        return self._groups[group].first

    def is_filler(self, word: str) -> bool:
        """Return whether *word* may stand inside any phrase without changing it."""
        return word in self._fillers

    def _keys(self, word: str) -> tuple[str, ...]:
        keys = [word]
        for length in range(_MIN_STEM, len(word) + 1):
            if word[:length] in self._stems:
                keys.append(word[:length] + "*")
        if len(keys) == 1 and word not in self._known and len(word) >= _MIN_SLIP:
            for meant in self._meant(word):
                keys.append(meant)
                keys.extend(
                    f"{meant[:n]}*" for n in range(_MIN_STEM, len(meant) + 1) if meant[:n] in self._stems
                )
        return tuple(keys)

    def _meant(self, word: str) -> list[str]:
        found = []
        for form in (word, *_one_letter_less(word)):
            for candidate in self._slips.get(form, ()):
                if candidate not in found and candidate[0] == word[0] and _one_slip(word, candidate):
                    found.append(candidate)
        return found


class Search:
    """Looks for the groups of a lexicon in one message, and remembers what it found."""

    def __init__(self, lexicon: Lexicon, heard: Heard) -> None:
        self.heard = heard
        self._lexicon = lexicon
        self._ends: dict[tuple[str, int], frozenset[int]] = {}
        self._spans: dict[str, tuple[Span, ...]] = {}

    def spans(self, group: str) -> tuple[Span, ...]:
        """Return where phrases of *group* stand, in order of their first word."""
        if group not in self._spans:
            first = self._lexicon.first_words(group)
            self._spans[group] = tuple(
                (start, end)
                for start, keys in enumerate(self.heard.keys)
                if not first.isdisjoint(keys)
                for end in sorted(self._group_ends(group, start))
            )
        return self._spans[group]

    def _group_ends(self, name: str, start: int) -> frozenset[int]:
        known = self._ends.get((name, start))
        if known is not None:
            return known
        group = self._lexicon._groups[name]
        ends: set[int] = set()
        if start < len(self.heard.words):
            for key in self.heard.keys[start]:
                for rest in group.by_first.get(key, ()):
                    ends |= self._rest_ends(rest, start + 1)
            for entry in group.nested:
                for end in self._group_ends(entry[0][1:], start):
                    ends |= self._rest_ends(entry[1:], end)
        result = frozenset(ends)
        self._ends[name, start] = result
        return result

    def _rest_ends(self, atoms: tuple[str, ...], position: int) -> set[int]:
        """Return where *atoms* end if they follow on from *position*; fillers may stand between."""
        reached = {position}
        for atom in atoms:
            reached = {end for at in reached for end in self._atom_ends(atom, at)}
            if not reached:
                break
        return reached

    def _atom_ends(self, atom: str, at: int) -> set[int]:
        heard = self.heard
        ends: set[int] = set()
        for skipped in range(_MAX_FILLERS + 1):
            here = at + skipped
            if here >= len(heard.words) or heard.clause[here] != heard.clause[at - 1]:
                break
            if atom[0] == "@" and len(atom) > 1:
                ends |= self._group_ends(atom[1:], here)
            elif atom == _ANY or atom in heard.keys[here]:
                ends.add(here + 1)
            if not self._lexicon.is_filler(heard.words[here]):
                break
        return ends


def _atoms(phrase: str) -> tuple[str, ...]:
    """Return the words of a phrase as messages spell them; `@name`, `_` and `stem*` stay as they are."""
    atoms: list[str] = []
    plain: list[str] = []
    for part in [*phrase.split(), ""]:
        special = part.startswith("@") or part == _ANY or part.endswith("*")
        if plain and (special or not part):
            atoms += (piece for piece in tokens(" ".join(plain)) if piece not in MARKS)
            plain = []
        if special:
            atoms.append(part)
        elif part:
            plain.append(part)
    return tuple(atoms)


def _check(entries: Mapping[str, tuple[tuple[str, ...], ...]]) -> None:
    faults = []
    uses: dict[str, set[str]] = {}
    for name, listed in entries.items():
        uses[name] = {atom[1:] for entry in listed for atom in entry if atom.startswith("@")}
        faults += [
            f"group '{name}' uses @{other}, which is not there" for other in sorted(uses[name] - set(entries))
        ]
        if any(not entry or entry[0] == _ANY for entry in listed):
            faults.append(f"group '{name}' has a phrase without a first word")
    if not faults:
        faults = [f"group '{name}' contains itself" for name in entries if _reaches(name, uses)]
    if faults:
        raise ValueError("\n".join(faults))


def _reaches(name: str, uses: Mapping[str, set[str]]) -> bool:
    todo, seen = list(uses[name]), set[str]()
    while todo:
        group = todo.pop()
        if group == name:
            return True
        if group not in seen:
            seen.add(group)
            todo += uses[group]
    return False


def _build(
    name: str, entries: Mapping[str, tuple[tuple[str, ...], ...]], firsts: dict[str, frozenset[str]]
) -> _Group:
    by_first: dict[str, list[tuple[str, ...]]] = {}
    nested = []
    for entry in dict.fromkeys(entries[name]):
        if entry[0].startswith("@"):
            nested.append(entry)
        else:
            by_first.setdefault(entry[0], []).append(entry[1:])
    return _Group(
        by_first={first: tuple(rests) for first, rests in by_first.items()},
        nested=tuple(nested),
        first=_first(name, entries, firsts),
    )


def _first(
    name: str, entries: Mapping[str, tuple[tuple[str, ...], ...]], known: dict[str, frozenset[str]]
) -> frozenset[str]:
    if name not in known:
        found: set[str] = set()
        for entry in entries[name]:
            found |= _first(entry[0][1:], entries, known) if entry[0].startswith("@") else {entry[0]}
        known[name] = frozenset(found)
    return known[name]


def _slip_table(meant: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return each word of six letters or more under itself and under itself with one letter left out."""
    table: dict[str, list[str]] = {}
    for word in sorted(meant):
        if len(word) >= _MIN_MEANT and word.isalpha():
            for form in (word, *_one_letter_less(word)):
                table.setdefault(form, []).append(word)
    return {form: tuple(listed) for form, listed in table.items()}


def _one_letter_less(word: str) -> set[str]:
    return {word[:n] + word[n + 1 :] for n in range(len(word))} if len(word) <= 24 else set()


def _one_slip(typed: str, meant: str) -> bool:
    """Return whether one letter is missing, extra or wrong, or two neighbours are swapped."""
    if abs(len(typed) - len(meant)) == 1:
        longer, shorter = (typed, meant) if len(typed) > len(meant) else (meant, typed)
        return shorter in _one_letter_less(longer)
    if len(typed) != len(meant):
        return False
    wrong = [n for n, (a, b) in enumerate(zip(typed, meant, strict=True)) if a != b]
    if len(wrong) == 1:
        return True
    return any(
        wrong == [a, b] and b == a + 1 and typed[a] == meant[b] and typed[b] == meant[a]
        for a, b in pairwise(wrong)
    )
