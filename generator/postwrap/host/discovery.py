"""Which instances this host has, and what is wrong with those that cannot be served.

Discovery asks the file system and Postfix, and decides by the naming rules of
postwrap.host.naming. One bad directory never hides the others: it becomes a Problem with its
remedy.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from postwrap.catalog import LOCATION_PARAMETERS
from postwrap.errors import Problem, RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host import rights, trust
from postwrap.host.answers import DEFAULT_DIRECTORY, ParameterCache
from postwrap.host.naming import DEFAULT_SUFFIX, Instance, find, is_removed, is_safe, suffix_of
from postwrap.postfix import Postfix, PostfixError

INSTANCE_PARAMETERS = (
    "multi_instance_name",
    "multi_instance_group",
    "multi_instance_enable",
    "queue_directory",
    "data_directory",
    "syslog_name",
    "maillog_file",
    "maximal_queue_lifetime",
    "bounce_queue_lifetime",
    "myhostname",
    "inet_interfaces",
    "inet_protocols",
)
"""What every instance is asked for, in one process."""

_DEFAULT_ONLY = (
    "config_directory",
    "mail_owner",
    "multi_instance_directories",
    "alternate_config_directories",
    *LOCATION_PARAMETERS,
)
_SUFFIX_LIMIT = 200
"""File names end at 255 bytes, and the longest command wants its share."""
_MOVE = "move it to a directory that is root's alone: postwrap check prints the commands"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: the instances to serve, the default one first, and the problems.

    ``refused`` are the directories that exist and are not served now; what was installed for
    them earlier stays; ``aliases`` are those of them that are another name of a directory.
    ``default_parameters`` are those of the default instance, among them the
    paths of Postfix's commands; they are empty where no Postfix was asked.
    """

    instances: tuple[Instance, ...]
    problems: tuple[Problem, ...] = ()
    refused: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)
    default_parameters: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    """Registered directories that are not there just now, and are not beside the default one: on a
    file system that is not mounted, say."""
    is_complete: bool = True
    """False where the default main.cf could not be read, and so the directories it registers."""

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """The problems of instances that are not processed at all.

        One whose configuration postconf cannot read is processed: it is up to who asks it.
        """
        refused = self.refused - self.aliases.keys()
        return tuple(p for p in self.problems if p.subject in refused or not self.is_complete)

    def find(self, word: str) -> Instance:
        """Return the instance that answers to ``word``; RefusedError where there is not just one.

        Where it is one that is not served, the error says why.
        """
        self.need_served(word)
        return find(self.instances, word)

    def need_served(self, word: str) -> None:
        """Raise RefusedError where ``word`` means a directory that is refused, and no other."""
        if any(instance.answers_to(word) for instance in self.instances):
            return
        default = self.default_parameters.get("config_directory", DEFAULT_DIRECTORY)
        for problem in self.problems:
            directory = problem.subject
            meant = Instance(directory, suffix_of(directory), is_default=directory == default)
            if directory in self.refused and meant.answers_to(word):
                raise RefusedError(f"{directory}: {problem.message}", problem.hint)


class Discoverer:
    """One look at a host."""

    def __init__(
        self,
        filesystem: Filesystem,
        postfix: Postfix | None,
        *,
        default_suffix: str = DEFAULT_SUFFIX,
        known: ParameterCache | None = None,
    ) -> None:
        self.filesystem = filesystem
        self.postfix = postfix
        self.default_suffix = default_suffix
        self.rule = trust.judge(filesystem)
        self.known = ParameterCache() if known is None else known
        self.problems: list[Problem] = []
        self.refused: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.is_complete = True

    def discover(self) -> Discovery:
        """Return the instances of the host and the problems met."""
        parameters = self._default_parameters()
        default = parameters.get("config_directory", DEFAULT_DIRECTORY)
        parameters |= self._own_locations(default)
        registered = registered_directories(parameters)
        found = [
            instance
            for directory in self._candidates(default, registered)
            if (instance := self._instance(directory, default, parameters))
        ]
        unique = self._without_twins(found)
        return Discovery(
            instances=tuple(sorted(unique, key=lambda i: (not i.is_default, i.directory))),
            problems=tuple(self.problems),
            refused=frozenset(self.refused),
            aliases=self.aliases,
            default_parameters=parameters,
            absent=frozenset(self._absent(default, registered)),
            is_complete=self.is_complete,
        )

    def _absent(self, default: str, registered: Iterable[str]) -> Iterator[str]:
        """Yield those of ``registered`` that may come back; beside ``default``, gone is gone."""
        parent = PurePosixPath(default).parent
        for directory in (path.rstrip("/") for path in registered):
            is_there = self.filesystem.exists(f"{directory}/main.cf")
            if PurePosixPath(directory).parent != parent and not is_there:
                yield directory

    def _refuse(self, directory: str, message: str, hint: str) -> None:
        self.problems.append(Problem(directory, message, hint))
        self.refused.add(directory)

    def _default_parameters(self) -> dict[str, str]:
        if not self.postfix:
            return {}
        names = (*_DEFAULT_ONLY, *INSTANCE_PARAMETERS)
        try:
            return self.known.parameters(self.postfix, self.filesystem, names)
        except PostfixError as error:
            self.is_complete = False
            defaults = self.postfix.defaults(names)
            subject = defaults.get("config_directory", DEFAULT_DIRECTORY)
            hint = "mend its main.cf; until then only directories beside it are looked at"
            self.problems.append(Problem(subject, error.message, hint))
            return defaults

    def _own_locations(self, default: str) -> dict[str, str]:
        """Return Postfix's own places of its commands where others can change the default main.cf.

        The commands of all instances run what it names, and others would have root run theirs.
        """
        if not self.postfix or not self._distrust(default):
            return {}
        return self.postfix.defaults(LOCATION_PARAMETERS)

    def _candidates(self, default: str, registered: Iterable[str]) -> Iterator[str]:
        """Yield the directories to look at, each real directory under one name alone."""
        parent, stem = PurePosixPath(default).parent, PurePosixPath(default).name
        names = (n for n in self.filesystem.names(str(parent)) if n.startswith(stem))
        paths = [default, *(str(parent / name) for name in names), *registered]
        unique = dict.fromkeys(path.rstrip("/") for path in paths if not is_removed(path))
        seen: dict[tuple[int, int], str] = {}
        # A link comes after what it may point to.
        for directory in sorted(unique, key=lambda d: self.filesystem.real(d).is_symlink()):
            identity = self._identity(directory)
            if identity in seen:
                first = self.aliases[directory] = seen[identity]
                self._refuse(directory, f"is another name of {first}", f"use {first} alone")
            elif identity:
                seen[identity] = directory
                yield directory

    def _identity(self, directory: str) -> tuple[int, int] | None:
        """Return what tells ``directory`` from others, None where there is no such directory."""
        try:
            status = self._stat(directory)
        except PermissionError:
            self._refuse(directory, "cannot be read", "run postwrap as root")
            return None
        except OSError:
            return None
        return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None

    def _stat(self, path: str) -> os.stat_result:
        """Return the status of ``path``, links followed: in a foreign tree, within it."""
        if self.filesystem.root:
            path = trust.end(self.filesystem, path)
        return self.filesystem.stat(path)

    def _instance(
        self, directory: str, default: str, parameters: Mapping[str, str]
    ) -> Instance | None:
        is_default = directory == default
        if not self._is_instance(directory):
            return None
        if not directory.startswith("/"):
            self._refuse(directory, "is not an absolute path", "register it as one")
            return None
        if not is_safe(directory.replace("/", "")):
            hint = "rename the directory, with letters, digits, dot, underscore and hyphen alone"
            self._refuse(directory, "has characters that no command's name may have", hint)
            return None
        if distrust := self._distrust(directory):
            self._refuse(directory, *distrust)
            return None
        if is_default:
            return Instance(directory, self.default_suffix, is_default=True, parameters=parameters)
        return self._secondary(directory)

    def _distrust(self, directory: str) -> tuple[str, str] | None:
        """Return how others than root can change the configuration, and the remedy, if they can."""
        try:
            found = trust.faults(self.filesystem, directory, self.rule)
        except OSError as error:
            return f"cannot be looked at: {error.strerror or error}", "run postwrap as root"
        if not found:
            return None
        return rights.told(found), rights.remedy(found) or _MOVE

    def _is_instance(self, directory: str) -> bool:
        """Whether ``directory`` holds a regular main.cf and master.cf."""
        try:
            files = [self._stat(f"{directory}/{name}") for name in trust.FILES]
        except PermissionError:
            hint = f"chmod 755 {directory}, or run postwrap as root"
            self._refuse(directory, "cannot be read", hint)
            return False
        except OSError:
            return False
        return all(stat.S_ISREG(status.st_mode) for status in files)

    def _secondary(self, directory: str) -> Instance | None:
        parameters = self._parameters(directory)
        suffix = suffix_of(directory, parameters.get("multi_instance_name", ""))
        if not is_safe(suffix):
            hint = f"postconf -c {directory} -e multi_instance_name=NAME"
            self._refuse(directory, f"would have commands named …{suffix}", hint)
            return None
        if len(suffix) > _SUFFIX_LIMIT:
            hint = f"rename it; {_SUFFIX_LIMIT} characters are the most"
            self._refuse(directory, "has a name too long for commands", hint)
            return None
        return Instance(directory, suffix, parameters=parameters)

    def _parameters(self, directory: str) -> Mapping[str, str]:
        """Return what postconf says of a secondary; where it cannot, a problem and nothing.

        Such an instance is served all the same: its wrappers are what mends it.
        """
        if not self.postfix:
            return {}
        try:
            names = INSTANCE_PARAMETERS
            return self.known.parameters(self.postfix, self.filesystem, names, directory)
        except PostfixError as error:
            self.problems.append(Problem(directory, error.message, error.hint))
            return {}

    def _without_twins(self, found: Sequence[Instance]) -> list[Instance]:
        """Return ``found`` without the instances that share a suffix; those are refused."""
        by_suffix: dict[str, list[Instance]] = defaultdict(list)
        for instance in found:
            by_suffix[instance.suffix].append(instance)
        for suffix, twins in by_suffix.items():
            for instance in twins if len(twins) > 1 else ():
                others = " and ".join(t.directory for t in twins if t is not instance)
                message = f"would have the same commands (mailq{suffix}) as {others}"
                self._refuse(instance.directory, message, "rename one of the directories")
        return [twins[0] for twins in by_suffix.values() if len(twins) == 1]


def registered_directories(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the directories that the default main.cf names, in order, each once."""
    names = ("multi_instance_directories", "alternate_config_directories")
    words = " ".join(parameters.get(name, "") for name in names).replace(",", " ").split()
    return tuple(dict.fromkeys(words))
