"""The messages in a queue directory, and where a message belongs in one.

A message is one file, complete if it is executable (postfix src/global/mail_stream.c).
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.below import Below
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.provision.engine.queue_id import hash_words

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
"""Where messages are, as qmgr(8) and pickup(8) know them."""

KEPT = ("corrupt", "saved")
"""Where Postfix puts aside what it cannot make out, for a person to look at."""

LOGS = ("bounce", "defer", "trace")
"""Where it is kept what is known of the recipients of a message that waits."""

_LOOKS = 5
"""How often a queue is looked at until two looks agree."""


@dataclass(frozen=True, slots=True)
class Message:
    """One queue file: the queue it is in, its queue ID, and where it is in the queue directory."""

    queue: str
    name: str
    path: str


def messages(filesystem: Filesystem, queue_directory: str) -> list[Message]:
    """Return the messages in ``queue_directory``; unfinished files, never accepted, are none.

    A message may move into a queue that has been passed, so it is looked again until two looks
    agree. Where they never do, much is under way, and what any look saw is returned.
    """
    below = Below(filesystem.real(queue_directory))
    seen: dict[str, Message] = {}
    last = None
    for _ in range(_LOOKS):
        look = list(_look(below))
        if look == last:
            return look
        last = look
        seen |= {message.name: message for message in look}
    return list(seen.values())


def _look(below: Below) -> Iterator[Message]:
    for queue in QUEUES:
        for path, status in sorted(below.files(queue), key=lambda found: found[0]):
            if status.st_mode & stat.S_IXUSR:
                yield Message(queue, path.rpartition("/")[2], path)


def has_mail(filesystem: Filesystem, queue_directory: str) -> bool:
    """Whether ``queue_directory`` holds any message."""
    return bool(messages(filesystem, queue_directory))


@dataclass(frozen=True, slots=True)
class QueueTarget:
    """The queue that takes: its directory, which of its queues are hashed, and how deep."""

    queue_directory: str
    hashed: frozenset[str]
    depth: int

    @classmethod
    def look_at(cls, postfix: Postfix, directory: str) -> QueueTarget:
        """Return the queue of the instance in ``directory``."""
        names = ("queue_directory", "hash_queue_names", "hash_queue_depth")
        told = postfix.parameters(names, directory)
        hashed = frozenset(told["hash_queue_names"].replace(",", " ").split())
        return cls(told["queue_directory"], hashed, int(told["hash_queue_depth"]))

    def path(self, queue: str, name: str) -> str:
        """Return where the file ``name`` of ``queue`` belongs, in the queue directory."""
        hashed = hash_words(name)[: self.depth] if queue in self.hashed else ""
        return "/".join((queue, *hashed, name))
