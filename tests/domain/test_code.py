"""Tests of `bot.domain.code`: codes that a person can read aloud, type and mistype."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.code import ALPHABET, INVITE_LENGTH, SETUP_LENGTH, code_from, grouped, hash_code, read_code

LENGTHS = st.sampled_from([SETUP_LENGTH, INVITE_LENGTH])


def codes(length: int) -> st.SearchStrategy[str]:
    """Return codes of *length* letters."""
    return st.text(alphabet=ALPHABET, min_size=length, max_size=length)


@pytest.mark.parametrize(
    ("bits", "length", "code"),
    [
        (0, 4, "0000"),
        (1, 4, "0001"),
        (31, 4, "000Z"),
        (32, 4, "0010"),
        (2**20 - 1, 4, "ZZZZ"),
        (2**20, 4, "0000"),  # more bits than the code holds are left out
    ],
)
def test_bits_are_written_in_base_32(bits: int, length: int, code: str) -> None:
    """A code holds five bits a letter, the lowest last."""
    assert code_from(bits, length) == code


def test_an_invite_holds_128_bits() -> None:
    """26 letters of five bits are enough for 128 bits, and fewer letters are not."""
    assert 5 * (INVITE_LENGTH - 1) < 128 <= 5 * INVITE_LENGTH


def test_the_letters_cannot_be_mistaken_for_each_other() -> None:
    """A code has 32 different letters, and none of I, L, O, U."""
    assert len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("ILOU")


@given(st.integers(0, 2**130 - 1), st.integers(0, 2**130 - 1))
def test_different_bits_are_different_codes(first: int, second: int) -> None:
    """No two invites share a code, unless they share their bits."""
    same = code_from(first, INVITE_LENGTH) == code_from(second, INVITE_LENGTH)
    assert same == (first == second)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("ABCD2345", "ABCD2345"),
        ("abcd2345", "ABCD2345"),  # small letters
        (" ABCD-2345 ", "ABCD2345"),  # as it is printed
        ("ab cd\n23 45", "ABCD2345"),
        ("ABCD-----2345", "ABCD2345"),
        ("oO1lI0ab", "001110AB"),  # lookalikes
        ("ABCD234", None),  # too short
        ("ABCD23456", None),  # too long
        ("ABCDU345", None),  # a letter that no code has
        ("ABCD234!", None),
        ("hello you", None),  # eight letters, but with U
        ("", None),
    ],
)
def test_a_typed_code_is_read_forgivingly(typed: str, code: str | None) -> None:
    """Case, blanks, dashes and lookalikes do not matter; anything else is no code."""
    assert read_code(typed, SETUP_LENGTH) == code


@pytest.mark.parametrize(
    ("typed", "is_code"),
    [
        ("can combine with chiropractor", False),  # 26 letters, none of them U
        ("kid 8 yrs old with growing pains", False),
        ("ABCDE 12345 FGHJK MNPQR STVWXY", False),  # one of 10,000: it has to be typed with dashes, or tapped
        ("A B C D E F G H J K M N P Q R S T V W X Y Z 1 2 3 4", True),
        ("cancombinewithchiropractor", True),
        ("ABCDE FGHJK MNPQR STVWX YZABC7", True),
        ("ABCDE-FGHJK-MNPQR-STVWX-YZABCD", True),  # nobody writes words with dashes
        ("abcdefghjkmnpqrstvwxyzabcd", True),
    ],
)
def test_a_question_of_26_letters_is_no_invite(typed: str, is_code: bool) -> None:
    """Words with blanks between them are a question, and get an answer."""
    assert (read_code(typed, INVITE_LENGTH) is not None) == is_code


@given(LENGTHS.flatmap(codes))
def test_what_is_shown_can_be_typed(code: str) -> None:
    """A code in its groups, in any case, reads back as itself."""
    assert read_code(grouped(code), len(code)) == code
    assert read_code(grouped(code).lower(), len(code)) == code


@given(st.text(max_size=60), LENGTHS)
def test_reading_never_fails(text: str, length: int) -> None:
    """Any text is a code of the wanted length and letters, or none."""
    code = read_code(text, length)
    assert code is None or (len(code) == length and set(code) <= set(ALPHABET))


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("ABCD2345", "ABCD-2345"),
        ("ABCDE12345", "ABCDE-12345"),
        ("0123456789ABCDEFGHJKMNPQRS", "01234-56789-ABCDE-FGHJK-MNPQRS"),
    ],
)
def test_a_code_is_shown_in_groups(code: str, shown: str) -> None:
    """Groups of four where they come out even, else of five, and no letter alone at the end."""
    assert grouped(code) == shown


def test_only_a_hash_is_kept() -> None:
    """What is stored of a code is its SHA-256, in 64 hexadecimal digits."""
    assert hash_code("ABCD2345") == hashlib.sha256(b"ABCD2345").hexdigest()
    assert hash_code("ABCD2345") != hash_code("ABCD2346")
