"""Addresses that the configuration names and the host does not have.

No remedy gives the host an address: another host may have it, and would lose it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.interfaces import by_interfaces, narrowed, taken
from postwrap.host.addresses import Address, address_of, bracketed, is_public, is_wildcard
from postwrap.host.model import InstanceConfig
from postwrap.host.nexthops import virtual_address

theme = Theme("listening")

_NONLOCAL = {4: "net.ipv4.ip_nonlocal_bind", 6: "net.ipv6.ip_nonlocal_bind"}
_BIND = {4: "smtp_bind_address", 6: "smtp_bind_address6"}
_ANY = {4: "0.0.0.0", 6: "::"}


@theme.rule(
    "address-missing",
    Severity.ERROR,
    "the instance is to listen at an address that no interface of this host has",
    "postconf(5) inet_interfaces; master(5) service name; ip(7) ip_nonlocal_bind",
)
def address_missing(picture: Picture) -> Iterator[Hit]:
    """Yield instances that cannot start for an address.

    Postfix takes in inet_interfaces what an interface that is up has, and nothing else; in
    master.cf what the kernel lets it bind to, and that is all of 127.0.0.0/8 too.
    """
    for instance in picture.host.readable:
        own = picture.host.up_addresses
        lost = [a for a in taken(picture, instance) if a not in own and not is_wildcard(a)]
        if lost:
            yield _of_interfaces(picture, instance, lost)
        for address in _unbindable(picture, instance):
            yield _of_master(picture, instance, address)


def _of_interfaces(picture: Picture, instance: InstanceConfig, lost: Sequence[Address]) -> Hit:
    listed = ", ".join(map(str, lost))
    message = (
        f"inet_interfaces names {listed}, which {_why(picture, lost)}: the instance cannot start "
        f"(fatal: parameter inet_interfaces: no local interface found for {lost[0]})"
    )
    keep = _bind(picture, instance, lost)
    if all(a.is_loopback for a in lost):
        return Hit(instance.directory, message, keep)
    rest = [a for a in taken(picture, instance) if a not in lost]
    restart = _again(picture, instance)
    leave = remedies.both(narrowed(picture, instance, rest), restart)
    choices = (
        *_raise(picture, lost),
        Choice(f"this host is not to have {listed}", leave),
        Choice(f"{listed} moves between hosts, and it is to start on either", keep),
    )
    return Hit(instance.directory, message, "", choices)


def _bind(picture: Picture, instance: InstanceConfig, lost: Sequence[Address]) -> str:
    """Return the command that binds the services to ``lost`` in master.cf instead."""
    rest = [a for a in taken(picture, instance) if a not in lost]
    commands = [_let_bind(picture, [a for a in lost if not a.is_loopback])]
    for service in by_interfaces(instance):
        names = [f"{bracketed(address)}:{service.name}" for address in lost]
        if not rest:
            first = names.pop(0)
            field = f"{service.key}/service={first}"
        for name in names:
            line = service.line.split(maxsplit=1)[1]
            entry = f"{name}/{service.type}={name} {line}"
            commands.append(remedies.tool(instance, "postconf", "-Me", entry))
        if not rest:
            commands.append(remedies.tool(instance, "postconf", "-F", field))
    settled = (
        narrowed(picture, instance, rest)
        if rest
        else remedies.edit(instance, inet_interfaces="loopback-only")
    )
    return remedies.both(*commands, settled, _again(picture, instance))


def _again(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command that restarts the instance, or starts one that has died of this."""
    has_died = bool(picture.fatal.get(instance.directory))
    start = remedies.start(picture, instance) if has_died else ""
    return remedies.both(remedies.restart(picture, instance), start)


def _let_bind(picture: Picture, addresses: Sequence[Address]) -> str:
    """Return the command that lets programs bind to ``addresses`` before the host has them."""
    if picture.host.may_bind_any or not addresses:
        return ""
    names = dict.fromkeys(_NONLOCAL[a.version] for a in addresses)
    file = "/etc/sysctl.d/50-nonlocal-bind.conf"
    lines = " ".join(remedies.quoted(f"{name} = 1") for name in names)
    return remedies.both(f"printf '%s\\n' {lines} >{file}", f"sysctl -q -p {file}")


def _why(picture: Picture, lost: Sequence[Address]) -> str:
    down = _down(picture, lost)
    return f"is of an interface that is down ({', '.join(down)})" if down else "no interface has"


def _down(picture: Picture, lost: Sequence[Address]) -> list[str]:
    """Return the devices that are down and have one of ``lost``."""
    found = (a.device for a in picture.host.addresses if a.address in lost and not a.is_up)
    return list(dict.fromkeys(found))


def _raise(picture: Picture, lost: Sequence[Address]) -> Iterator[Choice]:
    for device in _down(picture, lost):
        command = remedies.words("ip", "link", "set", device, "up")
        yield Choice(f"{device} is to be up", command)


def _unbindable(picture: Picture, instance: InstanceConfig) -> list[Address]:
    """Return the addresses that master.cf binds to and the kernel does not let it."""
    if picture.host.may_bind_any:
        return []
    bound = dict.fromkeys(x.address for x in instance.listeners if not x.by_interfaces)
    return [a for a in bound if not is_wildcard(a) and not picture.host.is_own(a)]


def _of_master(picture: Picture, instance: InstanceConfig, address: Address) -> Hit:
    services = [
        x.service for x in instance.listeners if x.address == address and not x.by_interfaces
    ]
    names = ", ".join(service.name for service in services)
    message = (
        f"{names} in master.cf names {address}, which {_why(picture, [address])}: the instance "
        "cannot start (fatal: bind: Cannot assign requested address)"
    )
    keys = [service.key for service in services]
    restart = _again(picture, instance)
    off = remedies.both(remedies.tool(instance, "postconf", "-M#", *keys), restart)
    choices = (
        *_raise(picture, [address]),
        Choice(f"this host is not to have {address}", off),
        Choice(
            f"{address} moves between hosts, and it is to start on either",
            remedies.both(_let_bind(picture, [address]), restart),
        ),
    )
    return Hit(instance.directory, message, "", choices)


@theme.rule(
    "source-missing",
    Severity.WARNING,
    "the instance is to send from an address that no interface of this host has",
    "postconf(5) smtp_bind_address, smtp_bind_address_enforce",
)
def source_missing(picture: Picture) -> Iterator[Hit]:
    """Yield addresses to send from that are not the host's; smtp(8) then warns and does without."""
    if picture.host.may_bind_any:
        return
    for instance in picture.host.readable:
        for parameter in _BIND.values():
            for value, services in _owners(instance, parameter).items():
                address = address_of(value)
                if address and not is_wildcard(address) and not picture.host.is_own(address):
                    yield _of_clients(picture, instance, parameter, services, address)


def _owners(instance: InstanceConfig, parameter: str) -> dict[str, list[str]]:
    """Return the services that send by SMTP and set ``parameter``, "" for main.cf, by its value."""
    found: dict[str, list[str]] = {}
    for client in instance.clients():
        services = found.setdefault(instance.value(client, parameter), [])
        key = client.key if parameter in client.options else ""
        if key not in services:
            services.append(key)
    return found


def _of_clients(
    picture: Picture,
    instance: InstanceConfig,
    parameter: str,
    services: list[str],
    address: Address,
) -> Hit:
    named = ", ".join(filter(None, services))
    where = f"{parameter} of {named}" if named else parameter
    is_strict = instance.get("smtp_bind_address_enforce").lower() == "yes"
    what = "its mail is deferred" if is_strict else "its mail leaves from another address"
    message = f"{where} names {address}, which {_why(picture, [address])}: {what}"
    reload = remedies.reload(instance)

    def by(value: str) -> str:
        commands = (remedies.override(instance, s, parameter, value) for s in services)
        return remedies.both(*commands, reload)

    free = by(_ANY[address.version])
    if services == [""] and not virtual_address(instance, address.version):
        free = remedies.both(remedies.drop(instance, [parameter]), reload)
    own = [a for a in picture.host.up_addresses if a.version == address.version and is_public(a)]
    choices = (
        *_raise(picture, [address]),
        Choice("it may send from any address of this host", free),
        *(Choice(f"it is to send from {a}", by(str(a))) for a in own[:1]),
    )
    return Hit(instance.directory, message, "", choices)


@theme.rule(
    "name-without-address",
    Severity.ERROR,
    "inet_interfaces names a host that has no address",
    "postconf(5) inet_interfaces",
)
def name_without_address(picture: Picture) -> Iterator[Hit]:
    """Yield instances that cannot start for a name that nobody knows."""
    for instance in picture.host.readable:
        if not instance.unresolved:
            continue
        names = ", ".join(instance.unresolved)
        message = f"inet_interfaces names {names}, which has no address"
        rest = [w for w in instance.words("inet_interfaces") if w not in instance.unresolved]
        restart = _again(picture, instance)
        if rest:
            remedy = remedies.edit(instance, inet_interfaces=", ".join(rest))
            yield Hit(instance.directory, message, remedies.both(remedy, restart))
            continue
        choices = (
            Choice(
                "it is to take no mail from the network",
                remedies.both(narrowed(picture, instance, ()), restart),
            ),
            Choice(
                f"it is to listen at the address of {names}",
                '"${EDITOR:-vi}" /etc/hosts',
            ),
        )
        yield Hit(instance.directory, message, "", choices)
