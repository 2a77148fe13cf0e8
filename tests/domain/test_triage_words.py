"""Tests of `bot.domain.triage_words`: finding phrases in a message."""

import pytest

from bot.domain.triage_words import Lexicon, Search, Span

LEXICON = Lexicon.of(
    {
        "sore": ["sore", "ach*", "very tender"],
        "knee": ["knee", "knee cap"],
        "sore_knee": ["@sore @knee", "@knee @sore"],
        "gap": ["from _ to"],
    },
    fillers=["so", "my"],
    forgiven=["tender"],
)


@pytest.mark.parametrize(
    ("text", "group", "spans"),
    [
        ("sore sore", "sore", [(0, 1), (1, 2)]),
        ("it is aching", "sore", [(2, 3)]),  # a stem
        ("very so tender", "sore", [(0, 3)]),  # a filler inside
        ("very, tender", "sore", []),  # not over a comma
        ("very tedner", "sore", [(0, 2)]),  # a slip
        ("aching so my knee cap", "sore_knee", [(0, 4), (0, 5)]),  # both readings
        ("knee cap sore", "sore_knee", [(0, 3)]),
        ("from left to right", "gap", [(0, 3)]),
        ("from to", "gap", []),
        ("", "sore", []),
    ],
)
def test_phrases_are_found_where_they_stand(text: str, group: str, spans: list[Span]) -> None:
    """A group is found at each of its phrases, with fillers and slips allowed."""
    assert list(Search(LEXICON, LEXICON.hear(text)).spans(group)) == spans


def test_a_message_is_taken_apart() -> None:
    """Each word knows its clause and sentence; questions are known by number."""
    heard = LEXICON.hear("Knee sore, why? Help. Now")
    assert heard.words == ("knee", "sore", "why", "help", "now")
    assert heard.clause == (0, 0, 1, 2, 3)
    assert heard.sentence == (0, 0, 0, 1, 2)
    assert heard.questions == {0}


def test_a_lexicon_names_its_faults() -> None:
    """An unknown group and an empty phrase are refused."""
    with pytest.raises(ValueError, match="'a' uses @b, which is not there"):
        Lexicon.of({"a": ["@b"]})
    with pytest.raises(ValueError, match="'a' has a phrase without a first word"):
        Lexicon.of({"a": ["!"]})


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("breahting", True),  # two swapped
        ("breathin", True),  # one missing
        ("breathiing", True),  # one too many
        ("breathong", True),  # one wrong
        ("reathing", False),  # the first letter is nearly always right
        ("brathng", False),  # two slips
        ("pian", False),  # the word meant is too short to be guessed
        ("a" * 4000, False),
    ],
)
def test_one_slip_in_a_forgiven_word_is_read_over(typed: str, found: bool) -> None:
    """A letter missing, extra, wrong or swapped in a long word; the first letter must be right."""
    lexicon = Lexicon.of({"sign": ["breathing", "pain"]}, forgiven=["breathing", "pain"])
    search = Search(lexicon, lexicon.hear(typed))
    assert bool(search.spans("sign")) is found
