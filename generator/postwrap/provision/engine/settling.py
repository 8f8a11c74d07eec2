"""Finishing what a killed run left on its way between two file systems; see handover."""

from __future__ import annotations

from collections.abc import Callable

from postwrap.provision.engine.handover import QueuePair, stages, waiting
from postwrap.provision.engine.queue_files import LOGS, QUEUES


def settle(pair: QueuePair, told: Callable[[str], None]) -> None:
    """Finish what a killed run left on its way from the one queue to the other."""
    for stage, place in stages(pair.giver).items():
        if place in ("", pair.place):
            _settle_stage(pair, stage, told)
            pair.close(stage)


def _settle_stage(pair: QueuePair, stage: str, told: Callable[[str], None]) -> None:
    there = {path.rpartition("/")[2] for queue in QUEUES for path, _ in pair.giver.files(queue)}
    copies = [name for name in pair.taker.names(stage) if name.partition(",")[0] in QUEUES]
    for label in copies:
        staged = f"{stage}/{label}"
        if pair.giver.status(staged):
            pair.giver.sync([staged])
            pair.taker.sync(list(pair.admit(staged)))
            pair.giver.remove(staged)
        elif label.partition(",")[2] in there:
            pair.taker.remove(staged)
        else:
            told(_kept(pair, staged))
    for label in pair.taker.names(stage):
        if label.partition(",")[0] in LOGS:
            pair.taker.remove(f"{stage}/{label}")
    _settle_originals(pair, stage)


def _settle_originals(pair: QueuePair, stage: str) -> None:
    """Remove the originals whose copies are in the queue.

    The taking stage goes after them. Where it is missing, a file system was lost or put back to
    what it was before, and they return into their queue.
    """
    is_whole = pair.taker.status(stage) is not None
    for label in waiting(pair.giver, stage):
        if is_whole:
            pair.giver.remove(f"{stage}/{label}")
        else:
            queue, _, name = label.partition(",")
            pair.giver.rename(f"{stage}/{label}", pair.giver, f"{queue}/{name}")


OLD_STAGE = ".postwrap"
"""The stage of postwrap 0.1: in the taking queue directory all who gave had one in common."""


def settle_old(pair: QueuePair, told: Callable[[str], None]) -> None:
    """Finish what an older postwrap left on its way; a copy whose original is nowhere stays."""
    originals = {
        path.rpartition("/")[2]: path for queue in QUEUES for path, _ in pair.giver.files(queue)
    }
    for label in pair.taker.names(OLD_STAGE):
        queue, _, name = label.partition(",")
        staged = f"{OLD_STAGE}/{label}"
        if queue not in QUEUES:
            continue
        if _is_copy(pair, staged, staged, whole=True):
            pair.taker.sync(list(pair.admit(staged)))
        elif _is_copy(pair, staged, originals.get(name, "")):
            pair.taker.remove(staged)
        else:
            told(_kept(pair, staged))
    pair.taker.remove_directory(OLD_STAGE)


def _is_copy(pair: QueuePair, staged: str, original: str, *, whole: bool = False) -> bool:
    """Whether ``staged`` is a copy, or the beginning of one, of the giver's file ``original``."""
    status, copied = pair.giver.status(original), pair.taker.status(staged)
    if not original or status is None or copied is None:
        return False
    if whole and status.st_size != copied.st_size:
        return False
    return pair.taker.has_beginning(staged, pair.giver, original)


def _kept(pair: QueuePair, staged: str) -> str:
    path = pair.taker.real(staged)
    return (
        f"{path}: the original of this copy of a message is not in {pair.giver.top}; "
        f"the copy is kept (postcat {path} shows it)"
    )
