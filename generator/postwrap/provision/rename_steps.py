"""Renaming an instance: from a host and the new names to steps. Pure.

Its configuration is copied, and the copy gets the new names under a name that no boot looks at.
The one under the old name stays until the end, turned off, for a registered directory that does
not exist breaks the default instance. Up to the last step all is undone the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from postwrap.host.model import HostModel, InstanceConfig
from postwrap.provision.engine.steps import (
    Install,
    Operation,
    Records,
    Rename,
    Run,
    Step,
    Uninstall,
    run,
)
from postwrap.provision.listening_proof import proof_of
from postwrap.provision.recipe import building_site, reload
from postwrap.provision.renamed import NewNames
from postwrap.provision.service import InstanceService

_INDEXED = frozenset({"hash", "btree", "lmdb", "dbm", "sdbm", "cdb"})
"""The types whose files postmap(1) makes of a text."""


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """A table of next hops, ``type:path``, that names what is renamed."""

    directory: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Renaming:
    """What is asked for, and what of the host it concerns.

    ``own_tables`` are in the configuration directory itself, ``tables`` elsewhere. ``files`` are
    the main.cf and master.cf of other instances that name it, by configuration directory.
    ``units`` are files and links of systemd that are called after its unit, with their new names,
    and ``own_files`` those that it has among the files of other programs.
    ``wrapped``: it has commands; ``has_records``: postwrap has records. ``started`` is how it is
    started under its new name.
    """

    model: HostModel
    config: InstanceConfig
    names: NewNames
    started: InstanceService
    own_tables: tuple[RoutingTable, ...] = ()
    tables: tuple[RoutingTable, ...] = ()
    files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    wrapped: bool = False
    has_records: bool = False
    own_files: tuple[tuple[str, str], ...] = ()


def rename_steps(asked: Renaming) -> tuple[Step, ...]:
    """Return the steps up to the point of no return."""
    return (
        *_stop(asked),
        *_copy(asked),
        *_move(asked),
        *_others(asked),
        *_turn_on(asked),
        *_start(asked),
        *_reload(asked),
        *_records(asked),
    )


def final_rename_steps(asked: Renaming) -> tuple[Step, ...]:
    """Return the steps after which there is nothing under the old name."""
    steps = []
    if asked.wrapped:
        steps.append(Step("take the old commands away", Uninstall((asked.names.old,), True)))
    gone = run("rm", "-rf", asked.names.old)
    steps.append(Step("remove the configuration under the old name", gone))
    if not asked.wrapped and asked.model.runs_systemd:
        steps.append(Step("let systemd read units again", run("systemctl", "daemon-reload")))
    return tuple(steps)


def _stop(asked: Renaming) -> Iterator[Step]:
    service = InstanceService.of(asked.config)
    if asked.config.running:
        yield Step("stop it", service.stop(), (service.start((0, 1)),))
    main = f"{asked.names.old}/main.cf"
    kept = _kept(asked.names.old)
    off = ("postconf", "-c", asked.names.old, "-e", "multi_instance_enable=no")
    keep = (("cp", "-a", main, f"{kept}.new"), ("mv", f"{kept}.new", kept))
    back = Run((("mv", "-f", kept, main), ("rm", "-f", f"{kept}.new")), accept=(0, 1))
    yield Step("turn it off, so that nothing starts it meanwhile", Run((*keep, off)), (back,))


def _kept(directory: str) -> str:
    """Return where main.cf is kept as it was, multi_instance_enable included."""
    return f"{directory}/main.cf.before-rename"


def _copy(asked: Renaming) -> Iterator[Step]:
    old, site = asked.names.old, building_site(asked.names.new)
    undo = (run("rm", "-rf", site),)
    yield Step("copy its configuration", run("cp", "-a", f"{old}/.", site), undo)
    texts = [f"{site}/main.cf", f"{site}/master.cf", _kept(site)]
    moved = [replace(t, path=site + t.path.removeprefix(old)) for t in asked.own_tables]
    edits = [("sed", "-i", *asked.names.edits(own=True), *texts)]
    if moved:
        edits.append(("sed", "-i", *asked.names.edits(), *dict.fromkeys(t.path for t in moved)))
    edits += _indexed(moved)
    yield Step("give the copy the new names", Run(tuple(edits)))


def _indexed(tables: list[RoutingTable]) -> list[tuple[str, ...]]:
    """Return the commands that make the files of ``tables`` anew."""
    every = dict.fromkeys(f"{t.kind}:{t.path}" for t in tables if t.kind in _INDEXED)
    return [("postmap", table) for table in every]


def _move(asked: Renaming) -> Iterator[Step]:
    for old, new in asked.names.paths[1:]:
        yield Step(f"move {old}, with all that is in it", Rename(old, new), (Rename(new, old),))
    new, site = asked.names.new, building_site(asked.names.new)
    yield Step("put the copy in its place", Rename(site, new), (Rename(new, site),))


def _others(asked: Renaming) -> Iterator[Step]:
    there, back = asked.names.edits(), asked.names.turned().edits()
    for directory, files in asked.files:
        back_again = (run("sed", "-i", *back, *files), *_seen(asked, directory))
        yield Step(f"let {directory} name it so", run("sed", "-i", *there, *files), back_again)
    for table in asked.tables:
        made = _indexed([table])
        do = Run((("sed", "-i", *there, table.path), *made))
        undone = Run((("sed", "-i", *back, table.path), *made))
        title = f"let {table.kind}:{table.path} name it so"
        yield Step(title, do, (undone, *_seen(asked, table.directory)))
    for old, new in (*asked.units, *asked.own_files):
        yield Step(f"{old} follows", Rename(old, new), (Rename(new, old),))
    for _, file in asked.own_files:
        do, undone = (run("sed", "-i", *edits, file) for edits in (there, back))
        yield Step(f"let {file} name it so", do, (undone,))


def _turn_on(asked: Renaming) -> Iterator[Step]:
    new = asked.names.new
    yield Step(
        "turn it on, if it was",
        run("mv", "-f", _kept(new), f"{new}/main.cf"),
        (run("postconf", "-c", new, "-e", "multi_instance_enable=no", accept=(0, 1)),),
    )
    yield Step("look for mistakes", run("postfix", "-c", new, "check"))
    if asked.wrapped:
        yield Step("its own commands", Install((new,)), (Uninstall((new,), tolerant=True),))
    elif asked.model.runs_systemd:
        yield Step("let systemd read units again", run("systemctl", "daemon-reload"))


def _start(asked: Renaming) -> Iterator[Step]:
    if asked.config.running:
        new = asked.names.new
        alone = asked.started if asked.started.unit else InstanceService(new, "", "")
        stop = asked.started.stop() if asked.model.runs_systemd else alone.stop()
        yield Step("start it", asked.started.start(), (stop,))
        proof = proof_of(asked.config, asked.model, new)
        yield Step("see that it runs, listens and takes mail", proof)


def _seen(asked: Renaming, directory: str) -> tuple[Operation, ...]:
    """Return what lets another instance see that its configuration has changed, if it runs."""
    other = asked.model.of(directory)
    operation = reload(other) if other and directory != asked.names.old else None
    return (operation,) if operation else ()


def _reload(asked: Renaming) -> Iterator[Step]:
    changed = (*(d for d, _ in asked.files), *(t.directory for t in asked.tables))
    for directory in dict.fromkeys(changed):
        for operation in _seen(asked, directory):
            yield Step(f"let {directory} be read again", operation)


def _records(asked: Renaming) -> Iterator[Step]:
    if asked.has_records:
        back = Records(asked.names.turned().paths, back=True)
        yield Step("let postwrap's records follow", Records(asked.names.paths), (back,))
