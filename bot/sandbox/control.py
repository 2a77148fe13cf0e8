"""The page, and the doors through which it and tests act for the people."""

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.sandbox.acts import NotPossible
from bot.sandbox.faults import Fault
from bot.sandbox.model import JSON
from bot.sandbox.people_doors import DOORS, Body, read_body
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.view import state_json

NextMoment = Callable[[], datetime | Awaitable[datetime | None] | None]
"""Tells when the bot next has something due (aware), or None; may be a coroutine function."""

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
INTRO = (
    "In the staff group, tap or type `/treated` and follow the buttons.",
    "Click the link the bot gives, and open it on Ana’s phone.",
    "On Ana’s phone, agree; then ask `does it hurt?`",
    "Turn the clock “To the next message” and answer the check-in.",
    "Type `i can't breathe properly since the needle in my back` and watch the staff group.",
)
"""What the page says to try; words in backticks are shown as something to type."""
PATIENCE = 40
"""How many tenths of a second a turning clock waits for the bot at each moment that was due."""
_SAFE_TO_SHOW = ("image/png", "image/jpeg", "image/webp", "application/pdf", "audio/ogg", "video/mp4")
_POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


class Page:
    """The page and its endpoints under /sandbox."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        zone: str,
        next_moment: NextMoment | None,
        intro: Sequence[str] | None,
    ) -> None:
        self._sandbox = sandbox
        self._zone = zone
        self._next_moment = next_moment
        self._intro = list(INTRO if intro is None else intro)

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        doors = [Route(path, self._act(do), methods=["POST"]) for path, do in DOORS.items()]
        return [
            Route("/", self._index),
            Route("/sandbox/state", self._state),
            Route("/sandbox/events", self._events),
            Route("/sandbox/files/{path:path}", self._file),
            Route("/sandbox/calls", self._calls),
            Route("/sandbox/counts", self._counts),
            Route("/sandbox/clock", self._act(self._turn), methods=["POST"]),
            Route("/sandbox/clock/next", self._act(self._turn_to_next), methods=["POST"]),
            Route("/sandbox/faults", self._act(self._plan), methods=["POST"]),
            Route("/sandbox/faults/clear", self._act(self._clear), methods=["POST"]),
            *doors,
            Mount("/sandbox/static", StaticFiles(directory=STATIC)),
        ]

    def _act(self, do: Callable[[Sandbox, Body], Any]) -> Callable[[Request], Awaitable[Response]]:
        """Make an endpoint of something to do; what cannot be done is answered with 409."""

        async def endpoint(request: Request) -> Response:
            origin = request.headers.get("origin")
            if origin and urlsplit(origin).netloc != request.headers.get("host"):
                return JSONResponse({"error": "only this page may act here"}, status_code=403)
            try:
                result = do(self._sandbox, await read_body(request))
                if inspect.isawaitable(result):
                    result = await result
            except NotPossible as error:
                return JSONResponse({"error": str(error)}, status_code=409)
            except (KeyError, LookupError, TypeError, ValueError) as error:
                return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)
            return JSONResponse(result if result is not None else {"ok": True})

        return endpoint

    async def _index(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"Content-Security-Policy": _POLICY})

    async def _state(self, request: Request) -> Response:
        due = await self._next()
        more = {"zone": self._zone, "intro": self._intro, "next": due.isoformat() if due else None}
        return JSONResponse({**state_json(self._sandbox), **more, "can_skip": self._next_moment is not None})

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(
            self._beats(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _beats(self) -> AsyncIterator[str]:
        world, seen = self._sandbox.world, -1
        while not world.closing.is_set():
            count = await world.changed.after(seen, 15.0)
            yield f"data: {json.dumps({'event': count})}\n\n" if count != seen else ": still here\n\n"
            seen = count
            await asyncio.sleep(0.03)  # several changes at once become one

    async def _file(self, request: Request) -> Response:
        file = self._sandbox.world.files.by_path(request.path_params["path"])
        if file is None:
            return JSONResponse({"error": "no such file"}, status_code=404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
        if file.mime not in _SAFE_TO_SHOW:
            name = file.name.encode("ascii", "replace").decode().replace('"', "'")
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(file.content, media_type=file.mime, headers=headers)

    async def _calls(self, request: Request) -> Response:
        after = int(request.query_params.get("after", "0"))
        found = self._sandbox.calls(request.query_params.get("method"), after)
        return JSONResponse([{**asdict(entry), "at": entry.at.isoformat()} for entry in found])

    async def _counts(self, request: Request) -> Response:
        return JSONResponse(self._sandbox.world.record.counts())

    async def _turn(self, sandbox: Sandbox, body: Body) -> JSON:
        """Turn the clock, stopping on the way wherever the bot has something due: time passes, it does not jump."""
        seconds = float(body["seconds"])
        end = sandbox.clock.now() + timedelta(seconds=max(seconds, 0.0))
        due = await self._next()
        while due is not None and sandbox.clock.now() < due < end:
            sandbox.turn((due - sandbox.clock.now()).total_seconds())
            due = await self._next_after(due)
        rest = (end - sandbox.clock.now()).total_seconds()
        sandbox.turn(max(rest, 0.0) if seconds >= 0 else seconds)
        return {"now": sandbox.clock.now().isoformat()}

    async def _next_after(self, due: datetime) -> datetime | None:
        """Wait (in real time, not for ever) until the bot has done what was due, and return what comes next."""
        for _ in range(PATIENCE):
            upcoming = await self._next()
            if upcoming is None or upcoming > due:
                return upcoming
            await asyncio.sleep(0.1)
        return None

    async def _turn_to_next(self, sandbox: Sandbox, body: Body) -> JSON:
        due = await self._next()
        if due is None:
            return {"turned": 0, "next": None}
        seconds = max((due - sandbox.clock.now()).total_seconds() + 1.0, 0.0)
        sandbox.turn(seconds)
        return {"turned": seconds, "next": due.isoformat()}

    async def _next(self) -> datetime | None:
        if self._next_moment is None:
            return None
        try:
            due = self._next_moment()
            moment = await due if inspect.isawaitable(due) else due
        except Exception:
            log.exception("The bot could not tell what is due next", extra={"action": "next_moment_failed"})
            return None
        return moment.astimezone(UTC) if moment is not None else None

    def _plan(self, sandbox: Sandbox, body: Body) -> None:
        sandbox.plan(Fault(**body))

    def _clear(self, sandbox: Sandbox, body: Body) -> None:
        sandbox.world.faults.clear()
