"""Where the log is: the one door to log files and to the journal.

A source is read to its end, which it remembers, and can then be followed from there: no line is
lost or comes twice between the two.
"""

from __future__ import annotations

import gzip
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from glob import escape
from pathlib import Path
from typing import BinaryIO

from postwrap.errors import Problem, RefusedError
from postwrap.instance import Instance

SYSLOG_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail", "/var/log/messages")
"""Where syslog daemons put mail: on Debian, Fedora, openSUSE, Alpine."""

_JOURNAL = "/run/systemd/journal/socket"
_SYSLOG = "_TRANSPORT=syslog"
"""All that came by syslog(3): which facility, syslog_facility may say otherwise than mail."""
_FORM = ("--no-pager", "--output=short-iso-precise")
_CURSOR = "-- cursor: "
_USUAL_LENGTH = 200
"""Bytes of a line of the mail log, more than most have."""
_OTHER_PACKERS = {".xz", ".bz2", ".zst"}
_NOWHERE = f"neither the journal is there nor one of {', '.join(SYSLOG_FILES)}"
_RUN_ONE = "run a syslog daemon or systemd's journal, or set maillog_file and start Postfix again"
_ASK_ROOT = "look as root, or as a member of the group that may"


class Source(ABC):
    """A log."""

    @abstractmethod
    def read(self, newest: int = 0) -> Iterator[str]:
        """Yield its lines up to now, all of them or about so many of the newest."""

    def read_former(self) -> Iterator[str]:
        """Yield the lines that were put aside, the oldest first."""
        return iter(())

    @abstractmethod
    def follow(self) -> list[str]:
        """Return the command that prints what comes after what was read, and goes on."""


class LogFile(Source):
    """A file of lines."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._end = 0

    def read(self, newest: int = 0) -> Iterator[str]:
        """Yield its lines up to now, as Source has it."""
        try:
            with Path(self.path).open("rb") as file:
                yield from self._lines(file, newest)
        except FileNotFoundError:
            return  # postlogd(8) makes it with the first line

    def _lines(self, file: BinaryIO, newest: int) -> Iterator[str]:
        self._end = 0
        size = os.fstat(file.fileno()).st_size
        if newest and size > newest * _USUAL_LENGTH:
            self._end = file.seek(size - newest * _USUAL_LENGTH)
            self._end += len(file.readline())
        for line in file:
            if not line.endswith(b"\n"):
                return  # it is being written
            self._end += len(line)
            yield _text(line)

    def read_former(self) -> Iterator[str]:
        """Yield the lines of former files, as Source has it."""
        for path in self._former():
            opened = gzip.open(path) if path.endswith(".gz") else Path(path).open("rb")  # noqa: SIM115
            with opened as file:
                yield from map(_text, file)

    def _former(self) -> list[str]:
        """Return what logrotate(8) or ``postfix logrotate`` put aside, the oldest first."""
        path = Path(self.path)
        found = path.parent.glob(f"{escape(path.name)}[.-]*")
        readable = [p for p in found if os.access(p, os.R_OK) and p.suffix not in _OTHER_PACKERS]
        return [str(p) for p in sorted(readable, key=lambda p: p.stat().st_mtime)]

    def follow(self) -> list[str]:
        """Return the command that goes on, also after the file has been rotated."""
        return ["tail", "-q", "-c", f"+{self._end + 1}", "-F", "--", self.path]


class Journal(Source):
    """What systemd's journal has of mail."""

    def __init__(self) -> None:
        self._cursor = ""

    def read(self, newest: int = 0) -> Iterator[str]:
        """Yield its lines up to now, as Source has it."""
        # Asked for all, it says, on standard error, what a user may not see.
        limit = ["--quiet", f"--lines={newest}"] if newest else []
        argv = ["journalctl", *_FORM, "--show-cursor", *limit, _SYSLOG]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in process.stdout:
                text = _text(line)
                if text.startswith(_CURSOR):
                    self._cursor = text.removeprefix(_CURSOR)
                else:
                    yield text

    def follow(self) -> list[str]:
        """Return the command that goes on."""
        start = [f"--after-cursor={self._cursor}", "--lines=all"] if self._cursor else []
        return ["journalctl", "--quiet", *_FORM, "--follow", *start, _SYSLOG]


def sources(instances: Iterable[Instance]) -> tuple[list[Source], list[Problem]]:
    """Return where ``instances`` log, each place once, and what hides the log of others.

    Raises RefusedError where that is all.
    """
    found: list[Source] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(i.parameters.get("maillog_file", "") for i in instances):
        source = LogFile(path) if path else _syslog()
        if not source:
            problems.append(Problem("syslog", _NOWHERE, _RUN_ONE))
        elif isinstance(source, LogFile) and _is_secret(source.path):
            problems.append(Problem(source.path, "may not be read", _ASK_ROOT))
        else:
            found.append(source)
    if problems and not found:
        raise RefusedError(f"{problems[0].subject}: {problems[0].message}", problems[0].hint)
    return found, problems


def _is_secret(path: str) -> bool:
    """Whether ``path``, which may not be there yet, is not for this user."""
    try:
        return Path(path).exists() and not os.access(path, os.R_OK)
    except PermissionError:
        return True


def _syslog() -> Source | None:
    """Return where the host keeps what is logged by syslog(3), None if it does not.

    A file that a daemon writes lasts longer than the journal may; one from before the boot is
    what a daemon has left that is no more.
    """
    has_journal = Path(_JOURNAL).exists()
    for path in SYSLOG_FILES:
        if Path(path).is_file() and (not has_journal or Path(path).stat().st_mtime >= _boot()):
            return LogFile(path)
    return Journal() if has_journal else None


def _boot() -> float:
    """Return when the host was booted, seconds since 1970: proc_stat(5)."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)


def follow(chosen: Sequence[Source]) -> Iterator[str]:
    """Yield what is logged from now on, until nobody logs any more or the reader has enough."""
    read, write = os.pipe()
    processes = [
        subprocess.Popen(source.follow(), stdout=write, stderr=subprocess.DEVNULL)
        for source in chosen
    ]
    os.close(write)
    try:
        with os.fdopen(read, "rb") as merged:
            yield from map(_text, merged)
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _text(line: bytes) -> str:
    return line.decode(errors="surrogateescape").rstrip("\n")
