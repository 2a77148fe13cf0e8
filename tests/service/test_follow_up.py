"""Tests of the check-in's conversation: taps and words are equal, answers can be changed, old buttons never die."""

from __future__ import annotations

import pytest

from bot.domain.patient import CheckInState
from bot.storage import check_ins, patients
from bot.storage.tables import CheckIn
from tests.kit.story import ANA, BEN, GROUP, Story

DAY_PLAN = ("calf",)


async def begin(story: Story, regions: tuple[str, ...] = DAY_PLAN) -> None:
    """Enrol Ana and bring her to the first question of the 24 h check-in."""
    await story.binds()
    await story.enrols(ANA, regions=regions)
    await story.later(hours=24)
    await story.taps(ANA, "Start")


def current(story: Story) -> CheckIn:
    """Return Ana's newest check-in that was sent."""
    patient = story.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    rows = story.tools.database.call(check_ins.all_of, patient.id)
    return max((row for row in rows if row.sent_at is not None), key=lambda row: row.due_at)


async def test_the_announcement_holds_no_health_words(story: Story) -> None:
    """A locked screen shows that a check-in is ready, and nothing about the body."""
    await story.enrols(ANA)
    await story.later(hours=24)

    text = story.sees(ANA).text.lower()
    assert not any(word in text for word in ("sore", "bruise", "needl", "pain", "breath", "ana"))


async def test_one_question_at_a_time_in_one_message(story: Story) -> None:
    """Taps edit the same message until the summary stands there."""
    await begin(story)
    first = story.sees(ANA)
    assert "How sore" in first.text
    await story.taps(ANA, "3")
    assert "drinking water" in story.sees(ANA).text
    await story.taps(ANA, "Plenty")
    assert "Is there a bruise" in story.sees(ANA).text
    await story.taps(ANA, "No bruise")

    done = story.sees(ANA)
    assert done.id == first.id
    assert "✓ Soreness: 3 of 10" in done.text
    assert "Soreness lasts 24 to 48 hours" in done.text
    assert "I will ask again tomorrow at 15:00" in done.text
    assert current(story).state == CheckInState.ANSWERED


async def test_typed_answers_are_as_good_as_taps(story: Story) -> None:
    """ "quite sore", "plenty" and "no bruise" fill the check-in."""
    await begin(story)
    for text in ("quite sore", "yes plenty", "no bruise"):
        await story.says(ANA, text)

    assert current(story).answers == {"soreness": "5", "water": "plenty", "bruising": "none"}
    assert "✓ Bruise: No bruise" in story.sees(ANA).text


async def test_several_answers_in_one_message(story: Story) -> None:
    """ "4, plenty of water, no bruise" answers all three."""
    await begin(story)
    await story.says(ANA, "4, plenty of water, no bruise")

    assert current(story).state == CheckInState.ANSWERED


async def test_ok_to_an_announcement_begins_and_answers_nothing(story: Story) -> None:
    """A word typed before the question was shown is no answer to it."""
    await story.enrols(ANA, regions=("upper_back",))
    await story.later(hours=4)
    await story.says(ANA, "ok")

    assert "How is your breathing?" in story.sees(ANA).text
    assert current(story).answers == {}


async def test_a_question_inside_a_check_in_is_answered_and_the_check_in_goes_on(story: Story) -> None:
    """Asking something is no answer, and there is a way back."""
    await begin(story)
    await story.says(ANA, "can gym tmr?")
    assert "24 hours before hard exercise" in story.sees(ANA).text

    await story.taps(ANA, "Back to my check-in")

    assert "How sore" in story.sees(ANA).text


async def test_a_number_beyond_the_scale_is_asked_again(story: Story) -> None:
    """15 is no answer on a scale to 10."""
    await begin(story)
    await story.says(ANA, "15")

    assert "from 0 to 10" in story.sees(ANA).text
    assert current(story).answers == {}


async def test_soreness_9_gets_the_instruction_and_the_alert_first(story: Story) -> None:
    """The acceptance line: instruction within one message, alert in the group, before any other message."""
    await begin(story)
    before = len(story.messenger.order)
    await story.taps(ANA, "9")

    sent = story.messenger.order[before:]
    assert [chat for chat, _message in sent[:2]] == [ANA.id, GROUP]
    assert "Contact the clinic today" in sent[0][1].text
    assert "Soreness: 9 of 10" in sent[1][1].text
    assert "drinking water" in sent[2][1].text


async def test_trouble_breathing_ends_the_check_in_with_the_emergency(story: Story) -> None:
    """In an emergency nobody is asked about water."""
    await begin(story, regions=("chest",))
    await story.taps(ANA, "Short of breath")

    texts = story.texts(ANA)
    assert any("Call 995" in text for text in texts)
    assert "do what my message above says first" in "".join(texts[-3:])
    assert current(story).state == CheckInState.ANSWERED


async def test_an_answer_can_be_changed(story: Story) -> None:
    """A slip of the finger is mended, also after the end, and staff hear if it was a worrying one."""
    await begin(story)
    await story.taps(ANA, "9")
    await story.taps(ANA, "Plenty")
    await story.taps(ANA, "No bruise")
    await story.taps(ANA, "Change an answer")
    await story.taps(ANA, "Soreness")
    await story.taps(ANA, "4")

    assert current(story).answers["soreness"] == "4"
    assert "changed an answer. Soreness: 4 of 10" in story.sees(GROUP).text
    assert story.sees(ANA, "✓ Soreness: 4 of 10", last=0)


async def test_a_button_of_a_finished_check_in_still_works(story: Story) -> None:
    """The 24 h check-in's old buttons answer, days later."""
    await begin(story)
    row = current(story)
    await story.later(days=5)
    await story.taps_data(ANA, f"ci:{row.id}:soreness:2")

    assert "✓ Soreness: 2 of 10" in story.sees(ANA, "Soreness", last=0).text


async def test_a_button_of_a_superseded_check_in_says_why_not(story: Story) -> None:
    """An earlier treatment's button explains itself."""
    await begin(story)
    row = current(story)
    await story.enrols(ANA, "A2")
    await story.taps_data(ANA, f"ci:{row.id}:soreness:2")

    assert "earlier treatment" in story.sees(ANA).text


async def test_nobody_answers_another_persons_check_in(story: Story) -> None:
    """A forged tap changes nothing."""
    await begin(story)
    row = current(story)
    await story.taps_data(BEN, f"ci:{row.id}:soreness:9")

    assert current(story).answers == {}
    assert "cannot find" in story.sees(BEN).text


@pytest.mark.parametrize(
    "data",
    [
        "ci:{id}:soreness:99",
        "ci:{id}:nose:1",
        "ci:{id}:fix:soreness",
        "ci:{id}:bruising:huge",
        "ci:{id}:overall:worse",
    ],
)
async def test_a_tap_that_fits_no_question_shows_the_check_in_again(story: Story, data: str) -> None:
    """Data from another version of the plan does no harm."""
    await begin(story)
    await story.taps_data(ANA, data.format(id=current(story).id))

    assert current(story).answers == {}
    assert "How sore" in story.sees(ANA).text


async def test_checkin_on_request_starts_one_now(story: Story) -> None:
    """Nobody has to wait for the bot to ask."""
    await story.enrols(ANA)
    await story.later(hours=2)
    await story.says(ANA, "/checkin")

    assert "How sore" in story.sees(ANA).text


async def test_checkin_of_a_stranger_is_explained(story: Story) -> None:
    """Without an invitation there is no check-in, and it is said how to get one."""
    await story.says(ANA, "/checkin")

    assert "invited" in story.sees(ANA).text


async def test_a_photo_of_the_bruise_reaches_staff(story: Story) -> None:
    """Sent in the middle of a check-in, it is shown to staff, and the check-in stays open."""
    await begin(story)
    await story.says(ANA, "", media="photo")

    assert "shown your photo to the clinic" in story.sees(ANA).text
    assert any(message.kind == "copy" for chat, message in story.messenger.order if chat == GROUP)
    assert current(story).state == CheckInState.SENT
