"""Handing the messages of one queue to another instance.

The instance that gives is stopped, and nobody works in its queue or can reach it; the one that
takes may run. Name, inode, sender, recipients, those delivered already, time of arrival and of the
next attempt are in the file or go with it; what is known of the recipients that wait (defer,
bounce, trace) goes first. See handover for how a message moves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import PurePosixPath

from postwrap.below import Below
from postwrap.errors import PostwrapError, RefusedError
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.provision.engine.handover import QueuePair, stages, waiting
from postwrap.provision.engine.queue_files import Message, QueueTarget, has_mail, messages
from postwrap.provision.engine.settling import OLD_STAGE, settle, settle_old
from postwrap.provision.engine.steps import Requeue
from postwrap.provision.engine.vacancy import await_nobody, need_nobody
from postwrap.provision.transports import TRANSPORTS, need_delivering

DRAIN = "deliver it, or give --requeue-to default, which hands it to that instance"


def requeue(
    filesystem: Filesystem, postfix: Postfix, operation: Requeue, told: Callable[[str], None]
) -> None:
    """Move all messages as ``operation`` says; RefusedError where there is mail and no target."""
    source = operation.source
    if not filesystem.is_directory(source):
        return
    place = str(filesystem.real(source))
    if not operation.settle:
        await_nobody(place, told)
    giver = Below(filesystem.real(source))
    if not operation.directory:
        if holds_mail(filesystem, source):
            raise RefusedError(f"{source}: mail has come in meanwhile", DRAIN)
        return
    if not _has_stage(giver) and not has_mail(filesystem, source):
        return
    target = QueueTarget.look_at(postfix, operation.directory)
    pair = QueuePair(giver, Below(filesystem.real(target.queue_directory)), target)
    settle(pair, told)
    settle_old(pair, told)
    if operation.settle:
        return
    _need_nothing_elsewhere(giver)
    found = messages(filesystem, source)
    if found:
        values = postfix.parameters(tuple(TRANSPORTS), operation.directory)
        need_delivering(operation.directory, values)
    _hand_over(pair, found, told)
    need_nobody(place)
    if has_mail(filesystem, source):
        hint = f"postwrap requeue {source} {operation.directory}"
        raise RefusedError(f"{source}: mail has come in meanwhile", hint)
    told(f"{operation.directory}: has taken over {counted(len(found))}")
    wake(postfix, operation.directory)


def _hand_over(pair: QueuePair, found: list[Message], told: Callable[[str], None]) -> None:
    """Move the messages ``found``; where that fails each is in one queue or in the other."""
    try:
        pair.hand_over(found)
    except BaseException:
        with contextlib.suppress(OSError, PostwrapError):
            settle(pair, told)
        raise


def _has_stage(giver: Below) -> bool:
    """Whether a run, one of an older postwrap too, has left something on its way."""
    return bool(stages(giver)) or giver.status(OLD_STAGE) is not None


def holds_mail(filesystem: Filesystem, queue_directory: str) -> bool:
    """Whether ``queue_directory`` holds a message, in a queue or on its way to another one."""
    giver = Below(filesystem.real(queue_directory))
    on_the_way = any(waiting(giver, stage) for stage in stages(giver))
    return on_the_way or has_mail(filesystem, queue_directory)


def _need_nothing_elsewhere(giver: Below) -> None:
    """Raise RefusedError for what is on its way to another queue than the one that is settled."""
    for stage, place in stages(giver).items():
        if waiting(giver, stage):
            hint = f"postwrap requeue {giver.top} NAME, NAME being the instance of {place}"
            message = f"{giver.real(stage)}: holds messages on their way to {place}"
            raise RefusedError(message, hint)


def counted(number: int) -> str:
    """Return a number of messages in words."""
    return f"{number} message" if number == 1 else f"{number} messages"


def wake(postfix: Postfix, directory: str) -> None:
    """Tell a running instance to look into its queues; one that does not run will at its start."""
    postkick = str(PurePosixPath(postfix.postconf).with_name("postkick"))
    for service, request in (("pickup", "W"), ("qmgr", "ID")):
        postfix.run(postkick, "public", service, request, directory=directory)
