"""What an instance takes by inet_interfaces, and the commands that change it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from postwrap.checks import remedies
from postwrap.checks.picture import Picture
from postwrap.host.addresses import Address, is_wildcard
from postwrap.host.model import InstanceConfig, Service

_NOBODY = "loopback-only"
"""The value that every host can start with."""


def taken(picture: Picture, instance: InstanceConfig) -> list[Address]:
    """Return the addresses of inet_interfaces, the wildcards as all that the host has."""
    families = {x.version for x in instance.interface_addresses}
    if any(is_wildcard(x) for x in instance.interface_addresses):
        own = picture.host.up_addresses
        return [a for a in own if a.version in families and not a.is_link_local]
    return list(instance.interface_addresses)


def without(picture: Picture, instance: InstanceConfig, addresses: Collection[Address]) -> str:
    """Return the command that takes ``addresses`` out of inet_interfaces."""
    rest = [a for a in taken(picture, instance) if a not in addresses]
    return narrowed(picture, instance, rest)


def narrowed(picture: Picture, instance: InstanceConfig, rest: Sequence[Address]) -> str:
    """Return the command that leaves ``rest`` in inet_interfaces.

    The one address that is left of several would become the one that smtp(8) sends from:
    postconf(5), smtp_bind_address. Where none is left, the services that it decides for go.
    """
    if not rest:
        keys = [service.key for service in by_interfaces(instance)]
        off = remedies.silence(instance, *keys) if keys else ""
        return remedies.both(off, remedies.edit(instance, inet_interfaces=_NOBODY))
    settings = {"inet_interfaces": ", ".join(map(str, rest))}
    for version, parameter, wildcard in (
        (4, "smtp_bind_address", "0.0.0.0"),
        (6, "smtp_bind_address6", "::"),
    ):
        before = [a for a in taken(picture, instance) if a.version == version]
        after = [a for a in rest if a.version == version]
        is_one = len(before) > 1 and len(after) == 1 and not after[0].is_loopback
        if is_one and not instance.get(parameter) and instance.clients():
            settings[parameter] = wildcard
    return remedies.edit(instance, **settings)


def by_interfaces(instance: InstanceConfig) -> list[Service]:
    """Return the inet services that are on and listen where inet_interfaces says."""
    return [s for s in instance.enabled_services if s.type == "inet" and not s.host]
