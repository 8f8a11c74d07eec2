"""Handing the messages of one queue to another instance.

The instance that gives is stopped, and nobody else can reach its queue; the one that takes may
run. A message is one file, complete if it is executable (postfix src/global/mail_stream.c), and
moves by rename(2): it is in one queue or in the other, never in none and never in both, whenever
this program is killed. Name, inode, sender, recipients, those delivered already, time of arrival
and of the next attempt are in the file or go with it; what is known of the recipients that wait
(defer, bounce, trace) goes first. Between two file systems a copy is made outside the queues and
compared, and changes places with the original in two renames; see ``settle``.
"""

from __future__ import annotations

import errno
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.provision import kernel
from postwrap.provision.queue_id import hash_words, renumbered
from postwrap.provision.steps import Requeue

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
"""Where messages are, as qmgr(8) and pickup(8) know them."""

KEPT = ("corrupt", "saved")
"""Where Postfix puts aside what it cannot make out, for a person to look at."""

_PATIENCE = 60.0
"""Seconds that a message may still be on its way into the queue."""

_LOGS = ("bounce", "defer", "trace")
_TARGETS: Mapping[str, str] = {"active": "incoming"}
"""What was on its way out when the instance stopped is new mail to the other."""


_STAGE = ".postwrap"
"""Where copies wait in the taking queue directory, and originals rest in the giving one."""


@dataclass(frozen=True, slots=True)
class Message:
    """One queue file: the queue it is in, its queue ID, and where it is."""

    queue: str
    name: str
    path: str


def messages(filesystem: Filesystem, queue_directory: str) -> Iterator[Message]:
    """Yield the messages in ``queue_directory``; unfinished files, never accepted, are none."""
    for queue in QUEUES:
        for path in _files(filesystem, f"{queue_directory}/{queue}"):
            if filesystem.stat(path).st_mode & stat.S_IXUSR:
                yield Message(queue, PurePosixPath(path).name, path)


def has_mail(filesystem: Filesystem, queue_directory: str) -> bool:
    """Whether ``queue_directory`` holds any message."""
    return next(messages(filesystem, queue_directory), None) is not None


def _files(filesystem: Filesystem, directory: str) -> Iterator[str]:
    """Yield the regular files below ``directory``, hashed subdirectories included."""
    for name in filesystem.names(directory):
        path = f"{directory}/{name}"
        try:
            mode = filesystem.real(path).lstat().st_mode
        except FileNotFoundError:
            continue  # delivered, or moved on, meanwhile
        if stat.S_ISDIR(mode):
            yield from _files(filesystem, path)
        elif stat.S_ISREG(mode):
            yield path


def requeue(
    filesystem: Filesystem, postfix: Postfix, operation: Requeue, told: Callable[[str], None]
) -> None:
    """Move all messages as ``operation`` says; RefusedError where there is mail and no target."""
    if not operation.settle:
        _await_submissions(filesystem, operation.source, told)
    if not operation.directory:
        if has_mail(filesystem, operation.source):
            raise RefusedError(f"{operation.source}: mail has come in meanwhile", DRAIN)
        return
    has_stage = filesystem.is_directory(f"{operation.source}/{_STAGE}")
    if not has_stage and not has_mail(filesystem, operation.source):
        return
    settle(filesystem, postfix, operation)
    if operation.settle:
        return
    target = Target.look_at(postfix, operation.directory)
    moved = 0
    for message in messages(filesystem, operation.source):
        _hand_over(filesystem, target, operation.source, message)
        moved += 1
    filesystem.remove_directory(f"{target.queue_directory}/{_STAGE}")
    told(f"{operation.directory}: has taken over {counted(moved)}")
    wake(postfix, operation.directory)


def counted(number: int) -> str:
    """Return a number of messages in words."""
    return f"{number} message" if number == 1 else f"{number} messages"


def _await_submissions(
    filesystem: Filesystem, queue_directory: str, told: Callable[[str], None]
) -> None:
    """Wait for those who are still submitting to this queue; RefusedError if they do not end.

    postdrop(1) tells its sender that the message is queued once its file is whole, and does not
    look whether anybody is there to fetch it.
    """
    place = str(filesystem.real(queue_directory).resolve())
    end = time.monotonic() + _PATIENCE
    found = kernel.working_in(place, "postdrop")
    if found:
        told(f"{queue_directory}: waiting for {counted(len(found))} to be submitted")
    while found:
        if time.monotonic() > end:
            hint = f"kill {' '.join(map(str, found))}, or let its sender end; then do it again"
            raise RefusedError(f"{queue_directory}: a message is still being submitted", hint)
        time.sleep(0.1)
        found = kernel.working_in(place, "postdrop")


DRAIN = "deliver it, or give --requeue-to default, which hands it to that instance"


@dataclass(frozen=True, slots=True)
class Target:
    """The queue that takes: its directory, which of its queues are hashed, and how deep."""

    queue_directory: str
    hashed: frozenset[str]
    depth: int

    @classmethod
    def look_at(cls, postfix: Postfix, directory: str) -> Target:
        """Return the queue of the instance in ``directory``."""
        names = ("queue_directory", "hash_queue_names", "hash_queue_depth")
        told = postfix.parameters(names, directory)
        hashed = frozenset(told["hash_queue_names"].replace(",", " ").split())
        return cls(told["queue_directory"], hashed, int(told["hash_queue_depth"]))

    def path(self, queue: str, name: str) -> str:
        """Return where the file ``name`` of ``queue`` belongs."""
        folder = f"{self.queue_directory}/{queue}"
        if queue in self.hashed:
            folder += "".join(f"/{character}" for character in hash_words(name)[: self.depth])
        return f"{folder}/{name}"


def _hand_over(filesystem: Filesystem, target: Target, source: str, message: Message) -> None:
    logs = [f"{source}/{log}" for log in _LOGS]
    found = [p for log in logs for p in _files(filesystem, log) if p.endswith(f"/{message.name}")]
    queue = _TARGETS.get(message.queue, message.queue)
    place = target.path(queue, message.name)
    if filesystem.exists(place):
        hint = "deliver that message first, then run the same command again"
        raise RefusedError(f"{place}: is in the way of {message.path}", hint)
    try:
        for path in found:
            log = path.removeprefix(f"{source}/").partition("/")[0]
            _move(filesystem, path, target.path(log, message.name))
        _move(filesystem, message.path, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_over(filesystem, target, source, message, found)


def _move(filesystem: Filesystem, path: str, place: str) -> None:
    _make_parents(filesystem, place)
    filesystem.rename(path, place)


def _make_parents(filesystem: Filesystem, place: str) -> None:
    """Make the hashed directories above ``place``, each owned as the queue above it is."""
    parent = str(PurePosixPath(place).parent)
    if not filesystem.is_directory(parent):
        _make_parents(filesystem, parent)
        filesystem.make_directory_like(parent, str(PurePosixPath(parent).parent))


def _copy_over(
    filesystem: Filesystem, target: Target, source: str, message: Message, logs: list[str]
) -> None:
    """Hand a message to another file system.

    The copy waits outside the queues until the original, verified against it, has left its own;
    ``settle`` finishes what was interrupted in between.
    """
    queue = _TARGETS.get(message.queue, message.queue)
    for directory in (f"{target.queue_directory}/{_STAGE}", f"{source}/{_STAGE}"):
        if not filesystem.is_directory(directory):
            filesystem.make_directory(directory)
    label = f"{queue},{message.name}"
    staged = f"{target.queue_directory}/{_STAGE}/{label}"
    filesystem.duplicate(message.path, staged)
    name = renumbered(message.name, filesystem.stat(staged).st_ino)
    for path in logs:
        log = path.removeprefix(f"{source}/").partition("/")[0]
        place = target.path(log, name)
        _make_parents(filesystem, place)
        filesystem.duplicate(path, place)
    filesystem.rename(message.path, f"{source}/{_STAGE}/{label}")
    _move(filesystem, staged, target.path(queue, name))


def settle(filesystem: Filesystem, postfix: Postfix, operation: Requeue) -> None:
    """Finish the one message that a killed run had copied: into the queue if its original left."""
    target = Target.look_at(postfix, operation.directory)
    stage = f"{target.queue_directory}/{_STAGE}"
    for label in filesystem.names(stage):
        staged = f"{stage}/{label}"
        queue, _, name = label.partition(",")
        if filesystem.exists(f"{operation.source}/{_STAGE}/{label}"):
            inode = filesystem.stat(staged).st_ino
            _move(filesystem, staged, target.path(queue, renumbered(name, inode)))
        else:
            filesystem.remove(staged)
    filesystem.remove_directory(stage)


def wake(postfix: Postfix, directory: str) -> None:
    """Tell a running instance to look into its queues; one that does not run will at its start."""
    postkick = str(PurePosixPath(postfix.postconf).with_name("postkick"))
    for service, request in (("pickup", "W"), ("qmgr", "ID")):
        postfix.run(postkick, "public", service, request, directory=directory)
