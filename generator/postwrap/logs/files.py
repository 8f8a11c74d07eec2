"""The I/O boundary to files of a log: plain files alone, read in bounded pieces.

maillog_file may name anything, and the directory of a log may be another's. So a FIFO, a device, a
directory and a link that leads out of the log's directory are not opened, and what is longer than
any line of Postfix is cut.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from postwrap import programs

LONGEST = 1 << 16
"""Bytes of a line that are read; syslogd(8) and postlogd(8) write at most some thousand."""

_UNPACKERS = {".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2"}
_FORMER = re.compile(r"[.-](?:\d[\dT.:_-]*?|old)(?:\.(?:gz|xz|zst|bz2))?\Z")
"""What logrotate(8), ``postfix logrotate`` and syslogd add to the name of a log."""


class NotALogError(Exception):
    """What a path leads to is not read as a log; the text says why."""


@dataclass(frozen=True, slots=True)
class Former:
    """A file that was put aside, and when its last line was written, in seconds since 1970."""

    path: str
    written: float

    @property
    def unpacker(self) -> str:
        """The program that unpacks it, "" for plain text."""
        return _UNPACKERS.get(Path(self.path).suffix, "")


def open_log(path: str) -> BinaryIO:
    """Open the log ``path``. Raises NotALogError, and OSError as open(2) does."""
    real = os.path.realpath(path)
    if os.path.dirname(real) != os.path.realpath(os.path.dirname(path)):  # noqa: PTH120
        raise NotALogError(f"is a symbolic link to {real}, outside its directory")
    _need_plain(os.lstat(real))
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    try:
        _need_plain(os.fstat(descriptor))
    except NotALogError:
        file.close()
        raise
    return file


def _need_plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotALogError("is not a regular file")


def former(path: str) -> list[Former]:
    """Return what was put aside of the log ``path`` and may be read, the oldest first."""
    name = os.path.basename(path)  # noqa: PTH119
    found = []
    try:
        entries = [*os.scandir(os.path.dirname(path) or "/")]  # noqa: PTH120
    except OSError:
        return []
    for entry in entries:
        rest = entry.name.removeprefix(name)
        is_former = rest != entry.name and _FORMER.match(rest)
        if is_former and entry.is_file(follow_symlinks=False) and os.access(entry.path, os.R_OK):
            found.append(Former(entry.path, entry.stat(follow_symlinks=False).st_mtime))
    return sorted(found, key=lambda file: (file.written, file.path))


@contextmanager
def unpacked(file: BinaryIO, unpacker: str) -> Iterator[IO[bytes]]:
    """Yield the text of ``file``, from where it stands: itself where ``unpacker`` is "".

    Raises FileNotFoundError where the system has no such program.
    """
    if not unpacker:
        yield file
        return
    process = programs.start(
        [unpacker, "-dc"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.stdout.close()
        process.terminate()
        process.wait()


def lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of ``file`` with their newlines, cut after LONGEST bytes."""
    while line := file.readline(LONGEST):
        rest = line
        while len(rest) == LONGEST and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST)
        yield line
