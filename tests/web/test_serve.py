"""Tests of serving: on a real port of this machine, against patient, greedy and broken strangers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.trouble import Trouble
from bot.web.serve import CannotServe, serve

GET = b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n"


def app_of(answer: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """Return an app of one function."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)

    return app


async def hello(_request: Request) -> Response:
    """Answer at once, without reading a body."""
    return Response("hello")


def still() -> float:
    """A clock that stands still, in seconds."""
    return 0.0


@contextlib.asynccontextmanager
async def served(answer: Callable[[Request], Awaitable[Response]] = hello) -> AsyncIterator[int]:
    """Serve one function on a free port."""
    async with serve(app_of(answer), "127.0.0.1:0", seconds=still) as port:
        yield port


@contextlib.asynccontextmanager
async def line(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def rest(reader: asyncio.StreamReader, seconds: float = 2.0) -> bytes:
    """Return what still comes until the server hangs up, which it must do in time."""
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    except ConnectionError:
        return b""


# --- from start to end --------------------------------------------------------------------------------------


async def test_it_answers_and_says_little_about_itself() -> None:
    """The signals stay with the process, and no header names the server."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with served() as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    assert answer.text == "hello"
    assert "server" not in answer.headers


async def test_answers_in_two_parts_are_quick() -> None:
    """A hundred of them over one connection: no delay of the line (Nagle, 40 ms) is in them."""

    async def in_parts(_request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"hel"
            yield b"lo"

        return StreamingResponse(parts())

    async with served(in_parts) as port, httpx.AsyncClient() as client:
        began = asyncio.get_running_loop().time()
        for _ in range(100):
            assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hello"
        assert asyncio.get_running_loop().time() - began < 2


async def test_what_is_being_answered_is_finished() -> None:
    """Who had asked before the end gets the answer."""
    asked = asyncio.Event()

    async def slow(_request: Request) -> Response:
        asked.set()
        await asyncio.sleep(0.3)
        return Response("done")

    async with httpx.AsyncClient() as client:
        async with served(slow) as port:
            asking = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/"))
            await asked.wait()
        assert (await asking).text == "done"


async def test_the_end_is_quick_whatever_hangs() -> None:
    """Two seconds at most; what hung is broken off and over, and the port is free again."""
    ended: list[str] = []
    asked = asyncio.Event()

    async def hang(_request: Request) -> Response:
        asked.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)  # some need a moment to put things away
            ended.append("broken off")
        return Response()

    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient() as client:
        async with served(hang) as port, line(port), line(port) as (_reader, half):
            half.write(b"POST / HTTP/1.1\r\nHost: b")
            asking = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/", timeout=60))
            await asked.wait()
            began = loop.time()
        assert loop.time() - began < 2
        assert ended == ["broken off"]
        with contextlib.suppress(httpx.HTTPError):
            assert (await asking).status_code == 500
    async with serve(app_of(hello), f"127.0.0.1:{port}", seconds=still) as again:
        assert again == port


async def test_a_fault_inside_the_block_ends_it_too() -> None:
    """The port is not left open behind an error."""
    with pytest.raises(ZeroDivisionError):
        async with served() as port:
            raise ZeroDivisionError
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize("error", [None, RuntimeError("a fault")])
async def test_a_server_that_ends_by_itself_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    """Whoever comes then would meet a shut door, and nobody would know; told once, with the address."""

    async def main_loop(_server: uvicorn.Server) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(uvicorn.Server, "main_loop", main_loop)
    told: list[Exception] = []
    ended = asyncio.Event()

    def closed(error: Exception) -> None:
        told.append(error)
        ended.set()

    async with serve(app_of(hello), "127.0.0.1:0", seconds=still, closed=closed):
        await asyncio.wait_for(ended.wait(), 5)

    [trouble] = told
    assert isinstance(trouble, CannotServe)
    assert "127.0.0.1:0" in str(trouble)
    assert ("(RuntimeError)" in str(trouble)) is (error is not None)
    assert trouble.__cause__ is error


async def test_a_server_that_is_ended_tells_nothing() -> None:
    """The end of the block is no fault."""
    told: list[Exception] = []
    async with (
        httpx.AsyncClient() as client,
        serve(app_of(hello), "127.0.0.1:0", seconds=still, closed=told.append) as port,
    ):
        await client.get(f"http://127.0.0.1:{port}/")
    await asyncio.sleep(0)

    assert told == []


# --- an address that cannot be used -------------------------------------------------------------------------


async def test_a_port_in_use_is_told_with_its_cure() -> None:
    """Which address, why, and what to do; it is a trouble that a person can mend."""
    async with served() as port:
        with pytest.raises(CannotServe) as caught:
            async with serve(app_of(hello), f"127.0.0.1:{port}", seconds=still):
                pass

    assert isinstance(caught.value, Trouble)
    assert str(caught.value) == (
        f"Nothing can be served at 127.0.0.1:{port}: another program uses this port. "
        "Stop it, or choose another port for telegram.webhook_listen."
    )


@pytest.mark.parametrize("listen", ["192.0.2.1:8080", "127.0.0.1:99999", "no-such-host.invalid:80"])
async def test_an_address_this_machine_does_not_have(listen: str) -> None:
    """Somebody else's, a port beyond the last, a name nobody has."""
    with pytest.raises(CannotServe, match=rf"{listen}: this machine has no such address or port\. Write"):
        async with serve(app_of(hello), listen, seconds=still):
            pass


async def test_a_port_for_the_mighty_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 80 without the right to it."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(CannotServe, match="more rights"):
        async with serve(app_of(hello), "127.0.0.1:80", seconds=still):
            pass


# --- strangers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST / HT",
        b"POST / HTTP/1.1\r\nHost: bot\r\n",
        b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\n\r\n12",
        b"POST / HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n",
        GET + b"GET / HT",
        GET + b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\n\r\n12",
    ],
    ids=["silent", "line", "head", "body", "chunked", "second", "second-body"],
)
async def test_half_a_request_is_not_waited_for(beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent, or stopped in the middle of anything: the server hangs up."""
    monkeypatch.setattr("bot.web.serve.PATIENCE", 0.2)
    monkeypatch.setattr("bot.web.serve.IDLE", 0.2)
    async with served() as port, line(port) as (reader, writer):
        writer.write(beginning)
        await rest(reader)


async def test_half_a_request_after_a_whole_one_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time runs anew for each request."""
    monkeypatch.setattr("bot.web.serve.PATIENCE", 0.2)
    async with served() as port, line(port) as (reader, writer):
        writer.write(GET)
        await reader.readuntil(b"hello")
        writer.write(b"GET / HT")
        assert await rest(reader) == b""


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 900\r\n\r\n"],
    ids=["head", "body"],
)
async def test_a_byte_now_and_then_does_not_prolong_the_wait(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole request, also for a body that nobody reads because the request was refused."""
    monkeypatch.setattr("bot.web.serve.PATIENCE", 0.3)
    async with served() as port, line(port) as (reader, writer):
        writer.write(head)
        reading = asyncio.create_task(rest(reader, 5))
        for _ in range(100):
            if reading.done():
                break
            with contextlib.suppress(ConnectionError):
                writer.write(b"x")
                await writer.drain()
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the server still listens after 5 seconds")
        await reading


async def test_a_slow_answer_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only strangers are hurried, not our own database."""
    monkeypatch.setattr("bot.web.serve.PATIENCE", 0.1)

    async def slow(request: Request) -> Response:
        body = await request.body()
        await asyncio.sleep(0.4)
        return Response(body)

    async with served(slow) as port, httpx.AsyncClient() as client:
        for _ in range(2):
            assert (await client.post(f"http://127.0.0.1:{port}/", content=b"x" * 300_000)).status_code == 200


async def test_a_connection_may_rest_between_two_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy keeps its connections; the time for a request begins with its first byte."""
    monkeypatch.setattr("bot.web.serve.PATIENCE", 0.1)
    async with served() as port, line(port) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.3)


async def test_too_many_connections_are_turned_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """503 for one more than the limit; when the others are gone, there is room again."""
    monkeypatch.setattr("bot.web.serve.CONNECTIONS", 3)
    async with served() as port, httpx.AsyncClient() as client:
        async with line(port), line(port), line(port):
            await asyncio.sleep(0.05)
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 503
        await asyncio.sleep(0.05)
        assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        "Exceeded concurrency limit."
    ]


async def test_a_head_without_end_is_refused() -> None:
    """Sixteen kilobytes of headers are enough."""
    async with served() as port, line(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000)
        answer = await rest(reader)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


async def test_garbage_cannot_fill_the_disk(caplog: pytest.LogCaptureFixture) -> None:
    """Fifty connections that speak no HTTP are one line in the log; what they said is not in it."""
    async with served() as port:
        for _ in range(50):
            async with line(port) as (reader, writer):
                writer.write(b"\x16\x03\x01 hurts\r\n\r\n")
                await rest(reader)

    written = [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]
    assert written == ["Invalid HTTP request received."]


async def test_what_was_held_back_is_counted_and_errors_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    """A minute later the line comes again with a count; a fault of the app is an error with its place."""
    at = 0.0

    async def fail(_request: Request) -> Response:
        raise ZeroDivisionError

    async with serve(app_of(fail), "127.0.0.1:0", seconds=lambda: at) as port, httpx.AsyncClient() as client:
        for at in (0.0, 1.0, 2.0, 60.0):  # noqa: B007 (the server reads it)
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 500

    errors = [record for record in caplog.records if record.name == "uvicorn.error"]
    assert [record.getMessage().strip() for record in errors] == [
        "Exception in ASGI application",
        "Exception in ASGI application\n (2 more like it since the last such line)",
    ]
    assert all(record.exc_info for record in errors)
