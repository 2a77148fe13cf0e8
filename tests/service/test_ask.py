"""Tests of answering: approved words, offers, the honest "I do not know", menus, sources and small talk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.message import plain, render
from bot.domain.triage import Rule
from bot.matching.matcher import Decision, Guess
from tests.kit.scripted import answer, offer, taught, with_rules
from tests.kit.story import ANA, BEN, GROUP, Person, Story


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("does it hurt?", "pain_during"),
        ("how is it different from acupuncture?", "dry_needling_vs_acupuncture"),
        ("can gym tmr?", "exercise_after"),
        ("is it normal to be sore", "post_soreness"),
    ],
)
async def test_a_question_gets_the_approved_answer_word_for_word(story: Story, text: str, topic: str) -> None:
    """Promise 4: what the patient reads stands in the reviewed file."""
    await story.says(ANA, text)

    entry = story.tools.library.language("en").topics[topic]
    approved = plain(render(entry.answer, story.tools.settings.variables(None)))
    shown = story.sees(ANA)
    assert shown.text == f"{entry.title}\n\n{approved}"


async def test_an_answer_shows_what_it_answers_and_ways_on(story: Story) -> None:
    """Follow-ups, "not what I meant" and the sources are one tap away, and the question is quoted."""
    await story.says(ANA, "does it hurt?")

    shown = story.sees(ANA)
    labels = [button.label for button in shown.buttons]
    assert "Not what I meant" in labels
    assert "Sources" in labels
    assert "Will I be numbed?" in labels
    assert shown.outgoing.reply_to is not None


async def test_a_topic_of_the_clinics_offers_the_hand_over(story: Story) -> None:
    """Where only the clinic can answer, the way to it is there."""
    await story.taps_data(ANA, "t:cost_insurance")

    assert "Ask the clinic" in [button.label for button in story.sees(ANA).buttons]


async def test_what_is_not_known_is_said_and_kept_for_staff(story: Story) -> None:
    """Not found: no guess; a patient's question stays for staff to see."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "zxqv wqpz blorf")

    assert "I have no approved answer to that" in story.sees(ANA).text
    await story.staff(ANA, "/today")
    assert "zxqv wqpz blorf" in story.sees(GROUP).text


async def test_a_strangers_unknown_question_leaves_nothing(story: Story) -> None:
    """Without consent nothing is kept but a count."""
    await story.binds()
    await story.says(ANA, "zxqv wqpz blorf")
    await story.staff(ANA, "/today")

    assert "zxqv" not in story.sees(GROUP).text


async def test_sources_and_review_are_one_tap_away(story: Story) -> None:
    """Where an answer comes from, and who read it when."""
    await story.says(ANA, "does it hurt?")
    await story.taps(ANA, "Sources")

    shown = story.sees(ANA).text
    assert "Heartland Physio" in shown
    assert "Read by:" in shown


async def test_the_menu_leads_to_every_topic(story: Story) -> None:
    """Every topic can be reached with two taps."""
    await story.says(ANA, "/menu")
    reached = set()
    language = story.tools.library.language("en")
    for area in language.areas:
        await story.taps_data(ANA, f"area:{area}", message_id=story.sees(ANA).id)
        reached |= {
            str(button.data) for button in story.sees(ANA).buttons if str(button.data).startswith("t:")
        }

    assert reached == {f"t:{id_}" for id_ in language.topics}


async def test_not_what_i_meant_offers_the_next_best(story: Story) -> None:
    """The question is asked again of the matcher, without the topic that missed."""
    await story.says(ANA, "does it hurt?")
    await story.taps(ANA, "Not what I meant", replied_text="does it hurt?")

    shown = story.sees(ANA)
    data = [button.data for button in shown.buttons]
    assert "t:pain_during" not in data
    assert "ho" in data


async def test_helpful_is_counted_and_thanked(story: Story) -> None:
    """A tap on "helpful" gets a short word."""
    await story.says(ANA, "does it hurt?")
    await story.taps(ANA, "Helpful")

    assert "Good to know" in story.sees(ANA).text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello!", "Hello!"),
        ("thank you so much", "You are welcome"),
        ("are you a bot?", "I am a bot"),
        ("who reads this?", "Nobody watches this chat all the time"),
        ("good night", "Goodbye"),
    ],
)
async def test_small_talk_is_answered_shortly(story: Story, text: str, words: str) -> None:
    """Greetings and thanks get a human word, not a topic."""
    await story.says(ANA, text)

    assert words in story.sees(ANA).text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("is chest pain a side effect", "call 995"),
        ("what if i get chest pain", "call 995"),
        ("can dry needling cause nerve damage numbness", "contact the clinic today"),
    ],
)
async def test_a_question_about_a_danger_is_answered_with_what_to_do_if_it_is_there_now(
    story: Story, text: str, words: str
) -> None:
    """In doubt between a sign and a question: the question is answered, and the instruction stands under it."""
    await story.binds()
    await story.says(ANA, text)

    shown = story.sees(ANA).text
    assert "If you have this now" in shown
    assert words in shown
    assert not any("EMERGENCY" in alert for alert in story.texts(GROUP))


# --- after what was said before -----------------------------------------------------------------------------


def title(story: Story, topic: str) -> str:
    """Return what stands above the answer of a topic."""
    return story.tools.library.language("en").topics[topic].title


def answers(story: Story, person: Person = ANA) -> list[str]:
    """Return the titles of all that was answered, in order."""
    titles = {topic.title for topic in story.tools.library.language("en").topics.values()}
    heads = [text.partition("\n")[0] for text in story.texts(person)]
    return [head for head in heads if head in titles]


async def test_a_follow_up_may_name_another_thing(story: Story) -> None:
    """ "And for swimming?" after exercise is a question about swimming."""
    await story.says(ANA, "can gym tmr?")
    await story.says(ANA, "and for swimming?")

    assert answers(story) == [title(story, "exercise_after"), title(story, "shower_swim_heat")]


async def test_how_long_is_about_what_was_answered(story: Story) -> None:
    """ "How long?" after soreness is about the soreness."""
    await story.says(ANA, "is it normal to be sore")
    await story.says(ANA, "how long?")

    assert answers(story) == [title(story, "post_soreness")] * 2


async def test_after_twenty_minutes_it_is_read_alone(story: Story) -> None:
    """By then nobody knows what "how long?" was about; nor is it about what somebody else was told."""
    await story.says(ANA, "is it normal to be sore")
    await story.says(BEN, "how long?")
    story.now += timedelta(minutes=20)
    await story.says(ANA, "how long?")

    assert answers(story).count(title(story, "post_soreness")) == 1
    assert title(story, "post_soreness") not in answers(story, BEN)


async def test_a_tap_counts_as_said_before(story: Story) -> None:
    """Whoever chose a topic in the menu may go on in words."""
    await story.taps_data(ANA, "t:post_soreness")
    await story.says(ANA, "and how long?")

    assert answers(story) == [title(story, "post_soreness")] * 2


@pytest.fixture
def offering(story: Story) -> Story:
    """Tell a story in which one line is met with an offer of three topics, and another asks two things."""
    told = {
        "hm needles": offer("needle_details", "sterility", "needle_phobia"),
        "thick needles and are blue lips bad": Decision(guesses=_guesses("needle_details", "sterility")),
        "thick needles": answer("needle_details"),
        "are blue lips bad": answer("sterility"),
    }
    rule = Rule(id="lips", parts=(("blue lips",),))
    return replace(story, tools=with_rules(taught(story.tools, told), rule, asks=("are blue",)))


def _guesses(*topics: str) -> tuple[Guess, ...]:
    return tuple(Guess(topic=topic, score=0.5, nearest="") for topic in topics)


@pytest.mark.parametrize(
    ("said", "topic"),
    [("yes", "needle_details"), ("2", "sterility"), ("the second one", "sterility"), ("3rd", None), ("4", None)],
)  # fmt: skip
async def test_an_offer_is_taken_in_words(offering: Story, said: str, topic: str | None) -> None:
    """Telegram forgets taps, so what a button does can be typed."""
    await offering.says(ANA, "hm needles")
    labels = [button.label for button in offering.sees(ANA).buttons]
    await offering.says(ANA, said)

    wanted = [title(offering, topic or "needle_phobia")] if said != "4" else []
    assert labels[:3] == [title(offering, id_) for id_ in ("needle_details", "sterility", "needle_phobia")]
    assert labels[3:] == ["Ask the clinic"]
    assert answers(offering) == wanted


async def test_an_offer_is_taken_in_words_while_a_check_in_is_open(offering: Story) -> None:
    """What the bot said last counts: "2" is the second topic, and no soreness of 2."""
    await offering.binds()
    await offering.enrols(ANA)
    await offering.later(hours=24)
    await offering.taps(ANA, "Start")
    await offering.says(ANA, "hm needles")
    await offering.says(ANA, "2")
    assert answers(offering) == [title(offering, "sterility")]

    await offering.taps(ANA, "Back to my check-in")
    await offering.says(ANA, "2")
    assert answers(offering) == [title(offering, "sterility")]
    assert "drinking water" in offering.sees(ANA).text


async def test_a_check_in_that_began_after_an_offer_gets_the_answer(offering: Story) -> None:
    """The other way round: the question of the check-in came last."""
    await offering.binds()
    await offering.enrols(ANA)
    await offering.later(hours=24)
    await offering.says(ANA, "hm needles")
    await offering.taps(ANA, "Start")
    await offering.says(ANA, "2")

    assert answers(offering) == []
    assert "drinking water" in offering.sees(ANA).text


async def test_an_offer_is_forgotten_after_twenty_minutes(offering: Story) -> None:
    """A "yes" then is small talk."""
    await offering.says(ANA, "hm needles")
    offering.now += timedelta(minutes=20)
    await offering.says(ANA, "yes")

    assert answers(offering) == []


async def test_two_questions_get_two_answers_and_one_warning(offering: Story) -> None:
    """Each with its own title; what to do if a sign is there now stands under the last one only."""
    await offering.binds()
    await offering.says(ANA, "thick needles and are blue lips bad")
    first, second = offering.texts(ANA)[-2:]

    assert first.startswith(title(offering, "needle_details"))
    assert second.startswith(title(offering, "sterility"))
    assert "If you have this now" not in first
    assert "If you have this now" in second


async def test_who_wants_a_person_gets_the_way_to_one(story: Story) -> None:
    """Small talk of this kind has a button; the next words then go to the clinic."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "I want to talk to a person")
    assert [button.label for button in story.sees(ANA).buttons] == ["Ask the clinic"]

    await story.taps(ANA, "Ask the clinic")
    await story.says(ANA, "please call me about my bill")

    assert "please call me about my bill" in story.sees(GROUP).text


async def test_other_small_talk_has_no_buttons(story: Story) -> None:
    """A greeting asks for nothing."""
    await story.says(ANA, "hello")

    assert story.sees(ANA).buttons == []
