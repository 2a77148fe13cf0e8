"""Tests of `bot.content.places`: what the tz database knows."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bot.content.places import zone_called


def test_a_zone_is_found_by_its_name() -> None:
    """A name of the tz database leads to its zone."""
    assert zone_called("Asia/Tokyo") == ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", ".", "../etc/passwd", "/etc/localtime", "Asia", "a\0b"])
def test_what_is_no_zone_is_none(name: str) -> None:
    """A name that the tz database lacks, or no name at all, raises nothing."""
    assert zone_called(name) is None
