"""Tests of the alarm: instruction, alert, repetition until somebody has seen it, and honesty about that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.message import TEXT_LIMIT, length, plain
from bot.service import alarm
from bot.storage import alerts, groups
from bot.storage.database import Session
from bot.storage.tables import Alert
from tests.kit.story import ANA, BEN, EVA, GROUP, Story

DANGER = "my chest hurts when i breathe in"
NIGHT = datetime(2026, 11, 19, 15, 30, tzinfo=UTC)  # 23:30 in Singapore


async def test_an_alert_says_what_who_when_and_why(story: Story) -> None:
    """Staff read urgency, sign, label, treatment, moment, words, what matched and what the patient was told."""
    await story.binds()
    await story.enrols(ANA, regions=("upper_back",))
    await story.says(ANA, DANGER)

    text = story.sees(GROUP).text
    for part in (
        "EMERGENCY",
        "Trouble breathing",
        "A1023",
        "Upper back",
        "today at 15:00",
        DANGER,
        "Because:",
        "Told at once",
    ):
        assert part in text
    assert [button.label for button in story.sees(GROUP).buttons] == ["Acknowledge"]


async def test_an_alert_holds_no_name_of_a_patient(story: Story) -> None:
    """The clinic's own label stands for the patient: a preview on a locked screen names nobody."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)

    assert "Lim" not in story.sees(GROUP).text


async def test_an_emergency_is_raised_again_until_somebody_acknowledges_it(story: Story) -> None:
    """Promise 6, at any hour."""
    await story.binds()
    await story.enrols(ANA)
    story.now = NIGHT
    await story.says(ANA, DANGER)
    await story.later(minutes=16)
    raised = [text for text in story.texts(GROUP) if DANGER in text]
    assert len(raised) == 4  # at once, and after 5, 10 and 15 minutes
    assert "Still open" in raised[-1]

    await story.staff_taps("Acknowledge")
    await story.later(hours=2)

    assert len([text for text in story.texts(GROUP) if DANGER in text]) == 4


async def test_an_emergency_that_nobody_sees_all_night_does_not_bury_the_group(story: Story) -> None:
    """The pauses grow, but it is never left alone for longer than half an hour."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    await story.later(hours=12)

    raised = [text for text in story.texts(GROUP) if DANGER in text]
    assert 12 * 2 <= len(raised) <= 60


async def test_the_patient_is_told_that_nobody_has_seen_it_yet_and_what_to_do(story: Story) -> None:
    """After ten minutes, once, with the emergency number."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    await story.later(minutes=60)

    told = [text for text in story.texts(ANA) if "Nobody at the clinic has seen" in text]
    assert len(told) == 1
    assert "995" in told[0]


async def test_the_patient_is_told_when_staff_have_seen_it(story: Story) -> None:
    """The receipt of promise 6."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    await story.later(minutes=3)
    await story.staff_taps("Acknowledge")

    assert "has seen your message (15:03)" in story.sees(ANA).text
    await story.later(minutes=30)
    assert not any("Nobody at the clinic" in text for text in story.texts(ANA))


async def test_a_same_day_alert_is_raised_again_in_opening_hours_only(story: Story) -> None:
    """At night staff are not woken for what can wait until nine."""
    await story.binds()
    await story.enrols(ANA)
    story.now = NIGHT
    await story.says(ANA, "the skin where the needle was is red and hot, and there is pus")
    assert len([t for t in story.texts(GROUP) if "pus" in t]) == 1
    await story.later(hours=9)
    assert len([t for t in story.texts(GROUP) if "pus" in t]) == 1

    await story.later(hours=1)

    assert len([t for t in story.texts(GROUP) if "pus" in t]) == 2


async def test_when_the_clinic_is_closed_the_instruction_says_where_to_go_instead(story: Story) -> None:
    """A same-day sign on a closed day names the opening and the other way."""
    await story.binds()
    await story.enrols(ANA)
    story.now = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # Sunday noon
    await story.says(ANA, "there is pus coming out where the needle was")

    text = story.sees(ANA).text
    assert "The clinic is closed now. It opens tomorrow at 09:00" in text
    assert "24-hour clinic" in text


async def test_more_words_of_the_same_sign_join_the_alert(story: Story) -> None:
    """Three frightened messages are one alert, shown three times."""
    await story.binds()
    await story.enrols(ANA)
    for text in (DANGER, "i cant breathe", "still cannot breathe"):
        await story.says(ANA, text)

    assert len(story.tools.database.call(alerts.of_chat, ANA.id)) == 1
    assert sum("995" in text for text in story.texts(ANA)) == 3
    assert "still cannot breathe" in story.sees(GROUP).text


async def test_without_a_group_the_patient_is_told_to_call_and_the_alert_waits(story: Story) -> None:
    """Nothing is pretended; whoever binds the group finds the alert in it."""
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    assert "make the call yourself" in story.sees(ANA).text

    await story.later(minutes=30)
    await story.binds()

    assert DANGER in story.sees(GROUP, DANGER, last=0).text


async def test_words_of_4096_characters_reach_staff_unaltered(story: Story) -> None:
    """A very long cry for help arrives whole, hostile characters and all."""
    await story.binds()
    await story.enrols(ANA)
    words = (DANGER + " <b>_*[x](y) & \u202eabc 😀 ").ljust(4090, "z")
    await story.says(ANA, words)

    pieces = [m for chat, m in story.messenger.order if chat == GROUP][-2:]
    assert all(length(plain(piece.text)) <= TEXT_LIMIT for piece in pieces)
    assert plain(pieces[-1].text) == words


async def test_a_stranger_in_danger_can_be_answered(story: Story) -> None:
    """Staff reply to somebody who has agreed to nothing, and the reply arrives."""
    await story.binds()
    await story.says(BEN, DANGER)
    await story.staff(EVA, "Please go to the hospital now.", reply_to=story.sees(GROUP))

    assert "Please go to the hospital now." in story.sees(BEN).text


async def test_an_alert_of_yesterday_names_its_day(story: Story) -> None:
    """What was "today" when it was written reads "yesterday" a day later."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "i have pus at the needle spot")
    story.now += timedelta(days=1)
    await story.staff_taps("Acknowledge")

    assert "treated yesterday at 15:00" in story.sees(GROUP, "pus", last=0).text


# --- what never reached staff ------------------------------------------------------------------------------


def the_alert(story: Story) -> Alert:
    """Return Ana's one alert as it stands now."""
    (alert,) = story.tools.database.call(alerts.of_chat, ANA.id)
    return alert


async def says_in_the_night(story: Story, words: str) -> None:
    """Let Ana write at 23:30."""
    await story.binds()
    await story.enrols(ANA)
    story.now = NIGHT
    await story.says(ANA, words)


@pytest.mark.parametrize("words", [DANGER, "i have pus at the needle spot"])
async def test_a_first_post_that_was_refused_is_made_up_for_at_once(story: Story, words: str) -> None:
    """The patient has read that the team was told: now they read that nobody has seen it, and staff get it once more."""
    await says_in_the_night(story, words)
    posted = len(story.texts(GROUP))
    story.tools.database.call(alarm.unposted, the_alert(story).id, story.now)
    story.now += timedelta(seconds=5)
    await story.rings()

    assert "Nobody at the clinic has seen your message yet" in story.sees(ANA).text
    assert len(story.texts(GROUP)) == posted + 1
    assert words in story.sees(GROUP).text
    await story.later(hours=1)
    assert sum("Nobody at the clinic" in text for text in story.texts(ANA)) == 1


async def test_a_group_that_takes_no_posts_is_not_tried_without_end(story: Story) -> None:
    """The second refusal leaves the alert to its pauses; the patient is told once."""
    await says_in_the_night(story, DANGER)
    for _again in range(3):
        story.tools.database.call(alarm.unposted, the_alert(story).id, story.now)
        await story.rings()

    assert the_alert(story).times_raised == 2
    assert the_alert(story).raise_at == story.now + timedelta(minutes=5)
    assert sum("Nobody at the clinic" in text for text in story.texts(ANA)) == 1


async def test_what_is_due_is_not_put_off_by_a_refused_post(story: Story) -> None:
    """A moment that has come already stays as it is."""
    await says_in_the_night(story, DANGER)
    due = the_alert(story)
    story.now += timedelta(minutes=20)
    story.tools.database.call(alarm.unposted, due.id, story.now)

    assert the_alert(story).raise_at == due.raise_at
    assert the_alert(story).tell_patient_at == due.tell_patient_at


async def test_an_alert_that_somebody_has_seen_needs_no_post(story: Story) -> None:
    """Also none that was erased meanwhile; nothing is raised, and nobody is told."""
    await says_in_the_night(story, DANGER)
    await story.staff_taps("Acknowledge")
    read = len(story.texts(ANA))
    for alert_id in (the_alert(story).id, 77):
        story.tools.database.call(alarm.unposted, alert_id, story.now)
    await story.rings()

    assert (the_alert(story).raise_at, the_alert(story).tell_patient_at) == (None, None)
    assert len(story.texts(ANA)) == read


async def test_what_is_never_raised_again_is_not_by_a_refused_post(story: Story) -> None:
    """An alert that is never raised again stays so, and one whose patient is never told, too."""
    await story.binds()
    await story.enrols(ANA)
    await story.taps_data(ANA, "ho:write")
    await story.says(ANA, "please ring me")
    story.tools.database.call(alarm.unposted, the_alert(story).id, story.now)
    id_ = the_alert(story).id
    assert (the_alert(story).raise_at, the_alert(story).tell_patient_at) == (story.now, None)

    def keep(session: Session) -> None:
        session.get_one(Alert, id_).raise_at = None

    story.tools.database.call(keep)
    story.tools.database.call(alarm.unposted, id_, story.now)
    assert the_alert(story).raise_at is None


async def test_when_the_group_is_gone_its_patients_hear_that_nobody_has_seen_it(story: Story) -> None:
    """At the next look, each once; the alert waits for the next group, which finds it."""
    await says_in_the_night(story, DANGER)
    await story.says(BEN, DANGER)
    raise_at = the_alert(story).raise_at
    story.tools.database.call(groups.unbind, GROUP)
    story.tools.database.call(alarm.group_lost, "elsewhere", story.now)
    await story.rings()
    assert not any("Nobody at the clinic" in text for text in story.texts(ANA))
    story.tools.database.call(alarm.group_lost, "main", story.now)
    assert the_alert(story).raise_at == raise_at
    await story.rings()
    await story.later(minutes=30)

    for person in (ANA, BEN):
        assert sum("Nobody at the clinic" in text for text in story.texts(person)) == 1
    await story.binds(chat_id=-200)
    assert sum(DANGER in text for text in story.texts(-200)) == 2


async def test_when_the_group_is_gone_who_was_seen_is_not_told_otherwise(story: Story) -> None:
    """An acknowledged alert stays acknowledged."""
    await says_in_the_night(story, DANGER)
    await story.staff_taps("Acknowledge")
    story.tools.database.call(alarm.group_lost, "main", story.now)
    await story.later(minutes=30)

    assert not any("Nobody at the clinic" in text for text in story.texts(ANA))
