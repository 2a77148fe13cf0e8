"""Tests of `bot.wiring`: which process this is, and whether another one is no more."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PosixPath
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


@pytest.fixture(params=["Linux", "another system"])
def _both_systems(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test run as on Linux, and as on a system that has no /proc and no containers."""
    if request.param != "Linux":
        monkeypatch.setattr(wiring, "process_space", lambda: "")
        monkeypatch.setattr(sys, "platform", "darwin")
    elif not wiring.process_space():
        pytest.skip("this system does not tell where a process id counts")


def _here(pid: int, mark: str = "other", space: str | None = None) -> Holder:
    space = wiring.process_space() if space is None else space
    return Holder(host=socket.gethostname(), pid=pid, mark=mark, space=space)


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
    """Whoever had our process id before us, in our own place, is no more."""
    assert is_dead(_here(os.getpid()))


@pytest.mark.usefixtures("_both_systems")
def test_of_another_machine_nothing_is_known(dead: int) -> None:
    """A process elsewhere is never called dead: its lease must run out."""
    for pid in (dead, os.getpid()):
        other = Holder(host="another-machine", pid=pid, mark="other", space=wiring.process_space())
        assert not is_dead(other)


@pytest.mark.parametrize("space", ["", "0123456789ab"])
def test_of_another_container_of_the_same_name_nothing_is_known(dead: int, space: str) -> None:
    """Each has a process 1, and cannot see the other's; nor is known where a lease of an older program was taken."""
    if not wiring.process_space():
        pytest.skip("this system does not tell where a process id counts")
    for pid in (dead, os.getpid()):
        assert not is_dead(_here(pid, space=space))


def test_a_container_that_hides_where_it_is_knows_nothing(dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of these would look alike."""
    monkeypatch.setattr(wiring, "process_space", lambda: "")
    monkeypatch.setattr(sys, "platform", "linux")

    for pid in (dead, os.getpid()):
        assert not is_dead(_here(pid))


def test_where_a_process_counts_is_the_same_for_its_neighbours() -> None:
    """A child finds the same mark; a mark fits into a lease."""
    code = "from bot import wiring; print(wiring.process_space())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert child.stdout.strip() == wiring.process_space()
    assert not set("/@") & set(wiring.process_space())


@pytest.mark.parametrize("lost", ["boot_id", "ns"])
def test_where_the_system_does_not_tell_there_is_no_mark(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    """Either file may be missing."""

    class Hidden(PosixPath):
        def read_text(self, *_: Any, **__: Any) -> str:
            if lost == "boot_id":
                raise FileNotFoundError
            return "a start"

        def readlink(self) -> "Hidden":
            if lost == "ns":
                raise PermissionError
            return self

    monkeypatch.setattr(wiring, "Path", Hidden)
    assert wiring.process_space() == ""


def test_a_process_of_another_user_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may not be signalled exists."""

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    holder = _here(os.getppid())
    monkeypatch.setattr(os, "kill", refuse)

    assert not is_dead(holder)


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
    assert holder.space == wiring.process_space()
    assert Holder.read(str(holder)) == holder
    assert len(str(holder)) <= 200
    assert built[0]["process_is_dead"] is is_dead


def test_a_sleep_is_told_by_the_machines_clock(built: list[dict[str, Any]]) -> None:
    """Not by one that a person turns in the sandbox."""
    build_app(_tools(), TOKEN, now=lambda: datetime(2030, 1, 1, tzinfo=UTC))

    assert built[0]["machine_now"] is system_now


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

    async with built[0]["connection"].hook.door(keep, lambda _error: None):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
