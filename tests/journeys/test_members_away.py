"""Telegram cannot say who belongs to the staff group, for longer than any update is tried: no tap of staff is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.chat import line
from bot.sandbox.faults import Fault
from bot.storage import inbox
from bot.storage.database import Database
from bot.storage.inbox import Arrival
from tests.conftest import THURSDAY
from tests.kit.command import aftercare
from tests.kit.journey import Journey

#: Pauses of 5, 10, 20, 30 and 30 seconds: 95 in all, where an update is parked after 71.
IN_VAIN = 5


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane does not rest after a failure."""
    monkeypatch.setattr(line, "PAUSE", 0.0)


async def lets_pass(journey: Journey, seconds: int) -> None:
    """Turn the clock so far, five seconds at a time."""
    for _ in range(seconds // 5):
        await journey.stage.later(seconds=5)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="getChatMember", kind="error", code=502, description="Bad Gateway"),
        Fault(method="getChatMember", kind="drop"),
        Fault(
            method="getChatMember", kind="error", code=429, retry_after=20, description="Too Many Requests: retry after 20"
        ),
    ],
    ids=["502", "drop", "429"],
)  # fmt: skip
async def test_a_tap_has_its_one_effect_when_telegram_is_back(journey: Journey, fault: Fault) -> None:
    """It waits with what came behind it in the group, a patient is served meanwhile, and nobody is told that it failed."""
    await journey.enrols(journey.ana, region="Upper back")
    await journey.says(journey.ana, "my chest hurts when i breathe in")
    for _ in range(IN_VAIN):
        journey.sandbox.plan(fault)
    before = len(journey.sandbox.calls())
    await journey.taps(journey.mei, "Acknowledge", journey.group)
    await journey.says(journey.raj, "/today", journey.group)
    await journey.says(journey.ben, "does it hurt?")
    assert "Does it hurt?" in journey.words(journey.ben)[-1]
    await lets_pass(journey, 75)
    assert not any("has seen your message" in text for text in journey.words(journey.ana))
    await lets_pass(journey, 40)

    assert journey.sandbox.world.faults.left == 0
    assert len(journey.sandbox.calls("getChatMember", after=before)) == IN_VAIN + 2
    assert sum("has seen your message" in text for text in journey.words(journey.ana)) == 1
    assert not any("That did not work" in text for text in journey.words(journey.group))
    assert journey.stage.tools.database.call(inbox.in_trouble) == []
    alert = next(message for message in journey.group.messages if "EMERGENCY" in message.text)
    assert "Seen by Mei" in alert.text


async def test_after_an_hour_staff_are_told(journey: Journey) -> None:
    """Then it is parked, and the group reads that it did not work."""
    await journey.registers("A1023")
    journey.sandbox.plan(Fault(method="getChatMember", kind="error", code=502, times=1000))
    await journey.says(journey.mei, "/today", journey.group)
    await journey.stage.later(minutes=59)
    (row,) = journey.stage.tools.database.call(inbox.in_trouble)
    assert (row.state, row.attempts) == ("waiting", 0)
    for seconds in (60, 2, 11, 61):
        await journey.stage.later(seconds=seconds)

    (row,) = journey.stage.tools.database.call(inbox.in_trouble)
    assert (row.state, row.error) == ("parked", "NetworkError")
    assert "That did not work" in journey.words(journey.group)[-1]


def test_who_runs_it_sees_what_waits_and_why(clinic: Path) -> None:
    """In the list it has not been tried in vain; it can be looked at and dropped, and there is nothing to put back."""
    database = Database(f"sqlite:///{clinic / 'aftercare.db'}")
    database.migrate()
    database.call(inbox.store, [Arrival(update_id=7, chat_id=-5, payload={"message": {}})], THURSDAY)
    database.call(inbox.failed, 7, "TimedOut", THURSDAY, inbox.LONGEST)

    (row,) = json.loads(aftercare("inbox", "--json").output)

    assert (row["state"], row["tries"], row["error"]) == ("waiting", 0, "TimedOut")
    assert "again 15:05:00" in aftercare("inbox").output
    assert "it waits for another try" in aftercare("inbox", "retry", "7").output
    assert aftercare("inbox", "drop", "7", "--yes").exit_code == 0
    assert json.loads(aftercare("inbox", "--json").output) == []
    database.close()
