"""``remove`` as one call: gather, decide, and hand back what is to be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.errors import RefusedError
from postwrap.host import Host
from postwrap.instance import Instance, find, suffix_of
from postwrap.provision import kernel
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.gathering import gather, is_locked, running_service
from postwrap.provision.journal import Journal, Record
from postwrap.provision.removal import (
    LISTS,
    Removal,
    final_steps,
    ghost_steps,
    places,
    removal_steps,
    still_as_written,
)
from postwrap.provision.requeue import DRAIN, KEPT, counted, messages
from postwrap.provision.service import Service
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
    if ghost := _ghost(host, journal, facts, options.name):
        return _plan_for_ghost(host, journal, facts, ghost)
    instance = find_configured(host, facts, options.name)
    target = find_configured(host, facts, options.requeue_to) if options.requeue_to else None
    if instance.directory == facts.default.directory:
        raise RefusedError(f"{instance.directory}: is the default instance", "it stays")
    if target == instance:
        raise RefusedError(f"--requeue-to {options.requeue_to}: is itself", "name another")
    _need_own_queue(instance, facts)
    _need_stoppable(instance)
    count = sum(1 for _ in messages(host.source, instance["queue_directory"]))
    if count and not target:
        raise RefusedError(f"{instance.name}: {counted(count)} queued", DRAIN)
    if options.purge:
        _need_nothing_aside(host, instance)
    mounted = tuple(p for p in places(instance)[1:] if os.path.ismount(host.source.real(p)))
    removal = Removal(
        instance,
        running_service(host.source, instance),
        journal.read(instance.directory),
        _others(journal, facts, instance.directory),
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
            *_pointers(removal, facts),
            *(f"{place}: is a mount point, and stays; umount it" for place in mounted),
        ),
        last=final_steps(removal),
    )


def _pointers(removal: Removal, facts: Facts) -> Iterator[str]:
    """Yield a line for each next hop of another instance that leads to the one that goes."""
    back, _ = still_as_written(removal, facts)
    gone = [f"[{e.address}]" for e in removal.instance.endpoints]
    for instance in facts.instances:
        for name in ("relayhost", "smtp_fallback_relay", "content_filter"):
            value = instance[name]
            is_restored = instance is facts.default and name in back
            stays = instance is not removal.instance and not is_restored
            if stays and any(hop in value for hop in gone):
                yield f"{instance.directory}: {name} = {value} still leads to it; change that"


def _others(journal: Journal, facts: Facts, directory: str) -> tuple[Record, ...]:
    """Return the records of the other instances that are there."""
    there = {instance.directory for instance in facts.instances}
    return tuple(r for r in journal.others(directory) if r.directory in there)


def _need_nothing_aside(host: Host, instance: Configured) -> None:
    """Raise RefusedError where --purge would take what Postfix put aside for a person to see."""
    for queue in KEPT:
        place = f"{instance['queue_directory']}/{queue}"
        if host.source.names(place):
            hint = "see to it (postcat shows it), or leave --purge out, which keeps it"
            raise RefusedError(f"{place}: holds mail that Postfix put aside", hint)


def _ghost(host: Host, journal: Journal, facts: Facts, word: str) -> str:
    """Return the directory of an instance called ``word`` that was taken away by hand, "" for none.

    It is known by its record, or by the default instance's lists.
    """
    lists = (facts.default[name] for name in LISTS)
    known = [*journal.directories(), *(d for text in lists for d in text.replace(",", " ").split())]
    for directory in known:
        is_it = Instance(directory, suffix_of(directory)).answers_to(word)
        if is_it and not host.source.exists(directory):
            return directory
    return ""


def _plan_for_ghost(host: Host, journal: Journal, facts: Facts, directory: str) -> Plan:
    """Return the plan to take away what is left of an instance that is gone."""
    name = Instance(directory, suffix_of(directory)).name
    removal = Removal(
        Configured(directory, name, {}, {}, (), {}, ()),
        Service(directory),
        journal.read(directory),
        _others(journal, facts, directory),
        "",
        wrapped=directory in host.manifest.instances(),
    )
    return Plan(
        name,
        directory,
        ghost_steps(removal, facts),
        notes=(
            *still_as_written(removal, facts)[1],
            f"{directory}: is gone already; its queue and data directories stay where they are",
            f"{directory}: if its master(8) still runs, kill that",
        ),
    )


def take_over(workshop: Workshop, queue_directory: str, name: str) -> None:
    """Hand the messages in ``queue_directory``, where no instance runs, to the instance ``name``.

    Without a name there must be none. Raises RefusedError where an instance does run there, or
    there is no such directory.
    """
    filesystem = workshop.host.source
    if not filesystem.is_directory(queue_directory):
        raise RefusedError(f"{queue_directory}: no such directory", "name a queue_directory")
    if is_locked(filesystem, queue_directory):
        hint = "stop it first, with its own postfix command"
        raise RefusedError(f"{queue_directory}: an instance runs there", hint)
    directory = ""
    if name:
        target = find_configured(workshop.host, gather(workshop.host), name)
        if target["queue_directory"] == queue_directory:
            raise RefusedError(f"{queue_directory}: is that of {name} itself", "name another")
        directory = target.directory
    workshop.worker.do(Requeue(queue_directory, directory))


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


def _need_stoppable(instance: Configured) -> None:
    """Raise RefusedError where a master(8) has lost the queue directory by which it is stopped."""
    queue = instance["queue_directory"]
    for pid in kernel.working_in(f"{queue}{kernel.DELETED}", "master"):
        message = f"{queue}: is gone, and the instance's master(8) runs without it"
        raise RefusedError(message, f"kill {pid}")


def _mark(host: Host, instance: Configured, date: str) -> str:
    """Return what is put behind the names of kept directories: ``.removed-DATE``, or ``-2`` …."""
    number = 1
    while True:
        mark = f".removed-{date}" + (f"-{number}" if number > 1 else "")
        if not any(host.source.exists(place + mark) for place in places(instance)):
            return mark
        number += 1
