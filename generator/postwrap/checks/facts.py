"""What the rules know of a host: data alone, gathered by postwrap.checks.gather."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postwrap.boot import Place
from postwrap.checks.addresses import Address, Destination, address_of, is_wildcard
from postwrap.errors import Problem
from postwrap.instance import Instance
from postwrap.status import Installed


class Copy(StrEnum):
    """How a file in a chroot jail stands beside the host's own."""

    SAME = "same"
    STALE = "stale"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The status of a file or directory that exists; ``identity`` is device and inode."""

    mode: int
    uid: int
    gid: int
    identity: tuple[int, int]
    is_directory: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A line of master.cf. ``options`` are its ``-o`` overrides, expanded."""

    name: str
    type: str
    chroot: bool
    command: str
    options: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """What postconf -M, -P and -F call it: ``smtp/inet``."""
        return f"{self.name}/{self.type}"


@dataclass(frozen=True, slots=True)
class Listener:
    """An address and port that an inet service listens at; 0.0.0.0 and :: are the wildcards.

    ``by_interfaces``: the address is not in master.cf and comes from inet_interfaces.
    """

    address: Address
    port: int
    service: Service
    by_interfaces: bool

    def __str__(self) -> str:
        """As Postfix writes it: ``[::1]:25``."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"

    def overlaps(self, address: Address, port: int) -> bool:
        """Whether a socket at ``address`` and ``port`` would share connections with this one.

        Postfix's IPv6 sockets are IPV6_V6ONLY, so the families never meet.
        """
        if port != self.port or address.version != self.address.version:
            return False
        return address == self.address or is_wildcard(address) or is_wildcard(self.address)


@dataclass(frozen=True, slots=True)
class Override:
    """A parameter with its value as a service sees it; ``service`` is empty for main.cf's own."""

    service: str
    value: str


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """One instance.

    ``parameters`` are expanded, ``settings`` are those of main.cf as written. Where postconf could
    not answer, ``error`` holds its words and both are empty. ``files`` holds what exists of the
    configuration, the directories above it, the queue and the data directory; ``unseen`` the paths
    that this user may not look at. ``texts`` are main.cf and master.cf as written, where they can
    be read. ``interfaces`` are the addresses of inet_interfaces, and
    ``unresolved`` its names that have none. ``jail`` tells how the chroot jail's files are, and
    ``called`` by which name of its directory the ``master`` that runs was started.
    """

    instance: Instance
    error: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    listeners: tuple[Listener, ...] = ()
    interfaces: tuple[Address, ...] = ()
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    jail: Mapping[str, Copy] = field(default_factory=dict)
    running: bool | None = None
    master: int | None = None
    called: str = ""
    commands: Installed = Installed.INSTALLED

    @property
    def directory(self) -> str:
        """The configuration directory."""
        return self.instance.directory

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.instance.name

    def get(self, parameter: str) -> str:
        """Return the expanded value of ``parameter``, "" where it has none."""
        return self.parameters.get(parameter, "")

    def words(self, parameter: str) -> list[str]:
        """Return the words of a list parameter."""
        return self.get(parameter).replace(",", " ").split()

    def value(self, service: Service, parameter: str) -> str:
        """Return ``parameter`` as ``service`` sees it."""
        return service.options.get(parameter, self.get(parameter))

    def clients(self) -> list[Service]:
        """Return the services that send by SMTP."""
        return [s for s in self.services if s.command == "smtp" and s.type != "inet"]

    def seen_by_clients(self, parameter: str) -> Iterator[Override]:
        """Yield ``parameter`` of each service that sends by SMTP, each value once."""
        seen = set()
        for service in self.clients():
            value = self.value(service, parameter)
            if value not in seen:
                seen.add(value)
                yield Override(service.key if parameter in service.options else "", value)

    def servers(self) -> list[Listener]:
        """Return the listeners that take mail by SMTP."""
        return [x for x in self.listeners if x.service.command in {"smtpd", "postscreen"}]


@dataclass(frozen=True, slots=True)
class Socket:
    """A listening TCP socket; who holds it is empty where only root may see it.

    ``directory`` is the configuration directory of the master(8) that holds it.
    """

    address: Address
    port: int
    pids: frozenset[int] = frozenset()
    program: str = ""
    unit: str = ""
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit that the boot starts, and the configuration directory that it is for.

    ``is_packaged``: not the administrator's own, in /etc.
    """

    name: str
    directory: str
    wanted_by: str = ""
    is_packaged: bool = True


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of the instance in ``directory``; ``is_link``: a symbolic link of its own."""

    directory: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """A host, with the default instance first.

    ``copies`` look like instances and are only backups of one, see postwrap.checks.queues.
    ``registered`` holds the words of alternate_config_directories and multi_instance_directories
    as the default main.cf spells them. ``names`` is /etc/hosts, and ``known`` what DNS and the like
    say of the hosts that settings name; ``unanswered`` are those that nobody answered for in time.
    ``units`` are those that the boot
    starts for an instance, None where systemd does not run the host; ``places`` is what postwrap's
    own generator makes of the instances at the next boot, where it is installed. ``owners`` are
    root and mail_owner. ``jail_filler`` is "check", a script or nothing: see remedies.fill_jail.
    ``filter_returns`` is where a content filter hands mail back. ``problems`` are discovery's,
    ``aliases`` the other names of configuration directories,
    ``left`` installed files that no instance wants, ``shared`` those of all instances that are out
    of date, ``edited`` the instances with commands that were changed by hand. ``unseen`` is
    what this user may not see.
    """

    instances: tuple[InstanceFacts, ...]
    copies: tuple[InstanceFacts, ...] = ()
    is_root: bool = True
    owners: frozenset[int] = frozenset({0})
    registered: tuple[str, ...] = ()
    registered_expanded: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    device: str = "lo"
    may_bind_any: bool = False
    sockets: tuple[Socket, ...] = ()
    names: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    known: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    jail_filler: str = ""
    filter_returns: tuple[Destination, ...] = ()
    units: tuple[Unit, ...] | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    edited: frozenset[str] = frozenset()
    install_options: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def default(self) -> InstanceFacts | None:
        """The default instance."""
        return next((i for i in self.instances if i.instance.is_default), None)

    @property
    def readable(self) -> list[InstanceFacts]:
        """The instances that postconf could read."""
        return [i for i in self.instances if not i.error]

    def of(self, directory: str) -> InstanceFacts | None:
        """Return the instance of ``directory``."""
        return next((i for i in self.instances if i.directory == directory), None)

    def resolve(self, host: str) -> tuple[Address, ...]:
        """Return the addresses of ``host``: a literal, or a name that this host looks up."""
        if literal := address_of(host):
            return (literal,)
        return self.names.get(host.lower()) or self.known.get(host.lower(), ())
