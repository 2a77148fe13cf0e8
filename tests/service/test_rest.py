"""Tests of resting: a loop goes on when something happened, or when its time is over, whichever comes first."""

from __future__ import annotations

import asyncio

import pytest

from bot.service.rest import rest

#: Longer than any test lasts.
LONG = 3600.0


@pytest.mark.parametrize("seconds", [0, -1.5, 0.001])
async def test_a_rest_ends_with_its_time(seconds: float) -> None:
    """At once if there is none; a wait that is past already is no fault."""
    await asyncio.wait_for(rest(seconds, asyncio.Event(), asyncio.Event()), 10)


async def test_what_has_happened_before_ends_a_rest_at_once() -> None:
    """Whichever of the events it was; it stays set for whoever clears it."""
    quiet, loud = asyncio.Event(), asyncio.Event()
    loud.set()
    await asyncio.wait_for(rest(LONG, quiet, loud), 10)
    assert (quiet.is_set(), loud.is_set()) == (False, True)


@pytest.mark.parametrize("which", [0, 1])
async def test_what_happens_meanwhile_ends_a_rest(which: int) -> None:
    """The first event that is set, and nothing is left waiting."""
    events = asyncio.Event(), asyncio.Event()
    before = asyncio.all_tasks()
    resting = asyncio.create_task(rest(LONG, *events))
    await asyncio.sleep(0)
    assert not resting.done()

    events[which].set()
    await asyncio.wait_for(resting, 10)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


async def test_a_rest_can_be_cut_short() -> None:
    """A loop that is stopped while it rests stops, and leaves nothing waiting."""
    before = asyncio.all_tasks()
    resting = asyncio.create_task(rest(LONG, asyncio.Event(), asyncio.Event()))
    await asyncio.sleep(0)

    resting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await resting
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
