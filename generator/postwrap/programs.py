"""The I/O boundary for processes: every program that postwrap runs is started here.

What runs, and in which surroundings, is decided by the system alone and never by whoever called
postwrap: the program is found in the system's own directories, it starts in ``/``, and of the
caller's environment it gets the time zone and nothing else. So ``sudo postwrap`` is the same in
every directory and under every environment.

A command that the caller names himself (``start_own``) is found in the same directories, and starts
in his current directory with the variables that postwrap obeys. Two things are started elsewhere,
because the caller's own surroundings are their purpose: the shell of ``postwrap shell``
(postwrap.enter), and postwrap itself by its launcher.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from postwrap.layout import SEARCH_PATH

SCRATCH = "/tmp"
"""Where temporary directories are made: TMPDIR may name a place that its owner can swap."""

_IN_MEMORY = 1 << 20

_ZONE = re.compile(r"(?![/:])(?!.*\.\.)[A-Za-z0-9_+,./:<>-]+")
"""A time zone by name or rule (tzset(3)); TZ may also name any file, which is not passed on."""


def scratch() -> IO[bytes]:
    """Return a temporary file without a name, which is on the disk only once it is large."""
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=SCRATCH)


def directories() -> list[str]:
    """Return where programs are looked for.

    For root they are those of SEARCH_PATH that nobody else can write: /usr/local may belong to
    the group staff.
    """
    places = SEARCH_PATH.split(":")
    return [place for place in places if os.geteuid() or is_roots_own(place)]


def is_roots_own(directory: str) -> bool:
    """Whether root alone can change what is at ``directory``, links followed.

    An ACL that lets others write shows in the group's bits of the mode (acl(5)).
    """
    place = Path(directory).resolve()
    for path in (place, *place.parents):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        is_shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if status.st_uid or is_shared:
            return False
    return True


def find(name: str) -> str:
    """Return the absolute path of the program ``name``, "" where the system has none."""
    if "/" in name:
        return name if name.startswith("/") and os.access(name, os.X_OK) else ""
    return shutil.which(name, path=os.pathsep.join(directories())) or ""


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    umask: int = 0o022,
    seconds: float | None = None,
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said; its standard input is ``text``.

    ``environment`` is added to what every program gets. Raises FileNotFoundError where the
    system has no such program, subprocess.TimeoutExpired where it takes longer than ``seconds``.
    """
    return subprocess.run(
        _absolute(argv),
        capture_output=True,
        check=False,
        cwd="/",
        encoding="utf-8",
        env=_environment(environment),
        errors="surrogateescape",
        input=text or None,
        stdin=None if text else subprocess.DEVNULL,
        timeout=seconds,
        umask=umask,
    )


def told(
    argv: Sequence[str], *, environment: Mapping[str, str] | None = None, seconds: float = 30
) -> str:
    """Run a program whose standard error is a terminal, and return what it said there.

    Some programs tell only a terminal what they tell the log. Bounded by ``seconds`` and by what
    a terminal holds: "" where the program took longer.
    """
    reader, terminal = os.openpty()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                _absolute(argv),
                check=False,
                cwd="/",
                env=_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=terminal,
                timeout=seconds,
                umask=0o022,
            )
        os.set_blocking(reader, False)
        with contextlib.suppress(OSError):
            return os.read(reader, 1 << 16).decode(errors="surrogateescape").replace("\r\n", "\n")
        return ""
    finally:
        os.close(terminal)
        os.close(reader)


def start(
    argv: Sequence[str],
    *,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes] | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that is read while it runs. Raises FileNotFoundError as ``run`` does.

    ``inherited`` are descriptors that it keeps open under their numbers.
    """
    return subprocess.Popen(
        _absolute(argv),
        cwd="/",
        env=_environment(None),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=inherited,
    )


def start_own(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
) -> subprocess.Popen[bytes]:
    """Start a command of the caller's own in his current directory, with his umask.

    Its environment is what postwrap.launch has kept, the PATH of every program, and
    ``environment``. ``argv[0]`` may be a path. A script without an interpreter is run by sh(1), as
    execvp(3) does. Raises OSError where it cannot be started.
    """
    kept = {n: v for n, v in os.environ.items() if n != "TZ" or _ZONE.fullmatch(v)}
    given = {**kept, "PATH": os.pathsep.join(directories()), **environment}
    program = argv[0] if "/" in argv[0] else _absolute(argv)[0]

    def begin(words: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(words, env=given, stdin=stdin, stdout=stdout, stderr=stderr)

    try:
        return begin([program, *argv[1:]])
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        return begin(["/bin/sh", program, *argv[1:]])


def _absolute(argv: Sequence[str]) -> list[str]:
    program = find(argv[0])
    if not program:
        raise FileNotFoundError(2, "no such command", argv[0])
    return [program, *argv[1:]]


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    zone = os.environ.get("TZ", "")
    given = {"TZ": zone} if _ZONE.fullmatch(zone) else {}
    return {"PATH": os.pathsep.join(directories()), "LC_ALL": "C", **given, **(more or {})}
