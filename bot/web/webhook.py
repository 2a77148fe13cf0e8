"""The webhook: Telegram brings updates to one path; each is kept before Telegram is told that it arrived."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.service.arrive import arrivals
from bot.storage.inbox import Arrival
from bot.web.seldom import Seldom

log = logging.getLogger(__name__)

#: The header in which Telegram shows the secret that it was given with setWebhook.
SECRET_HEADER = b"x-telegram-bot-api-secret-token"
#: The largest update that is read, in bytes; Telegram's are some kilobytes.
LARGEST = 1024 * 1024
#: How long the whole body may take, in seconds.
PATIENCE = 10.0
#: When Telegram shall bring what could not be kept, in seconds. Unasked it would pause longer each time, up to
#: two minutes (tdlib/telegram-bot-api, WebhookActor.cpp): too long for somebody in danger.
AGAIN = 5


class Webhook:
    """An ASGI app with one door: POST at the path of *url*, by whoever knows *secret*; all else is turned away.

    Answers 200 when an update is kept, 503 when it could not be (Telegram brings it again), 403 without the secret,
    404 and 405 elsewhere, 413, 408 and 400 for what is too large, too slow or no update. Every answer is empty, and
    nothing that was sent gets into a log.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        keep: Callable[[list[Arrival]], Awaitable[None]],
        *,
        seconds: Callable[[], float],
    ) -> None:
        """Prepare the door.

        url: what Telegram was told (`telegram.webhook_url`); the proxy passes its path on unaltered. keep: stores
        updates for good, or raises. seconds: a clock that never goes back.
        """
        self._path = unquote(urlsplit(url).path) or "/"
        self._secret = secret.encode()
        self._keep = keep
        self._seldom = Seldom(seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        # The order matters: whoever does not know the secret has nothing read, parsed or kept.
        if request.scope["path"] != self._path:
            return _turned_away(request, 404)
        if request.method != "POST":
            return _turned_away(request, 405, allow="POST")
        if not hmac.compare_digest(_shown(request), self._secret):
            self._note("A request to the webhook did not show its secret and was refused", "stranger")
            return _turned_away(request, 403)
        try:
            async with asyncio.timeout(PATIENCE):
                body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        except TimeoutError:
            return self._unusable(Response(status_code=408, headers={"Connection": "close"}))
        if body is None:
            return self._unusable(Response(status_code=413, headers={"Connection": "close"}))
        came = arrivals([_parsed(body)])
        if not came:
            return self._unusable(Response(status_code=400))
        try:
            await self._keep(came)
        except Exception as error:  # its message may quote the update
            name = type(error).__name__
            self._note(
                f"An update could not be stored ({name}); Telegram brings it again", name, logging.ERROR
            )
            return Response(status_code=503, headers={"Retry-After": str(AGAIN)})
        return Response(status_code=200)

    def _unusable(self, response: Response) -> Response:
        status = response.status_code
        self._note(f"What came to the webhook with its secret was no update ({status})", f"unusable {status}")
        return response

    def _note(self, sentence: str, kind: str, level: int = logging.WARNING) -> None:
        more = self._seldom.turn(kind)
        if more is not None:
            rest = f" (and {more} more like it since the last such line)" if more else ""
            log.log(level, "%s%s.", sentence, rest, extra={"action": "webhook"})


def _shown(request: Request) -> bytes:
    """Return the secret that a request shows, as bytes: text that is not ASCII cannot be compared in constant time."""
    return next((value for name, value in request.headers.raw if name.lower() == SECRET_HEADER), b"")


async def _read(request: Request) -> bytes | None:
    """Return the body, or None if it is too large; then it is neither kept nor read to its end."""
    if (_announced(request) or 0) > LARGEST:
        return None
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > LARGEST:
            return None
        body += chunk
    return bytes(body)


def _parsed(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, no text, or brackets without end
        return None
    return parsed


def _announced(request: Request) -> int | None:
    """Return how many bytes the request says its body has; None: it does not say, and may go on for ever."""
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length[:20])


def _turned_away(request: Request, status: int, **headers: str) -> Response:
    """Answer without having read the body; if that may be long, the connection ends with the answer.

    A short one is passed over, so that the answer is not lost with the connection: Telegram reports the status.
    """
    announced = _announced(request)
    if announced is None or announced > LARGEST:
        headers["Connection"] = "close"
    return Response(status_code=status, headers=headers)
