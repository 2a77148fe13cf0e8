"""Tests of `bot.domain.triage_slips`: one slip of the keyboard, and no more."""

import pytest

from bot.domain.triage_slips import meant_by, slip_table

TABLE = slip_table(["breathing", "breathe", "needle", "pain"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("breahting", ["breathing"]),  # two swapped
        ("breathin", ["breathing"]),  # one missing
        ("breathiing", ["breathing"]),  # one too many
        ("breathong", ["breathing"]),  # one wrong
        ("breathig", ["breathing"]),
        ("needle", []),  # no slip at all: the word itself is known without this table
        ("reathing", []),  # the first letter is nearly always right
        ("brathng", []),  # two slips
        ("beedle", []),
        ("pian", []),  # the word meant is too short to be guessed
        ("a" * 4000, []),
    ],
)
def test_one_slip_is_known(typed: str, meant: list[str]) -> None:
    """A letter missing, extra, wrong or swapped; the first letter and the rest must be right."""
    assert meant_by(typed, TABLE) == meant
