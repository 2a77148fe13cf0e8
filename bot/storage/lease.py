"""The lease: one process handles, sends and schedules; a second one is told who does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.domain.trouble import Trouble
from bot.storage.tables import Lease

#: How long a lease lasts unless renewed: another replica takes over that long after the last sign of life.
TERM = timedelta(seconds=10)
_NAME = "bot"


class LeaseLost(Trouble):
    """Another process has taken over; this one must not go on."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process: its machine, its id there, and a random mark that tells two of the same number apart.

    space: where its id counts, which is not the whole machine if it runs in a container; empty: not known.
    """

    host: str
    pid: int
    mark: str
    space: str = ""

    def __str__(self) -> str:
        """Write ``host/pid/mark@space``, as it stands in the database."""
        return f"{self.host}/{self.pid}/{self.mark}" + (f"@{self.space}" if self.space else "")

    @classmethod
    def read(cls, text: str) -> Holder:
        """Read back what `__str__` wrote."""
        host, pid, rest = text.rsplit("/", 2)
        mark, _, space = rest.partition("@")
        return cls(host=host, pid=int(pid), mark=mark, space=space)


def take(
    session: Session, holder: Holder, now: datetime, *, dead: bool = False, by_clock: bool = True
) -> Holder | None:
    """Take or renew the lease; return None on success, else who holds it.

    *dead*: the caller knows that the process which holds it is no more; its lease is taken over at once. Without
    *by_clock* nothing else ends another's lease: on two machines the clocks may differ, see `sign_of_life`. With it a
    lease that ends later than any can is over too: the clock was set back since, perhaps by hours.
    """
    row = session.get(Lease, _NAME)
    if row is None:
        session.add(Lease(name=_NAME, holder=str(holder), expires_at=now + TERM))
        return None
    runs = now < row.expires_at <= now + TERM or not by_clock
    if row.holder and row.holder != str(holder) and runs and not dead:
        return Holder.read(row.holder)
    row.holder = str(holder)
    row.expires_at = now + TERM
    return None


def require(session: Session, holder: Holder) -> None:
    """Raise `LeaseLost` unless *holder* still has the lease; for use in the transactions of its work.

    A lease that ran out while nobody came is still the holder's: it may have slept.
    """
    row = session.get(Lease, _NAME)
    if row is None or row.holder != str(holder):
        other = Holder.read(row.holder) if row is not None and row.holder else None
        by = f" (process {other.pid} on {other.host})" if other else ""
        raise LeaseLost(f"Another Aftercare{by} has taken over this database.")


def sign_of_life(session: Session) -> str:
    """Return what changes with each renewal. A holder whose sign stands still for a `TERM` is no more."""
    row = session.get(Lease, _NAME)
    return f"{row.holder} {row.expires_at.isoformat()}" if row is not None else ""


def last_alive(session: Session) -> datetime | None:
    """Return until when the bot was alive for certain, or None if it never was; ask before taking the lease."""
    row = session.get(Lease, _NAME)
    return row.expires_at - TERM if row is not None else None


def release(session: Session, holder: Holder, now: datetime) -> None:
    """Give the lease up, so that the next process need not wait; until when this one lived stays written."""
    row = session.get(Lease, _NAME)
    if row is not None and row.holder == str(holder):
        row.holder = ""
        row.expires_at = now + TERM
