"""Looking at files that this user may not be allowed to look at: such files are not there.

The status and the text of an instance's files, for the model.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import PurePosixPath

from postwrap.filesystem import Filesystem
from postwrap.host.model import QUEUE_PARTS, FileStatus


def text(filesystem: Filesystem, path: str) -> str:
    """Return what ``path`` holds, "" where it cannot be read."""
    try:
        return filesystem.read_text(path)
    except OSError:
        return ""


def names(filesystem: Filesystem, directory: str) -> list[str]:
    """Return the names in ``directory``, none where it cannot be read."""
    try:
        return filesystem.names(directory)
    except OSError:
        return []


def is_file(filesystem: Filesystem, path: str) -> bool:
    """Whether ``path`` can be seen to be a regular file."""
    try:
        return filesystem.is_file(path)
    except OSError:
        return False


def texts(filesystem: Filesystem, directory: str) -> dict[str, str]:
    """Return main.cf and master.cf as written."""
    paths = (f"{directory}/{name}" for name in ("main.cf", "master.cf"))
    return {path: text(filesystem, path) for path in paths}


def active_messages(filesystem: Filesystem, queue: str) -> int:
    """Return how many messages the active queue in ``queue`` has, 0 where that is not to be seen.

    It may have directories of its own: hash_queue_names.
    """
    return sum(len(found) for _, _, found in os.walk(filesystem.real(f"{queue}/active")))


def of_configuration(directory: str) -> list[str]:
    """Return the directories above a configuration directory, itself, main.cf and master.cf."""
    parents = [str(parent) for parent in PurePosixPath(directory).parents]
    return [*parents, directory, f"{directory}/main.cf", f"{directory}/master.cf"]


def of_queue(queue: str, data: str) -> list[str]:
    """Return a queue directory, a data directory, and what a queue directory must hold."""
    return [path for path in (queue, data) if path] + [f"{queue}/{part}" for part in QUEUE_PARTS]


def statuses(
    filesystem: Filesystem, paths: Iterable[str]
) -> tuple[dict[str, FileStatus], frozenset[str]]:
    """Return the status of those of ``paths`` that exist, and those that may not be looked at."""
    seen: dict[str, FileStatus] = {}
    unseen = set()
    for path in paths:
        try:
            status = filesystem.stat(path)
        except PermissionError:
            unseen.add(path)
        except OSError:
            continue
        else:
            seen[path] = FileStatus(
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                identity=(status.st_dev, status.st_ino),
                is_directory=stat.S_ISDIR(status.st_mode),
            )
    return seen, frozenset(unseen)
