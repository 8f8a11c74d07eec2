"""From a host to its bundle: what discovery found, rendered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from postwrap.bundle import Artifact, Bundle
from postwrap.collisions import foreign_commands, without_collisions
from postwrap.errors import Problem
from postwrap.filesystem import Filesystem
from postwrap.host.init import own_units
from postwrap.host.naming import Instance, select, suffix_of
from postwrap.install.manifest import FileRecord, Manifest
from postwrap.install.plan import InstallPlan, plan
from postwrap.installation import Installation
from postwrap.logs.tags import Tags
from postwrap.render.boot import boot
from postwrap.render.lnav import lnav_format
from postwrap.render.wrappers import wrappers


@dataclass(frozen=True, slots=True)
class Assembly:
    """The bundle of a host: what to install for which instances, and what is wrong."""

    bundle: Bundle
    instances: tuple[Instance, ...]
    problems: tuple[Problem, ...]
    scope: InstallScope

    def plan(
        self,
        manifest: Manifest,
        destination: Filesystem,
        *,
        force: bool = False,
        keep: bool = False,
    ) -> InstallPlan:
        """Return how to get from what ``destination`` holds to this bundle; see ``plan``."""
        paths = {*(artifact.path for artifact in self.bundle), *manifest.files}
        entries = {path: destination.entry(path) for path in paths}
        return plan(self.bundle, manifest, entries, self.scope.holds, force=force, keep=keep)

    def as_installed(self, destination: Filesystem) -> Manifest:
        """Return a manifest of the files that are there just as they are in this bundle.

        It stands for one that is torn, and says so.
        """
        return Manifest(
            torn=True,
            files={
                artifact.path: FileRecord.of(artifact)
                for artifact in self.bundle
                if destination.entry(artifact.path).digest == artifact.digest
            },
        )


@dataclass(frozen=True, slots=True)
class InstallScope:
    """Whose files a run may remove: all but those of ``refused`` instances, or ``chosen`` alone.

    What was installed for an instance that is refused now keeps working as it did.
    """

    refused: frozenset[str] = frozenset()
    chosen: frozenset[str] | None = None

    def holds(self, instance: str) -> bool:
        """Whether the files of ``instance`` (a directory, "" for shared ones) may go."""
        if instance in self.refused:
            return False
        return self.chosen is None or instance in self.chosen


def assemble(
    host: Installation, words: Sequence[str] = (), *, commands_only: bool = False
) -> Assembly:
    """Return the bundle of ``host``, of the instances that ``words`` name or of all.

    ``commands_only``: the wrappers alone, for whoever installs nothing.
    Raises RefusedError for a word that names no instance, nor anything installed.
    """
    found = host.discovery
    taken = foreign_commands(host)
    usable, collisions = without_collisions(found.instances, host.targets[0], taken)
    refused = found.refused | found.absent | {problem.subject for problem in collisions}
    if not found.is_complete:
        refused |= host.manifest.instances() - {i.directory for i in usable}
    chosen = _choose(host, usable, refused, words)
    served = tuple(i for i in usable if chosen is None or i.directory in chosen)
    bundle = Bundle(commands(host, served) if commands_only else artifacts(host, served))
    problems = (*found.problems, *collisions, *host.targets[1], *bundle.problems)
    scope = InstallScope(refused, chosen)
    return Assembly(bundle, served, problems, scope)


def artifacts(host: Installation, instances: Iterable[Instance]) -> Iterator[Artifact]:
    """Yield all that is installed for ``instances``."""
    from postwrap.render.completions import completions, shared_completions
    from postwrap.render.manpages import manpages, packed, shared_manpages

    served = [i for i in instances if i.suffix]
    units = own_units(host.places)
    yield from commands(host, served)
    for instance in served:
        unit = units.get(instance.directory, "")
        yield from completions(instance, host.targets[0], host.layout, host.settings.shells)
        services = _inet_services(host, instance)
        pages = manpages(
            *(instance, host.targets[0], host.layout, services, unit),
            is_native=bool(host.machine),
        )
        yield from packed(pages) if host.layout.is_packaged else pages
    codes, program = _codes(), host.program()
    yield from shared_completions(host.layout, program, host.settings.shells, codes)
    pages = shared_manpages(host.layout, program, codes)
    yield from packed(pages) if host.layout.is_packaged else _not_brought(host, pages)
    yield from boot(host.layout, host.boot_facts)
    yield from lnav_format(host.layout, Tags(host.discovery.instances, {}).heads)


def _not_brought(host: Installation, pages: Iterable[Artifact]) -> Iterator[Artifact]:
    """Yield the pages that the package of postwrap itself has not brought, compressed."""
    for page in pages:
        if not host.destination.exists(f"{page.path}.gz"):
            yield page


def commands(host: Installation, instances: Iterable[Instance]) -> Iterator[Artifact]:
    """Yield the wrappers of ``instances``; the settings may want none for the default one."""
    units = own_units(host.places)
    for instance in instances:
        if instance.suffix:
            unit = units.get(instance.directory, "")
            yield from wrappers(instance, host.targets[0], host.layout, unit, host.machine)


def _inet_services(host: Installation, instance: Instance) -> Sequence[str]:
    """Return the inet services of ``instance``, none where its master.cf cannot be read."""
    from postwrap.render.manpages import inet_services

    with contextlib.suppress(OSError):
        return inet_services(host.source.read_text(f"{instance.directory}/master.cf"))
    return ()


def _codes() -> Sequence[tuple[str, str]]:
    """Return what ``postwrap check`` looks for, for the manual."""
    from postwrap.checks import RULES

    return sorted((rule.code, rule.summary) for rule in RULES)


def _choose(
    host: Installation, usable: Sequence[Instance], refused: frozenset[str], words: Sequence[str]
) -> frozenset[str] | None:
    """Return the directories that ``words`` name, None for all.

    An instance that is gone, but has files installed, answers too, so that they can be removed.
    """
    if not words:
        return None
    known = {instance.directory for instance in usable}
    ghosts = instances_of((host.manifest.instances() | refused) - known)
    return frozenset(i.directory for i in select((*usable, *ghosts), words))


def instances_of(directories: Iterable[str]) -> tuple[Instance, ...]:
    """Return instances for ``directories`` that may be gone: enough to answer to their names."""
    return tuple(Instance(directory, suffix_of(directory)) for directory in sorted(directories))
