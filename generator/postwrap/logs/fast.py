"""Lines of the log for whoever reads millions: many at a time, and no more of each than is asked.

The same as postwrap.logs.lines and Tags, which are for a few lines. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from postwrap.logs.lines import HOST, NO_QUEUE_ID, QUEUE_ID, STAMP, Line, time_of

Take = Callable[[str, str, str], None]
"""Gets a program, the queue ID or NOQUEUE, and what the program says of the message."""

_REST = rf"{HOST}([^\s\[:]+)(?:\[\d{{1,10}}\])?: ({QUEUE_ID}|{NO_QUEUE_ID}): (?!message-id=)(.*)$"
_LINE = re.compile(rf"^(?:{STAMP}){_REST}", re.MULTILINE)
_DATED = re.compile(rf"^({STAMP}){_REST}", re.MULTILINE)
_MINUTE = 16
"""Characters of a time that hold its minute, in both forms."""
_AT_ONCE = 5_000


def feed(
    blocks: Iterable[str],
    takers: Callable[[str], Take | None],
    wanted: Callable[[str], bool] | None = None,
) -> None:
    """Hand on what the programs of instances say in ``blocks`` of whole lines.

    ``takers`` tells who gets the lines of a tag's first part; None: nobody does. ``wanted`` is
    asked whether the time of a line, as it stands there, is one to look at. Lines about no
    message, or about nothing but a Message-ID, are left out.
    """
    known: dict[str, tuple[Take | None, str]] = {}
    for block in blocks:
        for tag, queue_id, text in _found(block, wanted):
            if tag in known:
                take, program = known[tag]
            else:
                head, _, rest = tag.partition("/")
                take, program = known[tag] = (takers(head), rest.rpartition("/")[2])
            if take is not None:
                take(program, queue_id, text)


def _found(block: str, wanted: Callable[[str], bool] | None) -> Iterable[tuple[str, str, str]]:
    if wanted is None:
        return _LINE.findall(block)
    return [found for stamp, *found in _DATED.findall(block) if wanted(stamp)]


def blocks_of(lines: Iterable[str]) -> Iterator[str]:
    """Yield ``lines``, which have no end, as blocks of many."""
    rest = iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        yield "\n".join(some)


def from_on(begin: datetime, now: datetime) -> Callable[[str], bool]:
    """Return what tells whether a time in the log is ``begin`` or later; a minute is asked once."""
    known: dict[str, bool] = {}

    def is_later(stamp: str) -> bool:
        minute = stamp[:_MINUTE] if stamp[0].isdigit() else stamp[:12]
        if minute not in known:
            # Within the minute of ``begin`` each second counts.
            own = time_of(Line("", stamp, "", None, "", ""), now)
            first = own.replace(second=0, microsecond=0)
            if first <= begin and (begin - first).total_seconds() < 60:
                return own >= begin
            known[minute] = first >= begin
        return known[minute]

    return is_later
