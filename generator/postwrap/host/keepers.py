"""What configures a network device: NetworkManager, systemd-networkd or ifupdown."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network

from postwrap.filesystem import Filesystem
from postwrap.host.model import AddressKeeper

_INTERFACES = "/etc/network/interfaces.d"
_SOURCES = ("source", "source-directory")
_NM_RUNNING = "/run/NetworkManager/system-connections"


def address_keeper(filesystem: Filesystem, device: str) -> AddressKeeper:
    """Return what configures ``device``, and so keeps an address that is added to it."""
    index = f"/sys/class/net/{device}/ifindex"
    if not device or not filesystem.is_file(index):
        return AddressKeeper()
    number = filesystem.read_text(index).strip()
    if connection := _nm_connection(filesystem, number):
        networks = tuple(_networks(filesystem, device))
        return AddressKeeper("NetworkManager", connection, networks)
    # systemd-networkd keeps what it knows of a link here (networkctl(1) shows the same).
    link = _assignments(filesystem, f"/run/systemd/netif/links/{number}")
    if file := link.get("NETWORK_FILE"):
        name = file.rpartition("/")[2]
        return AddressKeeper("networkd", f"/etc/systemd/network/{name}.d")
    if _is_ifupdown(filesystem, device):
        return AddressKeeper("ifupdown", _INTERFACES)
    return AddressKeeper()


def _nm_connection(filesystem: Filesystem, number: str) -> str:
    """Return the UUID of the connection by which NetworkManager configures a device."""
    values = _assignments(filesystem, f"/run/NetworkManager/devices/{number}")
    connection = values.get("connection-uuid", "")
    for name in filesystem.names(_NM_RUNNING):
        made = _assignments(filesystem, f"{_NM_RUNNING}/{name}")
        # That only tells what somebody else has configured: no boot looks at it.
        if made.get("uuid") == connection and made.get("external") == "true":
            return ""
    return connection


def _networks(filesystem: Filesystem, device: str) -> Iterator[IPv6Network]:
    """Yield the IPv6 networks of ``device``, which are larger than one address."""
    for address, _, width, _, _, name in _words(filesystem, "/proc/net/if_inet6"):
        if name == device and width != "80":
            yield IPv6Network((int(address, 16), int(width, 16)), strict=False)


def _is_ifupdown(filesystem: Filesystem, device: str) -> bool:
    """Whether ifup(8) brings up ``device``, and reads what is added to its directory."""
    lines = list(_words(filesystem, "/etc/network/interfaces"))
    folders = [_folder(words[1]) for words in lines if words[0] in _SOURCES and words[1:]]
    if _INTERFACES not in folders or not filesystem.is_directory(_INTERFACES):
        return False
    for name in filesystem.names(_INTERFACES):
        lines += _words(filesystem, f"{_INTERFACES}/{name}")
    # The loopback device needs no stanza; what was brought up is listed: lo=lo.
    up = {words[0].partition("=")[0] for words in _words(filesystem, "/run/network/ifstate")}
    return device in up or any(words[:2] == ["iface", device] for words in lines)


def _folder(pattern: str) -> str:
    """Return the directory all of whose files ``source`` or ``source-directory`` means."""
    return pattern.removesuffix("*").rstrip("/")


def _words(filesystem: Filesystem, path: str) -> Iterator[list[str]]:
    """Yield the words of each line of ``path`` that has any."""
    text = filesystem.read_text(path) if filesystem.is_file(path) else ""
    return (line.split() for line in text.splitlines() if line.strip())


def _assignments(filesystem: Filesystem, path: str) -> dict[str, str]:
    if not filesystem.is_file(path):
        return {}
    lines = (line.partition("=") for line in filesystem.read_text(path).splitlines())
    return {name.strip(): value.strip() for name, equals, value in lines if equals}
