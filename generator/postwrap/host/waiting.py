"""Where a message waits in a queue directory, and until when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_QUEUES = ("active", "deferred", "hold", "incoming", "corrupt")
_DEPTH = 3
"""hash_queue_depth is 1 on nearly all hosts."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The ``queue`` that a message is in, "" for none of them.

    ``until`` is the local time of the next attempt, for the deferred queue alone: the queue
    manager sets the file's modification time to it (qmgr(8), src/qmgr/qmgr_active.c).
    """

    queue: str
    until: datetime | None = None


def waiting(queue_directory: str, queue_id: str) -> Waiting | None:
    """Return where the message ``queue_id`` is now, None where this user may not see it."""
    for queue in _QUEUES:
        try:
            for directory in _hashed(Path(queue_directory, queue), _DEPTH):
                file = directory / queue_id
                if file.is_file():
                    written = datetime.fromtimestamp(file.stat().st_mtime)
                    return Waiting(queue, written if queue == "deferred" else None)
        except PermissionError:
            return None
        except OSError:
            continue  # it is moved just now, or there is no such queue
    return Waiting("")


def _hashed(directory: Path, depth: int) -> Iterator[Path]:
    """Yield ``directory`` and those of one letter below it: postfix src/global/mail_queue.c."""
    yield directory
    if depth:
        with os.scandir(directory) as entries:
            below = [entry.path for entry in entries if len(entry.name) == 1]
        for path in below:
            yield from _hashed(Path(path), depth - 1)
