"""Tests of the staff group: binding, membership, acknowledging and closing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.message import Incoming, Outgoing, Sender
from bot.service import serve_staff
from bot.storage import alerts, groups, inbox
from bot.storage.inbox import Arrival
from tests.kit.messenger import Shown
from tests.kit.story import ANA, BEN, EVA, GROUP, Story

DANGER = "my chest hurts when i breathe in"


async def test_a_code_binds_a_group_once(story: Story) -> None:
    """The code printed at start works once, and the wrong one says what to do."""
    code = story.tools.database.call(serve_staff.new_setup_code, story.tools, "main", story.now)
    await story.staff(EVA, "/setup WRONGCOD")
    assert "wrong, used, or older" in story.sees(GROUP).text
    await story.staff(EVA, f"/setup {code.lower()}")
    assert "staff group of Example Physio Orchard" in story.sees(GROUP).text
    await story.staff(EVA, f"/setup {code}", chat_id=-5)

    assert "wrong, used" in story.sees(-5).text


async def test_a_set_up_code_ends_after_a_day(story: Story) -> None:
    """A code found later is worth nothing."""
    code = story.tools.database.call(serve_staff.new_setup_code, story.tools, "main", story.now)
    story.now += timedelta(hours=25)
    await story.staff(EVA, f"/setup {code}")

    assert story.tools.database.call(groups.of_branch, "main") is None


async def test_an_unbound_group_gets_silence(story: Story) -> None:
    """A group the bot was added to can do nothing but be bound."""
    for text in ("/treated A1", "/today", "/find A", "hello"):
        await story.staff(EVA, text)

    assert story.texts(GROUP) == []


async def test_only_members_may_do_anything(story: Story) -> None:
    """Telegram's word that somebody is no member is enough to be met with silence."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    alert, data = story.find_button(GROUP, "Acknowledge")
    before = len(story.texts(GROUP))
    await story.staff(BEN, "/treated A1", member=False)
    await story.staff(BEN, data=data, message_id=alert.id, member=False)
    await story.staff(BEN, "you are fine", reply_to=alert, member=False)

    assert len(story.texts(GROUP)) == before
    assert not any("you are fine" in text for text in story.texts(ANA))
    assert story.tools.database.call(alerts.of_chat, ANA.id)[0].acknowledged_at is None


async def test_closing_needs_an_outcome(story: Story) -> None:
    """Acknowledge, close, outcome: who did what stands in the alert."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    await story.staff_taps("Acknowledge")
    await story.staff_taps("Close with outcome")
    labels = [button.label for button in story.sees(GROUP).buttons]
    assert labels == ["No action needed", "Advised", "Seen at the clinic", "Sent to emergency"]
    await story.staff_taps("Sent to emergency")

    shown = story.sees(GROUP)
    alert = story.tools.database.call(alerts.of_chat, ANA.id)[0]
    assert f"Closed by {EVA.name}: Sent to emergency" in shown.text
    assert (alert.state, alert.outcome) == ("closed", "emergency")
    assert shown.buttons == []


async def test_a_second_acknowledgement_changes_nothing(story: Story) -> None:
    """Whoever taps second sees who was first; the patient is told once."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    alert, data = story.find_button(GROUP, "Acknowledge")
    await story.staff(EVA, data=data, message_id=alert.id)
    await story.staff(BEN, data=data, message_id=alert.id)

    assert f"Seen by {EVA.name}" in story.sees(GROUP).text
    assert sum("has seen your message" in text for text in story.texts(ANA)) == 1


async def test_taps_on_alerts_that_are_gone_are_met(story: Story) -> None:
    """An alert that was erased, or never was, gets a word."""
    await story.binds()
    for data in ("al:999:ack", "al:x:ack", "al:1:o:nonsense", "tr:5:cancel", "d:9:ago:0", "zz:1"):
        await story.staff(EVA, data=data, message_id=1)

    assert len(story.texts(GROUP)) >= 6


MOVED = -100900


async def moves(story: Story) -> None:
    """Let the staff group become a supergroup; Telegram's service message says it."""
    incoming = Incoming(update_id=90_000, chat_id=GROUP, sender=Sender(id=0, name="?"))
    story.tools.database.call(inbox.store, [Arrival(update_id=90_000, chat_id=GROUP, payload={})], story.now)
    story.tools.database.call(serve_staff.group_moved, story.tools, incoming, GROUP, MOVED, story.now)


async def test_a_group_that_became_a_supergroup_keeps_working(story: Story) -> None:
    """Telegram's service message is enough."""
    await story.binds()
    await moves(story)
    await story.enrols(ANA)
    await story.says(ANA, DANGER)

    assert "EMERGENCY" in story.sees(MOVED).text


async def test_a_button_from_before_the_move_works_and_changes_no_other_message(story: Story) -> None:
    """Its message has another number now: what there is to show is shown anew, in the group as it is today."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    _, ack = story.find_button(GROUP, "Acknowledge")
    await moves(story)
    await story.staff(EVA, "/today", chat_id=MOVED)
    before = [shown.text for shown in story.messenger.chats[MOVED]]

    await story.staff(EVA, data=ack, message_id=1)

    assert "has seen your message" in story.sees(ANA.id).text
    assert [shown.text for shown in story.messenger.chats[MOVED]][: len(before)] == before
    assert f"Seen by {EVA.name}" in story.sees(MOVED).text


async def test_an_alert_from_before_the_move_can_be_answered(story: Story) -> None:
    """It is known by its words; its number there belongs to another message."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    alert = story.sees(GROUP)
    await moves(story)

    await story.staff(EVA, "An ambulance is on its way.", reply_to=replace(alert, id=900_000), chat_id=MOVED)

    assert "An ambulance is on its way." in story.sees(ANA.id).text
    assert f"Seen by {EVA.name}" in "".join(story.texts(MOVED))
    assert "Delivered" in "".join(story.texts(MOVED))


async def test_a_reply_in_the_old_group_is_passed_on_but_not_its_picture(story: Story) -> None:
    """Written before the move and handled after it: a picture's number stands for another message now."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    alert = story.sees(GROUP)
    await moves(story)

    await story.staff(EVA, "Please sit up.", reply_to=alert)
    assert "Please sit up." in story.sees(ANA.id).text
    seen = len(story.texts(ANA))
    await story.staff(EVA, "like this", reply_to=alert, media="photo")

    assert len(story.texts(ANA)) == seen
    assert "did not reach A1023" in story.sees(MOVED).text


async def test_a_reply_to_what_the_bot_no_longer_knows_gets_a_word(story: Story) -> None:
    """A reply must not vanish: staff would think that the patient has read it. To a colleague's message nothing is said."""
    await story.binds()
    await story.enrols(ANA)
    unknown = Shown(id=777_777, outgoing=Outgoing(text="an alert of last year"))
    before = len(story.texts(GROUP))
    await story.staff(EVA, "Please come in.", reply_to=unknown)

    assert "cannot tell which patient" in story.sees(GROUP).text
    assert len(story.texts(GROUP)) == before + 1


async def test_being_added_and_removed(story: Story) -> None:
    """The bot greets a new group, and forgets one it was removed from."""
    hello = Incoming(update_id=91_000, chat_id=-3, sender=Sender(id=EVA.id, name=EVA.name))
    story.tools.database.call(inbox.store, [Arrival(update_id=91_000, chat_id=-3, payload={})], story.now)
    story.tools.database.call(serve_staff.added_to_group, story.tools, hello, story.now)
    await story.deliver()
    assert "/setup CODE" in story.sees(-3).text

    await story.binds()
    bye = Incoming(update_id=91_001, chat_id=GROUP, sender=Sender(id=EVA.id, name=EVA.name))
    story.tools.database.call(inbox.store, [Arrival(update_id=91_001, chat_id=GROUP, payload={})], story.now)
    story.tools.database.call(serve_staff.removed_from_group, story.tools, bye, story.now)

    assert story.tools.database.call(groups.of_branch, "main") is None


async def test_being_removed_is_an_error_in_the_log(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody gets the alerts of this branch now: whoever runs the bot must know it, as when the group is deleted."""
    await story.binds()
    bye = Incoming(update_id=91_001, chat_id=GROUP, sender=Sender(id=EVA.id, name=EVA.name))
    story.tools.database.call(inbox.store, [Arrival(update_id=91_001, chat_id=GROUP, payload={})], story.now)
    story.tools.database.call(serve_staff.removed_from_group, story.tools, bye, story.now)

    assert any("staff group of main is gone" in one.getMessage() for one in caplog.records)


async def test_chatter_in_the_group_is_not_answered(story: Story) -> None:
    """The bot is no conversation partner for staff."""
    await story.binds()
    before = len(story.texts(GROUP))
    await story.staff(EVA, "lunch?")
    await story.staff(EVA, "/somebody_elses_command")

    assert len(story.texts(GROUP)) == before
