"""What the commands of a step change on the disk: what is to be synced before the next. Pure.

postconf(1) syncs the file that it writes and not the directory that it renames it in (seen by
strace(1) with 3.7 and 3.10); cp(1), mkdir(1) and ``postfix check`` sync nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.provision.engine.steps import Argv

_NAMING = frozenset({"mkdir", "install", "rm", "rmdir", "mv"})
"""Programs that make and remove names and write no content."""


@dataclass(frozen=True, slots=True)
class Touched:
    """``names`` were made, replaced or removed; ``trees`` were written with all that is in them.

    ``filled`` are configuration directories of instances whose queue and data directories were
    populated.
    """

    names: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


def touched(commands: Iterable[Argv]) -> Touched:
    """Return what ``commands`` change in files; services and addresses are no files."""
    names: list[str] = []
    trees: list[str] = []
    filled: list[str] = []
    for argv in commands:
        match argv:
            case ("postconf", "-c", directory, *_):
                names += (f"{directory}/main.cf", f"{directory}/master.cf")
            case ("cp", *_, target):
                trees.append(target.rstrip("/"))
            case ("postfix", "-c", directory, "check"):
                filled.append(directory)
            case ("env", variable, *_) if variable.startswith("MAIL_CONFIG="):
                filled.append(variable.partition("=")[2])
            case (program, *words) if program in _NAMING:
                names += _with_parents(word for word in words if word.startswith("/"))
    return Touched(tuple(names), tuple(trees), tuple(filled))


def _with_parents(paths: Iterable[str]) -> list[str]:
    """Return ``paths`` and the directories above them, which ``mkdir -p`` may have made."""
    found = []
    for path in paths:
        found += [path, *map(str, PurePosixPath(path).parents)]
    return found
