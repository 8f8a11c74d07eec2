"""Colour on a terminal, none elsewhere; NO_COLOR (no-color.org) turns it off."""

from __future__ import annotations

import os
import sys

GOOD, BAD = "32", "31"
_INSTANCES = ("36", "33", "35", "34", "92", "96", "93", "95")
"""SGR parameters; red and green say how something ended."""


def painted(text: str, colour: str) -> str:
    """Return ``text`` in ``colour``, an SGR parameter; "" is none."""
    return f"\033[{colour}m{text}\033[0m" if colour and is_on() else text


def instance(text: str, number: int) -> str:
    """Return ``text`` in the colour of the instance ``number``."""
    return painted(text, _INSTANCES[number % len(_INSTANCES)])


def is_on() -> bool:
    """Whether standard output takes colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and _terminal() != "dumb"


def _terminal() -> str:
    return os.environ.get("TERM", "dumb")
