"""Addresses, listeners' names and next hops as Postfix writes them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

WILDCARDS: tuple[Address, ...] = (IPv4Address("0.0.0.0"), IPv6Address("::"))

_BRACKETED = re.compile(r"\[(?P<host>[^\]]+)\](?::(?P<port>\w[\w-]*))?\Z")
_PLAIN = re.compile(r"(?P<host>[^:\[\]]+)(?::(?P<port>\w[\w-]*))?\Z")
_INTERNAL_NETWORKS = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10"),
    )
)
_INTERNAL = (
    *(".local", ".localdomain", ".localhost", ".lan", ".internal", ".intranet"),
    *(".private", ".corp", ".home", ".home.arpa"),
)


def is_wildcard(address: Address) -> bool:
    """Whether ``address`` stands for all of its family."""
    return address.is_unspecified


def address_of(text: str) -> Address | None:
    """Return the address that ``text`` spells, None where it is a name."""
    try:
        return ipaddress.ip_address(text.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return None


def is_internal(address: Address) -> bool:
    """Whether ``address`` is one of a private network (RFC 1918, 6598, 4193) or of a link."""
    return any(address in net for net in _INTERNAL_NETWORKS if net.version == address.version)


def is_public(address: Address) -> bool:
    """Whether ``address`` may be one that the Internet knows."""
    is_special = address.is_loopback or address.is_unspecified or address.is_multicast
    return not is_special and not is_internal(address)


def is_internal_name(name: str) -> bool:
    """Whether ``name`` says by itself that the Internet does not know it."""
    return "." not in name or name.lower().rstrip(".").endswith(_INTERNAL)


@dataclass(frozen=True, slots=True)
class Destination:
    """A next hop. ``by_mx``: without brackets, so that Postfix looks up the MX of ``host``."""

    text: str
    host: str
    port: str = ""
    by_mx: bool = False


def destination(text: str) -> Destination | None:
    """Return the next hop ``text`` (domain, host:port, [host], [address]:port, inet:…).

    None for what is no TCP destination. postconf(5), relayhost and smtp_fallback_relay.
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
