"""Tests of travelling: how patients say where they are, and what changes when they do."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from bot.domain.conversation import Before
from bot.domain.message import DATA_LIMIT
from bot.domain.place import Place, fold
from bot.service import travel
from bot.storage import patients
from bot.storage.tables import Patient
from tests.kit.story import ANA, BEN, GROUP, Story


def patient_of(story: Story) -> Patient:
    """Return Ana's row."""
    patient = story.tools.database.call(patients.by_chat, ANA.id)
    assert patient is not None
    return patient


async def test_timezone_says_which_time_counts_and_how_to_change_it(story: Story) -> None:
    """Without a word on where they are, patients read the clinic's time."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")

    shown = story.sees(ANA)
    assert "I go by the clinic's time. For you it is now 15:00." in shown.text
    assert "type the city" in shown.text
    assert shown.buttons == []


@pytest.mark.parametrize(
    "typed",
    ["Tokyo", "tokyo", "asia/tokyo", "Asia/Tokyo", "I'm in Tokyo now", "japan", "Osaka", "Tokyo, Japan"],
)
async def test_a_place_behind_the_command_is_taken_and_said(story: Story, typed: str) -> None:
    """The zone is set at once, and the place it was taken for is named, with the time there."""
    await story.enrols(ANA)
    await story.says(ANA, f"/timezone {typed}")

    assert patient_of(story).time_zone == "Asia/Tokyo"
    assert ", Japan. For you it is now 16:00" in story.sees(ANA).text
    assert "I will ask how you are tomorrow at 16:00" in story.sees(ANA).text


async def test_a_place_may_be_typed_afterwards(story: Story) -> None:
    """After /timezone the next words may name a place; after that they are questions again."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "Bali")
    assert patient_of(story).time_zone == "Asia/Makassar"
    assert "Bali, Indonesia" in story.sees(ANA).text

    await story.says(ANA, "Tokyo")
    assert patient_of(story).time_zone == "Asia/Makassar"


async def test_without_having_been_asked_a_place_is_no_answer(story: Story) -> None:
    """The name of a city alone changes nothing."""
    await story.enrols(ANA)
    await story.says(ANA, "Tokyo")

    assert patient_of(story).time_zone is None


async def test_the_day_is_said_where_it_is_another_one(story: Story) -> None:
    """15:00 on Thursday in Singapore is still Wednesday in Honolulu."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Hawaii")

    assert "Wed 18 Nov at 21:00" in story.sees(ANA).text


async def test_a_country_with_several_times_is_asked_about(story: Story) -> None:
    """At most eight buttons, one for each time, each with what its clocks show."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone USA")
    shown = story.sees(ANA)
    labels = [button.label for button in shown.buttons]
    assert labels[:2] == ["New York, United States · 02:00", "Chicago, United States · 01:00"]
    assert len(labels) == 8

    await story.taps(ANA, "Chicago")
    assert patient_of(story).time_zone == "America/Chicago"
    assert "Chicago, United States" in story.sees(ANA).text


async def test_more_times_than_fit_can_be_typed(story: Story) -> None:
    """Russia has eleven: eight are offered, any city may be typed."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Russia")
    assert len(story.sees(ANA).buttons) == 8
    assert "type the nearest big city" in story.sees(ANA).text

    await story.says(ANA, "Vladivostok")
    assert patient_of(story).time_zone == "Asia/Vladivostok"


async def test_a_country_with_one_time_needs_no_question(story: Story) -> None:
    """Germany has two names in the tz database, but one time."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Germany")

    assert patient_of(story).time_zone == "Europe/Berlin"


async def test_a_slip_is_asked_about_and_never_taken(story: Story) -> None:
    """ "Tokoy" may be Tokyo: a tap says so, and the name that was tapped is the one that is said."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Tokoy")
    assert patient_of(story).time_zone is None
    assert "not sure which place" in story.sees(ANA).text
    await story.taps(ANA, "Tokyo, Japan · 16:00")
    assert patient_of(story).time_zone == "Asia/Tokyo"

    await story.says(ANA, "/timezone Yogyakrta")
    await story.taps(ANA, "Yogyakarta, Indonesia")
    assert "the time in Yogyakarta, Indonesia" in story.sees(ANA).text


async def test_what_is_no_place_says_what_to_type(story: Story) -> None:
    """An unknown name behind the command changes nothing, and a better one may follow without it."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Springfield")
    assert "I do not know a place of that name" in story.sees(ANA).text
    assert patient_of(story).time_zone is None

    await story.says(ANA, "Chicago")
    assert patient_of(story).time_zone == "America/Chicago"


async def test_an_unknown_name_typed_afterwards_is_met_as_a_place_and_as_a_question(story: Story) -> None:
    """Nobody knows which it was: both are said, with the way to the clinic, and a place is still waited for."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "Springfield")
    shown = story.sees(ANA)
    assert "I do not know a place of that name" in shown.text
    assert "Or was that a question? I have no approved answer" in shown.text
    assert [button.label for button in shown.buttons] == ["Ask the clinic", "All topics"]

    await story.says(ANA, "chicgo")
    assert story.sees(ANA).buttons[0].label == "Chicago, United States · 01:00"
    await story.says(ANA, "chicago")
    assert patient_of(story).time_zone == "America/Chicago"


async def test_a_slip_typed_afterwards_comes_before_the_topics_it_is_like(story: Story) -> None:
    """ "Tokoy" is like no topic in particular: the places come first, then what it may ask for."""
    await story.enrols(ANA)
    await story.says(ANA, "Tokoy")
    offered = [button.label for button in story.sees(ANA).buttons]
    assert len(offered) > 2
    await story.says(ANA, "/timezone")
    await story.says(ANA, "Tokoy")
    assert [button.label for button in story.sees(ANA).buttons] == ["Tokyo, Japan · 16:00", *offered]
    assert "not sure which place that is" in story.sees(ANA).text

    await story.says(ANA, "Tokyo")
    assert patient_of(story).time_zone == "Asia/Tokyo"


async def test_a_place_may_be_typed_after_a_question(story: Story) -> None:
    """What was asked in between does not matter."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "can i swim tmr?")
    await story.says(ANA, "Tokyo")

    assert patient_of(story).time_zone == "Asia/Tokyo"


async def test_an_unanswerable_question_right_after_is_met_as_one(story: Story) -> None:
    """So many words, or a question mark, are no attempt at the name of a place."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    for question in ("zxqv wqpz blorf?", "zxqv wqpz blorf zxqv blorf"):
        await story.says(ANA, question)
        assert "a place of that name" not in story.sees(ANA).text
        assert "I have no approved answer" in story.sees(ANA).text


@pytest.mark.parametrize("question", ["can i swim tmr?", "soreness", "is it normal to be sore"])
async def test_an_ordinary_question_is_answered_although_a_place_was_asked_for(
    story: Story, question: str
) -> None:
    """What the bot can answer is answered, without a word about places."""
    await story.enrols(ANA)
    await story.says(ANA, question)
    usual = story.sees(ANA).text
    await story.says(ANA, "/timezone")
    await story.says(ANA, question)

    assert story.sees(ANA).text == usual
    assert patient_of(story).time_zone is None


async def test_a_word_like_a_country_is_never_taken_for_it(story: Story) -> None:
    """ "sprain" is one letter from Spain: it is asked about, beside the topics."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "sprain")

    assert patient_of(story).time_zone is None
    labels = [button.label for button in story.sees(ANA).buttons]
    assert labels[0] == "Madrid, Spain · 08:00"
    assert labels[-1] == "Ask the clinic"


async def test_later_on_words_without_an_answer_are_no_places_any_more(story: Story) -> None:
    """Hours after /timezone, an unanswerable question is met as one."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    story.now += timedelta(hours=2)
    await story.says(ANA, "Springfield")
    assert "a place of that name" not in story.sees(ANA).text
    assert "I have no approved answer" in story.sees(ANA).text

    await story.says(ANA, "Chicago")
    assert patient_of(story).time_zone is None


async def test_an_emergency_comes_first_while_a_place_is_awaited(story: Story) -> None:
    """Promise 5, whatever was asked for."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "i cant breathe in tokyo")
    assert "995" in story.sees(ANA).text
    assert "EMERGENCY" in story.sees(GROUP).text
    assert patient_of(story).time_zone is None

    await story.says(ANA, "/timezone i cant breathe")
    assert "995" in story.sees(ANA).text


async def test_a_reply_to_the_clinic_goes_to_the_clinic(story: Story) -> None:
    """Where staff asked "where are you?", the answer is theirs, although the bot waits for a place, too."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.staff(BEN, "Where are you now?", reply_to=story.sees(GROUP))
    asked = story.sees(ANA, "Where are you now?", last=0)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "Tokyo", reply_to=asked)

    assert "“Tokyo”" in story.sees(GROUP, "Tokyo", last=0).text
    assert patient_of(story).time_zone is None


async def test_a_question_about_danger_stays_open_beside_it(story: Story) -> None:
    """ "Do you have this now?" is still understood when it is answered after /timezone."""
    await story.enrols(ANA)
    story.tools.recent.remember(ANA.id, Before("check", ("breathing",), "the air feels thin"), story.now)
    await story.says(ANA, "/timezone")
    await story.says(ANA, "yes")

    assert "995" in story.sees(ANA).text


async def test_there_is_a_way_back_to_the_clinics_time(story: Story) -> None:
    """One tap, under every word about an own time."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Tokyo")
    await story.says(ANA, "/timezone")
    assert "I go by the time in Tokyo, Japan. For you it is now 16:00." in story.sees(ANA).text
    await story.taps(ANA, "Use the clinic's time")

    assert patient_of(story).time_zone is None
    assert "the clinic's time again. For you it is now 15:00" in story.sees(ANA).text
    assert "tomorrow at 15:00" in story.sees(ANA).text


async def test_a_stranger_is_told_that_it_is_for_check_ins(story: Story) -> None:
    """Nothing is asked of a stranger, so nothing is stored."""
    await story.says(BEN, "/timezone Tokyo")
    assert "only for check-ins" in story.sees(BEN).text
    await story.taps_data(BEN, "tz:Asia/Tokyo")

    assert "only for check-ins" in story.sees(BEN).text
    assert story.tools.database.call(patients.by_chat, BEN.id) is None


async def test_a_button_with_a_zone_that_is_no_more_shows_what_counts(story: Story) -> None:
    """An old button never dies."""
    await story.enrols(ANA)
    await story.taps_data(ANA, "tz:Mars/Olympus")

    assert "I go by the clinic's time" in story.sees(ANA).text


async def test_every_place_fits_on_a_button_and_comes_back_from_it(story: Story) -> None:
    """Telegram carries 64 bytes; whatever place is tapped, its zone is the one that is set."""
    atlas = story.tools.library.language(None).atlas
    places: set[Place] = {place for found in atlas.names.values() for place in found}
    assert len(places) > 600
    for place in places:
        data = f"tz:{travel._written(place)}"
        assert len(data.encode()) <= DATA_LIMIT
        assert data.split(":")[1] == place.zone


async def test_no_name_of_a_place_is_taken_for_danger_or_for_a_word_that_means_something_else(
    story: Story,
) -> None:
    """Typing a place never sets off an alarm, and no yes, no, stop or answer to a check-in is a place."""
    language = story.tools.library.language(None)
    said = {*language.stop_words, *language.small_words.yes, *language.small_words.no}
    said |= {ask for talk in language.small_talk.values() for ask in talk.asks}
    said |= {
        word
        for question in language.answer_words.typed.values()
        for words in question.values()
        for word in words
    }
    assert len(said) > 500
    assert {fold(word) for word in said} & set(language.atlas.names) == set()
    flagged = [name for name in language.atlas.names if language.rules.read(name)[0]]
    assert flagged == []


async def test_abroad_the_clinics_numbers_are_not_the_only_ones(story: Story) -> None:
    """995 rings nowhere in Tokyo: every text that names it says what to do there; at home nothing changes."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Tokyo")
    assert "while you are abroad, call the local emergency number" in story.sees(ANA).text
    await story.says(ANA, "i cant breathe")
    assert "995 (abroad: the local emergency number)" in story.sees(ANA).text

    await story.says(ANA, "/timezone Singapore")
    assert "emergency" not in story.sees(ANA).text
    await story.says(ANA, "i cant breathe")
    assert "abroad" not in story.sees(ANA).text


async def test_opening_hours_are_said_to_be_the_clinics(story: Story) -> None:
    """Nine o'clock at the clinic is not nine o'clock in Tokyo; in Kuala Lumpur it is."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Tokyo")
    await story.says(ANA, "/help")
    assert "Mon–Fri 09:00–18:00, Sat 09:00–13:00, clinic time)" in story.sees(ANA).text
    await story.says(ANA, "/timezone Kuala Lumpur")
    await story.says(ANA, "/help")

    assert "clinic time" not in story.sees(ANA).text


async def test_a_closed_clinic_opens_on_both_clocks(story: Story) -> None:
    """What is passed on in the evening is answered when the clinic opens, said so that nobody misreads it."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "/timezone New York")
    story.now += timedelta(hours=6)  # 21:00 in Singapore
    await story.taps_data(ANA, "ho:write")
    await story.says(ANA, "please ring me")

    assert "open Fri 20 Nov at 09:00, clinic time (for you: Thu 19 Nov at 20:00)" in story.sees(ANA).text


async def test_the_export_holds_the_time_zone_and_forgetting_takes_it_along(story: Story) -> None:
    """It is a fact about the patient like any other."""
    await story.enrols(ANA)
    await story.says(ANA, "/timezone Tokyo")
    await story.says(ANA, "/mydata")
    data = json.loads(base64.b64decode(story.sees(ANA).outgoing.file or ""))
    assert data["patient"]["time_zone"] == "Asia/Tokyo"

    await story.says(ANA, "/forget yes")
    assert story.tools.database.call(patients.by_chat, ANA.id) is None


async def test_a_patient_who_stopped_may_set_their_time_and_is_not_promised_a_check_in(story: Story) -> None:
    """Stopping stands."""
    await story.enrols(ANA)
    await story.says(ANA, "stop")
    await story.says(ANA, "/timezone Tokyo")

    assert patient_of(story).time_zone == "Asia/Tokyo"
    assert "I will ask" not in story.sees(ANA).text


async def test_a_new_treatment_keeps_the_time_and_says_so(story: Story) -> None:
    """Who set a time on an earlier visit reads whose times these are, with the way to change them."""
    await story.enrols(ANA, "A1")
    await story.says(ANA, "/timezone Tokyo")
    await story.later(hours=60)
    await story.enrols(ANA, "A2")

    assert "These are times in Tokyo, Japan; to change that, type /timezone" in story.sees(ANA).text
