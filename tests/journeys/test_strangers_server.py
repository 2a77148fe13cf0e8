"""A Bot API server that is not ours: other shapes of the same answers, unknown fields, fewer methods."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.content.library import Library
from bot.content.settings import Settings
from bot.matching.mind import Minds
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import serve
from bot.wiring import build_app, build_tools
from tests.conftest import THURSDAY


class Stranger:
    """Speaks the documented minimum, adds fields nobody knows, and has never heard of menus."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.formats: set[str] = set()
        self.heard = asyncio.Event()

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        method = request.path_params["method"]
        self.formats.add(request.headers.get("content-type", "").partition(";")[0])
        body = dict(await request.form()) if request.method == "POST" else dict(request.query_params)
        if method == "getMe":
            return self._ok(
                {"id": 99, "is_bot": True, "first_name": "X", "username": "stranger_bot", "mood": "fine"}
            )
        if method == "getUpdates":
            offset = int(str(body.get("offset", 0)))
            self.waiting = [update for update in self.waiting if update["update_id"] >= offset]
            if not self.waiting:
                await asyncio.sleep(0.02)
            return self._ok(self.waiting)
        if method == "sendMessage":
            self.said.append(body)
            self.heard.set()
            chat = {"id": int(str(body["chat_id"])), "type": "private", "first_name": "?", "new_thing": [1]}
            return self._ok(
                {"message_id": len(self.said), "date": int(time.time()), "chat": chat, "text": "", "aura": 7}
            )
        return JSONResponse({"ok": False, "error_code": 404, "description": "Not Found"}, status_code=404)

    @staticmethod
    def _ok(result: Any) -> Response:
        text = json.dumps({"ok": True, "result": result, "server": "stranger"})
        return Response(text, media_type="text/plain")


@pytest.fixture
async def stranger() -> AsyncIterator[tuple[Stranger, str]]:
    """The server, and its address."""
    told = Stranger()
    route = Route("/bot{token}/{method}", told.answer, methods=["GET", "POST"])
    app = Starlette(routes=[route])
    app.state.sandbox = Sandbox()
    async with serve(app) as address:
        yield told, address.url


async def test_the_bot_works_with_a_strangers_server(
    stranger: tuple[Stranger, str],
    tmp_path: Path,
    settings: Settings,
    library: Library,
    minds: Minds,
) -> None:
    """Only documented methods are needed; unknown fields and missing menus do no harm."""
    told, url = stranger
    tools = build_tools(settings, library=library, minds=minds, database_url=f"sqlite:///{tmp_path / 'x.db'}")
    told.waiting = [
        {
            "update_id": 5,
            "hologram": {"x": 1},
            "message": {
                "message_id": 1,
                "date": 1,
                "chat": {"id": 11, "type": "private", "first_name": "Ana", "weather": "fair"},
                "from": {"id": 11, "is_bot": False, "first_name": "Ana", "shoe_size": 38},
                "text": "does it hurt?",
                "scent": "lavender",
            },
        }
    ]
    async with build_app(tools, "123456:stranger", api_url=url, now=lambda: THURSDAY):
        await asyncio.wait_for(told.heard.wait(), 20)
    tools.database.close()

    assert "Does it hurt?" in str(told.said[0]["text"])
    assert told.said[0]["parse_mode"] == "HTML"
    assert len(told.said) == 1
