"""Reading on where the last run ended: the I/O boundary to logs that are rotated meanwhile.

A file is known again by its beginning, whatever it is called now: logrotate(8) and ``postfix
logrotate`` rename it, compress it, or copy and truncate it. Several files are remembered, since the
one that was put aside is written to until all programs have opened the new one.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import IO

from postwrap import programs
from postwrap.logs.files import LONGEST, NotALogError, former, lines, open_log
from postwrap.logs.position import Position

_HEAD = 1024
"""Bytes by which a file is known again: some lines, with their times and processes."""
_REMEMBERED = 3
_CLOCKS = 2 * 10**9
"""Nanoseconds that a time may lose when a file is packed or copied."""
_TRIES = 5
_JOURNAL = ("journalctl", "--no-pager", "--quiet", "--output=short-iso-precise", "--show-cursor")
_SYSLOG = "_TRANSPORT=syslog"
_MARK = "-- cursor: "


_START = Position((0, 0, 0, 0), 0, "", 0)


class _File:
    """One of a log's files, open: the name may go to another meanwhile.

    ``head`` are its first bytes as it was opened; none where it is empty, torn or still being
    packed.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_packed = path.endswith(".gz")
        self._raw = open_log(path)
        status = os.fstat(self._raw.fileno())
        self.status = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        self._text: IO[bytes] = gzip.open(self._raw) if self.is_packed else self._raw  # type: ignore[assignment]  # noqa: SIM115
        self.head = self._begin()

    def _begin(self) -> bytes:
        try:
            return self._text.read(_HEAD)
        except (OSError, EOFError):
            if self.is_packed:
                return b""
            self.close()
            raise

    def begin_again(self) -> None:
        """Take its first bytes as they are now."""
        self._text.seek(0)
        self.head = self._begin()

    def digest(self, length: int) -> str:
        """Return the digest of its first ``length`` bytes, "" where it has fewer."""
        return _digest(self.head[:length]) if len(self.head) >= length > 0 else ""

    def is_copy_of(self, other: _File) -> bool:
        """Whether both begin alike, as a copy that is being made does."""
        length = min(len(self.head), len(other.head))
        return length > 0 and self.head[:length] == other.head[:length]

    def lines(self, offset: int) -> Iterator[bytes]:
        """Yield its whole lines from ``offset`` on."""
        try:
            self._text.seek(offset)
            for line in lines(self._text):
                if not line.endswith(b"\n") and len(line) < LONGEST:
                    return  # it is being written
                yield line
        except (OSError, EOFError):
            return

    def tell(self) -> int:
        """Return how many bytes have been read, unpacked."""
        return self._text.tell()

    def close(self) -> None:
        self._text.close()
        self._raw.close()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


class FileTail:
    """What a log file and those put aside have since ``positions``.

    Without ``positions``, None, it begins at the end of the file. ``looked`` is when the last look
    was, in nanoseconds since 1970, 0 for none. ``positions`` is where it has come to when ``lines``
    has been read to its end.
    """

    def __init__(self, path: str, positions: Sequence[Position] | None, looked: int = 0) -> None:
        self._path = path
        self._known = positions
        self._looked = looked
        self.positions: tuple[Position, ...] = tuple(positions or ())

    def lines(self) -> Iterator[str]:
        """Yield the new lines, those of files put aside first."""
        with contextlib.ExitStack() as stack:
            files = self._open()
            for file in files:
                stack.callback(file.close)
            reached: list[Position] = []
            left = list(self._known or ())
            for file, position in self._starts(self._originals(files)):
                if position in left:
                    left.remove(position)
                if position.status == file.status:
                    reached.append(position)
                    continue
                offset = position.offset
                for line in file.lines(offset):
                    offset = file.tell()
                    if self._known is not None:
                        yield line.decode(errors="surrogateescape").rstrip("\n")
                if offset:
                    reached.append(_reached(file, offset))
            # What could not be opened this time is remembered too, or it would be read anew.
            every = sorted((*left, *reached), key=lambda position: position.status[3])
            self.positions = tuple(every[-_REMEMBERED:])

    def _open(self) -> list[_File]:
        """Return the files, the oldest first, as they were at one moment of a rotation."""
        for _ in range(_TRIES):
            files = [f for path in self._paths() if (f := _opened(path))]
            unique = {f.status[:2]: f for f in files}
            if all(_identity(path) in {*unique, None} for path in self._paths()):
                return list(unique.values())
            for file in files:
                file.close()
        return []  # the next run will see it

    def _originals(self, files: Sequence[_File]) -> list[_File]:
        """Return ``files``, each once where copies of it are being made; what is empty is left out.

        gzip(1) leaves the original there until it is done, and logrotate's copytruncate empties it
        only then: what is plain and long is whole.
        """
        found: list[_File] = []
        for file in files:
            if not file.head and file.path != self._path:
                continue
            copy = next((n for n, other in enumerate(found) if file.is_copy_of(other)), None)
            if copy is None:
                found.append(file)
            elif (not file.is_packed, file.status[2]) >= (
                not found[copy].is_packed,
                found[copy].status[2],
            ):
                del found[copy]
                found.append(file)
        return found

    def _paths(self) -> list[str]:
        """Return the files put aside by the time of their last line, then the file itself.

        Those whose last line is older than all that is remembered have been read.
        """
        times = [position.status[3] for position in self._known or ()]
        oldest = min(times, default=self._looked) - _CLOCKS
        found = [
            file.path
            for file in (former(self._path) if oldest > 0 else ())
            if file.unpacker in {"", "gzip"} and file.written * 1e9 >= oldest
        ]
        return [*found, self._path]

    def _starts(self, files: Sequence[_File]) -> list[tuple[_File, Position]]:
        """Return the files to read, each with where to begin.

        What is older than all that is remembered has been read. Where nothing is remembered, that
        is what was put aside before the last look.
        """
        known = {n: p for n, file in enumerate(files) if (p := self._position(file))}
        new = (
            n
            for n, file in enumerate(files)
            if file.path == self._path or file.status[3] > self._looked > 0
        )
        first = min(known) if known else next(new, len(files))
        return [(file, known.get(n, _START)) for n, file in enumerate(files) if n >= first]

    def _position(self, file: _File) -> Position | None:
        """Return how far ``file`` was read, None where it is not known."""
        known = [position for position in self._known or () if position.length]
        for position in known:
            if position.status == file.status:
                return position
        for position in known:
            if position.head == file.digest(position.length):
                return position
        return None


def _opened(path: str) -> _File | None:
    try:
        return _File(path)
    except (OSError, NotALogError):  # gone by now, or not for this user
        return None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _reached(file: _File, offset: int) -> Position:
    if not file.head:
        file.begin_again()  # it was empty as it was opened
    length = min(offset, len(file.head))
    return Position(file.status, offset, file.digest(length), length)


class JournalTail:
    """What the journal has since ``cursor``; "" begins at its end."""

    def __init__(self, cursor: str) -> None:
        self._begin = cursor
        self.cursor = cursor

    def lines(self) -> Iterator[str]:
        """Yield the new lines."""
        start = f"--after-cursor={self._begin}" if self._begin else "--lines=0"
        with programs.start([*_JOURNAL, start, _SYSLOG], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode(errors="surrogateescape").rstrip("\n")
                if line.startswith(_MARK):
                    self.cursor = line.removeprefix(_MARK)
                else:
                    yield line
