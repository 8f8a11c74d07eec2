"""Times as a person writes them. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_AGO = re.compile(r"(\d{1,6})\s*(s|sec|m|min|h|d|w)(?:\s+ago)?")
_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_LIFETIME = re.compile(r"(\d{1,6})([smhdw]?)")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


def moment_of(text: str, now: datetime) -> datetime | None:
    """Return the local time that ``text`` means at ``now``, None for what is no time.

    That is a date or time of ISO 8601, a time of today, ``today``, ``yesterday``, ``now``, or how
    long ago: ``90min``, ``2h``, ``3d``.
    """
    word = text.strip().lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if word in named:
        return named[word]
    if found := _AGO.fullmatch(word):
        return _ago(now, int(found[1]) * _UNITS[found[2]])
    if found := _CLOCK.fullmatch(word):
        return midnight.replace(hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0))
    return _iso(text.strip())


def lifetime_of(value: str) -> timedelta:
    """Return the value of maximal_queue_lifetime or its like: days, unless it has another unit."""
    found = _LIFETIME.fullmatch(value.strip())
    return timedelta(seconds=int(found[1]) * _UNITS[found[2] or "d"]) if found else timedelta()


def _ago(now: datetime, seconds: int) -> datetime | None:
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        return None


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone().replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):
        return None
