"""Who keeps an address for the next boot, and where that is written."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network, ip_address
from typing import TYPE_CHECKING

import pytest
from tests.unit.worlds import DEFAULT, World

from postwrap.filesystem import Filesystem
from postwrap.host.keepers import address_keeper
from postwrap.host.model import AddressKeeper
from postwrap.provision.addresses import address_settings
from postwrap.provision.changes import other
from postwrap.provision.options import CreateOptions, ListenAddress, addresses
from postwrap.provision.ownership import Ownership, Part, claim_all
from postwrap.provision.plan import SettingChange

if TYPE_CHECKING:
    from pathlib import Path

    from postwrap.provision.engine.steps import Step

ETH0 = {"sys/class/net/eth0/ifindex": "3\n"}
LO = {"sys/class/net/lo/ifindex": "1\n"}
NM_DEVICE = "[device]\nmanaged=true\nconnection-uuid=1-2-3\n"
NM_CONNECTION = "[connection]\nid=eth0\nuuid=1-2-3\n"
SOURCE = {"etc/network/interfaces": "source /etc/network/interfaces.d/*\n"}
IFUPDOWN = AddressKeeper("ifupdown", "/etc/network/interfaces.d")
NM = AddressKeeper("NetworkManager", "1-2-3")

HOSTS: dict[str, tuple[str, dict[str, str], AddressKeeper]] = {
    "networkd": (
        "eth0",
        {
            **ETH0,
            "run/systemd/netif/links/3": "ADMIN_STATE=configured\n"
            "NETWORK_FILE=/run/systemd/network/10-netplan-eth0.network\n",
        },
        AddressKeeper("networkd", "/etc/systemd/network/10-netplan-eth0.network.d"),
    ),
    "ifupdown": (
        "eth0",
        {
            **ETH0,
            "etc/network/interfaces": "source /etc/network/interfaces.d/*\niface eth0 inet dhcp\n",
            "etc/network/interfaces.d/other": "",
        },
        IFUPDOWN,
    ),
    "ifupdown by a file of its own": (
        "eth0",
        {
            **ETH0,
            "etc/network/interfaces": "source-directory /etc/network/interfaces.d\n",
            "etc/network/interfaces.d/50-cloud-init": "auto eth0\niface eth0 inet dhcp\n",
        },
        IFUPDOWN,
    ),
    "ifupdown for another device": (
        "eth0",
        {**ETH0, **SOURCE, "etc/network/interfaces.d/other": "# not eth0\niface eth01 inet dhcp\n"},
        AddressKeeper(),
    ),
    "ifupdown, of one file": (
        "eth0",
        {
            **ETH0,
            "etc/network/interfaces": "source /etc/network/interfaces.d/eth0\n",
            "etc/network/interfaces.d/eth0": "iface eth0 inet dhcp\n",
        },
        AddressKeeper(),
    ),
    "ifupdown, loopback": (
        "lo",
        {**LO, **SOURCE, "etc/network/interfaces.d/other": "", "run/network/ifstate": "lo=lo\n"},
        IFUPDOWN,
    ),
    "NetworkManager": (
        "eth0",
        {
            **ETH0,
            "run/NetworkManager/devices/3": NM_DEVICE,
            "proc/net/if_inet6": "20010db8000000000000000000000025 03 40 00 80     eth0\n"
            "20010db8000000000000000000000026 03 80 00 80     eth0\n"
            "20010db8000100000000000000000025 04 40 00 80     eth1\n",
        },
        replace(NM, around=(IPv6Network("2001:db8::/64"),)),
    ),
    "NetworkManager, not to outlive the boot": (
        "eth0",
        {
            **ETH0,
            "run/NetworkManager/devices/3": NM_DEVICE,
            "run/NetworkManager/system-connections/eth0.nmconnection": NM_CONNECTION,
            "run/NetworkManager/system-connections/lo.nmconnection": "uuid=4\nexternal=true\n",
        },
        NM,
    ),
    "NetworkManager looks on": (
        "eth0",
        {
            **ETH0,
            "run/NetworkManager/devices/3": NM_DEVICE,
            "run/NetworkManager/system-connections/eth0.nmconnection": NM_CONNECTION
            + "\n[.nmmeta]\nnm-generated=true\nexternal=true\n",
        },
        AddressKeeper(),
    ),
    "nobody": ("eth0", {**ETH0, "etc/network/interfaces": "auto lo\n"}, AddressKeeper()),
}

WRITTEN = {
    ("networkd", "10.0.0.7"): "mkdir -p /etc/systemd/network/x.network.d\n"
    "printf '%s\\n' '[Address]' Address=10.0.0.7/32 "
    ">/etc/systemd/network/x.network.d/postwrap-out-10.0.0.7.conf",
    ("networkd", "2001:db8::7"): "mkdir -p /etc/systemd/network/x.network.d\n"
    "printf '%s\\n' '[Address]' Address=2001:db8::7/128 PreferredLifetime=0 "
    ">/etc/systemd/network/x.network.d/postwrap-out-2001.db8..7.conf",
    ("ifupdown", "10.0.0.7"): "printf '%s\\n' 'iface eth0 inet static' '    address 10.0.0.7/32' "
    ">/etc/network/interfaces.d/postwrap-out-10-0-0-7",
    ("ifupdown", "2001:db8::7"): "printf '%s\\n' 'iface eth0 inet6 static' "
    "'    address 2001:db8::7/128' '    preferred-lifetime 0' "
    ">/etc/network/interfaces.d/postwrap-out-2001-db8--7",
    ("NetworkManager", "10.0.0.7"): "nmcli connection modify 1-2-3 +ipv4.addresses 10.0.0.7/32",
    ("NetworkManager", "2001:db8::7"): "nmcli connection modify 1-2-3 "
    "+ipv6.addresses 2001:db8::7/128",
}
PLACES = {
    "networkd": "/etc/systemd/network/x.network.d",
    "ifupdown": "/etc/network/interfaces.d",
    "NetworkManager": "1-2-3",
}
NOW = {
    "10.0.0.7": "ip address add 10.0.0.7/32 dev eth0",
    "2001:db8::7": "ip address add 2001:db8::7/128 dev eth0 preferred_lft 0",
}


def lay_out(root: Path, files: dict[str, str]) -> Filesystem:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Filesystem(str(root))


@pytest.mark.parametrize("host", HOSTS)
def test_who_configures_a_device(host: str, tmp_path: Path) -> None:
    device, files, network = HOSTS[host]
    assert address_keeper(lay_out(tmp_path, files), device) == network


def steps_for(address: str, keeper: AddressKeeper) -> list[Step]:
    wanted = CreateOptions("out", (ListenAddress(ip_address(address)),), add_address="eth0")
    site = replace(World().site(), keeper=keeper)
    made = address_settings(wanted, site)
    return [step for key, value in made.items() for step in other(SettingChange(key, value, None))]


@pytest.mark.parametrize(("kind", "address"), WRITTEN)
def test_an_address_lasts_where_somebody_sees_to_it(kind: str, address: str) -> None:
    now, lasting = steps_for(address, AddressKeeper(kind, PLACES[kind]))
    assert now.do.shell == NOW[address]
    assert lasting.do.shell == WRITTEN[kind, address]
    for step in (now, lasting):
        assert step.undo


def test_networkmanager_gives_it_the_network_that_the_device_is_in() -> None:
    around = (IPv6Network("2001:db8::/64"), IPv6Network("2001:db8:1::/64"))
    now, lasting = steps_for("2001:db8::7", replace(NM, around=around))
    assert now.do.shell == "ip address add 2001:db8::7/64 dev eth0 preferred_lft 0"
    assert lasting.do.shell == "nmcli connection modify 1-2-3 +ipv6.addresses 2001:db8::7/64"
    assert "2001:db8::7/64" in now.undo[0].shell
    assert "-ipv6.addresses 2001:db8::7/64" in lasting.undo[0].shell


def test_an_address_that_nobody_keeps_is_given_all_the_same() -> None:
    assert [s.do.shell for s in steps_for("10.0.0.7", AddressKeeper())] == [NOW["10.0.0.7"]]


def test_an_address_that_is_there_is_not_added() -> None:
    assert steps_for("10.0.0.1", IFUPDOWN) == []


def test_an_address_that_two_instances_have_stays_with_the_other() -> None:
    """It is the host's as long as one of them wants it, and what keeps it is a file of each."""
    world = World({DEFAULT: {"inet_interfaces": "127.0.0.1"}})
    for name, port in (("a", 25), ("b", 2525)):
        listening = addresses([f"10.0.0.7:{port}"])
        wanted = CreateOptions(name, listening, add_address="lo")
        world.create(wanted)
        assert address_settings(wanted, world.site())
    assert world.addresses["10.0.0.7"] == "lo"
    world.remove("a")
    assert world.addresses["10.0.0.7"] == "lo"
    world.remove("b")
    assert "10.0.0.7" not in world.addresses


def test_a_connection_counts_as_it_was_given() -> None:
    wanted = CreateOptions("out", (ListenAddress(ip_address("10.0.0.7")),), add_address="eth0")
    site = replace(World().site(), keeper=NM)
    made = address_settings(wanted, site)
    claims = tuple(claim_all("/etc/postfix-out", Part.INSTANCE, made, site.owned, {}))
    given = replace(site, owned=Ownership(claims))
    connection = next(key for key in made if key.place == "1-2-3")
    assert given.actual([connection]) == {connection: "10.0.0.7/32"}
    assert site.actual([connection]) == {connection: None}
    # It is still the one that postwrap is to give it, and take away.
    assert address_settings(wanted, given) == made
