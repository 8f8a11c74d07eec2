"""What a package is before it has a format: files, a name, and what the init is to be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from postwrap import __version__
from postwrap.bundle import Artifact
from postwrap.errors import UsageError
from postwrap.render import render
from postwrap.render.boot import SCRIPT, Init

DEFAULT_NAME = "postwrap-commands"
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")
_PATH = re.compile(r"[A-Za-z0-9/._@+-]+\Z")


@dataclass(frozen=True)
class Package:
    """The commands of a host's instances as one package.

    ``artifacts`` are in the order of their paths; ``state`` is the directory that is postwrap's
    alone; ``timestamp`` (seconds since 1970) is the time of everything in it.
    """

    artifacts: tuple[Artifact, ...]
    state: str
    init: Init = Init.NONE
    name: str = DEFAULT_NAME
    release: int = 1
    timestamp: int = 0

    version = __version__
    summary = "commands for each Postfix instance"
    description = (
        "Wrapper commands (mailq-NAME, sendmail-NAME, postconf-NAME and so on) for each",
        "Postfix instance, their completions for bash, zsh and fish, their manual pages,",
        "and what brings the instances up at boot.",
    )
    url = "https://www.postfix.org/MULTI_INSTANCE_README.html"

    def __post_init__(self) -> None:
        """Refuse a name or a path that one of the formats would not have."""
        if not _NAME.match(self.name):
            hint = "two or more of a-z, 0-9, +, . and -, a letter or digit first"
            raise UsageError(f"{self.name}: is no name for a package", hint)
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
        return f"{directory}/".startswith(f"{self.state}/") or directory.endswith(".service.d")

    @cached_property
    def configuration_files(self) -> tuple[str, ...]:
        """The files under /etc, which are the administrator's to edit."""
        return tuple(a.path for a in self.artifacts if a.path.startswith("/etc/"))

    @cached_property
    def size(self) -> int:
        """The bytes in all files."""
        return sum(len(artifact.content) for artifact in self.artifacts)

    def script(self, template: str) -> str:
        """Return what ``template``, a file of packaging/bundle, makes of this package."""
        values = {"package": self, "init": str(self.init), "script": SCRIPT}
        return render(f"packaging/bundle/{template}", **values).decode()


def members(package: Package) -> Iterator[Artifact | str]:
    """Yield the artifacts, and each directory above them (a path) before what is in it."""
    by_path: dict[str, Artifact | str] = {path: path for path in package.directories}
    by_path |= {artifact.path: artifact for artifact in package.artifacts}
    return (by_path[path] for path in sorted(by_path))
