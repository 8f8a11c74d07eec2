"""Standard input for several commands, each of which reads it from the beginning."""

from __future__ import annotations

import os
import stat

from postwrap import programs

_CHUNK = 1 << 16
_STREAMS = 3


class StandardInput:
    """What stands on standard input, kept as far as it was read.

    A terminal or another device is not kept: ``is_device``, and commands get the very descriptor.
    A pipe is read only as far as the commands read it, for it may never end.
    """

    def __init__(self, descriptor: int = 0) -> None:
        _need_streams()
        self.descriptor = descriptor
        self.length = 0
        kind = _kind(descriptor)
        self.is_device = kind in {stat.S_IFCHR, stat.S_IFBLK}
        self.is_terminal = self.is_device and os.isatty(descriptor)
        self.has_ended = False
        self._kept = programs.scratch()
        is_awaited = self.is_device or kind in {stat.S_IFIFO, stat.S_IFSOCK}
        while not (is_awaited or self.has_ended):
            self.pull()

    def pull(self) -> None:
        """Read more, once there is more to read."""
        try:
            chunk = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # a directory, a terminal's other end that is gone
            chunk = b""
        self.has_ended = not chunk
        self._kept.seek(0, os.SEEK_END)
        self._kept.write(chunk)
        self.length += len(chunk)

    def at(self, offset: int) -> bytes:
        """Return what is kept from ``offset`` on, or the beginning of that."""
        self._kept.seek(offset)
        return self._kept.read(_CHUNK)


def _kind(descriptor: int) -> int:
    """Return the type of the file that ``descriptor`` is open on: inode(7)."""
    return stat.S_IFMT(os.fstat(descriptor).st_mode)


def _need_streams() -> None:
    """Open those of the three standard streams that are closed, lest something else gets there."""
    while (opened := os.open(os.devnull, os.O_RDWR)) < _STREAMS:
        os.set_inheritable(opened, True)
    os.close(opened)
