"""One host: what postwrap finds on it, and where things go on it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from postwrap import layout, settings, targets
from postwrap.boot import Place, facts_of, places
from postwrap.bundle import Artifact
from postwrap.discovery import Discoverer, Discovery
from postwrap.errors import Problem, RefusedError, UsageError
from postwrap.facts import FactsCache
from postwrap.filesystem import Filesystem
from postwrap.install import manifest as manifests
from postwrap.install.manifest import Manifest
from postwrap.layout import Layout
from postwrap.pkgconfig import completion_directories
from postwrap.postfix import Postfix
from postwrap.render.boot import BootFacts, Init
from postwrap.render.wrappers import Target
from postwrap.settings import Settings


@dataclass(frozen=True, slots=True)
class Where:
    """Which host is looked at, and where the bundle goes.

    ``root`` is a foreign tree that is looked at instead of this host, and written to;
    ``destdir`` only changes where files are written. ``looks``: nothing will be written, so that
    without a ``prefix`` the installation is meant that is there, a package's too. ``packs``: the
    bundle goes into a package.
    """

    prefix: str = ""
    destdir: str = ""
    root: str = ""
    user: bool = False
    looks: bool = False
    packs: bool = False


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
        prefix = self.where.prefix or self._usual_prefix
        if not prefix.startswith("/"):
            raise UsageError(f"--prefix {prefix}: is not an absolute path")
        debian = self.source.exists("/etc/debian_version")
        is_package = prefix.rstrip("/") == layout.SYSTEM_PREFIX
        named = completion_directories(self.source) if is_package else {}
        made = layout.system_layout(prefix, debian=debian, completions=named)
        return replace(
            made, is_packaged=self.where.packs or bool(self._manifest_of(prefix).package)
        )

    @cached_property
    def _usual_prefix(self) -> str:
        """The prefix where none is named: the settings', or the one of a package alone."""
        usual = self.settings.prefix
        if self.where.looks and not self._manifest_of(usual).files:
            packaged = self._manifest_of(layout.SYSTEM_PREFIX).package
            return layout.SYSTEM_PREFIX if packaged else usual
        return usual

    def _manifest_of(self, prefix: str) -> Manifest:
        state = layout.system_layout(prefix).state
        return manifests.load(self.destination, manifests.manifest_path(state))

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
        facts = facts_of(self.source, command or "/usr/sbin/postfix")
        is_theirs = facts.init in {Init.SYSV, Init.OPENRC} and self._is_beside_a_package
        return replace(facts, init=Init.NONE) if is_theirs else facts

    @property
    def _is_beside_a_package(self) -> bool:
        """Whether a package under /usr has the one init script that there can be."""
        is_other = self.layout.state != layout.system_layout(layout.SYSTEM_PREFIX).state
        return is_other and bool(self._manifest_of(layout.SYSTEM_PREFIX).package)

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """The instances' places in the boot by directory; none where systemd has no part in it."""
        if self.where.user or self.boot_facts.init is not Init.SYSTEMD:
            return {}
        return places(self.source, self.layout)
