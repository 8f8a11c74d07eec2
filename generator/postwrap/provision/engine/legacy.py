"""Records of postwrap 0.1: it kept the steps that take back, one day, what a host was given. Pure.

A parameter is in them as Restore with the value written and the value before. What had been
changed by two instances names as ``before`` what the other one wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from postwrap.provision.desired import (
    LISTS,
    Key,
    ParameterValues,
    SettingKind,
    Value,
    element,
    parameter,
)
from postwrap.provision.engine.steps import Operation, Restore, Run, Step, Write
from postwrap.provision.ownership import Claim, Part

LEGACY_SCHEMA = 1
UNORDERED = 0
"""The serial of a claim whose place among others has not been found yet; then it is below."""

_REGISTRATION = (*LISTS, "multi_instance_wrapper", "multi_instance_enable", "inet_interfaces")
_NETWORK = frozenset({SettingKind.ADDRESS, SettingKind.CONNECTION, SettingKind.DROP_IN})


def claims_of_kept(owner: str, kept: Iterable[Step]) -> Iterator[Claim]:
    """Yield what the steps ``kept`` of the instance ``owner`` say that it wants."""
    for step in kept:
        if isinstance(step.do, Restore):
            yield _restored(owner, step.do)
            continue
        for made in step.undo:
            for key, value in _made(made):
                yield Claim(owner, _part(key), key, value, None, UNORDERED)


def _restored(owner: str, restore: Restore) -> Claim:
    if restore.element:
        key = element(restore.directory, restore.parameter, restore.element)
        return Claim(owner, Part.INSTANCE, key, restore.element, None)
    key = parameter(restore.directory, restore.parameter)
    part = Part.INSTANCE if restore.parameter in _REGISTRATION else Part.ROLE
    # "" stood for what is absent too.
    return Claim(owner, part, key, restore.written or None, restore.before)


def _part(key: Key) -> Part:
    is_network = key.kind in _NETWORK or "/network/" in key.place
    return Part.INSTANCE if is_network else Part.ROLE


def _made(operation: Operation) -> Iterator[tuple[Key, Value]]:
    """Yield what ``operation`` sets."""
    if isinstance(operation, Write):
        kind = SettingKind.DROP_IN if operation.in_new else SettingKind.FILE
        yield Key(kind, operation.path), operation.content
    for argv in operation.commands if isinstance(operation, Run) else ():
        match argv:
            case ("ip", "address", "add", width, "dev", device, *_):
                yield Key(SettingKind.ADDRESS, device, width), width
            case ("nmcli", "connection", "modify", place, listed, width) if listed[0] == "+":
                key = Key(SettingKind.CONNECTION, place, f"{listed.lstrip('+')} {width}")
                yield key, width
            case ("postconf", "-c", directory, "-M", setting):
                name, _, line = setting.partition("=")
                yield Key(SettingKind.SERVICE, directory, name), " ".join(line.split())


def in_order(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return ``claims``, those of old records in the order in which they were made.

    A claim that names as ``before`` what another one wrote came after it, and goes back to what
    was there before both.
    """
    found = tuple(claims)
    old: dict[Key, list[Claim]] = {}
    for claim in found:
        if claim.serial <= UNORDERED:
            old.setdefault(claim.key, []).append(claim)
    ordered = {claim: made for group in old.values() for claim, made in _chained(group)}
    return tuple(ordered.get(claim, claim) for claim in found)


def _chained(group: list[Claim]) -> Iterator[tuple[Claim, Claim]]:
    first = [c for c in group if not any(_follows(c, other) for other in group)]
    begun = first or group[:1]
    left = [claim for claim in group if claim not in begun]
    chain = list(begun)
    while left:
        after = [c for c in left if any(_follows(c, other) for other in chain)] or left[:1]
        chain += after
        left = [claim for claim in left if claim not in after]
    for number, claim in enumerate(chain):
        is_heir = any(_follows(claim, other) for other in begun) or claim not in begun
        before = begun[0].before if is_heir else claim.before
        yield claim, replace(claim, before=before, serial=number - len(chain))


def _follows(claim: Claim, other: Claim) -> bool:
    """Whether ``claim`` was made after ``other``, of another instance."""
    return claim.owner != other.owner and claim.before == other.value != other.before


def own_claims(
    owner: str, settings: ParameterValues, default: ParameterValues, marks: ParameterValues
) -> Iterator[Claim]:
    """Yield what the role of an old record has set in the instance ``owner`` itself.

    ``marks`` are what roles write, as ``settings`` still have it. Checks for strangers go back to
    what the ``default`` instance has.
    """
    for name, value in marks.items():
        if settings.get(name) == value:
            before = default.get(name) if name.endswith("_restrictions") else None
            yield Claim(owner, Part.ROLE, parameter(owner, name), value, before)
