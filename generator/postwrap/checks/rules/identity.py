"""Under which names and addresses the instances meet one another and the world."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.addresses import (
    Address,
    address_of,
    is_internal,
    is_internal_name,
    is_public,
    may_hold,
    network_of,
)
from postwrap.host.model import InstanceConfig
from postwrap.host.nexthops import Edge, edges, relays, source, virtual_address

theme = Theme("identity")

_SURE = frozenset(
    (
        *("permit_mynetworks", "permit_sasl_authenticated", "permit_tls_clientcerts"),
        *("permit_auth_destination", "reject", "reject_unauth_destination"),
        *("defer", "defer_unauth_destination"),
    )
)
"""Restrictions that let none of this host's own instances relay, but by mynetworks."""


@theme.rule(
    "same-hostname",
    Severity.ERROR,
    "two instances that speak to each other have one myhostname: a mail loop to smtp(8)",
    "smtp(8): host … greeted me with my own hostname; postconf(5) myhostname",
)
def same_hostname(picture: Picture) -> Iterator[Hit]:
    """Yield pairs that greet each other with one name, at port 25, where smtp(8) looks for it."""
    for edge in _first_of_pair(edges(picture.host)):
        hop = edge.hop
        one = edge.sender.value(hop.client, "myhostname")
        other = edge.receiver.value(edge.listener.service, "myhostname")
        if one.lower() != other.lower() or hop.port != 25:
            continue
        second = edge.sender if edge.receiver.instance.is_default else edge.receiver
        first = edge.receiver if second is edge.sender else edge.sender
        message = (
            f"its myhostname {other} is that of {first.directory}, and {hop.parameter} of "
            f"{edge.sender.directory} makes them speak to each other"
        )
        names = {"myhostname": _own_name(picture, second, edge)}
        if "smtp_helo_name" not in second.settings:
            names["smtp_helo_name"] = one
        remedy = remedies.both(remedies.edit(second, **names), remedies.reload(second))
        yield Hit(second.directory, message, remedy)


def _first_of_pair(found: list[Edge]) -> Iterator[Edge]:
    """Yield the first edge of each two different instances."""
    seen = set()
    for edge in found:
        pair = frozenset((edge.sender.directory, edge.receiver.directory))
        if len(pair) == 2 and pair not in seen:
            seen.add(pair)
            yield edge


def _own_name(picture: Picture, instance: InstanceConfig, edge: Edge) -> str:
    """Return a host name for ``instance``: what /etc/hosts calls its address, or NAME.mydomain."""
    taken = {i.get("myhostname").lower() for i in picture.host.readable}
    for listener in instance.listeners:
        for name, addresses in picture.host.names.items():
            if listener.address in addresses and "." in name and name not in taken:
                return name
    domain = instance.get("mydomain") or edge.sender.get("mydomain")
    return f"{instance.name.strip('.-')}.{domain}"


@theme.rule(
    "helo-leak",
    Severity.WARNING,
    "the instance sends to the Internet under a name that is known only inside",
    "postconf(5) smtp_helo_name",
)
def helo_leak(picture: Picture) -> Iterator[Hit]:
    """Yield secondaries that greet the world with an internal name, where a public one is there."""
    default = picture.host.default
    public = default.get("smtp_helo_name") if default else ""
    if not public or _is_internal(picture, public):
        return
    for instance in picture.host.readable:
        if instance.is_default or not _meets_the_world(picture, instance):
            continue
        for seen in instance.seen_by_clients("smtp_helo_name"):
            if _is_internal(picture, seen.value):
                message = (
                    f"it greets the Internet as {seen.value}, which only this network knows: "
                    "its mail may be refused"
                )
                helo = remedies.override(instance, seen.service, "smtp_helo_name", public)
                remedy = remedies.both(helo, remedies.reload(instance))
                yield Hit(instance.directory, message, remedy)


def _is_internal(picture: Picture, name: str) -> bool:
    """Whether this host knows ``name`` as an inside one; DNS may tell insiders other addresses."""
    if is_internal_name(name):
        return True
    known = picture.host.names.get(name.lower(), ())
    return bool(known) and all(is_internal(address) for address in known)


def _meets_the_world(picture: Picture, instance: InstanceConfig) -> bool:
    """Whether ``instance`` sends to the Internet itself, and not by an inside relayhost."""
    if not instance.clients():
        return False
    known = [picture.host.resolve(relay.host) for relay in relays(instance)]
    return not known or any(not k or any(is_public(a) for a in k) for k in known)


@theme.rule(
    "mynetworks-lacks-sibling",
    Severity.ERROR,
    "an instance refuses what another one sends it: Relay access denied",
    "postconf(5) mynetworks, permit_mynetworks",
)
def mynetworks_lacks_sibling(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose mynetworks leave out the address that a sibling sends from."""
    lacking: dict[tuple[str, str], dict[Address, Edge]] = {}
    for edge in edges(picture.host):
        sent_from = source(picture.host, edge.sender, edge.hop.client, edge.address)
        if edge.sender is edge.receiver or sent_from is None or not _by_networks(edge):
            continue
        networks = edge.receiver.value(edge.listener.service, "mynetworks")
        if not may_hold(networks, sent_from):
            service = edge.listener.service
            override = service.key if "mynetworks" in service.options else ""
            lacking.setdefault((edge.receiver.directory, override), {})[sent_from] = edge
    for (directory, override), senders in lacking.items():
        yield _lacks(directory, override, senders)


def _lacks(directory: str, override: str, senders: dict[Address, Edge]) -> Hit:
    edge = next(iter(senders.values()))
    names = " and ".join(dict.fromkeys(e.sender.directory for e in senders.values()))
    listed = ", ".join(map(str, senders))
    message = f"its mynetworks lack {listed}, from which {names} sends: Relay access denied"
    now = edge.receiver.value(edge.listener.service, "mynetworks")
    own = [network_of(a) for a in senders]
    set_to = partial(remedies.override, edge.receiver, override, "mynetworks")
    remedy = remedies.both(set_to(" ".join((now, *own))), remedies.reload(edge.receiver))
    return Hit(directory, message, remedy)


def _by_networks(edge: Edge) -> bool:
    """Whether the receiver relays for mynetworks, and for nobody else that the sender could be."""
    service = edge.listener.service
    names = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
    values = " ".join(edge.receiver.value(service, name) for name in names)
    words = [w for w in values.replace(",", " ").split() if not w.startswith("reject_")]
    return "permit_mynetworks" in words and set(words) <= _SURE


@theme.rule(
    "private-source",
    Severity.WARNING,
    "the one private address of inet_interfaces is also what the instance sends from",
    "postconf(5) smtp_bind_address, note 1",
)
def private_source(picture: Picture) -> Iterator[Hit]:
    """Yield instances that reach for the Internet from a private address, where a public one is."""
    public = {a.version for a in picture.host.up_addresses if is_public(a)}
    for instance in picture.host.readable:
        if not _meets_the_world(picture, instance):
            continue
        for version, parameter in ((4, "smtp_bind_address"), (6, "smtp_bind_address6")):
            only = virtual_address(instance, version)
            if only is None or not is_internal(only) or version not in public:
                continue
            if all(address_of(x.value) for x in instance.seen_by_clients(parameter)):
                continue
            message = (
                f"{only} is the one address of its inet_interfaces, so it also sends from there: "
                "the Internet cannot answer"
            )
            wild = "0.0.0.0" if version == 4 else "::"
            remedy = remedies.both(
                remedies.edit(instance, **{parameter: wild}), remedies.reload(instance)
            )
            yield Hit(instance.directory, message, remedy)
