"""The rule for who may change a configuration: root, and nobody else. Pure.

Root runs programs as main.cf and master.cf say. So the configuration directory, main.cf, master.cf
and every directory above them belong to root, and nobody else can write to them. mail_owner is
nobody else: by daemon_directory it would become root. Symbolic links are followed one by one, and
where they lead the same holds. The scripts of the boot have this rule in shell:
units/lib/instances.sh.j2.

A POSIX ACL needs no look of its own. What it lets a named user or group do ends at its mask, and
the mask is what stat(2) shows as the bits of the group, and what ``chmod g-w`` lowers (acl(5)).
"""

from __future__ import annotations

import shlex
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PathPart:
    """One path on the way to a file, as lstat(2) shows it; ``target`` is where a link leads.

    ``via`` is the first link of the configuration that led here, "" for none.
    """

    path: str
    uid: int
    mode: int
    target: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A path by which others than root can change a configuration, and the remedy.

    Without a ``remedy`` the path cannot be root's alone (/tmp, a home): the instance has to move.
    """

    path: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Judge:
    """The rule. ``trusted`` are the user IDs of root; ``homes`` are home directories by user ID.

    ``root`` is the foreign tree that the paths are in, as remedies have to name it.
    """

    trusted: frozenset[int] = frozenset({0})
    homes: Mapping[int, str] = field(default_factory=dict)
    root: str = ""

    def faults(self, ways: Iterable[PathPart], own: Collection[str]) -> tuple[Fault, ...]:
        """Return what is wrong with the paths of ``ways``, each once.

        ``own`` are the instance's own directory and where that leads.
        """
        steps = [s for s in {s.path: s for s in ways}.values() if self._reason(s)]
        fixed = {s.path for s in steps if s.path not in own and self._is_shared(s)}
        cut = {s.via or s.path for s in steps if _is_odd(s) or (s.via and s.path in fixed)}
        return tuple(Fault(s.path, self._reason(s), self._remedy(s, fixed, cut)) for s in steps)

    def _reason(self, step: PathPart) -> str:
        """Return who else can change what is at ``step``, "" for nobody."""
        if _is_odd(step):
            return "has a name, or leads to one, that the boot's scripts cannot read"
        if step.uid not in self.trusted:
            return f"belongs to user ID {step.uid}"
        return "can be written to by group or others" if self._is_open(step) else ""

    def _is_open(self, step: PathPart) -> bool:
        return not step.target and bool(step.mode & (stat.S_IWGRP | stat.S_IWOTH))

    def _is_shared(self, step: PathPart) -> bool:
        """Whether others need ``step`` as it is: a directory like /tmp, or somebody's home."""
        is_temporary = bool(step.mode & stat.S_ISVTX) and self._is_open(step)
        return is_temporary or (step.uid != 0 and self.homes.get(step.uid) == step.path)

    def _remedy(self, step: PathPart, fixed: Collection[str], cut: Collection[str]) -> str:
        """Return the commands; ``fixed`` paths stay as they are, ``cut`` links are replaced."""
        if (link := step.via or step.path) in cut:
            return _without_link(f"{self.root}{link}")
        if step.path in fixed:
            return ""
        name = shlex.quote(f"{self.root}{step.path}")
        owned = f"chown {'-h ' if step.target else ''}root:root {name}"
        commands = (
            owned if step.uid not in self.trusted else "",
            f"chmod go-w {name}" if self._is_open(step) else "",
        )
        return " && ".join(filter(None, commands))


def told(found: Iterable[Fault]) -> str:
    """Return what is wrong, to be read behind the name of the instance."""
    reasons = ", ".join(f"{fault.path} {fault.reason}" for fault in found)
    return f"can be changed by others than root: {reasons}"


def remedy(found: Iterable[Fault]) -> str:
    """Return the commands that end it, "" where the instance has to move."""
    commands = [fault.remedy for fault in found]
    return " && ".join(dict.fromkeys(commands)) if all(commands) else ""


def _is_odd(step: PathPart) -> bool:
    """Whether ls(1) would not tell where the name of ``step`` ends."""
    return " -> " in step.path or "\n" in step.target


def _without_link(link: str) -> str:
    """Return the command that puts what ``link`` leads to in its place."""
    name = shlex.quote(link)
    own = shlex.quote(f"{link}.own")
    return (
        f"cp -RHp {name} {own} && chown -R root:root {own} && chmod -R go-w {own}"
        f" && rm {name} && mv {own} {name}"
    )
