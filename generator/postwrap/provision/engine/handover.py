"""Moving messages from one queue directory to another.

On one file system a message moves by rename(2): it is in one queue or in the other, never in none
and never in both, whenever this program is killed. Between two file systems a copy is made outside
the queues, in a *stage*: a directory of the same new name in both queue directories, which root
alone may enter. The giving one has a link ``to`` in it that names the taking queue directory, so
nobody settles what another queue has left there. A message passes through it in four steps, each
of them on the disk before the next:

1. its copy is in the taking stage
2. the original leaves its queue for the giving stage
3. the copy leaves the taking stage for its queue
4. the original is removed
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from postwrap.below import Below
from postwrap.errors import RefusedError
from postwrap.provision.engine.queue_files import LOGS, QUEUES, Message, QueueTarget
from postwrap.provision.engine.queue_id import renumbered

_TARGETS: Mapping[str, str] = {"active": "incoming"}
"""What was on its way out when the instance stopped is new mail to the other."""

_STAGE = ".postwrap-"
_TO = "to"
_BATCH = 100
"""Messages that pass through a stage together: each of its steps waits for the disk."""


@dataclass(frozen=True, slots=True)
class QueuePair:
    """The queue directory that gives, the one that takes, and what is known of the latter."""

    giver: Below
    taker: Below
    target: QueueTarget

    @property
    def place(self) -> str:
        """How the taking queue directory is called in a stage."""
        return os.path.realpath(self.taker.top)

    def hand_over(self, found: Sequence[Message]) -> None:
        """Move the messages ``found``; RefusedError where one is in the way."""
        logs = _logs(self.giver)
        far = [m for m in found if not self._rename(m, logs.get(m.name, []))]
        for start in range(0, len(far), _BATCH):
            self._copy(far[start : start + _BATCH], logs)
        self._sync(found)

    def _sync(self, found: Sequence[Message]) -> None:
        """Bring to the disk what was renamed: the giving queue may be deleted next."""
        self.taker.sync(
            self.target.path(part, m.name) for m in found for part in (_queue(m), *LOGS)
        )
        self.giver.sync(message.path for message in found)

    def _rename(self, message: Message, logs: Sequence[str]) -> bool:
        """Move a message on its file system, its logs first; False where it leads to another."""
        place = self.target.path(_queue(message), message.name)
        if self.taker.status(place):
            hint = "deliver that message first, then run the same command again"
            taken = f"{self.taker.real(place)}: is in the way of {self.giver.real(message.path)}"
            raise RefusedError(taken, hint)
        try:
            for path in logs:
                self._move(self.giver, path, self.target.path(_part(path), message.name))
            self._move(self.giver, message.path, place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        return True

    def _move(self, source: Below, path: str, place: str) -> None:
        self.taker.make_parents(place, QUEUES[1])
        source.rename(path, self.taker, place)

    def _copy(self, found: Sequence[Message], logs: Mapping[str, Sequence[str]]) -> None:
        """Hand messages to another file system, in the four steps."""
        stage = self._make_stage()
        originals = {f"{stage}/{_queue(m)},{m.name}": m.path for m in found}
        for staged, path in originals.items():
            name = path.rpartition("/")[2]
            for log in logs.get(name, []):
                self.giver.copy(log, self.taker, f"{stage}/{_part(log)},{name}")
            self.giver.copy(path, self.taker, staged)
        self.taker.sync(originals)
        for staged, path in originals.items():
            self.giver.rename(path, self.giver, staged)
        self.giver.sync((*originals, *originals.values()))
        self.taker.sync(place for staged in originals for place in self.admit(staged))
        for staged, path in originals.items():
            for done in (staged, *logs.get(path.rpartition("/")[2], [])):
                self.giver.remove(done)
        self.close(stage)

    def _make_stage(self) -> str:
        """Make a stage in both queue directories."""
        stage = _STAGE + secrets.token_hex(8)
        self.giver.make_directory(stage)
        self.giver.make_link(f"{stage}/{_TO}", self.place)
        self.giver.sync([f"{stage}/{_TO}"])
        self.taker.make_directory(stage)
        self.taker.sync([stage])
        return stage

    def admit(self, staged: str) -> Iterator[str]:
        """Let a copy and its logs into the queue; yield the paths that have changed by that.

        It takes the queue ID that goes with its inode.
        """
        stage, _, label = staged.rpartition("/")
        queue, _, name = label.partition(",")
        status = self.taker.status(staged)
        if status is None:
            raise FileNotFoundError(
                errno.ENOENT, os.strerror(errno.ENOENT), self.taker.real(staged)
            )
        own = renumbered(name, status.st_ino)
        for part in (*LOGS, queue):
            waiting = f"{stage}/{part},{name}"
            if self.taker.status(waiting):
                place = self.target.path(part, own)
                self._move(self.taker, waiting, place)
                yield from (waiting, place)

    def close(self, stage: str) -> None:
        """Remove a stage that nothing is left in."""
        # The originals go first: without the taking stage they would return into their queue.
        self.giver.sync([f"{stage}/{_TO}"])
        self.taker.remove_directory(stage)
        if self.taker.status(stage) is None and self.giver.names(stage) in ([], [_TO]):
            self.taker.sync([stage])
            self.giver.remove(f"{stage}/{_TO}")
            self.giver.remove_directory(stage)


def stages(giver: Below) -> dict[str, str]:
    """Return the stages in a giving queue directory, each with the queue directory it leads to."""
    names = [n for n in giver.names() if n.startswith(_STAGE)]
    return {name: giver.link(f"{name}/{_TO}") for name in names if _is_own(giver, name)}


def waiting(giver: Below, stage: str) -> list[str]:
    """Return what is on its way in a stage of ``giver``."""
    return [name for name in giver.names(stage) if name != _TO]


def _is_own(below: Below, path: str) -> bool:
    status = below.status(path)
    return status is not None and status.st_uid == os.geteuid()


def _logs(giver: Below) -> dict[str, list[str]]:
    """Return the files that tell of recipients, by the queue ID that they are called after."""
    found: dict[str, list[str]] = {}
    for log in LOGS:
        for path, _ in giver.files(log):
            found.setdefault(path.rpartition("/")[2], []).append(path)
    return found


def _queue(message: Message) -> str:
    return _TARGETS.get(message.queue, message.queue)


def _part(path: str) -> str:
    return path.partition("/")[0]
