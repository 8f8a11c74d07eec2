"""Who listens where: the new instance gets addresses, the default one gives them up. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Entry, Facts
from postwrap.provision.listeners import (
    WILDCARDS,
    Endpoint,
    bracketed,
    is_ipv6,
    is_loopback,
    speaks,
    split_service,
)
from postwrap.provision.options import CreateOptions


@dataclass(frozen=True, slots=True)
class Binding:
    """What becomes of one inet service of the copied master.cf.

    ``names`` are the endpoints it is to have instead of its own; none: the service goes.
    """

    entry: Entry
    names: tuple[str, ...]


def bindings_of(options: CreateOptions, source: Configured) -> Iterator[Binding]:
    """Yield what becomes of each inet service: one a port, bound to the addresses asked for."""
    if not options.addresses:
        return  # master_service_disable turns them off, where they are
    by_port: dict[int, Entry] = {}
    for entry in source.inet_services:
        host, _ = split_service(entry.name)
        if entry.port and not host.startswith(("127.", "localhost", "::1")):
            by_port.setdefault(entry.port, entry)
    names: dict[Entry, list[str]] = {entry: [] for entry in source.inet_services}
    for address in options.addresses:
        chosen = [address.port] if address.port else list(by_port)
        for port in chosen:
            model = by_port.get(port) or by_port.get(25)
            if not model:
                hint = "give --from an instance with an smtp service"
                raise RefusedError(f"{source.directory}/master.cf: has no smtp service", hint)
            service = split_service(model.name)[1] if model.port == port else str(port)
            name = f"{bracketed(address.host)}:{service}"
            if name not in names[model]:
                names[model].append(name)
    yield from (Binding(entry, tuple(bound)) for entry, bound in names.items())


def bound_endpoints(bindings: tuple[Binding, ...]) -> Iterator[Endpoint]:
    """Yield where services bound so listen."""
    for binding in bindings:
        for name in binding.names:
            host, service = split_service(name)
            port = Entry(service, "inet", False, "").port
            yield Endpoint(host, port or 0)


def receiving(facts: Facts, endpoints: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Return the addresses at which the default instance receives, those given away left out."""
    own = {endpoint.address for endpoint in endpoints}
    found: dict[str, None] = {}
    for endpoint in facts.default.endpoints:
        several = endpoint.address in WILDCARDS
        matching = [a for a in facts.addresses if is_ipv6(a) == is_ipv6(endpoint.address)]
        found |= dict.fromkeys(matching if several else [endpoint.address])
    return tuple(a for a in found if a not in own and not is_loopback(a))


def remaining_interfaces(facts: Facts, endpoints: tuple[Endpoint, ...]) -> str:
    """Return the default's inet_interfaces without what it gives up, "" where it gives up nothing.

    ``all`` has to become a list: Postfix knows no "all but this".
    """
    given = {e.address for e in endpoints if any(e.overlaps(o) for o in facts.default.endpoints)}
    if not given:
        return ""
    kept = list(_kept(facts, given))
    left = {e.address for e in facts.default.endpoints} - given - {*WILDCARDS}
    left |= {*kept} & {*facts.addresses}
    # 127.0.0.1 and ::1, which interfaces have; the rest of 127.0.0.0/8 is anybody's.
    own = {address for address in facts.addresses if is_loopback(address)}
    if given & own or all(map(is_loopback, left)):
        taken = " and ".join(sorted(given))
        hint = "give the new instance another address, or a port of its own: --address ADDRESS:PORT"
        raise RefusedError(f"{taken}: is what the default instance needs for itself", hint)
    return ", ".join(kept)


def _kept(facts: Facts, given: set[str]) -> Iterator[str]:
    """Yield the words of the default's inet_interfaces that are left to it.

    A name for what it gives up, its own perhaps, becomes the addresses that it keeps.
    """
    told = facts.default["inet_interfaces"].replace(",", " ").split()
    if any(word.lower() in {"all", "loopback-only"} for word in told):
        told = _spoken(facts)
    for word in told:
        meant = facts.default.interfaces.get(word) or (word.strip("[]"),)
        if given & {*meant}:
            yield from (address for address in meant if address not in given)
        else:
            yield word


def _spoken(facts: Facts) -> list[str]:
    """Return the host's addresses of the families that the default instance speaks."""
    protocols = facts.default["inet_protocols"]
    return [a for a in facts.addresses if speaks(protocols, a)]


def listening_settings(
    facts: Facts, source: Configured, endpoints: tuple[Endpoint, ...]
) -> dict[str, str | None]:
    """Return where it listens, and that this does not choose where it sends from.

    With one address in inet_interfaces Postfix would send from it (smtp(8)), reachable from
    outside or not; a wildcard in smtp_bind_address leaves it to the routing table.
    """
    if not endpoints:
        return {"inet_interfaces": "loopback-only", "master_service_disable": "inet"}
    addresses = list(dict.fromkeys(e.address for e in endpoints))
    # 127.0.0.2 is every host's, but no interface has it, which inet_interfaces wants.
    named = [a for a in addresses if a in facts.addresses or not is_loopback(a)]
    made: dict[str, str | None] = {"inet_interfaces": ", ".join(named) or "loopback-only"}
    families = {is_ipv6(address) for address in addresses}
    if False in families:
        made["smtp_bind_address"] = "0.0.0.0"
    if True in families:
        made["smtp_bind_address6"] = "::"
    if not all(speaks(source["inet_protocols"], address) for address in addresses):
        made["inet_protocols"] = "all"
    return made
