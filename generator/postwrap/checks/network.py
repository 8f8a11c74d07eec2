"""The host's addresses, its listening sockets and who holds them, read from /proc."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.checks import looking
from postwrap.checks.addresses import Address, address_of
from postwrap.checks.facts import Socket
from postwrap.checks.lookup import Resolver
from postwrap.filesystem import Filesystem

_LISTEN = "0A"
"""TCP_LISTEN as /proc/net/tcp prints it."""
_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")


@dataclass(frozen=True, slots=True)
class Network:
    """What the network looks like from here."""

    addresses: tuple[Address, ...]
    device: str
    may_bind_any: bool
    sockets: tuple[Socket, ...]
    resolver: Resolver


def look(filesystem: Filesystem) -> Network:
    """Return the network of this host."""
    return Network(
        addresses=tuple(dict.fromkeys((*_ipv4(filesystem), *_ipv6(filesystem)))),
        device=_device(filesystem),
        may_bind_any=looking.text(filesystem, "/proc/sys/net/ipv4/ip_nonlocal_bind").strip() == "1",
        sockets=tuple(_sockets(filesystem)),
        resolver=Resolver(_names(looking.text(filesystem, "/etc/hosts"))),
    )


def _ipv4(filesystem: Filesystem) -> Iterator[Address]:
    """Yield the host's IPv4 addresses: the /32 entries of the kernel's local routing table."""
    last = ""
    for line in looking.text(filesystem, "/proc/net/fib_trie").splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            last = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            yield ipaddress.ip_address(last)


def _ipv6(filesystem: Filesystem) -> Iterator[Address]:
    for line in looking.text(filesystem, "/proc/net/if_inet6").splitlines():
        yield ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))


def _device(filesystem: Filesystem) -> str:
    """Return the network device of the default route, lo where there is none."""
    for line in looking.text(filesystem, "/proc/net/route").splitlines()[1:]:
        device, destination, *_ = line.split()
        if destination == "00000000":
            return device
    return "lo"


def _names(hosts: str) -> dict[str, tuple[Address, ...]]:
    """Return the addresses of each name of /etc/hosts."""
    names: dict[str, list[Address]] = defaultdict(list)
    for line in hosts.splitlines():
        first, *words = line.partition("#")[0].split() or [""]
        if address := address_of(first):
            for word in words:
                names[word.lower()].append(address)
    return {name: tuple(addresses) for name, addresses in names.items()}


def _sockets(filesystem: Filesystem) -> Iterator[Socket]:
    """Yield the listening TCP sockets, with who holds them where this user may see it."""
    holders = _holders(filesystem)
    for table in ("tcp", "tcp6"):
        for line in looking.text(filesystem, f"/proc/net/{table}").splitlines()[1:]:
            fields = line.split()
            if fields[3] != _LISTEN:
                continue
            host, _, port = fields[1].partition(":")
            pids = frozenset(holders.get(fields[9], ()))
            first = f"/proc/{min(pids, default=0)}"
            program = looking.text(filesystem, f"{first}/comm").strip()
            units = _UNIT.findall(looking.text(filesystem, f"{first}/cgroup"))
            unit = units[-1] if units else ""
            owner = looking.started_for(filesystem, min(pids)) if program == "master" else ""
            yield Socket(_address(host), int(port, 16), pids, program, unit, owner)


def _address(text: str) -> Address:
    """Return the address that /proc/net/tcp prints: 32-bit words in the host's byte order."""
    words = [bytes.fromhex(text[i : i + 8]) for i in range(0, len(text), 8)]
    little = sys.byteorder == "little"
    return ipaddress.ip_address(b"".join(word[::-1] if little else word for word in words))


def _holders(filesystem: Filesystem) -> dict[str, set[int]]:
    """Return the processes that hold each socket, by the socket's inode number."""
    holders: dict[str, set[int]] = defaultdict(set)
    for process in filesystem.names("/proc"):
        if not process.isdigit():
            continue
        directory = f"/proc/{process}/fd"
        for name in looking.names(filesystem, directory):
            target = _target(filesystem, f"{directory}/{name}")
            if target.startswith("socket:["):
                holders[target[8:-1]].add(int(process))
    return holders


def _target(filesystem: Filesystem, link: str) -> str:
    try:
        return filesystem.entry(link).target or ""
    except OSError:
        return ""  # closed meanwhile
