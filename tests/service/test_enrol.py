"""Tests of enrolling: registering, the invite, consent, and what follows from a newer treatment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.patient import CheckInState
from bot.service import enrol
from bot.storage import check_ins, patients, treatments
from bot.storage.database import Session
from tests.conftest import THURSDAY
from tests.kit.story import ANA, BEN, GROUP, Story


async def test_consent_comes_first_and_then_the_moment_of_the_first_check_in(story: Story) -> None:
    """The patient learns what is stored, agrees, and is told when the bot will ask."""
    done = story.registers()
    await story.says(ANA, f"/start {done.code.replace('-', '')}")
    asked = story.sees(ANA).text
    assert "What is stored" in asked
    assert "How to leave" in asked
    assert story.tools.database.call(patients.by_chat, ANA.id) is None

    await story.taps(ANA, "Yes, I agree")

    assert "tomorrow at 15:00" in story.sees(ANA).text
    assert story.tools.database.call(patients.by_chat, ANA.id) is not None


async def test_the_code_may_be_typed_with_dashes_and_small_letters(story: Story) -> None:
    """A card and a keyboard are as good as a QR code."""
    done = story.registers()
    await story.says(ANA, done.code.lower())

    assert "What is stored" in story.sees(ANA).text


async def test_consent_may_be_given_in_words(story: Story) -> None:
    """Telegram forgets taps, so "yes" and the code will do."""
    done = story.registers()
    await story.says(ANA, f"Yes {done.code}")

    assert "you are in" in story.sees(ANA).text


async def test_a_bare_yes_of_a_stranger_is_explained(story: Story) -> None:
    """Nothing is remembered of a stranger, so "I agree" alone gets a word on how."""
    await story.says(ANA, "I agree")

    assert "tap “Yes, I agree”" in story.sees(ANA).text


async def test_an_ok_of_a_stranger_is_small_talk(story: Story) -> None:
    """Who says "ok" to an answer is not told about invitations."""
    await story.says(ANA, "does it hurt?")
    await story.says(ANA, "ok")

    assert "invitation" not in story.sees(ANA).text


async def test_declining_stores_nothing(story: Story) -> None:
    """Who says no can ask questions all the same."""
    done = story.registers()
    await story.says(ANA, f"/start {done.code.replace('-', '')}")
    await story.taps(ANA, "No, just let me ask")
    await story.says(ANA, "does it hurt?")

    assert story.tools.database.call(patients.by_chat, ANA.id) is None
    assert "Does it hurt?" in story.sees(ANA).text


async def test_an_invite_works_once(story: Story) -> None:
    """A second person with the same link is told to ask for a new one."""
    done = await story.enrols(ANA)
    await story.says(BEN, f"/start {done.code.replace('-', '')}")

    assert "used already" in story.sees(BEN).text


async def test_opening_the_link_again_does_no_harm(story: Story) -> None:
    """The patient who is in already is told so."""
    done = await story.enrols(ANA)
    await story.says(ANA, f"/start {done.code.replace('-', '')}")

    assert "You are in already" in story.sees(ANA).text


async def test_an_old_invite_says_so(story: Story) -> None:
    """After its days an invite no longer works."""
    done = story.registers()
    story.now += timedelta(days=8)
    await story.says(ANA, f"/start {done.code.replace('-', '')}")

    assert "too old" in story.sees(ANA).text


async def test_a_cancelled_treatments_invite_says_so(story: Story) -> None:
    """Nobody is enrolled in what was cancelled."""
    done = story.registers()
    treatment_id = done.treatment.id

    def cancel(session: Session) -> None:
        found = treatments.by_id(session, treatment_id)
        assert found is not None
        enrol.cancel(session, story.tools, found, story.now)

    story.tools.database.call(cancel)
    await story.says(ANA, f"/start {done.code.replace('-', '')}")

    assert "cancelled" in story.sees(ANA).text


async def test_a_newer_treatment_takes_the_place_of_the_older(story: Story) -> None:
    """The open check-ins of the earlier treatment are superseded, not asked twice."""
    first = await story.enrols(ANA, "A1")
    await story.later(hours=20)
    await story.enrols(ANA, "A2")
    rows = story.tools.database.call(check_ins.of_treatment, first.treatment.id)
    assert {row.state for row in rows} == {CheckInState.SUPERSEDED}

    await story.later(hours=30)

    ready = [text for text in story.texts(ANA) if "is ready" in text]
    assert len(ready) == 1


async def test_a_treatment_hours_old_schedules_what_is_still_to_come(story: Story) -> None:
    """Registered 47 hours late, only the 48 h check-in is left; 30 hours late, the 24 h one is within its grace."""
    late = story.registers("A1", treated_at=THURSDAY - timedelta(hours=47))
    within_grace = story.registers("A2", treated_at=THURSDAY - timedelta(hours=30))

    assert [row.step for row in late.check_ins] == ["h48"]
    assert [row.step for row in within_grace.check_ins] == ["h24", "h48"]


async def test_the_region_decides_the_plan(story: Story) -> None:
    """Needles near the chest get the breathing check; a plan may be named all the same."""
    assert story.registers(regions=("upper_back",)).treatment.plan == "chest"
    assert story.registers(regions=("calf",)).treatment.plan == "standard"
    assert story.registers(regions=("calf", "neck")).treatment.plan == "chest"
    assert story.registers(regions=("upper_back",), plan="standard").treatment.plan == "standard"


async def test_the_breathing_check_never_falls_into_the_night(story: Story) -> None:
    """Treated at 19:00, the 4 h check comes at 21:00, where the night begins, not at 23:00."""
    done = story.registers(regions=("chest",), treated_at=THURSDAY + timedelta(hours=0))
    evening = THURSDAY + timedelta(hours=4)
    story.now = evening
    late = story.registers(regions=("chest",))

    assert done.check_ins[0].due_at == THURSDAY + timedelta(hours=4)
    assert late.check_ins[0].due_at == THURSDAY + timedelta(hours=6)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"label": " "}, "label must have"),
        ({"label": "x" * 41}, "label must have"),
        ({"regions": ("nose",)}, "no region 'nose'"),
        ({"plan": "none"}, "no plan 'none'"),
        ({"branch_id": "moon"}, "no branch 'moon'"),
        ({"treated_at": THURSDAY + timedelta(hours=1)}, "in the future"),
        ({"treated_at": THURSDAY - timedelta(days=15)}, "14 days"),
    ],
)
async def test_what_cannot_be_registered_says_what_to_do(
    story: Story, fields: dict[str, object], words: str
) -> None:
    """Bad input gets one clear sentence, and nothing is stored."""
    label = str(fields.pop("label", "A1"))
    regions = fields.pop("regions", ("calf",))
    with pytest.raises(enrol.NotRegistered, match=words):
        story.registers(label, regions, **fields)  # type: ignore[arg-type]

    assert story.tools.database.call(treatments.find, "main", "A") == []


async def test_the_code_is_stored_as_a_hash_only(story: Story) -> None:
    """Whoever reads the database cannot use an invite."""
    done = story.registers()
    code = done.code.replace("-", "")
    await story.says(ANA, f"/start {code}")
    await story.taps(ANA, "Yes, I agree")
    story.tools.database.compact()
    path = Path(story.tools.database.url.removeprefix("sqlite:///"))
    content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    assert len(content) > 10_000
    assert code.encode() not in content
    assert done.code.encode() not in content


async def test_a_welcome_back_names_the_next_check_in(story: Story) -> None:
    """/start of a patient says where things stand."""
    await story.enrols(ANA)
    await story.says(ANA, "/start")

    assert "tomorrow at 15:00" in story.sees(ANA).text


async def test_cancelling_tells_the_patient_and_nothing_comes(story: Story) -> None:
    """A cancelled treatment is silent from then on."""
    await story.binds()
    await story.enrols(ANA)
    await story.staff(BEN, "/cancel A1023")
    await story.staff_taps("Yes, cancel")
    assert "ended the check-ins" in story.sees(ANA).text
    before = len(story.texts(ANA))

    await story.later(hours=60)

    assert len(story.texts(ANA)) == before
    assert "Cancelled: A1023. 2 check-ins" in story.sees(GROUP).text
