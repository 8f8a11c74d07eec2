"""What a package is before it has a format: files, a name, and what it goes with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import PurePosixPath

from postwrap import __version__
from postwrap.bundle import Artifact
from postwrap.errors import UsageError
from postwrap.host.model import Init
from postwrap.layout import INIT_SCRIPT
from postwrap.render import render

DEFAULT_NAME = "postwrap-commands"

BOOT_NAME = "postwrap-boot"
"""The package of what all instances share, or what another provides in its place."""

MAINTAINER = "The administrators of this host <postmaster@localhost>"


class PackagePart(StrEnum):
    """What is packed: all, what all instances share, or the commands of single instances."""

    ALL = "all"
    BOOT = "boot"
    INSTANCES = "instances"

    @property
    def holds_boot(self) -> bool:
        """Whether the shared files are in it."""
        return self is not PackagePart.INSTANCES


_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")
_MAINTAINER = re.compile(r"[^<>\n]+ <[^<>\s]+@[^<>\s]+>\Z")
_PATH = re.compile(r"[A-Za-z0-9/._@+-]+\Z")


_SUMMARY = "commands for each Postfix instance"
_COMMANDS = (
    "Wrapper commands (mailq-NAME, sendmail-NAME, postconf-NAME and so on) for",
    "Postfix instances, their completions for bash, zsh and fish, and their manual",
)
_DESCRIPTIONS = {
    PackagePart.ALL: (*_COMMANDS, "pages, and what brings the instances up at boot."),
    PackagePart.INSTANCES: (*_COMMANDS, "pages."),
    PackagePart.BOOT: (
        "What brings the Postfix instances of a host up at boot, and what the",
        "completions of their commands share. The commands of the instances are in",
        "other packages.",
    ),
}


@dataclass(frozen=True)
class Package:
    """The commands of a host's instances as one package.

    ``artifacts`` are in the order of their paths; ``state`` is the directory that is postwrap's
    alone; ``timestamp`` (seconds since 1970) is the time of everything in it.
    """

    artifacts: tuple[Artifact, ...] = ()
    state: str = ""
    init: Init = Init.NONE
    name: str = DEFAULT_NAME
    release: int = 1
    timestamp: int = 0
    part: PackagePart = PackagePart.ALL
    maintainer: str = MAINTAINER

    version = __version__
    url = "https://www.postfix.org/MULTI_INSTANCE_README.html"

    @cached_property
    def instances(self) -> tuple[str, ...]:
        """The configuration directories of the instances whose commands it has."""
        return tuple(sorted({a.instance for a in self.artifacts if a.instance}))

    @property
    def summary(self) -> str:
        """What is in it, in one line."""
        if self.part is PackagePart.BOOT:
            return "boot and completions of Postfix instances"
        named = ", ".join(self.instances) if self.part is PackagePart.INSTANCES else ""
        return f"commands for the Postfix instance in {named}" if named else _SUMMARY

    @property
    def description(self) -> tuple[str, ...]:
        """What is in it, in lines of at most eighty characters."""
        return _DESCRIPTIONS[self.part]

    @property
    def depends(self) -> tuple[str, ...]:
        """The names of the packages that it needs."""
        return ("postfix",) if self.part.holds_boot else ("postfix", BOOT_NAME)

    @property
    def provides(self) -> tuple[str, ...]:
        """The names that others know it by."""
        return (BOOT_NAME,) if self.part is PackagePart.ALL else ()

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The names of those that bring the same files: one package has the shared ones."""
        if self.part is PackagePart.ALL:
            return ("postwrap", BOOT_NAME)
        return ("postwrap",) if self.part is PackagePart.BOOT else ()

    def with_files(self, *artifacts: Artifact) -> Package:
        """Return this package with more files."""
        in_order = sorted((*self.artifacts, *artifacts), key=lambda artifact: artifact.path)
        return replace(self, artifacts=tuple(in_order))

    def __post_init__(self) -> None:
        """Refuse a name or a path that one of the formats would not have."""
        if not _MAINTAINER.match(self.maintainer):
            hint = "as in --maintainer 'Alice <alice@example.com>'"
            raise UsageError(f"{self.maintainer}: not a name and an address", hint)
        if not _NAME.match(self.name):
            hint = "two or more of a-z, 0-9, +, . and -, a letter or digit first"
            raise UsageError(f"{self.name}: not a package name", hint)
        odd = next((a.path for a in self.artifacts if not _PATH.match(a.path)), None)
        if odd:
            hint = "choose a --prefix of letters, digits, /, ., _, @, + and -"
            raise UsageError(f"{odd}: has characters that packages cannot carry", hint)

    @cached_property
    def directories(self) -> tuple[str, ...]:
        """All directories above the files, parents first, without the root."""
        paths = (PurePosixPath(artifact.path) for artifact in self.artifacts)
        return tuple(sorted({str(parent) for path in paths for parent in path.parents} - {"/"}))

    @cached_property
    def own_directories(self) -> tuple[str, ...]:
        """Those of ``directories`` that no other package has: postwrap's own, and drop-ins'."""
        return tuple(d for d in self.directories if self._is_own(d))

    def _is_own(self, directory: str) -> bool:
        if f"{directory}/".startswith(f"{self.state}/"):
            return self.part.holds_boot
        ends = (".service.d", f"/doc/{self.name}", f"/licenses/{self.name}")
        return directory.endswith(ends)

    @cached_property
    def configuration_files(self) -> tuple[str, ...]:
        """The files under /etc, which are the administrator's to edit."""
        return tuple(a.path for a in self.artifacts if a.path.startswith("/etc/"))

    @cached_property
    def size(self) -> int:
        """The bytes in all files."""
        return sum(len(artifact.content) for artifact in self.artifacts)

    def script(self, template: str, **more: str) -> str:
        """Return what ``template``, a file of packaging/bundle, makes of this package."""
        init = self.init if self.part.holds_boot else Init.NONE
        values = {"package": self, "init": str(init), "script": INIT_SCRIPT, **more}
        return render(f"packaging/bundle/{template}", **values).decode()


def members(package: Package) -> Iterator[Artifact | str]:
    """Yield the artifacts, and each directory above them (a path) before what is in it."""
    by_path: dict[str, Artifact | str] = {path: path for path in package.directories}
    by_path |= {artifact.path: artifact for artifact in package.artifacts}
    return (by_path[path] for path in sorted(by_path))
