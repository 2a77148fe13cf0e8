"""Patients' text made comparable: one spelling, plain words, clauses."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

STOPS = frozenset(".?!")
"""Marks that end a sentence."""
MARKS = STOPS | {","}
"""All marks in the output of `tokens`; `,` divides clauses."""

_QUOTES = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9`\u00b4", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u3002\u0964\u0965", ".")
    | dict.fromkeys("\u3001\u060c", ",")
    | {"\u061f": "?", "\u061b": ".", "\u2013": " - ", "\u2014": " - ", "&": " and "}
)
# A hyphen inside a word joins two words; between spaces it is a pause.
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2212", "-"))

_SHORT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("can't", "cant", "carnt", "cnt", "canot", "cannt", "cannott", "canno"), "cannot"),
        **dict.fromkeys(("don't", "dont", "dun", "dunt", "donch", "doncha", "dnt"), "do not"),
        **dict.fromkeys(("didn't", "didnt", "din", "dint", "diden"), "did not"),
        **dict.fromkeys(("doesn't", "doesnt", "dosent", "doesn", "dosnt"), "does not"),
        **dict.fromkeys(("won't", "wont"), "will not"),
        **dict.fromkeys(("isn't", "isnt", "ain't", "aint"), "is not"),
        **dict.fromkeys(("aren't", "arent"), "are not"),
        **dict.fromkeys(("wasn't", "wasnt"), "was not"),
        **dict.fromkeys(("weren't", "werent"), "were not"),
        **dict.fromkeys(("hasn't", "hasnt"), "has not"),
        **dict.fromkeys(("haven't", "havent", "havnt"), "have not"),
        **dict.fromkeys(("hadn't", "hadnt"), "had not"),
        **dict.fromkeys(("couldn't", "couldnt"), "could not"),
        **dict.fromkeys(("wouldn't", "wouldnt"), "would not"),
        **dict.fromkeys(("shouldn't", "shouldnt"), "should not"),
        **dict.fromkeys(("i'm", "im"), "i am"),
        **dict.fromkeys(("i've", "ive"), "i have"),
        **dict.fromkeys(("he's", "hes"), "he is"),
        **dict.fromkeys(("she's", "shes"), "she is"),
        **dict.fromkeys(("that's", "thats"), "that is"),
        **dict.fromkeys(("there's", "theres"), "there is"),
        **dict.fromkeys(("what's", "whats"), "what is"),
        **dict.fromkeys(("they're", "theyre"), "they are"),
        **{f"{word}'s": f"{word} is" for word in ("it", "here", "who", "how", "where")},
        **dict.fromkeys(("u",), "you"),
        **dict.fromkeys(("ur",), "your"),
    }
)
_ENDINGS = {
    "'m": " am",
    "'re": " are",
    "'ve": " have",
    "'ll": " will",
    "'d": " would",
    "'s": "",
    "n't": " not",
}

_LETTER_RUN = re.compile(r"([^\W\d_])\1{2,}")
_CONTRACTED = re.compile(r"(?<![^\W_])[a-z]++(?:'[a-z]{1,3})?(?![^\W_])")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_CAN_NOT = re.compile(r"\bcan not\b")
_MARKS = r"\u0300-\u036f\u0e31-\u0e4e\u0900-\u0963\u0966-\u0dff"  # vowel signs belong to their word
_TOKEN = re.compile(
    r"(?P<pause>\.{2,})"
    r"|\d+(?:[./:]\d+)*"
    r"|[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"  # Chinese and Japanese: each sign is a word
    rf"|(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\W\d_]|[{_MARKS}])+"
    r"|(?P<dash>\s-+\s)"
    r"|[.?!;,:\n()]"
)
_AS_MARK = {"?": "?", "!": "!", ".": ".", ";": ".", "\n": ".", ",": ",", ":": ",", "(": ",", ")": ","}


def normalise(text: str) -> str:
    """Return *text* in one spelling: lower case, plain quotes, no hidden marks, contractions written out.

    "Can’t", "cant" and "can not" become "cannot", "don't" and "dun" become "do not", so that a reader of the
    result meets one kind of negation. Line breaks stay, for they end a sentence. The result is stable:
    normalising it again changes nothing.
    """
    for _ in range(4):  # one pass is enough for nearly every text; writing out may create a new pair
        before, text = text, _normalise_once(text)
        if text == before:
            break
    return text


def tokens(text: str) -> tuple[str, ...]:
    """Return the words of *text* with the marks that divide it: `.`, `?`, `!` between sentences, `,` between clauses.

    A line break and a semicolon count as `.`; a colon, a bracket and a dash count as `,`; three dots are a
    breath, not an end, and are left out.
    """
    found: list[str] = []
    for match in _TOKEN.finditer(normalise(text)):
        if match["pause"]:
            continue
        piece = match[0]
        piece = "," if match["dash"] else _AS_MARK.get(piece, piece)
        if piece in MARKS:
            # Marks in a row are one mark, and the strongest wins ("?!" stays a question).
            if not found:
                continue
            if found[-1] in MARKS:
                found[-1] = max(found[-1], piece, key=",.!?".index)
                continue
        found.append(piece)
    return tuple(found)


def words(text: str) -> tuple[str, ...]:
    """Return the words of *text* without any marks."""
    return tuple(piece for piece in tokens(text) if piece not in MARKS)


def clauses(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of *text*, divided wherever a mark stands."""
    result: list[tuple[str, ...]] = []
    clause: list[str] = []
    for piece in (*tokens(text), "."):
        if piece in MARKS:
            if clause:
                result.append(tuple(clause))
            clause = []
        else:
            clause.append(piece)
    return tuple(result)


def _normalise_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower().translate(_QUOTES).translate(_HYPHENS)
    text = unicodedata.normalize("NFKC", text)
    text = "".join(map(_visible, text)) if not text.isascii() else text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("w/o ", "without ")
    text = _LETTER_RUN.sub(r"\1", text)
    text = re.sub(r"(?<=[^\W\d_])/(?=[^\W\d_])", " or ", text)
    text = _CONTRACTED.sub(_write_out, text)
    text = _LINES.sub("\n", _SPACES.sub(" ", text)).strip()
    return _CAN_NOT.sub("cannot", text)


def _visible(char: str) -> str:
    """Return *char*, or nothing for a mark nobody sees (zero-width, bidi, variation), or a space for a control."""
    if char == "\n" or char.isalnum():
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Cs") or "\ufe00" <= char <= "\ufe0f":
        return ""
    return " " if category == "Cc" else char


def _write_out(match: re.Match[str]) -> str:
    word = match[0]
    if word in _SHORT:
        return _SHORT[word]
    if "'" in word:
        if word.endswith("n't"):
            return f"{word[:-3]} not"
        stem, _, ending = word.rpartition("'")
        return stem + _ENDINGS.get(f"'{ending}", ending)
    return word
