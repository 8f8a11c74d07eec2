"""Where an instance listens, by its configuration: names are looked up as Postfix does."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping

from postwrap.provision.facts import Entry
from postwrap.provision.listeners import WILDCARDS, Endpoint, is_loopback, speaks, split_service


def configured_endpoints(
    parameters: Mapping[str, str], services: Iterable[Entry], addresses: tuple[str, ...]
) -> Iterator[Endpoint]:
    """Yield where an instance listens: its inet services, on their own host or inet_interfaces."""
    interfaces = list(interface_addresses(parameters, addresses))
    disabled = parameters.get("master_service_disable", "").replace(",", " ").split()
    for service in () if "inet" in disabled else services:
        if service.kind != "inet" or service.port is None:
            continue
        host = split_service(service.name)[0]
        where = _resolve(host) if host else interfaces
        for address in where:
            yield Endpoint(address, service.port)


def interface_addresses(parameters: Mapping[str, str], addresses: tuple[str, ...]) -> Iterator[str]:
    """Yield the addresses that inet_interfaces means, wildcards for ``all``."""
    for found in interfaces(parameters, addresses).values():
        yield from found


def interfaces(
    parameters: Mapping[str, str], addresses: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Return the addresses that each word of inet_interfaces means, wildcards for ``all``."""
    protocols = parameters.get("inet_protocols", "all")
    meant = {}
    for word in parameters.get("inet_interfaces", "all").replace(",", " ").split():
        if word.lower() == "all":
            found = list(WILDCARDS)
        elif word.lower() == "loopback-only":
            found = [address for address in addresses if is_loopback(address)]
        else:
            found = _resolve(word.strip("[]"))
        meant[word] = tuple(a for a in found if speaks(protocols, a))
    return meant


def _resolve(host: str) -> list[str]:
    try:
        told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in told))
