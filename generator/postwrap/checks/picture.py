"""What the rules judge: the host, and what postwrap has installed there. Data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postwrap.errors import Problem
from postwrap.host.model import CopiedMessage, HostModel
from postwrap.install.state import Installed


@dataclass(frozen=True, slots=True)
class OtherInstallation:
    """Commands under another ``prefix`` than those that are looked at.

    ``package`` is the package that brought them, "" for none.
    """

    prefix: str
    package: str = ""


@dataclass(frozen=True, slots=True)
class InstalledCommands:
    """The commands, and what belongs to them, beside what ``postwrap install`` would write.

    ``states`` is how the commands of each instance are, by directory. ``shared`` are the files for
    all instances that are missing or out of date, ``left`` those that no instance wants, and
    ``edited`` the instances with commands that were changed by hand. ``options`` are those of
    postwrap that choose this installation, ``named`` the same where the usual one needs none;
    ``others`` are more installations on the host.
    """

    states: Mapping[str, Installed] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    edited: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    others: tuple[OtherInstallation, ...] = ()

    def of(self, directory: str) -> Installed:
        """Return how the commands of the instance in ``directory`` are.

        One that gets no commands misses none.
        """
        return self.states.get(directory, Installed.INSTALLED)


class Keeps(StrEnum):
    """What a file of postwrap's own keeps."""

    RECORD = "record"
    MANIFEST = "manifest"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class Torn:
    """A file of postwrap's own that cannot be read; ``instance`` is the one that it is for."""

    path: str
    keeps: Keeps
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A host and what is installed there.

    ``problems`` are those of discovery, ``torn`` the files of postwrap's own that cannot be read,
    ``copied`` the messages that two queues hold, as far as root looked. ``fatal`` are what
    programs of an instance, by directory, logged last when they died, since it was started or
    changed. ``roles`` are the recorded ones, by directory.
    """

    host: HostModel
    installed: InstalledCommands = field(default_factory=InstalledCommands)
    problems: tuple[Problem, ...] = ()
    torn: tuple[Torn, ...] = ()
    copied: tuple[CopiedMessage, ...] = ()
    fatal: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
