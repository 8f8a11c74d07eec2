"""``remove`` as one call: look, decide, and hand back what is to be done."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

from postwrap.errors import RefusedError
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import Instance, is_safe, suffix_of
from postwrap.installation import Installation
from postwrap.provision.changing import left_notes
from postwrap.provision.desired import LISTS, parameter
from postwrap.provision.engine.journal import ProvisionJournal
from postwrap.provision.engine.queue_files import KEPT, messages
from postwrap.provision.engine.requeue import DRAIN, counted
from postwrap.provision.engine.steps import Requeue
from postwrap.provision.engine.vacancy import need_no_strangers
from postwrap.provision.options import RemoveOptions, instance_name
from postwrap.provision.plan import SettingsPlan
from postwrap.provision.pointers import pointers, without
from postwrap.provision.provisioner import (
    Provisioner,
    ProvisionPlan,
    find_configured,
    look,
    with_files,
)
from postwrap.provision.removal import (
    Removal,
    final_steps,
    ghost_steps,
    places,
    plan_absence,
    removal_steps,
)
from postwrap.provision.site import ProvisionSite
from postwrap.provision.transports import TRANSPORTS, need_delivering
from postwrap.suggest import nearest


def plan_removal(
    host: Installation, journal: ProvisionJournal, options: RemoveOptions
) -> ProvisionPlan:
    """Return the plan to remove an instance; RefusedError while mail is queued in it."""
    return plan_removal_from(host, journal, options, look(host, journal, name=options.name))


def plan_removal_from(
    host: Installation, journal: ProvisionJournal, options: RemoveOptions, site: ProvisionSite
) -> ProvisionPlan:
    """Return the same on ``host`` as ``site`` has it."""
    site = with_files(site, host.source, ())
    if ghost := _ghost(host, journal, site, options.name):
        return _plan_for_ghost(host, journal, site, ghost)
    if _is_gone(host, options.name):
        return _plan_for_nothing(host, site, options.name)
    instance = find_configured(host, site, options.name)
    target = find_configured(host, site, options.requeue_to) if options.requeue_to else None
    if instance.is_default:
        raise RefusedError(f"{instance.directory}: is the default instance", "it stays")
    if target == instance:
        raise RefusedError(f"--requeue-to {options.requeue_to}: is itself", "name another")
    need_own_queue(instance, site)
    need_stoppable(host, instance)
    count = len(messages(host.source, instance.queue_directory))
    if count and not target:
        raise RefusedError(f"{instance.name}: {counted(count)} queued", DRAIN)
    if options.purge:
        _need_nothing_aside(host, instance)
    removal = Removal(
        instance,
        plan_absence(site, instance.directory),
        _mark(host, instance, options.date),
        options.purge,
        target.directory if target else "",
        instance.directory in host.manifest.instances(),
        tuple(p for p in places(instance)[1:] if os.path.ismount(host.source.real(p))),
        _others(host, site, instance.directory),
    )
    if count and target:
        _need_delivering(removal, target)
    return ProvisionPlan(
        instance.name,
        instance.directory,
        removal_steps(removal, site),
        settled={"messages": f"{count}, to {target.directory}" if target else str(count)},
        notes=(
            *left_notes(removal.planned),
            *_pointers(removal, site),
            *_torn(journal, instance.directory),
            *(f"{place}: is a mount point, and stays; umount it" for place in removal.mounted),
        ),
        last=final_steps(removal),
    )


def _others(host: Installation, site: ProvisionSite, directory: str) -> tuple[str, ...]:
    """Return the instances other than that in ``directory`` whose commands are installed."""
    there = {instance.directory for instance in site.instances} - {directory}
    return tuple(sorted(there & host.manifest.instances()))


def _need_delivering(removal: Removal, target: InstanceConfig) -> None:
    """Raise RefusedError where ``target`` would bounce mail, now or once the role is taken back."""
    need_delivering(target.directory, target.parameters)
    later = {name: _later(removal.planned, target, name) for name in TRANSPORTS}
    need_delivering(target.directory, later, f" once {removal.instance.name} is removed")


def _pointers(removal: Removal, site: ProvisionSite) -> Iterator[str]:
    """Yield a line for each next hop of another instance that leads to the one that goes."""
    after = without(site, removal.instance, removal.planned)
    yield from pointers(after, removal.instance)


def _torn(journal: ProvisionJournal, directory: str) -> Iterator[str]:
    """Yield a line where the record of ``directory`` cannot be read."""
    for error in journal.torn():
        if error.directory == directory:
            yield f"{error.message}; compare postconf -n of the default instance"


def _later(planned: SettingsPlan, instance: InstanceConfig, name: str) -> str:
    """Return what ``name`` of ``instance`` is once ``planned`` is carried out."""
    key, now = parameter(instance.directory, name), instance.settings.get(name)
    return instance.get(name) if planned.value(key, now) == now else planned.value(key, now) or ""


def _need_nothing_aside(host: Installation, instance: InstanceConfig) -> None:
    """Raise RefusedError where --purge would take what Postfix put aside for a person to see."""
    for queue in KEPT:
        place = f"{instance.queue_directory}/{queue}"
        if host.source.names(place):
            hint = "see to it (postcat shows it), or leave --purge out, which keeps it"
            raise RefusedError(f"{place}: holds mail that Postfix put aside", hint)


def _is_gone(host: Installation, word: str) -> bool:
    """Whether ``word`` means no instance of this host, and nothing that is left of one.

    RefusedError for a directory that is there and is none, or none that is served.
    """
    if any(instance.answers_to(word) for instance in host.discovery.instances):
        return False
    host.discovery.need_served(word)
    directory = word.rstrip("/") if word.startswith("/") else f"/etc/postfix-{instance_name(word)}"
    if host.source.exists(directory):
        message = f"{directory}: is not an instance, for it lacks main.cf or master.cf"
        raise RefusedError(message, f"ls -l {shlex.quote(directory)}")
    return is_safe(word.replace("/", ""))


def _plan_for_nothing(host: Installation, site: ProvisionSite, word: str) -> ProvisionPlan:
    """Return the plan to remove what is gone: nothing, and the names that look like ``word``."""
    near = nearest(word, (i.name for i in host.discovery.instances if not i.is_default))
    note = f"{word}: did you mean {' or '.join(near)}? postwrap list shows the instances"
    return ProvisionPlan(word, "", (), notes=(note,) if near else (), is_settled=True)


def _ghost(host: Installation, journal: ProvisionJournal, site: ProvisionSite, word: str) -> str:
    """Return the directory of an instance called ``word`` that was taken away by hand, "" for none.

    It is known by its record, or by the default instance's lists.
    """
    listed = (word for name in LISTS for word in site.default_config.words(name))
    for directory in (*journal.directories(), *listed):
        if journal.answers(directory, word) and not host.source.exists(directory):
            return directory
    return ""


def _plan_for_ghost(
    host: Installation, journal: ProvisionJournal, site: ProvisionSite, directory: str
) -> ProvisionPlan:
    """Return the plan to take away what is left of an instance that is gone."""
    instance = Instance(directory, suffix_of(directory))
    removal = Removal(
        InstanceConfig(instance),
        plan_absence(site, directory),
        wrapped=directory in host.manifest.instances(),
        others=_others(host, site, directory),
    )
    return ProvisionPlan(
        instance.name,
        directory,
        ghost_steps(removal, site),
        notes=(
            *left_notes(removal.planned),
            *_torn(journal, directory),
            f"{directory}: is gone already",
            *_left_behind(host, site, directory),
        ),
    )


def _left_behind(host: Installation, site: ProvisionSite, directory: str) -> Iterator[str]:
    """Yield a line for what is left of an instance whose configuration is gone."""
    suffix = directory.removeprefix(site.default.directory)
    masters = [m for m in site.model.masters if m.config_directory == directory]
    usual = (f"{site.default_config.queue_directory}{suffix}",)
    for queue in dict.fromkeys((*(m.queue_directory for m in masters), *usual)):
        if host.source.is_directory(queue):
            yield f"{queue}: was its queue directory, and stays; postwrap requeue {queue} default"
    if host.source.is_directory(data := f"{site.default_config.data_directory}{suffix}"):
        yield f"{data}: was its data directory, and stays; rm -r {data}"
    for master in masters:
        stop = f"systemctl stop {master.unit}" if master.unit else f"kill {master.pid}"
        yield f"{directory}: its master(8), process {master.pid}, still runs; {stop}"


def take_over(provisioner: Provisioner, queue_directory: str, name: str) -> None:
    """Hand the messages in ``queue_directory``, where no instance runs, to the instance ``name``.

    Without a name there must be none. Raises RefusedError where an instance does run there, or
    there is no such directory.
    """
    host = provisioner.host
    if not host.source.is_directory(queue_directory):
        raise RefusedError(f"{queue_directory}: no such directory", "name a queue_directory")
    site = look(host, provisioner.journal)
    if any(master.queue_directory == queue_directory for master in site.model.masters):
        hint = "stop it first, with its own postfix command"
        raise RefusedError(f"{queue_directory}: an instance runs there", hint)
    directory = ""
    if name:
        target = find_configured(host, site, name)
        if target.queue_directory == queue_directory:
            raise RefusedError(f"{queue_directory}: is that of {name} itself", "name another")
        directory = target.directory
    provisioner.runner.do(Requeue(queue_directory, directory))


def need_own_queue(instance: InstanceConfig, site: ProvisionSite) -> None:
    """Raise RefusedError where another instance would lose its directories."""
    for other in site.instances:
        for name in ("queue_directory", "data_directory"):
            path = instance.get(name).rstrip("/")
            if other != instance and other.get(name).rstrip("/") == path:
                message = f"{path}: is the {name} of {other.directory} too"
                raise RefusedError(message, "give each its own first; postwrap check says how")


def need_stoppable(host: Installation, instance: InstanceConfig) -> None:
    """Raise RefusedError for who works in the queue and does not end when the instance stops.

    So daemons of a master(8) that was killed, and a master that has lost its queue directory.
    """
    queue = str(host.source.real(instance.queue_directory))
    need_no_strangers(queue, instance.master.pid if instance.master else 0)


def _mark(host: Installation, instance: InstanceConfig, date: str) -> str:
    """Return what is put behind the names of kept directories: ``.removed-DATE``, or ``-2`` …."""
    number = 1
    while True:
        mark = f".removed-{date}" + (f"-{number}" if number > 1 else "")
        if not any(host.source.exists(place + mark) for place in places(instance)):
            return mark
        number += 1
