"""The English red flags, tried on their own examples and on sentences that are not in the file."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from bot.content.red_flags import RedFlagsFile, build_ruleset, with_words
from bot.domain.triage import Circumstances, Ruleset, Urgency, doubts, findings, triage

FAQ = Path(__file__).resolve().parents[2] / "faq"
DATA = with_words(
    RedFlagsFile.model_validate(yaml.safe_load((FAQ / "en" / "red_flags.yaml").read_text("utf-8"))),
    yaml.safe_load((FAQ / "en" / "words.yaml").read_text("utf-8"))["words"],
)
URGENCIES = {
    id_: Urgency(urgency)
    for id_, urgency in yaml.safe_load((FAQ / "outline.yaml").read_text("utf-8"))["red_flags"].items()
}

NEAR_CHEST = Circumstances(frozenset({"shoulder"}), hours=20)
CALF = Circumstances(frozenset({"calf"}), hours=6)

FRESH = yaml.safe_load((Path(__file__).parent / "red_flags_fresh.yaml").read_text("utf-8"))
SIGNS = [(id_, text) for kind in ("signs", "beside") for id_, texts in FRESH[kind].items() for text in texts]


@cache
def rules() -> Ruleset:
    """Return the English rules; building them tries every example and counter-example of the file."""
    return build_ruleset(DATA, URGENCIES)


def test_every_red_flag_is_complete() -> None:
    """Each red flag of outline.yaml has its words, enough examples and counter-examples."""
    assert set(DATA.red_flags) == set(URGENCIES)
    for id_, entry in DATA.red_flags.items():
        assert len(entry.examples) >= 50, id_
        assert len(entry.not_) >= 15, id_


def test_every_place_of_a_rule_is_one_that_can_be_treated() -> None:
    """A rule bound to a place that plan.yaml does not know would never apply."""
    regions = yaml.safe_load((FAQ / "plan.yaml").read_text("utf-8"))["regions"]
    named = {
        region
        for entry in DATA.red_flags.values()
        for rule in entry.rules.values()
        for region in rule.treated
    }
    assert named
    assert named <= set(regions)


@pytest.mark.parametrize(
    ("text", "circumstances", "id_", "urgency"),
    [
        ("coughing a bit today", NEAR_CHEST, "breathing", Urgency.EMERGENCY),
        ("coughing a bit today", CALF, None, None),
        ("coughing a bit today", Circumstances(NEAR_CHEST.regions, hours=100), None, None),  # too late for it
        ("coughing a bit today", Circumstances(), None, None),
        ("no cough", NEAR_CHEST, None, None),
        ("i feel a bit dizzy", NEAR_CHEST, "dizzy_next_day", Urgency.SAME_DAY),
        ("i feel a bit dizzy", Circumstances(hours=1), None, None),
        ("my bruise is still there", Circumstances(hours=170), "bruise_stays", Urgency.SAME_DAY),
        ("my bruise is still there", Circumstances(hours=30), None, None),
        ("my calf is sorer now", Circumstances(hours=50), "pain_severe", Urgency.SAME_DAY),
        ("my calf is sorer now", Circumstances(hours=5), None, None),
    ],
)
def test_place_and_time_make_a_sign_of_it(
    text: str, circumstances: Circumstances, id_: str | None, urgency: Urgency | None
) -> None:
    """The same words are a sign near the chest, or late, and none elsewhere or early."""
    found = triage(text, rules(), circumstances)
    assert (found.red_flag if found else None) == id_
    assert (found.urgency if found else None) == urgency


@pytest.mark.parametrize("id_", URGENCIES)
def test_what_is_said_tells_what_to_do(id_: str) -> None:
    """The first line is the action; an emergency names its number, the rest the clinic's phone and what is worse."""
    say = DATA.red_flags[id_].say
    first = say.splitlines()[0]
    assert len(say) <= 600
    assert "you are fine" not in say.lower()
    assert first.startswith("<b>")
    assert "{emergency.number}" in say
    if URGENCIES[id_] is Urgency.EMERGENCY:
        assert "emergency department" in say
        assert "wait for" in say
    else:
        assert "{clinic.phone}" in first
        assert "{clinic.closed_advice}" in say
    if id_ == "self_harm":
        assert "{crisis.line}" in first


def test_every_example_is_found_and_no_counter_example() -> None:
    """The file agrees with itself: `build_ruleset` tries every line and raises otherwise."""
    for id_, entry in DATA.red_flags.items():
        for example in entry.examples:
            found = triage(example, rules())
            assert found
            assert found.urgency >= URGENCIES[id_], example


@pytest.mark.parametrize("line", [line for entry in DATA.red_flags.values() for line in entry.not_])
def test_no_counter_example_raises_an_emergency(line: str) -> None:
    """A counter-example of one red flag is no emergency of another."""
    assert not any(finding.urgency is Urgency.EMERGENCY for finding in findings(line, rules()))


@pytest.mark.parametrize(("id_", "text"), SIGNS)
def test_a_sign_in_fresh_words_is_found(id_: str, text: str) -> None:
    """A sentence the file does not hold is found as its red flag, and handled with its urgency or a higher one."""
    assert text not in DATA.red_flags[id_].examples
    found = findings(text, rules())
    assert id_ in {finding.red_flag for finding in found}
    assert found[0].urgency >= URGENCIES[id_]


@pytest.mark.parametrize("text", FRESH["harmless"])
def test_a_harmless_sentence_is_no_emergency(text: str) -> None:
    """A question, a denial, the past, an idiom or plain soreness raises no emergency."""
    assert not any(finding.urgency is Urgency.EMERGENCY for finding in findings(text, rules()))


@pytest.mark.parametrize("text", FRESH["false_alarms"])
def test_known_false_alarms(text: str) -> None:
    """These are taken for an emergency although they are none; if one no longer is, move it to `harmless`."""
    found = triage(text, rules())
    assert found
    assert found.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("text", FRESH["misses"])
def test_known_misses(text: str) -> None:
    """These are signs that the rules overlook; if one is found, move it to `signs`."""
    assert triage(text, rules()) is None


@pytest.mark.parametrize("id_", [id_ for id_, urgency in URGENCIES.items() if urgency is Urgency.EMERGENCY])
@pytest.mark.parametrize("denial", ["no fever", "not dizzy", "I don't have any rash", "never had a headache"])
def test_a_denial_beside_an_emergency_changes_nothing(id_: str, denial: str) -> None:
    """Every example of an emergency is still one when another sign is denied before it."""
    for example in DATA.red_flags[id_].examples:
        found = triage(f"{denial} but {example}", rules())
        assert found, example
        assert found.urgency is Urgency.EMERGENCY, example


@pytest.mark.parametrize(
    "text",
    [
        "can it puncture a lung?",
        "is chest pain a side effect?",
        "what if I get chest pain",
        "If I faint, what then?",
    ],
)
def test_a_question_about_a_danger_leaves_no_finding(text: str) -> None:
    """The FAQ answers it."""
    assert triage(text, rules()) is None


def test_a_question_about_a_sign_is_a_doubt() -> None:
    """So that the answer can say what to do if the patient has it now."""
    assert [doubt.red_flag for doubt in doubts("is chest pain a side effect?", rules())] == ["breathing"]
    assert doubts("my chest hurts when I breathe, is that a side effect?", rules()) == ()
    assert doubts("is chest pain a side effect? because I have it now", rules()) == ()


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("I'm pregnant, can I have dry needling?", None),
        ("I was pregnant at the session and did not know", Urgency.SAME_DAY),
        ("pregnant and bleeding since the session", Urgency.EMERGENCY),
        ("I have a fever", Urgency.SAME_DAY),
        ("fever, and she is confused", Urgency.EMERGENCY),
        ("I fainted yesterday at the clinic but I'm fine now", Urgency.SAME_DAY),
        ("I fainted and something is not right", Urgency.EMERGENCY),
        ("dizzy since yesterday", Urgency.SAME_DAY),
        ("dizzy since yesterday and about to pass out", Urgency.EMERGENCY),
    ],
)
def test_what_comes_with_a_sign_raises_its_urgency(text: str, urgency: Urgency | None) -> None:
    """The same sign is more urgent with a worse one beside it."""
    found = triage(text, rules())
    assert (found.urgency if found else None) is urgency
