"""Messages that are in two queues, as their queue files tell; no program is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

from postwrap.filesystem import Filesystem
from postwrap.host import queuefile
from postwrap.host.model import CopiedMessage, InstanceConfig

_QUEUES = ("hold", "incoming", "active", "deferred")
_MOST = 5000
"""Queue files that are read of one queue: some tenths of a second."""
_BEGINNING = 4096
_HEADER = 16384


@dataclass(frozen=True, slots=True)
class _Queued:
    """A queue file, and whether it is on hold."""

    path: Path
    envelope: queuefile.Envelope
    is_held: bool

    def message_id(self) -> str:
        return queuefile.message_id(_read(self.path, self.envelope.content, _HEADER))


def copied_messages(
    filesystem: Filesystem, instances: Iterable[InstanceConfig]
) -> Iterator[CopiedMessage]:
    """Yield the messages that are in the queues of two of ``instances``.

    They have one arrival time, to the microsecond, one size, one sender and one Message-ID. Of
    configurations with one queue, the one that runs counts. At most 5000 messages of a queue are
    compared.
    """
    for one, other in combinations(_by_queue(filesystem, instances), 2):
        (first, mine), (second, theirs) = one, other
        for key in mine.keys() & theirs.keys():
            a, b = mine[key], theirs[key]
            if a.message_id() == b.message_id():
                ids = (a.path.name, b.path.name)
                yield CopiedMessage(first, second, *ids, a.is_held, b.is_held)


def _by_queue(
    filesystem: Filesystem, instances: Iterable[InstanceConfig]
) -> list[tuple[str, dict[tuple[str, int, str], _Queued]]]:
    owners: dict[str, str] = {}
    for instance in sorted(instances, key=lambda i: not i.running):
        if instance.queue_directory:
            place = os.path.realpath(filesystem.real(instance.queue_directory))
            owners.setdefault(place, instance.directory)
    if len(owners) < 2:
        return []
    return [
        (directory, {q.envelope.key: q for q in islice(_queued(Path(place)), _MOST)})
        for place, directory in sorted(owners.items(), key=lambda owner: owner[1])
    ]


def _queued(place: Path) -> Iterator[_Queued]:
    for name in _QUEUES:
        for above, _, files in os.walk(place / name):
            for file in files:
                path = Path(above, file)
                if found := queuefile.envelope(_read(path, 0, _BEGINNING)):
                    yield _Queued(path, found, name == "hold")


def _read(path: Path, offset: int, size: int) -> bytes:
    """Return ``size`` bytes of ``path`` from ``offset`` on; none of what cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError:
        return b""
