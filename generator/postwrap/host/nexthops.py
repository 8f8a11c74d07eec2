"""Which instance hands mail to which, as far as the configuration tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postwrap.host.addresses import (
    Address,
    Destination,
    Endpoint,
    address_of,
    destination,
    is_wildcard,
    split_transport,
)
from postwrap.host.model import HostModel, InstanceConfig, Listener, Service, TableAnswer

FILTER = "content_filter"
ROUTE_TABLES = {
    "transport_maps": True,
    "sender_dependent_default_transport_maps": True,
    "sender_dependent_relayhost_maps": False,
    "mailbox_transport_maps": True,
    "fallback_transport_maps": True,
}
"""The parameters whose tables name next hops; whether a transport stands before each."""
_PORTS = {"smtp": 25, "lmtp": 24, "submission": 587, "submissions": 465, "smtps": 465}
TRANSPORTS = (
    *("default_transport", "relay_transport", FILTER, "local_transport"),
    *("virtual_transport", "mailbox_transport", "fallback_transport"),
)
_CLIENTS = frozenset({"smtp", "lmtp"})
_TABLE = re.compile(r"(?:[^\s,{}]|\{(?:[^{}]|\{[^{}]*\})*\})+")


@dataclass(frozen=True, slots=True)
class Hop:
    """A next hop that the configuration of ``sender`` names.

    ``parameter`` names it, in the ``override`` of a service of master.cf or in main.cf (""), and
    ``client`` is the service that goes there. ``answer`` is that of a table of ``parameter``, None
    where the setting itself has the next hop.
    """

    sender: InstanceConfig
    parameter: str
    override: str
    client: Service
    destination: Destination
    answer: TableAnswer | None = None

    @property
    def port(self) -> int | None:
        """The port, None for a name that is no mail port."""
        usual = "lmtp" if self.client.command == "lmtp" else ""
        return port_of(self.destination, usual)

    @property
    def by_mx(self) -> bool:
        """Whether the MX of the host is looked up: lmtp(8) never does."""
        return self.destination.by_mx and self.client.command != "lmtp"

    def __str__(self) -> str:
        """Return what names it: ``relayhost = [10.0.0.1]``."""
        if self.answer is None:
            before = f"{self.client.name}:" if self.parameter in TRANSPORTS else ""
            return f"{self.parameter} = {before}{self.destination.text}"
        return f"{self.parameter}, {self.answer.table}: {self.answer.key} {self.answer.result}"


@dataclass(frozen=True, slots=True)
class Edge:
    """A hop that ends at a listener of an instance of this host, at ``address``."""

    hop: Hop
    receiver: InstanceConfig
    listener: Listener
    address: Address

    @property
    def sender(self) -> InstanceConfig:
        """The instance that sends."""
        return self.hop.sender


def hops(instance: InstanceConfig) -> Iterator[Hop]:
    """Yield the next hops that ``instance`` names for SMTP and LMTP, those of tables last."""
    clients = instance.clients()
    by_name = clients_by_name(instance)
    for client in relay_clients(instance):
        yield from (Hop(instance, "relayhost", "", client, hop) for hop in relays(instance))
    for client in clients:
        yield from fallbacks(instance, client)
    for parameter in TRANSPORTS:
        yield from by_transport(instance, parameter, "", instance.get(parameter), by_name)
    for service in instance.enabled_services:
        value = service.options.get(FILTER, "")
        yield from by_transport(instance, FILTER, service.key, value, by_name)
    for answer in instance.answers:
        yield from answered(instance, answer)


def clients_by_name(instance: InstanceConfig) -> dict[str, Service]:
    """Return the services that send by SMTP or LMTP, by the name that a transport has."""
    found = (s for s in instance.enabled_services if s.command in _CLIENTS and s.type != "inet")
    return {client.name: client for client in found}


def usual_client(instance: InstanceConfig) -> Service | None:
    """Return the service that relayhost is for, None where nothing sends by SMTP."""
    clients = {client.name: client for client in instance.clients()}
    name, _ = split_transport(instance.get("default_transport"))
    return clients.get(name) or clients.get("smtp") or next(iter(clients.values()), None)


def relay_clients(instance: InstanceConfig) -> list[Service]:
    """Return the services that go to relayhost: the usual one, and those that senders have.

    A transport that a sender has without a next hop takes that of default_transport: postconf(5),
    sender_dependent_default_transport_maps.
    """
    clients = clients_by_name(instance)
    usual = usual_client(instance)
    chosen = (
        split_transport(answer.result)
        for answer in instance.answers
        if answer.parameter == "sender_dependent_default_transport_maps"
    )
    found = (clients[name] for name, hop in chosen if name in clients and not hop)
    known = {c.name: c for c in (*([usual] if usual else []), *found) if c.command == "smtp"}
    return list(known.values())


def by_transport(
    instance: InstanceConfig,
    parameter: str,
    override: str,
    value: str,
    clients: Mapping[str, Service],
) -> Iterator[Hop]:
    """Yield the next hops of ``value``, a transport, where it is one of ``clients``."""
    name, nexthop = split_transport(value)
    for found in _listed(nexthop) if name in clients else ():
        yield Hop(instance, parameter, override, clients[name], found)


def answered(instance: InstanceConfig, answer: TableAnswer) -> Iterator[Hop]:
    """Yield the next hops that ``answer`` names."""
    has_transport = ROUTE_TABLES[answer.parameter]
    name, nexthop = split_transport(answer.result) if has_transport else ("", answer.result)
    client = clients_by_name(instance).get(name) if name else usual_client(instance)
    for found in _listed(nexthop) if client else ():
        assert client
        yield Hop(instance, answer.parameter, "", client, found, answer)


def tables_of(value: str) -> list[str]:
    """Return the lookup tables in ``value``, which may have white space between braces."""
    return [word for word in _TABLE.findall(value) if ":" in word]


def relays(instance: InstanceConfig) -> list[Destination]:
    """Return the hosts of relayhost."""
    return _listed(instance.get("relayhost"))


def _listed(nexthops: str) -> list[Destination]:
    """Return the destinations of a next hop, which may be a list since Postfix 3.5: smtp(8)."""
    words = nexthops.replace(",", " ").split()
    return [found for word in words if (found := destination(word))]


def fallbacks(instance: InstanceConfig, client: Service) -> Iterator[Hop]:
    """Yield the fallback relays of ``client``."""
    parameter = "smtp_fallback_relay"
    override = client.key if parameter in client.options else ""
    for found in _listed(instance.value(client, parameter)):
        yield Hop(instance, parameter, override, client, found)


def edges(host: HostModel) -> list[Edge]:
    """Return the hops between instances of this host, an instance's hop to itself among them.

    A hop whose MX is looked up may go anywhere, and is none.
    """
    return [
        edge
        for instance in host.readable
        for hop in hops(instance)
        if not hop.by_mx
        for edge in ends(host, hop)
    ]


def ends(host: HostModel, hop: Hop) -> Iterator[Edge]:
    """Yield where ``hop`` ends at an instance of this host, if it does."""
    for address in host.resolve(hop.destination.host):
        for receiver, listener in at(host, address, hop.port):
            yield Edge(hop, receiver, listener, address)


def at(
    host: HostModel, address: Address, port: int | None
) -> Iterator[tuple[InstanceConfig, Listener]]:
    """Yield who listens at ``address``, if it is this host's."""
    if not port or not host.is_own(address):
        return
    wanted = Endpoint(address, port)
    for instance in host.readable:
        for listener in instance.listeners:
            if listener.endpoint.overlaps(wanted):
                yield instance, listener


def is_heard(host: HostModel, wanted: Endpoint) -> bool:
    """Whether a program listens at ``wanted``, or an instance is to, whether it runs or not."""
    for held in host.sockets:
        # A socket of IPv6 that is bound to all addresses takes IPv4 too: ipv6(7), IPV6_V6ONLY.
        takes_both = str(held.endpoint.address) == "::" and held.endpoint.port == wanted.port
        if takes_both or held.endpoint.overlaps(wanted):
            return True
    return any(True for _ in at(host, wanted.address, wanted.port))


def port_of(hop: Destination, usual: str = "") -> int | None:
    """Return the port of ``hop``, None for a name that is no mail port.

    ``usual`` is the name that a hop without one has.
    """
    return int(hop.port) if hop.port.isdigit() else _PORTS.get(hop.port or usual or "smtp")


def source(
    host: HostModel, instance: InstanceConfig, client: Service, to: Address
) -> Address | None:
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


def virtual_address(instance: InstanceConfig, version: int) -> Address | None:
    """Return the one address of inet_interfaces that smtp(8) also sends from.

    postconf(5), smtp_bind_address, note 1.
    """
    words = instance.words("inet_interfaces")
    if "all" in words or "loopback-only" in words:
        return None
    own = {a for a in instance.interface_addresses if a.version == version}
    only = next(iter(own)) if len(own) == 1 else None
    return None if only is None or only.is_loopback else only
