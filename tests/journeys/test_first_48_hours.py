"""The main journey: from /treated to the last check-in, through real python-telegram-bot over HTTP."""

from __future__ import annotations

from tests.kit.journey import Journey


async def test_from_the_qr_code_to_the_last_check_in(journey: Journey) -> None:
    """A patient agrees, asks, is asked at 24 and 48 hours, and the clinic sees the answers."""
    await journey.enrols(journey.ana)
    picture = next(m for m in journey.group.messages if m.file and m.file.name.endswith(".png"))
    card = next(m for m in journey.group.messages if m.file and m.file.name.endswith(".html"))
    assert picture.file is not None
    assert picture.file.content.startswith(b"\x89PNG")
    assert card.file is not None
    assert b"<svg" in card.file.content
    assert "tomorrow at 15:00" in journey.words(journey.ana)[-1]

    await journey.says(journey.ana, "does it hurt?")
    assert "uncomfortable" in journey.words(journey.ana)[-1]
    await journey.says(journey.ana, "how is it different from acupuncture?")
    assert "traditional Chinese medicine" in journey.words(journey.ana)[-1]

    await journey.stage.later(hours=24)
    assert "is ready" in journey.words(journey.ana)[-1]
    for label in ("Start", "3", "Plenty", "Small"):
        await journey.taps(journey.ana, label)
    assert "✓ Bruise: Small" in journey.words(journey.ana)[-1]
    assert "fades in a few days" in journey.words(journey.ana)[-1]

    await journey.stage.later(hours=24)
    await journey.taps(journey.ana, "Start")
    for text in ("one", "yes", "no bruise", "much better"):
        await journey.says(journey.ana, text)
    assert "That was the last check-in" in journey.words(journey.ana)[-1]

    await journey.says(journey.mei, "/find A1023", journey.group)
    shown = journey.words(journey.group)[-1]
    assert "Soreness 3 of 10" in shown
    assert "Soreness 1 of 10" in shown
    assert "Compared with before Better" in shown


async def test_a_patient_who_blocks_the_bot_is_reported(journey: Journey) -> None:
    """Staff learn that nobody will be asked."""
    await journey.enrols(journey.ana)
    journey.sandbox.blocks(journey.ana)
    await journey.stage.settle()

    assert "blocked the bot" in journey.words(journey.group)[-1]


async def test_a_deleted_account_is_found_out_when_the_check_in_is_sent(journey: Journey) -> None:
    """Telegram says 403: the patient is marked, staff are told, nobody else is kept waiting."""
    await journey.enrols(journey.ana, "A1")
    await journey.enrols(journey.ben, "B2")
    journey.sandbox.deactivates(journey.ana)
    await journey.stage.later(hours=24)

    assert "A1" in journey.words(journey.group)[-1]
    assert "left Telegram" in journey.words(journey.group)[-1]
    assert "is ready" in journey.words(journey.ben)[-1]


async def test_everything_that_is_not_a_text_is_met(journey: Journey) -> None:
    """A sticker, a voice, a place, a poll, an edited message: the bot goes on answering."""
    journey.sandbox.opens_link(journey.ben)
    for kind in ("sticker", "voice", "video", "location", "contact", "poll"):
        journey.sandbox.sends_sample(journey.ben, kind)
    message = journey.sandbox.says(journey.ben, "does it hrt")
    journey.sandbox.edits(message, "does it hurt")
    await journey.says(journey.ben, "hello <b>&_*[x]( \u202e😀 " + "z" * 4000)
    await journey.says(journey.ben, "hello")

    assert journey.words(journey.ben)[-1].startswith("Hello!")


async def test_staff_see_hostile_words_as_they_were_typed(journey: Journey) -> None:
    """Markup, right-to-left marks, emoji and 4,096 characters come out unaltered."""
    await journey.enrols(journey.ana)
    words = ("zq <b>x</b> & _y_ *z* [a](b) \u202eabc\u202c 😀 ").ljust(4080, "k")
    await journey.taps(journey.ana, "All topics")
    await journey.taps(journey.ana, "Ask the clinic")
    await journey.says(journey.ana, words)

    assert words in journey.words(journey.group)
