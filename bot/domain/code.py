"""Codes a person may have to type: invites and set-up codes, forgiving to read and type, kept only as a hash."""

from __future__ import annotations

import hashlib
import re

#: Crockford's base 32: no I, L, O, U, so that a code can be read aloud and typed without doubt.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKE = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SHAPE = re.compile(rf"^[{ALPHABET}]+$")

#: 128 random bits in base 32.
INVITE_LENGTH = 26
SETUP_LENGTH = 8


def code_from(bits: int, length: int) -> str:
    """Write the lowest ``5 * length`` bits of *bits* as a code of *length* letters."""
    return "".join(ALPHABET[(bits >> (5 * place)) & 31] for place in reversed(range(length)))


def read_code(text: str, length: int) -> str | None:
    """Return the code a person typed or pasted (any case, with blanks or dashes, I for 1), or None if it is none."""
    if length == INVITE_LENGTH and _are_words(text.split()):
        return None
    bare = re.sub(r"[\s\-]", "", text).upper().translate(_LOOKALIKE)
    return bare if len(bare) == length and _SHAPE.match(bare) else None


def _are_words(parts: list[str]) -> bool:
    """Tell whether these are words and numbers: "can combine with chiropractor" has the letters of an invite, too.

    In an invite typed in groups, letters and digits are mixed; of 10,000 one has no such group.
    """
    long = max(map(len, parts), default=0) > 2
    return len(parts) > 1 and long and all(part.isalpha() or part.isdecimal() for part in parts)


def grouped(code: str) -> str:
    """Write a code in groups of four or five for reading, ``ABCD-EFGH``; no letter stands alone at the end."""
    size = 4 if len(code) % 4 == 0 else 5
    groups = [code[at : at + size] for at in range(0, len(code), size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return "-".join(groups)


def hash_code(code: str) -> str:
    """Return what is stored of a code (SHA-256, hexadecimal). 128 random bits need no salt."""
    return hashlib.sha256(code.encode()).hexdigest()
