"""Tests of leaving: stop, forget, the copy of one's data, and what is promised."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from bot.storage import patients
from tests.kit.story import ANA, BEN, GROUP, Story


async def test_stop_works_in_the_middle_of_a_check_in(story: Story) -> None:
    """Promise 7: STOP always works."""
    await story.enrols(ANA)
    await story.later(hours=24)
    await story.taps(ANA, "Start")
    await story.says(ANA, "Stop!")

    assert "I have stopped" in story.sees(ANA).text
    before = len(story.texts(ANA))
    await story.later(hours=48)
    assert len(story.texts(ANA)) == before


async def test_after_stop_questions_are_answered_and_check_ins_can_start_again(story: Story) -> None:
    """Leaving is no door slammed."""
    await story.enrols(ANA)
    await story.says(ANA, "/stop")
    await story.says(ANA, "does it hurt?")
    assert "Does it hurt?" in story.sees(ANA).text
    await story.says(ANA, "/start")
    await story.taps(ANA, "Start check-ins again")
    assert "tomorrow at 15:00" in story.sees(ANA).text
    await story.later(hours=24)

    assert "is ready" in story.sees(ANA).text


async def test_stop_of_a_stranger_says_that_nothing_is_stored(story: Story) -> None:
    """There is nothing to stop."""
    await story.says(BEN, "stop")

    assert "nothing to stop" in story.sees(BEN).text


async def test_privacy_says_what_is_stored_for_how_long_and_who_reads_it(story: Story) -> None:
    """/privacy, in numbers of the clinic's own settings."""
    await story.says(ANA, "/privacy")

    text = story.sees(ANA).text
    for part in ("180 days", "30 days", "Who reads it", "/forget", "not end-to-end encrypted"):
        assert part in text


async def test_mydata_sends_everything_as_a_file(story: Story) -> None:
    """The copy holds treatment, check-ins, messages both ways, and what staff were told."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "my chest hurts when i breathe in")
    await story.says(ANA, "/mydata")

    document = story.sees(ANA).outgoing
    data = json.loads(base64.b64decode(document.file or ""))
    assert data["patient"]["name"] == ANA.name
    assert [row["step"] for row in data["treatments"][0]["check_ins"]] == ["h24", "h48"]
    assert data["alerts_seen_by_staff"][0]["red_flag"] == "breathing"
    assert any(row["to"] == "staff" for row in data["messages_sent"])
    assert {"text": "my chest hurts when i breathe in"} in [
        row["update"] for row in data["messages_received"]
    ]


async def test_mydata_and_forget_of_a_stranger(story: Story) -> None:
    """Nothing is stored, and that is said."""
    await story.says(BEN, "/mydata")
    assert "Nothing is stored" in story.sees(BEN).text
    await story.says(BEN, "/forget")
    assert "nothing to erase" in story.sees(BEN).text


async def test_forget_asks_first_and_then_leaves_nothing(story: Story) -> None:
    """After /forget no word and no name of the patient is in the database's files."""
    await story.binds()
    await story.enrols(ANA, "A-SECRET-LABEL")
    await story.says(ANA, "my chest hurts when i breathe in UNIQUEWORDS")
    await story.later(hours=24)
    await story.says(ANA, "/forget")
    await story.taps(ANA, "No, keep it")
    assert "Nothing was erased" in story.sees(ANA, "Nothing was erased", last=0).text
    await story.says(ANA, "/forget")
    await story.taps(ANA, "Yes, erase everything")

    assert "Treatments: 1" in story.sees(ANA).text
    assert "What I cannot erase" in story.sees(ANA).text
    assert story.tools.database.call(patients.by_chat, ANA.id) is None
    assert "had all data erased" in story.sees(GROUP, "erased", last=0).text
    # The label in the word to staff is the clinic's own; it goes with that message when messages are tidied.
    story.tools.database.compact()
    path = Path(story.tools.database.url.removeprefix("sqlite:///"))
    content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert b"UNIQUEWORDS" not in content
    assert b"Lim" not in content


async def test_forget_may_be_typed(story: Story) -> None:
    """ "/forget yes" is as good as the button."""
    await story.enrols(ANA)
    await story.says(ANA, "/forget yes")

    assert story.tools.database.call(patients.by_chat, ANA.id) is None


async def test_old_buttons_of_somebody_who_left_do_no_harm(story: Story) -> None:
    """A tap after /forget finds nothing and says so."""
    await story.enrols(ANA)
    await story.later(hours=24)
    await story.says(ANA, "/forget yes")
    await story.taps_data(ANA, "ci:1:soreness:3")

    assert "cannot find that check-in" in story.sees(ANA).text
