"""Tests of what is taken of a claimed message: all that sending it and recording its answer need."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.message import Outgoing, Priority
from bot.service.parcel import Parcel, unpack
from bot.storage import outbox
from bot.storage.claims import Claimed
from bot.storage.database import Session
from bot.storage.outbox import OutboxState, Purpose
from tests.kit.outbox import Outbox
from tests.kit.story import ANA, Story


@pytest.fixture
def line(story: Story) -> Outbox:
    """Give an empty outbox."""
    return Outbox(story.tools.database, story.now, ANA.id)


def unpacked(line: Outbox, **payload: Any) -> Parcel | None:
    """Claim the next message, with some of its payload changed, and take what it holds."""
    (row,) = line.look(limit=1).rows

    def change(session: Session) -> Parcel | None:
        return unpack(session, row._replace(payload={**(row.payload or {}), **payload}))

    return line.database.call(change)


def test_a_message_is_what_was_put_in_line(line: Outbox) -> None:
    """Where to, what, why, and which try."""
    row_id = line.add(text="Hello", priority=Priority.REPLY, purpose=Purpose.SECRET)
    assert unpacked(line) == Parcel(
        id=row_id,
        attempt=1,
        chat_id=ANA.id,
        outgoing=Outgoing(text="Hello"),
        target=None,
        slow=False,
        purpose=Purpose.SECRET,
        has_receipt=False,
        is_repeat=False,
    )


@pytest.mark.parametrize("priority", Priority)
def test_check_ins_and_digests_can_wait(line: Outbox, priority: Priority) -> None:
    """They keep a distance of their own."""
    line.add(priority=priority)
    parcel = unpacked(line)
    assert parcel is not None
    assert parcel.slow == (priority in (Priority.CHECK_IN, Priority.DIGEST))


def test_what_follows_from_it_and_what_came_before_is_known(line: Outbox) -> None:
    """Staff wait for word of it; and its answer was lost once."""
    line.add()
    parcel = unpacked(line, receipt=[-5, 77], doubts=outbox.REPEATS)
    assert parcel is not None
    assert (parcel.has_receipt, parcel.is_repeat) == (True, True)


@pytest.mark.parametrize(("named", "target"), [(None, 55), (9, 9)])
def test_an_edit_is_for_the_message_it_names_or_for_the_newest_of_its_slot(
    line: Outbox, named: int | None, target: int
) -> None:
    """What was sent under the slot is found when the edit leaves, not when it was decided."""
    shown = line.add(slot="menu")
    line.claim()
    line.database.call(outbox.sent, shown, 55, line.now)
    edit = Outgoing(kind="edit", text="new", slot="menu", message_id=named)
    line.database.call(outbox.add, ANA.id, edit, line.now)

    parcel = unpacked(line)
    assert parcel is not None
    assert parcel.target == target


@pytest.mark.parametrize(
    "payload", [["a list"], {"text": "x", "buttons": 7}, {"text": "x", "buttons": [["x"]]}]
)
def test_what_cannot_be_read_is_put_aside(line: Outbox, payload: Any) -> None:
    """With the reason; nothing is raised."""
    row_id = line.add()
    line.claim()
    row = Claimed(row_id, ANA.id, Priority.REPLY, 1, None, payload)

    assert line.database.call(unpack, row) is None
    assert line.state(row_id) == OutboxState.REFUSED
    assert "unreadable" in (line.there(row_id).error or "")
