"""Removing an instance: from facts and its record to steps. Pure.

First the default instance stops sending to it, then it stops, then nobody knows of it any more,
and only when nobody can reach its queue is the queue looked at for the last time. Up to there
every step can be undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.provision.facts import Configured, Facts
from postwrap.provision.journal import Record
from postwrap.provision.recipe import building_site, install
from postwrap.provision.service import Service
from postwrap.provision.steps import (
    Operation,
    Rename,
    Requeue,
    Restore,
    Run,
    Step,
    restores,
    run,
    set_parameters,
)

LISTS = ("multi_instance_directories", "alternate_config_directories")
_LAST_ONE = ("multi_instance_wrapper", "multi_instance_enable", "inet_interfaces")


@dataclass(frozen=True, slots=True)
class Removal:
    """What is asked for: the instance, where its mail goes, and what is kept.

    ``others`` are the records of other instances; ``mark`` is put behind the names of the
    directories that are kept.
    """

    instance: Configured
    service: Service
    record: Record | None
    others: tuple[Record, ...]
    mark: str
    purge: bool = False
    requeue_to: str = ""
    wrapped: bool = False
    """Whether its commands are installed."""
    mounted: tuple[str, ...] = ()
    """Those of its directories that are mount points, which cannot be renamed."""


def removal_steps(removal: Removal, facts: Facts) -> tuple[Step, ...]:
    """Return the steps up to the point of no return."""
    instance = removal.instance
    return (
        *_detach(removal, facts),
        *_stop(removal),
        *_unregister(removal, facts),
        *_others(removal),
        *_commands(removal, instance),
        *_last_look(removal, instance),
    )


def ghost_steps(removal: Removal, facts: Facts) -> tuple[Step, ...]:
    """Return the steps that take away what is left of an instance whose configuration is gone."""
    return (
        *_detach(removal, facts),
        *_unregister(removal, facts),
        *_others(removal),
        *_commands(removal, removal.instance),
    )


def places(instance: Configured) -> tuple[str, str, str]:
    """Return the directories of ``instance``: configuration, queue, data."""
    return (instance.directory, instance["queue_directory"], instance["data_directory"])


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
    for title, place, name in zip(("queue", "data"), others, kept[1:], strict=True):
        if place not in removal.mounted:
            steps.append(Step(f"keep its {title} directory", Rename(place, name)))
    if removal.purge:
        steps.append(Step("keep nothing of it", run("rm", "-rf", *kept)))
    return tuple(steps)


def still_as_written(removal: Removal, facts: Facts) -> tuple[dict[str, str | None], list[str]]:
    """Return the default instance's parameters to put back, and a line for each that changed.

    What another instance wants as it is stays so, and goes back with that one.
    """
    record = removal.record
    back: dict[str, str | None] = {}
    changed: list[str] = []
    for operation in (step.do for step in record.kept) if record else ():
        if not isinstance(operation, Restore) or operation.directory != facts.default.directory:
            continue
        now = facts.default.stated.get(operation.parameter)
        if operation.parameter in LISTS or now == operation.before:
            continue
        if _is_wanted(removal, operation, now):
            continue
        if (now or "") == operation.written:
            back[operation.parameter] = operation.before
        else:
            changed.append(
                f"{operation.directory}: {operation.parameter} was changed since, "
                "and stays as it is"
            )
    return back, changed


def _is_wanted(removal: Removal, operation: Restore, now: str | None) -> bool:
    """Whether another instance's record has the parameter of ``operation`` be as it is ``now``."""
    kept = (step.do for record in removal.others for step in record.kept)
    return any(
        isinstance(other, Restore)
        and (other.directory, other.parameter) == (operation.directory, operation.parameter)
        and other.written == (now or "")
        for other in kept
    )


def _default_edits(removal: Removal, facts: Facts) -> tuple[dict[str, str | None], ...]:
    """Return what the default instance gets back: before the other stops, and after."""
    back, _ = still_as_written(removal, facts)
    if _siblings(removal, facts):
        # Others need these still.
        back = {n: v for n, v in back.items() if n not in _LAST_ONE[:2]}
    early = {n: v for n, v in back.items() if n not in _LAST_ONE}
    late = {n: v for n, v in back.items() if n in _LAST_ONE}
    return early, late | _lists_without(removal.instance.directory, facts)


def _siblings(removal: Removal, facts: Facts) -> bool:
    words = facts.default["multi_instance_directories"].replace(",", " ").split()
    return any(word != removal.instance.directory for word in words)


def _lists_without(directory: str, facts: Facts) -> dict[str, str | None]:
    """Return the default's lists of instances without ``directory``."""
    made: dict[str, str | None] = {}
    for name in LISTS:
        words = facts.default.stated.get(name, "").replace(",", " ").split()
        if directory in words:
            made[name] = ", ".join(word for word in words if word != directory) or None
    return made


def _edit(
    title: str, facts: Facts, settings: dict[str, str | None], after: Run | None
) -> Iterator[Step]:
    """Yield the step that changes the default instance's main.cf and lets it see that."""
    if not settings:
        return
    default = facts.default
    edit = set_parameters(default.directory, settings)
    undo: tuple[Operation, ...] = restores(default.directory, settings, default.stated)
    if after and default.running:
        yield Step(title, Run((*edit.commands, *after.commands)), (*undo, after))
    else:
        yield Step(title, edit, undo)


def _detach(removal: Removal, facts: Facts) -> Iterator[Step]:
    early, _ = _default_edits(removal, facts)
    reload = facts.default_service.reload()
    yield from _edit("let the default instance do without it", facts, early, reload)


def _stop(removal: Removal) -> Iterator[Step]:
    instance = removal.instance
    # Debian 12 stops it by postmulti(1), which passes over an instance that is turned off.
    if instance.running:
        yield Step("stop it", removal.service.stop(), (removal.service.start((0, 1)),))
    off = {"multi_instance_enable": "no"}
    undo = restores(instance.directory, off, instance.stated)
    yield Step("turn it off", set_parameters(instance.directory, {**off}), undo)


def _unregister(removal: Removal, facts: Facts) -> Iterator[Step]:
    _, late = _default_edits(removal, facts)
    restart = facts.default_service.restart() if "inet_interfaces" in late else None
    yield from _edit("let the default instance forget it", facts, late, restart)


def _others(removal: Removal) -> Iterator[Step]:
    """Yield what undoes the rest of what create or role did: filter, transport, address."""
    for step in removal.record.kept if removal.record else ():
        if not isinstance(step.do, Restore):
            yield step


def _commands(removal: Removal, instance: Configured) -> Iterator[Step]:
    if removal.wrapped:
        yield Step(
            "take its commands away",
            run("postwrap", "uninstall", instance.directory, accept=(0, 1)),
            (install(instance.directory),),
        )


def _last_look(removal: Removal, instance: Configured) -> Iterator[Step]:
    site = building_site(instance.directory)
    yield Step(
        "take its configuration out of everybody's way",
        Rename(instance.directory, site),
        (Rename(site, instance.directory),),
    )
    queue = instance["queue_directory"]
    title = "see that no mail is left"
    if removal.requeue_to:
        title = f"hand its mail to {removal.requeue_to}"
    settled = (Requeue(queue, removal.requeue_to, settle=True),) if removal.requeue_to else ()
    yield Step(title, Requeue(queue, removal.requeue_to), settled)
