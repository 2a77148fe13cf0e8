"""Tests of `bot.domain.triage`: the engine, with small made-up rules."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.triage import (
    Circumstances,
    Filter,
    Finding,
    Reach,
    RedFlag,
    Rule,
    Ruleset,
    Urgency,
    doubts,
    findings,
    triage,
)

CONTEXT = {
    "turns": ["but"],
    "divides": ["and", "so"],
    "denial.no": ["no", "without"],
    "denial.no_bridge": ["any", "sign", "of"],
    "denial.not": ["not", "never"],
    "denial.not_bridge": ["have", "any", "feel", "a"],
    "denial.after": ["none", "no"],
    "denial.joins": ["or", "nor", "and"],
    "denial.near": ["in", "when"],
    "denial.complaints": ["ache", "heat", "rattle"],
    "denial.fresh": ["i", "my", "it", "is", "hurts"],
    "question.openers": ["can it", "does it"],
    "question.owned": ["i have it"],
    "present": ["now", "my"],
    "past.words": ["years ago"],
    "past.undone": ["again"],
    "supposed.openers": ["if i get"],
    "idioms": ["ache for"],
}


def made(
    *rules: Rule, urgency: Urgency = Urgency.SAME_DAY, groups: dict[str, list[str]] | None = None
) -> Ruleset:
    """Return a ruleset with one red flag, "sign"."""
    return Ruleset.of(
        [RedFlag(id="sign", urgency=urgency, rules=rules)],
        groups=groups or {},
        context=CONTEXT,
        fillers=["so", "the", "is"],
        forgiven=["rattle", "rattling"],
        never_slips=["cattle", "rattled"],
    )


def rule(
    *parts: Iterable[str], within: int = 3, in_order: bool = False, across: Reach = Reach.SENTENCE
) -> Rule:
    """Return a rule named "r"."""
    return Rule(id="r", parts=tuple(tuple(p) for p in parts), within=within, in_order=in_order, across=across)


ACHE = made(rule(["ache"]))
PAIR = made(
    rule(["knee"], ["ache", "@hot"]),
    groups={"hot": ["heat", "burns like @fire"], "fire": ["fire", "a stove"]},
)


def test_urgencies_are_ordered() -> None:
    """The more urgent is the greater, whatever the letters say."""
    assert Urgency.ROUTINE < Urgency.SAME_DAY < Urgency.EMERGENCY
    assert max(Urgency.SAME_DAY, Urgency.EMERGENCY) is Urgency.EMERGENCY
    assert Urgency.EMERGENCY >= Urgency.EMERGENCY
    assert Urgency.ROUTINE <= Urgency.ROUTINE
    assert Urgency.EMERGENCY > Urgency.ROUTINE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("my knee is full of heat", True),  # a group
        ("knee burns like fire", True),  # a group inside a group
        ("knee burns so like a stove", True),  # a filler inside a phrase
        ("ache in the knee", True),  # any order
        ("knee one two three ache", True),  # three words between
        ("knee one two three four ache", False),  # one too many
        ("knee fine, but elbow ache", False),  # a turn divides
        ("my knee. The ache is elsewhere", False),  # so does a sentence
        ("knee", False),  # a part is missing
    ],
)
def test_all_parts_must_stand_near_each_other(text: str, found: bool) -> None:
    """A rule holds when each part occurs, within its distance, in one statement."""
    assert (triage(text, PAIR) is not None) is found


def test_order_and_reach_can_be_demanded() -> None:
    """A rule may ask for an order, for one clause, or allow the whole message."""
    ordered = made(rule(["knee"], ["ache"], in_order=True))
    assert triage("knee ache", ordered)
    assert not triage("ache knee", ordered)
    clause = made(rule(["knee"], ["ache"], across=Reach.CLAUSE))
    assert triage("knee ache", clause)
    assert not triage("knee, ache", clause)
    message = made(rule(["knee"], ["ache"], within=9, across=Reach.MESSAGE))
    assert triage("My knee. It is bad. But an ache too", message)


def test_any_word_and_stems() -> None:
    """`_` stands for any one word, `stem*` for any ending."""
    ruleset = made(rule(["rat* the _ leg"]))
    assert triage("it rattles the left leg", ruleset)
    assert not triage("it rattles the leg", ruleset)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("rattel", True),  # swapped
        ("ratle", True),  # missing
        ("rattlle", True),  # too many
        ("rartle", True),  # wrong
        ("battle", False),  # another first letter: another word
        ("cattle", False),  # a real word
        ("rattled", False),  # a real word, by the list
        ("rotten", False),  # two letters off
    ],
)
def test_one_slip_is_forgiven(typed: str, found: bool) -> None:
    """An important word is known with one slip of the keyboard; a real word is not taken for it."""
    assert (triage(f"a {typed} here", made(rule(["rattle"]))) is not None) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no ache", False),
        ("no sign of any ache", False),
        ("not a heat ache", True),  # "heat" is denied, the ache is not
        ("I do not have any ache", False),
        ("no heat, rattle or ache", False),  # a list of denials
        ("no heat and ache", False),
        ("no heat and my ache", True),  # something new begins
        ("no heat, ache", True),  # in doubt it counts
        ("no, ache", True),  # an answer, no denial
        ("no heat but ache", True),
        ("ache: none", False),
        ("ache? no", False),
        ("ache, no?", True),  # asks for a yes
        ("never ache", False),
    ],
)
def test_a_denial_takes_back_its_own_sign_only(text: str, found: bool) -> None:
    """What is denied does not count; what stands beside it does."""
    assert (triage(text, ACHE) is not None) is found


def test_a_negation_that_is_part_of_the_sign_denies_nothing() -> None:
    """ "cannot move" and "no feeling in the leg" are signs, not denials."""
    assert triage("I cannot move", made(rule(["cannot move"])))
    assert triage("no feeling in my leg", made(rule(["no feeling"], ["leg"])))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("can it ache?", False),
        ("can it ache? ache", True),  # the next sentence tells
        ("can it harm, my ache is bad", True),  # "my" tells
        ("does it heat? but ache", True),
        ("ache, is that normal?", True),  # a sign, asked as a question
        ("if i get ache what then", False),
        ("ache years ago", False),
        ("ache years ago and ache", True),
        ("ache years ago, ache again", True),
        ("I ache for a holiday", False),
    ],
)
def test_questions_suppositions_past_and_idioms(text: str, found: bool) -> None:
    """What is only asked about, supposed, long past or a way of speaking does not count."""
    assert (triage(text, ACHE) is not None) is found


def test_a_rule_may_switch_filters_off() -> None:
    """A rule that ignores a filter finds its sign all the same."""
    for text, filter_ in [
        ("no ache", Filter.DENIAL),
        ("can it ache", Filter.QUESTION),
        ("if i get ache", Filter.SUPPOSED),
        ("ache years ago", Filter.PAST),
        ("ache for", Filter.IDIOM),
    ]:
        assert not triage(text, ACHE)
        strict = Rule(id="r", parts=(("ache",),), ignores=frozenset({filter_}))
        assert triage(text, made(strict))


def test_what_is_only_asked_about_is_a_doubt() -> None:
    """A question and a supposition are doubts; a report is not; a denial is neither."""
    assert [doubt.red_flag for doubt in doubts("can it ache?", ACHE)] == ["sign"]
    assert [doubt.red_flag for doubt in doubts("if i get ache", ACHE)] == ["sign"]
    assert doubts("can it ache? my ache is bad", ACHE) == ()
    assert doubts("no ache", ACHE) == ()


def test_what_is_asked_about_and_owned_is_reported() -> None:
    """ "I have it" turns a question into a report; "I do not have it" and "if I get it" do not."""
    assert triage("can it ache? i have it", ACHE)
    assert not triage("can it ache? i do not have it", ACHE)


def test_unless_takes_a_rule_back() -> None:
    """An `unless` in the same sentence takes the sign back, unless it is denied itself."""
    ruleset = made(Rule(id="r", parts=(("ache",),), unless=("training",)))
    assert not triage("ache after training", ruleset)
    assert triage("Ache. Training was fine", ruleset)
    assert triage("ache without training", ruleset)
    assert triage("training was fine but ache", ruleset)


def test_the_most_urgent_finding_wins() -> None:
    """Each red flag is found once, with its most urgent rule; the most urgent comes first."""
    ruleset = Ruleset.of(
        [
            RedFlag(id="mild", urgency=Urgency.SAME_DAY, rules=(Rule(id="a", parts=(("ache",),)),)),
            RedFlag(
                id="grave",
                urgency=Urgency.SAME_DAY,
                rules=(
                    Rule(id="b", parts=(("heat",),)),
                    Rule(id="c", parts=(("heat",), ("ache",)), urgency=Urgency.EMERGENCY),
                ),
            ),
        ]
    )
    found = findings("ache and heat", ruleset)
    assert [(finding.red_flag, finding.rule) for finding in found] == [("grave", "c"), ("mild", "a")]
    assert found[0] == Finding(
        red_flag="grave", urgency=Urgency.EMERGENCY, rule="c", because=("ache", "heat")
    )
    assert triage("heat", ruleset) == Finding(
        red_flag="grave", urgency=Urgency.SAME_DAY, rule="b", because=("heat",)
    )
    assert triage("nothing", ruleset) is None


@pytest.mark.parametrize(
    ("treated", "hours", "circumstances", "applies"),
    [
        ({"chest"}, None, Circumstances(frozenset({"chest", "neck"})), True),
        ({"chest", "neck"}, None, Circumstances(frozenset({"neck"})), True),  # one of the places is enough
        ({"chest"}, None, Circumstances(frozenset({"calf"})), False),
        ({"chest"}, None, Circumstances(), False),  # unknown is not yes
        (set(), (48, None), Circumstances(hours=48), True),
        (set(), (48, None), Circumstances(hours=47.9), False),
        (set(), (48, None), Circumstances(hours=9_000), True),  # open at the end
        (set(), (48, None), Circumstances(), False),
        (set(), (0, 72), Circumstances(hours=72), True),
        (set(), (0, 72), Circumstances(hours=72.5), False),
        ({"chest"}, (0, 72), Circumstances(frozenset({"chest"}), 80), False),  # both must hold
        ({"chest"}, (0, 72), Circumstances(frozenset({"chest"}), 8), True),
        (set(), None, Circumstances(frozenset({"calf"}), 8), True),  # asks for nothing
    ],
)
def test_a_rule_may_ask_for_a_place_and_a_time(
    treated: set[str], hours: tuple[float, float | None] | None, circumstances: Circumstances, applies: bool
) -> None:
    """`treated` and `hours` must be known to hold; a rule without them always applies."""
    ruleset = made(Rule(id="r", parts=(("ache",),), treated=frozenset(treated), hours=hours))
    assert (triage("an ache", ruleset, circumstances) is not None) is applies
    assert (doubts("can it ache?", ruleset, circumstances) != ()) is applies


def test_circumstances_only_add() -> None:
    """What is found without them is found with them, with its urgency or a higher one."""
    plain = Rule(id="plain", parts=(("ache",),))
    bound = Rule(
        id="bound", parts=(("ache",),), treated=frozenset({"chest"}), hours=(0, 72), urgency=Urgency.EMERGENCY
    )
    ruleset = made(plain, bound)
    unknown = triage("an ache", ruleset)
    assert unknown is not None
    assert unknown.urgency is Urgency.SAME_DAY
    for circumstances, urgency in [
        (Circumstances(frozenset({"chest"}), 4), Urgency.EMERGENCY),
        (Circumstances(frozenset({"calf"}), 4), Urgency.SAME_DAY),
        (Circumstances(frozenset({"chest"}), 400), Urgency.SAME_DAY),
    ]:
        found = triage("an ache", ruleset, circumstances)
        assert found is not None
        assert found.urgency is urgency


def test_a_missing_group_is_refused() -> None:
    """Rules with an unknown group, or groups that contain each other, do not compile."""
    with pytest.raises(ValueError, match="@nope"):
        made(rule(["@nope"]))
    with pytest.raises(ValueError, match="contains itself"):
        made(rule(["@a"]), groups={"a": ["x @b"], "b": ["@a y"]})


@given(st.text(max_size=300))
def test_any_text_can_be_triaged(text: str) -> None:
    """No text breaks the engine."""
    findings(text, PAIR)
    doubts(text, PAIR)


DENIALS = ["no heat", "not feel heat", "I do not have heat", "without any heat", "heat: none", "never heat"]
JOINTS = [" but ", ". ", "; ", "\n", "! "]


@given(
    st.sampled_from(DENIALS),
    st.sampled_from(JOINTS),
    st.sampled_from(["my knee ache", "it is an ache", "ache"]),
)
def test_a_denial_of_one_sign_never_removes_another(denial: str, joint: str, sign: str) -> None:
    """Whatever is denied before or after it, a reported sign is found."""
    assert triage(denial + joint + sign, ACHE)
    assert triage(sign + joint + denial, ACHE)


@given(
    st.lists(
        st.sampled_from(
            [
                "knee",
                "ache",
                "heat",
                "no",
                "not",
                "and",
                "or",
                "but",
                ",",
                ".",
                "?",
                "my",
                "can",
                "it",
                "if",
                "i",
                "get",
                "years",
                "ago",
            ]
        )
    )
)
def test_any_order_of_our_own_words_can_be_triaged(pieces: list[str]) -> None:
    """Nor does any order of the words the engine knows."""
    for finding in findings(" ".join(pieces), PAIR):
        assert {word for run in finding.because for word in run.split()} <= set(pieces)
