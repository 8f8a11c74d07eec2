"""Colour on a terminal, none elsewhere; NO_COLOR (no-color.org) turns it off.

Nobody tells whether a terminal is light or dark. Of the 256 colours that most have, those here can
be read on white and on black; of the 16 that each has, those that come nearest to it.
"""

from __future__ import annotations

import os
import sys
from enum import Enum


class Colour(Enum):
    """What a colour says, with its SGR parameters on terminals with 16 and with 256 colours."""

    GOOD = ("32", "38;5;28")
    WARNING = ("33", "38;5;130")
    BAD = ("31", "31")
    WORST = ("31;1", "31;1")


INSTANCES = (
    ("36", "35", "34", "96", "95", "94"),
    ("38;5;30", "38;5;133", "38;5;33", "38;5;99", "38;5;66", "38;5;96"),
)
"""Those of instances, for both kinds of terminal; none of them says how something ended."""


def painted(text: str, colour: Colour | None) -> str:
    """Return ``text`` in ``colour``, None for none."""
    return _sgr(text, colour.value[has_many()]) if colour and is_on() else text


def instance(text: str, number: int) -> str:
    """Return ``text`` in the colour of the instance ``number``."""
    own = INSTANCES[has_many()]
    return _sgr(text, own[number % len(own)]) if is_on() else text


def _sgr(text: str, parameters: str) -> str:
    return f"\033[{parameters}m{text}\033[0m"


def is_on() -> bool:
    """Whether standard output takes colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and _terminal() != "dumb"


def has_many() -> bool:
    """Whether the terminal says that it has 256 colours or more: terminfo(5), COLORTERM."""
    return "256color" in _terminal() or bool(os.environ.get("COLORTERM"))


def _terminal() -> str:
    return os.environ.get("TERM", "dumb")
