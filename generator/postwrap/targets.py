"""Which of the catalog's commands this host has, where they are, and what runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from postwrap.catalog import CATALOG, Command
from postwrap.errors import Problem
from postwrap.filesystem import Filesystem
from postwrap.layout import SEARCH_PATH, SYSTEM_COMMAND_DIRECTORIES
from postwrap.render.wrappers import Target


def locate(
    filesystem: Filesystem, parameters: Mapping[str, str], omit: Iterable[str] = ()
) -> tuple[Target, ...]:
    """Return the targets for the commands of the catalog, each where it is installed.

    ``parameters`` are those of the default instance. Where no Postfix was asked and the tree has
    none of the commands either, as when a package is built, all of them are taken to be where
    Postfix usually has them.
    """
    omitted = set(omit)
    commands = [command for command in CATALOG if command.name not in omitted]
    found = tuple(t for c in commands if (t := _target(filesystem, parameters, c)))
    if found or parameters:
        return found
    return tuple(Target(c.name, c.usual_path, (c.usual_path,)) for c in commands)


def _target(
    filesystem: Filesystem, parameters: Mapping[str, str], command: Command
) -> Target | None:
    path = _stated_path(parameters, command)
    is_there = filesystem.is_file(path)
    if command.sendmail_flag and not (is_there and PurePosixPath(path).name == command.name):
        # sendmail(1) goes by the last part of its own path: called mailq.postfix it would submit.
        sendmail = parameters.get("sendmail_path", "/usr/sbin/sendmail")
        flagged = (sendmail, command.sendmail_flag)
        return Target(command.name, path, flagged) if filesystem.is_file(sendmail) else None
    if not is_there:
        path = next(_elsewhere(filesystem, command.name), "")
    return Target(command.name, path, (path,)) if path else None


def _stated_path(parameters: Mapping[str, str], command: Command) -> str:
    stated = parameters.get(command.parameter)
    if not stated:
        return command.usual_path
    return f"{stated}/{command.name}" if command.parameter == "command_directory" else stated


def _elsewhere(filesystem: Filesystem, name: str) -> Iterator[str]:
    """Yield the places outside command_directory where a distribution may have put ``name``."""
    paths = (f"{directory}/{name}" for directory in SYSTEM_COMMAND_DIRECTORIES)
    return (path for path in paths if filesystem.is_file(path))


def locate_added(
    filesystem: Filesystem, add: Iterable[str]
) -> tuple[tuple[Target, ...], tuple[Problem, ...]]:
    """Return targets for the commands that the settings add, names or paths, and the problems."""
    targets: list[Target] = []
    problems: list[Problem] = []
    for word in add:
        places = [word] if "/" in word else [f"{d}/{word}" for d in SEARCH_PATH.split(":")]
        path = next((place for place in places if filesystem.is_file(place)), None)
        if path:
            targets.append(Target(PurePosixPath(path).name, path, (path,)))
        else:
            hint = "install it, or take it out of add in the settings"
            problems.append(Problem(word, "no such command", hint))
    return tuple(targets), tuple(problems)
