"""Logging: a sentence for people, fields for machines, and never a token, a name or a patient's words."""

from __future__ import annotations

import copy
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from bot.domain.trouble import Trouble

log = logging.getLogger(__name__)

#: A bot token, wherever it turns up (a URL in an error, say).
_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: The loggers of this house. All others are libraries': they know nothing of patients, and put into a sentence whatever
#: they have at hand, such as an answer of Telegram's that was cut off, or the arguments of a function that failed.
_OURS = frozenset({"bot", "aftercare", "__main__"})
#: Libraries of which only warnings are heard.
_CHATTY = (
    *("httpx", "httpcore", "telegram", "apscheduler", "uvicorn"),
    *("alembic", "sqlalchemy", "psycopg", "asyncio"),
)
#: Here a library's sentence may go over into something else, if it was put together before it was logged.
_ELSE = re.compile(r"""[\n({\[<"'`]|: """)


def scrub(text: str) -> str:
    """Return *text* without any bot token."""
    return _TOKEN.sub("<token>", text)


class _Kind(str):
    """What stands in place of a value that is not to be read: its kind, however it is written."""

    __slots__ = ()

    def __new__(cls, value: object) -> _Kind:
        return super().__new__(cls, f"<{type(value).__name__}>")

    def __repr__(self) -> str:
        return str(self)


class _Kinds(dict[str, object]):
    """The named values of a sentence; written as a whole it is only a kind, too."""

    def __repr__(self) -> str:
        return "<dict>"


def _without_words(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy of a record that quotes nobody: of a library's record only the sentence, of an error only its kind.

    Another handler may read the record as it was; and may have left its own, less discreet, traceback in it.
    """
    record = copy.copy(record)
    record.exc_text = None
    ours = record.name.partition(".")[0] in _OURS
    veil = _unless_an_error if ours else _unless_a_number
    if not isinstance(record.msg, str):
        record.msg, record.args = str(veil(record.msg)), ()
    elif not ours and not record.args and (goes_over := _ELSE.search(record.msg)):
        record.msg = f"{record.msg[: goes_over.start()]} …"
    if isinstance(record.args, Mapping):
        values = {key: veil(value) for key, value in record.args.items()}
        record.args = values if ours else _Kinds(values)
    else:
        record.args = tuple(veil(value) for value in record.args or ())
    if not ours:
        for name in [name for name in vars(record) if name not in _STANDARD]:
            delattr(record, name)
    _settle(record)
    return record


def _unless_an_error(value: object) -> object:
    return _Kind(value) if isinstance(value, BaseException) and not isinstance(value, Trouble) else value


def _unless_a_number(value: object) -> object:
    return value if value is None or isinstance(value, int | float) else _Kind(value)


def _settle(record: logging.LogRecord) -> None:
    """Drop values that do not fit their message: the sentence is written all the same."""
    try:
        record.getMessage()
    except (TypeError, ValueError, KeyError):
        record.msg, record.args = f"{record.msg} (its values do not fit)", ()


class _Discreet(logging.Formatter):
    """Writes where an error came from and its kind, but not its message: that may quote what a patient wrote."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return the frames and the type of an exception, and of what caused it."""
        parts = []
        error = ei[1]
        written: set[int] = set()
        while error is not None and id(error) not in written:
            written.add(id(error))
            frames = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}")
            error = error.__cause__
        return scrub("\ncaused by:\n".join(parts))

    def format(self, record: logging.LogRecord) -> str:
        """Return one line (and a traceback, if there is one) without any token."""
        return scrub(super().format(_without_words(record)))


class _Json(_Discreet):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with its extra fields."""
        record = _without_words(record)
        fields: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return scrub(json.dumps(fields, default=_plainly, ensure_ascii=False))


def _plainly(value: object) -> str:
    """Write a field that JSON does not know; of an exception only its kind."""
    return type(value).__name__ if isinstance(value, BaseException) else str(value)


def set_up(kind: Literal["text", "json"] = "text", level: int = logging.INFO) -> None:
    """Write logs to standard error; also what ends the program or a thread of it, which Python would quote in full.

    Libraries that would log addresses with the token, or rows of the database, are kept quiet.
    """
    logging.raiseExceptions = False  # a record that cannot be written must not be printed with its arguments
    handler = logging.StreamHandler()
    handler.setFormatter(
        _Json() if kind == "json" else _Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    sys.excepthook = _on_end
    if threading.excepthook is threading.__excepthook__:  # a test's own stays
        threading.excepthook = _on_thread_end
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _on_unraisable


def _on_end(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, frames)
        return
    log.critical("The program ended with an error.", exc_info=(kind, error, frames))


def _on_thread_end(ended: Any) -> None:
    if ended.exc_value is not None and not issubclass(ended.exc_type, SystemExit):
        told = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        log.error("A thread ended with an error.", exc_info=told)


def _on_unraisable(ignored: Any) -> None:
    if ignored.exc_value is not None:
        told = (ignored.exc_type, ignored.exc_value, ignored.exc_traceback)
        log.error("An error could not be told to anybody.", exc_info=told)
