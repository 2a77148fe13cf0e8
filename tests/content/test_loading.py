"""Tests of `bot.content.loading`: the whole of `faq/`, every fault in it, and a clinic's overlay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.content.library import Language, Library
from bot.content.loading import faq_folder, load_library
from bot.content.settings import VARIABLES, Settings
from bot.content.yaml_source import Faults
from bot.domain.check_in import read_answers
from bot.domain.plan import Option
from bot.domain.triage import Urgency, triage
from tests.kit.faq_folder import REAL, FaqFolder

THERE_ARE = "there are " + ", ".join(sorted(VARIABLES))


@pytest.fixture
def faq(tmp_path: Path) -> FaqFolder:
    """Give a small folder of this test's own."""
    return FaqFolder(tmp_path, small=True)


# --- what is supplied ---------------------------------------------------------------------------------------


def test_the_supplied_content_has_no_faults(tmp_path: Path) -> None:
    """Everything in faq/ (but the words of the red flags, which have tests of their own) loads as it is."""
    assert FaqFolder(tmp_path).faults() == []


def test_the_supplied_content_is_found_beside_the_program() -> None:
    """Without a folder of one's own, faq/ is taken."""
    assert faq_folder() == REAL


def test_a_library_holds_plans_urgencies_and_sources(faq: FaqFolder) -> None:
    """What no language has of its own stands once."""
    library = faq.load()
    assert library.plans.default == "standard"
    assert library.plans.regions["neck"] == "chest"
    assert library.plans.plans["chest"].step("h4") is not None
    assert library.urgencies["breathing"] is Urgency.EMERGENCY
    assert "apicare" in library.sources


def test_steps_are_put_in_order(faq: FaqFolder) -> None:
    """Steps are asked by their hours, however the file lists them."""
    faq.own(
        "plan.yaml",
        """\
        plans:
          standard:
            steps:
              - {id: h48, after: 2d, grace: 10h, nudge_after: 4h, questions: [water]}
              - {id: h24, after: 24h, grace: 90min, nudge_after: 4h, questions: [soreness]}
        """,
    )
    steps = faq.load().plans.plans["standard"].steps
    assert [(step.id, step.after, step.grace) for step in steps] == [
        ("h24", timedelta(hours=24), timedelta(minutes=90)),
        ("h48", timedelta(hours=48), timedelta(hours=10)),
    ]


def test_words_that_are_compared_are_brought_into_one_spelling(faq: FaqFolder) -> None:
    """Patients' words are normalised before they are compared, and so are the words they are compared with."""
    faq.own("en/phrases.yaml", "stop_words: [DON’T write]\nyes_words: [Yeees]\n")
    faq.own("en/small_talk.yaml", "small_talk: {greeting: {asks: [Can’t]}}\n")
    faq.own("en/check_ins.yaml", "questions: {water: {typed: {little: [Didn’t drink]}}}\n")
    english = faq.load().languages["en"]
    assert "do not write" in english.stop_words
    assert "yes" in english.yes_words
    assert "cannot" in english.small_talk["greeting"].asks
    assert "did not drink" in english.answer_words.typed["water"]["little"]


# --- the supplied words of the check-ins ---------------------------------------------------------------------


def test_every_way_to_type_an_answer_is_read_as_that_answer(library: Library) -> None:
    """No phrase for one answer is taken for another answer of the same question, or for none."""
    wrong = {
        f"{code}: {id_}.{value}: {phrase}"
        for code, language in library.languages.items()
        for id_, phrases_by_value in language.answer_words.typed.items()
        for value, phrases in phrases_by_value.items()
        for phrase in phrases
        if _read(library, language, id_, phrase) != {id_: value}
    }
    assert wrong == set()


def test_what_stands_on_a_button_can_be_typed(library: Library) -> None:
    """Telegram forgets taps, so the words on a button are understood as if it had been tapped."""
    wrong = {
        f"{code}: {id_}.{value}: {label}"
        for code, language in library.languages.items()
        for id_, words in language.questions.items()
        for value, label in words.labels.items()
        if _read(library, language, id_, label) != {id_: value}
    }
    assert wrong == set()


def _read(library: Library, language: Language, id_: str, text: str) -> dict[str, str]:
    """Return what is read from *text* while only one question is open."""
    reading = read_answers(text, [library.plans.questions[id_]], language.answer_words)
    return dict(reading.answers) if reading else {}


#: Phrasings that tell how it is and ask nothing: whoever writes them while a check-in asks has answered it.
#: At any other time they get their topic's answer.
TELLING = {"still sore", "worse leh", "now more pain"}


def _taken(library: Library, language: Language, lines: Iterable[str]) -> set[str]:
    """Return the lines that are taken for an answer while some check-in is open."""
    steps = {step.questions for plan in library.plans.plans.values() for step in plan.steps}
    asked = [[library.plans.questions[id_] for id_ in questions] for questions in steps]
    return {
        line
        for line in lines
        if any(read_answers(line, questions, language.answer_words) for questions in asked)
    }


def test_no_question_of_the_faq_is_taken_for_an_answer(library: Library) -> None:
    """While a check-in is open, every phrasing of every topic still gets its topic's answer, but for a few tellings."""
    for language in library.languages.values():
        asks = [ask for topic in language.topics.values() for ask in topic.asks]
        assert _taken(library, language, asks) == TELLING


def test_thanks_and_sorry_are_no_answers(library: Library) -> None:
    """ "Thanks a lot" is no soreness of "a lot", and "my bad" is not bad; with an answer beside it, it is one."""
    language = library.languages["en"]
    polite = [ask for id_ in ("thanks", "sorry") for ask in language.small_talk[id_].asks]
    assert _taken(library, language, polite) == {"ok thanks", "okay thanks", "great thanks"}


# --- faults in files without a language ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "line_of", "fault"),
    [
        (
            "plan.yaml",
            "red_flag: pain_severe",
            "red_flag: pain",
            "soreness:",
            "questions.soreness: 'pain' is no red flag of outline.yaml",
        ),
        (
            "plan.yaml",
            "{id: none, at_least: 0}",
            "{id: none, at_least: 1}",
            "soreness:",
            "questions.soreness: the lowest band must start with at_least: 0",
        ),
        (
            "plan.yaml",
            "questions: [soreness, water]",
            "questions: [soreness, wine]",
            "wine",
            "plans.standard.steps.0: 'wine' is no question of this file",
        ),
        (
            "plan.yaml",
            "calf: standard",
            "calf: default",
            "calf: default",
            "regions.calf: 'default' is no plan of this file",
        ),
        (
            "plan.yaml",
            "\ndefault: standard",
            "\ndefault: usual",
            "default: usual",
            "default: 'usual' is no plan of this file",
        ),
        (
            "plan.yaml",
            "{id: h4, after: 4h,",
            "{id: h4, after: 4,",
            "{id: h4,",
            "plans.chest.steps.0.after: '4' is no length of time; write it as 24h, 30min or 2d",
        ),
        (
            "outline.yaml",
            "  brain: emergency",
            "  brain: at once",
            "brain:",
            "red_flags.brain: must be one of 'routine', 'same_day' or 'emergency'",
        ),
        (
            "outline.yaml",
            "  - id: clinic",
            "  - name: clinic",
            "name: clinic",
            "areas.0.id: is missing; add it",
        ),
        (
            "sources.yaml",
            "sources:\n",
            "source:\n",
            "source:",
            "source: no such key; did you mean 'sources'?",
        ),
    ],
)
def test_a_fault_without_a_language_is_shown_with_its_line(
    faq: FaqFolder, name: str, old: str, new: str, line_of: str, fault: str
) -> None:
    """A fault in outline, plan or sources stands at the line to correct, with what to do."""
    faq.change(name, old, new)
    assert f"{faq.at(name, line_of)}: {fault}" in faq.faults()


@pytest.mark.parametrize(
    "name",
    [
        "outline.yaml",
        "plan.yaml",
        "sources.yaml",
        "en/check_ins.yaml",
        "en/phrases.yaml",
        "en/red_flags.yaml",
        "en/small_talk.yaml",
    ],
)
def test_a_file_that_is_missing_is_a_fault(faq: FaqFolder, name: str) -> None:
    """Each of the files is needed, and named if it is not there."""
    (faq.folder / name).unlink()
    assert f"{name}:1: there is no such file" in faq.faults()


@pytest.mark.parametrize(
    "name",
    [
        "outline.yaml",
        "plan.yaml",
        "en/check_ins.yaml",
        "en/phrases.yaml",
        "en/red_flags.yaml",
        "en/small_talk.yaml",
        "en/words.yaml",
        "en/unrelated.yaml",
        "en/asks/clinic.yaml",
    ],
)
def test_a_broken_file_is_the_only_fault(faq: FaqFolder, name: str) -> None:
    """While a file cannot be read, nothing else is said to be wrong because of it."""
    faq.write(name, "a: [\n")
    (fault,) = faq.faults()
    assert fault.startswith(f"{name}:2: ")


def test_a_broken_sources_file_is_the_only_fault(faq: FaqFolder) -> None:
    """While the sources cannot be read, no topic is blamed for naming one."""
    faq.write("sources.yaml", "a: [\n")
    (fault,) = faq.faults()
    assert fault.startswith("sources.yaml:2: ")


def test_faults_of_all_files_are_shown_together(faq: FaqFolder) -> None:
    """One run of the checker finds what is wrong in every file."""
    faq.change("plan.yaml", "calf: standard", "calf: default")
    faq.change("en/clinic.yaml", "title: Money", "titel: Money")
    faq.change("en/check_ins.yaml", "  calf:", "  calves:")
    faq.change("en/phrases.yaml", "  clinic: The clinic", "  clinics: The clinic")
    files = [fault.partition(":")[0] for fault in faq.faults()]
    assert set(files) == {"plan.yaml", "en/clinic.yaml", "en/check_ins.yaml", "en/phrases.yaml"}


# --- languages ----------------------------------------------------------------------------------------------


def test_a_language_without_words_is_a_fault(faq: FaqFolder) -> None:
    """The fault says where to correct it; the languages that are there are checked all the same."""
    faq.change("en/clinic.yaml", "sources: [clinic]", "sources: [nobody]")
    assert faq.faults("en", "xx") == [
        f"{faq.at('en/clinic.yaml', 'nobody')}: topics.cost_insurance.sources: 'nobody' is not in sources.yaml",
        "xx/:1: there are no words for the language 'xx'; correct content.languages or add the folder",
    ]


def test_each_language_has_its_own_words(faq: FaqFolder) -> None:
    """A second language loads beside the first, which stays the default."""
    faq.speak("xx")
    faq.change("xx/clinic.yaml", "title: Money", "title: Geld")
    library = faq.load("en", "xx")
    assert list(library.languages) == ["en", "xx"]
    assert library.languages["xx"].topics["cost_insurance"].title == "Geld"
    assert library.languages["xx"].topics["cost_insurance"].where == faq.at("xx/clinic.yaml", "answer:")
    assert library.languages["en"].topics["cost_insurance"].title == "Money"


@pytest.mark.parametrize(
    ("old", "new", "line_of", "fault"),
    [
        (
            "  menu_area:",
            "  menu_of_area:",
            "phrases:",
            "phrases: 'menu_area' of en/phrases.yaml is missing; add it",
        ),
        (
            "  menu_area:",
            "  menu_of_area:",
            "menu_of_area",
            "phrases.menu_of_area: en/phrases.yaml has no such phrase",
        ),
        (
            "  language_set: ",
            "  language_set: Speak {tongue}. #",
            "language_set",
            "phrases.language_set: {tongue} is not available in this phrase; remove it",
        ),
    ],
)
def test_a_languages_phrases_are_those_of_english(
    faq: FaqFolder, old: str, new: str, line_of: str, fault: str
) -> None:
    """A phrase that is missing, unknown, or names what is not filled in, is a fault of that language."""
    faq.speak("xx")
    faq.change("xx/phrases.yaml", old, new)
    assert f"{faq.at('xx/phrases.yaml', line_of)}: {fault}" in faq.faults("en", "xx")


def test_a_languages_phrase_may_leave_a_variable_out_or_name_the_clinics(faq: FaqFolder) -> None:
    """A translation needs not name everything, and may always name the clinic."""
    faq.speak("xx")
    faq.change("xx/phrases.yaml", "  language_set: ", "  language_set: OK {clinic.name} #")
    assert faq.faults("en", "xx") == []


# --- check-ins ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line_of", "fault"),
    [
        ("  h4:", "  h5:", "steps:", "steps: 'h4' of plan.yaml has no words here; add it"),
        ("  h4:", "  h5:", "h5:", "steps.h5: plan.yaml has no such id; remove it"),
        ("  calf:", "  calves:", "regions:", "regions: 'calf' of plan.yaml has no words here; add it"),
        ("  calf:", "  calves:", "calves:", "regions.calves: plan.yaml has no such id; remove it"),
        ("  chest: With", "  torso: With", "plans:", "plans: 'chest' of plan.yaml has no words here; add it"),
        ("  chest: With", "  torso: With", "torso:", "plans.torso: plan.yaml has no such id; remove it"),
        (
            "  water:\n",
            "  wine:\n",
            "questions:",
            "questions: 'water' of plan.yaml has no words here; add it",
        ),
        ("  water:\n", "  wine:\n", "wine:", "questions.wine: plan.yaml has no such id; remove it"),
        (
            "      plenty: Plenty",
            "      lots: Plenty",
            "lots: Plenty",
            "questions.water.options.lots: plan.yaml has no such id; remove it",
        ),
        (
            "      plenty: [",
            "      lots: [",
            "lots: [",
            "questions.water.typed.lots: no such answer; remove it",
        ),
        (
            '      "9": [',
            '      "11": [',
            '"11": [',
            "questions.soreness.typed.11: no such answer; remove it",
        ),
        (
            "      some: Have",
            "      sum: Have",
            "sum: Have",
            "questions.water.advice.sum: no such answer; remove it",
        ),
    ],
)
def test_the_words_of_the_check_ins_are_those_of_the_plan(
    faq: FaqFolder, old: str, new: str, line_of: str, fault: str
) -> None:
    """What the plan has needs words, and words for what it lacks are a fault; each stands at its line."""
    faq.change("en/check_ins.yaml", old, new)
    assert f"{faq.at('en/check_ins.yaml', line_of)}: {fault}" in faq.faults()


def test_an_option_without_a_label_is_a_fault(faq: FaqFolder) -> None:
    """An answer that has no label could not be tapped."""
    faq.change(
        "en/check_ins.yaml", "options: {easy: As usual, hurts: It hurts, ", "options: {hurts: It hurts, "
    )
    at = faq.at("en/check_ins.yaml", "options: {hurts")
    assert faq.faults() == [
        f"{at}: questions.breathing.options: 'easy' of plan.yaml has no words here; add it"
    ]


# --- variables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "place"),
    [
        ("en/check_ins.yaml", "title: After hours", "steps.h4"),
        ("en/check_ins.yaml", "normal: It is sore", "steps.h24"),
        ("en/check_ins.yaml", "name: Water", "questions.water"),
        ("en/check_ins.yaml", "ask: Did you", "questions.water"),
        ("en/check_ins.yaml", "plenty: Plenty", "questions.water"),
        ("en/check_ins.yaml", "some: Have another", "questions.water.advice.some"),
        ("en/phrases.yaml", "clinic: The clinic", "areas"),
        ("en/small_talk.yaml", "reply: Welcome", "small_talk.thanks"),
        ("en/red_flags.yaml", "title: Brain", "red_flags.brain"),
        ("en/red_flags.yaml", "about brain", "red_flags.brain"),
        ("sources.yaml", "apicare: A clinic", "sources"),
    ],
)
def test_a_variable_that_is_none_is_a_fault_wherever_it_is_filled_in(
    faq: FaqFolder, name: str, words: str, place: str
) -> None:
    """Every text that a person may read is checked, for an unknown variable would leave them without an answer."""
    faq.change(name, words, f"{words} {{clinic.nme}}")
    (fault,) = faq.faults()
    file, line, where, what = fault.split(":", maxsplit=3)
    its_line = int(faq.at(name, "{clinic.nme}").split(":")[1])
    assert file == name
    assert its_line - 4 <= int(line) <= its_line  # the line itself, or the one on which its entry begins
    assert where.strip().startswith(place)
    assert what == f" {{clinic.nme}} is no variable; {THERE_ARE}"


# --- red flags ----------------------------------------------------------------------------------------------


def test_a_red_flag_whose_rules_miss_its_example_is_a_fault(faq: FaqFolder) -> None:
    """The examples are tried while loading; one that is not found is shown at its red flag."""
    faq.change("en/red_flags.yaml", "    examples: [made up brain]", "    examples: [another brain]")
    fault = "red flag 'brain': its rules do not find the example 'another brain' (found: nothing)"
    (found,) = faq.faults()
    assert found.endswith(fault)
    first = int(faq.at("en/red_flags.yaml", "  brain:").split(":")[1])
    assert int(found.split(":")[1]) in range(first, first + 5)


def test_a_red_flag_without_words_is_a_fault(faq: FaqFolder) -> None:
    """What the outline lists, each language has words for."""
    faq.change("en/red_flags.yaml", "  brain:\n", "  brains:\n")
    faults = "\n".join(faq.faults())
    assert "red flag 'brain' of outline.yaml has no words here" in faults
    assert "red flag 'brains': outline.yaml does not know it" in faults


# --- a clinic's own words on top ----------------------------------------------------------------------------


def test_an_overlay_that_is_not_there_is_a_fault(faq: FaqFolder, tmp_path: Path) -> None:
    """A wrong path is named, not passed over in silence."""
    settings = faq.settings()
    content = settings.content.model_copy(update={"overlay": tmp_path / "nowhere"})
    wrong: Settings = settings.model_copy(update={"content": content})
    with pytest.raises(Faults) as raised:
        load_library(wrong, faq.folder)
    assert str(raised.value) == (
        f"{tmp_path}/nowhere:1: the overlay folder of the settings is not there; correct content.overlay"
    )


def test_a_clinic_makes_a_red_flag_more_urgent_and_adds_one(faq: FaqFolder) -> None:
    """The overlay's outline raises an urgency; a sign of the clinic's own has its own words."""
    faq.own("outline.yaml", "red_flags: {skin: emergency, brain: emergency, clinic_toe: same_day}\n")
    faq.own(
        "en/red_flags.yaml",
        """\
        red_flags:
          clinic_toe:
            title: Toe
            say: Call {clinic.phone} today.
            rules: {told: [blue toe]}
            examples: [I have a blue toe]
        """,
    )
    library = faq.load()
    assert library.urgencies["skin"] is Urgency.EMERGENCY
    assert library.urgencies["clinic_toe"] is Urgency.SAME_DAY
    assert library.urgencies["brain"] is Urgency.EMERGENCY  # as it was
    english = library.languages["en"]
    assert english.red_flags["clinic_toe"].say == "Call {clinic.phone} today."
    found = triage("look, my blue toe", english.rules)
    assert found is not None
    assert (found.red_flag, found.urgency) == ("clinic_toe", Urgency.SAME_DAY)
    raised = triage("made up skin", english.rules)
    assert raised is not None
    assert raised.urgency is Urgency.EMERGENCY


def test_a_clinic_adds_words_to_a_red_flag(faq: FaqFolder) -> None:
    """New rules stand beside ours, and `say` and `title` are the clinic's; ours still find what they found."""
    faq.own(
        "en/red_flags.yaml",
        "red_flags: {brain: {say: Call us., rules: {told: [blue head]}, examples: [a blue head]}}\n",
    )
    english = faq.load().languages["en"]
    assert english.red_flags["brain"].say == "Call us."
    assert english.red_flags["brain"].title == "Brain"
    for text in ("my blue head", "made up brain"):
        found = triage(text, english.rules)
        assert found is not None
        assert found.red_flag == "brain"


@pytest.mark.parametrize("softer", ["same_day", "routine"])
def test_a_clinic_never_softens_a_red_flag(faq: FaqFolder, softer: str) -> None:
    """A lower urgency is refused, in the clinic's file, at its line."""
    faq.own("outline.yaml", f"# ours\nred_flags:\n  skin: emergency\n  brain: {softer}\n")
    assert faq.faults() == [
        f"{faq.own_at('outline.yaml', 'brain')}: red_flags.brain: "
        "a red flag may be made more urgent, never less: it is 'emergency'"
    ]


@pytest.mark.parametrize(
    "question",
    [
        "breathing: {options: [{id: easy}, {id: hurts}, {id: short, red_flag: breathing}]}",  # none any more
        # another sign, and a less urgent one
        "breathing: {options: [{id: easy}, {id: hurts, red_flag: skin}, {id: short, red_flag: breathing}]}",
        # shown to staff, but no sign
        "breathing: {options: [{id: easy}, {id: hurts, alert: true}, {id: short, red_flag: breathing}]}",
        # "severe" begins later, or not at all
        "soreness: {options: [{id: none}, {id: severe, at_least: 9, red_flag: pain_severe}]}",
        "soreness: {options: [{id: none}, {id: moderate, at_least: 4}]}",
    ],
)
def test_a_clinic_never_softens_a_worrying_answer(faq: FaqFolder, question: str) -> None:
    """An answer of ours that is a red flag stays one, as urgent, and from the same number on."""
    path = faq.own("plan.yaml", f"# ours\nquestions:\n  {question}\n")
    id_ = question.partition(":")[0]
    assert any(fault.startswith(f"{path}:3: questions.{id_}: ") for fault in faq.faults())


@pytest.mark.parametrize(
    "question",
    [
        "breathing: {options: [{id: easy}, {id: hurts, red_flag: brain}, {id: short, red_flag: breathing}]}",
        "soreness: {options: [{id: none}, {id: severe, at_least: 6, red_flag: breathing}]}",
        "water: {options: [{id: plenty}, {id: some}, {id: little, red_flag: skin}]}",
    ],
)
def test_a_clinic_may_be_stricter_about_an_answer(faq: FaqFolder, question: str) -> None:
    """More answers may be red flags, more urgent ones, and from a lower number on."""
    faq.own("plan.yaml", f"questions:\n  {question}\n")
    assert faq.faults() == []


def test_a_fault_in_a_clinics_red_flag_is_shown_in_its_file(faq: FaqFolder) -> None:
    """An example that the clinic's own rule does not find stands in the clinic's file."""
    path = faq.own(
        "en/red_flags.yaml",
        "red_flags:\n  brain:\n    rules: {told: [blue head]}\n    examples: [a red head]\n",
    )
    (fault,) = faq.faults()
    assert fault.startswith(f"{path}:")
    assert "a red head" in fault


@pytest.mark.parametrize(
    "name",
    [
        "outline.yaml",
        "plan.yaml",
        "sources.yaml",
        "en/check_ins.yaml",
        "en/phrases.yaml",
        "en/red_flags.yaml",
        "en/small_talk.yaml",
        "en/words.yaml",
        "en/unrelated.yaml",
    ],
)
def test_a_broken_file_of_the_clinics_is_a_fault(faq: FaqFolder, name: str) -> None:
    """A file of the overlay that is no YAML is named by its path, whichever it is."""
    path = faq.own(name, "a: [\n")
    assert any(fault.startswith(f"{path}:2: ") for fault in faq.faults())


def test_a_clinic_replaces_phrases_and_adds_words(faq: FaqFolder) -> None:
    """A phrase of the clinic's own takes the place of ours; lists of words grow."""
    faq.own(
        "en/phrases.yaml",
        """\
        phrases: {welcome_back: "Good to see you, says {clinic.name}."}
        stop_words: [enough now]
        areas: {clinic: Our clinic}
        """,
    )
    faq.own("en/small_talk.yaml", "small_talk: {greeting: {asks: [selamat pagi]}}\n")
    before = FaqFolder(faq.folder.parent / "other", small=True).load().languages["en"]
    english = faq.load().languages["en"]
    assert english.phrases["welcome_back"] == "Good to see you, says {clinic.name}."
    assert {k: v for k, v in english.phrases.items() if k != "welcome_back"} == {
        k: v for k, v in before.phrases.items() if k != "welcome_back"
    }
    assert english.stop_words == before.stop_words | {"enough now"}
    assert english.small_talk["greeting"].asks == (*before.small_talk["greeting"].asks, "selamat pagi")
    assert english.areas["clinic"] == "Our clinic"


@pytest.mark.parametrize(
    ("name", "text", "line_of"),
    [
        (
            "en/phrases.yaml",
            "phrases:\n  welcome_back: Hello {nmae}\n",
            "nmae",
        ),  # would leave the patient without an answer
        ("en/phrases.yaml", "phrases:\n  welcome_bakc: Hello\n", "bakc"),  # would be passed over in silence
        ("en/phrases.yaml", "areas:\n  clinic: ''\n", "clinic:"),
        ("en/small_talk.yaml", "small_talk: {thanks: {reply: 'Bye {nmae}'}}\n", "nmae"),
    ],
)
def test_a_fault_in_a_clinics_phrases_is_shown_in_its_file(
    faq: FaqFolder, name: str, text: str, line_of: str
) -> None:
    """What the clinic wrote is checked as ours is, and shown where it stands."""
    faq.own(name, text)
    (fault,) = faq.faults()
    assert fault.startswith(f"{faq.own_at(name, line_of)}: ")


# --- small talk, the thesaurus, and what is none of our business ---------------------------------------------


def test_words_and_unrelated_lines_may_be_missing(faq: FaqFolder) -> None:
    """A content without them is whole: nothing is synonymous, and nothing is known to be unrelated."""
    english = faq.load().languages["en"]
    assert dict(english.synonyms) == {}
    assert english.unrelated == ()


def test_words_and_unrelated_lines_are_read(faq: FaqFolder) -> None:
    """The thesaurus by its names, the lines in their order; a colon or a bare no in quotes is a word."""
    faq.write("en/words.yaml", "words:\n  exercise: [gym, leg day]\n  money: [cost]\n")
    faq.write("en/unrelated.yaml", "unrelated:\n  - where is the moon\n  - 'no: thing'\n")
    english = faq.load().languages["en"]
    assert english.synonyms == {"exercise": ("gym", "leg day"), "money": ("cost",)}
    assert english.unrelated == ("where is the moon", "no: thing")


def test_a_clinic_adds_the_places_its_patients_travel_to(faq: FaqFolder) -> None:
    """Its cities and other names of countries join ours; both may be missing."""
    bare = faq.load().languages["en"].atlas
    assert "tokyo" in bare.names
    assert "bali" not in bare.names
    faq.write("en/places.yaml", "cities: {Asia/Makassar: [Bali]}\nbefore: [i am in]\n")
    faq.own("en/places.yaml", "cities: {Asia/Makassar: [Ubud]}\ncountries: {GB: [Blighty]}\n")
    atlas = faq.load().languages["en"].atlas
    assert {place.name for name in ("bali", "ubud", "blighty") for place in atlas.names[name]} == {
        "Bali, Indonesia",
        "Ubud, Indonesia",
        "London, Britain (UK)",
    }
    assert atlas.before == ("i am in",)


@pytest.mark.parametrize("ours", [True, False])
def test_a_clinics_words_and_unrelated_lines_come_on_top_of_ours(faq: FaqFolder, ours: bool) -> None:
    """Its words join ours under the same name, its lines follow; where we have none, its own are enough."""
    if ours:
        faq.write("en/words.yaml", "words: {exercise: [gym, leg day]}\n")
        faq.write("en/unrelated.yaml", "unrelated: [where is the moon]\n")
    faq.own("en/words.yaml", "words: {exercise: [leg day, silat], bathing: [mandi]}\n")
    faq.own("en/unrelated.yaml", "unrelated: [do you sell kettles]\n")
    english = faq.load().languages["en"]
    assert set(english.synonyms["exercise"]) == {"leg day", "silat"} | ({"gym"} if ours else set())
    assert english.synonyms["bathing"] == ("mandi",)
    assert english.unrelated == (("where is the moon",) if ours else ()) + ("do you sell kettles",)


def test_a_clinics_small_talk_is_added_and_its_replies_replace_ours(faq: FaqFolder) -> None:
    """More ways to say it, another reply, and a kind of its own."""
    faq.own(
        "en/small_talk.yaml",
        """\
        small_talk:
          thanks: {asks: [terima kasih], reply: "Sama-sama, says {clinic.name}."}
          weather: {asks: [hot today], reply: Drink water.}
        """,
    )
    talk = faq.load().languages["en"].small_talk
    assert talk["thanks"].asks == ("thanks", "terima kasih")
    assert talk["thanks"].reply == "Sama-sama, says {clinic.name}."
    assert talk["weather"].asks == ("hot today",)
    assert talk["greeting"].reply == "Hello from {clinic.name}!"


BAD = [
    (
        "places",
        "cities:\n  Mars/Olympus: [Mons]\n",
        "Mars",
        "'Mars/Olympus' is no time zone; write one such as",
    ),
    ("places", "countries:\n  UK: [Blighty]\n", "UK", "'UK' is no country's code; write one such as SG"),
    ("small_talk", "small_talk:\n  weather: {asks: [], reply: Hot.}\n", "weather", "has too few entries"),
    ("small_talk", "small_talk:\n  weather: {asks: [hot]}\n", "weather", "reply: is missing; add it"),
    ("small_talk", "small_talk:\n  Weather: {asks: [hot], reply: A}\n", "Weather", "is no id"),
    (
        "small_talk",
        "small_talk:\n  weather: {asks: [hot], reply: '{moon}'}\n",
        "moon",
        "{moon} is no variable",
    ),
    ("small_talk", "small_talk:\n  weather: {asks: [hot], replay: A}\n", "replay", "did you mean 'reply'?"),
    ("words", "words:\n  exercise: gym\n", "exercise", "must be a list"),
    ("words", "words:\n  exercise: [gym, '']\n", "exercise", "must not be empty"),
    ("words", "words:\n  Exercise Words: [gym]\n", "Exercise", "is no id"),
    ("words", "word:\n  exercise: [gym]\n", "word:", "did you mean 'words'?"),
    ("words", "words:\n  exercise:\n    - gym\n    - 5\n", "- 5", "must be text; put it in quotes"),
    ("unrelated", "unrelated:\n  - true\n", "true", "must be text; put it in quotes"),
    ("unrelated", "unrelated:\n  - moon\n  - {sun: 1}\n", "sun", "must be text"),
    ("unrelated", f"unrelated:\n  - {'x' * 301}\n", "xxx", "is too long; it may have 300 characters"),
]


@pytest.mark.parametrize(("name", "text", "line_of", "what"), BAD)
def test_a_bad_entry_is_shown_with_its_line(
    faq: FaqFolder, name: str, text: str, line_of: str, what: str
) -> None:
    """In our files: each slip at the line to correct, with what to do."""
    faq.write(f"en/{name}.yaml", text)
    assert any(
        fault.startswith(f"{faq.at(f'en/{name}.yaml', line_of)}: ") and what in fault
        for fault in faq.faults()
    )


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize(("name", "text", "line_of", "what"), BAD)
def test_a_bad_entry_of_the_clinics_is_shown_in_its_file(
    faq: FaqFolder, name: str, text: str, line_of: str, what: str, ours: bool
) -> None:
    """The same slips in the clinic's own file, on top of ours or without one, stand there and nowhere else."""
    if ours and name != "small_talk":
        empty = {"words": "words: {}\n", "unrelated": "unrelated: []\n", "places": "before: []\n"}
        faq.write(f"en/{name}.yaml", empty[name])
    faq.own(f"en/{name}.yaml", text)
    faults = faq.faults()
    (fault,) = [fault for fault in faults if what in fault]
    assert fault.startswith(f"{faq.own_at(f'en/{name}.yaml', line_of)}: ")
    assert all(fault.startswith(str(faq.overlay)) for fault in faults)


def test_a_clinics_bad_words_do_not_hide_other_faults(faq: FaqFolder) -> None:
    """Also where we have no such file: reading goes on, and one run finds everything."""
    faq.own("en/words.yaml", "words: {exercise: gym}\n")
    faq.own("en/more.yaml", "topics: {mine: {title: Mine}}\n")
    faq.change("plan.yaml", "calf: standard", "calf: default")
    faults = "\n".join(faq.faults())
    assert "must be a list" in faults
    assert "clinic.mine" in faults
    assert "regions.calf" in faults


def test_a_clinic_rewrites_check_ins_and_adds_answers(faq: FaqFolder) -> None:
    """Words of a check-in are replaced, ways to type an answer are added to ours."""
    before = faq.load().languages["en"]
    faq.own(
        "en/check_ins.yaml",
        """\
        steps: {h24: {title: One day later}}
        questions:
          water:
            typed: {plenty: [banyak]}
            advice: {some: Drink more.}
        """,
    )
    english = faq.load().languages["en"]
    assert english.steps["h24"].title == "One day later"
    assert english.steps["h24"].normal == before.steps["h24"].normal
    ours = before.answer_words.typed["water"]["plenty"]
    assert set(english.answer_words.typed["water"]["plenty"]) == {*ours, "banyak"}
    assert english.questions["water"].advice["some"] == "Drink more."
    assert english.questions["water"].advice["little"] == before.questions["water"].advice["little"]


def test_a_fault_in_a_clinics_check_ins_is_shown_in_its_file(faq: FaqFolder) -> None:
    """Words for a step that the plan lacks stand in the clinic's file."""
    faq.own("en/check_ins.yaml", "# ours\nsteps:\n  h99: {title: Late, normal: '{clinic.nme}'}\n")
    at = faq.own_at("en/check_ins.yaml", "h99")
    assert sorted(faq.faults()) == [
        f"{at}: steps.h99: plan.yaml has no such id; remove it",
        f"{at}: steps.h99: {{clinic.nme}} is no variable; {THERE_ARE}",
    ]


def test_a_clinic_replaces_a_plans_steps(faq: FaqFolder) -> None:
    """A list of steps takes the place of ours; other plans and questions stay; a new step has words of its own."""
    faq.own(
        "plan.yaml",
        """\
        plans:
          standard:
            steps:
              - {id: h24, after: 20h, grace: 10h, nudge_after: 4h, questions: [soreness]}
              - {id: d7, after: 7d, grace: 1d, nudge_after: 4h, questions: [water]}
        questions:
          water:
            options: [{id: plenty}, {id: some}, {id: little, alert: true}]
        """,
    )
    faq.own("en/check_ins.yaml", "steps: {d7: {title: A week after, normal: By now it is over.}}\n")
    plans = faq.load().plans
    assert [step.id for step in plans.plans["standard"].steps] == ["h24", "d7"]
    assert [step.id for step in plans.plans["chest"].steps] == ["h4", "h24", "h48"]
    assert plans.questions["water"].options[2] == Option(id="little", alert=True)
    assert plans.questions["soreness"].scale_to == 10


def test_a_new_step_without_words_is_a_fault(faq: FaqFolder) -> None:
    """A step of the clinic's own needs its title and what is normal then, in every language."""
    faq.own(
        "plan.yaml",
        "plans: {long: {steps: [{id: d7, after: 7d, grace: 1d, nudge_after: 4h, questions: [water]}]}}\n",
    )
    at = faq.at("en/check_ins.yaml", "steps:")
    assert f"{at}: steps: 'd7' of plan.yaml has no words here; add it" in faq.faults()


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        (
            "[{id: h24, after: 7d, grace: 1d, nudge_after: 4h, questions: [wine]}]",
            "'wine' is no question of this file",
        ),
        (
            "[{id: h24, after: 7, grace: 1d, nudge_after: 4h, questions: [water]}, "
            "{id: h48, after: 2d, grace: 1d, nudge_after: 4h, questions: [water]}]",
            "'7' is no length of time",
        ),
        (
            "[{id: h24, after: 1d, grace: 1d, nudge_after: 4h, questions: [water]}, "
            "{id: h24, after: 2d, grace: 1d, nudge_after: 4h, questions: [water]}]",  # which one was answered?
            "h24",
        ),
    ],
)
def test_a_fault_in_a_clinics_plan_is_shown_in_its_file(faq: FaqFolder, steps: str, fault: str) -> None:
    """A step that cannot be asked stands in the clinic's plan."""
    path = faq.own("plan.yaml", f"# ours\nplans:\n  standard:\n    steps: {steps}\n")
    (found,) = faq.faults()
    assert found.startswith(f"{path}:4: plans.standard.steps")
    assert fault in found


LONG = "x" * 60


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (
            f"questions: {{{LONG}: {{options: [{{id: a}}, {{id: b}}]}}}}",
            f"questions: {{{LONG}: {{name: N, ask: A, options: {{a: A, b: B}}}}}}",
        ),
        (
            f"questions: {{water: {{options: [{{id: a}}, {{id: {LONG}}}]}}}}",
            f"questions: {{water: {{options: {{a: A, {LONG}: B}}}}}}",
        ),
        (f"regions: {{{LONG}: standard}}", f"regions: {{{LONG}: Toe}}"),
        (
            f"plans: {{{LONG}: {{steps: [{{id: h24, after: 1d, grace: 1d, nudge_after: 1d, questions: [water]}}]}}}}",
            f"plans: {{{LONG}: My plan}}",
        ),
    ],
    ids=["question", "option", "region", "plan"],
)
def test_an_id_that_no_button_can_carry_is_a_fault(faq: FaqFolder, plan: str, words: str) -> None:
    """The ids of the plan stand in the data of buttons, which hold 64 bytes: found now, not when one is shown."""
    path = faq.own("plan.yaml", f"{plan}\n")
    faq.own("en/check_ins.yaml", f"{words}\n")
    assert any(fault.startswith(f"{path}:1: ") and LONG in fault for fault in faq.faults())


def test_a_clinic_adds_sources(faq: FaqFolder) -> None:
    """A reference of the clinic's own stands beside ours, and its answers may name it."""
    faq.own("sources.yaml", 'sources: {ours: "Our own study, 2026"}\n')
    faq.own("en/more.yaml", "topics: {cost_insurance: {sources: [ours]}}\n")
    library: Library = faq.load()
    assert library.sources["ours"] == "Our own study, 2026"
    assert "apicare" in library.sources
    assert library.languages["en"].topics["cost_insurance"].sources == ("ours",)
