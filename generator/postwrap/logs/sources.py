"""The I/O boundary to log files and to the journal.

A source is read to its end, which it remembers, and can then be followed from there: no line is
lost or comes twice between the two.
"""

from __future__ import annotations

import os
import select
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from zlib import crc32

from postwrap import programs
from postwrap.errors import Problem, RefusedError
from postwrap.host.naming import Instance
from postwrap.logs.files import LONGEST, NotALogError, former, lines, open_log, unpacked
from postwrap.logs.lines import parse, time_of
from postwrap.logs.search import found

SYSLOG_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail", "/var/log/messages")
"""Where syslog daemons put mail: on Debian, Fedora, openSUSE, Alpine."""

_JOURNAL = "/run/systemd/journal/socket"
_SYSLOG = "_TRANSPORT=syslog"
"""All that came by syslog(3): which facility, syslog_facility may say otherwise than mail."""
_FORM = ("--no-pager", "--output=short-iso-precise")
_CURSOR = "-- cursor: "
_USUAL_LENGTH = 200
"""Bytes of a line of the mail log, more than most have."""
_NEAR = 1 << 16
"""So many bytes are read to find a time, and not searched by halves any more."""
_NOWHERE = f"neither the journal is there nor one of {', '.join(SYSLOG_FILES)}"
_RUN_ONE = "run a syslog daemon or systemd's journal, or set maillog_file and start Postfix again"
_NAME_A_FILE = (
    "set maillog_file to a regular file, run postfix reload, or read the log where that leads"
)
_ASK_ROOT = "look as root, or as a member of the group that may"


class LogHit(NamedTuple):
    """A line that a search found: in which of a source's files, at which byte."""

    file: int
    offset: int
    text: str


class Source(ABC):
    """A log. ``obstacles`` are what of it could not be read, known after reading."""

    def __init__(self) -> None:
        self.obstacles: list[Problem] = []

    @abstractmethod
    def read(self, newest: int = 0) -> Iterator[str]:
        """Yield its lines up to now, all of them or about so many of the newest."""

    @abstractmethod
    def read_since(self, when: datetime) -> Iterator[str]:
        """Yield its lines up to now, those put aside too, from about the local time ``when`` on.

        Some earlier ones may come first.
        """

    @abstractmethod
    def search(
        self,
        words: Sequence[bytes],
        *,
        ignores_case: bool,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[LogHit]:
        """Yield the lines that hold one of ``words``, in order, those put aside first.

        ``words`` are not empty and hold no newline. Lines from before ``since`` and from after
        ``until`` may be left out.
        """

    @abstractmethod
    def follow(self) -> list[str]:
        """Return the command that prints what comes after what was read, and goes on."""


class LogFile(Source):
    """A file of lines, and what was put aside of it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self._end = 0
        self._files: list[_Part] | None = None

    def read(self, newest: int = 0) -> Iterator[str]:
        """Yield its lines up to now, as Source has it."""
        self._end = 0
        if part := _part(self.path, is_log=True):
            start = part.size - newest * _USUAL_LENGTH if newest else 0
            with part.file:
                yield from map(_text, self._lines(part, _line_after(part.file, start)))

    def read_since(self, when: datetime) -> Iterator[str]:
        """Yield its lines since ``when``, as Source has it."""
        for part in self._parts():
            if part.written >= when.timestamp():
                yield from map(_text, self._lines(part, _start(part, when)))

    def _lines(self, part: _Part, start: int) -> Iterator[bytes]:
        """Yield the whole lines of ``part`` from ``start`` on; remember the end of the log."""
        part.file.seek(start)
        with unpacked(part.file, part.unpacker) as file:
            for line in lines(file):
                is_whole = line.endswith(b"\n") or len(line) == LONGEST
                if part.is_log:
                    if not is_whole:
                        return  # it is being written
                    self._end = file.tell()
                yield line

    def search(
        self,
        words: Sequence[bytes],
        *,
        ignores_case: bool,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[LogHit]:
        """Yield what is found, as Source has it."""
        self._files = self._parts() if self._files is None else self._files
        for number, part in enumerate(self._files):
            if part.is_log:
                self._end = _line_after(part.file, part.size)
            if since and part.written < since.timestamp():
                continue
            if until and (begin := _begin(part)) and begin > until:
                continue
            start = _start(part, since) if since else 0
            with _anew(part.file, start) as file, unpacked(file, part.unpacker) as text:
                for offset, line in found(text, words, ignores_case=ignores_case):
                    end = start + offset + len(line)
                    if not part.is_log or end <= part.size:
                        yield LogHit(number, start + offset, _text(line))

    def _parts(self) -> list[_Part]:
        """Return the files, opened, the oldest first: what a search finds does not change then."""
        parts: list[_Part] = []
        log = _part(self.path, is_log=True)
        for file in former(self.path):
            if file.unpacker and not programs.find(file.unpacker):
                message = f"cannot be read: this host has no {file.unpacker}"
                self.obstacles.append(Problem(file.path, message, f"install {file.unpacker}"))
                continue
            part = _part(file.path, file.unpacker)
            if part and not (log and os.path.sameopenfile(part.file.fileno(), log.file.fileno())):
                parts.append(part)
        return [*parts, log] if log else parts

    def follow(self) -> list[str]:
        """Return the command that goes on, also after the file has been rotated."""
        return ["tail", "-q", "-c", f"+{self._end + 1}", "-F", "--", self.path]


class _Part(NamedTuple):
    """An open file of a log; ``written``: when its last line was, in seconds since 1970.

    ``is_log``: it is still written to, up to ``size`` when it was opened.
    """

    file: BinaryIO
    unpacker: str
    is_log: bool
    written: float
    size: int


def _part(path: str, unpacker: str = "", *, is_log: bool = False) -> _Part | None:
    """Open ``path``; None where it is not there, or not a file to read."""
    try:
        file = open_log(path)
    except (OSError, NotALogError):
        return None
    status = os.fstat(file.fileno())
    return _Part(file, unpacker, is_log, status.st_mtime, status.st_size)


@contextmanager
def _anew(file: BinaryIO, start: int) -> Iterator[BinaryIO]:
    """Open what ``file`` is once more, for another program to read from the byte ``start`` on.

    The place where a program reads is not what the buffer of ``file`` holds.
    """
    with Path(f"/proc/self/fd/{file.fileno()}").open("rb", buffering=0) as other:
        other.seek(start)
        yield cast("BinaryIO", other)


def _line_after(file: BinaryIO, offset: int) -> int:
    """Return where the first line that begins at ``offset`` or later begins."""
    if offset <= 0:
        return 0
    file.seek(offset - 1)
    for _ in lines(file):
        break
    return file.tell()


def _start(part: _Part, when: datetime) -> int:
    """Return where to begin to read what ``part`` has since ``when``: a line's beginning."""
    if part.unpacker:
        return 0
    now = datetime.now()
    low, high = 0, part.size
    while high - low > _NEAR:
        middle = _line_after(part.file, (low + high) // 2)
        at = _time_at(part.file, middle, now)
        if at is not None and at < when and middle < high:
            low = middle
        else:
            high = (low + high) // 2
    return low


def _begin(part: _Part) -> datetime | None:
    """Return the time of the first line of ``part``, None for none that can be read."""
    with _anew(part.file, 0) as file, unpacked(file, part.unpacker) as text:
        line = parse(_text(text.readline(LONGEST)))
        return time_of(line, datetime.now()) if line else None


def _time_at(file: BinaryIO, offset: int, now: datetime) -> datetime | None:
    """Return the time of the first line from ``offset`` on that has one, None for none near."""
    file.seek(offset)
    for text in map(_text, lines(file)):
        if line := parse(text):
            return time_of(line, now)
        if file.tell() > offset + _NEAR:
            break
    return None


class Journal(Source):
    """What systemd's journal has of mail. ``wants`` tells which tags are of interest."""

    def __init__(self, wants: Callable[[str], bool] | None = None) -> None:
        super().__init__()
        self._cursor = ""
        self._wants = wants
        self._tags: list[str] | None = None

    def _filters(self) -> list[str]:
        """Return what selects the entries: by tag, where it is known which are of interest.

        One of a tag that is new while it is read comes the next time.
        """
        if self._wants is None:
            return [_SYSLOG]
        if self._tags is None:
            asked = programs.run(["journalctl", "--quiet", "--field=SYSLOG_IDENTIFIER"])
            self._tags = [*filter(self._wants, asked.stdout.splitlines())]
        # Where there is none, the end of the journal is what is asked for.
        return [_SYSLOG, *(f"SYSLOG_IDENTIFIER={tag}" for tag in self._tags or ("",))]

    def read(self, newest: int = 0) -> Iterator[str]:
        """Yield its lines up to now, as Source has it."""
        # Asked for all, it says, on standard error, what a user may not see.
        limit = ["--quiet", f"--lines={newest}"] if newest else []
        return self._read(limit)

    def read_since(self, when: datetime) -> Iterator[str]:
        """Yield its lines since ``when``, as Source has it."""
        return self._read([_since(when)])

    def _read(self, options: Sequence[str]) -> Iterator[str]:
        argv = ["journalctl", *_FORM, "--show-cursor", *options, *self._filters()]
        with programs.start(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in lines(process.stdout):
                text = _text(line)
                if text.startswith(_CURSOR):
                    self._cursor = text.removeprefix(_CURSOR)
                else:
                    yield text

    def search(
        self,
        words: Sequence[bytes],
        *,
        ignores_case: bool,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[LogHit]:
        """Yield what is found, as Source has it."""
        limit = [_since(since)] if since else []
        limit += [f"--until=@{int(until.timestamp()) + 1}"] if until else []
        argv = ["journalctl", "--quiet", *_FORM, "--show-cursor", *limit, *self._filters()]
        words = [*words, _CURSOR.encode()]
        with programs.start(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _, line in found(process.stdout, words, ignores_case=ignores_case):
                text = _text(line)
                if text.startswith(_CURSOR):
                    if not until:
                        self._cursor = text.removeprefix(_CURSOR)
                else:
                    yield LogHit(0, _place(text), text)

    def follow(self) -> list[str]:
        """Return the command that goes on."""
        start = [f"--after-cursor={self._cursor}", "--lines=all"] if self._cursor else []
        return ["journalctl", "--quiet", *_FORM, "--follow", *start, _SYSLOG]


def _place(text: str) -> int:
    """Return a number for a line of the journal, the same in each search, in the order of time."""
    try:
        at = datetime.fromisoformat(text.partition(" ")[0]).timestamp()
    except ValueError:
        at = 0.0
    return int(at * 1e6) << 32 | crc32(text.encode(errors="surrogateescape"))


def _since(when: datetime) -> str:
    return f"--since=@{int(when.timestamp())}"


def sources(
    instances: Iterable[Instance], wants: Callable[[str], bool] | None = None
) -> tuple[list[Source], list[Problem]]:
    """Return where ``instances`` log, each place once, and what hides the log of others.

    ``wants`` tells which tags are of interest; a journal leaves out the lines of others.
    Raises RefusedError where that is all.
    """
    places: list[Source] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(i.parameters.get("maillog_file", "") for i in instances):
        source = LogFile(path) if path else _syslog(wants)
        if not source:
            problems.append(Problem("syslog", _NOWHERE, _RUN_ONE))
        elif isinstance(source, LogFile) and (problem := _obstacle(source.path)):
            problems.append(problem)
        else:
            places.append(source)
    if problems and not places:
        raise RefusedError(f"{problems[0].subject}: {problems[0].message}", problems[0].hint)
    return places, problems


def _obstacle(path: str) -> Problem | None:
    """Return why ``path``, which may not be there yet, is not read."""
    try:
        open_log(path).close()
    except FileNotFoundError:
        return None  # postlogd(8) makes it with the first line
    except NotALogError as error:
        return Problem(path, str(error), _NAME_A_FILE)
    except OSError:
        return Problem(path, "may not be read", _ASK_ROOT)
    return None


def _syslog(wants: Callable[[str], bool] | None) -> Source | None:
    """Return where the host keeps what is logged by syslog(3), None if it does not.

    A file that a daemon writes lasts longer than the journal may; one from before the boot is
    what a daemon has left that is no more.
    """
    has_journal = Path(_JOURNAL).exists()
    for path in SYSLOG_FILES:
        if Path(path).is_file() and (not has_journal or Path(path).stat().st_mtime >= _boot()):
            return LogFile(path)
    return Journal(wants) if has_journal else None


def _boot() -> float:
    """Return when the host was booted, seconds since 1970: proc_stat(5)."""
    told = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return next((float(line.split()[1]) for line in told if line.startswith("btime ")), 0.0)


def follow(chosen: Sequence[Source], idle: float | None = None) -> Iterator[str]:
    """Yield what is logged from now on, until nobody logs any more or the reader has enough.

    Where nothing comes for ``idle`` seconds, "" is yielded.
    """
    read, write = os.pipe()
    processes = [
        programs.start(source.follow(), stdout=write, stderr=subprocess.DEVNULL)
        for source in chosen
    ]
    os.close(write)
    try:
        yield from _followed(read, idle)
    finally:
        os.close(read)
        for process in processes:
            process.terminate()
            process.wait()


def _followed(pipe: int, idle: float | None) -> Iterator[str]:
    """Yield the lines that come through ``pipe``, cut after LONGEST bytes."""
    rest = b""
    while True:
        if not select.select([pipe], [], [], idle)[0]:
            yield ""
            continue
        more = os.read(pipe, LONGEST)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        yield from map(_text, filter(None, whole))
        rest = rest[:LONGEST]


def _text(line: bytes) -> str:
    return line.decode(errors="surrogateescape").rstrip("\n")
