"""Declared instances: what there shall be on a host, as data. Pure.

A declaration is the request that ``create``, ``role`` and ``remove`` make, with the state in which
the instance shall be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from postwrap.errors import UsageError
from postwrap.provision.options import CreateOptions
from postwrap.provision.roles import Role

ENABLE = "multi_instance_enable"

_ONE_ALONE = (Role.FALLBACK_RELAY, Role.OUTBOUND, Role.CONTENT_FILTER)
"""The roles for which the default instance has one setting that names the instance."""


class DeclaredState(StrEnum):
    """How a declared instance shall be."""

    PRESENT = "present"
    """It is there and runs."""
    STOPPED = "stopped"
    """It is there, does not run, and the boot does not start it."""
    ABSENT = "absent"
    """It is not there."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One instance that is declared.

    ``options`` are what create is asked for. ``requeue_to`` is the instance that gets the mail of
    one that shall be absent. ``where`` is the file and line that declares it.
    """

    options: CreateOptions
    state: DeclaredState = DeclaredState.PRESENT
    requeue_to: str = ""
    where: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The name of the instance."""
        return self.options.name

    @property
    def runs(self) -> bool | None:
        """Whether it shall run; None where that is left as it is."""
        if self.state is DeclaredState.PRESENT:
            return True if self.options.start else None
        return False

    def request(self) -> CreateOptions:
        """Return what is asked for, with what the state means for the boot."""
        if self.state is not DeclaredState.STOPPED:
            return self.options
        shared = self.options.shared
        stopped = replace(shared, settings={**shared.settings, ENABLE: "no"})
        return replace(self.options, start=False, shared=stopped)


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that a file declares; ``prunes``: instances that it does not declare are removed."""

    instances: tuple[Declaration, ...] = ()
    prunes: bool = False

    def whole(self, existing: Iterable[str]) -> tuple[Declaration, ...]:
        """Return the declarations in the order in which they are brought about.

        ``existing`` are the names of the secondary instances of the host. What goes comes first,
        for it frees addresses, unless its mail is for an instance that is yet to be made.
        """
        there = frozenset(existing)
        named = {declared.name for declared in self.instances}
        pruned = [
            Declaration(CreateOptions(name), DeclaredState.ABSENT)
            for name in sorted(there - named)
            if self.prunes
        ]
        known = there | {"", "default"}
        made = sorted(
            (d for d in self.instances if d.state is not DeclaredState.ABSENT),
            key=lambda declared: declared.name,
        )
        gone = sorted(
            (*pruned, *(d for d in self.instances if d.state is DeclaredState.ABSENT)),
            key=lambda declared: declared.name,
        )
        first = [declared for declared in gone if declared.requeue_to in known]
        return (*first, *made, *(declared for declared in gone if declared not in first))


def need_together(declared: Iterable[Declaration]) -> None:
    """Raise UsageError where two declared instances want the default instance for themselves.

    Which of them has it would hang on who came last.
    """
    first: dict[Role, Declaration] = {}
    for one in declared:
        role = one.options.shared.role
        if role not in _ONE_ALONE or one.state is DeclaredState.ABSENT:
            continue
        other = first.setdefault(role, one)
        if other is not one:
            message = f"{one.where}: instance {one.name}: has the role {role}, as {other.name} has"
            hint = "the default instance has one setting for it: give one of them another role"
            raise UsageError(message, hint)
