"""Giving the host another address, now and after the next boot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from postwrap.provision.facts import Facts, Network
from postwrap.provision.listeners import is_ipv6
from postwrap.provision.options import CreateOptions
from postwrap.provision.steps import NO_SUCH_COMMAND, Run, Step, Write, run

_NM_UNKNOWN = 10
"""nmcli(1): there is no such connection, so the address went with it."""


@dataclass(frozen=True, slots=True)
class _Given:
    """An address that the host is given: to which device, and what its files are called after.

    ``width`` is the address with the number of bits of its network.
    """

    address: str
    device: str
    label: str
    width: str


def missing(options: CreateOptions, facts: Facts) -> list[str]:
    """Return the addresses that the host is to be given."""
    wanted = [a.host for a in options.addresses if not facts.has_address(a.host)]
    return list(dict.fromkeys(wanted)) if options.add_address else []


def address_steps(options: CreateOptions, facts: Facts) -> Iterator[Step]:
    """Yield the steps that add the addresses which the host lacks to a device, and keep them."""
    for address in missing(options, facts):
        label = f"postwrap-{options.name}-{address.replace(':', '.')}"
        given = _Given(address, options.add_address, label, _width(address, facts.network))
        # The kernel prefers the newest IPv6 address to send from. That is not ours to change:
        # a deprecated one is only used by who asks for it.
        last = ("preferred_lft", "0") if is_ipv6(address) else ()
        yield Step(
            f"give the host {address}",
            run("ip", "address", "add", given.width, "dev", given.device, *last),
            # 1: there is no such device any more; 2: no such address.
            (run("ip", "address", "del", given.width, "dev", given.device, accept=(0, 1, 2)),),
            lasting=True,
        )
        if facts.network.kind:
            yield from _KEEPERS[facts.network.kind](facts.network.place, given)


def _width(address: str, network: Network) -> str:
    """Return ``address`` alone, without a network that it would be taken for the way to.

    NetworkManager cannot be told that an address is deprecated. It makes the last one the last
    choice; but to its neighbours a host sends from the address whose network is the smallest, so
    there it has to be that of the other addresses.
    """
    if not is_ipv6(address):
        return f"{address}/32"
    bits = [n.prefixlen for n in network.around if IPv6Address(address) in n]
    return f"{address}/{max(bits, default=128)}"


def _networkd(folder: str, given: _Given) -> Iterator[Step]:
    path = f"{folder}/{given.label}.conf"
    text = f"[Address]\nAddress={given.width}\n"
    if is_ipv6(given.address):
        text += "PreferredLifetime=0\n"
    # 1: others have something in there, or it is gone.
    gone = Run((("rm", "-f", path), ("rmdir", folder)), accept=(0, 1))
    yield Step(
        "and give it again after a boot (systemd-networkd)",
        Write(path, text, in_new=True),
        (gone,),
        lasting=True,
    )


def _ifupdown(folder: str, given: _Given) -> Iterator[Step]:
    path = f"{folder}/{given.label.replace('.', '-')}"
    family, last = "inet", ""
    if is_ipv6(given.address):
        family, last = "inet6", "    preferred-lifetime 0\n"
    text = f"iface {given.device} {family} static\n    address {given.width}\n{last}"
    yield Step(
        "and give it again after a boot (ifupdown)",
        Write(path, text),
        (run("rm", "-f", path),),
        lasting=True,
    )


def _network_manager(connection: str, given: _Given) -> Iterator[Step]:
    parameter = "ipv6.addresses" if is_ipv6(given.address) else "ipv4.addresses"
    modify = ("nmcli", "connection", "modify", connection)
    gone = (0, _NM_UNKNOWN, NO_SUCH_COMMAND)
    yield Step(
        "and give it again after a boot (NetworkManager)",
        run(*modify, f"+{parameter}", given.width),
        (run(*modify, f"-{parameter}", given.width, accept=gone),),
        lasting=True,
    )


_KEEPERS: Mapping[str, Callable[[str, _Given], Iterator[Step]]] = {
    "networkd": _networkd,
    "ifupdown": _ifupdown,
    "NetworkManager": _network_manager,
}
