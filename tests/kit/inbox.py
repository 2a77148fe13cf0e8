"""An inbox in a few words: what arrives, what fails, whose turn it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.storage import inbox, inbox_line
from bot.storage.database import Database
from bot.storage.inbox import Arrival, InboxState
from bot.storage.tables import InboxRow
from tests.storage.conftest import NOW


def arrive(database: Database, *arrivals: tuple[int, int | None], now: datetime = NOW) -> int:
    """Store updates given by their id and chat."""
    return database.call(
        inbox.store,
        [Arrival(update_id=id_, chat_id=chat, payload={"text": f"words of {id_}"}) for id_, chat in arrivals],
        now,
    )


def row_of(database: Database, update_id: int) -> InboxRow:
    """Return an update's row."""
    return database.call(
        lambda session: session.scalars(select(InboxRow).where(InboxRow.update_id == update_id)).one()
    )


def ids_of(database: Database) -> list[int]:
    """Return what is known, in the order of arrival."""
    return database.call(
        lambda session: list(session.scalars(select(InboxRow.update_id).order_by(InboxRow.seq)))
    )


def next_of(database: Database, now: datetime = NOW) -> int | None:
    """Return whose turn it is."""
    return next(iter(batch_of(database, now, limit=1)), None)


def batch_of(database: Database, now: datetime = NOW, *, limit: int = 10, **others: Any) -> list[int]:
    """Return what may be handled now."""
    return [row.update_id for row in database.call(inbox_line.next_batch, now, limit=limit, **others)]


def wholly(*chats: int) -> dict[int, int]:
    """Let these chats go first with all that waits of theirs."""
    return dict.fromkeys(chats, 10**9)


def handle_all(database: Database, now: datetime = NOW) -> list[int]:
    """Handle whatever may be handled at *now*, and return the ids in the order in which it came."""
    handled = []
    while (update_id := next_of(database, now)) is not None:
        database.call(inbox.finish, update_id, now, keep_words=True)
        handled.append(update_id)
    return handled


def fail(database: Database, update_id: int, times: int, now: datetime = NOW) -> InboxState:
    """Let an update fail so often."""
    state = InboxState.WAITING
    for _ in range(times):
        state = database.call(inbox.failed, update_id, "KeyError", now)
    return state
