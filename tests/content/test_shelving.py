"""Tests of putting a language onto the shelf: what was written by hand is brought into the spelling it is compared in."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.library import Language
from bot.domain.text import normalise
from tests.kit.faq_folder import FaqFolder


@pytest.fixture
def faq(tmp_path: Path) -> FaqFolder:
    """Give a small folder of this test's own."""
    return FaqFolder(tmp_path, small=True)


@pytest.fixture
def english(faq: FaqFolder) -> Language:
    """Shelve small content in which every list of small words has something in it, oddly spelled."""
    faq.own(
        "en/phrases.yaml",
        """\
        yes_words: [YES Please]
        no_words: [Don’t]
        openers: [AND for, what abt]
        joints: [Also, "And Also"]
        bare_questions: [How Long]
        ordinals: {"The SECOND one": 2}
        """,
    )
    faq.own(
        "en/check_ins.yaml",
        "openers: [is]\nfillers: [lah]\nno_answers: [Thanks  A Lot]\nnumbers: {three: 3}\n",
    )
    faq.own(
        "en/red_flags.yaml",
        """\
        red_flags:
          brain:
            rules: {ours: [blue head]}
            examples: [my blue head]
            not: [i like my hat, a red head]
        """,
    )
    return faq.load().languages["en"]


def test_small_words_are_in_one_spelling(english: Language) -> None:
    """Patients' words are normalised before they are compared; so are all these."""
    words = english.small_words
    assert "yes please" in words.yes
    assert words.no == {"do not"}
    assert words.openers == ("and for", normalise("what abt"))
    assert words.joints == {"also", "and also"}
    assert words.bare == {"how long"}
    assert words.ordinals == {"the second one": 2}


def test_the_words_of_answers(english: Language) -> None:
    """Numbers, fillers and what is no answer, as the check-ins' file lists them, ours and the clinic's."""
    words = english.answer_words
    assert words.numbers == {"seven": 7, "three": 3}
    assert words.fillers == {"about", "lah"}
    assert words.openers == {"is"}
    assert words.no_answers == {normalise("thanks  a lot")}


def test_what_stands_on_a_button_is_a_way_to_type_it(english: Language) -> None:
    """Besides the phrases of the file; an answer without phrases has its label alone."""
    typed = english.answer_words.typed
    assert typed["water"] == {
        "plenty": ("yes", "lots", "plenty"),
        "some": ("some",),
        "little": ("no", "hardly any"),
    }
    assert typed["breathing"]["short"] == ("short of breath",)
    assert typed["soreness"] == {"0": ("not sore",), "9": ("terrible",)}  # a scale has no labels


def test_examples_of_the_red_flags_are_what_danger_is_learned_from(english: Language) -> None:
    """Each red flag's reports by its id, ours and the clinic's; and beside them all that is none."""
    assert english.danger_lines["brain"] == ("made up brain", "my blue head")
    assert english.danger_lines["skin"] == ("made up skin",)
    assert english.harmless_lines == ("i like my hat", "a red head")


def test_every_part_of_a_language_has_its_place(english: Language) -> None:
    """What was read is found again where the bot looks for it."""
    assert (english.code, english.name) == ("en", "English")
    assert english.description == "I look after patients."
    assert english.short_description == "After dry needling."
    assert (english.patient_commands, english.staff_commands) == ({"start": "Begin"}, {"treated": "Register"})
    assert english.areas == {"clinic": "The clinic"}
    assert list(english.topics) == ["cost_insurance"]
    assert (english.red_flags["skin"].title, english.red_flags["skin"].say) == (
        "Skin",
        "Call {emergency.number} about skin.",
    )
    assert english.steps["h24"].title == "After a day"
    assert english.questions["water"].labels["some"] == "Some"
    assert english.questions["water"].advice == {"little": "Have a glass.", "some": "Have another."}
    assert english.regions == {"neck": "Neck", "calf": "Calf"}
    assert english.plans["chest"] == "With a breathing check"
    assert english.small_talk["greeting"].asks == ("hi", "hello")
    assert english.stop_words == {"stop"}
    assert "yes" in english.yes_words
    assert english.phrases["welcome_back"] == "Welcome back."
