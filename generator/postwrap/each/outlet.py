"""What several commands print, in the order of the instances, each line marked where that helps."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import IO

from postwrap import programs

STREAMS = (1, 2)
"""Standard output and standard error."""

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Outlet:
    """Standard output and standard error, to which the commands ``names`` write in their turn.

    What one of them says before its turn is kept until then. ``marked`` are the streams whose
    lines get the name in front.
    """

    def __init__(self, names: Sequence[str], marked: frozenset[int]) -> None:
        width = max(map(len, names), default=0)
        self.marks = [f"{name.ljust(width)} | ".encode() for name in names]
        self.marked = marked
        self._turn = 0
        self._ended: set[int] = set()
        self._kept: dict[int, IO[bytes]] = {}
        self._open: tuple[int, int] | None = None
        """The command and stream whose line is not complete."""

    def write(self, number: int, stream: int, text: bytes) -> None:
        """Print what the command ``number`` said on ``stream``, or keep it."""
        if number == self._turn:
            self._print(number, stream, text)
            return
        if number not in self._kept:
            self._kept[number] = programs.scratch()
        self._kept[number].write(b"%d %d\n" % (stream, len(text)) + text)

    def end(self, number: int) -> None:
        """Let the command after ``number``, which says no more, have its turn when that comes."""
        self._ended.add(number)
        while self._turn in self._ended:
            if self._open:
                _write(self._open[1], b"\n")
                self._open = None
            self._turn += 1
            self._release(self._turn)

    def _release(self, number: int) -> None:
        """Print what was kept of the command ``number``."""
        kept = self._kept.pop(number, None)
        if kept is None:
            return
        with kept:
            kept.seek(0)
            while head := kept.readline():
                stream, length = map(int, head.split())
                self._print(number, stream, kept.read(length))

    def _print(self, number: int, stream: int, text: bytes) -> None:
        _write(stream, self._with_marks(number, stream, text) if stream in self.marked else text)

    def _with_marks(self, number: int, stream: int, text: bytes) -> bytes:
        source = (number, stream)
        begins = self._open != source
        made = bytearray(b"\n" if self._open and begins else b"")
        for line in _LINE.findall(text):
            made += self.marks[number] + line if begins else line
            begins = line.endswith(b"\n")
        self._open = None if begins else source
        return bytes(made)


def _write(descriptor: int, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]
