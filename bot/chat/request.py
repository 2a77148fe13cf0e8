"""Requests to the Bot API whose answers are known to be its own: a firewall's page must not pass for Telegram's word."""

from __future__ import annotations

import json
from typing import Any

from telegram.error import NetworkError, TelegramError
from telegram.request import HTTPXRequest


class NotTelegram(NetworkError):
    """Something on the way to Telegram answered in its place: a firewall, a proxy, the login page of a network.

    code: the HTTP status it gave. python-telegram-bot would take a bare 403 for "the patient blocked the bot", a 404
    for "this token is wrong", and quote the page in its message.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"not Telegram answered, but something on the way to it (HTTP {code})")
        self.code = code


class Request(HTTPXRequest):
    """As `HTTPXRequest`; what is no answer of a Bot API server is told as such, and nobody's words get into an error."""

    async def do_request(self, url: str, method: str, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Ask, and return the status and the body; raise `NotTelegram`, or TelegramError for a 200 without a result."""
        code, body = await super().do_request(url, method, *args, **kwargs)
        if method != "POST":  # a file: the Bot API is always asked by POST
            return code, body
        said = _parsed(body)
        if 200 <= code <= 299:
            if "result" not in said:
                # It may have been done: the answer is cut off, or a proxy's. The library would log it, word for word.
                raise TelegramError("Invalid server response")
        elif said.get("ok") is not False:
            raise NotTelegram(code)
        return code, body


def _parsed(body: bytes) -> dict[str, Any]:
    """Return the body as the library reads it, or nothing if it is no JSON object."""
    try:
        said = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
