"""What is drawn for a person: columns that fit the terminal, and colour where it is wanted.

Everything that comes from mail is a stranger's: it is escaped and cut before anything else.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from postwrap.cli.output import printable

UNBOUNDED = 0
"""The width of what is no terminal: a pipe gets whole lines."""


class DisplayStyle(StrEnum):
    """How a cell is shown, by its SGR parameters (console_codes(4)); legible on light and dark."""

    PLAIN = ""
    STRONG = "1"
    ALARM = "1;31"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and how it is shown."""

    text: str
    style: DisplayStyle = DisplayStyle.PLAIN


def width() -> int:
    """Return the columns of the terminal, UNBOUNDED where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


def has_colour() -> bool:
    """Whether colour is wanted: on a terminal, unless NO_COLOR says otherwise (no-color.org)."""
    dull = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return sys.stdout.isatty() and not dull


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, most: int) -> str:
    """Return ``text`` in one line of at most ``most`` columns, safe for a terminal."""
    safe = printable(text).replace("\n", "\\n").replace("\t", " ")
    if most == UNBOUNDED or columns(safe) <= most:
        return safe
    taken = 0
    for place, character in enumerate(safe):
        taken += _columns(character)
        if taken > most - 1:
            return f"{safe[:place]}…"
    return safe


def painted(text: str, style: DisplayStyle, *, colour: bool) -> str:
    """Return ``text``, which is safe, in ``style``."""
    return f"\x1b[{style}m{text}\x1b[0m" if colour and style else text


def grid(
    rows: Sequence[Sequence[Cell]], *, left: Sequence[int] = (0,), colour: bool = False
) -> list[str]:
    """Return ``rows`` in columns as wide as need be; those of ``left`` are flush left."""
    safe = [[clip(cell.text, UNBOUNDED) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*safe, strict=True)]
    lines = []
    for row, texts in zip(rows, safe, strict=True):
        cells = []
        for number, (cell, text, wide) in enumerate(zip(row, texts, widths, strict=True)):
            blanks = " " * (wide - columns(text))
            shown = painted(text, cell.style, colour=colour)
            cells.append(shown + blanks if number in left else blanks + shown)
        lines.append("  ".join(cells).rstrip())
    return lines


def duration(seconds: int | None) -> str:
    """Return a time in its two largest units, as ``3d4h``; - for None."""
    if seconds is None:
        return "-"
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days}d{hours}h" if days < 100 else f"{days}d"
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m" if minutes else f"{seconds}s"


def size(count: int) -> str:
    """Return a number of bytes in three or four characters, as ``4.2M``; K is 1024."""
    if count < 1024:
        return str(count)
    value, units = count / 1024, "KMGT"
    while value >= 1023.5 and len(units) > 1:
        value, units = value / 1024, units[1:]
    unit = units[0]
    return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
