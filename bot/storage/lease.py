"""The lease: one process handles, sends and schedules; a second one is told who does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.storage.tables import Lease

#: How long a lease lasts unless renewed.
TERM = timedelta(seconds=15)
_NAME = "bot"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process: its machine, its id there, and a random mark that tells two of the same number apart."""

    host: str
    pid: int
    mark: str

    def __str__(self) -> str:
        """Write ``host/pid/mark``, as it stands in the database."""
        return f"{self.host}/{self.pid}/{self.mark}"

    @classmethod
    def read(cls, text: str) -> Holder:
        """Read back what `__str__` wrote."""
        host, pid, mark = text.rsplit("/", 2)
        return cls(host=host, pid=int(pid), mark=mark)


def take(session: Session, holder: Holder, now: datetime, *, dead: bool = False) -> Holder | None:
    """Take or renew the lease; return None on success, else who holds it.

    *dead*: the caller knows that the process which holds it is no more; its lease is taken over at once.
    """
    row = session.get(Lease, _NAME)
    if row is None:
        session.add(Lease(name=_NAME, holder=str(holder), expires_at=now + TERM))
        return None
    if row.holder != str(holder) and row.expires_at > now and not dead:
        return Holder.read(row.holder)
    row.holder = str(holder)
    row.expires_at = now + TERM
    return None


def release(session: Session, holder: Holder) -> None:
    """Give the lease up, so that the next process need not wait."""
    row = session.get(Lease, _NAME)
    if row is not None and row.holder == str(holder):
        session.delete(row)
