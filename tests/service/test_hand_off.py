"""Tests of handing over: questions to the clinic, replies to the patient, and word of leaving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.service.ports import Gone, Refused
from bot.storage import alerts
from tests.kit.story import ANA, BEN, EVA, GROUP, Story

ODD = "A <b>bold_one</b> & *two* [three](x) \u202eright-to-left\u202c 😀 ~`#"


async def test_a_question_reaches_staff_and_the_reply_reaches_the_patient_unaltered(story: Story) -> None:
    """There and back, letter for letter."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, f"zxqv {ODD}")
    await story.taps(ANA, "Ask the clinic", replied_text=f"zxqv {ODD}")
    assert f"zxqv {ODD}" in story.sees(GROUP).text
    assert "will answer here" in story.sees(ANA).text

    await story.staff(EVA, f"Yes. {ODD}", reply_to=story.sees(GROUP))

    assert f"Yes. {ODD}" in story.sees(ANA).text
    assert "✓ Delivered to A1023" in story.sees(GROUP).text


async def test_a_reply_counts_as_seen(story: Story) -> None:
    """Who answers has seen it: the alert is acknowledged and not raised again."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.staff(EVA, "Go to A&E.", reply_to=story.sees(GROUP))
    alert = story.tools.database.call(alerts.of_chat, ANA.id)[0]

    assert alert.acknowledged_by == EVA.name
    before = len(story.texts(GROUP))
    await story.later(hours=1)
    assert len(story.texts(GROUP)) == before


async def test_an_answer_to_the_clinics_words_goes_to_the_clinic(story: Story) -> None:
    """Replying to what staff wrote is a conversation with people, not with the bot."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.staff(EVA, "Which side?", reply_to=story.sees(GROUP))
    await story.says(ANA, "the left one", reply_to=story.sees(ANA, "Which side?"))

    assert "the left one" in story.sees(GROUP).text


async def test_a_reply_to_a_copy_whose_number_was_lost_arrives_all_the_same(story: Story) -> None:
    """Telegram took a message, its answer was lost, it came a second time: people may answer either of the two."""
    await story.binds()
    await story.enrols(ANA)
    await story.enrols(BEN, "B2")
    await story.says(BEN, "my chest hurts when i breathe in")
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.staff(EVA, "Which side?", reply_to=replace(story.sees(GROUP), id=9_001))
    assert "Which side?" in story.sees(ANA).text
    assert not any("Which side?" in text for text in story.texts(BEN))

    await story.says(ANA, "the left one", reply_to=replace(story.sees(ANA, "Which side?"), id=9_002))

    assert "the left one" in story.sees(GROUP).text


async def test_answer_the_clinic_takes_the_next_words(story: Story) -> None:
    """The button leads to staff as well."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.staff(EVA, "Which side?", reply_to=story.sees(GROUP))
    await story.taps(ANA, "Answer the clinic")
    await story.says(ANA, "does it hurt?")

    assert "does it hurt?" in story.sees(GROUP).text


async def test_at_night_the_patient_is_told_when_somebody_reads(story: Story) -> None:
    """Honest about who reads and when."""
    await story.binds()
    await story.enrols(ANA)
    story.now = datetime(2026, 11, 19, 15, 30, tzinfo=UTC)
    await story.taps_data(ANA, "ho:write")
    await story.says(ANA, "may I swim on Sunday?")

    assert "closed now and open tomorrow at 09:00" in story.sees(ANA).text


async def test_a_stranger_is_told_what_passing_on_means_first(story: Story) -> None:
    """Nothing of a stranger reaches the clinic without their word."""
    await story.binds()
    await story.taps_data(BEN, "ho")
    assert "type your question here first" in story.sees(BEN).text
    await story.private(BEN, data="ho", replied_text="zxqv?", replied_to=5)
    assert "your Telegram name" in story.sees(BEN).text
    assert not any("zxqv" in text for text in story.texts(GROUP))

    await story.private(BEN, data="ho:sure", replied_text="zxqv?", replied_to=5)

    assert "zxqv?" in story.sees(GROUP).text


async def test_a_voice_message_is_passed_on_as_it_is(story: Story) -> None:
    """What the bot cannot hear, staff can."""
    await story.binds()
    await story.enrols(ANA)
    await story.private(ANA, data="ho", replied_to=7, extra={"replied_media_id": 7})

    copied = [m for chat, m in story.messenger.order if chat == GROUP and m.kind == "copy"]
    assert [(m.from_chat, m.message_id) for m in copied] == [(ANA.id, 7)]


async def test_a_staff_photo_reaches_the_patient(story: Story) -> None:
    """A picture of a stretch, say."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.staff(EVA, reply_to=story.sees(GROUP), media="photo", message_id=77)

    copied = [m for chat, m in story.messenger.order if chat == ANA.id and m.kind == "copy"]
    assert [(m.from_chat, m.message_id) for m in copied] == [(GROUP, 77)]


async def test_staff_are_told_when_a_reply_does_not_arrive(story: Story) -> None:
    """Blocked or refused: nobody believes that it was read."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    alert = story.sees(GROUP)
    story.messenger.outcomes[ANA.id] = [Refused(reason="BadRequest: no")]
    await story.staff(EVA, "Go to A&E.", reply_to=alert)
    assert "✗ Your message did not reach A1023" in story.sees(GROUP, "✗", last=3).text

    story.messenger.outcomes[ANA.id] = [Gone(reason="Forbidden: blocked")]
    await story.staff(EVA, "Go to A&E.", reply_to=alert)

    assert any("blocked the bot" in text for text in story.texts(GROUP))
    await story.staff(EVA, "Hello?", reply_to=alert)
    assert "cannot be delivered" in story.sees(GROUP).text


async def test_without_a_group_a_question_gets_the_phone_number(story: Story) -> None:
    """Nothing is pretended."""
    await story.enrols(ANA)
    await story.taps_data(ANA, "ho:write")
    await story.says(ANA, "zxqv?")

    assert "+65 6000 0000" in story.sees(ANA).text


async def test_while_an_emergency_is_open_staff_see_everything_the_patient_writes(story: Story) -> None:
    """ "It is better now" reaches the people who worry."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.says(ANA, "ok i am in the taxi")

    assert "ok i am in the taxi" in story.sees(GROUP).text
    assert "passed it on" in story.sees(ANA).text


async def test_ask_the_clinic_is_about_what_stands_above_it(story: Story) -> None:
    """Under a topic that was tapped it passes that topic on; in the menu it asks for new words; never an old question."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "does it hurt?")
    await story.taps_data(ANA, "t:cost_insurance")
    await story.taps(ANA, "Ask the clinic")
    title = story.tools.library.language("en").topics["cost_insurance"].title
    assert f"“{title}”" in story.sees(GROUP).text

    await story.says(ANA, "does it hurt?")
    await story.says(ANA, "/menu")
    await story.taps(ANA, "Ask the clinic")

    assert "write your message" in story.sees(ANA).text
    assert not any("“does it hurt?”" in text for text in story.texts(GROUP))
