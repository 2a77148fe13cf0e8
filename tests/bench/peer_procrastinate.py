"""A peer: procrastinate, whose jobs are rows in PostgreSQL; a worker runs those that are due.

Its one argument is JSON. token, url: the bot; store: the address of the database; mode:

* "add": defer *jobs* jobs one by one, then *many* in batches of 1,000, and write how long each took
* "fill": defer jobs for *due* ([chat, moment] pairs; *due_file*: a file with them) in batches
* "run": run a worker, *at_once* jobs at a time
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from tests.bench.heartbeat import Heartbeat

TEXT = "Your check-in is ready. It takes <b>one</b> minute."
FAR = timedelta(days=10)
BATCH = 1_000
TASK = "remind"


async def _add(app: Any, options: dict[str, Any]) -> dict[str, float]:
    task = app.tasks[TASK]
    far = datetime.now(UTC) + FAR
    began = time.perf_counter()
    for chat in range(options["jobs"]):
        await task.configure(schedule_at=far + timedelta(seconds=chat % 3600)).defer_async(chat=chat)
    one_by_one = time.perf_counter() - began
    began = time.perf_counter()
    await _defer(
        app, [(chat, (far + timedelta(seconds=chat % 3600)).timestamp()) for chat in range(options["many"])]
    )
    return {"seconds": one_by_one, "batched": time.perf_counter() - began}


async def _defer(app: Any, due: list[tuple[int, float]]) -> None:
    job = importlib.import_module("procrastinate.jobs").Job
    for start in range(0, len(due), BATCH):
        jobs = [
            job(queue="default", lock=None, queueing_lock=None, task_name=TASK, task_kwargs={"chat": chat},
                scheduled_at=datetime.fromtimestamp(moment, UTC))
            for chat, moment in due[start : start + BATCH]
        ]  # fmt: skip
        await app.job_manager.batch_defer_jobs_async(jobs=jobs)


async def main() -> None:
    """Do what the options say."""
    options = json.loads(sys.argv[1])
    logging.disable(logging.CRITICAL)
    procrastinate = importlib.import_module("procrastinate")
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=options["store"]))
    request = HTTPXRequest(connection_pool_size=options.get("pool", 32), pool_timeout=None)
    bot = Bot(options["token"], base_url=f"{options['url']}/bot", request=request)

    async def remind(chat: int) -> None:
        with contextlib.suppress(TelegramError):
            await bot.send_message(chat, TEXT, parse_mode="HTML")

    app.task(name=TASK)(remind)
    result: dict[str, Any] = {}
    async with app.open_async(), bot:
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        if options["mode"] == "add":
            result = await _add(app, options)
        elif options["mode"] == "fill":
            began = time.perf_counter()
            await _defer(app, json.loads(Path(options["due_file"]).read_text()))  # noqa: ASYNC240 (nothing else runs)
            result["seconds"] = time.perf_counter() - began
        else:
            await _work(app, options["at_once"])
    _write(json.dumps(result))
    os._exit(0)  # what still runs in it is not waited for: nobody measures that


async def _work(app: Any, at_once: int) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with Heartbeat():
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=at_once, install_signal_handlers=False, wait=True, delete_jobs="never"
            )
        )
        _write("ready")
        await ended.wait()
        worker.cancel()


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
