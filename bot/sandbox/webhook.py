"""The webhook: updates carried to the bot instead of being fetched."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Protocol

import httpx

from bot.sandbox.clock import Clock
from bot.sandbox.updates import Update, Updates

log = logging.getLogger(__name__)

PAUSES = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Seconds before each new attempt (tdlib/telegram-bot-api, WebhookActor.cpp)."""
ATTEMPT_SECONDS = 60.0


@dataclass(eq=False, kw_only=True)
class Webhook:
    """Where updates go, and how it went."""

    url: str
    secret_token: str | None = None
    max_connections: int = 40
    last_error_at: datetime | None = None
    last_error: str | None = None
    failures: dict[int, int] = field(default_factory=dict)
    not_before: dict[int, float] = field(default_factory=dict)


class _World(Protocol):
    """What the courier needs of the world."""

    clock: Clock
    updates: Updates
    webhook: Webhook | None

    async def travel(self) -> None:
        """Let half a round trip pass."""


class Courier:
    """Carries updates to the webhook: in order for each chat, several chats at a time."""

    def __init__(self, world: _World, pauses: tuple[float, ...] = PAUSES) -> None:
        self._world = world
        self._pauses = pauses
        self._busy: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Carry updates until cancelled."""
        try:
            # Webhooks are on this machine, where certificates are home-made if there are any.
            async with httpx.AsyncClient(timeout=ATTEMPT_SECONDS, trust_env=False, verify=False) as client:  # noqa: S501
                while True:
                    seen = self._world.updates.arrived.count
                    pause = self._start_what_can(client)
                    await self._world.updates.arrived.after(seen, pause)
        finally:
            for task in self._busy.values():
                task.cancel()

    def _start_what_can(self, client: httpx.AsyncClient) -> float:
        """Begin the deliveries whose turn it is; return the seconds until the next may begin."""
        webhook, pause = self._world.webhook, 30.0
        if webhook is None:
            return pause
        behind: set[int] = set()
        for update in self._world.updates.waiting():
            if update.source in behind or update.source in self._busy:
                continue
            behind.add(update.source)
            wait = webhook.not_before.get(update.source, 0.0) - monotonic()
            if wait > 0:
                pause = min(pause, wait)
            elif len(self._busy) < webhook.max_connections:
                self._busy[update.source] = asyncio.create_task(self._carry(client, webhook, update))
        return pause

    async def _carry(self, client: httpx.AsyncClient, webhook: Webhook, update: Update) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret_token} if webhook.secret_token else {}
        asked = 0.0
        try:
            await self._world.travel()
            reply = await client.post(webhook.url, json=update.json(), headers=headers)
            await self._world.travel()
            error = (
                None
                if reply.is_success
                else f"Wrong response from the webhook: {reply.status_code} {reply.reason_phrase}"
            )
            after = reply.headers.get("Retry-After", "")
            asked = min(float(after), 3600.0) if after.isdigit() else 0.0
        except httpx.HTTPError as fault:
            error = f"Connection failed: {type(fault).__name__}"
        finally:
            self._busy.pop(update.source, None)
        if error is None:
            self._world.updates.confirm(update)
            webhook.failures.pop(update.source, None)
        else:
            failures = webhook.failures.get(update.source, 0)
            webhook.failures[update.source] = failures + 1
            pause = self._pauses[min(failures, len(self._pauses) - 1)]
            webhook.not_before[update.source] = monotonic() + max(pause, asked)
            webhook.last_error, webhook.last_error_at = error, self._world.clock.now()
            log.info("The webhook did not take an update", extra={"action": "webhook_failed"})
        self._world.updates.arrived.beat()
