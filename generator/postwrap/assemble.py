"""From a host to its bundle: what discovery found, rendered."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from postwrap.bundle import Artifact, Bundle
from postwrap.collisions import foreign_commands, without_collisions
from postwrap.errors import Problem
from postwrap.filesystem import Filesystem
from postwrap.fingerprints import Fingerprints, fingerprint
from postwrap.host.init import own_units
from postwrap.host.naming import Instance, select, suffix_of
from postwrap.install.manifest import FileRecord, Manifest
from postwrap.install.plan import InstallPlan, plan
from postwrap.installation import Installation
from postwrap.layout import shared_pages
from postwrap.logs.tags import Tags
from postwrap.render.boot import boot
from postwrap.render.lnav import lnav_format, told_apart
from postwrap.render.wrappers import wrappers


@dataclass(frozen=True, slots=True)
class Assembly:
    """The bundle of a host: what to install for which instances, and what is wrong.

    ``fingerprints`` tell what it is made from, by instance; ``render`` returns it without outlines.
    """

    bundle: Bundle
    instances: tuple[Instance, ...]
    problems: tuple[Problem, ...]
    scope: InstallScope
    fingerprints: Mapping[str, str]
    render: Callable[[], Bundle]

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
        planner = partial(plan, in_scope=self.scope.holds, force=force, keep=keep)
        planned = planner(self.bundle, manifest, entries)
        if any(change.after and change.after.outline for change in planned.changes):
            planned = planner(self.render(), manifest, entries)
        return self._with_fingerprints(planned)

    def _with_fingerprints(self, planned: InstallPlan) -> InstallPlan:
        """Return the plan with what its files are made from, by each instance that has them all.

        Some may stay as they are, or be brought by a package that goes another day.
        """
        files = planned.manifest.files.items()
        wanted = _by_instance((artifact.path, artifact.instance) for artifact in self.bundle)
        listed = _by_instance((path, record.instance) for path, record in files)
        is_whole = not (planned.conflicts or planned.kept or self.bundle.problems)
        others = planned.manifest.fingerprints.items()
        known = {i: f for i, f in others if i not in self.fingerprints}
        own = {i: f for i, f in self.fingerprints.items() if is_whole and wanted[i] == listed[i]}
        return replace(planned, manifest=replace(planned.manifest, fingerprints=known | own))

    def as_installed(self, destination: Filesystem) -> Manifest:
        """Return a manifest of the files that are there just as they are in this bundle.

        It stands for one that is torn, and says so.
        """
        return Manifest(
            torn=True,
            files={
                artifact.path: FileRecord.of(artifact)
                for artifact in self.render()
                if destination.entry(artifact.path).digest == artifact.digest
            },
        )


def _by_instance(paths: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    """Return paths, each with its instance, by instance."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, instance in paths:
        found[instance].add(path)
    return found


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
    fingerprints = Fingerprints(Manifest() if commands_only else host.manifest)

    def made(known: Fingerprints) -> Bundle:
        return Bundle(commands(host, served) if commands_only else artifacts(host, served, known))

    bundle = made(fingerprints)
    problems = (*found.problems, *collisions, *host.targets[1], *bundle.problems)
    scope = InstallScope(refused, chosen)
    return Assembly(
        *(bundle, served, problems, scope),
        fingerprints=fingerprints.used,
        render=lambda: made(Fingerprints(Manifest())),
    )


def artifacts(
    host: Installation, instances: Iterable[Instance], known: Fingerprints
) -> Iterator[Artifact]:
    """Yield all that is installed for ``instances``; outlines of what ``known`` says is there."""
    served = [i for i in instances if i.suffix]
    units = own_units(host.places)
    usual = (host.layout, host.targets[0], sorted(host.settings.shells), host.machine)
    for instance in served:
        unit = units.get(instance.directory, "")
        services = _inet_services(host, instance)
        parameters = sorted(instance.parameters.items())
        made_from = fingerprint(*usual, instance, parameters, services, unit)
        render = partial(_own, host, instance, services, unit)
        yield from known.artifacts(instance.directory, made_from, render)
    tags = told_apart(Tags(host.discovery.instances, {}).heads)
    brought = [path for path in shared_pages(host.layout) if _is_brought(host, path)]
    made_from = fingerprint(*usual, host.boot_facts, tags, brought)
    yield from known.artifacts("", made_from, partial(_shared, host, tags, brought))


def _own(
    host: Installation, instance: Instance, services: Sequence[str], unit: str
) -> Iterator[Artifact]:
    """Yield what is installed for ``instance`` alone."""
    from postwrap.render.completions import completions
    from postwrap.render.manpages import manpages, packed

    yield from wrappers(instance, host.targets[0], host.layout, unit, host.machine)
    yield from completions(instance, host.targets[0], host.layout, host.settings.shells)
    pages = manpages(
        *(instance, host.targets[0], host.layout, services, unit), is_native=bool(host.machine)
    )
    yield from packed(pages) if host.layout.is_packaged else pages


def _shared(
    host: Installation, tags: Collection[str], brought: Collection[str]
) -> Iterator[Artifact]:
    """Yield what all instances share; of the pages those that no package has ``brought``."""
    from postwrap.render.completions import shared_completions
    from postwrap.render.manpages import packed, shared_manpages

    codes, program = _codes(), host.program()
    yield from shared_completions(host.layout, program, host.settings.shells, codes)
    pages = shared_manpages(host.layout, program, codes)
    if host.layout.is_packaged:
        yield from packed(pages)
    else:
        yield from (page for page in pages if page.path not in brought)
    yield from boot(host.layout, host.boot_facts)
    yield from lnav_format(host.layout, tags)


def _is_brought(host: Installation, page: str) -> bool:
    """Whether the package of postwrap itself has brought ``page``, compressed."""
    return host.destination.exists(f"{page}.gz")


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
