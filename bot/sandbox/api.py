"""The Bot API's door: /bot<token>/<method> and /file/bot<token>/<path>."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.sandbox import methods_bot, methods_changes, methods_chats, methods_messages
from bot.sandbox.call import Call, read_call
from bot.sandbox.faults import Fault
from bot.sandbox.refusal import Refusal
from bot.sandbox.world import World

TOKEN = re.compile(r"\d{1,16}:[A-Za-z0-9_-]{5,}")
_TABLES = (methods_bot.METHODS, methods_messages.METHODS, methods_changes.METHODS, methods_chats.METHODS)
METHODS: dict[str, tuple[str, Any]] = {
    name.lower(): (name, do) for table in _TABLES for name, do in table.items()
}
LONGEST_HANG = 600.0
_NOT_FOUND = Refusal(404, "Not Found")
_UNAUTHORIZED = Refusal(401, "Unauthorized")


class Broken(Response):
    """An answer that breaks off: the connection is closed in the middle of the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin an answer of 1,000 bytes and end after one."""
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def routes(world: World) -> list[Route]:
    """Return the routes of the Bot API."""

    async def call_method(request: Request) -> Response:
        await world.travel()
        answer = await answer_to(request)
        await world.travel()
        return answer

    async def answer_to(request: Request) -> Response:
        if not _enter(world, request.path_params["token"]):
            return _answer(_UNAUTHORIZED)
        known = METHODS.get(request.path_params["method"].lower())
        if known is None:
            return _answer(_NOT_FOUND)
        name, do = known
        try:
            call = await read_call(name, request)
        except Refusal as refusal:
            world.record.add(name, {}, world.clock.now(), refusal.code)
            return _answer(refusal)
        except ClientDisconnect:
            return Response()  # the caller died while it spoke: it asked for nothing, and nobody listens
        fault = world.faults.take(name, call.params.get("chat_id"))
        if fault is None or fault.kind == "delay":
            if fault is not None:
                await _rest(world, fault.seconds)
            return await _do(world, call, do, gone=request.is_disconnected)
        return await _fail(world, call, do, fault)

    async def fetch_file(request: Request) -> Response:
        await world.travel()
        if not _enter(world, request.path_params["token"]):
            return _answer(_UNAUTHORIZED)
        file = world.files.by_path(request.path_params["path"])
        if file is None:
            return _answer(_NOT_FOUND)
        return Response(file.content, media_type=file.mime)

    return [
        Route("/bot{token}/{method}", call_method, methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", fetch_file, methods=["GET"]),
    ]


def _enter(world: World, token: str) -> bool:
    """Tell whether the token is well formed; the bot's id is the number in front of its colon."""
    if not TOKEN.fullmatch(token):
        return False
    world.number_bot(int(token.partition(":")[0]))
    return True


async def _do(
    world: World, call: Call, do: Any, *, told: bool = True, gone: Callable[[], Awaitable[bool]] | None = None
) -> Response:
    """Let the method have its effect, write it down, and answer. *gone* tells whether the caller is there no more."""
    at = world.clock.now()
    try:
        result = do(world, call)
        if inspect.isawaitable(result):
            result = await result
    except Refusal as refusal:
        # A poll that a dead process left open is refused by its successor's: nobody hears that.
        told = told and not (gone is not None and await gone())
        world.record.add(call.method, call.recorded(), at, refusal.code, told=told)
        return _answer(refusal)
    world.record.add(call.method, call.recorded(), at, 200, told=told)
    return JSONResponse({"ok": True, "result": result})


async def _fail(world: World, call: Call, do: Any, fault: Fault) -> Response:
    """Fail as planned, after the method had its effect if the plan says so."""
    if fault.taken:
        await _do(world, call, do, told=False)
    else:
        code = fault.code if fault.kind == "error" else None
        world.record.add(call.method, call.recorded(), world.clock.now(), code)
    if fault.seconds:
        await _rest(world, fault.seconds)
    if fault.kind == "error":
        extra = {} if fault.retry_after is None else {"retry_after": fault.retry_after}
        return _answer(Refusal(fault.code, fault.description, **extra))
    if fault.kind == "garbage":
        return Response("<html><body>Bad gateway</body></html>", media_type="text/html")
    if fault.kind == "hang":
        await _rest(world, LONGEST_HANG)
    return Broken()


async def _rest(world: World, seconds: float) -> None:
    """Wait, but not beyond the end of the sandbox."""
    try:
        async with asyncio.timeout(seconds):
            await world.closing.wait()
    except TimeoutError:
        pass


def _answer(refusal: Refusal) -> JSONResponse:
    return JSONResponse(refusal.body(), status_code=refusal.code)
