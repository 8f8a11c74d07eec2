"""How log lines are printed: in columns on a terminal, as they stand in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from postwrap.cli import colours, output
from postwrap.cli.colours import Colour
from postwrap.host.naming import Instance
from postwrap.logs.lines import Line, time_of
from postwrap.logs.tags import Owned

_COLOURS = {
    "warning": Colour.WARNING,
    "error": Colour.BAD,
    "fatal": Colour.WORST,
    "panic": Colour.WORST,
}
_STATUS = {
    "status=deferred": Colour.WARNING,
    "status=bounced": Colour.BAD,
    "status=expired": Colour.BAD,
}
_PROGRAM = 15
"""Columns of a program's name and process ID: ``postscreen[1234]`` is one more, and rare."""


class Columns:
    """Prints lines of ``instances``."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._numbers = {own.directory: number for number, own in enumerate(instances)}
        self._width = max((len(own.name) for own in instances), default=0)
        self._is_aligned = sys.stdout.isatty()

    def show(self, lines: Iterable[Owned]) -> None:
        """Print ``lines``."""
        for instance, line in lines:
            if self._is_aligned:
                self._align(instance, line)
            else:
                output.line(line.text)
        sys.stdout.flush()

    def _align(self, instance: Instance, line: Line) -> None:
        at = time_of(line, datetime.now())
        clock = f"{at:%b %d %H:%M:%S}" if at != datetime.min else line.stamp
        name = instance.name.ljust(self._width)
        program = line.tag.partition("/")[2] or line.tag
        process = f"{program}[{line.pid}]" if line.pid else program
        text = colours.painted(output.printable(line.message), _colour(line))
        shown = colours.instance(name, self._numbers[instance.directory])
        output.raw(f"{clock}  {shown}  {output.printable(process).ljust(_PROGRAM)}  {text}\n")


def _colour(line: Line) -> Colour | None:
    if line.severity:
        return _COLOURS[line.severity]
    return next((colour for status, colour in _STATUS.items() if status in line.message), None)
