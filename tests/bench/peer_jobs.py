"""A peer: PTB's JobQueue (APScheduler), in memory or with APScheduler's own SQLAlchemyJobStore.

Its one argument is JSON. token, url: the bot; mode:

* "memory": *jobs* jobs, far in the future, for their cost; or *due*: [chat, moment] pairs, each to be sent at its moment
* "add": add *jobs* jobs one by one to the store at *store* (or to memory, without one), and write how long it took
* "fill": write jobs for *due* into the store as add_job would have, but all at once: only to set the scene
* "run": start on what is in the store

lenient: misfire_grace_time=None instead of APScheduler's one second. at_once, pool: as for `peer_ptb`.
The store's jobs are plain functions of this module, for PTB's own `Job` cannot be stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.triggers.date import DateTrigger
from apscheduler.util import datetime_to_utc_timestamp
from sqlalchemy import insert
from telegram.error import TelegramError
from telegram.ext import Application
from telegram.request import HTTPXRequest

from tests.bench.heartbeat import Heartbeat

TEXT = "Your check-in is ready. It takes <b>one</b> minute."
FAR = timedelta(days=10)


class _Bot:
    """What a stored job can reach: the running application, and a door that lets so many send at once."""

    application: Any = None
    door: asyncio.Semaphore | None = None


async def remind(chat: int) -> None:
    """Send one reminder; what fails is lost, as in any job of APScheduler."""
    async with _Bot.door or contextlib.nullcontext():
        with contextlib.suppress(TelegramError):
            await _Bot.application.bot.send_message(chat, TEXT, parse_mode="HTML")


async def _callback(context: Any) -> None:
    await remind(context.job.chat_id)


def _build(options: dict[str, Any]) -> Any:
    builder: Any = (
        Application.builder().token(options["token"]).base_url(f"{options['url']}/bot").updater(None)
    )
    if options.get("pool"):
        builder = builder.request(HTTPXRequest(connection_pool_size=options["pool"], pool_timeout=None))
    return builder.build()


def _job_options(options: dict[str, Any]) -> dict[str, Any]:
    return {"misfire_grace_time": None} if options.get("lenient") else {}


def _add_all(queue: Any, options: dict[str, Any]) -> None:
    more = _job_options(options)
    far = datetime.now(UTC) + FAR
    for chat in range(options.get("jobs", 0)):
        queue.run_once(_callback, far + timedelta(seconds=chat % 3600), chat_id=chat, job_kwargs=more)
    for chat, moment in options.get("due", ()):
        queue.run_once(_callback, datetime.fromtimestamp(moment, UTC), chat_id=chat, job_kwargs=more)


def _store_one_by_one(scheduler: Any, options: dict[str, Any]) -> None:
    far = datetime.now(UTC) + FAR
    for chat in range(options["jobs"]):
        moment = far + timedelta(seconds=chat % 3600)
        scheduler.add_job(remind, "date", run_date=moment, args=[chat], **_job_options(options))


def _fill(scheduler: Any, store: SQLAlchemyJobStore, options: dict[str, Any]) -> None:
    grace = None if options.get("lenient") else 1
    rows = []
    for number, (chat, at) in enumerate(options["due"]):
        moment = datetime.fromtimestamp(at, UTC)
        job = Job(
            scheduler, id=f"job-{number:07d}", name="remind", func=remind, args=(chat,), kwargs={},
            trigger=DateTrigger(moment, UTC), executor="default", misfire_grace_time=grace,
            coalesce=True, max_instances=1, next_run_time=moment,
        )  # fmt: skip
        state = pickle.dumps(job.__getstate__(), store.pickle_protocol)
        rows.append({"id": job.id, "next_run_time": datetime_to_utc_timestamp(moment), "job_state": state})
    with store.engine.begin() as connection:
        connection.execute(insert(store.jobs_t), rows)


async def main() -> None:
    """Do what the options say."""
    options = json.loads(sys.argv[1])
    if "due_file" in options:
        with open(options["due_file"]) as file:  # noqa: PTH123, ASYNC230 (before anything runs)
            options["due"] = json.load(file)
    logging.disable(logging.CRITICAL)
    application = _Bot.application = _build(options)
    if options.get("at_once"):
        _Bot.door = asyncio.Semaphore(options["at_once"])
    scheduler = application.job_queue.scheduler
    store = SQLAlchemyJobStore(options["store"]) if options.get("store") else None
    if store is not None:
        scheduler.add_jobstore(store)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    result: dict[str, Any] = {}
    async with application:
        if options["mode"] in ("add", "fill"):
            scheduler.start(paused=True)
            began = time.perf_counter()
            if options["mode"] == "add" and store is not None:
                _store_one_by_one(scheduler, options)
            elif options["mode"] == "add":
                _add_all(application.job_queue, options)
            elif store is not None:
                _fill(scheduler, store, options)
            result["seconds"] = time.perf_counter() - began
        else:
            async with Heartbeat() as heart:
                await application.start()
                if options["mode"] == "memory":
                    _add_all(application.job_queue, options)
                    heart.longest = 0.0  # adding is not what is measured here
                _write("ready")
                await ended.wait()
    _write(json.dumps(result))
    os._exit(0)  # what still runs in it is not waited for: nobody measures that


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
