"""Who works in a queue directory, as /proc tells it; no program is run.

Postfix's daemons outlive a master(8) that was killed, and go on to accept mail; postdrop(1) has
none. So every process counts, whoever its parent is, that has its working or root directory in
the queue directory, or holds or maps a file there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DELETED = " (deleted)"
"""What /proc puts behind the name of a directory that is gone: proc(5)."""

_SUBMITTING = ("sendmail", "postdrop")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; ``parent`` is the process ID of its parent."""

    pid: int
    program: str
    parent: int

    def __str__(self) -> str:
        """Name it to a person."""
        return f"{self.program} (process {self.pid})"

    @property
    def submits(self) -> bool:
        """Whether it is sendmail(1) or postdrop(1), which take a message from a local user."""
        return self.program in _SUBMITTING


def occupants(queue_directory: str) -> list[Process]:
    """Return the processes that work in ``queue_directory`` or held it when it was deleted."""
    place = os.path.realpath(queue_directory)
    try:
        status = os.stat(place)  # noqa: PTH116 - as of the descriptors that it is compared with
    except OSError:
        status = None
    own = os.getpid()
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError, ValueError):
            if pid != own and _works_in(pid, place, status):
                found.append(_process(pid))
    return found


def _pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


def _works_in(pid: int, place: str, status: os.stat_result | None) -> bool:
    process = f"/proc/{pid}"
    try:
        if os.readlink(f"{process}/cwd") == place + _DELETED:  # noqa: PTH115
            return True
    except PermissionError:
        return _may_work_there(pid)
    if status is None:
        return False
    return (
        any(_lies_in(f"{process}/{link}", status) for link in ("cwd", "root"))
        or any(_holds(f"{process}/fd/{name}", place) for name in os.listdir(f"{process}/fd"))  # noqa: PTH208
        or _maps(process, place)
    )


def _may_work_there(pid: int) -> bool:
    """Whether a process that may not be looked into is a daemon of Postfix without a master(8).

    A container may lack the capability CAP_SYS_PTRACE; who has a master ends with that.
    """
    process = _process(pid)
    if process.program not in _DAEMONS:
        return False
    with contextlib.suppress(OSError, ValueError):
        return _process(process.parent).program != "master"
    return True


_DAEMONS = frozenset(
    (
        *("anvil", "bounce", "cleanup", "discard", "dnsblog", "error", "flush", "lmtp", "local"),
        *("oqmgr", "pickup", "pipe", "postdrop", "postlogd", "postscreen", "proxymap", "qmgr"),
        *("qmqpd", "scache", "showq", "smtp", "smtpd", "spawn", "tlsmgr", "tlsproxy"),
        *("trivial-rewrite", "verify", "virtual"),
    )
)


def _lies_in(link: str, status: os.stat_result) -> bool:
    """Whether the directory behind ``link`` is the one of ``status`` or below it, by any name."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    handle = os.open(link, flags)
    try:
        while True:
            now = os.fstat(handle)
            if os.path.samestat(now, status):
                return True
            above = os.open("..", flags, dir_fd=handle)
            os.close(handle)
            handle = above
            if os.path.samestat(now, os.fstat(handle)):
                return False
    finally:
        os.close(handle)


def _holds(descriptor: str, place: str) -> bool:
    """Whether an open file lies below ``place``; another mount namespace may have that path too."""
    with contextlib.suppress(OSError):
        path = os.readlink(descriptor)  # noqa: PTH115
        return path.startswith(f"{place}/") and Path(descriptor).samefile(path)
    return False


def _maps(process: str, place: str) -> bool:
    """Whether a file below ``place`` is mapped, a library of the chroot jail for instance."""
    mark = f" {place}/".encode(errors="surrogateescape")
    for line in Path(process, "maps").read_bytes().splitlines():
        if mark in line:
            fields = line.split(None, 5)
            with contextlib.suppress(OSError):
                if os.stat(fields[5]).st_ino == int(fields[4]):  # noqa: PTH116
                    return True
    return False


def _process(pid: int) -> Process:
    """Return process ``pid``: "PID (PROGRAM) STATE PARENT …", see proc(5)."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    head, _, rest = text.rpartition(")")
    program = head.partition("(")[2]
    name = "".join(c if c.isprintable() and c not in ";|&" else "?" for c in program)
    return Process(pid, name, int(rest.split()[1]))


def lineage(process: Process) -> Iterator[Process]:
    """Yield ``process``, its parent, and so on."""
    yield process
    with contextlib.suppress(OSError, ValueError):
        while process.parent:
            process = _process(process.parent)
            yield process


def ancestors(pid: int) -> Iterator[int]:
    """Yield the process IDs of ``pid``, its parent, and so on."""
    with contextlib.suppress(OSError, ValueError):
        yield from (process.pid for process in lineage(_process(pid)))
