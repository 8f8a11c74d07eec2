"""Giving the host another address, now and after the next boot."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.provision.facts import Facts
from postwrap.provision.listeners import is_ipv6
from postwrap.provision.options import CreateOptions
from postwrap.provision.steps import Step, Write, run


def address_steps(options: CreateOptions, facts: Facts) -> Iterator[Step]:
    """Yield the steps that add the addresses which the host lacks to a device, and keep them."""
    device = options.add_address
    missing = [a.host for a in options.addresses if not facts.has_address(a.host)]
    for address in dict.fromkeys(missing) if device else ():
        width = f"{address}/{128 if is_ipv6(address) else 32}"
        yield Step(
            f"give the host {address}",
            run("ip", "address", "add", width, "dev", device),
            (run("ip", "address", "del", width, "dev", device, accept=(0, 2)),),
            lasting=True,
        )
        yield from _lasting(facts, options.name, device, address, width)


def _lasting(facts: Facts, name: str, device: str, address: str, width: str) -> Iterator[Step]:
    """Yield what makes the address last, in the words of whoever runs the host's network."""
    network = facts.network
    title = f"and give it again after a boot ({network.kind})"
    label = f"postwrap-{name}-{address.replace(':', '.')}"
    if network.kind == "networkd":
        folder = network.place
        path = f"{folder}/{label}.conf"
        yield Step(
            "a place for additions to the device's network file",
            run("mkdir", "-p", folder),
        )
        yield Step(
            title,
            Write(path, f"[Network]\nAddress={width}\n"),
            (run("rm", "-f", path),),
            lasting=True,
        )
    elif network.kind == "ifupdown":
        path = f"{network.place}/{label.replace('.', '-')}"
        family = "inet6" if is_ipv6(address) else "inet"
        text = f"iface {device} {family} static\n    address {width}\n"
        yield Step(title, Write(path, text), (run("rm", "-f", path),), lasting=True)
    elif network.kind == "NetworkManager":
        parameter = "ipv6.addresses" if is_ipv6(address) else "ipv4.addresses"
        modify = ("nmcli", "connection", "modify", network.place)
        yield Step(
            title,
            run(*modify, f"+{parameter}", width),
            (run(*modify, f"-{parameter}", width),),
            lasting=True,
        )
