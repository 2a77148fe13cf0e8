"""Tests of the day's lists: who is due, silent, answered, unopened; finding and cancelling."""

from __future__ import annotations

from bot.domain.message import TEXT_LIMIT, length, plain
from tests.kit.story import ANA, BEN, EVA, GROUP, Story


async def test_today_shows_each_patient_where_they_stand(story: Story) -> None:
    """Due, answered, silent, not opened, alerts: each in its section."""
    await story.binds()
    await story.enrols(ANA, "A1")
    await story.enrols(BEN, "B2")
    story.registers("C3")
    await story.staff(EVA, "/today")
    assert "Invitation not accepted (1)" in story.sees(GROUP).text
    await story.later(hours=24)
    await story.taps(ANA, "Start")
    for text in ("3", "plenty", "no bruise"):
        await story.says(ANA, text)
    await story.staff(EVA, "/today")

    text = story.sees(GROUP).text
    assert "Answered (1)\n• A1: The day after" in text
    assert "Soreness 3 of 10; Water Plenty; Bruise No bruise" in text
    assert "Asked, no answer yet (1)\n• B2" in text


async def test_today_with_nothing_says_so(story: Story) -> None:
    """An empty day is no empty message."""
    await story.binds()
    await story.staff(EVA, "/today")

    assert "Nothing is due" in story.sees(GROUP).text


async def test_a_very_long_day_is_cut_between_lines(story: Story) -> None:
    """Sixty open registrations with hostile labels make several whole messages."""
    await story.binds()
    for number in range(60):
        story.registers(f"<b>&{number:030d}</b>")
    before = len(story.texts(GROUP))
    await story.staff(EVA, "/today")

    new = story.messenger.chats[GROUP][before:]
    assert len(new) >= 2
    assert all(length(plain(shown.outgoing.text)) <= TEXT_LIMIT for shown in new)
    assert all(shown.outgoing.text.count("<b>") == shown.outgoing.text.count("</b>") for shown in new)


async def test_find_shows_a_treatment_and_replying_writes_to_the_patient(story: Story) -> None:
    """Label, state, check-ins, Telegram name; a reply goes to the patient."""
    await story.binds()
    await story.enrols(ANA, "A1023")
    await story.staff(EVA, "/find a10")

    shown = story.sees(GROUP)
    assert "A1023 · followed" in shown.text
    assert ANA.name in shown.text
    await story.staff(EVA, "How are you?", reply_to=shown)
    assert "How are you?" in story.sees(ANA).text


async def test_find_without_success(story: Story) -> None:
    """Nothing found, nothing asked for, and signs that mean something to a database."""
    await story.binds()
    await story.staff(EVA, "/find %")
    assert "no treatment with that label" in story.sees(GROUP).text
    await story.staff(EVA, "/find")

    assert "/find A1023" in story.sees(GROUP).text


async def test_a_new_invitation_replaces_the_old(story: Story) -> None:
    """A patient who lost the card gets another; the old code no longer works."""
    await story.binds()
    old = story.registers("A1")
    await story.staff(EVA, "/find A1")
    await story.staff_taps("New invitation")
    code = story.sees(GROUP, "start=", last=2).text.partition("start=")[2].split()[0]
    await story.says(BEN, f"/start {old.code.replace('-', '')}")
    assert "too old" in story.sees(BEN).text
    await story.says(ANA, f"/start {code}")

    assert "What is stored" in story.sees(ANA).text


async def test_cancelling_asks_first(story: Story) -> None:
    """A slip cancels nothing."""
    await story.binds()
    await story.enrols(ANA, "A1")
    await story.staff(EVA, "/cancel A1")
    await story.staff_taps("No, keep it")
    assert "goes on as planned" in story.sees(GROUP).text
    await story.later(hours=24)

    assert "is ready" in story.sees(ANA).text


async def test_branches_do_not_see_each_other(story: Story) -> None:
    """A treatment of another branch is not found, and its buttons do nothing here."""
    settings = story.tools.settings
    second = settings.clinic.branches[0].model_copy(update={"id": "east", "name": "East"})
    clinic = settings.clinic.model_copy(update={"branches": (*settings.clinic.branches, second)})
    tools = type(story.tools)(
        **{**vars(story.tools), "settings": settings.model_copy(update={"clinic": clinic})}
    )
    both = Story(tools=tools, now=story.now)
    await both.binds("main")
    await both.binds("east", chat_id=-200)
    await both.enrols(ANA, "A1", branch_id="east")
    await both.staff(EVA, "/find A1")
    assert "no treatment" in both.sees(GROUP).text
    await both.staff(EVA, data="tr:1:cancel_yes", message_id=1)
    await both.says(ANA, "my chest hurts when i breathe in")

    assert "EMERGENCY" in both.sees(-200).text
    assert not any("EMERGENCY" in text for text in both.texts(GROUP))
