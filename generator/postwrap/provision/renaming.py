"""``rename`` as one call: look, decide, and hand back what is to be done."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from postwrap.collisions import foreign_commands
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import is_safe, suffix_of
from postwrap.host.nexthops import ROUTE_TABLES
from postwrap.installation import Installation
from postwrap.postfix import Postfix
from postwrap.provision.desired import FILES
from postwrap.provision.engine.journal import ProvisionJournal
from postwrap.provision.options import need_name
from postwrap.provision.preconditions import need_sound
from postwrap.provision.provisioner import (
    ProvisionPlan,
    find_configured,
    host_postfix,
    look,
)
from postwrap.provision.recipe import building_site
from postwrap.provision.removing import need_own_queue, need_stoppable
from postwrap.provision.rename_steps import (
    Renaming,
    RoutingTable,
    final_rename_steps,
    rename_steps,
)
from postwrap.provision.renamed import NAMED, NewNames, names_it
from postwrap.provision.service import InstanceService
from postwrap.provision.site import ProvisionSite
from postwrap.provision.unit_names import escaped, renamed_unit

_MOVED = ("queue_directory", "data_directory")
_SYSTEMD = "/etc/systemd/system"
_TEXTS = frozenset(
    (
        *("hash", "btree", "lmdb", "dbm", "sdbm", "cdb"),
        *("texthash", "regexp", "pcre", "cidr"),
    )
)
"""The types of tables that have a text in the file that they are called after."""


def plan_rename(
    host: Installation, journal: ProvisionJournal, name: str, new: str
) -> ProvisionPlan:
    """Return the plan to rename an instance; RefusedError where something stands against it."""
    need_name(new)
    site = look(host, journal, name=name)
    instance = find_configured(host, site, name)
    if instance.is_default:
        raise RefusedError(f"{instance.directory}: is the default instance", "it keeps its name")
    need_own_queue(instance, site)
    need_stoppable(host, instance)
    need_sound(host_postfix(host), instance.directory)
    names = _new_names(host, host_postfix(host), instance, new)
    _need_plain_files(host.source, instance)
    own_files = tuple(_own_files(host.source, site, instance, names))
    _need_free(host, instance, (*names.paths, *own_files), names, new)
    asked = replace(_asked(host, site, journal, instance, names), own_files=own_files)
    return ProvisionPlan(
        instance.name,
        instance.directory,
        rename_steps(asked),
        settled={
            **dict(names.paths),
            "commands": f"mailq{_suffix(instance, names)} and the others",
        },
        notes=tuple(_notes(host, instance, names)),
        last=final_rename_steps(asked),
        becomes=names.new,
    )


# The names.


def _new_names(
    host: Installation, postfix: Postfix, instance: InstanceConfig, new: str
) -> NewNames:
    """Return what changes its name: directories called as the instance is, unless mounted."""
    path = PurePosixPath(instance.directory)
    suffix = instance.instance.suffix
    is_usual = path.name.endswith(suffix) and path.name.startswith("postfix")
    new_suffix = (suffix[0] if suffix[0] in "-." else "-") + new
    last = path.name.removesuffix(suffix) + new_suffix if is_usual else new
    pairs = [(instance.directory, str(path.with_name(last)))]
    for parameter in _MOVED:
        old = PurePosixPath(instance.get(parameter).rstrip("/"))
        is_mounted = os.path.ismount(host.source.real(str(old)))
        if old.name.endswith(suffix) and not is_mounted:
            renamed = old.with_name(old.name.removesuffix(suffix) + new_suffix)
            pairs.append((str(old), str(renamed)))
    names = NewNames.of(tuple(pairs))
    _need_followed(postfix, instance, names)
    return names


def _need_followed(postfix: Postfix, instance: InstanceConfig, names: NewNames) -> None:
    """Raise RefusedError where the new configuration would not name the new directories."""
    texts = {n: instance.settings.get(n, "") for n in (*NAMED, *_MOVED)}
    given = [
        word
        for n, text in texts.items()
        for word in ("-o", f"{n}={names.own_text(f'{n}={text}').partition('=')[2]}")
        if text
    ]
    request = (*given, "-x", *_MOVED)
    said = postfix.ask(request, directory=instance.directory).outputs[0]
    found = dict(line.split(" = ", 1) for line in said.splitlines() if " = " in line)
    for parameter in _MOVED:
        old = instance.get(parameter).rstrip("/")
        if found.get(parameter, "").rstrip("/") != names.path(old):
            message = f"{instance.directory}: {parameter} = {texts[parameter]} does not name {old}"
            hint = f"postconf -c {instance.directory} -e {parameter}={old}"
            raise RefusedError(message, hint)


def _suffix(instance: InstanceConfig, names: NewNames) -> str:
    """Return what the names of its commands will end in."""
    named = instance.get("multi_instance_name")
    return suffix_of(names.new, names.new_last if named == names.old_last else named)


# What stands against it.


def _need_plain_files(filesystem: Filesystem, instance: InstanceConfig) -> None:
    """Raise RefusedError for what is not copied and edited as a plain file."""
    for file in ("main.cf", "master.cf"):
        path = f"{instance.directory}/{file}"
        if filesystem.real(path).is_symlink():
            hint = f"cp --remove-destination {os.path.realpath(filesystem.real(path))} {path}"
            raise RefusedError(f"{path}: is a symbolic link, and would be edited elsewhere", hint)
    for parameter in _MOVED:
        place = instance.get(parameter).rstrip("/")
        if place.startswith(f"{instance.directory}/"):
            message = f"{instance.directory}: its {parameter} is in it, and would be copied"
            raise RefusedError(message, "move that elsewhere first")


def _need_free(
    host: Installation,
    instance: InstanceConfig,
    paths: Iterable[tuple[str, str]],
    names: NewNames,
    new: str,
) -> None:
    """Raise RefusedError where a new name is taken, or an old one is no plain path."""
    for old, renamed in paths:
        if not is_safe(old.replace("/", "")):
            message = f"{old}: has characters outside A-Z a-z 0-9 . _ -"
            raise RefusedError(message, "rename it by hand")
        if host.source.exists(renamed):
            raise RefusedError(f"{renamed}: exists already", "choose another name")
    for other in host.discovery.instances:
        if other.answers_to(new) and other.directory != instance.directory:
            raise RefusedError(f"{new}: {other.directory} is called so", "choose another name")
    for leftover in (building_site(names.new), f"{names.old}/main.cf.before-rename"):
        if host.source.exists(leftover):
            raise RefusedError(f"{leftover}: exists already", f"rm -r {leftover}")
    taken = foreign_commands(host)
    for target in host.targets[0]:
        if path := taken.get(f"{target.name}{_suffix(instance, names)}"):
            raise RefusedError(f"{new}: {path} is a command already", "choose another name")


# What concerns it.


def _asked(
    host: Installation,
    site: ProvisionSite,
    journal: ProvisionJournal,
    instance: InstanceConfig,
    names: NewNames,
) -> Renaming:
    wrapped = instance.directory in host.manifest.instances()
    others = (i for i in site.model.instances if i.directory != instance.directory)
    texts = {i.directory: i.texts for i in others if not i.faults}
    files = {d: _naming(found, names) for d, found in texts.items()}
    every = [*_tables(host.source, site.instances)]
    named = [t for t in every if _text_names_it(host.source, t.path, names)]
    inside = f"{instance.directory}/"
    own = [t for t in named if t.path.startswith(inside)]
    paths = {t.path: t for t in named if not t.path.startswith(inside)}
    _need_no_new_names(
        host.source, (*paths, *(f for found in files.values() for f in found)), names
    )
    units = _units(host.source, instance, names) if site.model.runs_systemd else ()
    return Renaming(
        site.model,
        instance,
        names,
        _started(site, instance, names, wrapped=wrapped),
        tuple(own),
        tuple(paths.values()),
        tuple((d, found) for d, found in files.items() if found),
        tuple(units),
        wrapped,
        has_records=any(True for _ in journal.directories()),
    )


def _own_files(
    filesystem: Filesystem, site: ProvisionSite, instance: InstanceConfig, names: NewNames
) -> Iterator[tuple[str, str]]:
    """Yield the files that postwrap has written for it elsewhere and that are called after it."""
    places = {c.key.place for c in site.owned.of(instance.directory) if c.key.kind in FILES}
    for old in sorted(places):
        new = names.file(old)
        if new != old and filesystem.is_file(old):
            yield old, new


def _naming(texts: Mapping[str, str], names: NewNames) -> tuple[str, ...]:
    return tuple(path for path, text in texts.items() if names_it(text, names))


def _tables(filesystem: Filesystem, instances: Iterable[InstanceConfig]) -> Iterator[RoutingTable]:
    """Yield the tables of next hops that have a text."""
    for instance in instances:
        for parameter in ROUTE_TABLES:
            for word in instance.words(parameter):
                kind, _, path = word.removeprefix("proxy:").partition(":")
                if kind in _TEXTS and path.startswith("/") and filesystem.is_file(path):
                    yield RoutingTable(instance.directory, kind, path)


def _text_names_it(filesystem: Filesystem, path: str, names: NewNames) -> bool:
    return names_it(filesystem.read_text(path), names)


def _need_no_new_names(filesystem: Filesystem, paths: Iterable[str], names: NewNames) -> None:
    """Raise RefusedError where what is edited could not be put back: it has the new names too."""
    for path in paths:
        if names_it(filesystem.read_text(path), names.turned()):
            message = f"{path}: names {names.new}, or a directory of it, already"
            raise RefusedError(message, "take that out of it, or choose another name")
        if filesystem.real(path).is_symlink():
            hint = f"cp --remove-destination {os.path.realpath(filesystem.real(path))} {path}"
            raise RefusedError(f"{path}: is a symbolic link, and would be replaced", hint)


def _started(
    site: ProvisionSite, instance: InstanceConfig, names: NewNames, *, wrapped: bool
) -> InstanceService:
    """Return how it is started under its new name: as it was."""
    command = (
        f"{site.own_postfix}{_suffix(instance, names)}" if wrapped and site.own_postfix else ""
    )
    if site.model.runs_systemd and command:
        return InstanceService(names.new, command=command)
    unit = InstanceService.of(instance).unit
    return InstanceService(names.new, renamed_unit(unit, names) if unit else "")


def _units(
    filesystem: Filesystem, instance: InstanceConfig, names: NewNames
) -> Iterator[tuple[str, str]]:
    """Yield what the administrator has called after the instance's unit: files, links, drop-ins."""
    for unit in _unit_names(instance, names):
        renamed = renamed_unit(unit, names)
        if renamed == unit:
            continue
        for directory in ("", *_wanting(filesystem)):
            for ending in ("", ".d"):
                old = f"{_SYSTEMD}{directory}/{unit}{ending}"
                if filesystem.exists(old):
                    yield old, f"{_SYSTEMD}{directory}/{renamed}{ending}"


def _unit_names(instance: InstanceConfig, names: NewNames) -> Iterator[str]:
    name = instance.name
    yield f"postfix@{escaped(name)}.service"
    yield f"postfix-instance@{escaped(name)}.service"
    yield f"postfix@{names.old_last}.service"
    yield f"postfix-directory@{escaped(names.old.strip('/'))}.service"


def _wanting(filesystem: Filesystem) -> Iterator[str]:
    for name in filesystem.names(_SYSTEMD):
        if name.endswith((".wants", ".requires")):
            yield f"/{name}"


def _notes(host: Installation, instance: InstanceConfig, names: NewNames) -> Iterator[str]:
    """Yield what does not follow."""
    if instance.get("myhostname"):
        yield f"myhostname = {instance.get('myhostname')} stays: others know it by that"
    for parameter in _MOVED:
        place = instance.get(parameter).rstrip("/")
        if names.path(place) == place:
            yield f"{parameter} = {place} stays: it is not called after the instance, or is mounted"
    found = shlex.quote(f"{names.old_last}|(sendmail|mailq){instance.instance.suffix}")
    yield (
        f"programs of others that name {names.old}, its queue directory or its commands must "
        f"follow by hand: grep -rlE {found} /etc"
    )
