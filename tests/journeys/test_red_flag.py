"""The dangerous journey: the right instruction at once, the alert before anything else, and a person who answers."""

from __future__ import annotations

import pytest

from tests.kit.journey import Journey


@pytest.mark.parametrize("how", ["typed", "answered"])
async def test_danger_is_met_at_once(journey: Journey, how: str) -> None:
    """The issue's line: soreness 9, or the words; instruction and alert are the first two calls that go out."""
    await journey.enrols(journey.ana, region="Lower back" if how == "answered" else "Upper back")
    await journey.stage.later(hours=24)
    await journey.taps(journey.ana, "Start")
    before = len(journey.sandbox.calls())

    if how == "typed":
        await journey.says(journey.ana, "i cant breathe properly since the needle in my back")
    else:
        await journey.taps(journey.ana, "9")

    outgoing = ("sendMessage", "editMessageText", "sendPhoto", "sendDocument", "copyMessage")
    calls = [call for call in journey.sandbox.calls(after=before) if call.method in outgoing]
    first, second = calls[0].params, calls[1].params
    assert int(first["chat_id"]) == journey.ana.id
    assert ("Call 995" if how == "typed" else "Contact the clinic today") in first["text"].replace(
        "<b>", ""
    ).replace("</b>", "")
    assert int(second["chat_id"]) == journey.group.id
    assert "A1023" in second["text"]


async def test_acknowledge_reply_and_close(journey: Journey) -> None:
    """Raised again until seen; the patient hears who has seen it; the reply arrives; closing needs an outcome."""
    await journey.enrols(journey.ana, region="Upper back")
    await journey.says(journey.ana, "my chest hurts when i breathe in")
    await journey.stage.later(minutes=11)
    assert "Nobody at the clinic has seen your message" in journey.words(journey.ana)[-1]
    assert sum("EMERGENCY" in text for text in journey.words(journey.group)) == 3

    await journey.taps(journey.raj, "Acknowledge", journey.group)
    assert "has seen your message" in journey.words(journey.ana)[-1]
    alert = next(m for m in reversed(journey.group.messages) if "EMERGENCY" in m.text)
    await journey.says(journey.raj, "We are calling you. <Go> to A&E_now!", journey.group, reply_to=alert)
    assert "We are calling you. <Go> to A&E_now!" in journey.words(journey.ana)[-1]
    await journey.taps(journey.raj, "Close with outcome", journey.group)
    await journey.taps(journey.raj, "Sent to emergency", journey.group)

    assert "Closed by Raj (front desk): Sent to emergency" in alert.text
    await journey.stage.later(hours=3)
    assert sum("EMERGENCY" in text for text in journey.words(journey.group)) == 3


async def test_a_group_that_becomes_a_supergroup_gets_the_next_alert(journey: Journey) -> None:
    """Nobody has to set anything up again."""
    await journey.enrols(journey.ana)
    await journey.stage.settle()
    moved = journey.sandbox.migrate(journey.group)
    await journey.stage.settle()
    await journey.says(journey.ana, "my chest hurts when i breathe in")

    assert any("EMERGENCY" in text for text in journey.words(moved))


async def test_a_former_member_can_do_nothing(journey: Journey) -> None:
    """Who left the group gets no answer, and no patient hears from them."""
    await journey.enrols(journey.ana)
    await journey.says(journey.ana, "my chest hurts when i breathe in")
    alert = next(m for m in reversed(journey.group.messages) if "EMERGENCY" in m.text)
    # The tap is on its way when Raj is removed: Telegram's word at that moment counts.
    journey.sandbox.presses_data(journey.raj, alert, alert.rows[0][0]["callback_data"])
    journey.group.members[journey.raj.id] = "left"
    await journey.stage.settle()

    assert "Seen by" not in alert.text
    assert not any("has seen your message" in text for text in journey.words(journey.ana))
