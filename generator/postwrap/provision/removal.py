"""Removing an instance: from a host and what nobody wants any more to steps. Pure.

First the default instance stops sending to it, then it stops, then nobody knows of it any more,
and only when nobody can reach its queue is the queue looked at for the last time. Up to there
every step can be undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from postwrap.host.model import InstanceConfig
from postwrap.provision.changes import main_cf, other
from postwrap.provision.desired import LISTS, MAIN_CF, MULTI, Key, element, parameter, words_of
from postwrap.provision.engine.steps import (
    Install,
    RemoveQueue,
    Rename,
    Requeue,
    Step,
    Uninstall,
    restores,
    run,
    set_parameters,
)
from postwrap.provision.plan import SettingChange, SettingsPlan, plan_release
from postwrap.provision.recipe import building_site, reload, restart
from postwrap.provision.service import InstanceService
from postwrap.provision.site import ProvisionSite

_SHARED = ("multi_instance_wrapper", "multi_instance_enable")
"""The default instance's settings that all others need."""

_LATE = (*_SHARED, "inet_interfaces")
"""Its settings that stay until the instance that goes has stopped."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What is asked for: the instance, where its mail goes, and what is kept.

    ``planned`` is what becomes of the settings that it wanted. ``mark`` is put behind the names of
    the directories that are kept. ``wrapped``: its commands are installed. ``mounted`` are those
    of its directories that are mount points, which cannot be renamed. ``others`` are the instances
    that keep their commands.
    """

    instance: InstanceConfig
    planned: SettingsPlan
    mark: str = ""
    purge: bool = False
    requeue_to: str = ""
    wrapped: bool = False
    mounted: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def plan_absence(site: ProvisionSite, directory: str) -> SettingsPlan:
    """Return what becomes of the host's settings when there is no instance in ``directory``."""
    default = site.default.directory
    listed = words_of(site.default_config.settings.get(MULTI, ""))
    has_others = any(word != directory for word in listed)
    shared = {parameter(default, name) for name in _SHARED} if has_others else set()

    def stays(key: Key) -> bool:
        return key.place == directory or key in shared

    keys = [claim.key for claim in site.owned.of(directory)]
    planned = plan_release(directory, site.owned, site.actual(keys), stays)
    words = [element(default, name, directory) for name in LISTS]
    there = site.actual(words)
    gone = [SettingChange(key, None, there[key]) for key in words if there[key] is not None]
    others = [change for change in planned.changes if change.key not in words]
    return replace(planned, changes=(*others, *gone))


def removal_steps(removal: Removal, site: ProvisionSite) -> tuple[Step, ...]:
    """Return the steps up to the point of no return."""
    return (
        *_detach(removal, site),
        *_stop(removal),
        *_unregister(removal, site),
        *_others(removal),
        *_commands(removal),
        *_last_look(removal),
    )


def ghost_steps(removal: Removal, site: ProvisionSite) -> tuple[Step, ...]:
    """Return the steps that take away what is left of an instance whose configuration is gone."""
    return (
        *_detach(removal, site),
        *_unregister(removal, site),
        *_others(removal),
        *_commands(removal),
        *_renewal(removal),
    )


def places(instance: InstanceConfig) -> tuple[str, str, str]:
    """Return the directories of ``instance``: configuration, queue, data."""
    return (instance.directory, instance.queue_directory, instance.data_directory)


def final_steps(removal: Removal) -> tuple[Step, ...]:
    """Return the steps after which there is no instance; taking them twice does no harm."""
    configuration, *others = places(removal.instance)
    kept = [place + removal.mark for place in (configuration, *others)]
    inside = f"{kept[0]}/{PurePosixPath(configuration).name}"
    steps = [
        # One level down, for every /etc/postfix* with a main.cf in it is an instance.
        Step("a place for its configuration", run("mkdir", "-p", kept[0])),
        Step("keep its configuration", Rename(building_site(configuration), inside)),
    ]
    queue, data = others
    is_mounted = queue in removal.mounted
    if not is_mounted:
        steps.append(Step("keep its queue directory", Rename(queue, kept[1], queue=True)))
    if data not in removal.mounted:
        steps.append(Step("keep its data directory", Rename(data, kept[2])))
    if removal.requeue_to:
        # Now that nobody finds it any more: somebody may have been on his way to it.
        last = Requeue(queue if is_mounted else kept[1], removal.requeue_to)
        steps.append(Step("hand on mail that came in meanwhile", last))
    if removal.purge:
        steps.append(Step("delete its queue directory", RemoveQueue(kept[1])))
        steps.append(Step("delete its other directories", run("rm", "-rf", kept[0], kept[2])))
    return (*steps, *_renewal(removal))


def _renewal(removal: Removal) -> Iterator[Step]:
    """Yield what brings the manual pages of the others up to date: they name settings."""
    if removal.wrapped and removal.others:
        title = "bring the manual pages of the others up to date"
        yield Step(title, Install(removal.others, tolerant=True))


def _is_late(key: Key) -> bool:
    return key.kind in MAIN_CF and (key.name in _LATE or key.name.partition(" ")[0] in LISTS)


def _detach(removal: Removal, site: ProvisionSite) -> Iterator[Step]:
    changes = removal.planned.select(lambda key: key.kind in MAIN_CF and not _is_late(key))
    title = "let the default instance do without it"
    yield from main_cf(title, changes, site, reload(site.default_config), at_once=True)


def _stop(removal: Removal) -> Iterator[Step]:
    instance = removal.instance
    service = InstanceService.of(instance)
    # Debian 12 stops it by postmulti(1), which passes over an instance that is turned off.
    if instance.running:
        yield Step("stop it", service.stop(), (service.start((0, 1)),))
    off = {"multi_instance_enable": "no"}
    undo = restores(instance.directory, off, instance.settings)
    yield Step("turn it off", set_parameters(instance.directory, {**off}), undo)


def _unregister(removal: Removal, site: ProvisionSite) -> Iterator[Step]:
    changes = removal.planned.select(_is_late)
    title = "let the default instance forget it"
    yield from main_cf(title, changes, site, restart(site, changes), at_once=True)


def _others(removal: Removal) -> Iterator[Step]:
    """Yield what undoes the rest of what it was given: filter, transport, address."""
    for change in removal.planned.select(lambda key: key.kind not in MAIN_CF):
        yield from other(change)


def _commands(removal: Removal) -> Iterator[Step]:
    directory = removal.instance.directory
    if removal.wrapped:
        yield Step(
            "take its commands away",
            Uninstall((directory,)),
            (Install((directory,)),),
        )


def _last_look(removal: Removal) -> Iterator[Step]:
    directory, queue, _ = places(removal.instance)
    site = building_site(directory)
    yield Step(
        "take its configuration out of everybody's way",
        Rename(directory, site),
        (Rename(site, directory),),
    )
    title = "see that no mail is left"
    if removal.requeue_to:
        title = f"hand its mail to {removal.requeue_to}"
    settled = (Requeue(queue, removal.requeue_to, settle=True),) if removal.requeue_to else ()
    yield Step(title, Requeue(queue, removal.requeue_to), settled)
