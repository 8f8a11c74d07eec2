"""One host: what postwrap finds on it, and where things go on it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from postwrap import layout, settings, targets
from postwrap.bundle import Artifact
from postwrap.catalog.program import Program
from postwrap.errors import Problem, RefusedError, UsageError
from postwrap.filesystem import Filesystem
from postwrap.host.answers import AnswerCache, ConfigurationCache, ParameterCache
from postwrap.host.discovery import Discoverer, Discovery
from postwrap.host.init import boot_places, hook_directories, init_of
from postwrap.host.model import BootPlace, HostModel, Init
from postwrap.install import manifest as manifests
from postwrap.install.manifest import Manifest
from postwrap.layout import Layout
from postwrap.metrics import STATE as METRICS
from postwrap.pkgconfig import completion_directories
from postwrap.postfix import Postfix
from postwrap.render.boot import BootFacts, generator
from postwrap.render.native import is_native, machine_of
from postwrap.render.wrappers import Target
from postwrap.settings import Settings

_PARAMETERS = "facts.json"


@dataclass(frozen=True, slots=True)
class Where:
    """Which host is looked at, and where the bundle goes.

    ``root`` is a foreign tree that is looked at instead of this host, and written to;
    ``destdir`` only changes where files are written. ``looks``: nothing will be written, so that
    without a ``prefix`` the installation is meant that is there, a package's too. ``packs``: the
    bundle goes into a package; ``merged``: of a system whose sbin is bin. ``native``: whether
    wrappers are to be programs, None to leave that to the settings.
    """

    prefix: str = ""
    destdir: str = ""
    root: str = ""
    user: bool = False
    looks: bool = False
    packs: bool = False
    merged: bool = False
    native: bool | None = None


class Installation:
    """One host as postwrap sees it, looked at once.

    ``program`` returns postwrap's own command line, which its completions and manual are made of.
    """

    def __init__(self, where: Where, program: Callable[[], Program]) -> None:
        if where.user and (where.prefix or where.root or where.destdir):
            hint = "leave --user or the others out"
            message = "--user: cannot be combined with --prefix, --root or --destdir"
            raise UsageError(message, hint)
        self.where = where
        self.program = program
        self.source = Filesystem(where.root)
        self.destination = Filesystem(where.destdir or where.root)
        self._refusals: dict[Hashable, str] = {}

    def anew(self) -> Installation:
        """Return the same host, not looked at yet; what postfix(1) said holds for what stays."""
        made = Installation(self.where, self.program)
        made._refusals = self._refusals
        return made

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
        manifest = self._manifest_of(prefix)
        if not self.where.packs and not manifest.package:
            return replace(made, links=self._links(made))
        return replace(made, is_packaged=True, sbin=self._packed_sbin(made, manifest))

    def _packed_sbin(self, made: Layout, manifest: Manifest) -> str:
        """Return where a package has the commands of sbin: in bin where that is the same directory.

        A member below a link to a directory would clash with the package that has the link.
        """
        if self.where.packs:
            is_merged = self.where.merged or not self._links(made)
        else:
            commands = [path for path, record in manifest.files.items() if record.command]
            is_merged = bool(commands) and not any(p.startswith(f"{made.sbin}/") for p in commands)
        return made.bin if is_merged else made.sbin

    def _links(self, made: Layout) -> str:
        """Return bin, "" where that is the same directory as sbin: a link would be its own target.

        On the hosts that a package is for it may be so, so a package has no links.
        """
        bin_, sbin = (self.source.real(d).resolve() for d in (made.bin, made.sbin))
        return "" if bin_ == sbin else made.bin

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
    def others(self) -> tuple[tuple[str, str], ...]:
        """The prefixes under which there are commands besides these, and the packages' names."""
        usual = (layout.DEFAULT_PREFIX, layout.SYSTEM_PREFIX)
        found = {prefix: self._manifest_of(prefix) for prefix in usual}
        mine = "" if self.where.user else self.layout.state
        return tuple(
            (prefix, manifest.package)
            for prefix, manifest in found.items()
            if manifest.files and mine and layout.system_layout(prefix).state != mine
        )

    @cached_property
    def parameters(self) -> ParameterCache:
        """What postconf said to discovery in earlier runs."""
        return ParameterCache.load(self.destination, self._parameters_path)

    @cached_property
    def configurations(self) -> ConfigurationCache:
        """What postconf said in earlier surveys."""
        return ConfigurationCache.load(self.destination, self._configurations_path)

    @cached_property
    def _state(self) -> str:
        """The layout's state directory; no program is asked, as the layout of a package may be."""
        if self.where.user:
            return self.layout.state
        usual = self.where.prefix or self.settings.prefix
        # Not by the manifests, as the layout is: they are large.
        prefixes = (usual, layout.SYSTEM_PREFIX) if self._looks_anywhere else (usual,)
        states = [layout.system_layout(prefix).state for prefix in prefixes]
        kept = (s for s in states if self.destination.exists(f"{s}/{_PARAMETERS}"))
        return next(kept, states[0])

    @property
    def _looks_anywhere(self) -> bool:
        """Whether the installation is meant that is there, a package's too."""
        return self.where.looks and not self.where.prefix

    @property
    def _parameters_path(self) -> str:
        return f"{self._state}/{_PARAMETERS}"

    @property
    def _configurations_path(self) -> str:
        return f"{self._state}/configurations.json"

    @property
    def kept_paths(self) -> tuple[str, ...]:
        """Where what was seen is kept, for whoever removes all: of postconf and for metrics."""
        metrics = () if self.where.user else (METRICS,)
        return self._parameters_path, self._configurations_path, *metrics

    @property
    def torn_answers(self) -> str:
        """The file of what postconf said to discovery, where that is torn; else "".

        That of surveys is written anew by each survey that may.
        """
        return self._parameters_path if self.parameters.torn else ""

    @cached_property
    def new_answers(self) -> Artifact | None:
        """What postconf said to discovery that is not kept yet."""
        return self._new(self.parameters, self._parameters_path)

    def _new(self, cache: AnswerCache, path: str) -> Artifact | None:
        """Return the file of ``cache`` where another one is there; none for a staged tree."""
        if self.where.root or self.where.destdir:
            return None
        seen = self.discovery
        found = {*(i.directory for i in seen.instances), *seen.refused, *seen.absent}
        artifact = cache.artifact(path, found)
        is_kept = self.destination.entry(artifact.path).digest == artifact.digest
        return None if is_kept else artifact

    def keep_answers(self) -> None:
        """Keep what postconf said to discovery for the next run."""
        self._keep(self.new_answers)

    def _keep(self, artifact: Artifact | None) -> None:
        """Write the file of a cache. It is only a cache, so failing to keep it is no failure.

        Several surveys may do so at once: each has a name of its own for what it stages. It is not
        synced: what a power cut tears is known by its check sum, and asked of Postfix again.
        """
        if artifact:
            own = replace(artifact, path=f"{artifact.path}.{os.getpid()}")
            with contextlib.suppress(OSError):
                try:
                    self.destination.stage(own)
                    self.destination.commit(own.path, artifact.path)
                finally:
                    self.destination.unstage(own.path)

    @cached_property
    def model(self) -> HostModel:
        """The model of this host, looked at once.

        What postconf said is kept for the next survey where this user is root and the commands are
        installed, by no package; a survey changes nothing else. Raises RefusedError for a foreign
        tree, whose programs are not to be run here.
        """
        from postwrap.host.survey import Doors, survey  # most verbs need none

        if self.postfix is None:
            hint = "leave --root out: Postfix's programs are asked, and that is the host's own"
            raise RefusedError(f"{self.where.root}: is another root file system", hint)
        doors = Doors(
            self.source, self.postfix, self.configurations, self.next_boot, self._refusals
        )
        found = survey(doors, self.discovery)
        if found.is_root and self.manifest.files and not self.layout.is_packaged:
            self._keep(self.new_answers)
            self._keep(self._new(self.configurations, self._configurations_path))
        return found

    @cached_property
    def discovery(self) -> Discovery:
        """The instances and the problems with the others."""
        suffix = self.settings.default_suffix
        look = Discoverer(self.source, self.postfix, default_suffix=suffix, known=self.parameters)
        return look.discover()

    @cached_property
    def manifest(self) -> Manifest:
        """What is installed."""
        path = manifests.manifest_path(self.layout.state)
        return manifests.load(self.destination, path, self.layout)

    @cached_property
    def targets(self) -> tuple[tuple[Target, ...], tuple[Problem, ...]]:
        """The commands to wrap, and the problems with those that the settings add."""
        parameters = self.discovery.default_parameters
        catalogued = targets.locate(self.source, parameters, self.settings.omit)
        added, problems = targets.locate_added(self.source, self.settings.add)
        return (*catalogued, *added), problems

    @cached_property
    def wants_native(self) -> bool:
        """Whether the wrappers are to be programs instead of shell scripts.

        As the option or the settings say, else as they are now. A package is for any machine.
        """
        if self.layout.is_packaged:
            return False
        if self.where.native is not None:
            return self.where.native
        return self.settings.wrappers == "native" if self.settings.wrappers else self._has_native

    @property
    def _has_native(self) -> bool:
        """Whether wrappers are installed, and one of them is a program."""
        paths = [path for path, record in self.manifest.files.items() if record.command]
        return any(is_native(self.destination.head(path)) for path in paths)

    @cached_property
    def machine(self) -> str:
        """The machine that native wrappers are for; "" where shell scripts are wanted.

        Also "" where postwrap has no code for the machine that the wrapped programs are for.
        """
        if not self.wants_native:
            return ""
        heads = (self.source.head(target.path) for target in self.targets[0])
        return next(filter(None, map(machine_of, heads)), "")

    @cached_property
    def boot_facts(self) -> BootFacts:
        """How the host boots."""
        command = next((t.path for t in self.targets[0] if t.name == "postfix"), "")
        usual = command or "/usr/sbin/postfix"
        facts = BootFacts(init_of(self.source), usual, hook_directories(self.source), self.command)
        is_theirs = facts.init in {Init.SYSV, Init.OPENRC} and self._is_beside_a_package
        return replace(facts, init=Init.NONE) if is_theirs else facts

    @property
    def command(self) -> str:
        """The postwrap that units call: that of the prefix, or of the environment of a wheel."""
        usual = f"{self.layout.sbin}/postwrap"
        own = f"{sys.prefix}/bin/postwrap"
        is_elsewhere = self.where.root or self.where.destdir or sys.prefix == sys.base_prefix
        if is_elsewhere or self.destination.exists(usual) or not self.source.is_file(own):
            return usual
        return own

    @property
    def _is_beside_a_package(self) -> bool:
        """Whether a package under /usr has the one init script that there can be."""
        is_other = self.layout.state != layout.system_layout(layout.SYSTEM_PREFIX).state
        return is_other and bool(self._manifest_of(layout.SYSTEM_PREFIX).package)

    @cached_property
    def places(self) -> Mapping[str, BootPlace]:
        """The instances' places in the boot by directory; none where systemd has no part in it.

        They are those that postwrap's generator gives them where it is installed.
        """
        if self.where.user or self.boot_facts.init is not Init.SYSTEMD:
            return {}
        return boot_places(self.source, generator(self.layout).content.decode())

    @property
    def next_boot(self) -> Mapping[str, BootPlace]:
        """The places that hold at the next boot: until it is installed, no generator decides."""
        path = f"{self.layout.systemd_generator}/postwrap-generator"
        return self.places if self.source.is_file(path) else {}
