"""Tests of the pools of connections: each request takes the least busy one, and none is held by a slow answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.chat.pools import Pools
from bot.chat.request import Request


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> Pools:
    """Three pools whose requests answer with their pool's place, after `hold` is set."""
    made = Pools(3, 2, connect_timeout=1, read_timeout=7)
    for place, pool in enumerate(made._pools):
        monkeypatch.setattr(pool, "do_request", _answering(place))
    return made


hold = asyncio.Event()


def _answering(place: int) -> Any:
    async def do_request(url: str, *_: Any) -> tuple[int, bytes]:
        if url == "fail":
            raise RuntimeError("broken")
        if url == "slow":
            await hold.wait()
        return place, url.encode()

    return do_request


async def test_each_request_takes_the_least_busy_pool(pools: Pools) -> None:
    """While two hang in the first two, others go through the third; then the first is free again."""
    hold.clear()
    slow = [asyncio.create_task(pools.do_request("slow", "POST")) for _ in range(2)]
    await asyncio.sleep(0)
    assert [(await pools.do_request("quick", "POST"))[0] for _ in range(3)] == [2, 2, 2]
    hold.set()
    assert [place for place, _ in await asyncio.gather(*slow)] == [0, 1]
    assert (await pools.do_request("quick", "POST"))[0] == 0


async def test_a_failure_leaves_its_pool_free(pools: Pools) -> None:
    """What broke is no longer counted as busy."""
    for _ in range(5):
        with pytest.raises(RuntimeError):
            await pools.do_request("fail", "POST")
    assert pools._busy == [0, 0, 0]


async def test_all_pools_are_opened_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """None stays behind."""
    calls: list[str] = []

    async def note(self: Request) -> None:
        calls.append("called")

    monkeypatch.setattr(Request, "initialize", note)
    monkeypatch.setattr(Request, "shutdown", note)
    made = Pools(4, 2, connect_timeout=1, read_timeout=7)
    await made.initialize()
    await made.shutdown()
    assert len(calls) == 8
    assert made.read_timeout == 7
