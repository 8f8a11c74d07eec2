"""The addresses of the network interfaces, asked of the kernel by rtnetlink(7).

/proc tells no IPv4 address of an interface that is down, and none with its interface.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator

from postwrap.host.addresses import address_of
from postwrap.host.model import HostAddress

# linux/rtnetlink.h, linux/netlink.h, linux/if_addr.h, linux/if.h
_GET_LINK, _GET_ADDRESS = 18, 22
_DONE, _ERROR = 3, 2
_REQUEST_DUMP = 0x301
_ADDRESS, _LOCAL, _NAME = 1, 2, 3
_IS_UP = 1
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_SIZE = 1 << 16


def host_addresses() -> tuple[HostAddress, ...]:
    """Return the addresses of all interfaces, those of interfaces that are down too."""
    links = {}
    for message in _dump(_GET_LINK):
        index, flags = struct.unpack_from("=iI", message, 4)
        name = _attributes(message, 16).get(_NAME, b"").rstrip(b"\0").decode()
        links[index] = (name, bool(flags & _IS_UP))
    found = []
    for message in _dump(_GET_ADDRESS):
        (index,) = struct.unpack_from("=I", message, 4)
        values = _attributes(message, 8)
        # For a point-to-point link IFA_ADDRESS is the other end's.
        packed = values.get(_LOCAL) or values.get(_ADDRESS)
        if packed and index in links:
            device, is_up = links[index]
            found.append(HostAddress(ipaddress.ip_address(packed), device, is_up))
    return tuple(found)


def own_addresses() -> Callable[[str], bool]:
    """Return a function that says whether a text is an address of this host, or loopback."""
    own = {found.address for found in host_addresses()}

    def is_own(text: str) -> bool:
        address = address_of(text)
        return address is not None and (address.is_loopback or address in own)

    return is_own


def _dump(kind: int) -> Iterator[bytes]:
    """Yield the payload of each message that answers a request for all things of ``kind``."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as kernel:
        kernel.send(_HEADER.pack(_HEADER.size + 16, kind, _REQUEST_DUMP, 1, 0) + bytes(16))
        while True:
            answer = kernel.recv(_SIZE)
            while answer:
                length, what, *_ = _HEADER.unpack_from(answer)
                if what == _DONE:
                    return
                if what == _ERROR:
                    raise OSError("rtnetlink refuses to list interfaces")
                yield answer[_HEADER.size : length]
                answer = answer[_aligned(length) :]


def _attributes(message: bytes, start: int) -> dict[int, bytes]:
    """Return the attributes behind the fixed part of ``message``, ``start`` bytes long."""
    found = {}
    while start + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, start)
        found[kind] = message[start + _ATTRIBUTE.size : start + length]
        start += _aligned(length) or len(message)
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
