"""Tests of answering: approved words, offers, the honest "I do not know", menus, sources and small talk."""

from __future__ import annotations

import pytest

from bot.domain.message import plain, render
from tests.kit.story import ANA, GROUP, Story


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
