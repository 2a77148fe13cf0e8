"""Logging: a sentence for people, fields for machines, and never a token, a name or a patient's words."""

from __future__ import annotations

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

#: A bot token, wherever it turns up (a URL in an error, say).
_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def scrub(text: str) -> str:
    """Return *text* without any bot token."""
    return _TOKEN.sub("<token>", text)


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
        record.exc_text = None  # another handler may have left its own, less discreet one
        _settle(record)
        line = super().format(record)
        record.exc_text = None
        return scrub(line)


class _Json(_Discreet):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with its extra fields."""
        _settle(record)
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


def _settle(record: logging.LogRecord) -> None:
    """Drop values that do not fit their message: the sentence is written all the same."""
    try:
        record.getMessage()
    except (TypeError, ValueError, KeyError):
        record.msg, record.args = f"{record.msg} (its values do not fit)", ()


def _plainly(value: object) -> str:
    """Write a field that JSON does not know; of an exception only its kind."""
    return type(value).__name__ if isinstance(value, BaseException) else str(value)


def set_up(kind: Literal["text", "json"] = "text", level: int = logging.INFO) -> None:
    """Write logs to standard error; libraries that would log addresses with the token are kept quiet."""
    logging.raiseExceptions = False  # a record that cannot be written must not be printed with its arguments
    handler = logging.StreamHandler()
    handler.setFormatter(
        _Json() if kind == "json" else _Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "telegram", "alembic", "uvicorn"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
