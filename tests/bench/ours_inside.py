"""The real bot with a heartbeat beside it in its event loop: how long was the loop blocked?

Its one argument is JSON: config (the path of the settings), token. It writes "ready" when the bot is at work, what its
heart says from then on, and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from bot import logs, wiring
from bot.content.settings import load_settings
from tests.bench.heartbeat import Heartbeat


async def _run(tools: Any, token: str) -> None:
    bot = wiring.build_app(tools, token)
    wiring.spare_the_collector()
    ended = asyncio.Event()
    async with Heartbeat():
        await bot.start()
        _write("ready")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()
    await bot.stop()


def main() -> None:
    """Run it until SIGTERM."""
    options = json.loads(sys.argv[1])
    settings = load_settings(Path(options["config"]))
    logs.set_up(settings.logs)
    tools = wiring.build_tools(settings)
    try:
        asyncio.run(_run(tools, options["token"]))
    finally:
        tools.database.close()


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
