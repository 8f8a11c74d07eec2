"""Giving the host another address, now and after the next boot: desired settings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from postwrap.host.addresses import Address
from postwrap.host.model import AddressKeeper
from postwrap.provision.desired import Key, SettingKind, Value
from postwrap.provision.options import CreateOptions
from postwrap.provision.site import ProvisionSite


@dataclass(frozen=True, slots=True)
class _GivenAddress:
    """An address that the host is given: to which device, and what its files are called after.

    ``width`` is the address with the number of bits of its network.
    """

    address: Address
    device: str
    label: str
    width: str


def missing_addresses(options: CreateOptions, site: ProvisionSite) -> list[Address]:
    """Return the addresses that the host has not by itself and is to be given."""
    wanted = dict.fromkeys(a.host for a in options.addresses) if options.add_address else {}
    return [a for a in wanted if not site.model.is_own(a) or _is_given(a, options, site)]


def _is_given(address: Address, options: CreateOptions, site: ProvisionSite) -> bool:
    """Whether postwrap gave ``address`` to the device, for another instance."""
    key = Key(SettingKind.ADDRESS, options.add_address, _width(address, site.keeper))
    claim = site.owned.effective(key)
    return claim is not None and claim.before is None


def address_settings(options: CreateOptions, site: ProvisionSite) -> dict[Key, Value]:
    """Return the addresses that the host is given, and what keeps each after a boot."""
    made: dict[Key, Value] = {}
    for address in missing_addresses(options, site):
        label = f"postwrap-{options.name}-{str(address).replace(':', '.')}"
        width = _width(address, site.keeper)
        made[Key(SettingKind.ADDRESS, options.add_address, width)] = width
        if site.keeper.kind:
            given = _GivenAddress(address, options.add_address, label, width)
            made |= dict(_KEEPERS[site.keeper.kind](site.keeper.place, given))
    return made


def _width(address: Address, keeper: AddressKeeper) -> str:
    """Return ``address`` alone, without a network that it would be taken for the way to.

    NetworkManager cannot be told that an address is deprecated. It makes the last one the last
    choice; but to its neighbours a host sends from the address whose network is the smallest, so
    there it has to be that of the other addresses.
    """
    if not isinstance(address, IPv6Address):
        return f"{address}/32"
    bits = [network.prefixlen for network in keeper.around if address in network]
    return f"{address}/{max(bits, default=128)}"


def _networkd(folder: str, given: _GivenAddress) -> Iterator[tuple[Key, Value]]:
    text = f"[Address]\nAddress={given.width}\n"
    if given.address.version == 6:
        text += "PreferredLifetime=0\n"
    yield Key(SettingKind.DROP_IN, f"{folder}/{given.label}.conf"), text


def _ifupdown(folder: str, given: _GivenAddress) -> Iterator[tuple[Key, Value]]:
    family, last = "inet", ""
    if given.address.version == 6:
        family, last = "inet6", "    preferred-lifetime 0\n"
    text = f"iface {given.device} {family} static\n    address {given.width}\n{last}"
    yield Key(SettingKind.FILE, f"{folder}/{given.label.replace('.', '-')}"), text


def _network_manager(connection: str, given: _GivenAddress) -> Iterator[tuple[Key, Value]]:
    name = f"ipv{given.address.version}.addresses {given.width}"
    yield Key(SettingKind.CONNECTION, connection, name), given.width


_KEEPERS: Mapping[str, Callable[[str, _GivenAddress], Iterator[tuple[Key, Value]]]] = {
    "networkd": _networkd,
    "ifupdown": _ifupdown,
    "NetworkManager": _network_manager,
}
