"""Where instances listen: each address and port belongs to one, and the host has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from postwrap.checks import remedies
from postwrap.checks.addresses import Address, address_of, is_internal, is_wildcard
from postwrap.checks.facts import Facts, InstanceFacts, Listener, Socket
from postwrap.checks.model import Hit, Severity, Theme

theme = Theme("listening")


@theme.rule(
    "listener-overlap",
    Severity.ERROR,
    "two instances listen at one address and port: the kernel splits the connections",
    "socket(7) SO_REUSEPORT, which Postfix sets since 3.6; postconf(5) inet_interfaces",
)
def listener_overlap(facts: Facts) -> Iterator[Hit]:
    """Yield pairs of instances that listen at the same place, wildcards included."""
    for first, second in combinations(facts.readable, 2):
        clashes = [
            (a, b)
            for a in first.listeners
            for b in second.listeners
            if a.overlaps(b.address, b.port)
        ]
        if clashes:
            shown = ", ".join(dict.fromkeys(str(_narrower(a, b)) for a, b in clashes))
            message = f"{first.directory} listens at {shown} too: connections go to either"
            remedy = _part(facts, first, second, [b for _, b in clashes])
            yield Hit(second.directory, message, remedy)


def _narrower(one: Listener, other: Listener) -> Listener:
    return other if is_wildcard(one.address) else one


def _part(
    facts: Facts, first: InstanceFacts, second: InstanceFacts, clashing: Iterable[Listener]
) -> str:
    """Return the commands that give the listeners of ``second`` addresses of their own.

    Those that master.cf binds keep their address, and the first instance leaves it out. The
    others move to an address that no instance names, or where there is none, go.
    """
    kept: set[Address] = set()
    commands: list[str] = []
    free = _free(facts, first, second)
    for service in dict.fromkeys(b.service for b in clashing):
        own = [x for x in second.listeners if x.service == service]
        if not any(x.by_interfaces or is_wildcard(x.address) for x in own) and _can_leave(
            facts, first, {x.address for x in own}
        ):
            kept |= {x.address for x in own}
        elif free:
            port = service.name.rpartition(":")[2]
            name = f"[{free}]:{port}" if free.version == 6 else f"{free}:{port}"
            field = f"{service.key}/service={name}"
            commands.append(remedies.tool(second, "postconf", "-F", field))
            kept.add(free)
        else:
            commands.append(remedies.tool(second, "postconf", "-M#", service.key))
    everywhere = any(is_wildcard(x) for x in first.interfaces)
    if kept & _reach(facts, first) or (kept and everywhere):
        commands.append(without(facts, first, kept))
        commands.append(remedies.restart(facts, first))
    return remedies.both(*commands, remedies.restart(facts, second))


def _reach(facts: Facts, instance: InstanceFacts) -> set[Address]:
    """Return the host's addresses that ``instance`` takes by inet_interfaces."""
    return set(_interfaces(facts, instance)) if instance.listeners else set()


def _interfaces(facts: Facts, instance: InstanceFacts) -> list[Address]:
    """Return the addresses of inet_interfaces, the wildcards as all that the host has."""
    families = {x.version for x in instance.interfaces}
    if any(is_wildcard(x) for x in instance.interfaces):
        return [a for a in facts.addresses if a.version in families and not a.is_link_local]
    return list(instance.interfaces)


def _can_leave(facts: Facts, instance: InstanceFacts, addresses: set[Address]) -> bool:
    """Whether ``instance`` can give ``addresses`` up and still has one beside loopback."""
    bound = {x.address for x in instance.listeners if not x.by_interfaces}
    rest = [a for a in _interfaces(facts, instance) if a not in addresses and not a.is_loopback]
    return not bound & {*addresses, *(a for a in bound if is_wildcard(a))} and bool(rest)


def _free(facts: Facts, *instances: InstanceFacts) -> Address | None:
    """Return an address of the host, beside its first, that no instance names: a private one first.

    The first stays with the instance that has it, where all are taken by a wildcard.
    """
    named = {x.address for i in facts.readable for x in i.listeners}
    mine = [
        a
        for a in facts.addresses
        if not a.is_loopback
        and not a.is_link_local
        and a not in named
        and all(a.version in {x.version for x in i.interfaces} for i in instances)
    ]
    if any(is_wildcard(x) for x in instances[0].interfaces):
        public = [a for a in mine if not is_internal(a)] or mine
        mine = [a for a in mine if a != public[0]] if public else []
    return next(iter(sorted(mine, key=lambda a: not is_internal(a))), None)


def without(facts: Facts, instance: InstanceFacts, addresses: set[Address]) -> str:
    """Return the command that takes ``addresses`` out of inet_interfaces."""
    rest = [str(a) for a in _interfaces(facts, instance) if a not in addresses]
    return remedies.edit(instance, inet_interfaces=", ".join(rest))


@theme.rule(
    "listener-taken",
    Severity.ERROR,
    "another program listens where the instance is to",
    "bind(2) EADDRINUSE: master(8) ends with a fatal error",
)
def listener_taken(facts: Facts) -> Iterator[Hit]:
    """Yield listeners whose place another program on the host holds.

    The master(8) of an instance whose settings cannot be read is no other program: it keeps
    what it listened at when they could be.
    """
    masters = {i.master for i in facts.instances if i.running}
    dark = {i.directory for i in facts.instances if i.error}
    held_by_others = (s for s in facts.sockets if s.pids and not s.pids & masters)
    foreign = [s for s in held_by_others if s.directory not in dark]
    for instance in facts.readable:
        for held in foreign:
            met = [x for x in instance.listeners if _meets(facts, held, x, masters)]
            if met:
                shown = ", ".join(map(str, met))
                who = f"{held.program} (process {min(held.pids)})"
                message = f"{shown} is taken by {who}: the instance cannot start"
                yield Hit(instance.directory, message, _give_way(facts, instance, held, met))


def _meets(facts: Facts, held: Socket, listener: Listener, masters: set[int | None]) -> bool:
    if listener.overlaps(held.address, held.port):
        return True
    # A socket of another program at [::] may serve IPv4 too, unless Postfix has that for itself.
    is_dual = held.address.version == 6 and is_wildcard(held.address) and held.port == listener.port
    has_it = any(
        s.pids & masters and s.port == listener.port and s.address.version == 4
        for s in facts.sockets
    )
    return is_dual and not has_it


def _give_way(facts: Facts, instance: InstanceFacts, held: Socket, met: Iterable[Listener]) -> str:
    """Return the command that parts the two: the instance moves, or the other stops."""
    rest = [a for a in _interfaces(facts, instance) if a != held.address and not a.is_loopback]
    if all(x.by_interfaces for x in met) and not is_wildcard(held.address) and rest:
        leave = without(facts, instance, {held.address})
        return remedies.both(leave, remedies.restart(facts, instance))
    if held.unit:
        return f"systemctl disable --now {remedies.quoted(held.unit)}"
    return f"kill {' '.join(map(str, sorted(held.pids)))}"


@theme.rule(
    "address-missing",
    Severity.ERROR,
    "the configuration names an address that the host does not have",
    "postconf(5) inet_interfaces, smtp_bind_address; master(5) service name",
)
def address_missing(facts: Facts) -> Iterator[Hit]:
    """Yield addresses to listen at or to send from that are not the host's."""
    for instance in facts.readable:
        for address, where in _named(facts, instance).items():
            if address in facts.addresses or is_wildcard(address) or address.is_loopback:
                continue
            bits = 32 if address.version == 4 else 128
            message = f"{where} names {address}, which this host does not have"
            remedy = f"ip address add {address}/{bits} dev {facts.device}"
            yield Hit(instance.directory, message, remedy)


def _named(facts: Facts, instance: InstanceFacts) -> dict[Address, str]:
    """Return the addresses that ``instance`` needs, each with where it is named."""
    named = dict.fromkeys(instance.interfaces, "inet_interfaces")
    if facts.may_bind_any:
        return named  # for a standby host: only inet_interfaces insists on what is there now
    for listener in instance.listeners:
        named.setdefault(listener.address, f"{listener.service.name} in master.cf")
    for parameter in ("smtp_bind_address", "smtp_bind_address6"):
        for seen in instance.seen_by_clients(parameter):
            if address := address_of(seen.value):
                where = f"{parameter} of {seen.service}" if seen.service else parameter
                named.setdefault(address, where)
    return named


@theme.rule(
    "name-without-address",
    Severity.ERROR,
    "inet_interfaces names a host that has no address",
    "postconf(5) inet_interfaces",
)
def name_without_address(facts: Facts) -> Iterator[Hit]:
    """Yield instances that cannot start for a name that nobody knows."""
    for instance in facts.readable:
        if instance.unresolved:
            names = ", ".join(instance.unresolved)
            rest = [w for w in instance.words("inet_interfaces") if w not in instance.unresolved]
            message = f"inet_interfaces names {names}, which has no address"
            remedy = remedies.edit(instance, inet_interfaces=", ".join(rest) or "loopback-only")
            yield Hit(instance.directory, message, remedy)
