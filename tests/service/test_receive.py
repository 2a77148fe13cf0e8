"""Tests of receiving: order of what counts, and everything that is not a text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.message import Incoming, Sender
from bot.matching.matcher import Opinion
from bot.matching.mind import Mind
from bot.service import receive
from bot.storage import alerts, inbox
from tests.kit.story import ANA, BEN, GROUP, Story


async def test_a_red_flag_is_answered_at_once_and_reaches_staff_before_anything_else(story: Story) -> None:
    """The acceptance line: the right instruction within one message, and the alert before any other message."""
    await story.binds()
    await story.enrols(ANA, regions=("upper_back",))
    before = len(story.messenger.order)

    await story.says(ANA, "i cant breathe properly since the needle in my back")

    sent = story.messenger.order[before:]
    assert [chat for chat, _message in sent[:2]] == [ANA.id, GROUP]
    assert "995" in sent[0][1].text
    assert "i cant breathe properly since the needle in my back" in sent[1][1].text
    assert "A1023" in sent[1][1].text


@pytest.mark.parametrize(
    "text",
    [
        "/checkin i cant breathe",  # behind a command
        "/start my chest hurts when i breathe in",  # in place of a code
        "STOP. cannot breathe",  # beside a word that means something else
    ],
)
async def test_red_flags_come_before_commands(story: Story, text: str) -> None:
    """A red flag is seen wherever it stands."""
    await story.binds()
    await story.says(ANA, text)

    assert "995" in story.sees(ANA).text
    assert "EMERGENCY" in story.sees(GROUP).text


async def test_a_message_is_read_for_danger_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found before all else is handed on to whatever answers it."""
    read: list[str] = []
    on_danger = Mind.on_danger

    def counted(mind: Mind, words: str) -> Opinion | None:
        read.append(words)
        return on_danger(mind, words)

    monkeypatch.setattr(Mind, "on_danger", counted)
    await story.says(ANA, "does it hurt?")

    assert read == ["does it hurt?"]


async def test_a_red_flag_in_a_caption_reaches_staff_with_the_picture(story: Story) -> None:
    """Words under a photo are read too, and the photo is shown to staff."""
    await story.binds()
    await story.enrols(ANA)

    await story.says(ANA, "the bruise keeps growing and is very painful", media="photo")

    assert "Contact the clinic today" in story.sees(ANA).text
    copied = [message for chat, message in story.messenger.order if chat == GROUP and message.kind == "copy"]
    assert copied
    assert copied[0].from_chat == ANA.id


async def test_a_red_flag_in_an_edited_message_counts(story: Story) -> None:
    """Somebody who adds the danger afterwards is heard."""
    await story.binds()
    await story.says(ANA, "actually i cant breathe", edited=True)

    assert "995" in story.sees(ANA).text


async def test_an_edited_message_without_danger_is_not_answered_again(story: Story) -> None:
    """Correcting a typo brings no second answer."""
    await story.says(ANA, "does it hurt", edited=True)

    assert story.texts(ANA) == []


async def test_the_same_update_has_one_effect(story: Story) -> None:
    """Promise 2: an update that comes twice is handled once."""
    incoming = await story.private(ANA, text="does it hurt?")
    seen = len(story.texts(ANA))

    story.tools.database.call(receive.from_person, story.tools, incoming, story.now)
    await story.deliver()

    assert len(story.texts(ANA)) == seen


async def test_a_strangers_words_are_erased_and_a_patients_are_kept(story: Story) -> None:
    """Before consent nothing about a person stays; afterwards it is theirs to see."""
    await story.says(BEN, "does it hurt?")
    await story.enrols(ANA)
    await story.says(ANA, "does it hurt?")

    assert story.tools.database.call(inbox.of_chat, BEN.id) == []
    kept = story.tools.database.call(inbox.of_chat, ANA.id)
    assert [row.payload for row in kept][-1] == {"text": "does it hurt?"}


async def test_an_invitations_code_is_never_read_as_words(story: Story) -> None:
    """A code that holds "39" is no fever of 39 degrees."""
    await story.says(ANA, "/start 1HSHJ7BF43NVZ1C5CT39ZWYM47")

    assert "I do not know this code" in story.sees(ANA).text


@pytest.mark.parametrize("kind", ["voice", "video", "video_note", "audio", "document", "photo"])
async def test_a_medium_is_met_with_a_way_to_a_person(story: Story, kind: str) -> None:
    """What the bot cannot read it says so, and offers to pass on."""
    await story.says(ANA, "", media=kind)

    assert "I only read words" in story.sees(ANA).text
    assert story.find_button(ANA.id, "Yes, pass it on")


@pytest.mark.parametrize("kind", ["location", "contact", "poll", "dice", "sticker", "venue"])
async def test_other_media_are_met_kindly(story: Story, kind: str) -> None:
    """A sticker or a place gets a short reply."""
    await story.says(ANA, "", media=kind)

    assert "words" in story.sees(ANA).text


@pytest.mark.parametrize("kind", ["story", "game", "paid_media", "checklist", "something_new"])
async def test_kinds_the_bot_does_not_know_are_met_with_silence(story: Story, kind: str) -> None:
    """A new kind of message raises nothing and stops nothing."""
    await story.says(ANA, "", media=kind)
    await story.says(ANA, "hello")

    assert story.texts(ANA)[-1].startswith("Hello!")


@pytest.mark.parametrize(
    "data",
    [
        "nothing:1",
        "t:no_such_topic",
        "area:nowhere",
        "src:none",
        "ci:999:start",
        "ci:x",
        "agree:zzz",
        "ho",
        "yes:",
        "",
    ],
)
async def test_any_button_from_any_time_gets_a_reply(story: Story, data: str) -> None:
    """Old buttons never die: they work, or say why not."""
    await story.taps_data(ANA, data)

    assert story.texts(ANA)


async def test_an_unknown_command_is_explained(story: Story) -> None:
    """A command of another bot gets a word on what to do."""
    await story.says(ANA, "/frobnicate")

    assert "Just type your question" in story.sees(ANA).text


async def test_help_names_the_phone_and_the_emergency_number(story: Story) -> None:
    """Help says whom to call."""
    await story.says(ANA, "/help")

    shown = story.sees(ANA).text
    assert "995" in shown
    assert "+65 6000 0000" in shown


async def test_language_says_what_it_speaks(story: Story) -> None:
    """With one language there is nothing to choose, and it is said."""
    await story.says(ANA, "/language")

    assert "English" in story.sees(ANA).text


async def test_a_patient_who_blocked_the_bot_is_not_asked_and_may_come_back(story: Story) -> None:
    """Blocking cancels what is to come and tells staff; writing again brings it back."""
    await story.binds()
    await story.enrols(ANA)
    blocked = await _membership(story, left=True)
    assert "blocked the bot" in story.sees(GROUP).text
    await story.later(hours=25)
    assert not any("check-in" in text and "ready" in text for text in story.texts(ANA))

    await story.says(ANA, "hello")
    await story.later(hours=24)

    assert blocked.chat_id == ANA.id
    assert "check-in from" in story.sees(ANA).text


async def test_unblocking_brings_the_check_ins_back(story: Story) -> None:
    """Telegram's word that the bot is let in again is enough."""
    await story.enrols(ANA)
    await _membership(story, left=True)
    await _membership(story, left=False)
    await story.later(hours=25)

    assert "check-in from" in story.sees(ANA).text


async def test_an_alert_of_a_stranger_is_told_to_the_stranger(story: Story) -> None:
    """Acting on danger does not wait for consent, and the person learns that staff see it."""
    await story.binds()
    await story.says(BEN, "my chest hurts when i breathe in")

    assert "shown your message and your Telegram name" in story.sees(BEN).text
    assert "Ben · not registered with us" in story.sees(GROUP).text
    assert len(story.tools.database.call(alerts.of_chat, BEN.id)) == 1


async def _membership(story: Story, *, left: bool) -> Incoming:
    base = Incoming(update_id=0, chat_id=ANA.id, sender=Sender(id=ANA.id, name=ANA.name))
    incoming = replace(base, update_id=10_000 + left)
    story.tools.database.call(
        inbox.store,
        [inbox.Arrival(update_id=incoming.update_id, chat_id=ANA.id, payload={})],
        story.now,
    )
    story.tools.database.call(receive.left_or_returned, story.tools, incoming, story.now, left=left)
    await story.deliver()
    return incoming
