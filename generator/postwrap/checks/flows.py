"""Which instance hands mail to which, as far as the configuration tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.checks.addresses import (
    Address,
    Destination,
    address_of,
    destination,
    is_wildcard,
    split_transport,
)
from postwrap.checks.facts import Facts, InstanceFacts, Listener, Service

_PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}
_TRANSPORTS = (
    *("default_transport", "relay_transport", "content_filter", "local_transport"),
    *("virtual_transport", "mailbox_transport", "fallback_transport"),
)


@dataclass(frozen=True, slots=True)
class Hop:
    """A next hop that the configuration of ``sender`` names.

    ``parameter`` names it, in the ``override`` of a service of master.cf or in main.cf (""), and
    ``client`` is the service that goes there.
    """

    sender: InstanceFacts
    parameter: str
    override: str
    client: Service
    destination: Destination


@dataclass(frozen=True, slots=True)
class Edge:
    """A hop that ends at a listener of an instance of this host, at ``address``."""

    hop: Hop
    receiver: InstanceFacts
    listener: Listener
    address: Address

    @property
    def sender(self) -> InstanceFacts:
        """The instance that sends."""
        return self.hop.sender


def hops(instance: InstanceFacts) -> Iterator[Hop]:
    """Yield the next hops that ``instance`` names for SMTP."""
    clients = instance.clients()
    by_name = {client.name: client for client in clients}
    usual = by_name.get("smtp", clients[0] if clients else None)
    if usual:
        yield from (Hop(instance, "relayhost", "", usual, hop) for hop in relays(instance))
    for client in clients:
        yield from _fallbacks(instance, client)
    for parameter in _TRANSPORTS:
        name, nexthop = split_transport(instance.get(parameter))
        for found in _listed(nexthop) if name in by_name else ():
            yield Hop(instance, parameter, "", by_name[name], found)


def relays(instance: InstanceFacts) -> list[Destination]:
    """Return the hosts of relayhost."""
    return _listed(instance.get("relayhost"))


def _listed(nexthops: str) -> list[Destination]:
    """Return the destinations of a next hop, which may be a list since Postfix 3.5: smtp(8)."""
    words = nexthops.replace(",", " ").split()
    return [found for word in words if (found := destination(word))]


def _fallbacks(instance: InstanceFacts, client: Service) -> Iterator[Hop]:
    parameter = "smtp_fallback_relay"
    override = client.key if parameter in client.options else ""
    for found in _listed(instance.value(client, parameter)):
        yield Hop(instance, parameter, override, client, found)


def edges(facts: Facts) -> list[Edge]:
    """Return the hops between instances of this host, an instance's hop to itself among them.

    A hop whose MX is looked up may go anywhere, and is none.
    """
    return [
        edge
        for instance in facts.readable
        for hop in hops(instance)
        if not hop.destination.by_mx
        for edge in ends(facts, hop)
    ]


def ends(facts: Facts, hop: Hop) -> Iterator[Edge]:
    """Yield where ``hop`` ends at an instance of this host, if it does."""
    for address in facts.resolve(hop.destination.host):
        for receiver, listener in at(facts, address, port_of(hop.destination)):
            yield Edge(hop, receiver, listener, address)


def at(
    facts: Facts, address: Address, port: int | None
) -> Iterator[tuple[InstanceFacts, Listener]]:
    """Yield who listens at ``address``, if it is this host's."""
    is_own = address in facts.addresses or address.is_loopback
    for instance in facts.readable if is_own else ():
        for listener in instance.listeners:
            if port and listener.overlaps(address, port):
                yield instance, listener


def port_of(hop: Destination) -> int | None:
    """Return the port of ``hop``, None for a name that is no mail port."""
    return int(hop.port) if hop.port.isdigit() else _PORTS.get(hop.port or "smtp")


def source(facts: Facts, instance: InstanceFacts, client: Service, to: Address) -> Address | None:
    """Return the address that ``client`` sends from to ``to``, an address of this host.

    smtp_bind_address, or the one address of inet_interfaces; else the kernel takes, for an
    address of the host itself, that address.
    """
    name = "smtp_bind_address" if to.version == 4 else "smtp_bind_address6"
    bound = address_of(instance.value(client, name))
    if bound and not is_wildcard(bound):
        return bound
    only = None if bound else virtual_address(instance, to.version)
    return only or to


def virtual_address(instance: InstanceFacts, version: int) -> Address | None:
    """Return the one address of inet_interfaces that smtp(8) also sends from.

    postconf(5), smtp_bind_address, note 1.
    """
    words = instance.words("inet_interfaces")
    if "all" in words or "loopback-only" in words:
        return None
    own = {a for a in instance.interfaces if a.version == version}
    only = next(iter(own)) if len(own) == 1 else None
    return None if only is None or only.is_loopback else only
