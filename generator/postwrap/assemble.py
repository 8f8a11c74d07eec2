"""From a host to its bundle: discovery, settings, layout and rendering put together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from postwrap import layout, settings, targets
from postwrap.boot import Place, facts_of, own_unit, places
from postwrap.bundle import Artifact, Bundle
from postwrap.discovery import Discoverer, Discovery
from postwrap.errors import Problem, RefusedError, UsageError
from postwrap.facts import FactsCache
from postwrap.filesystem import Filesystem
from postwrap.install import manifest as manifests
from postwrap.install.manifest import Manifest
from postwrap.install.plan import Plan, plan
from postwrap.instance import Instance, select, suffix_of
from postwrap.layout import SYSTEM_COMMAND_DIRECTORIES, Layout, system_layout
from postwrap.postfix import Postfix
from postwrap.render.boot import BootFacts, Init, boot
from postwrap.render.completions import completions, shared_completions
from postwrap.render.manpages import inet_services, manpages, shared_manpages
from postwrap.render.wrappers import Target, wrappers
from postwrap.settings import Settings


@dataclass(frozen=True, slots=True)
class Where:
    """Which host is looked at, and where the bundle goes.

    ``root`` is a foreign tree that is looked at instead of this host, and written to;
    ``destdir`` only changes where files are written.
    """

    prefix: str = ""
    destdir: str = ""
    root: str = ""
    user: bool = False


class Host:
    """One host as postwrap sees it, looked at once."""

    def __init__(self, where: Where) -> None:
        if where.user and (where.prefix or where.root or where.destdir):
            raise UsageError("--user goes with none of --prefix, --root and --destdir")
        self.where = where
        self.source = Filesystem(where.root)
        self.destination = Filesystem(where.destdir or where.root)

    @cached_property
    def postfix(self) -> Postfix | None:
        """Postfix, None for a foreign tree, whose programs are not to be run here.

        Raises RefusedError where this host has none.
        """
        if self.where.root:
            return None
        located = Postfix.locate()
        if not located:
            hint = "install Postfix, or name another tree with --root DIR"
            raise RefusedError("Postfix is not installed here: no postconf was found", hint)
        return located

    @cached_property
    def settings(self) -> Settings:
        """What /etc/postwrap.toml says."""
        path = settings.user_settings_path() if self.where.user else settings.SYSTEM_SETTINGS
        return settings.load(self.source, path)

    @cached_property
    def layout(self) -> Layout:
        """Where files go."""
        if self.where.user:
            return layout.user_layout()
        prefix = self.where.prefix or self.settings.prefix
        if not prefix.startswith("/"):
            raise UsageError(f"--prefix {prefix}: is not an absolute path")
        debian = self.source.exists("/etc/debian_version")
        return layout.system_layout(prefix, debian=debian)

    @cached_property
    def facts(self) -> FactsCache:
        """What postconf said in earlier runs, where files are still as they were."""
        return FactsCache.load(self.destination, self.facts_path)

    @property
    def facts_path(self) -> str:
        """Where those are kept."""
        return f"{self.layout.state}/facts.json"

    @cached_property
    def new_facts(self) -> Artifact | None:
        """What postconf said that is not kept yet; a staged tree carries no such file."""
        if self.where.root or self.where.destdir:
            return None
        found = {*(i.directory for i in self.discovery.instances), *self.discovery.refused}
        artifact = self.facts.artifact(self.facts_path, found)
        is_kept = self.destination.entry(artifact.path).digest == artifact.digest
        return None if is_kept else artifact

    def keep_facts(self) -> None:
        """Keep what postconf said for the next run; the caller holds the lock.

        It is only a cache, so failing to keep it is no failure.
        """
        if self.new_facts:
            with contextlib.suppress(OSError):
                self.destination.stage(self.new_facts)
                self.destination.commit(self.new_facts.path)

    @cached_property
    def discovery(self) -> Discovery:
        """The instances and the problems with the others."""
        suffix = self.settings.default_suffix
        look = Discoverer(self.source, self.postfix, default_suffix=suffix, known=self.facts)
        return look.discover()

    @cached_property
    def manifest(self) -> Manifest:
        """What is installed."""
        return manifests.load(self.destination, manifests.manifest_path(self.layout.state))

    @cached_property
    def targets(self) -> tuple[tuple[Target, ...], tuple[Problem, ...]]:
        """The commands to wrap, and the problems with those that the settings add."""
        parameters = self.discovery.default_parameters
        catalogued = targets.locate(self.source, parameters, self.settings.omit)
        added, problems = targets.locate_added(self.source, self.settings.add)
        return (*catalogued, *added), problems

    @cached_property
    def boot_facts(self) -> BootFacts:
        """How the host boots."""
        command = next((t.path for t in self.targets[0] if t.name == "postfix"), "")
        return facts_of(self.source, command or "/usr/sbin/postfix")

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """The instances' places in the boot by directory; none where systemd has no part in it."""
        if self.where.user or self.boot_facts.init is not Init.SYSTEMD:
            return {}
        return places(self.source, self.layout)


@dataclass(frozen=True, slots=True)
class Assembly:
    """The bundle of a host: what to install for which instances, and what is wrong."""

    bundle: Bundle
    instances: tuple[Instance, ...]
    problems: tuple[Problem, ...]
    scope: Scope

    def plan(self, manifest: Manifest, destination: Filesystem, *, force: bool = False) -> Plan:
        """Return how to get from what ``destination`` holds to this bundle."""
        paths = {*(artifact.path for artifact in self.bundle), *manifest.files}
        entries = {path: destination.entry(path) for path in paths}
        return plan(self.bundle, manifest, entries, self.scope.holds, force=force)


@dataclass(frozen=True, slots=True)
class Scope:
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


def assemble(host: Host, words: Sequence[str] = ()) -> Assembly:
    """Return the bundle of ``host``, of the instances that ``words`` name or of all.

    Raises RefusedError for a word that names no instance, nor anything installed.
    """
    found = host.discovery
    taken = foreign_commands(host)
    usable, collisions = _without_collisions(found.instances, host.targets[0], taken)
    refused = found.refused | {problem.subject for problem in collisions}
    if not found.is_complete:
        refused |= host.manifest.instances() - {i.directory for i in usable}
    chosen = _choose(host, usable, refused, words)
    served = tuple(i for i in usable if chosen is None or i.directory in chosen)
    bundle = Bundle(artifacts(host, served))
    problems = (*found.problems, *collisions, *host.targets[1], *bundle.problems)
    scope = Scope(refused, chosen)
    return Assembly(bundle, served, problems, scope)


def artifacts(host: Host, instances: Iterable[Instance]) -> Iterator[Artifact]:
    """Yield all that is installed for ``instances``."""
    for instance in instances:
        if not instance.suffix:
            continue  # the settings want no commands for the default instance
        unit = own_unit(instance, host.places)
        yield from wrappers(instance, host.targets[0], host.layout, unit)
        yield from completions(instance, host.targets[0], host.layout, host.settings.shells)
        services = _inet_services(host, instance)
        yield from manpages(instance, host.targets[0], host.layout, services, unit)
    codes = _codes()
    yield from shared_completions(host.layout, host.settings.shells, codes)
    yield from shared_manpages(host.layout, codes)
    yield from boot(host.layout, host.boot_facts)


def _inet_services(host: Host, instance: Instance) -> Sequence[str]:
    """Return the inet services of ``instance``, none where its master.cf cannot be read."""
    with contextlib.suppress(OSError):
        return inet_services(host.source.read_text(f"{instance.directory}/master.cf"))
    return ()


def _codes() -> Sequence[tuple[str, str]]:
    """Return what ``postwrap check`` looks for, for the manual."""
    from postwrap.checks import RULES

    return sorted((rule.code, rule.summary) for rule in RULES)


def _choose(
    host: Host, usable: Sequence[Instance], refused: frozenset[str], words: Sequence[str]
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


def _without_collisions(
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
