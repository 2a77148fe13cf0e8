"""Fuzzing: updates of every type and shape go in; nothing crashes, nothing is stuck, no words get into a log."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot import logs
from bot.chat.app import TelegramApp
from bot.domain.message import TEXT_LIMIT, Outgoing, length, plain
from bot.service.arrive import arrivals
from bot.service.ports import Tools
from bot.storage import inbox
from bot.storage.database import Session
from bot.storage.inbox import InboxState
from bot.storage.tables import InboxRow, OutboxRow
from tests.kit.offline import OfflineRequest
from tests.kit.story import ANA, Story
from tests.kit.updates import MARK, updates

_numbers = itertools.count(1000)
#: A test's own fixtures serve all examples: a patient, a group and a database in which the examples pile up.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # huge texts are what this is about
    pytest.mark.filterwarnings(
        "ignore:Tasks created via `Application.create_task` while"
    ),  # the bot does not run
]
_LONG = settings(max_examples=300, suppress_health_check=list(HealthCheck))


@pytest.fixture
def log() -> Any:
    """Everything that is logged, as the bot writes it, debugging lines of ours included."""
    written = StringIO()
    logs.set_up("json", logging.INFO)
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    logging.getLogger().handlers.clear()


@pytest.fixture
async def inhabited(bot: TelegramApp, tools: Tools, now: datetime) -> TelegramApp:
    """A bot whose clinic has a bound group and a patient with an open check-in."""
    story = Story(tools=tools, now=now)
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, "/checkin")
    return bot


@pytest.fixture
def heard(inhabited: TelegramApp, tools: Tools) -> Iterator[None]:
    """Make sure that the fuzz is no wall of refusals: examples reach the handlers, the services and the outbox."""
    before = len(tools.database.call(_said, 10_000))
    yield
    assert len(tools.database.call(_said, 10_000)) - before > 30


async def _take(bot: TelegramApp, tools: Tools, now: datetime, update: dict[str, Any]) -> None:
    """Store an update as polling does, and handle it as often as it may be tried."""
    came = arrivals([json.loads(json.dumps(update))])
    tools.database.call(inbox.store, came, now)
    for arrival in came:
        for _ in range(5):
            await bot.handle(arrival.update_id, arrival.payload)
        assert tools.database.call(_state, arrival.update_id) in (InboxState.DONE, InboxState.PARKED)


def _state(session: Session, update_id: int) -> str | None:
    return session.scalar(select(InboxRow.state).where(InboxRow.update_id == update_id))


@_LONG
@given(update=updates)
@pytest.mark.usefixtures("heard")
async def test_no_update_crashes_or_leaks(
    inhabited: TelegramApp, tools: Tools, now: datetime, log: StringIO, update: dict[str, Any]
) -> None:
    """Each ends as done or parked; what is said because of it fits into a message; the log holds none of its words."""
    await _take(inhabited, tools, now, {**update, "update_id": next(_numbers)})

    assert MARK not in log.getvalue()
    assert "never retrieved" not in log.getvalue()
    for row in tools.database.call(_said):
        outgoing = Outgoing.from_dict(row.payload or {})
        assert length(plain(outgoing.text)) <= TEXT_LIMIT, outgoing.text[:300]


def _said(session: Session, most: int = 20) -> list[OutboxRow]:
    newest = select(OutboxRow).where(OutboxRow.payload.is_not(None)).order_by(OutboxRow.id.desc()).limit(most)
    return list(session.scalars(newest))


@_LONG
@given(
    raw=st.recursive(
        st.one_of(st.none(), st.integers(), st.floats(), st.text()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_a_server_answers_is_stored_or_left_out(tools: Tools, now: datetime, raw: Any) -> None:
    """`getUpdates` may answer with anything that is JSON: nothing is raised on the way into the database."""
    for answer in (raw, [raw], [{"update_id": next(_numbers), "message": raw}]):
        came = arrivals(answer)
        tools.database.call(inbox.store, came, now)
    assert tools.database.call(_state, came[0].update_id) == InboxState.WAITING


async def test_after_all_that_a_patient_is_answered(
    inhabited: TelegramApp, tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """The line goes on behind whatever came before."""
    for update in ({"message": {"chat": {"id": 11}, "text": [MARK]}}, {"callback_query": 7}, {"poll": None}):
        await _take(inhabited, tools, now, {**update, "update_id": next(_numbers)})
    person = {"id": ANA.id, "is_bot": False, "first_name": "Ana"}
    question = {
        "message_id": 5,
        "date": 1,
        "chat": {"id": ANA.id, "type": "private"},
        "from": person,
        "text": "does it hurt?",
    }
    await _take(inhabited, tools, now, {"message": question, "update_id": next(_numbers)})
    await inhabited._delivery.flush()

    assert any("Does it hurt?" in call["text"] for call in offline.sent())
