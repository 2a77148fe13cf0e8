"""Tests of the bot at work, without a network: start and refusal, poison updates, the lease, stopping."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from telegram.error import TimedOut

from bot.chat.app import TelegramApp
from bot.chat.connection import Closed, Connection, Hook, Keep
from bot.chat.house import CannotRun
from bot.domain.pacing import Pacer
from bot.service.enrol import BOT_NAME
from bot.service.ports import Tools
from bot.storage import groups, inbox, lease, overview
from bot.storage.database import Database
from bot.storage.inbox import Arrival, InboxState
from bot.storage.lease import Holder
from bot.web.serve import CannotServe
from tests.chat.conftest import build
from tests.kit.offline import OfflineRequest, refusal
from tests.kit.story import ANA, GROUP, Story


def text_update(update_id: int, text: str = "does it hurt?", chat: int = 11) -> dict[str, Any]:
    """Return a raw update as Telegram sends it."""
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 1,
            "chat": {"id": chat, "type": "private", "first_name": "Ana"},
            "from": {"id": chat, "is_bot": False, "first_name": "Ana", "language_code": "en"},
            "text": text,
        },
    }


async def store(tools: Tools, now: datetime, *updates: dict[str, Any]) -> None:
    """Put raw updates into the inbox."""
    arrivals = [Arrival(update_id=u["update_id"], chat_id=11, payload=u) for u in updates]
    await tools.database.run(inbox.store, arrivals, now)


async def test_starting_introduces_the_bot_and_notes_its_name(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Commands for patients and for staff, descriptions, the menu button; and the name for links."""
    async with build(tools, now):
        assert await tools.database.run(groups.note, BOT_NAME) == "aftercare_test_bot"
        await until(lambda: offline.sent("setChatMenuButton"))

    names = [name for name, _ in offline.calls]
    scopes = [call["scope"]["type"] for call in offline.sent("setMyCommands")]
    assert scopes == ["all_private_chats", "all_group_chats"]
    assert {"setMyDescription", "setMyShortDescription", "setChatMenuButton"} <= set(names)


async def test_a_server_that_refuses_the_menus_does_not_stop_the_bot(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """A stranger's emulator that knows fewer methods is good enough."""
    offline.answers["setMyCommands"] = [refusal(404, "Not Found")]
    await store(tools, now, text_update(1))
    async with build(tools, now):
        await until(lambda: offline.sent("setMyCommands"))
        await until(offline.sent)


async def test_a_wrong_token_is_said_and_the_lease_given_back(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """One clear sentence, and the next start is not kept waiting."""
    offline.answers["getMe"] = [refusal(401, "Unauthorized")]
    with pytest.raises(CannotRun, match="TELEGRAM_BOT_TOKEN"):
        await build(tools, now).start()

    assert await tools.database.run(lease.take, Holder(host="other", pid=2, mark="x"), now) is None


# --- a start that takes its time ----------------------------------------------------------------------------


async def until(fact: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110 (nobody else tells)
            await asyncio.sleep(0.01)


@pytest.fixture
def hangs(offline: OfflineRequest, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Methods which Telegram never answers."""
    names: set[str] = set()
    do_request = offline.do_request

    async def hang(url: str, *arguments: Any, **more: Any) -> tuple[int, bytes]:
        name = url.rpartition("/")[2]
        if name in names:
            offline.calls.append((name, {}))
            await asyncio.Event().wait()
        return await do_request(url, *arguments, **more)

    monkeypatch.setattr(offline, "do_request", hang)
    return names


def hook(doors: list[Closed] | None = None) -> Hook:
    """Return a way for updates that nobody takes; *doors* is told how each says that it is closed."""

    @contextlib.asynccontextmanager
    async def door(_keep: Keep, closed: Closed) -> AsyncIterator[None]:
        if doors is not None:
            doors.append(closed)
        yield

    return Hook(url="https://bot.example.com/telegram", secret="5ec2e7", door=door)


async def free(tools: Tools, now: datetime) -> bool:
    """Tell whether another process could begin at once."""
    return await tools.database.run(lease.take, Holder(host="other", pid=2, mark="x"), now) is None


async def test_asked_to_end_while_telegram_hangs_it_does(
    tools: Tools, hangs: set[str], offline: OfflineRequest, now: datetime
) -> None:
    """Before anything has begun: whoever asked need not wait for the network."""
    hangs.add("getMe")
    bot = build(tools, now)
    starting = asyncio.create_task(bot.start())
    await until(lambda: offline.sent("getMe"))
    bot.end()

    await asyncio.wait_for(starting, 1)
    await asyncio.wait_for(bot.wait(), 1)
    await asyncio.wait_for(bot.stop(), 1)
    assert not bot.is_on_duty
    assert await free(tools, now)


async def test_asked_to_end_in_a_pause_between_two_tries_it_does(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Telegram cannot be reached, and is being waited for."""
    offline.answers["getMe"] = [TimedOut() for _ in range(9)]
    bot = build(tools, now)
    starting = asyncio.create_task(bot.start())
    await until(lambda: offline.sent("getMe"))
    bot.end()

    await asyncio.wait_for(starting, 0.5)
    await bot.stop()


async def test_asked_to_end_just_after_it_took_the_lease_it_gives_it_back(
    tools: Tools, offline: OfflineRequest, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of the start was done by then."""
    bot = build(tools, now)
    taken = asyncio.Event()

    async def slow() -> None:
        taken.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(bot._delivery, "begin", slow)
    starting = asyncio.create_task(bot.start())
    await asyncio.wait_for(taken.wait(), 10)
    assert not await free(tools, now)
    bot.end()
    await asyncio.wait_for(starting, 1)
    await bot.stop()

    assert await free(tools, now)


async def test_broken_off_while_the_database_thinks_it_keeps_no_lease(
    tools: Tools, offline: OfflineRequest, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction goes on in its thread and takes the lease for somebody who has left."""
    bot = build(tools, now)
    asked, go_on = threading.Event(), threading.Event()
    take = bot._duty._take

    def slow(*arguments: Any) -> Any:
        asked.set()
        go_on.wait(10)
        return take(*arguments)

    monkeypatch.setattr(bot._duty, "_take", slow)
    starting = asyncio.create_task(bot.start())
    await until(asked.is_set)
    bot.end()
    await starting
    stopping = asyncio.create_task(bot.stop())
    await asyncio.sleep(0.05)
    go_on.set()
    await stopping

    assert await free(tools, now)


async def test_whoever_is_cancelled_at_the_start_leaves_nothing_running(
    tools: Tools, hangs: set[str], offline: OfflineRequest, now: datetime
) -> None:
    """As when a timeout is put around it."""
    hangs.add("getMe")
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(build(tools, now).start(), 0.1)

    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("brought", [False, True])
async def test_an_api_that_hangs_delays_no_reply_at_the_start(
    tools: Tools, hangs: set[str], offline: OfflineRequest, now: datetime, brought: bool
) -> None:
    """Menus, and the way for updates, whoever brings them: what is stored is answered meanwhile."""
    hangs.update({"setMyCommands", "getWebhookInfo", "setWebhook"})
    await store(tools, now, text_update(1))
    async with build(tools, now, hook() if brought else None):
        await until(offline.sent)

        assert "Does it hurt?" in offline.sent()[0]["text"]
        assert offline.sent("setMyCommands")
        assert offline.sent("setWebhook" if brought else "getWebhookInfo")


async def test_a_webhook_that_is_refused_ends_the_bot(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Nothing would come: a sentence says why."""
    offline.answers["setWebhook"] = [refusal(400, "Bad Request: bad webhook: wrong port")]
    async with build(tools, now, hook()) as bot:
        with pytest.raises(CannotRun, match=r"wrong port.*Check telegram\.webhook_url"):
            await asyncio.wait_for(bot.wait(), 10)


@pytest.mark.parametrize("stands_by", [False, True])
async def test_a_door_that_closes_by_itself_ends_the_bot(
    tools: Tools, offline: OfflineRequest, now: datetime, monkeypatch: pytest.MonkeyPatch, stands_by: bool
) -> None:
    """A webhook's bot would be deaf without a word; also one that stands by."""
    if stands_by:
        monkeypatch.setattr(Database, "is_shared", True)
        assert await free(tools, now)
    doors: list[Closed] = []
    async with build(tools, now, hook(doors)) as bot:
        assert bot.is_on_duty is not stands_by
        [closed] = doors
        closed(CannotServe("Nothing is served any more."))
        with pytest.raises(CannotRun, match="Nothing is served any more"):
            await asyncio.wait_for(bot.wait(), 1)


async def test_after_a_downtime_staff_are_told_by_whoever_starts(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """Once, although the first start died after it had taken the lease."""
    story = Story(tools=tools, now=now)
    await story.binds()
    await tools.database.run(lease.take, Holder(host="here", pid=77, mark="x"), now - timedelta(hours=20))
    failing = build(tools, now)
    failing._delivery.begin = _fails  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await failing.start()
    for _ in range(2):
        async with build(tools, now):
            await until(lambda: any("I was not running" in call["text"] for call in offline.sent()))

    assert sum("I was not running" in call["text"] for call in offline.sent()) == 1


async def _fails() -> None:
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize("renews_first", [True, False])
async def test_after_the_machine_slept_staff_are_told_whom_to_call(
    tools: Tools,
    offline: OfflineRequest,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    renews_first: bool,
) -> None:
    """In one message, whether the lease is renewed first after the sleep or what is due is looked for."""
    monkeypatch.setattr("bot.chat.duty.RENEW", 0.01 if renews_first else 3600)
    story = Story(tools=tools, now=now)
    await story.binds()
    await story.enrols(ANA)
    moments = [now]
    bot = TelegramApp(
        tools,
        Connection(token="1234567890:offline", api_url="http://127.0.0.1:1"),
        now=lambda: moments[-1],
        seconds=lambda: 0.0,
        pacer=Pacer(1000, burst=1000, per_group_minute=1000),
        holder=Holder(host="here", pid=1, mark="m"),
        look=0.3 if renews_first else 0.05,
    )
    async with bot:
        await until(lambda: offline.sent("setChatMenuButton"))
        moments.append(now + timedelta(days=5))
        await until(lambda: any("I was not running" in call["text"] for call in offline.sent()))
        await asyncio.sleep(0.5)

    told = [call["text"] for call in offline.sent() if call["chat_id"] == GROUP]
    assert sum("I was not running" in text for text in told) == 1
    assert [text for text in told if "Please call" in text] == told[-1:]


# --- who is on duty -----------------------------------------------------------------------------------------


async def test_a_second_process_refuses_to_start_and_says_why(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """The lease is held by another that lives."""
    await tools.database.run(lease.take, Holder(host="desk", pid=77, mark="x"), now)

    with pytest.raises(CannotRun, match="process 77 on desk"):
        await build(tools, now).start()


async def test_the_lease_of_a_dead_process_is_taken_over(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """After kill -9 the next start does not wait."""
    await tools.database.run(lease.take, Holder(host="here", pid=77, mark="x"), now)
    bot = build(tools, now)
    bot._duty._process_is_dead = lambda holder: holder.pid == 77
    async with bot:
        pass


async def test_losing_the_lease_ends_the_bot(tools: Tools, offline: OfflineRequest, now: datetime) -> None:
    """A process that was thought dead must not go on beside its successor."""
    bot = build(tools, now)
    async with bot:
        other = Holder(host="there", pid=5, mark="y")
        await tools.database.run(lease.take, other, now, dead=True)
        with pytest.raises(CannotRun, match="taken over"):
            await asyncio.wait_for(bot.wait(), 10)


async def test_a_poison_update_is_parked_and_the_next_patient_served(
    tools: Tools, bot: TelegramApp, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update no handler survives never stops the line, and its error holds no words."""
    monkeypatch.setattr("bot.service.receive.from_person", _boom)
    await store(tools, now, text_update(1, "secret words"))
    for _ in range(4):
        await bot.handle(1, text_update(1, "secret words"))
    row = tools.database.call(inbox.of_chat, 11)[0]

    assert row.state == InboxState.PARKED
    assert row.error == "RuntimeError"


@pytest.mark.parametrize(
    "payload",
    [
        {"update_id": 1, "message": {"nonsense": True}},
        {"update_id": 1, "message": {"message_id": "x", "date": "y", "chat": 5}},
        {"update_id": 1, "something_new": {"a": 1}},
        {
            "update_id": 1,
            "channel_post": {
                "message_id": 1,
                "date": 1,
                "chat": {"id": -9, "type": "channel", "title": "c"},
                "text": "i cant breathe",
            },
        },
        {
            "update_id": 1,
            "poll": {
                "id": "1",
                "question": "q",
                "options": [],
                "total_voter_count": 0,
                "is_closed": False,
                "is_anonymous": True,
                "type": "regular",
                "allows_multiple_answers": False,
            },
        },
        {
            "update_id": 1,
            "inline_query": {
                "id": "1",
                "from": {"id": 1, "is_bot": False, "first_name": "x"},
                "query": "",
                "offset": "",
            },
        },
    ],
)
async def test_updates_of_other_kinds_and_shapes_raise_nothing(
    tools: Tools, bot: TelegramApp, offline: OfflineRequest, now: datetime, payload: dict[str, Any]
) -> None:
    """They are done with, or tried again and parked; nobody is answered by mistake."""
    await store(tools, now, payload)
    for _ in range(5):
        await bot.handle(1, payload)

    states = tools.database.call(overview.states).inbox
    assert InboxState.WAITING not in states
    assert offline.sent() == []


async def test_stopping_keeps_what_is_not_handled(
    tools: Tools, offline: OfflineRequest, now: datetime
) -> None:
    """What was stored is handled by the next start."""
    async with build(tools, now):
        pass
    await store(tools, now, text_update(3))
    async with build(tools, now) as bot:
        for _ in range(200):
            if await bot.is_idle() and offline.sent():
                break
            await asyncio.sleep(0.01)

    assert "Does it hurt?" in offline.sent()[0]["text"]


def _boom(*_: object, **__: object) -> None:
    raise RuntimeError("secret words")
