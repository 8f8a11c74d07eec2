"""The ways that mail takes through the instances of a host, and the circles among them. Pure.

A way is followed for one recipient at a time, as trivial-rewrite(8) finds the next hop; what a
table could not be asked for is taken for an end, so that no circle is told that may be none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from postwrap.host.addresses import split_transport
from postwrap.host.model import HostModel, InstanceConfig, Service, TableAnswer
from postwrap.host.nexthops import (
    FILTER,
    ROUTE_TABLES,
    Edge,
    Hop,
    answered,
    by_transport,
    clients_by_name,
    edges,
    ends,
    fallbacks,
    hops,
    relays,
    tables_of,
    usual_client,
)

_ANYBODY = "somebody@elsewhere.invalid"
"""A recipient that only ``*`` of a table and the settings for all mail are for."""
_MOST = 500
"""So many recipients are followed."""
_LOCAL = {
    "mydestination": "local_transport",
    "virtual_mailbox_domains": "virtual_transport",
}
_SENDERS = ("sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps")


@dataclass(frozen=True, slots=True)
class Circle:
    """A way that comes back, its edges in order.

    ``recipient`` is whose mail goes so: a domain, an address, ``from`` a sender, "" for all.
    """

    recipient: str
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class _Mail:
    """An envelope; ``name`` is what tables call it, "" for any other one."""

    name: str
    recipient: str
    sender: str = ""


@dataclass(frozen=True, slots=True)
class _Tables:
    """What the tables of each instance give, by directory, parameter and key."""

    known: Mapping[tuple[str, str, str], TableAnswer]

    def find(
        self, instance: InstanceConfig, parameter: str, keys: Iterable[str]
    ) -> TableAnswer | None:
        """Return the answer to the first of ``keys`` that has one."""
        found = (self.known.get((instance.directory, parameter, key)) for key in keys)
        return next(filter(None, found), None)


def circles(host: HostModel) -> list[Circle]:
    """Return the circles, each once: with all mail before that for one domain."""
    starts = _in_circles(host)
    if not starts:
        return []
    tables = _tables(host)
    found: dict[frozenset[tuple[str, ...]], Circle] = {}
    for mail in (_Mail("", _ANYBODY), *_mails(host)):
        for instance in starts:
            for way in _from(host, tables, instance, mail):
                # The same hops for another domain are another circle; the same entry is not.
                members = frozenset(_member(edge) for edge in way)
                found.setdefault(members, Circle(mail.name, tuple(way)))
    return list(found.values())


def _in_circles(host: HostModel) -> list[InstanceConfig]:
    """Return the instances that hops lead out of and back to, whoever the mail is for.

    Most hosts have none, and nothing is to be followed there.
    """
    known = {(e.sender.directory, e.receiver.directory) for e in edges(host)}
    while True:
        ends_of_both = {a for a, _ in known} & {b for _, b in known}
        inner = {(a, b) for a, b in known if {a, b} <= ends_of_both}
        if inner == known:
            return [i for i in host.readable if i.directory in ends_of_both]
        known = inner


def _member(edge: Edge) -> tuple[str, ...]:
    answer = edge.hop.answer
    key = answer.key if answer else ""
    return edge.sender.directory, edge.receiver.directory, edge.hop.parameter, key


def _tables(host: HostModel) -> _Tables:
    known: dict[tuple[str, str, str], TableAnswer] = {}
    for instance in host.readable:
        order = {
            table.removeprefix("proxy:"): place
            for parameter in ROUTE_TABLES
            for place, table in enumerate(tables_of(instance.get(parameter)))
        }
        for answer in sorted(instance.answers, key=lambda a: order.get(a.table, 0)):
            known.setdefault((instance.directory, answer.parameter, answer.key.lower()), answer)
    return _Tables(known)


def _mails(host: HostModel) -> Iterator[_Mail]:
    """Yield whom and for whom the tables name that lead to this host, and the domains of lists."""
    named: dict[_Mail, None] = {}
    for instance in host.readable:
        for hop in hops(instance):
            if hop.answer and hop.answer.key != "*" and any(ends(host, hop)):
                named.setdefault(_mail(hop.answer), None)
        for name in (*_LOCAL, "relay_domains"):
            plain = (w.lower() for w in instance.words(name) if not set(w) & set(":/!{}[]"))
            named |= {_Mail(domain, f"somebody@{domain}"): None for domain in plain}
    yield from list(named)[:_MOST]


def _mail(answer: TableAnswer) -> _Mail:
    key = answer.key.lower()
    if answer.parameter in _SENDERS:
        return _Mail(f"from {key}", _ANYBODY, key if "@" in key else f"somebody@{key}")
    if "@" in key:
        return _Mail(key, key)
    return _Mail(key, f"somebody@sub{key}" if key.startswith(".") else f"somebody@{key}")


def _from(
    host: HostModel, tables: _Tables, start: InstanceConfig, mail: _Mail
) -> Iterator[list[Edge]]:
    """Yield the circles on the way of ``mail`` that is handed in at ``start``."""
    ways: list[list[Edge]] = [[]]
    done: set[tuple[str, str]] = set()
    while ways:
        way = ways.pop()
        instance = way[-1].receiver if way else start
        entry = way[-1].listener.service if way else _pickup(start)
        place = _place(instance, entry)
        before = [
            _place(start, _pickup(start)),
            *(_place(e.receiver, e.listener.service) for e in way),
        ]
        if place in before[:-1]:
            yield way[before.index(place) :]
            continue
        if place in done:
            continue
        done.add(place)
        for hop in _next(tables, instance, entry, mail):
            ways += [[*way, edge] for edge in (ends(host, hop) if not hop.by_mx else ())]


def _pickup(instance: InstanceConfig) -> Service | None:
    return next((s for s in instance.enabled_services if s.command == "pickup"), None)


def _place(instance: InstanceConfig, entry: Service | None) -> tuple[str, str]:
    """Return where mail is: the instance, and the filter of the service that it came by."""
    return instance.directory, _filter(instance, entry)


def _filter(instance: InstanceConfig, entry: Service | None) -> str:
    return instance.value(entry, FILTER) if entry else instance.get(FILTER)


def _next(
    tables: _Tables, instance: InstanceConfig, entry: Service | None, mail: _Mail
) -> Iterator[Hop]:
    """Yield the next hops of ``mail`` that came to ``instance`` by the service ``entry``."""
    clients = clients_by_name(instance)
    if value := _filter(instance, entry):
        override = entry.key if entry and FILTER in entry.options else ""
        yield from by_transport(instance, FILTER, override, value, clients)
        return
    found = list(_routed(tables, instance, mail, clients))
    yield from found
    for client in {hop.client.name: hop.client for hop in found}.values() or _usual(
        tables, instance, mail
    ):
        yield from fallbacks(instance, client)


def _usual(tables: _Tables, instance: InstanceConfig, mail: _Mail) -> list[Service]:
    """Return the client that sends ``mail`` by its MX, nothing where it is delivered here."""
    client = usual_client(instance)
    is_away = _class(instance, mail) in {"relay_transport", "default_transport"}
    is_routed = tables.find(instance, "transport_maps", _keys(mail.recipient))
    return [client] if client and is_away and not is_routed else []


def _routed(
    tables: _Tables, instance: InstanceConfig, mail: _Mail, clients: Mapping[str, Service]
) -> Iterator[Hop]:
    """Yield the next hops by tables, transports and relayhost: trivial-rewrite(8)."""
    answer = tables.find(instance, "transport_maps", _keys(mail.recipient))
    if answer and answer.result.strip() != ":":
        yield from answered(instance, answer)
        return
    transport = _class(instance, mail)
    if not transport:
        return
    value = instance.get(transport)
    if transport == "default_transport":
        sender = tables.find(instance, "sender_dependent_default_transport_maps", _senders(mail))
        if sender and split_transport(sender.result)[1]:
            yield from answered(instance, sender)
            return
    by_value = list(by_transport(instance, transport, "", value, clients))
    yield from by_value
    if by_value or transport not in {"default_transport", "relay_transport"}:
        if not by_value and transport == "local_transport":
            mailbox = "mailbox_transport"
            yield from by_transport(instance, mailbox, "", instance.get(mailbox), clients)
        return
    sender = tables.find(instance, "sender_dependent_relayhost_maps", _senders(mail))
    if sender:
        yield from answered(instance, sender)
        return
    client = clients.get(split_transport(value)[0]) if value else usual_client(instance)
    yield from (Hop(instance, "relayhost", "", client, d) for d in relays(instance) if client)


def _class(instance: InstanceConfig, mail: _Mail) -> str:
    """Return the transport of the recipient's address class, "" for what is not known to go on.

    ADDRESS_CLASS_README. A list that is a table may hold the domain.
    """
    domain = mail.recipient.rpartition("@")[2]
    if domain in _domains(instance, "virtual_alias_domains"):
        return ""
    for name, transport in _LOCAL.items():
        if domain in _domains(instance, name):
            return transport
    if any(_has_tables(instance, name) for name in (*_LOCAL, "virtual_alias_domains")):
        # Whoever is nobody in particular is in none of them.
        return "default_transport" if mail.recipient == _ANYBODY else ""
    parents = [domain.split(".", n)[-1] for n in range(domain.count(".") + 1)]
    is_relayed = any(parent in _domains(instance, "relay_domains") for parent in parents)
    return "relay_transport" if is_relayed else "default_transport"


def _domains(instance: InstanceConfig, name: str) -> set[str]:
    return {word.lower() for word in instance.words(name)}


def _has_tables(instance: InstanceConfig, name: str) -> bool:
    return any(set(word) & set(":/!") for word in instance.words(name))


def _keys(recipient: str) -> list[str]:
    """Return what transport(5) looks ``recipient`` up by, in order."""
    domain = recipient.rpartition("@")[2]
    parents = [f".{domain.split('.', n)[-1]}" for n in range(1, domain.count(".") + 1)]
    return [recipient, domain, *parents, "*"]


def _senders(mail: _Mail) -> list[str]:
    return [mail.sender, f"@{mail.sender.rpartition('@')[2]}"] if mail.sender else []
