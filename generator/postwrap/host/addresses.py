"""Addresses, endpoints and next hops, in the spelling of Postfix. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

WILDCARDS: tuple[Address, ...] = (IPv4Address("0.0.0.0"), IPv6Address("::"))

_BRACKETED = re.compile(r"\[(?P<host>[^\]]+)\](?::(?P<port>\w[\w-]*))?\Z")
_PLAIN = re.compile(r"(?P<host>[^:\[\]]+)(?::(?P<port>\w[\w-]*))?\Z")
_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        "fc00::/7",
    )
)
_INSIDE_DOMAINS = (
    *(".local", ".localdomain", ".localhost", ".lan", ".internal", ".intranet"),
    *(".private", ".corp", ".home", ".home.arpa"),
)


class Scope(StrEnum):
    """How far an address reaches."""

    NONE = "none"
    """A wildcard, a multicast address: no host's own."""
    LOOPBACK = "loopback"
    LINK = "link"
    """Link-local: RFC 3927, RFC 4291."""
    PRIVATE = "private"
    """RFC 1918, RFC 6598, RFC 4193."""
    PUBLIC = "public"
    """All others. The networks that RFC 5737 and RFC 3849 keep for documentation are among them:
    they stand for public addresses."""


def scope_of(address: Address) -> Scope:
    """Return how far ``address`` reaches."""
    if address.is_unspecified or address.is_multicast:
        return Scope.NONE
    if address.is_loopback:
        return Scope.LOOPBACK
    if address.is_link_local:
        return Scope.LINK
    is_private = any(a.version == address.version and address in a for a in _PRIVATE_NETWORKS)
    return Scope.PRIVATE if is_private else Scope.PUBLIC


def is_wildcard(address: Address) -> bool:
    """Whether ``address`` stands for all addresses of its family: 0.0.0.0, ::."""
    return address.is_unspecified


def is_internal(address: Address) -> bool:
    """Whether ``address`` is known only inside a network or a link."""
    return scope_of(address) in {Scope.PRIVATE, Scope.LINK}


def is_public(address: Address) -> bool:
    """Whether the Internet may know ``address``."""
    return scope_of(address) is Scope.PUBLIC


def is_internal_name(name: str) -> bool:
    """Whether the spelling of the host name ``name`` says that the Internet does not know it."""
    return "." not in name or name.lower().rstrip(".").endswith(_INSIDE_DOMAINS)


def address_of(text: str) -> Address | None:
    """Return the address that ``text`` spells, None where it is a name."""
    try:
        return ipaddress.ip_address(text.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return None


def bracketed(address: Address) -> str:
    """Return ``address`` as it stands before a colon: IPv6 in brackets."""
    return f"[{address}]" if address.version == 6 else str(address)


def network_of(address: Address) -> str:
    """Return the network of ``address`` alone in the spelling of mynetworks: ``10.0.0.1/32``."""
    return f"{bracketed(address)}/{address.max_prefixlen}"


def may_hold(networks: str, address: Address) -> bool:
    """Whether ``networks`` may hold ``address``; tables and files are not looked into."""
    for word in networks.replace(",", " ").split():
        plain = word.lstrip("!")
        if plain.startswith("/") or word != plain:
            return True
        try:
            network = ipaddress.ip_network(plain.replace("[", "").replace("]", ""), strict=False)
        except ValueError:
            return True
        if address.version == network.version and address in network:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, which may be a wildcard, and a TCP port."""

    address: Address
    port: int

    def __str__(self) -> str:
        """In the spelling of master.cf: ``10.0.0.1:25``, ``[2001:db8::1]:25``."""
        return f"{bracketed(self.address)}:{self.port}"

    def overlaps(self, other: Endpoint) -> bool:
        """Whether a socket here would share connections with one at ``other``.

        Postfix sets IPV6_V6ONLY (postfix src/util/inet_listen.c), so the families never meet.
        """
        if self.port != other.port or self.address.version != other.address.version:
            return False
        if self.address == other.address:
            return True
        return is_wildcard(self.address) or is_wildcard(other.address)


@dataclass(frozen=True, slots=True)
class Destination:
    """A next hop. ``by_mx``: it stands without brackets, so Postfix looks up the MX of ``host``."""

    text: str
    host: str
    port: str = ""
    by_mx: bool = False


def destination(text: str) -> Destination | None:
    """Return the next hop ``text`` (domain, host:port, [host], [address]:port, inet:…).

    None for what is not a TCP destination. postconf(5), relayhost and smtp_fallback_relay.
    """
    text = text.strip()
    plain = text.removeprefix("inet:")
    if match := _BRACKETED.match(plain):
        return Destination(text, match["host"], match["port"] or "")
    if match := _PLAIN.match(plain):
        return Destination(text, match["host"], match["port"] or "", by_mx=True)
    return None


def split_transport(text: str) -> tuple[str, str]:
    """Return the service and the next hop of ``smtp:[10.0.0.1]:25``."""
    service, _, nexthop = text.strip().partition(":")
    return service, nexthop


def split_service(name: str) -> tuple[str, str]:
    """Return host and port of an inet service's name in master.cf: ``[::1]:smtp``, ``smtp``.

    The host is empty where inet_interfaces decides. master(5), service name.
    """
    host, colon, port = name.rpartition(":")
    return (host.strip("[]"), port) if colon else ("", name)
