"""Who listens where: addresses, ports, and when two of them get in one another's way.

Postfix from 3.6 on listens with SO_REUSEPORT, so two instances on one address and port both start
and the kernel deals the connections out between them. Nobody notices; so this has to be known
before an instance is made.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postwrap.errors import UsageError

WILDCARDS = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and a port; the address may be a wildcard."""

    address: str
    port: int

    def __str__(self) -> str:
        """``10.0.0.1:25``, ``[2001:db8::1]:25``."""
        return f"{bracketed(self.address)}:{self.port}"

    def overlaps(self, other: Endpoint) -> bool:
        """Whether one socket could be given what is meant for the other.

        Postfix sets IPV6_V6ONLY, so its [::] takes no IPv4 connection.
        """
        if self.port != other.port or is_ipv6(self.address) != is_ipv6(other.address):
            return False
        return self.address == other.address or bool({self.address, other.address} & {*WILDCARDS})


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket of this host that listens, and the program that has it open, where that is known.

    ``dual``: it is bound to [::] and may take IPv4 too.
    """

    endpoint: Endpoint
    program: str = ""

    def overlaps(self, endpoint: Endpoint) -> bool:
        """Whether a Postfix that listens at ``endpoint`` would get in its way."""
        if self.endpoint.address == "::" and self.endpoint.port == endpoint.port:
            return True
        return self.endpoint.overlaps(endpoint)


def is_ipv6(address: str) -> bool:
    """Whether ``address`` is one of IPv6."""
    return ":" in address


def speaks(protocols: str, address: str) -> bool:
    """Whether an instance of these inet_protocols can use ``address``."""
    return "all" in protocols or ("ipv6" if is_ipv6(address) else "ipv4") in protocols


def is_private(address: str) -> bool:
    """Whether ``address`` cannot be reached from the internet."""
    return not ipaddress.ip_address(address).is_global


def is_loopback(address: str) -> bool:
    """Whether ``address`` is one of the host's own loopback."""
    return ipaddress.ip_address(address).is_loopback


def bracketed(address: str) -> str:
    """Return ``address`` as it stands before a colon: IPv6 in brackets."""
    return f"[{address}]" if is_ipv6(address) else address


def network(address: str) -> str:
    """Return the network of ``address`` alone, as mynetworks spells it."""
    return f"[{address}]/128" if is_ipv6(address) else f"{address}/32"


def parse_address(text: str) -> tuple[str, int | None]:
    """Return the address and the port, None if there is none, of ``ADDR[:PORT]``.

    IPv6 may stand bare where there is no port, and in brackets. Raises UsageError.
    """
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        hint = "write 10.0.0.1, 10.0.0.1:2525, 2001:db8::1 or [2001:db8::1]:2525"
        raise UsageError(f"--address {text}: is not an IP address", hint) from None
    if not colon and not port:
        return address, None
    if colon != ":" or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--address {text}: {port!r} is no port", "write ADDRESS:PORT, as :2525")
    return address, int(port)


def split_service(name: str) -> tuple[str, str]:
    """Return the host ("" if none) and the port of an inet service's name in master.cf."""
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        return host, rest.lstrip(":")
    host, colon, port = name.rpartition(":")
    return (host, port) if colon else ("", name)


def port_number(service: str) -> int | None:
    """Return the number of a port that /etc/services or a digit names, None for another."""
    if service.isascii() and service.isdigit():
        return int(service)
    try:
        return socket.getservbyname(service, "tcp")
    except OSError:
        return None


def clashes(wanted: Iterable[Endpoint], taken: Sequence[Endpoint]) -> list[Endpoint]:
    """Return those of ``wanted`` that overlap with one of ``taken``."""
    return [endpoint for endpoint in wanted if any(endpoint.overlaps(other) for other in taken)]
