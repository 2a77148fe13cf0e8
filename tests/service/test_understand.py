"""Tests of the seam: what kind of message it is, in the order that counts, alone and after what was said before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.content.library import Library
from bot.domain.conversation import Before
from bot.domain.triage import Circumstances, RedFlag, Rule, Ruleset, Urgency
from bot.matching.matcher import Decision, Guess, Opinion
from bot.matching.mind import Mind, Minds
from bot.service.understand import SECOND_OPINION, Danger, Understanding, read_danger, understand
from tests.kit.scripted import Scripted, Suspicious, answer, like, offer


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello, i cant breathe", "red_flag"),  # before small talk
        ("hello!", "smalltalk"),
        ("does it hurt?", "answer"),
        ("zxqv wqpz blorf", "hand_over"),
        ("", "hand_over"),
    ],
)
def test_each_kind(library: Library, minds: Minds, text: str, kind: str) -> None:
    """Danger first, then small talk, then topics, else a person."""
    meant = understand(library, library.language("en"), minds["en"], text)

    assert meant.kind == kind


def test_a_sign_that_is_only_asked_about_is_a_doubt(library: Library, minds: Minds) -> None:
    """The question is answered, and the doubt is told."""
    meant = understand(library, library.language("en"), minds["en"], "is chest pain a side effect?")

    assert meant.finding is None
    assert meant.doubt is not None
    assert meant.doubt.red_flag == "breathing"


def test_a_code_is_no_fever(library: Library, minds: Minds) -> None:
    """What stands in an invitation by chance is not read; the words beside it are."""
    code, mind = "1HSHJ7BF43NVZ1C5CT39ZWYM47", minds["en"]

    assert read_danger(library, mind, code).at_once is None
    assert read_danger(library, mind, "1HSHJ 7BF43 NVZ1C 5CT39 ZWYM47").at_once is None
    assert read_danger(library, mind, f"{code} and i cant breathe").at_once is not None


# --- with rules and a mind of the test's own ------------------------------------------------------------------

RULES = Ruleset.of(
    [
        RedFlag(
            id="breathing",
            urgency=Urgency.EMERGENCY,
            rules=(
                Rule(id="plain", parts=(("blue lips",),)),
                Rule(id="weak", parts=(("tight shirt",),), weak=True),
                Rule(id="placed", parts=(("odd flutter",),), treated=frozenset({"chest"}), hours=(0, 72)),
            ),
        ),
        RedFlag(
            id="skin",
            urgency=Urgency.SAME_DAY,
            rules=(Rule(id="plain", parts=(("green spots",),)), Rule(id="hot", parts=(("tight shirt rash",),))),
        ),
        RedFlag(
            id="post_soreness", urgency=Urgency.ROUTINE, rules=(Rule(id="plain", parts=(("dull ache",),)),)
        ),
    ],
    context={"question.openers": ("can it cause",)},
)  # fmt: skip


def told(
    library: Library,
    text: str,
    decisions: dict[str, Decision] | None = None,
    *,
    opinion: Opinion | None = None,
    before: Before | None = None,
    circumstances: Circumstances | None = None,
) -> Understanding:
    """Return what *text* is to a mind that decides as told, and holds this opinion of it (else: like no danger)."""
    language = replace(library.languages["en"], rules=RULES)
    urgencies = {"breathing": Urgency.EMERGENCY, "skin": Urgency.SAME_DAY, "mild": Urgency.ROUTINE}
    own = replace(library, languages={"en": language}, urgencies={**library.urgencies, **urgencies})
    mind = Mind(Scripted(decisions or {}), Suspicious({text: opinion} if opinion else {}))
    return understand(
        own, language, mind, text, circumstances=circumstances or Circumstances(), before=before
    )


def test_the_most_urgent_of_several_signs_counts(library: Library) -> None:
    """Whichever stands first in the message."""
    meant = told(library, "green spots, and blue lips")

    assert meant.kind == "red_flag"
    assert meant.finding is not None
    assert (meant.finding.red_flag, meant.finding.urgency) == ("breathing", Urgency.EMERGENCY)


def test_a_routine_sign_is_no_alarm(library: Library) -> None:
    """What is routine is a question like others."""
    meant = told(library, "dull ache", {"dull ache": answer("post_soreness")})

    assert (meant.kind, meant.finding, meant.doubt) == ("answer", None, None)


@pytest.mark.parametrize(
    ("opinion", "kind"),
    [
        (like("breathing", sure=False), "red_flag"),
        (like("breathing", possible=False, sure=False), "check"),
        (like("breathing", hopeless=True, possible=False, sure=False), "check"),
    ],
)
def test_a_weak_rule_needs_a_second_opinion(library: Library, opinion: Opinion, kind: str) -> None:
    """With words like known reports it is danger; with others the patient is asked, however unlike they are."""
    meant = told(library, "my tight shirt", opinion=opinion)

    assert meant.kind == kind
    assert meant.finding is not None
    assert (meant.finding.red_flag, meant.finding.rule) == ("breathing", "weak")


@pytest.mark.parametrize(("hopeless", "kind"), [(True, "answer"), (False, "check")])
def test_a_clear_question_with_a_weak_sign_unlike_any_report_is_answered(
    library: Library, hopeless: bool, kind: str
) -> None:
    """TRIAGE: in doubt between a sign and a question, answer it and add what to do for somebody who has this now."""
    opinion = like("breathing", hopeless=hopeless, possible=False, sure=False)
    meant = told(library, "my tight shirt", {"my tight shirt": answer("prep_before")}, opinion=opinion)

    assert meant.kind == kind
    if hopeless:
        assert meant.doubt is not None
        assert meant.doubt.red_flag == "breathing"


def test_a_plain_rule_needs_no_second_opinion(library: Library) -> None:
    """However unlike known reports the words are."""
    hopeless = like("breathing", hopeless=True, possible=False, sure=False)

    assert told(library, "blue lips", opinion=hopeless).kind == "red_flag"


def test_without_a_second_opinion_a_weak_rule_is_enough(library: Library) -> None:
    """Where nothing was learned of danger, nothing that a rule finds is doubted."""
    language = replace(library.languages["en"], rules=RULES)
    own = replace(library, languages={"en": language})
    meant = understand(own, language, Mind(Scripted({})), "my tight shirt")

    assert meant.kind == "red_flag"


def test_words_like_reports_of_danger_lead_to_a_question(library: Library) -> None:
    """No rule found anything; the nearest report is the reason, and the red flag's urgency is its own."""
    meant = told(library, "thin air", {"thin air": offer("side_effects")}, opinion=like("breathing"))

    assert meant.kind == "check"
    assert meant.finding is not None
    assert meant.finding.rule == SECOND_OPINION
    assert meant.finding.because == ("known report of breathing",)
    assert meant.finding.urgency is Urgency.EMERGENCY
    assert meant.confidence == 0.8


def test_a_clear_question_that_is_like_a_report_is_answered_with_the_warning(library: Library) -> None:
    """The FAQ has its answer; the reply adds what to do for somebody who has this now."""
    meant = told(library, "thin air", {"thin air": answer("side_effects")}, opinion=like("breathing"))

    assert (meant.kind, meant.decision.answer) == ("answer", "side_effects")
    assert meant.doubt is not None
    assert meant.doubt.red_flag == "breathing"


def test_words_that_are_like_reports_for_certain_are_danger(library: Library) -> None:
    """Without any rule, and whatever else they may be; unless they only ask."""
    certain = like("breathing", certain=True)
    meant = told(library, "thin air", {"thin air": answer("side_effects")}, opinion=certain)
    assert meant.kind == "red_flag"
    assert meant.finding is not None
    assert meant.finding.rule == SECOND_OPINION

    asked = "can it cause blue lips?"
    assert told(library, asked, {asked: answer("side_effects")}, opinion=certain).kind == "answer"


@pytest.mark.parametrize("opinion", [like("breathing", sure=False), like("mild"), None])
def test_a_likeness_that_is_not_clear_or_not_serious_leads_to_nothing(
    library: Library, opinion: Opinion | None
) -> None:
    """The question is answered as any other."""
    meant = told(library, "thin air", {"thin air": answer("side_effects")}, opinion=opinion)

    assert meant.kind == "answer"


def test_a_sign_that_is_asked_about_is_not_asked_back(library: Library) -> None:
    """The answer will say what to do if it is there now; that is enough, however like a report the question is."""
    text = "can it cause blue lips?"
    meant = told(library, text, {text: answer("side_effects")}, opinion=like("breathing"))

    assert meant.kind == "answer"
    assert meant.doubt is not None
    assert meant.doubt.red_flag == "breathing"


def test_small_talk_is_never_suspected(library: Library) -> None:
    """A greeting is a greeting, whatever it is like."""
    assert told(library, "Good morning!", opinion=like("breathing")).small_talk == "greeting"


def test_small_talk_that_was_never_written_down(library: Library) -> None:
    """A line that is like small talk is the kind of small talk that its likeness belongs to."""
    meant = told(library, "cheers m8", {"cheers m8": Decision(talk="thanks", confidence=0.7)})

    assert (meant.kind, meant.small_talk, meant.confidence) == ("smalltalk", "thanks", 0.7)


def test_place_and_time_of_the_treatment_are_heeded(library: Library) -> None:
    """A rule that asks for them finds its sign only where they are known to be so."""
    here = Circumstances(regions=frozenset({"chest"}), hours=5)

    assert told(library, "an odd flutter", circumstances=here).kind == "red_flag"
    assert told(library, "an odd flutter", circumstances=replace(here, hours=80)).kind == "hand_over"
    assert told(library, "an odd flutter").kind == "hand_over"


# --- two questions --------------------------------------------------------------------------------------------

BOTH = "does it hurt and how long is it"


def spoken_of(*topics: str) -> Decision:
    """Return the decision for a whole message that speaks of these topics."""
    return Decision(
        offers=topics[:1], guesses=tuple(Guess(topic=id_, score=0.5, nearest="") for id_ in topics)
    )


def test_two_questions_are_both_answered(library: Library) -> None:
    """In the order in which they were asked; as sure as the less sure of the two."""
    parts = {"does it hurt": answer("pain_during", 0.9), "how long is it": answer("session_duration", 0.7)}
    meant = told(library, BOTH, {BOTH: spoken_of("session_duration", "pain_during"), **parts})

    assert (meant.kind, meant.decision.answer, meant.decision.also) == (
        "answer",
        "pain_during",
        "session_duration",
    )
    assert meant.decision.offers == ()
    assert meant.confidence == 0.7


@pytest.mark.parametrize(
    ("whole", "second"),
    [
        (("pain_during",), answer("session_duration")),  # the whole does not speak of it
        (("pain_during", "session_duration"), offer("session_duration")),  # the part is not clear by itself
        (("pain_during", "session_duration"), answer("pain_during")),  # twice the same
    ],
)
def test_what_is_not_clearly_two_questions_is_read_as_one(
    library: Library, whole: tuple[str, ...], second: Decision
) -> None:
    """Two answers are given only if each part asks for one, and the whole message speaks of both."""
    decisions = {BOTH: spoken_of(*whole), "does it hurt": answer("pain_during"), "how long is it": second}
    meant = told(library, BOTH, decisions)

    assert meant.decision.also is None
    assert meant.decision == decisions[BOTH]


# --- after what was said before ---------------------------------------------------------------------------------

SORE = Before("answer", ("post_soreness",))


def after(library: Library, rest: str, topic: str = "post_soreness") -> str:
    """Return how a follow-up is read together with the topic before it."""
    return f"{library.languages['en'].topics[topic].title} {rest}"


def test_a_follow_up_that_names_its_topic_is_read_by_itself(library: Library) -> None:
    """ "And for swimming?" after soreness asks of swimming."""
    decisions = {"swimming": answer("shower_swim_heat"), after(library, "swimming"): answer("post_soreness")}

    assert told(library, "and for swimming?", decisions, before=SORE).decision.answer == "shower_swim_heat"


def test_a_question_that_names_nothing_is_read_with_the_topic_before_it(library: Library) -> None:
    """ "How long?" after soreness asks how long the soreness lasts, though by itself it would be the session."""
    decisions = {
        "how long?": answer("session_duration"),
        "how long": answer("session_duration"),
        after(library, "how long"): answer("post_soreness"),
    }

    for text in ("how long?", "and for how long?"):
        assert told(library, text, decisions, before=SORE).decision.answer == "post_soreness"
    assert told(library, "how long?", decisions).decision.answer == "session_duration"


def test_a_follow_up_that_is_unclear_by_itself_is_read_with_the_topic_before_it(library: Library) -> None:
    """Its topic's own area and follow-ups may answer it."""
    decisions = {after(library, "at night"): answer("post_soreness")}

    assert told(library, "and at night?", decisions, before=SORE).decision.answer == "post_soreness"


def test_what_leads_far_away_is_no_follow_up(library: Library) -> None:
    """Read together it would be a topic of another part of the FAQ: then it is read alone."""
    decisions = {after(library, "at night"): answer("sterility"), "and at night?": offer("needle_details")}

    assert told(library, "and at night?", decisions, before=SORE).decision.offers == ("needle_details",)


def test_a_question_with_an_answer_of_its_own_is_no_follow_up(library: Library) -> None:
    """Short as it is, it names what it asks about."""
    decisions = {
        "needle size?": answer("needle_details"),
        after(library, "needle size"): answer("post_soreness"),
    }

    assert told(library, "needle size?", decisions, before=SORE).decision.answer == "needle_details"


def test_a_topic_that_the_clinic_has_hidden_since_leads_to_nothing(library: Library) -> None:
    """What was answered before may be gone."""
    gone = Before("answer", ("no_such_topic",))

    assert told(library, "how long?", {"how long?": answer("session_duration")}, before=gone).kind == "answer"


OFFERED = Before("offer", ("needle_details", "sterility"))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("yes", "needle_details"),
        ("Yes please!", "needle_details"),
        ("1", "needle_details"),
        ("2", "sterility"),
        ("the second one", "sterility"),
        ("2nd.", "sterility"),
    ],
)
def test_one_of_the_offered_topics_is_picked_in_words(library: Library, text: str, topic: str) -> None:
    """Taps and words are equal."""
    meant = told(library, text, before=OFFERED)

    assert (meant.kind, meant.decision.answer, meant.confidence) == ("answer", topic, 1)


@pytest.mark.parametrize("text", ["3", "0", "the third one", "no", "maybe"])
def test_what_picks_none_of_them_answers_none_of_them(library: Library, text: str) -> None:
    """There were two."""
    assert told(library, text, before=OFFERED).decision.answer is None


def test_danger_comes_before_any_choice(library: Library) -> None:
    """Whatever was offered."""
    assert told(library, "the second one, and blue lips", before=OFFERED).kind == "red_flag"


def test_what_only_the_second_opinion_finds_for_today_waits_for_the_check_in(library: Library) -> None:
    """ "It's an 8" may be an answer; a report of an emergency never waits, and in the end both are found."""
    rash, breath = like("skin", certain=True), like("breathing", certain=True)
    for opinion, first in ((rash, None), (breath, "breathing")):
        mind = Mind(Scripted({}), Suspicious({"it is odd": opinion}))
        finding = read_danger(library, mind, "it is odd").at_once
        assert (finding.red_flag if finding else None) == first
        meant = understand(library, library.language("en"), mind, "it is odd")
        assert meant.kind == "red_flag"


def test_what_was_read_for_danger_already_is_not_read_again(library: Library) -> None:
    """What was found then counts, whatever a second look would find."""
    mind = Mind(Scripted({}), Suspicious({"it is odd": like("breathing", certain=True)}))
    language = library.language("en")
    found = read_danger(library, mind, "it is odd")

    assert understand(library, language, mind, "hello", danger=found).finding == found.finding
    assert understand(library, language, mind, "it is odd", danger=Danger()).kind == "hand_over"
