"""A fault at one system call of a run: which there are, and the run with it, by strace(1).

A run is traced once to learn its calls. strace counts the occurrences of a call for each process by
itself, so a fault is a call, a number and an error, whichever process comes that far; children that
a run starts are among them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

KILL = "KILL"
_FULL = ("EIO", "ENOSPC", "EROFS")

ERRORS: dict[str, tuple[str, ...]] = {
    "openat": (*_FULL, "EMFILE", "ENOMEM", KILL),
    "write": ("EIO", "ENOSPC", KILL),
    "fsync": ("EIO", "ENOSPC", "EINTR", KILL),
    **dict.fromkeys(("rename", "renameat", "renameat2"), (*_FULL, "ENOMEM", KILL)),
    **dict.fromkeys(("link", "linkat", "symlink", "symlinkat"), (*_FULL, KILL)),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), ("EIO", "EROFS", KILL)),
    **dict.fromkeys(("mkdir", "mkdirat"), (*_FULL, "ENOMEM", KILL)),
    **dict.fromkeys(("chmod", "fchmod", "fchmodat"), ("EIO", "EROFS", KILL)),
    **dict.fromkeys(("chown", "fchown", "lchown", "fchownat"), ("EIO", "EROFS", KILL)),
    **dict.fromkeys(("clone", "clone3", "vfork", "fork"), ("ENOMEM", "EAGAIN", KILL)),
}
"""The calls that change something or start something, and what each may fail with."""

TRACE = ("strace", "-f", "-y", "-qq")
_CALL = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)")


@dataclass(frozen=True)
class Call:
    """The call ``name`` for the time ``number`` in one of the processes of a run."""

    name: str
    number: int
    arguments: str

    @property
    def writes(self) -> bool:
        """Whether it is no open(2), or one for writing."""
        return (
            self.name != "openat"
            or re.search(r"O_WRONLY|O_RDWR|O_CREAT", self.arguments) is not None
        )


@dataclass(frozen=True)
class Fault:
    """An error, or SIGKILL, at a call; ``stays``: and at each call of that name from then on."""

    call: Call
    error: str
    stays: bool = False

    @property
    def is_kill(self) -> bool:
        """Whether the process is killed there."""
        return self.error == KILL

    @property
    def words(self) -> tuple[str, ...]:
        """The command line of strace(1) up to the program."""
        what = f"signal={KILL}" if self.is_kill else f"error={self.error}"
        when = f"{self.call.number}{'+' if self.stays else ''}"
        name = self.call.name
        trace = ("--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={name}")
        return ("strace", "-f", *trace, "-e", f"inject={name}:{what}:when={when}")

    def __str__(self) -> str:
        return f"{self.call.name} {self.error} {self.call.number}{'+' if self.stays else ''}"


def calls(trace: str, is_of_interest: Callable[[str], bool]) -> list[Call]:
    """The calls of ERRORS in what strace wrote, each number once; ``is_of_interest``: arguments.

    open(2) for reading and write(2) count all, and are named where they are of interest.
    """
    counts: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, int], Call] = {}
    for line in trace.splitlines():
        match = _CALL.match(line)
        if match is None or match["name"] not in ERRORS:
            continue
        key = (match["pid"], match["name"])
        counts[key] = counts.get(key, 0) + 1
        call = Call(match["name"], counts[key], match["arguments"])
        if is_of_interest(call.arguments) or call.name in {"clone", "clone3", "vfork", "fork"}:
            found.setdefault((call.name, call.number), call)
    return [*found.values()]


def faults(found: Iterable[Call]) -> Iterator[Fault]:
    """Each fault at each of the calls; a full or read-only disk also as one that stays so."""
    for call in found:
        for error in ERRORS[call.name]:
            if not call.writes and error in {"ENOSPC", "EROFS"}:
                continue
            yield Fault(call, error)
            if error in {"ENOSPC", "EROFS"} and call.name in {"openat", "write", "mkdir", "rename"}:
                yield Fault(call, error, stays=True)


def is_of_start(stderr: str) -> bool:
    """Whether Python failed before it had postwrap: a fault meant for a child hits it too."""
    return "Traceback" in stderr and "/postwrap/" not in stderr


def sample(every: Sequence[Fault], number: int, seed: str) -> list[Fault]:
    """So many of the faults, spread over calls and errors, the same each time."""

    def order(fault: Fault) -> str:
        return hashlib.sha256(f"{seed} {fault}".encode()).hexdigest()

    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in sorted(every, key=order):
        groups.setdefault((fault.call.name, fault.error), []).append(fault)
    chosen: list[Fault] = []
    while len(chosen) < number and any(groups.values()):
        chosen += [group.pop() for group in groups.values() if group]
    return chosen[:number]


class Done:
    """What has been tried, in a file, so that a campaign that was interrupted goes on from there.

    Without POSTWRAP_FAULTS_DONE, a file, nothing is kept.
    """

    def __init__(self) -> None:
        self._path = os.environ.get("POSTWRAP_FAULTS_DONE", "")
        lines = Path(self._path).read_text().splitlines() if self._has_file() else []
        self._keys = {json.loads(line) for line in lines}

    def _has_file(self) -> bool:
        return bool(self._path) and Path(self._path).exists()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        """Keep that the fault ``key`` was tried and ended well."""
        if self._path:
            with Path(self._path).open("a") as file:
                file.write(json.dumps(key) + "\n")
