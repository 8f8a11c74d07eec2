"""Who keeps an address for the next boot, and where that is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.test_provision import FACTS

from postwrap.filesystem import Filesystem
from postwrap.provision.address import address_steps
from postwrap.provision.facts import Jail, Network
from postwrap.provision.options import Address, CreateOptions
from postwrap.provision.steps import transcript
from postwrap.provision.surroundings import look_at_jail, look_at_network

if TYPE_CHECKING:
    from pathlib import Path

HOSTS: dict[str, tuple[dict[str, str], Network]] = {
    "networkd": (
        {
            "sys/class/net/eth0/ifindex": "2\n",
            "run/systemd/netif/links/2": "ADMIN_STATE=configured\n"
            "NETWORK_FILE=/run/systemd/network/10-netplan-eth0.network\n",
        },
        Network("networkd", "/etc/systemd/network/10-netplan-eth0.network.d"),
    ),
    "ifupdown": (
        {
            "etc/network/interfaces": "source /etc/network/interfaces.d/*\niface eth0 inet dhcp\n",
            "etc/network/interfaces.d/other": "",
        },
        Network("ifupdown", "/etc/network/interfaces.d"),
    ),
    "NetworkManager": (
        {
            "sys/class/net/eth0/ifindex": "3\n",
            "run/NetworkManager/devices/3": "[device]\nmanaged=true\nconnection-uuid=1-2-3\n",
        },
        Network("NetworkManager", "1-2-3"),
    ),
    "nobody": ({"etc/network/interfaces": "auto lo\n"}, Network()),
}

WRITTEN = {
    "networkd": "printf '%s\\n' '[Network]' Address=10.0.0.7/32 "
    ">/etc/systemd/network/10-netplan-eth0.network.d/postwrap-out-10.0.0.7.conf",
    "ifupdown": "printf '%s\\n' 'iface eth0 inet static' '    address 10.0.0.7/32' "
    ">/etc/network/interfaces.d/postwrap-out-10-0-0-7",
    "NetworkManager": "nmcli connection modify 1-2-3 +ipv4.addresses 10.0.0.7/32",
}


def lay_out(root: Path, files: dict[str, str]) -> Filesystem:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Filesystem(str(root))


@pytest.mark.parametrize("kind", HOSTS)
def test_an_address_lasts_where_somebody_sees_to_it(kind: str, tmp_path: Path) -> None:
    files, network = HOSTS[kind]
    assert look_at_network(lay_out(tmp_path, files), "eth0") == network
    facts = replace(FACTS, network=network)
    wanted = CreateOptions("out", (Address("10.0.0.7"),), add_address="eth0")
    steps = list(address_steps(wanted, facts))
    lines = transcript(steps)
    assert "ip address add 10.0.0.7/32 dev eth0" in lines
    assert WRITTEN.get(kind, "(") in lines
    assert all(step.undo for step in steps if step.lasting)


def test_an_address_that_is_there_is_not_added() -> None:
    wanted = CreateOptions("out", (Address("10.0.0.1"),), add_address="eth0")
    assert list(address_steps(wanted, FACTS)) == []


def test_jails(tmp_path: Path) -> None:
    files = {
        "usr/lib/postfix/configure-instance.sh": 'POSTCONF="postmulti -i $INSTANCE -x postconf"\n',
        "var/spool/postfix/etc/hosts": "",
        "etc/hosts": "",
    }
    host = lay_out(tmp_path, files)
    filler = "/usr/lib/postfix/configure-instance.sh"
    assert look_at_jail(host, "/var/spool/postfix") == Jail(
        filler, ("/var/spool/postfix/etc",), ("/etc/hosts",)
    )
    lay_out(tmp_path, {"usr/lib/postfix/configure-instance.sh": "no instance is named\n"})
    assert look_at_jail(host, "/var/spool/postfix") == Jail()
