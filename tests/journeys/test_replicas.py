"""Several processes on one PostgreSQL: one at work, the others ready; killed, frozen, stopped, and the server away.

With real processes against the emulator, under the crowd's mixed load:

1. Of three processes one polls and sends; each time it is killed another is at work within 15 seconds, and nothing is lost;
   nor is an answer late because the API does not answer what the new one asks first.
2. The same with a webhook: what a process that stands by has acknowledged, the one at work handles.
3. PostgreSQL started anew, away for a while, crashed: the processes live, and nothing acknowledged was not stored.
4. A process that was frozen finds that another has taken over, and ends with a sentence instead of sending beside it.
5. One that is asked to stop gives its lease back: the next is at work within 3 seconds.
6. Two that start together on an empty database make its tables once, and one of them is at work.
"""

from __future__ import annotations

import asyncio
import signal
import time

import psycopg
from sqlalchemy import make_url

from bot.sandbox.faults import Fault
from bot.storage.tables import Base
from tests.journeys.conftest import Trials
from tests.kit.crowd import Load
from tests.kit.postgres import Databases, Server
from tests.kit.replicas import Replicas
from tests.kit.trial import Trial

#: Within how many seconds another is at work after a death, and after one was asked to stop.
AFTER_A_DEATH, AFTER_A_STOP = 15.0, 3.0
#: How long a process stands still, and how long the server is away, in seconds.
FROZEN, AWAY = 15.0, 20.0
#: How many calls of the bot make "some work".
SOME = 40
#: So many starts at the same instant.
STARTS = 3


# --- deaths -----------------------------------------------------------------------------------------------


async def test_of_three_one_works_and_each_death_is_followed_by_the_next(
    trial: Trials, postgres: Databases
) -> None:
    """Machines and processes die under load: within 15 s another is at work, and only one is at a time."""
    async with (
        asyncio.timeout(240),
        trial(postgres.fresh_database(), seed=11) as on,
        Replicas(on) as replicas,
    ):
        on.crowd.plan(Load(), seconds=120)
        async with on.crowd.at_large():
            for host in ("ward", "desk", "desk"):
                await replicas.add(host)
            await on.until_called(SOME)
            assert [one.host for one in replicas.all if one.is_at_work] == ["ward"]
            assert replicas.talkative() == []
            # On another machine or on the same: only that it gives no sign tells. Containers may share a name.
            for place, new in enumerate(("ward", "ward", "desk", "desk")):
                await _die(on, replicas, f"death {place + 1}")
                await replicas.add(new)
                await on.until_called(SOME)
                assert replicas.talkative() == []
            on.crowd.enough()
            await on.crowd.rest()
            await _all_stopped(replicas)
        on.say(f"conflicts of polls: {replicas.conflicts()}")
        # Four silences of about ten seconds each, one soon after the other.
        on.verdict("4 deaths among 3 replicas, polling:", most_late=90)
        assert replicas.beside_each_other() == []
        assert replicas.conflicts() == 0


async def test_an_api_that_hangs_delays_no_takeover(trial: Trials, postgres: Databases) -> None:
    """Webhook: what the new one asks first (menus, where to bring updates) is never answered; patients are, in time."""
    async with (
        asyncio.timeout(120),
        trial(postgres.fresh_database(), seed=18) as on,
        Replicas(on, webhook=True) as replicas,
    ):
        on.crowd.plan(Load(questions=5.0), seconds=40)
        for host in ("ward", "desk"):
            await replicas.add(host)
        async with on.crowd.at_large():
            await on.until_called(SOME)
            for method in ("setMyCommands", "setWebhook"):
                on.sandbox.plan(Fault(method=method, kind="hang", times=1_000_000))
            began = time.monotonic()
            heir, took = await replicas.lose_active()
            assert await on.sandbox.until(lambda: heir.sent(began) or None, seconds=AFTER_A_DEATH)
            first = min(heir.sent(began)) - began
            on.say(f"at work after {took:.1f} s; its first message left after {first:.1f} s")
            assert {"setMyCommands", "setWebhook"} <= heir.asked(began)
            on.crowd.enough()
            await on.crowd.rest()
            await _all_stopped(replicas)
        on.verdict("a takeover while the API hung, webhook:", most_late=60)
        assert first < AFTER_A_DEATH


async def _die(on: Trial, replicas: Replicas, what: str) -> None:
    victim = replicas.active
    heir, took = await replicas.lose_active()
    on.say(f"{what}, on {victim.host}: another ({heir.host}) was at work after {took:.1f} s")
    assert took < AFTER_A_DEATH


async def _all_stopped(replicas: Replicas) -> None:
    """Stop those that wait, then the one at work: each ends with 0."""
    for one in [*replicas.waiting, replicas.active]:
        await one.bot.stopped()


async def test_what_a_waiting_process_took_in_the_one_at_work_handles(
    trial: Trials, postgres: Databases
) -> None:
    """Webhook behind a balancer: first only those that wait get updates, then all; the one at work dies twice."""
    async with (
        asyncio.timeout(200),
        trial(postgres.fresh_database(), seed=12) as on,
        Replicas(on, webhook=True) as replicas,
    ):
        on.crowd.plan(Load(questions=5.0), seconds=90)
        for host in ("ward", "desk", "desk"):
            await replicas.add(host)
        everyone = list(replicas.balancer.targets)
        replicas.balancer.targets[:] = [one.door for one in replicas.waiting]
        async with on.crowd.at_large():
            await on.until_called(2 * SOME)
            on.say(f"{len(on.sandbox.world.updates.given)} updates went to processes that wait")
            assert replicas.talkative() == []
            replicas.balancer.targets[:] = everyone
            for place, new in enumerate(("ward", "ward")):
                await _die(on, replicas, f"death {place + 1}")
                await replicas.add(new)
                await on.until_called(SOME)
            on.crowd.enough()
            await on.crowd.rest()
            await _all_stopped(replicas)
        on.verdict("2 deaths among 3 replicas, webhook:", most_late=60)
        assert replicas.beside_each_other() == []


# --- the database -----------------------------------------------------------------------------------------


async def test_a_server_that_is_started_anew_or_crashes_costs_nothing(
    trial: Trials, own_postgres: Server
) -> None:
    """Webhook: what cannot be stored is not acknowledged, so it is brought again; nobody has to take over."""
    async with (
        asyncio.timeout(150),
        trial(own_postgres.fresh_database(), seed=13) as on,
        Replicas(on, webhook=True) as replicas,
    ):
        on.crowd.plan(Load(questions=5.0), seconds=60)
        active, waiting = [await replicas.add(host) for host in ("ward", "desk")]
        async with on.crowd.at_large():
            for what in (own_postgres.restart, own_postgres.crash, own_postgres.crash):
                await on.until_called(SOME)
                began = time.monotonic()
                await asyncio.to_thread(what)
                await asyncio.to_thread(own_postgres.start)
                on.say(f"{what.__name__}: the server was back after {time.monotonic() - began:.1f} s")
            await on.until_called(SOME)
            on.crowd.enough()
            await on.crowd.rest()
            assert active.is_at_work, f"who was at work ended:\n{active.bot.end_of_log()}"
            assert replicas.waiting == [waiting]
            await _all_stopped(replicas)
        on.verdict("a restart and 2 crashes of PostgreSQL, webhook:", most_late=60)
        assert replicas.talkative() == []


async def test_a_server_that_is_away_for_long_is_waited_for(trial: Trials, own_postgres: Server) -> None:
    """Polling, 20 seconds: longer than the lease; yet who was at work goes on, for nobody could renew anything."""
    async with (
        asyncio.timeout(150),
        trial(own_postgres.fresh_database(), seed=14) as on,
        Replicas(on) as replicas,
    ):
        on.crowd.plan(Load(), seconds=40)
        active, waiting = [await replicas.add(host) for host in ("ward", "desk")]
        async with on.crowd.at_large():
            await on.until_called(SOME)
            await asyncio.to_thread(own_postgres.stop)
            await asyncio.sleep(AWAY)
            await asyncio.to_thread(own_postgres.start)
            began = time.monotonic()
            await on.sandbox.until(lambda: "sendMessage" in active.asked(began) or None, seconds=20)
            on.say(f"away for {AWAY:.0f} s; the next message came {time.monotonic() - began:.1f} s after")
            on.crowd.enough()
            await on.crowd.rest()
            on.say(
                f"at work: {replicas.active.host}; lives: {[not one.bot.has_ended for one in replicas.all]}"
            )
            assert active.is_at_work, f"who was at work ended:\n{active.bot.end_of_log()}"
            assert replicas.waiting == [waiting]
            await _all_stopped(replicas)
        on.verdict(f"PostgreSQL was away for {AWAY:.0f} s, polling:", most_late=60)
        assert (replicas.beside_each_other(), replicas.conflicts()) == ([], 0)


# --- standing still, and leaving --------------------------------------------------------------------------


async def test_who_stood_still_finds_another_at_work_and_ends(trial: Trials, postgres: Databases) -> None:
    """Frozen for 15 s: what was on its way may leave once more; nothing else, and a sentence says why it ends."""
    async with (
        asyncio.timeout(150),
        trial(postgres.fresh_database(), seed=15) as on,
        Replicas(on) as replicas,
    ):
        on.crowd.plan(Load(questions=5.0), seconds=60)
        frozen, heir = [await replicas.add(host) for host in ("ward", "desk")]
        async with on.crowd.at_large():
            await on.until_called(SOME)
            began = time.monotonic()
            await frozen.freeze()
            on.tally.note_death()
            await replicas.next_at_work([heir])
            on.say(f"another was at work {time.monotonic() - began:.1f} s after the first stood still")
            await asyncio.sleep(max(0.0, began + FROZEN - time.monotonic()))
            woken = time.monotonic()
            frozen.bot.signal(signal.SIGCONT)
            code = await frozen.bot.ended()
            on.say(f"it ended with {code}, {time.monotonic() - woken:.1f} s after it went on")
            assert code == 1
            said = f"Another Aftercare (process {heir.bot.pid} on {heir.host}) has taken over this database."
            assert said in " ".join(frozen.bot.output.split())
            await on.until_called(SOME)
            on.crowd.enough()
            await on.crowd.rest()
            await _all_stopped(replicas)
        after = [method for at, method in frozen.gate.calls if at > woken]
        on.say(f"what it still asked Telegram: {after}; on their way were {len(on.tally.flights)}")
        on.verdict(f"a process stood still for {FROZEN:.0f} s:", most_late=60)
        assert sum(method != "getUpdates" for method in after) <= len(on.tally.flights)


async def test_who_is_asked_to_stop_gives_its_lease_back(trial: Trials, postgres: Databases) -> None:
    """SIGTERM under load, three times: the next is at work within 3 s, and nothing comes twice."""
    async with (
        asyncio.timeout(120),
        trial(postgres.fresh_database(), seed=16) as on,
        Replicas(on) as replicas,
    ):
        on.crowd.plan(Load(), seconds=60)
        async with on.crowd.at_large():
            for host in ("ward", "desk"):
                await replicas.add(host)
            for new in ("ward", "desk", "ward"):
                await on.until_called(SOME)
                leaving, others = replicas.active, replicas.waiting
                began = time.monotonic()
                leaving.bot.signal(signal.SIGTERM)
                heir = await replicas.next_at_work(others)
                took = time.monotonic() - began
                on.say(f"SIGTERM to {leaving.host}: {heir.host} was at work after {took:.1f} s")
                assert took < AFTER_A_STOP
                assert await leaving.bot.ended() == 0
                await replicas.add(new)
            on.crowd.enough()
            await on.crowd.rest()
            await _all_stopped(replicas)
        on.verdict("3 stops of the one at work:", most_late=30)
        assert replicas.beside_each_other() == []


# --- the first start --------------------------------------------------------------------------------------


async def test_two_that_start_together_make_the_tables_once(trial: Trials, postgres: Databases) -> None:
    """On an empty database, at the same instant: one of them is at work, the other stands by."""
    async with asyncio.timeout(120), trial(postgres.fresh_database(), seed=17) as on:
        for place in range(STARTS):
            empty = postgres.fresh_database()
            async with Replicas(on) as replicas:
                pair = await asyncio.gather(*(replicas.begin(host, empty) for host in ("ward", "desk")))
                first = await replicas.next_at_work(pair)
                [other] = [one for one in pair if one is not first]
                await other.bot.has_said("Standing by")
                transactions = _made_by(empty)
                on.say(f"start {place + 1}: {first.host} is at work; tables by {transactions} transaction(s)")
                assert transactions == 1
                await _all_stopped(replicas)


def _made_by(url: str) -> int:
    """Return in how many transactions the tables of a database were made."""
    place = make_url(url)
    names = [*Base.metadata.tables, "alembic_version"]
    with psycopg.connect(
        host=str(place.query["host"]), user=place.username, dbname=place.database
    ) as connection:
        rows = connection.execute(
            "SELECT relname, xmin::text FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)", [names]
        ).fetchall()
    assert len(rows) == len(names)
    return len({transaction for _name, transaction in rows})
