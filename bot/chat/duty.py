"""Being on duty: the lease that says which process handles, sends and schedules, kept alive while this one does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from bot.service import downtime
from bot.storage import lease
from bot.storage.database import Database, DatabaseAway, Session
from bot.storage.lease import Holder

log = logging.getLogger(__name__)

#: How often the lease is renewed, in seconds: three times in its term.
RENEW = 3.0


class Duty:
    """The lease of one process: taken, renewed, asked for in every transaction of its work, and given up."""

    def __init__(
        self,
        database: Database,
        holder: Holder,
        *,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
        process_is_dead: Callable[[Holder], bool],
        machine_now: Callable[[], datetime] | None = None,
    ) -> None:
        """Prepare.

        now: the moment, aware UTC. seconds: a clock that never goes back. process_is_dead: tells whether another
        holder's process is known to be no more. machine_now: the machine's own moment, where *now* may be turned
        by hand (the sandbox's): a clock that is turned is no sleep.
        """
        self._database = database
        self._holder = holder
        self._now = now
        self._seconds = seconds
        self._machine_now = machine_now or now
        self._process_is_dead = process_is_dead
        self._sign, self._since = "", 0.0
        self._renewed = float("-inf")
        self._awake: datetime | None = None

    async def take(self) -> Holder | None:
        """Take the lease; return None on success, else who has it. If the bot was down for long, that is noted.

        A shared database's lease is never taken for what is known of a process: another machine may call itself as ours
        does, or count its processes as we do (containers). There the sign of life decides.
        """
        awake = self._machine_now()
        try:
            other = await self._database.run(self._take, False)
            if other is not None and not self._database.is_shared and self._process_is_dead(other):
                other = await self._database.run(self._take, True)
        except DatabaseAway:
            self._sign = ""  # nobody could give a sign of life either: the term is waited for anew
            raise
        if other is None:
            self._awake = awake
        return other

    def _take(self, session: Session, dead: bool) -> Holder | None:
        before = lease.last_alive(session)
        shared = self._database.is_shared
        dead = dead or (shared and self._stands_still(lease.sign_of_life(session)))
        seconds, now = self._seconds(), self._now()
        other = lease.take(session, self._holder, now, dead=dead, by_clock=not shared)
        if other is None:
            downtime.note(session, before, now)
            self._renewed = seconds
        return other

    def _stands_still(self, sign: str) -> bool:
        """Tell whether the other's sign of life has stood still for a term, by our own clock: theirs may be wrong."""
        if sign != self._sign:
            self._sign, self._since = sign, self._seconds()
        return self._seconds() - self._since >= lease.TERM.total_seconds()

    async def keep(self) -> None:
        """Renew the lease for ever; raise `LeaseLost` when another process has it."""
        while True:
            await asyncio.sleep(RENEW)
            awake = self._machine_now()
            try:
                await self._database.run(self._renew)
                self._awake = awake
            except DatabaseAway as trouble:
                log.warning("The lease could not be renewed: %s", trouble, extra={"action": "lease"})

    def _renew(self, session: Session) -> None:
        seconds, now = self._seconds(), self._now()
        lease.require(session, self._holder)
        before = lease.last_alive(session)
        lease.take(session, self._holder, now)
        if self._slept() and downtime.is_worth_a_word(before, now):
            downtime.note(session, before, now)
        self._renewed = seconds

    def require(self, session: Session) -> None:
        """Raise `LeaseLost`, inside a transaction, if another process has taken over.

        Others wait for a term without a sign of life; so only who gave none for most of one has to look. Whoever comes
        first after the machine slept, or the database was away, notes that as a downtime before it does its work.
        """
        if self._slept():
            self._renew(session)
        elif self._seconds() - self._renewed >= lease.TERM.total_seconds() / 2:
            lease.require(session, self._holder)

    def _slept(self) -> bool:
        """Tell whether so much time went by since the last renewal that staff must hear of it.

        By the clock on the wall: the one that never goes back stands still while a machine sleeps.
        """
        return downtime.is_worth_a_word(self._awake, self._machine_now())

    async def give_up(self) -> None:
        """Let the next process begin at once."""
        await self._database.run(lease.release, self._holder, self._now())
