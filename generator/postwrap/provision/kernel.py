"""What the kernel says of addresses and listening sockets, in /proc; no program is run."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from postwrap.provision.listeners import Endpoint, Listener

_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp (linux include/net/tcp_states.h)."""


DELETED = " (deleted)"
"""What /proc puts behind the name of a directory that is gone: proc(5)."""


def addresses() -> list[str]:
    """Return the addresses of this host's interfaces, IPv4 first, without link-local ones."""
    found: dict[str, None] = {}
    last = ""
    for line in _lines("/proc/net/fib_trie"):
        words = line.split()
        if words[:1] == ["|--"]:
            last = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            found[last] = None
    for line in _lines("/proc/net/if_inet6"):
        address = ipaddress.ip_address(bytes.fromhex(line.split()[0]))
        if not address.is_link_local:
            found[str(address)] = None
    return list(found)


def listeners() -> Iterator[Listener]:
    """Yield every TCP socket of this network namespace that listens, with its program's name."""
    found = [entry for name in ("tcp", "tcp6") for entry in _sockets(f"/proc/net/{name}")]
    programs = _programs({inode for _, inode in found}) if found else {}
    return (Listener(endpoint, programs.get(inode, "")) for endpoint, inode in found)


def _sockets(path: str) -> Iterator[tuple[Endpoint, str]]:
    for line in _lines(path)[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            host, _, port = fields[1].partition(":")
            yield Endpoint(_address(host), int(port, 16)), fields[9]


def _address(text: str) -> str:
    """Return the address that the kernel prints as 32-bit words in the host's byte order."""
    words = struct.unpack(f">{len(text) // 8}I", bytes.fromhex(text))
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET6 if len(packed) == 16 else socket.AF_INET
    return socket.inet_ntop(family, packed)


def _programs(inodes: set[str]) -> dict[str, str]:
    """Return the names of the programs that have sockets open, by the sockets' inodes."""
    found: dict[str, str] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    inode = str(descriptor.readlink()).removeprefix("socket:[").rstrip("]")
                    if inode in inodes:
                        found[inode] = (process / "comm").read_text().strip()
    return found


def working_in(directory: str, program: str) -> list[int]:
    """Return the processes called ``program`` whose working directory is ``directory``."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            is_it = process.name.isdigit() and (process / "comm").read_text().strip() == program
            if is_it and str((process / "cwd").readlink()) == directory:
                found.append(int(process.name))
    return found


def unit_of(pid: int) -> str:
    """Return the systemd service that process ``pid`` belongs to, "" for none."""
    for line in _lines(f"/proc/{pid}/cgroup"):
        last = os.path.basename(line.strip())  # noqa: PTH119 - a cgroup, not a file
        if last.endswith(".service"):
            return last
    return ""


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
