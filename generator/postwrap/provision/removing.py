"""``remove`` as one call: gather, decide, and hand back what is to be done."""

from __future__ import annotations

import os
from dataclasses import dataclass

from postwrap.errors import RefusedError
from postwrap.host import Host
from postwrap.instance import find
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.gathering import gather, is_locked, running_service
from postwrap.provision.journal import Journal
from postwrap.provision.removal import (
    Removal,
    final_steps,
    places,
    removal_steps,
    still_as_written,
)
from postwrap.provision.requeue import DRAIN, messages
from postwrap.provision.steps import Requeue
from postwrap.provision.workshop import Plan, Workshop


@dataclass(frozen=True, slots=True)
class RemoveOptions:
    """What ``remove`` was asked for; ``date`` marks what is kept."""

    name: str
    date: str
    purge: bool = False
    requeue_to: str = ""


def plan_removal(host: Host, journal: Journal, options: RemoveOptions) -> Plan:
    """Return the plan to remove an instance; RefusedError while mail is queued in it."""
    facts = gather(host)
    instance = find_configured(host, facts, options.name)
    target = find_configured(host, facts, options.requeue_to) if options.requeue_to else None
    if instance.directory == facts.default.directory:
        raise RefusedError(f"{instance.directory}: is the default instance", "it stays")
    if target == instance:
        raise RefusedError(f"--requeue-to {options.requeue_to}: is itself", "name another")
    _need_own_queue(instance, facts)
    record = journal.read(instance.directory)
    there = {i.directory for i in facts.instances}
    others = tuple(r for r in journal.others(instance.directory) if r.directory in there)
    count = sum(1 for _ in messages(host.source, instance["queue_directory"]))
    if count and not target:
        raise RefusedError(f"{instance.name}: {count} messages are queued", DRAIN)
    mounted = tuple(p for p in places(instance)[1:] if os.path.ismount(host.source.real(p)))
    removal = Removal(
        instance,
        running_service(host.source, instance),
        record,
        others,
        _mark(host, instance, options.date),
        options.purge,
        target.directory if target else "",
        instance.directory in host.manifest.instances(),
        mounted,
    )
    return Plan(
        instance.name,
        instance.directory,
        removal_steps(removal, facts),
        settled={"messages": f"{count}, to {target.directory}" if target else str(count)},
        notes=(
            *still_as_written(removal, facts)[1],
            *(f"{place}: is a mount point, and stays; umount it" for place in mounted),
        ),
        last=final_steps(removal),
    )


def take_over(workshop: Workshop, queue_directory: str, name: str) -> None:
    """Hand the messages in ``queue_directory``, where no instance runs, to the instance ``name``.

    Raises RefusedError where one does run, or there is no such directory.
    """
    filesystem = workshop.host.source
    if not filesystem.is_directory(queue_directory):
        raise RefusedError(f"{queue_directory}: no such directory", "name a queue_directory")
    if is_locked(filesystem, queue_directory):
        hint = "stop it first, with its own postfix command"
        raise RefusedError(f"{queue_directory}: an instance runs there", hint)
    target = find_configured(workshop.host, gather(workshop.host), name)
    if target["queue_directory"] == queue_directory:
        raise RefusedError(f"{queue_directory}: is that of {name} itself", "name another")
    workshop.worker.do(Requeue(queue_directory, target.directory))


def find_configured(host: Host, facts: Facts, word: str) -> Configured:
    """Return the instance that ``word`` means."""
    directory = find(host.discovery.instances, word).directory
    for instance in facts.instances:
        if instance.directory == directory:
            return instance
    raise RefusedError(f"{directory}: Postfix cannot read it", f"postfix -c {directory} check")


def _need_own_queue(instance: Configured, facts: Facts) -> None:
    """Raise RefusedError where another instance would lose its directories by the removal."""
    for other in facts.instances:
        for parameter in ("queue_directory", "data_directory"):
            if other is not instance and other[parameter] == instance[parameter]:
                message = f"{instance[parameter]}: is the {parameter} of {other.directory} too"
                raise RefusedError(message, "give each its own first; postwrap check says how")


def _mark(host: Host, instance: Configured, date: str) -> str:
    """Return what is put behind the names of kept directories: ``.removed-DATE``, or ``-2`` …."""
    number = 1
    while True:
        mark = f".removed-{date}" + (f"-{number}" if number > 1 else "")
        if not any(host.source.exists(place + mark) for place in places(instance)):
            return mark
        number += 1
