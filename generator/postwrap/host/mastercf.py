"""The services of master.cf and where they listen, by Postfix's own rules. Pure.

What comes in is what ``postconf -M`` and ``postconf -P`` print, and main.cf's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from postwrap.host.addresses import WILDCARDS, Address, Endpoint, address_of
from postwrap.host.model import HostAddress, Listener, Service

Resolve = Callable[[str], Sequence[Address]]
"""From a host name to its addresses."""

_FIELDS = 8
"""Fields of a line of master.cf up to the command: master(5)."""

_LAST_PORT = 65535
_PORT_DIGITS = 5


def services(
    lines: str,
    expanded: Mapping[str, str],
    stated: Mapping[str, str],
    parameters: Mapping[str, str],
    ports: Mapping[str, int],
) -> Iterator[Service]:
    """Yield the services of ``lines``, which ``postconf -M`` printed.

    ``expanded`` and ``stated`` are what ``postconf -Px`` and ``-P`` printed, by
    ``name/type/parameter``; ``ports`` are those of /etc/services.
    """
    chroot = {"y": True, "n": False, "-": is_chroot_default(parameters)}
    disabled = _words(parameters.get("master_service_disable", ""))
    options, as_written = _by_service(expanded), _by_service(stated)
    for line in lines.splitlines():
        fields = line.split(maxsplit=_FIELDS)
        if len(fields) < _FIELDS:
            continue
        name, kind = fields[0], fields[1]
        key = f"{name}/{kind}"
        port = port_number(name.rpartition(":")[2], parameters, ports) if kind == "inet" else None
        yield Service(
            name=name,
            type=kind,
            chroot=chroot.get(fields[4], False),
            command=PurePosixPath(fields[7]).name,
            line=line,
            port=port,
            is_disabled=is_disabled(key, disabled),
            process_limit=_process_limit(fields[6], parameters),
            has_own_limit=fields[6] != "-",
            options=options.get(key, {}),
            stated=as_written.get(key, {}),
        )


def _process_limit(field: str, parameters: Mapping[str, str]) -> int | None:
    """Return the limit that the maxproc column means, None for no limit: master(5)."""
    stated = parameters.get("default_process_limit", "") if field == "-" else field
    return int(stated) or None if stated.isascii() and stated.isdigit() else None


def is_chroot_default(parameters: Mapping[str, str]) -> bool:
    """Whether ``-`` in the chroot column means "y": below compatibility_level 1, master(5)."""
    major = parameters.get("compatibility_level", "0").partition(".")[0].strip()
    return not major.strip("0") or not (major.isascii() and major.isdigit())


def is_disabled(key: str, patterns: Iterable[str]) -> bool:
    """Whether the ``patterns`` of master_service_disable turn off the service ``name/type``.

    The first pattern that matches decides, each ``!`` before it turns its meaning over, and case
    does not matter. Without a slash a pattern is a type alone; a dot counts for a slash where
    there is none, as in Postfix before 2.11. postconf(5) master_service_disable; postfix
    src/global/match_service.c.
    """
    name_and_type = key.lower()
    for word in patterns:
        spelt = word if "/" in word else "/".join(word.rsplit(".", 1))
        pattern = spelt.lstrip("!").lower()
        if pattern == (name_and_type if "/" in pattern else name_and_type.rpartition("/")[2]):
            return (len(spelt) - len(spelt.lstrip("!"))) % 2 == 0
    return False


def port_number(name: str, parameters: Mapping[str, str], ports: Mapping[str, int]) -> int | None:
    """Return the port ``name`` of an inet service, None for a name that nobody knows.

    Postfix asks known_tcp_ports, where a name may have aliases (``smtps=submissions=465``), before
    the system's services(5).
    """
    for group in _words(parameters.get("known_tcp_ports", "")):
        *aliases, number = group.split("=")
        if name in aliases and (port := _port(number)):
            return port
    return _port(name) or ports.get(name)


def _port(text: str) -> int | None:
    """Return the number that ``text`` is, None for what is not one of a port."""
    is_number = text.isascii() and text.isdigit() and len(text.lstrip("0")) <= _PORT_DIGITS
    number = int(text.lstrip("0") or 0) if is_number else 0
    return number if 0 < number <= _LAST_PORT else None


def service_ports(text: str) -> dict[str, int]:
    """Return the TCP ports of /etc/services by name and alias, the first of a name: services(5)."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        name, port, *aliases = fields if len(fields) > 1 else ("", "")
        number, _, protocol = port.partition("/")
        if protocol == "tcp" and (known := _port(number)):
            for word in (name, *aliases):
                found.setdefault(word, known)
    return found


def interfaces(
    parameters: Mapping[str, str], addresses: Iterable[HostAddress], resolve: Resolve
) -> dict[str, tuple[Address, ...]]:
    """Return the addresses of each word of inet_interfaces, of the families of inet_protocols.

    A host name without an address has none here; see InstanceConfig.unresolved.
    """
    families = families_of(parameters.get("inet_protocols", ""))
    own = tuple(addresses)
    words = dict.fromkeys(_words(parameters.get("inet_interfaces", "")))
    return {
        word: tuple(a for a in _addresses(word, own, resolve) if a.version in families)
        for word in words
    }


def listeners(
    found: Iterable[Service],
    parameters: Mapping[str, str],
    usual: Sequence[Address],
    resolve: Resolve,
) -> Iterator[Listener]:
    """Yield where the inet services of ``found`` that are on listen.

    ``usual`` are the addresses of inet_interfaces.
    """
    families = families_of(parameters.get("inet_protocols", ""))
    for service in found:
        if service.type != "inet" or service.is_disabled or not service.port:
            continue
        own = _named(service.host, resolve) if service.host else usual
        for address in dict.fromkeys(a for a in own if a.version in families):
            yield Listener(Endpoint(address, service.port), service, not service.host)


def families_of(protocols: str) -> frozenset[int]:
    """Return the IP versions of ``inet_protocols``: ipv4, ipv6, all."""
    known = {"all": {4, 6}, "ipv4": {4}, "ipv6": {6}}
    found = [known.get(word, set()) for word in _words(protocols.lower())]
    return frozenset().union(*found) or frozenset({4, 6})


def _addresses(host: str, own: Sequence[HostAddress], resolve: Resolve) -> Sequence[Address]:
    """Return the addresses that the word ``host`` of inet_interfaces stands for."""
    if host.lower() == "all":
        return WILDCARDS
    if host.lower() == "loopback-only":
        return [a.address for a in own if a.is_up and a.address.is_loopback]
    return _named(host, resolve)


def _named(host: str, resolve: Resolve) -> Sequence[Address]:
    literal = address_of(host)
    return [literal] if literal else resolve(host)


def _by_service(overrides: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return parameters by service, from ``name/type/parameter``."""
    found: dict[str, dict[str, str]] = {}
    for name, value in overrides.items():
        key, _, parameter = name.rpartition("/")
        found.setdefault(key, {})[parameter] = value
    return found


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
