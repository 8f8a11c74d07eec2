"""What else of the host a recipe hangs on: chroot jails, the network's configuration, amavisd."""

from __future__ import annotations

from postwrap.filesystem import Filesystem
from postwrap.provision.facts import Jail, Network

AMAVIS = ("/etc/amavis/conf.d",)
"""Where amavisd reads additions to its configuration, in the order of their names (Debian)."""

_FILLER = "/usr/lib/postfix/configure-instance.sh"
_JAILED = ("localtime", "services", "resolv.conf", "hosts", "host.conf", "nsswitch.conf")
_JAIL_PARTS = ("dev", "etc", "lib", "lib64", "usr")


def look_at_jail(filesystem: Filesystem, queue_directory: str) -> Jail:
    """Return how a jail is filled on this host."""
    filler = _FILLER if filesystem.is_file(_FILLER) else ""
    if filler and "postmulti" not in filesystem.read_text(filler):
        return Jail()  # Debian 13: postfix check and postfix start do it
    inside = (f"{queue_directory}/{part}" for part in _JAIL_PARTS)
    parts = tuple(path for path in inside if filesystem.is_directory(path))
    files = tuple(f for n in _JAILED if filesystem.is_file(f := f"/etc/{n}"))
    return Jail(filler, parts, files)


def look_at_network(filesystem: Filesystem, device: str) -> Network:
    """Return who configures ``device``: NetworkManager, systemd-networkd or ifupdown."""
    if not device:
        return Network()
    connection = _nm_connection(filesystem, device)
    if connection:
        return Network("NetworkManager", connection)
    index = f"/sys/class/net/{device}/ifindex"
    if filesystem.is_file(index):
        # systemd-networkd keeps what it knows of a link here (networkctl(1) shows the same).
        link = f"/run/systemd/netif/links/{filesystem.read_text(index).strip()}"
        values = _assignments(filesystem, link)
        if file := values.get("NETWORK_FILE"):
            name = file.rpartition("/")[2]
            return Network("networkd", f"/etc/systemd/network/{name}.d")
    interfaces, folder = "/etc/network/interfaces", "/etc/network/interfaces.d"
    if filesystem.is_file(interfaces) and filesystem.is_directory(folder):
        text = filesystem.read_text(interfaces)
        if "interfaces.d/*" in text and f" {device}" in text:
            return Network("ifupdown", folder)
    return Network()


def _nm_connection(filesystem: Filesystem, device: str) -> str:
    index = f"/sys/class/net/{device}/ifindex"
    if not filesystem.is_file(index):
        return ""
    state = f"/run/NetworkManager/devices/{filesystem.read_text(index).strip()}"
    values = _assignments(filesystem, state)
    managed = values.get("nm-owned") or values.get("connection-uuid")
    return values.get("connection-uuid", "") if managed else ""


def _assignments(filesystem: Filesystem, path: str) -> dict[str, str]:
    if not filesystem.is_file(path):
        return {}
    lines = (line.partition("=") for line in filesystem.read_text(path).splitlines())
    return {name.strip(): value.strip() for name, equals, value in lines if equals}


def look_at_amavis(filesystem: Filesystem) -> str:
    """Return the directory of amavisd's configuration that takes additions, "" for none."""
    return next((place for place in AMAVIS if filesystem.is_directory(place)), "")
