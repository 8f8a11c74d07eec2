"""What there is of an instance's files: status, text, and the copies in its chroot jail."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import PurePosixPath

from postwrap.checks import looking
from postwrap.checks.facts import Copy, FileFacts
from postwrap.checks.queues import PARTS
from postwrap.filesystem import Filesystem

JAIL_FILES = ("etc/hosts", "etc/nsswitch.conf", "etc/resolv.conf", "etc/services")
"""What the resolver of a chrooted service reads; Debian copies these and some more."""

_FILLER = "/usr/lib/postfix/configure-instance.sh"


def texts(filesystem: Filesystem, directory: str) -> dict[str, str]:
    """Return main.cf and master.cf as written."""
    paths = (f"{directory}/{name}" for name in ("main.cf", "master.cf"))
    return {path: looking.text(filesystem, path) for path in paths}


def of_configuration(directory: str) -> list[str]:
    """Return what is looked at of a configuration directory, and the directories above it."""
    parents = [str(parent) for parent in PurePosixPath(directory).parents]
    return [*parents, directory, f"{directory}/main.cf", f"{directory}/master.cf"]


def of_queue(queue: str, data: str) -> list[str]:
    """Return what is looked at of a queue directory and a data directory."""
    return [path for path in (queue, data) if path] + [f"{queue}/{part}" for part in PARTS]


def status(
    filesystem: Filesystem, paths: Iterable[str]
) -> tuple[dict[str, FileFacts], frozenset[str]]:
    """Return the status of those of ``paths`` that exist, and those that may not be looked at."""
    files: dict[str, FileFacts] = {}
    unseen = set()
    for path in paths:
        try:
            status = filesystem.stat(path)
        except PermissionError:
            unseen.add(path)
        except OSError:
            continue
        else:
            files[path] = FileFacts(
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                identity=(status.st_dev, status.st_ino),
                is_directory=stat.S_ISDIR(status.st_mode),
            )
    return files, frozenset(unseen)


def jail(filesystem: Filesystem, queue: str) -> dict[str, Copy]:
    """Return how the jail's copies stand of those files that the host has."""
    return {
        name: _copy(filesystem, f"/{name}", f"{queue}/{name}")
        for name in JAIL_FILES
        if filesystem.is_file(f"/{name}")
    }


def _copy(filesystem: Filesystem, original: str, copy: str) -> Copy:
    try:
        if not filesystem.is_file(copy):
            return Copy.MISSING
        is_same = filesystem.read_text(original) == filesystem.read_text(copy)
    except PermissionError:
        return Copy.UNSEEN
    return Copy.SAME if is_same else Copy.STALE


def jail_filler(filesystem: Filesystem) -> str:
    """Return the script that fills a jail, "check" where ``postfix check`` does, or nothing.

    Debian 12 keeps postfix-script in /etc/postfix and its script takes an instance's name; Debian
    13 keeps it in /usr/lib and runs its script itself.
    """
    if not filesystem.is_file(_FILLER):
        return ""
    return _FILLER if "postmulti -i" in filesystem.read_text(_FILLER) else "check"
