"""Times as main.cf spells them. Pure."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME = re.compile(r"([0-9]{1,9})([smhdw]?)")


def seconds_of(text: str) -> int | None:
    """Return a time as Postfix spells it (``90s``, ``4h``; without a unit, seconds) in seconds.

    None where ``text`` is no time. See postconf(5), the introduction.
    """
    found = _TIME.fullmatch(text)
    return int(found[1]) * _UNITS[found[2] or "s"] if found else None
