"""Where instances listen: each address and port belongs to one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules import interfaces
from postwrap.host.addresses import (
    WILDCARDS,
    Address,
    Endpoint,
    bracketed,
    is_internal,
    is_wildcard,
)
from postwrap.host.model import InstanceConfig, Listener

theme = Theme("listening")

_Clashes = Sequence[tuple[Listener, Listener]]
"""Listeners of one instance and of another that overlap."""


@theme.rule(
    "listener-overlap",
    Severity.ERROR,
    "two instances listen at one address and port: the kernel splits the connections",
    "socket(7) SO_REUSEPORT, which Postfix sets since 3.6; postconf(5) inet_interfaces",
)
def listener_overlap(picture: Picture) -> Iterator[Hit]:
    """Yield pairs of instances that listen at the same place, wildcards included.

    One that is stopped, and that the boot does not start, takes no connection from another. Of
    two that the next boot brings together, the one that serves now keeps its place.
    """
    for first, second, clashes in _overlaps(i for i in picture.host.readable if _acts(picture, i)):
        shown = ", ".join(dict.fromkeys(str(_narrower(a, b)) for a, b in clashes))
        if first.running is False and second.running is not False:
            first, second, clashes = second, first, [(b, a) for a, b in clashes]
        if second.running is False:
            message = (
                f"from the next boot on, it and {first.directory} both listen at {shown}, and the "
                "kernel splits the connections"
            )
        else:
            both = "connections go to either" if second.running else "if both run, they share it"
            message = f"{first.directory} listens at {shown} too: {both}"
        yield Hit(second.directory, message, *_part(picture, first, second, clashes))


def _acts(picture: Picture, instance: InstanceConfig) -> bool:
    will_run = picture.host.runs_systemd and picture.host.starts_at_boot(instance)
    return instance.running is not False or will_run


def _overlaps(
    instances: Iterable[InstanceConfig],
) -> Iterator[tuple[InstanceConfig, InstanceConfig, list[tuple[Listener, Listener]]]]:
    """Yield each two instances that overlap, in order, with the listeners of both that do."""
    by_port: dict[int, list[tuple[InstanceConfig, Listener]]] = defaultdict(list)
    at: dict[Endpoint, list[tuple[InstanceConfig, Listener]]] = defaultdict(list)
    for second in instances:
        met: dict[str, tuple[InstanceConfig, list[tuple[Listener, Listener]]]] = {}
        for mine in second.listeners:
            wild = (Endpoint(wildcard, mine.port) for wildcard in WILDCARDS)
            near = [x for e in {mine.endpoint, *wild} for x in at.get(e, ())]
            for first, other in by_port[mine.port] if is_wildcard(mine.address) else near:
                if other.endpoint.overlaps(mine.endpoint):
                    met.setdefault(first.directory, (first, []))[1].append((other, mine))
        for first, clashes in met.values():
            yield first, second, clashes
        for mine in second.listeners:
            by_port[mine.port].append((second, mine))
            at[mine.endpoint].append((second, mine))


def _narrower(one: Listener, other: Listener) -> Listener:
    return other if is_wildcard(one.address) else one


def _part(
    picture: Picture, first: InstanceConfig, second: InstanceConfig, clashes: _Clashes
) -> tuple[str, tuple[Choice, ...]]:
    """Return the command that parts the two, or the remedies of what can be meant.

    Who names an address keeps it, and who has it among others leaves it out. An idle default
    instance beside one that serves is turned off.
    """
    turned = [(b, a) for a, b in clashes]
    serves_alone = first.running is not False and second.running is False
    if leave := _leave(picture, second, clashes):
        return leave, ()
    if serves_alone and second.is_default:
        return remedies.silence(second, "inet"), ()
    leave = _leave(picture, first, turned)
    if leave and not serves_alone:
        return leave, ()
    return "", tuple(_choices(picture, first, second, clashes, leave))


def _choices(
    picture: Picture,
    first: InstanceConfig,
    second: InstanceConfig,
    clashes: _Clashes,
    leave: str,
) -> Iterator[Choice]:
    """Yield what can be meant; ``leave`` is the command by which ``first`` can leave the place."""
    yield Choice(
        f"{first.directory} is to take the mail there",
        _silence(picture, second, [b.service.key for _, b in clashes]),
    )
    off = leave or _silence(picture, first, [a.service.key for a, _ in clashes])
    yield Choice(
        f"{second.directory} is to take the mail there",
        remedies.both(off, remedies.start(picture, second)),
    )
    free = _free(picture, first, second)
    if free and not leave:
        yield Choice(
            f"{second.directory} is to listen at {free} instead",
            _move(picture, first, second, clashes, free),
        )


def _silence(picture: Picture, instance: InstanceConfig, keys: Iterable[str]) -> str:
    off = remedies.silence(instance, *dict.fromkeys(keys))
    return remedies.both(off, remedies.restart(picture, instance))


def _move(
    picture: Picture,
    first: InstanceConfig,
    second: InstanceConfig,
    clashes: _Clashes,
    free: Address,
) -> str:
    """Return the command that binds the services of ``second`` to ``free``."""
    commands = []
    for service in dict.fromkeys(b.service for _, b in clashes):
        field = f"{service.key}/service={bracketed(free)}:{service.name.rpartition(':')[2]}"
        commands.append(remedies.tool(second, "postconf", "-F", field))
    if free in _reach(picture, first):
        commands.append(interfaces.without(picture, first, {free}))
        commands.append(remedies.restart(picture, first))
    return remedies.both(*commands, remedies.restart(picture, second))


def _leave(picture: Picture, instance: InstanceConfig, clashes: _Clashes) -> str:
    """Return the command by which ``instance`` leaves the other's addresses, "" if it cannot.

    The other one names them, and ``instance`` keeps one that is not loopback.
    """
    theirs = {other.address for other, _ in clashes}
    by_interfaces = all(mine.by_interfaces for _, mine in clashes)
    if not by_interfaces or any(is_wildcard(a) for a in theirs):
        return ""
    if not _has_more(instance, clashes) or not _can_leave(picture, instance, theirs):
        return ""
    out = interfaces.without(picture, instance, theirs)
    return remedies.both(out, remedies.restart(picture, instance))


def _has_more(instance: InstanceConfig, clashes: _Clashes) -> bool:
    """Whether the other one names its addresses more closely than ``instance`` does."""
    return any(is_wildcard(a) for a in instance.interface_addresses) or not any(
        other.by_interfaces for other, _ in clashes
    )


def _reach(picture: Picture, instance: InstanceConfig) -> set[Address]:
    """Return the host's addresses that ``instance`` takes by inet_interfaces."""
    return set(interfaces.taken(picture, instance)) if instance.listeners else set()


def _can_leave(picture: Picture, instance: InstanceConfig, addresses: set[Address]) -> bool:
    """Whether ``instance`` can give ``addresses`` up and still has one beside loopback."""
    bound = {x.address for x in instance.listeners if not x.by_interfaces}
    rest = [
        a for a in interfaces.taken(picture, instance) if a not in addresses and not a.is_loopback
    ]
    return not bound & {*addresses, *(a for a in bound if is_wildcard(a))} and bool(rest)


def _free(picture: Picture, *instances: InstanceConfig) -> Address | None:
    """Return an address of the host, beside its first, that no instance names: a private one first.

    The first stays with the instance that has it, where all are taken by a wildcard.
    """
    named = {x.address for i in picture.host.readable for x in i.listeners}
    mine = [
        a
        for a in picture.host.up_addresses
        if not a.is_loopback
        and not a.is_link_local
        and a not in named
        and all(a.version in {x.version for x in i.interface_addresses} for i in instances)
    ]
    if any(is_wildcard(x) for x in instances[0].interface_addresses):
        public = [a for a in mine if not is_internal(a)] or mine
        mine = [a for a in mine if a != public[0]] if public else []
    return next(iter(sorted(mine, key=lambda a: not is_internal(a))), None)
