"""How an instance fares: whether it runs, and whether its commands are installed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from postwrap.bundle import Artifact
from postwrap.filesystem import Filesystem


class Installed(StrEnum):
    """How the files of an instance stand beside what install would write."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    MISSING = "missing"


def installed(artifacts: Iterable[Artifact], destination: Filesystem) -> Installed:
    """Return whether all of ``artifacts`` are as they should be, or none is there."""
    seen = Counter(_state(artifact, destination) for artifact in artifacts)
    if len(seen) == 1:
        return next(iter(seen))
    return Installed.OUTDATED if seen else Installed.MISSING


def _state(artifact: Artifact, destination: Filesystem) -> Installed:
    if not destination.exists(artifact.path):
        return Installed.MISSING
    is_same = destination.entry(artifact.path).digest == artifact.digest
    return Installed.INSTALLED if is_same else Installed.OUTDATED


def is_running(filesystem: Filesystem, queue_directory: str) -> bool | None:
    """Return whether the master(8) of ``queue_directory`` runs; None where that may not be seen.

    The master keeps its process ID in pid/master.pid and works in the queue directory
    (postfix src/master/master.c). Only root may read either.
    """
    try:
        pid = int(filesystem.read_text(f"{queue_directory}/pid/master.pid").split()[0])
        return Path(f"/proc/{pid}/cwd").samefile(filesystem.real(queue_directory))
    except PermissionError:
        return None
    except (OSError, ValueError, IndexError):
        return False if os.geteuid() == 0 else None
