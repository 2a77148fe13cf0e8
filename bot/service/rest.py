"""Resting until something happens: what the loops do between their steps."""

from __future__ import annotations

import asyncio


async def rest(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of *events* is set, at most *seconds*."""
    if seconds <= 0 or any(event.is_set() for event in events):
        return
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
