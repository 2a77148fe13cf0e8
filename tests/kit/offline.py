"""A Telegram that is not there: python-telegram-bot's requests are answered from memory, nothing leaves the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from telegram.request import BaseRequest, RequestData

Answer = tuple[int, bytes] | Exception


class OfflineRequest(BaseRequest):
    """Answers every method with something sensible; `answers` holds others to give instead, by method, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, list[Answer]] = {}
        self.results: dict[str, Callable[[dict[str, Any]], Any]] = {
            "getMe": lambda _: {
                "id": 1234567890,
                "is_bot": True,
                "first_name": "Aftercare",
                "username": "aftercare_test_bot",
            },
            "getUpdates": lambda _: [],
            "getWebhookInfo": lambda _: {
                "url": "",
                "has_custom_certificate": False,
                "pending_update_count": 0,
            },
            "getChatMember": lambda p: {
                "status": "member",
                "user": {"id": int(p["user_id"]), "is_bot": False, "first_name": "Eva"},
            },
        }
        self._last_id = 500

    @property
    def read_timeout(self) -> float | None:
        """As PTB asks of a request."""
        return 1.0

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        write_timeout: Any = None,
        connect_timeout: Any = None,
        pool_timeout: Any = None,
    ) -> tuple[int, bytes]:
        """Note the call and answer it."""
        name = url.rpartition("/")[2]
        parameters = dict(request_data.parameters) if request_data else {}
        self.calls.append((name, parameters))
        await asyncio.sleep(0.005 if name == "getUpdates" else 0)
        if self.answers.get(name):
            answer = self.answers[name].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return 200, json.dumps({"ok": True, "result": self._result(name, parameters)}).encode()

    def sent(self, method: str = "sendMessage") -> list[dict[str, Any]]:
        """Return the parameters of all calls of one method."""
        return [parameters for name, parameters in self.calls if name == method]

    def _result(self, name: str, parameters: dict[str, Any]) -> Any:
        if name in self.results:
            return self.results[name](parameters)
        if name.startswith("send") or name == "editMessageText":
            self._last_id += 1
            return {
                "message_id": int(parameters.get("message_id", self._last_id)),
                "date": 1,
                "chat": {"id": int(parameters["chat_id"]), "type": "private"},
                "text": parameters.get("text", ""),
            }
        if name == "copyMessage":
            self._last_id += 1
            return {"message_id": self._last_id}
        return True


def refusal(code: int, description: str, **parameters: Any) -> tuple[int, bytes]:
    """Return an error as the Bot API words it."""
    body = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return code, json.dumps(body).encode()
