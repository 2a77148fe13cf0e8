"""Tests of `bot.wiring`: which process this is, and whether another one is no more."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot import wiring
from bot.content.settings import Telegram
from bot.domain.secret import secret_for
from bot.service.ports import Tools
from bot.storage.inbox import Arrival
from bot.storage.lease import Holder
from bot.wiring import build_app, is_dead, system_now

TOKEN = "123456:ABCDEFghijklmnopqrstuvwxyz-0123456789"


@pytest.fixture
def living() -> Iterator[int]:
    """Give the id of a process that runs."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process.pid
    process.kill()
    process.wait(timeout=10)


@pytest.fixture
def dead() -> int:
    """Give the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait(timeout=10)
    return process.pid


@pytest.fixture(params=["with /proc", "without /proc"])
def _both_systems(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test run as on Linux, and as on a system that has no /proc."""
    if request.param == "without /proc":
        monkeypatch.setattr(wiring, "Path", _NoProc)
    elif not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")


class _NoProc:
    """A path of a system that has no /proc."""

    def __init__(self, path: str) -> None:
        assert path.startswith("/proc")

    def exists(self) -> bool:
        """Tell that nothing is there."""
        return False


def _here(pid: int, mark: str = "other") -> Holder:
    return Holder(host=socket.gethostname(), pid=pid, mark=mark)


@pytest.mark.usefixtures("_both_systems")
def test_a_process_that_ended_is_dead(dead: int) -> None:
    """Its lease may be taken over at once."""
    assert is_dead(_here(dead))


@pytest.mark.usefixtures("_both_systems")
def test_a_running_process_is_not_dead(living: int) -> None:
    """Its lease is respected."""
    assert not is_dead(_here(living))


@pytest.mark.usefixtures("_both_systems")
def test_our_own_number_in_an_old_lease_means_a_container_started_anew() -> None:
    """Whoever had our process id before us is no more."""
    assert is_dead(_here(os.getpid()))


@pytest.mark.usefixtures("_both_systems")
def test_of_another_machine_nothing_is_known(dead: int) -> None:
    """A process elsewhere is never called dead: its lease must run out."""
    for pid in (dead, os.getpid()):
        assert not is_dead(Holder(host="another-machine", pid=pid, mark="other"))


def test_a_process_of_another_user_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, a process that may not be signalled exists."""

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(wiring, "Path", _NoProc)
    monkeypatch.setattr(os, "kill", refuse)

    assert not is_dead(_here(os.getppid()))


def test_the_clock_tells_the_moment_in_utc() -> None:
    """The one clock of the program is aware, and right."""
    moment = system_now()

    assert moment.utcoffset() == timedelta()
    assert abs(moment - datetime.now(UTC)) < timedelta(seconds=5)


# --- the holder ------------------------------------------------------------------------------------------


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Give what `build_app` hands to the bot, call by call."""
    calls: list[dict[str, Any]] = []

    def record(tools: Tools, connection: Any, **rest: Any) -> None:
        calls.append({"tools": tools, "connection": connection, **rest})

    monkeypatch.setattr(wiring, "TelegramApp", record)
    return calls


def _tools(**telegram: Any) -> Tools:
    settings = Telegram(api_url="https://api.telegram.org", messages_per_second=25, **telegram)
    return cast(Tools, SimpleNamespace(settings=SimpleNamespace(telegram=settings)))


def test_the_holder_is_this_process(built: list[dict[str, Any]]) -> None:
    """A lease names the machine and the process that took it, and can be read back."""
    build_app(_tools(), TOKEN)

    holder = built[0]["holder"]
    assert (holder.host, holder.pid) == (socket.gethostname(), os.getpid())
    assert Holder.read(str(holder)) == holder
    assert len(str(holder)) <= 200
    assert built[0]["process_is_dead"] is is_dead


def test_two_bots_of_one_process_are_two_holders(built: list[dict[str, Any]]) -> None:
    """The mark tells them apart, so that a second bot in this process does not renew the first one's lease."""
    for _ in range(2):
        build_app(_tools(), TOKEN)

    first, second = (call["holder"] for call in built)
    assert first.mark
    assert first != second


def test_the_bot_speaks_to_the_server_it_is_given(built: list[dict[str, Any]]) -> None:
    """That of the settings, unless another is named (the sandbox)."""
    build_app(_tools(), TOKEN)
    build_app(_tools(), TOKEN, api_url="http://127.0.0.1:8081")

    assert [call["connection"].api_url for call in built] == [
        "https://api.telegram.org",
        "http://127.0.0.1:8081",
    ]
    assert {call["connection"].token for call in built} == {TOKEN}


def test_updates_are_fetched_unless_a_webhook_is_set(built: list[dict[str, Any]]) -> None:
    """With one, Telegram is given its address and a secret that only the token's owner knows."""
    build_app(_tools(), TOKEN)
    build_app(_tools(webhook_url="https://bot.example.com/telegram"), TOKEN)

    assert built[0]["connection"].hook is None
    assert built[1]["connection"].hook.url == "https://bot.example.com/telegram"
    assert built[1]["connection"].hook.secret == secret_for(TOKEN)


async def test_the_door_of_the_webhook_listens_where_the_settings_say(built: list[dict[str, Any]]) -> None:
    """While it is entered; afterwards the port is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = "https://bot.example.com/telegram"
    build_app(_tools(webhook_url=url, webhook_listen=f"127.0.0.1:{port}"), TOKEN)

    async def keep(_arrivals: list[Arrival]) -> None: ...

    async with built[0]["connection"].hook.door(keep):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
