"""Looking at files that this user may not be allowed to look at: then they are not there."""

from __future__ import annotations

from postwrap.filesystem import Filesystem


def text(filesystem: Filesystem, path: str) -> str:
    """Return what ``path`` holds, "" where it cannot be read."""
    try:
        return filesystem.read_text(path)
    except OSError:
        return ""


def started_for(filesystem: Filesystem, process: object) -> str:
    """Return the configuration directory that a master(8) was started with, "" if unknown.

    postfix(1) leaves it in its environment.
    """
    environment = text(filesystem, f"/proc/{process}/environ").split("\0")
    words = [x.removeprefix("MAIL_CONFIG=") for x in environment if x.startswith("MAIL_CONFIG=")]
    return words[0].rstrip("/") if words else ""


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
