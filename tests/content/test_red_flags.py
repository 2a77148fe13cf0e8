"""Tests of `bot.content.red_flags`: the shape of the file, its faults, a clinic's additions."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot.content.red_flags import RedFlagsFile, build_ruleset, merge, with_words
from bot.domain.triage import Circumstances, Urgency, triage

URGENCIES = {"sign": Urgency.SAME_DAY}


def a_file(**changes: Any) -> dict[str, Any]:
    """Return a small file as YAML gives it, with *changes* to its red flag."""
    entry = {
        "title": "A sign",
        "say": "<b>Call {clinic.phone}.</b>",
        "rules": {"ache": ["knee @ache"]},
        "examples": ["my knee aches"],
        "not": ["no knee ache"],
    }
    return {
        "fillers": ["my"],
        "groups": {"ache": ["ache", "aches"]},
        "context": {"denial": {"no_words": ["no"]}},
        "red_flags": {"sign": {**entry, **changes}},
    }


def faults(data: dict[str, Any], urgencies: dict[str, Urgency] | None = None) -> list[str]:
    """Return the faults that building *data* names."""
    with pytest.raises(ValueError, match=r"\w") as raised:
        build_ruleset(RedFlagsFile.model_validate(data), urgencies or URGENCIES)
    return str(raised.value).splitlines()


def test_a_sound_file_becomes_a_ruleset() -> None:
    """The rules find what the file says, with the urgency of outline.yaml."""
    found = triage("my knee aches", build_ruleset(RedFlagsFile.model_validate(a_file()), URGENCIES))
    assert found
    assert (found.red_flag, found.rule, found.urgency) == ("sign", "ache", Urgency.SAME_DAY)
    assert found.because == ("knee aches",)


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        (["a", "b"], (("a", "b"),)),  # a list is `any`
        ("a", (("a",),)),  # a phrase is a list of one
        ({"any": "a"}, (("a",),)),
        ({"all": ["a", ["b", "c"]]}, (("a",), ("b", "c"))),
        ({"any": ["a"], "all": ["b"]}, (("a",), ("b",))),
    ],
)
def test_a_rule_can_be_written_short(rule: object, parts: tuple[tuple[str, ...], ...]) -> None:
    """The short forms of a rule mean the same as the long one."""
    file = RedFlagsFile.model_validate(a_file(rules={"r": rule}))
    assert file.red_flags["sign"].rules["r"].parts() == parts


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"rules": {"r": ["knee @ake"]}}, "red flag 'sign', rule 'r': there is no group @ake"),
        ({"rules": {"r": {"within": 3}}}, "red flag 'sign', rule 'r': no words to look for"),
        ({"rules": {"r": {"all": [["knee"], []]}}}, "red flag 'sign', rule 'r': no words to look for"),
        ({"rules": {"r": ["_ knee"]}}, "'_ knee' does not start with a word"),
        ({"rules": {"r": ["knee", "?!"]}}, "'?!' does not start with a word"),
        (
            {"rules": {"r": {"any": ["knee"], "urgency": "routine"}}},
            "may be higher than 'same_day', not lower",
        ),
        ({"rules": {}}, "has no rules"),
        ({"examples": []}, "has no examples"),
        ({"title": " "}, "has no title"),
        ({"say": ""}, "has no say"),
        ({"say": "x" * 601}, "say has 601 characters"),
        ({"examples": ["my elbow aches"]}, "do not find the example 'my elbow aches'"),
        ({"not": ["knee ache"]}, "rule 'ache' finds 'knee ache', which it must not"),
    ],
)
def test_a_fault_is_named_in_plain_words(changes: dict[str, Any], fault: str) -> None:
    """Each fault says where it is and what is wrong."""
    assert any(fault in line for line in faults(a_file(**changes)))


BOUND = {"any": ["cough"], "treated": "chest", "hours": [2, 72], "examples": ["I cough"]}


def test_a_rule_may_be_bound_to_a_place_and_a_time() -> None:
    """`treated` and `hours` reach the engine; the rule's own examples are tried there and then."""
    file = RedFlagsFile.model_validate(a_file(rules={"ache": ["knee @ache"], "cough": BOUND}))
    rules = build_ruleset(file, URGENCIES, ["chest"])
    there = Circumstances(frozenset({"chest"}), 2)
    assert triage("I cough", rules) is None
    assert triage("I cough", rules, there)
    assert triage("I cough", rules, Circumstances(frozenset({"chest"}), 73)) is None


@pytest.mark.parametrize(
    ("hours", "period"),
    [
        ([2, 72], (2, 72)),
        ([48, None], (48, None)),  # open at the end
        ([48], (48, None)),
        ([None, 24], (0, 24)),
        (None, None),
    ],
)
def test_hours_may_be_open(hours: object, period: object) -> None:
    """The second number may be left out or empty."""
    file = RedFlagsFile.model_validate(a_file(rules={"r": BOUND | {"hours": hours}}))
    assert file.red_flags["sign"].rules["r"].period() == period


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"treated": ["tail"]}, "plan.yaml has no region 'tail'"),
        ({"hours": [72, 2]}, "hours must run from the smaller number to the larger"),
        ({"examples": []}, "give it examples of its own"),
        ({"treated": [], "hours": None}, "its examples belong to the red flag"),
        ({"examples": ["I sneeze"]}, "it does not find its example 'I sneeze'"),
    ],
)
def test_a_fault_in_what_a_rule_is_bound_to_is_named(changes: dict[str, Any], fault: str) -> None:
    """A place that does not exist, hours the wrong way round, examples that are missing or not found."""
    data = a_file(rules={"ache": ["knee @ache"], "cough": BOUND | changes})
    with pytest.raises(ValueError, match=fault):
        build_ruleset(RedFlagsFile.model_validate(data), URGENCIES, ["chest"])


def test_all_faults_are_listed_together() -> None:
    """One look shows everything that is wrong."""
    assert len(faults(a_file(rules={"r": ["@a", "@b"]}, title="", say=""))) == 4


def test_groups_must_not_contain_each_other() -> None:
    """A circle of groups is named."""
    data = a_file() | {"groups": {"ache": ["@pain"], "pain": ["@ache"]}}
    assert faults(data) == ["group 'ache' contains itself", "group 'pain' contains itself"]


def test_the_red_flags_are_those_of_the_outline() -> None:
    """An unknown red flag and a missing one are both faults."""
    lines = faults(a_file(), {"other": Urgency.ROUTINE})
    assert any("'sign': outline.yaml does not know it" in line for line in lines)
    assert any("'other' of outline.yaml has no words here" in line for line in lines)


def test_unknown_keys_are_refused() -> None:
    """A slip in a key does not pass in silence."""
    with pytest.raises(ValidationError):
        RedFlagsFile.model_validate(a_file(exampels=["x"]))
    with pytest.raises(ValidationError):
        RedFlagsFile.model_validate(a_file(rules={"r": {"any": ["a"], "ignores": ["everything"]}}))


def test_an_overlay_adds_and_replaces_words_only() -> None:
    """A clinic may add words, rules, examples and red flags, and replace what is said."""
    base = RedFlagsFile.model_validate(a_file())
    own = RedFlagsFile.model_validate(
        {
            "groups": {"ache": ["throbs"], "hip": ["hip"]},
            "red_flags": {
                "sign": {
                    "say": "<b>Ring us.</b>",
                    "rules": {"ache": ["@hip @ache"]},
                    "examples": ["my hip throbs"],
                    "not": ["no hip ache"],
                },
                "own": {"title": "Own", "say": "Ring.", "rules": {"r": ["elbow"]}, "examples": ["elbow"]},
            },
        }
    )
    merged = merge(base, own)
    entry = merged.red_flags["sign"]
    assert entry.title == "A sign"
    assert entry.say == "<b>Ring us.</b>"
    assert entry.examples == ("my knee aches", "my hip throbs")
    assert set(entry.rules) == {"ache", "ache_2"}
    rules = build_ruleset(merged, {**URGENCIES, "own": Urgency.EMERGENCY})
    for text, id_ in [
        ("my knee aches", "sign"),
        ("knee throbs", "sign"),
        ("hip aches", "sign"),
        ("elbow", "own"),
    ]:
        found = triage(text, rules)
        assert found
        assert found.red_flag == id_


def test_an_overlay_cannot_take_a_sign_back() -> None:
    """Its context words and fillers are left out: they could hide a sign."""
    own = RedFlagsFile.model_validate({"context": {"idioms": ["knee aches"]}, "never_slips": ["ache"]})
    assert triage(
        "my knee aches", build_ruleset(merge(RedFlagsFile.model_validate(a_file()), own), URGENCIES)
    )


def test_rules_may_name_groups_of_the_thesaurus() -> None:
    """A word that a clinic adds to words.yaml is read as danger where a rule names its group; own groups count first."""
    words = {"joint": ("knee", "elbow"), "ache": ("gripe",), "gym": ("leg day",)}
    data = with_words(RedFlagsFile.model_validate(a_file(rules={"ache": ["@joint @ache"]})), words)
    ruleset = build_ruleset(data, URGENCIES)

    assert triage("my elbow aches", ruleset)
    assert not triage("my elbow gripe", ruleset)
    assert set(data.groups) == {"joint", "ache"}
