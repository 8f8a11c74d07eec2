"""Commands that are there already, whose names no wrapper may take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from postwrap.errors import Problem
from postwrap.host import Host
from postwrap.install import manifest as manifests
from postwrap.instance import Instance
from postwrap.layout import SYSTEM_COMMAND_DIRECTORIES, system_layout
from postwrap.render.wrappers import Target


def foreign_commands(host: Host) -> Mapping[str, str]:
    """Return the commands in the system's directories that postwrap did not make, by name.

    Directories are told apart by where they really are: /sbin may be /usr/sbin, and that /usr/bin.
    """
    resolved = cache(lambda directory: str(host.source.real(directory).resolve()))
    paths = (path.rpartition("/") for path in (*host.manifest.files, *_installed_elsewhere(host)))
    ours = {(resolved(directory), name) for directory, _, name in paths}
    return {
        name: f"{directory}/{name}"
        for directory in reversed(SYSTEM_COMMAND_DIRECTORIES)
        for name in host.source.names(directory)
        if (resolved(directory), name) not in ours
    }


def _installed_elsewhere(host: Host) -> Iterator[str]:
    """Yield what postwrap wrote in other places than the one that is installed to now.

    A package may have brought the commands under /usr, and packages are built on such hosts.
    """
    states = {system_layout("/usr").state, host.layout.state}
    if not host.where.destdir:
        states.remove(host.layout.state)  # the manifest of this very installation
    for state in states:
        yield from manifests.load(host.source, manifests.manifest_path(state)).files


def without_collisions(
    instances: Iterable[Instance], wanted: Sequence[Target], taken: Mapping[str, str]
) -> tuple[tuple[Instance, ...], tuple[Problem, ...]]:
    """Return ``instances`` without those that would take a foreign command's name."""
    usable: list[Instance] = []
    problems: list[Problem] = []
    for instance in instances:
        names = (target.name + instance.suffix for target in wanted if instance.suffix)
        clash = next((taken[name] for name in names if name in taken), None)
        if clash:
            message = f"would have a command of the name of {clash}, which is not postwrap's"
            problems.append(Problem(instance.directory, message, "rename the directory"))
        else:
            usable.append(instance)
    return tuple(usable), tuple(problems)
