"""What a recipe has to know of the host, as data. postwrap.provision.gathering gathers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from pathlib import PurePosixPath

from postwrap.provision.listeners import (
    Endpoint,
    Listener,
    is_ipv6,
    is_loopback,
    port_number,
    split_service,
)
from postwrap.provision.service import Service


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of master.cf: ``10.0.0.1:smtp``, ``inet``, whether chrooted, the whole line."""

    name: str
    kind: str
    chrooted: bool
    line: str

    @property
    def port(self) -> int | None:
        """The number of the port of an inet service."""
        return port_number(split_service(self.name)[1])

    @property
    def program(self) -> str:
        """The program that serves it: ``smtpd``."""
        fields = self.line.split(None, 8)
        return PurePosixPath(fields[7]).name if len(fields) > 7 else ""

    @property
    def is_smtp(self) -> bool:
        """Whether it speaks SMTP as soon as a client connects."""
        return self.program in {"smtpd", "postscreen"} and not self.starts_with_tls

    @property
    def starts_with_tls(self) -> bool:
        """Whether it waits for a TLS handshake: smtps."""
        return "smtpd_tls_wrappermode=yes" in self.line.split()


@dataclass(frozen=True, slots=True)
class Configured:
    """One instance as its configuration says.

    ``parameters`` are expanded; ``stated`` is main.cf's own text; ``overrides`` are what master.cf
    sets by -o; ``endpoints`` is where it listens, or would; ``interfaces`` are the addresses that
    each word of inet_interfaces means.
    """

    directory: str
    name: str
    parameters: Mapping[str, str]
    stated: Mapping[str, str]
    services: tuple[Entry, ...]
    overrides: Mapping[str, str]
    endpoints: tuple[Endpoint, ...]
    running: bool = False
    interfaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, parameter: str) -> str:
        return self.parameters.get(parameter, "")

    def ports(self, *, smtp: bool) -> set[int | None]:
        """Return the ports of its inet services, of those that speak SMTP or of the others."""
        return {s.port for s in self.inet_services if s.is_smtp is smtp}

    @property
    def is_chrooted(self) -> bool:
        """Whether any of its services is."""
        return any(service.chrooted for service in self.services)

    @property
    def inet_services(self) -> tuple[Entry, ...]:
        """The entries that listen on the network."""
        return tuple(service for service in self.services if service.kind == "inet")


@dataclass(frozen=True, slots=True)
class Jail:
    """How a chroot jail is filled here: by a program, or by copying; nothing where Postfix does.

    ``parts`` are those of the default instance's jail, ``files`` the host's own.
    """

    filler: str = ""
    parts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """Who configures the network device in question, and where an addition goes.

    ``around`` are the IPv6 networks that the device is in.
    """

    kind: str = ""
    place: str = ""
    around: tuple[IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """The host."""

    default: Configured
    others: tuple[Configured, ...]
    addresses: tuple[str, ...]
    listeners: tuple[Listener, ...]
    """Of programs other than the instances above."""
    default_service: Service
    owner: str
    owner_group: str
    jail: Jail = field(default_factory=Jail)
    network: Network = field(default_factory=Network)
    amavis: str = ""
    systemd: bool = False
    own_postfix: str = ""
    """The command that an instance's own postfix command is named after, "" where it gets none:
    with ``-out`` behind it, that of the instance in /etc/postfix-out."""
    table_types: frozenset[str] = frozenset({"regexp"})
    has_commands: bool = False
    """Whether postwrap's commands are installed for any instance."""

    @property
    def instances(self) -> tuple[Configured, ...]:
        """All instances, the default one first."""
        return (self.default, *self.others)

    def has_address(self, address: str) -> bool:
        """Whether ``address`` is the host's."""
        return address in self.addresses or (
            not is_ipv6(address) and is_loopback(address) and "127.0.0.1" in self.addresses
        )
