"""An address that create gives the host is there after each boot, by whoever runs the network.

systemd-networkd, ifupdown and NetworkManager are the real ones. Between boots the device is made
anew, so what it has then is what they gave it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import masters
from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

from postwrap.errors import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.boot import Booted
    from tests.harness.host import Host

ROUTER, ROUTER6 = "192.0.2.1", "2001:db8:1::1"
OWN = {"192.0.2.10", "2001:db8:1::10"}
GIVEN = {"192.0.2.7", "2001:db8:1::7"}
SOURCES = ["192.0.2.10", "192.0.2.10", "2001:db8:1::10", "2001:db8:1::10"]
SOCKETS = {"192.0.2.7:25", "[2001:db8:1::7]:25"}
CREATE = (
    *("create", "out", "--address", "192.0.2.7", "--address", "2001:db8:1::7"),
    *("--add-address", "eth0"),
)
UNITS = ("networking", "NetworkManager", "systemd-networkd")
PLACES = ("/etc/network", "/etc/systemd/network", "/etc/NetworkManager")


@dataclass(frozen=True)
class Keeper:
    """Who runs the network: its unit, and the file by which eth0 has the addresses OWN."""

    unit: str = ""
    path: str = ""
    text: str = ""


KEEPERS = {
    "networkd": Keeper(
        "systemd-networkd",
        "/etc/systemd/network/10-wired.network",
        f"""[Match]
Name=eth0
[Network]
IPv6AcceptRA=no
Address=192.0.2.10/24
Address=2001:db8:1::10/64
Gateway={ROUTER}
Gateway={ROUTER6}
""",
    ),
    "ifupdown": Keeper(
        "networking",
        "/etc/network/interfaces.d/wired",
        f"""auto eth0
iface eth0 inet static
    address 192.0.2.10/24
    gateway {ROUTER}
iface eth0 inet6 static
    address 2001:db8:1::10/64
    gateway {ROUTER6}
""",
    ),
    "NetworkManager": Keeper(
        "NetworkManager",
        "/etc/NetworkManager/system-connections/wired.nmconnection",
        f"""[connection]
id=wired
uuid=11111111-2222-3333-4444-555555555555
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=192.0.2.10/24
gateway={ROUTER}
[ipv6]
method=manual
address1=2001:db8:1::10/64
gateway={ROUTER6}
""",
    ),
    "nobody": Keeper(),
}
LASTING = [name for name, keeper in KEEPERS.items() if keeper.unit]


@contextmanager
def host(suite: str, kept_by: str) -> Iterator[Boot]:
    """A host with a device eth0 whose network nobody else runs than this keeper."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    keeper = KEEPERS[kept_by]
    with Boot(suite, "network") as boot:
        boot.make_command()
        boot.run("systemctl", "disable", *(unit for unit in UNITS if unit != keeper.unit))
        if keeper.unit:
            boot.run("systemctl", "enable", keeper.unit)
            boot.write(keeper.path, keeper.text, 0o600)
            boot.run("chmod", "644" if keeper.unit == "systemd-networkd" else "600", keeper.path)
        # The other end of the cable is somebody else's.
        unmanaged = "[keyfile]\nunmanaged-devices=interface-name:peer0\n"
        boot.write("/etc/NetworkManager/conf.d/cable.conf", unmanaged)
        boot.plug_in()
        yield boot


def addresses(machine: Host | Booted) -> set[str]:
    """The addresses of eth0 that can be used, without the link's own."""
    told = json.loads(machine.run("ip", "-json", "address", "show", "dev", "eth0").stdout)
    found = told[0]["addr_info"]
    usable = (a for a in found if a["scope"] == "global" and not a.get("tentative"))
    return {a["local"] for a in usable}


def sources(machine: Booted) -> list[str]:
    """The addresses from which this host sends: to a neighbour and far away, IPv4 and IPv6."""
    to = ("192.0.2.99", "198.51.100.1", "2001:db8:1::99", "2001:db8:99::1")
    told = (machine.run("ip", "-json", "route", "get", address).stdout for address in to)
    return [json.loads(text)[0]["prefsrc"] for text in told]


def listening(machine: Booted) -> set[str]:
    lines = machine.run("ss", "-Htln").stdout.splitlines()
    return {line.split()[3] for line in lines}


def configured(machine: Booted) -> list[str]:
    """All that is configured of the network, and every word there of the addresses GIVEN."""
    found = machine.run("find", *PLACES).stdout.splitlines()
    words = machine.run("grep", "-rE", r"192\.0\.2\.7|:1::7", *PLACES, check=False).stdout
    return sorted([*found, *words.splitlines()])


def serves(machine: Booted) -> bool:
    """Whether the instance listens at both addresses and takes a message at each."""
    if not listening(machine) >= SOCKETS:
        return False
    for address in ("192.0.2.7", "2001:db8:1::7"):
        with machine.smtp(address) as client:
            client.sendmail("app@example.com", ["alice"], f"Subject: by {address}\n\nhi\n")
        machine.wait_log("postfix-out/local[", "to=<alice@", "status=sent")
    return True


@pytest.mark.parametrize("kept_by", LASTING)
def test_it_is_there_after_each_boot_until_the_instance_is_removed(
    suite: str, kept_by: str
) -> None:
    with host(suite, kept_by) as boot:
        with boot.up() as machine:
            machine.wait_for(lambda: addresses(machine) == OWN)
            before = configured(machine)
            told = machine.postwrap(*CREATE, timeout=120).stderr
            assert "is gone after a boot" not in told
            assert addresses(machine) == OWN | GIVEN
            assert sources(machine) == SOURCES
            assert serves(machine)
        boot.plug_in()
        with boot.up() as machine:
            assert machine.failed() == []
            assert addresses(machine) == OWN | GIVEN
            assert sources(machine) == SOURCES
            assert serves(machine)
            machine.postwrap("remove", "out", timeout=120)
            assert addresses(machine) == OWN
            assert configured(machine) == before
        boot.plug_in()
        with boot.up() as machine:
            machine.wait_for(lambda: addresses(machine) == OWN)
            assert list(masters(machine)) == ["/etc/postfix"]
            assert machine.failed() == []


def take_device(machine: Booted) -> None:
    """Configure eth0 as somebody would whom postwrap does not know."""
    machine.sh("ip link set eth0 up\nfor a; do ip address add $a dev eth0; done", *sorted(OWN))
    machine.wait_for(lambda: addresses(machine) == OWN)


@pytest.mark.suites("trixie")
@pytest.mark.parametrize("kept_by", KEEPERS)
def test_the_transcript_does_what_the_command_does(suite: str, kept_by: str) -> None:
    with host(suite, kept_by) as boot, boot.up() as machine:
        if kept_by == "nobody":
            take_device(machine)
        machine.wait_for(lambda: addresses(machine) == OWN)
        machine.postwrap(*CREATE, timeout=120)
        made = configured(machine), addresses(machine)
        machine.postwrap("remove", "out", timeout=120)
        assert addresses(machine) == OWN
        told = machine.postwrap(*CREATE, "--dry-run")
        assert ("is gone after a boot" in told.stderr) is (kept_by == "nobody")
        machine.run("sh", input=told.stdout, timeout=120)
        assert (configured(machine), addresses(machine)) == made
        assert serves(machine)


def test_where_nobody_known_runs_the_network_it_is_said_and_so_it_is(suite: str) -> None:
    with host(suite, "nobody") as boot:
        with boot.up() as machine:
            before = configured(machine)
            refused = machine.postwrap(*CREATE, check=False)
            assert refused.returncode == Status.REFUSED
            assert "--add-address eth0: is down" in refused.stderr
            assert "ip link set eth0 up" in refused.stderr
            take_device(machine)
            told = machine.postwrap(*CREATE, timeout=120).stderr
            assert "so 192.0.2.7, 2001:db8:1::7 is gone after a boot" in told
            assert serves(machine)
            assert configured(machine) == before
        boot.plug_in()
        with boot.up() as machine:
            # The instance alone suffers.
            assert list(masters(machine)) == ["/etc/postfix"]
            assert len(machine.failed()) == 1
            assert "out" in machine.failed()[0]
            machine.postwrap("remove", "out", timeout=120)


@pytest.mark.suites("trixie")
@pytest.mark.parametrize("kept_by", ["networkd", "NetworkManager"])
def test_the_default_instance_that_gave_one_up_starts_without_the_other(
    suite: str, kept_by: str
) -> None:
    """It names the addresses that it keeps, so they have to be there when it starts.

    Debian 12's own unit sees to that, and so does ifupdown, which is done early.
    """
    with host(suite, kept_by) as boot:
        boot.postconf("inet_interfaces=all", "inet_protocols=all")
        with boot.up() as machine:
            machine.wait_for(lambda: addresses(machine) == OWN)
            machine.postwrap(*CREATE, timeout=120)
            assert "192.0.2.10" in machine.run("postconf", "-h", "inet_interfaces").stdout
            machine.run("systemctl", "mask", "postfix@out.service")
        boot.plug_in()
        with boot.up() as machine:
            assert machine.failed() == []
            assert listening(machine) >= {"192.0.2.10:25", "[2001:db8:1::10]:25"}
            assert not listening(machine) & SOCKETS
