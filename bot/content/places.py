"""Places and their time zones, from the tz database that Python has."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_called(name: str) -> ZoneInfo | None:
    """Return the time zone with this name, or None if the tz database has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
