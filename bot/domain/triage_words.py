"""Finding phrases in a patient's words: word groups, fillers, slips of the keyboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bot.domain.slips import meant_by, slip_table
from bot.domain.text import MARKS, STOPS, tokens

Span = tuple[int, int]
"""From the first word (counted from 0) up to, not including, the last."""

_ANY = "_"
_MAX_FILLERS = 3
#: Letters of a word as typed that may be a slip; the word meant has at least six.
_MIN_SLIP, _MAX_SLIP = 5, 25
_MIN_MEANT, _MAX_MEANT = 6, 24
_MIN_STEM = 2


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


@dataclass
class _Node:
    """A place inside the phrases of a group: what may come next, and whether a phrase may end here."""

    words: dict[str, _Node] = field(default_factory=dict)
    groups: dict[str, _Node] = field(default_factory=dict)
    any_word: _Node | None = None
    ends: bool = False
    goes_on: bool = False


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Alternatives for one place in a phrase.

    root: the place before its first word. first: what it can start with. anchors: of each phrase its rarest word;
    where none of them stands, no phrase of the group can.
    """

    root: _Node
    first: frozenset[str]
    anchors: frozenset[str]


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
        uses = Counter(atom for listed in entries.values() for entry in listed for atom in set(entry))
        firsts: dict[str, frozenset[str]] = {}
        anchors: dict[str, frozenset[str]] = {}
        built = {
            name: _Group(
                root=_tree(entries[name]),
                first=_first(name, entries, firsts),
                anchors=_anchors(name, entries, uses, anchors),
            )
            for name in entries
        }
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
        return cls(built, filler_words, known | filler_words, stems, slip_table(_long(forgiven)))

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

    def anchors(self, group: str) -> frozenset[str]:
        """Return keys of which a message with a phrase of *group* has at least one: the rarest of each phrase."""
        return self._groups[group].anchors

    def is_filler(self, word: str) -> bool:
        """Return whether *word* may stand inside any phrase without changing it."""
        return word in self._fillers

    def _keys(self, word: str) -> tuple[str, ...]:
        keys = [word]
        for length in range(_MIN_STEM, len(word) + 1):
            if word[:length] in self._stems:
                keys.append(word[:length] + "*")
        if len(keys) == 1 and word not in self._known and _MIN_SLIP <= len(word) <= _MAX_SLIP:
            for meant in meant_by(word, self._slips):
                if meant[0] != word[0]:
                    continue  # the first letter is nearly always right
                keys.append(meant)
                keys.extend(
                    f"{meant[:n]}*" for n in range(_MIN_STEM, len(meant) + 1) if meant[:n] in self._stems
                )
        return tuple(keys)


class Search:
    """Looks for the groups of a lexicon in one message, and remembers what it found."""

    def __init__(self, lexicon: Lexicon, heard: Heard) -> None:
        self.heard = heard
        self._lexicon = lexicon
        self._ends: dict[tuple[str, int], frozenset[int]] = {}
        self._spans: dict[str, tuple[Span, ...]] = {}
        self._places: dict[str, list[int]] = {}
        for at, keys in enumerate(heard.keys):
            for key in keys:
                self._places.setdefault(key, []).append(at)

    def spans(self, group: str) -> tuple[Span, ...]:
        """Return where phrases of *group* stand, in order of their first word."""
        known = self._spans.get(group)
        if known is None:
            self._spans[group] = known = tuple(self._search(group))
        return known

    def _search(self, group: str) -> Iterator[Span]:
        if not self._lexicon.anchors(group).isdisjoint(self._places):
            first = self._lexicon.first_words(group) & self._places.keys()
            for start in sorted({at for key in first for at in self._places[key]}):
                for end in sorted(self._group_ends(group, start)):
                    yield start, end

    def _group_ends(self, name: str, start: int) -> frozenset[int]:
        known = self._ends.get((name, start))
        if known is None:
            root = self._lexicon._groups[name].root
            ends: set[int] = set()
            for key in self.heard.keys[start]:
                if key in root.words:
                    self._follow(root.words[key], start + 1, ends)
            for inner, node in root.groups.items():
                for end in self._inner_ends(inner, start):
                    self._follow(node, end, ends)
            known = self._ends[name, start] = frozenset(ends)
        return known

    def _inner_ends(self, name: str, start: int) -> frozenset[int]:
        """Return where a group inside a phrase ends if it starts at *start*: mostly it does not start there."""
        group = self._lexicon._groups[name]
        if group.first.isdisjoint(self.heard.keys[start]) or group.anchors.isdisjoint(self._places):
            return frozenset()
        return self._group_ends(name, start)

    def _follow(self, node: _Node, at: int, ends: set[int]) -> None:
        """Add to *ends* where the phrases that have come to *node* end; fillers may stand before each word."""
        if node.ends:
            ends.add(at)
        if not node.goes_on:
            return
        heard = self.heard
        for here in range(at, min(at + _MAX_FILLERS + 1, len(heard.words))):
            if heard.clause[here] != heard.clause[at - 1]:
                break
            for key in heard.keys[here]:
                if key in node.words:
                    self._follow(node.words[key], here + 1, ends)
            if node.any_word:
                self._follow(node.any_word, here + 1, ends)
            for inner, following in node.groups.items():
                for end in self._inner_ends(inner, here):
                    self._follow(following, end, ends)
            if not self._lexicon.is_filler(heard.words[here]):
                break


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


def _tree(entries: Iterable[tuple[str, ...]]) -> _Node:
    """Return the place before the first word of *entries*; phrases that begin alike share their beginning."""
    root = _Node()
    for entry in entries:
        node = root
        for atom in entry:
            node = _next(node, atom)
        node.ends = True
    return root


def _next(node: _Node, atom: str) -> _Node:
    """Return the place behind *atom*, made if it is new."""
    node.goes_on = True
    if atom == _ANY:
        node.any_word = node.any_word or _Node()
        return node.any_word
    if atom.startswith("@"):
        return node.groups.setdefault(atom[1:], _Node())
    return node.words.setdefault(atom, _Node())


def _first(
    name: str, entries: Mapping[str, tuple[tuple[str, ...], ...]], known: dict[str, frozenset[str]]
) -> frozenset[str]:
    if name not in known:
        found: set[str] = set()
        for entry in entries[name]:
            found |= _first(entry[0][1:], entries, known) if entry[0].startswith("@") else {entry[0]}
        known[name] = frozenset(found)
    return known[name]


def _anchors(
    name: str,
    entries: Mapping[str, tuple[tuple[str, ...], ...]],
    uses: Mapping[str, int],
    known: dict[str, frozenset[str]],
) -> frozenset[str]:
    if name not in known:
        found: set[str] = set()
        for entry in entries[name]:
            plain = [atom for atom in entry if atom != _ANY and not atom.startswith("@")]
            if plain:
                found.add(min(plain, key=uses.__getitem__))
            else:
                found |= _anchors(entry[0][1:], entries, uses, known)
        known[name] = frozenset(found)
    return known[name]


def _long(words: Iterable[str]) -> list[str]:
    """Return the words that are long enough for a slip to leave no doubt which was meant."""
    return sorted(word for word in words if _MIN_MEANT <= len(word) <= _MAX_MEANT and word.isalpha())
