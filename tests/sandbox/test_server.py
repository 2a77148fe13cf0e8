"""Serving beside other work."""

import asyncio
import signal

import httpx
import pytest
from telegram import Bot

from bot.sandbox.clock import SandboxClock
from bot.sandbox.faults import Fault
from bot.sandbox.limits import Limits
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import create_app, serve
from tests.sandbox.conftest import TOKEN


async def test_the_page_starts_with_two_patients_and_a_staff_group() -> None:
    """Ana and Ben have phones, Mei and Raj are in the group with the bot."""
    sandbox: Sandbox = create_app().state.sandbox

    assert [p.first_name for p in sandbox.world.people.values() if p.phone] == ["Ana", "Ben"]
    [staff] = sandbox.groups
    assert [sandbox.person(number).first_name for number in staff.members] == [
        "Mei (physio)",
        "Raj (front desk)",
    ]
    assert staff.bot_status == "member"


async def test_signals_stay_with_the_host() -> None:
    """Serving installs no signal handler and says where it is."""
    before = signal.getsignal(signal.SIGINT)
    async with serve(create_app()) as address:
        assert signal.getsignal(signal.SIGINT) is before
        assert address.api == f"http://127.0.0.1:{address.port}/bot"
        async with httpx.AsyncClient() as client:
            assert (await client.get(address.url)).status_code == 200


async def test_it_stops_at_once_whatever_is_open() -> None:
    """Long polls, hanging calls and live pages do not hold it up; the port is free again."""
    app = create_app()
    sandbox: Sandbox = app.state.sandbox
    sandbox.plan(Fault(method="getMe", kind="hang"))
    async with httpx.AsyncClient() as client:
        async with serve(app) as address:
            poll = asyncio.create_task(client.get(f"{address.api}{TOKEN}/getUpdates?timeout=50", timeout=60))
            hang = asyncio.create_task(client.get(f"{address.api}{TOKEN}/getMe", timeout=60))
            live = asyncio.create_task(client.get(f"{address.url}/sandbox/events", timeout=60))
            await asyncio.sleep(0.2)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 1.5
        await asyncio.gather(poll, hang, live, return_exceptions=True)
    async with serve(create_app(), port=address.port) as again:
        assert again.port == address.port


async def test_a_port_that_is_taken_is_an_error() -> None:
    """It is the host's to say so."""
    async with serve(create_app()) as address:
        with pytest.raises(OSError, match="in use"):
            async with serve(create_app(), port=address.port):
                pass


async def test_a_bot_is_quick() -> None:
    """A hundred messages take well under two seconds, so no delay of the line is in them."""
    sandbox = Sandbox()
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    async with serve(create_app(sandbox)) as address, Bot(TOKEN, base_url=address.api) as bot:
        began = asyncio.get_running_loop().time()
        for _ in range(100):
            await bot.send_message(ana.id, "x")
        assert asyncio.get_running_loop().time() - began < 2


def test_one_clock_is_enough() -> None:
    """A sandbox that is given has its own."""
    with pytest.raises(ValueError, match="its own clock"):
        create_app(Sandbox(), clock=SandboxClock())
    with pytest.raises(ValueError, match="round trip"):
        create_app(Sandbox(), round_trip=0.08)


async def test_a_server_far_away_takes_half_the_way_before_and_half_after() -> None:
    """The message exists before the bot has its answer, and neither at once."""
    app = create_app(round_trip=0.4)
    sandbox: Sandbox = app.state.sandbox
    [ana, *_others] = sandbox.people
    sandbox.opens_link(ana)
    loop = asyncio.get_running_loop()
    async with serve(app) as address, httpx.AsyncClient() as client:
        began = loop.time()
        form = {"chat_id": ana.id, "text": "x"}
        call = asyncio.create_task(client.post(f"{address.api}{TOKEN}/sendMessage", data=form))
        await sandbox.sees(ana, "x")
        arrived = loop.time() - began
        assert not call.done()
        assert (await call).json()["ok"] is True
        answered = loop.time() - began

    assert arrived >= 0.2
    assert answered >= 0.4


async def test_updates_come_from_as_far_away() -> None:
    """A poll that waits hears of a message half a round trip after it was written."""
    sandbox = Sandbox(round_trip=0.4)
    ana = sandbox.add_person("Ana")
    loop = asyncio.get_running_loop()
    async with serve(create_app(sandbox)) as address, httpx.AsyncClient() as client:
        poll = asyncio.create_task(client.get(f"{address.api}{TOKEN}/getUpdates?timeout=5"))
        await sandbox.until(lambda: sandbox.world.updates.polled)
        written = loop.time()
        sandbox.says(ana, "hello")
        [update] = (await poll).json()["result"]

    assert update["message"]["text"] == "hello"
    assert loop.time() - written >= 0.2


async def test_every_429_is_counted_where_a_program_can_read_it() -> None:
    """A served sandbox with limits, and /sandbox/counts."""
    app = create_app(limits=Limits(a_second=2))
    sandbox: Sandbox = app.state.sandbox
    [ana, *_others] = sandbox.people
    sandbox.opens_link(ana)
    async with serve(app) as address, httpx.AsyncClient() as client:
        for _ in range(3):
            await client.post(f"{address.api}{TOKEN}/sendMessage", data={"chat_id": ana.id, "text": "x"})
        counts = (await client.get(f"{address.url}/sandbox/counts")).json()

    assert counts == {"sendMessage": {"200": 2, "429": 1}}
