"""Stories of a message that is only like a report of danger: "Do you have this now?", and what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.message import Button
from bot.domain.triage import Urgency
from bot.storage import alerts
from bot.storage.tables import Alert
from tests.kit.messenger import Shown
from tests.kit.scripted import like, taught
from tests.kit.story import ANA, BEN, EVA, GROUP, Story

ODD = "the air feels thinner than it was"
WARM = "that patch glows in the dark"


@pytest.fixture
def story(story: Story) -> Story:
    """Tell a story in which two lines are like reports of danger, though no rule finds one in them."""
    danger = {ODD: like("breathing"), WARM: like("skin"), "yes i cant breathe": like("breathing")}
    return replace(story, tools=taught(story.tools, danger=danger))


def labels(shown: Shown) -> list[str]:
    """Return what stands on the buttons."""
    return [button.label for button in shown.buttons]


def alerts_of(story: Story) -> list[Alert]:
    """Return the alerts about Ana."""
    return story.tools.database.call(alerts.of_chat, ANA.id)


async def test_a_patient_is_asked_with_two_buttons(story: Story) -> None:
    """One tap tells; the question names the sign, and what to do for whoever is not sure."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)

    shown = story.sees(ANA, "Do you have this now")
    assert labels(shown) == ["Yes, now", "No, not now"]
    assert "Trouble breathing" in shown.text
    assert "call 995" in shown.text
    assert shown.outgoing.reply_to is not None


async def test_staff_get_a_patients_words_at_once(story: Story) -> None:
    """Before anything is answered: a possible sign, the words, and why; to be looked at today."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)

    shown = story.sees(GROUP)
    for part in ("Possible sign of danger: Trouble breathing", ODD, "A1023", "Today: needs a person"):
        assert part in shown.text
    assert "EMERGENCY" not in shown.text
    assert "second opinion: “known report of breathing”" in shown.text
    assert labels(shown) == ["Acknowledge"]
    (alert,) = alerts_of(story)
    assert (alert.kind, alert.urgency, alert.red_flag) == ("check", Urgency.SAME_DAY, "breathing")


@pytest.mark.parametrize("said", ["tap", "Yes", "ya", "yes please!"])
async def test_yes_now_is_a_red_flag_of_full_urgency(story: Story, said: str) -> None:
    """The same alert becomes an emergency, and the patient reads what to do; a tap and a typed yes are equal."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    if said == "tap":
        await story.taps(ANA, "Yes, now", replied_text=ODD)
    else:
        await story.says(ANA, said)

    assert "995" in story.sees(ANA).text
    assert "I have told the clinic's team" in story.sees(ANA).text
    raised = story.sees(GROUP).text
    assert "EMERGENCY" in raised
    assert ODD in raised
    assert "answered: yes, now" in raised
    (alert,) = alerts_of(story)
    assert (alert.kind, alert.urgency, alert.state) == ("red_flag", Urgency.EMERGENCY, "open")
    assert alert.tell_patient_at is not None


async def test_yes_after_staff_have_acknowledged_opens_it_again(story: Story) -> None:
    """What was seen as a possible sign is danger now: somebody must look once more, and it is raised until then."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    await story.staff_taps("Acknowledge")
    await story.taps(ANA, "Yes, now")
    await story.later(minutes=6)

    assert labels(story.sees(GROUP)) == ["Acknowledge"]
    assert sum("EMERGENCY" in text for text in story.texts(GROUP)) == 2


async def test_a_sign_for_the_same_day_needs_no_question(story: Story) -> None:
    """ "Contact the clinic today" is said at once; an ambulance is another matter."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, WARM)

    assert any("Contact the clinic today" in text for text in story.texts(ANA))
    assert not any("EMERGENCY" in text for text in story.texts(GROUP))
    (alert,) = alerts_of(story)
    assert (alert.kind, alert.urgency, alert.red_flag) == ("red_flag", Urgency.SAME_DAY, "skin")


@pytest.mark.parametrize("said", ["tap", "no", "Nope.", "not now"])
async def test_no_closes_nothing_and_staff_see_it(story: Story, said: str) -> None:
    """The patient reads what to do if it comes; the alert stays for staff to close, with the answer in it."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    if said == "tap":
        await story.taps(ANA, "No, not now", replied_text=ODD)
    else:
        await story.says(ANA, said)

    told = story.sees(ANA).text
    assert "Good that it is not there now" in told
    assert "995" in told
    assert "has been sent your words" in told
    assert "answered: not now" in story.sees(GROUP).text
    assert ODD in story.sees(GROUP).text
    (alert,) = alerts_of(story)
    assert (alert.kind, alert.state) == ("check", "open")
    assert "answered: not now" in alert.said


async def test_without_a_group_nobody_is_said_to_have_the_words(story: Story) -> None:
    """No staff group: the patient is not told that somebody has seen them."""
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    await story.taps(ANA, "No, not now")

    assert "your words" not in story.sees(ANA).text


async def test_the_question_shows_what_was_answered(story: Story) -> None:
    """After a tap its buttons are gone, and the answer stands under it."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    asked = await story.taps(ANA, "No, not now")

    assert asked.buttons == []
    assert asked.text.endswith("✓ No, not now")


async def test_a_second_tap_does_no_harm(story: Story) -> None:
    """Telegram may bring a tap twice, or an old phone shows the buttons still: one alert, never less urgent."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    await story.taps(ANA, "Yes, now")
    await story.staff_taps("Acknowledge")
    await story.taps_data(ANA, "chk:breathing:yes")

    assert "995" in story.sees(ANA).text
    (alert,) = alerts_of(story)
    assert (alert.urgency, alert.state) == (Urgency.EMERGENCY, "acknowledged")

    await story.taps_data(ANA, "chk:breathing:no")
    (alert,) = alerts_of(story)
    assert (alert.kind, alert.urgency, alert.state) == ("red_flag", Urgency.EMERGENCY, "acknowledged")
    assert "answered: not now" in story.sees(GROUP).text


async def test_yes_after_no_still_counts(story: Story) -> None:
    """Whoever tapped "No" first, or it came later, is in danger all the same."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    await story.taps(ANA, "No, not now")
    await story.taps_data(ANA, "chk:breathing:yes")

    assert "EMERGENCY" in story.sees(GROUP).text
    assert [alert.kind for alert in alerts_of(story)] == ["red_flag"]


async def test_a_typed_yes_counts_once(story: Story) -> None:
    """After it is answered, a later "yes" is small talk again."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    await story.says(ANA, "no")
    await story.says(ANA, "yes")

    assert not any("EMERGENCY" in text for text in story.texts(GROUP))


async def test_a_typed_yes_long_after_is_no_answer_any_more(story: Story) -> None:
    """A quarter of an hour later nobody knows what it is an answer to; the button still works."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    story.now += timedelta(minutes=20)
    await story.says(ANA, "yes")
    assert not any("EMERGENCY" in text for text in story.texts(GROUP))

    await story.taps(ANA, "Yes, now")
    assert "EMERGENCY" in story.sees(GROUP).text


async def test_a_typed_yes_is_for_the_question_before_it_not_for_an_open_check_in(story: Story) -> None:
    """While a check-in waits too, "yes" answers what the bot asked last."""
    await story.binds()
    await story.enrols(ANA)
    await story.later(hours=24)
    await story.taps(ANA, "Start")
    await story.says(ANA, ODD)
    await story.says(ANA, "yes")

    assert "EMERGENCY" in story.sees(GROUP).text


async def test_a_red_flag_instead_of_an_answer_is_a_red_flag(story: Story) -> None:
    """The person says what it is: the rules find it, whatever was asked."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, ODD)
    await story.says(ANA, "yes i cant breathe")

    assert "EMERGENCY" in story.sees(GROUP).text
    assert [alert.kind for alert in alerts_of(story)] == ["red_flag"]


# --- strangers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["tap", "yes"])
async def test_a_strangers_words_reach_staff_only_after_yes(story: Story, said: str) -> None:
    """Nothing is kept or shown of somebody who has agreed to nothing, until there is danger; then all of it is."""
    await story.binds()
    before = len(story.texts(GROUP))
    await story.says(BEN, ODD)
    assert labels(story.sees(BEN)) == ["Yes, now", "No, not now"]
    assert len(story.texts(GROUP)) == before
    assert story.tools.database.call(alerts.of_chat, BEN.id) == []

    if said == "tap":
        await story.taps(BEN, "Yes, now", replied_text=ODD)
    else:
        await story.says(BEN, said)

    assert "995" in story.sees(BEN).text
    assert "I have shown your message" in story.sees(BEN).text
    assert "EMERGENCY" in story.sees(GROUP).text
    assert ODD in story.sees(GROUP).text
    await story.staff(EVA, "Please call 995.", reply_to=story.sees(GROUP))
    assert "Please call 995." in story.sees(BEN).text


@pytest.mark.parametrize("said", ["tap", "no"])
async def test_a_stranger_who_says_no_is_told_to_nobody(story: Story, said: str) -> None:
    """Staff read nothing, nothing stays, and nothing is said about staff."""
    await story.binds()
    before = len(story.texts(GROUP))
    await story.says(BEN, ODD)
    if said == "tap":
        await story.taps(BEN, "No, not now", replied_text=ODD)
    else:
        await story.says(BEN, said)

    assert "Good that it is not there now" in story.sees(BEN).text
    assert "your words" not in story.sees(BEN).text
    assert len(story.texts(GROUP)) == before
    assert story.tools.database.call(alerts.of_chat, BEN.id) == []


# --- buttons ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["chk:no_such_sign:yes", "chk:", "chk", "chk::yes", "chk:x:y:z"])
async def test_a_button_of_an_unknown_sign_is_answered_politely(story: Story, data: str) -> None:
    """A sign that the clinic no longer has: no alarm, no error, a way on."""
    await story.binds()
    before = len(story.texts(GROUP))
    await story.taps_data(ANA, data)

    assert "something I no longer have" in story.sees(ANA).text
    assert labels(story.sees(ANA)) == ["All topics"]
    assert len(story.texts(GROUP)) == before


async def test_every_sign_fits_on_the_buttons(story: Story) -> None:
    """Telegram takes 64 bytes for what a button sends back, and a title must not be too long for the question."""
    for id_ in story.tools.library.urgencies:
        data = f"chk:{id_}:yes"
        assert len(data.encode()) <= 64
        assert Button(label="Yes, now", data=data)
