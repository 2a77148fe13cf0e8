"""What is said when the database, and not the program, is at fault: that it is away, and what to check."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, OperationalError

from bot.domain.trouble import Trouble


class DatabaseAway(Trouble):
    """The database cannot be used just now; the message says what to check. Trying again later is right.

    What was begun is rolled back, unless the connection was lost while it was committed: then nobody knows. So
    whoever tries again first reads what is still to be done.

    lost: the connection was there and is no more; a new one may work at once. words: the message without the
    database's name, see `Why`.
    """

    def __init__(self, message: str, *, lost: bool = False, words: str = "") -> None:
        super().__init__(message)
        self.lost = lost
        self.words = words


@dataclass(frozen=True, kw_only=True)
class Why:
    """What is wrong, and what to check: the sentence that begins with the database's name.

    anew: the connection is of no more use; the next call makes a new one.
    """

    words: str
    anew: bool = False


_UNREACHABLE = Why(
    words="cannot be reached; check that its server runs and that the network to it works", anew=True
)
#: While a connection is made psycopg gives no SQLSTATE; but by these words one knows that a server has answered.
_ANSWERED = ("FATAL:", "no password supplied")
_REFUSED = Why(
    words="does not let us in; check its name, the user, and the password in PGPASSWORD or ~/.pgpass",
    anew=True,
)
#: So it answers while it cannot let anybody in, and when there are too many already.
_NOT_YET = ("starting up", "shutting down", "recovery mode", "not yet accepting")
_TOO_MANY = ("too many", "connection slots")
_LATE = Why(words="did not answer in time; check what else is using it and how busy its machine is")
_DISK = Why(words="cannot be read or written: its disk reports an error; check the disk", anew=True)
_FULL = Why(words="has no room left on its disk; make room there")

_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: Why(
        words="is locked; check which other program has it open, such as a backup or a viewer"
    ),
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_READONLY: Why(
        words="cannot be written; check the rights of its file and of the folder around it", anew=True
    ),
    sqlite3.SQLITE_CANTOPEN: Why(
        words="cannot be opened; check that its folder is there and can be written", anew=True
    ),
}
_OF_SQLITE[sqlite3.SQLITE_LOCKED] = _OF_SQLITE[sqlite3.SQLITE_PROTOCOL] = _OF_SQLITE[sqlite3.SQLITE_BUSY]

#: By the beginning of the SQLSTATE (PostgreSQL's manual, appendix A); the first that fits.
_OF_POSTGRESQL = {
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,  # shutting down, starting up, crashed
    "57014": _LATE,  # statement_timeout
    "55P03": _LATE,  # lock_timeout
    "25P03": Why(words=_LATE.words, anew=True),  # idle_in_transaction_session_timeout
    "40": Why(
        words="had two writers in each other's way; if this is said often, check what else writes to it"
    ),
    "53100": _FULL,
    "53": Why(words="has no memory or no connection left; check the limits of its server"),
    "58": _DISK,
    "25006": Why(
        words="only lets us read; check that its server is the primary one and has room on its disk",
        anew=True,
    ),
}


def why_away(error: DBAPIError) -> Why | None:
    """Return why the database is away, or None if the fault is the program's."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return None if code is None else _OF_SQLITE.get(code & 0xFF)  # the rest of the code is a detail
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:  # no server to speak to, or one that ended the conversation before it began
        return _before_the_first_word(str(error.orig)) if isinstance(error, OperationalError) else None
    return next((why for start, why in _OF_POSTGRESQL.items() if state.startswith(start)), None)


def _before_the_first_word(said: str) -> Why:
    """Tell a server that refuses a connection from one that is not there."""
    if not _says(said, _ANSWERED) or _says(said, _NOT_YET):
        return _UNREACHABLE
    return _OF_POSTGRESQL["53"] if _says(said, _TOO_MANY) else _REFUSED


def _says(said: str, words: Sequence[str]) -> bool:
    return any(one in said for one in words)
