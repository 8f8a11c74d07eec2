"""Looking at every path that leads to a configuration, for the rule of postwrap.host.rights."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from postwrap.filesystem import Filesystem
from postwrap.host.rights import Fault, Judge, PathPart

FILES = ("main.cf", "master.cf")
_MOST_LINKS = 40
"""As many as the kernel follows: path_resolution(7)."""


def judge(filesystem: Filesystem) -> Judge:
    """Return the rule for ``filesystem``. Whoever builds a foreign tree as a user is its root."""
    builder = {os.geteuid()} if filesystem.root else set()
    return Judge(frozenset({0, *builder}), _homes(filesystem), filesystem.root)


def faults(filesystem: Filesystem, directory: str, rule: Judge) -> tuple[Fault, ...]:
    """Return how others than root can change the configuration in ``directory``.

    Raises OSError where it is not there, or cannot be looked at.
    """
    ways = (way(filesystem, f"{directory}/{name}") for name in FILES)
    own = {directory, end(filesystem, directory)}
    return rule.faults((step for steps in ways for step in steps), own)


def way(filesystem: Filesystem, path: str) -> Iterator[PathPart]:
    """Yield every path that ``path`` leads over, from / on, links and where they lead included.

    In a foreign tree an absolute link leads to a place in the tree.
    """
    yield _step(filesystem, "/", "")
    # Plain strings: this is asked for each file of each instance in nearly every run.
    ahead, at, via, links = PurePosixPath(path).parts[1:], "/", "", 0
    while ahead:
        part, ahead = ahead[0], ahead[1:]
        at = posixpath.dirname(at) if part == ".." else posixpath.join(at, part)
        step = _step(filesystem, at, via)
        yield step
        if step.target:
            links += 1
            if links > _MOST_LINKS:
                raise OSError(f"{path}: too many links")
            via = via or step.path
            target = PurePosixPath(step.target)
            at = "/" if target.is_absolute() else posixpath.dirname(at)
            ahead = (*(part for part in target.parts if part != "/"), *ahead)


def end(filesystem: Filesystem, path: str) -> str:
    """Return where ``path`` leads, every link followed."""
    return [step.path for step in way(filesystem, path)][-1]


def _step(filesystem: Filesystem, path: str, via: str) -> PathPart:
    real = filesystem.root + path
    status = os.lstat(real)
    target = os.readlink(real) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115
    return PathPart(path, status.st_uid, status.st_mode, target, via)


def _homes(filesystem: Filesystem) -> dict[int, str]:
    if not filesystem.is_file("/etc/passwd"):
        return {}
    lines = (line.split(":") for line in filesystem.read_text("/etc/passwd").splitlines())
    return {int(f[2]): f[5].rstrip("/") for f in lines if len(f) > 5 and f[2].isdigit()}
