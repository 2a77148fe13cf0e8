"""An outbox in a few words: put in line, claim, send, look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.message import Outgoing, Priority
from bot.storage import claims, outbox
from bot.storage.claims import Claim
from bot.storage.database import Database
from bot.storage.outbox import Purpose
from bot.storage.tables import OutboxRow

#: How long a claim lasts here.
LEASE = timedelta(minutes=1)


@dataclass(frozen=True)
class Outbox:
    """The outbox of *database*, at the moment *now* unless another is given; each call is a transaction."""

    database: Database
    now: datetime
    chat: int

    def add(
        self,
        chat: int | None = None,
        *,
        text: str = "Hello",
        slot: str | None = None,
        now: datetime | None = None,
        priority: Priority = Priority.REPLY,
        about_chat: int | None = None,
        purpose: Purpose | None = None,
        useful_until: datetime | None = None,
    ) -> int:
        """Put a message in line and return its id."""
        return self.database.call(
            outbox.add,
            chat or self.chat,
            Outgoing(text=text, slot=slot),
            now or self.now,
            priority=priority,
            about_chat=about_chat,
            purpose=purpose,
            useful_until=useful_until,
        ).id

    def look(
        self,
        now: datetime | None = None,
        limit: int = 16,
        *,
        slow: int | None = None,
        full: Collection[int] = (),
        shut: Collection[int] = (),
        busy: Collection[int] = (),
        sending: Collection[int] = (),
        repeats: int = claims.ALL,
        cautious: bool = False,
    ) -> Claim:
        """Claim what may leave; as if Telegram were known to answer, unless said otherwise."""
        return self.database.call(
            claims.claim,
            now or self.now,
            LEASE,
            limit,
            slow=slow,
            full=full,
            shut=shut,
            busy=busy,
            sending=sending,
            repeats=repeats,
            cautious=cautious,
        )

    def claim(self, now: datetime | None = None, limit: int = 16) -> list[int]:
        """Claim what may leave and return its ids."""
        return [row.id for row in self.look(now, limit).rows]

    def send_all(self, now: datetime | None = None) -> list[int]:
        """Claim one batch after the other, record every message as sent, and return them in their order."""
        order: list[int] = []
        while ids := self.claim(now):
            for row_id in ids:
                self.database.call(outbox.sent, row_id, 100 + row_id, now or self.now)
            order += ids
        return order

    def row(self, row_id: int) -> OutboxRow | None:
        """Return a message as it stands."""
        return self.database.call(lambda session: session.get(OutboxRow, row_id))

    def state(self, row_id: int) -> str | None:
        """Return the state a message is in; None if it is gone."""
        row = self.row(row_id)
        return row.state if row else None

    def there(self, row_id: int) -> OutboxRow:
        """Return a message that must be there."""
        row = self.row(row_id)
        assert row is not None
        return row
