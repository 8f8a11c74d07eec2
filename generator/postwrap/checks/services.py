"""The services of master.cf and where they listen, from what postconf printed."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence

from postwrap.checks.addresses import WILDCARDS, Address, address_of, split_service
from postwrap.checks.facts import Listener, Service
from postwrap.checks.network import Network


def services(
    lines: str, overrides: Mapping[str, str], parameters: Mapping[str, str]
) -> Iterator[Service]:
    """Yield the services that ``postconf -M`` printed, without those that are disabled."""
    disabled = parameters.get("master_service_disable", "").replace(",", " ").split()
    # master(5), chroot: the default is "y" below compatibility level 1.
    level = parameters.get("compatibility_level", "0").partition(".")[0]
    jailed = {"y", "-"} if level == "0" else {"y"}
    for line in lines.splitlines():
        fields = line.split(maxsplit=8)
        if len(fields) < 8:
            continue
        name, kind = fields[0], fields[1]
        if {kind, name, f"{name}/{kind}"} & set(disabled):
            continue
        prefix = f"{name}/{kind}/"
        options = {k[len(prefix) :]: v for k, v in overrides.items() if k.startswith(prefix)}
        yield Service(name, kind, fields[4] in jailed, fields[7], options)


def listeners(
    found: Sequence[Service], parameters: Mapping[str, str], net: Network
) -> Iterator[Listener]:
    """Yield where the inet services listen."""
    families = _families(parameters.get("inet_protocols", ""))
    usual = [a for each in interfaces(parameters, net).values() for a in each]
    for service in found:
        if service.type != "inet":
            continue
        host, port_name = split_service(service.name)
        port = _port(port_name, parameters)
        own = [a for a in _addresses(host, net) if a.version in families] if host else usual
        for address in dict.fromkeys(own):
            if port:
                yield Listener(address, port, service, by_interfaces=not host)


def interfaces(parameters: Mapping[str, str], net: Network) -> dict[str, Sequence[Address]]:
    """Return the addresses of each word of inet_interfaces, of the families of inet_protocols."""
    families = _families(parameters.get("inet_protocols", ""))
    words = parameters.get("inet_interfaces", "").replace(",", " ").split()
    found = {word: _addresses(word, net) for word in words}
    return {w: [a for a in x if a.version in families] if x else x for w, x in found.items()}


def _families(protocols: str) -> set[int]:
    words = protocols.replace(",", " ").lower().split()
    both = {"all": {4, 6}, "ipv4": {4}, "ipv6": {6}}
    return set().union(*(both.get(word, set()) for word in words)) or {4, 6}


def _addresses(host: str, net: Network) -> Sequence[Address]:
    """Return the addresses that ``host`` of inet_interfaces or master.cf stands for."""
    if host == "all":
        return WILDCARDS
    if host == "loopback-only":
        return [a for a in net.addresses if a.is_loopback]
    literal = address_of(host)
    return [literal] if literal else net.resolver.resolve(host)


def _port(name: str, parameters: Mapping[str, str]) -> int | None:
    """Return the port of ``name``; Postfix asks known_tcp_ports before /etc/services."""
    known = parameters.get("known_tcp_ports", "").replace(",", " ").split()
    for names in known:
        *words, number = names.split("=")
        if name in words and number.isdigit():
            return int(number)
    try:
        return int(name) if name.isdigit() else socket.getservbyname(name, "tcp")
    except OSError:
        return None
