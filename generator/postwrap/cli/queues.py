"""What the verbs that look at queues have in common: which are read, and how it went."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from postwrap import STATE_DIRECTORY
from postwrap.errors import Problem, RefusedError
from postwrap.host import files, mastercf, procfs
from postwrap.host.capacity import Capacity, capacities, saturated
from postwrap.host.model import Master
from postwrap.host.naming import Instance, select
from postwrap.installation import Installation
from postwrap.postfix import PostfixError
from postwrap.queues.model import Queued, Reading
from postwrap.queues.reader import QueuePlace, read
from postwrap.queues.views import Counts, View

if TYPE_CHECKING:
    from postwrap.cli.documents import QueueFigures


@dataclass(frozen=True, slots=True)
class QueueOutcome:
    """How an instance's queue was read.

    ``master`` is its master(8) and ``running`` whether it runs, None where this user may not see
    that. ``is_complete``: the views hold all of the queue. ``problem`` is why they do not.
    """

    instance: Instance
    running: bool | None
    is_complete: bool
    problem: Problem | None = None
    master: Master | None = None


def chosen(host: Installation, names: Iterable[str]) -> tuple[Instance, ...]:
    """Return the instances that ``names`` mean, all without a name.

    Raises RefusedError where a name means none, or one that is not served.
    """
    words = list(names)
    for word in words:
        host.discovery.need_served(word)
    return select(host.discovery.instances, words)


def outcomes(
    host: Installation,
    instances: Sequence[Instance],
    views: Callable[[Instance], Sequence[View]],
    *,
    seconds: float | None = None,
) -> list[QueueOutcome]:
    """Read the queues of ``instances`` into the ``views`` of each, and return how it went.

    What is not read within ``seconds`` is given up.
    """
    by_directory = {i.directory: views(i) for i in instances}

    def take(directory: str, messages: Sequence[Queued]) -> None:
        for view in by_directory[directory]:
            view.add(messages)

    masters = _masters(host)
    places = [p for i in instances if (p := _place(i, masters.get(i.directory)))]
    readings = read(places, take, _postqueue(host), seconds=seconds)
    return [_outcome(host, i, readings.get(i.directory), masters) for i in instances]


def _masters(host: Installation) -> dict[str, Master]:
    """Return the master(8) of each instance that is seen to run, by directory."""
    queues = {
        i.directory: i.parameters.get("queue_directory", "") for i in host.discovery.instances
    }
    return procfs.running(host.source, queues, procfs.masters(host.source))


def _place(instance: Instance, master: Master | None) -> QueuePlace | None:
    """Return where the queue is; where postconf cannot say it, the master(8) that runs does."""
    queue = instance.parameters.get("queue_directory", "") or (
        master.queue_directory if master else ""
    )
    return QueuePlace(instance.directory, queue.rstrip("/")) if queue else None


def _postqueue(host: Installation) -> str:
    directory = host.discovery.default_parameters.get("command_directory", "/usr/sbin")
    return str(PurePosixPath(directory, "postqueue"))


def _outcome(
    host: Installation,
    instance: Instance,
    reading: Reading | None,
    masters: dict[str, Master],
) -> QueueOutcome:
    master = masters.get(instance.directory)
    seen = True if master else False if procfs.sees_all() else None
    if reading is None:
        known = (p for p in host.discovery.problems if p.subject == instance.directory)
        unknown = Problem(instance.directory, "postconf does not tell its queue_directory")
        return QueueOutcome(instance, seen, False, next(known, unknown), master)
    running = reading.running if seen is None else seen
    return QueueOutcome(instance, running, reading.is_complete, reading.problem, master)


def recorded_role(host: Installation, directory: str) -> str:
    """Return the role of the instance in ``directory``, "" for none; only root may read of it."""
    if not any(name.endswith(".json") for name in files.names(host.source, STATE_DIRECTORY)):
        return ""
    from postwrap.provision.engine.journal import ProvisionJournal

    with contextlib.suppress(OSError, RefusedError):
        record = ProvisionJournal(host.source).known(directory)
        return record.role if record else ""
    return ""


def saturations(
    host: Installation, found: Iterable[tuple[QueueOutcome, int]]
) -> dict[str, tuple[Capacity, ...]]:
    """Return the client services that have no process left, by configuration directory.

    ``found`` are instances, each with the number of messages in its active queue.
    """
    busy = [(o, o.master, active) for o, active in found if o.master and active]
    processes = procfs.service_processes(host.source, (master for _, master, _ in busy))
    return {
        outcome.instance.directory: _saturated(host, outcome.instance, processes[m.pid], active)
        for outcome, m, active in busy
    }


def _saturated(
    host: Installation, instance: Instance, processes: Mapping[str, int], active: int
) -> tuple[Capacity, ...]:
    """Return the services of ``instance`` that have no process left for ``active`` messages.

    postconf is only asked, by the cache of former answers, where as many as that wait.
    """
    if not host.postfix or active <= max(processes.values(), default=0):
        return ()
    try:
        said = host.configurations.configuration(
            host.postfix, host.source, instance.directory, is_default=instance.is_default
        )
    except PostfixError:
        return ()  # reported with the instance
    services = mastercf.services(said.master, said.expanded, said.stated, said.parameters, {})
    return tuple(saturated(capacities(services, said.parameters), processes, active))


def figures(counts: Counts) -> QueueFigures:
    """Return the counts of each queue as JSON."""
    by_queue = counts.by_queue
    return {
        "active": by_queue["active"],
        "deferred": by_queue["deferred"],
        "hold": by_queue["hold"],
        "incoming": by_queue["incoming"],
        "maildrop": by_queue["maildrop"],
    }


def problems(
    host: Installation, found: Iterable[QueueOutcome], names: Sequence[str] = ()
) -> list[Problem]:
    """Return what kept queues from being read, and the directories that are not served.

    Where instances are named, only theirs.
    """
    own = [outcome.problem for outcome in found if outcome.problem]
    others = [p for p in host.discovery.problems if p not in own]
    return own if names else [*others, *own]
