"""A day at the front desk: registering, looking, inviting again, cancelling."""

from __future__ import annotations

from tests.kit.journey import Journey


async def test_a_day_at_the_front_desk(journey: Journey) -> None:
    """Three treatments, one of them cancelled, one not opened; /today tells them apart."""
    await journey.enrols(journey.ana, "A1")
    await journey.enrols(journey.ben, "B2", "Neck")
    await journey.registers("C3", "Foot")
    await journey.says(journey.mei, "/today", journey.group)
    shown = journey.words(journey.group)[-1]
    assert "B2: A few hours after, today at 19:00" in shown
    assert "C3" in shown
    assert "not opened" in shown

    await journey.says(journey.raj, "/cancel B2", journey.group)
    await journey.taps(journey.raj, "Yes, cancel", journey.group)
    assert "ended the check-ins" in journey.words(journey.ben)[-1]
    await journey.says(journey.raj, "/find C3", journey.group)
    await journey.taps(journey.raj, "New invitation", journey.group)
    code = next(m.text for m in reversed(journey.group.messages) if "?start=" in m.text)
    journey.sandbox.opens_link(journey.ben, code.partition("?start=")[2].split()[0])
    await journey.stage.settle()
    await journey.taps(journey.ben, "Yes, I agree")
    assert "tomorrow at 15:00" in journey.words(journey.ben)[-1]

    await journey.stage.later(hours=29)
    await journey.says(journey.mei, "/today", journey.group)
    shown = journey.words(journey.group)[-1]
    assert "Asked, no answer yet (2)" in shown


async def test_the_label_is_asked_for_when_it_was_not_given(journey: Journey) -> None:
    """The bot sees the reply although it reads no other chatter in the group."""
    await journey.says(journey.mei, "/treated", journey.group)
    for button in ("1 hour ago", "Calf", "Next", "advised"):
        await journey.taps(journey.mei, button, journey.group)
    asked = journey.group.messages[-1]
    await journey.says(journey.mei, "D4", journey.group)
    assert not any("D4 is registered" in text for text in journey.words(journey.group))
    await journey.says(journey.mei, "D4", journey.group, reply_to=asked)

    assert any("D4 is registered" in text for text in journey.words(journey.group))
