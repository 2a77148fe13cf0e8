"""What the emulator itself can take: the barest client there is, 32 connections, no library between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from bot.demo import SANDBOX_TOKEN
from tests.bench.process import Emulator

CONNECTIONS = 32
TEXT = "Your check-in is ready. It takes <b>one</b> minute."
KEYBOARD = '{"inline_keyboard": [[{"text": "Start", "callback_data": "ci:12:start"}]]}'


def ceiling(messages: int) -> float:
    """Return how many messages a second an emulator takes."""
    with Emulator(messages) as emulator:
        began = time.perf_counter()
        asyncio.run(_send_all(emulator, messages))
        return messages / (time.perf_counter() - began)


async def _send_all(emulator: Emulator, messages: int) -> None:
    chats = iter([emulator.chat(place) for place in range(messages)])
    await asyncio.gather(*(_send(emulator.url, chats) for _ in range(CONNECTIONS)))


async def _send(url: str, chats: Iterator[int]) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for chat in chats:
        form = {"chat_id": chat, "text": TEXT, "parse_mode": "HTML", "reply_markup": KEYBOARD}
        body = urlencode(form).encode()
        head = (
            f"POST /bot{SANDBOX_TOKEN}/sendMessage HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if not answer.startswith("http/1.1 200"):
            raise RuntimeError(f"the emulator refused a message: {answer}")
        await reader.readexactly(int(answer.partition("content-length: ")[2].partition("\r\n")[0]))
    writer.close()
