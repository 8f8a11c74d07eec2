"""The model of a host: data alone, filled by postwrap.host.survey. One class for each thing.

What is configured, what runs, what is enabled and what the next boot starts are separate facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Network
from pathlib import PurePosixPath

from postwrap.host.addresses import (
    Address,
    Destination,
    Endpoint,
    Scope,
    address_of,
    is_wildcard,
    scope_of,
    split_service,
)
from postwrap.host.naming import Instance
from postwrap.host.rights import Fault

QUEUE_PARTS = (
    *("active", "bounce", "corrupt", "defer", "deferred", "incoming", "maildrop", "pid"),
    *("private", "public", "saved"),
)
"""What a queue directory must hold; Postfix makes hold, trace and flush when it needs them."""


class Init(StrEnum):
    """What starts things at boot."""

    SYSTEMD = "systemd"
    SYSV = "sysv"
    OPENRC = "openrc"
    NONE = ""


class JailFile(StrEnum):
    """How a file in a chroot jail compares with the host's own."""

    SAME = "same"
    STALE = "stale"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """The status of a file or directory that exists; ``identity`` is device and inode."""

    mode: int
    uid: int
    gid: int
    identity: tuple[int, int]
    is_directory: bool


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address of a network interface. ``is_up``: of one that is up (netdevice(7), IFF_UP)."""

    address: Address
    device: str
    is_up: bool = True

    @property
    def scope(self) -> Scope:
        """How far it reaches."""
        return scope_of(self.address)


@dataclass(frozen=True, slots=True)
class Service:
    """A line of master.cf.

    ``chroot`` and ``port`` are decided by Postfix's rules (postwrap.host.mastercf); ``port`` is
    None for what is not an inet service, or has a name that nobody knows. ``command`` is the
    program's name without its path, ``line`` the whole line as ``postconf -M`` prints it.
    ``options`` are the ``-o`` overrides, expanded; ``stated`` the same as written.
    ``is_disabled``: master_service_disable turns it off. ``process_limit`` is how many processes
    it may have, None for any number; ``has_own_limit``: the line says so, and not
    default_process_limit.
    """

    name: str
    type: str
    chroot: bool
    command: str
    line: str = ""
    port: int | None = None
    is_disabled: bool = False
    options: Mapping[str, str] = field(default_factory=dict, compare=False)
    stated: Mapping[str, str] = field(default_factory=dict, compare=False)
    process_limit: int | None = None
    has_own_limit: bool = False

    @property
    def key(self) -> str:
        """Its name for postconf -M, -P and -F: ``smtp/inet``."""
        return f"{self.name}/{self.type}"

    @property
    def host(self) -> str:
        """The host of an inet service's name, "" where inet_interfaces decides."""
        return split_service(self.name)[0] if self.type == "inet" else ""

    @property
    def is_smtp_server(self) -> bool:
        """Whether it speaks SMTP as soon as a client connects, without a TLS handshake first."""
        is_wrapped = self.options.get("smtpd_tls_wrappermode", "").lower() == "yes"
        return self.command in {"smtpd", "postscreen"} and not is_wrapped


@dataclass(frozen=True, slots=True)
class Listener:
    """Where an inet service listens, or would. ``by_interfaces``: inet_interfaces decides."""

    endpoint: Endpoint
    service: Service
    by_interfaces: bool

    def __str__(self) -> str:
        """In the spelling of master.cf: ``[::1]:25``."""
        return str(self.endpoint)

    @property
    def address(self) -> Address:
        """The address, which may be a wildcard."""
        return self.endpoint.address

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.endpoint.port


@dataclass(frozen=True, slots=True)
class HeldSocket:
    """A listening TCP socket, and who holds it: empty where only root may see that.

    ``directory`` is the configuration directory of the master(8) that holds it, ``arguments`` is
    the command line of any other program.
    """

    endpoint: Endpoint
    pids: frozenset[int] = frozenset()
    program: str = ""
    unit: str = ""
    directory: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Master:
    """A master(8) that runs: known by its process, not by a pid file.

    ``config_directory`` is what it was started with (MAIL_CONFIG in its environment), "" where
    that cannot be seen; ``queue_directory`` is its working directory; ``unit`` the systemd service
    that it belongs to, "" for none. ``is_orphaned``: its queue directory is deleted.
    ``data_directory`` is where it holds its lock, "" where that cannot be seen. ``is_blocked``: it
    waits for a program to take its log lines, and starts nothing any more.
    """

    pid: int
    config_directory: str
    queue_directory: str
    unit: str = ""
    is_orphaned: bool = False
    data_directory: str = ""
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class ClientValue:
    """A parameter as services that send by SMTP see it.

    ``service`` is the one whose ``-o`` sets it, "" where main.cf does.
    """

    service: str
    value: str


@dataclass(frozen=True, slots=True)
class TableAnswer:
    """What ``table`` of ``parameter`` gives for ``key``, a domain, an address or ``*``.

    Of a table that Postfix can list, all that it holds; of another one what was asked for.
    """

    parameter: str
    table: str
    key: str
    result: str


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """One instance: its configuration as Postfix reads it, and its state.

    ``parameters`` are expanded, ``settings`` are those of main.cf as written. Where postconf could
    not answer, ``error`` holds its words and both are empty. ``faults`` are the paths by which
    others than root can change the configuration: then Postfix was not asked, for root would run
    what others say, and ``error`` tells that. ``services`` holds all lines of
    master.cf, the disabled ones too; ``listeners`` where those that are not disabled listen.
    ``interfaces`` are the addresses of each word of inet_interfaces; of ``unresolved`` words it
    holds none. ``files`` holds what exists of the configuration, the directories above it, the
    queue and the data directory; ``unseen`` the paths that this user may not look at. ``texts``
    are main.cf and master.cf as written. ``jail`` tells how the files of the chroot jail are.
    ``running`` is None where this user may not see it; ``master`` is its process. ``refusal`` is
    why postfix(1) will not act on what postconf could read. ``answers`` are those of the tables
    that choose next hops. ``processes`` are how many run, by service; ``active`` is how many
    messages the active queue has, 0 where this user may not look.
    """

    instance: Instance
    error: str = ""
    faults: tuple[Fault, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    listeners: tuple[Listener, ...] = ()
    interfaces: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileStatus] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    jail: Mapping[str, JailFile] = field(default_factory=dict)
    running: bool | None = None
    master: Master | None = None
    refusal: str = ""
    answers: tuple[TableAnswer, ...] = ()
    processes: Mapping[str, int] = field(default_factory=dict)
    active: int = 0

    @property
    def directory(self) -> str:
        """The configuration directory."""
        return self.instance.directory

    @property
    def is_blocked(self) -> bool:
        """Whether its master(8) waits for ever to write a line of its log."""
        return bool(self.master and self.master.is_blocked)

    @property
    def stands_still(self) -> bool:
        """Whether it runs and moves no mail: master(8) is blocked, or has no qmgr(8)."""
        has_manager = any(service.startswith("qmgr/") for service in self.processes)
        return self.is_blocked or bool(self.master and not has_manager)

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self.instance.name

    @property
    def is_default(self) -> bool:
        """Whether it is the default instance."""
        return self.instance.is_default

    @property
    def queue_directory(self) -> str:
        """queue_directory without a slash at its end."""
        return self.get("queue_directory").rstrip("/")

    @property
    def data_directory(self) -> str:
        """data_directory without a slash at its end."""
        return self.get("data_directory").rstrip("/")

    @property
    def unit(self) -> str:
        """The systemd service that its master(8) runs in, "" for none."""
        return self.master.unit if self.master else ""

    @property
    def interface_addresses(self) -> tuple[Address, ...]:
        """The addresses of inet_interfaces, each once."""
        return tuple(dict.fromkeys(a for found in self.interfaces.values() for a in found))

    @property
    def enabled_services(self) -> tuple[Service, ...]:
        """The services that master_service_disable leaves on."""
        return tuple(service for service in self.services if not service.is_disabled)

    @property
    def inet_services(self) -> tuple[Service, ...]:
        """The lines of master.cf for the network, the disabled ones too."""
        return tuple(service for service in self.services if service.type == "inet")

    @property
    def is_chrooted(self) -> bool:
        """Whether a service that is on runs in the chroot jail."""
        return any(service.chroot for service in self.enabled_services)

    def get(self, parameter: str) -> str:
        """Return the expanded value of ``parameter``, "" where it has none."""
        return self.parameters.get(parameter, "")

    def words(self, parameter: str) -> list[str]:
        """Return the words of a list parameter."""
        return self.get(parameter).replace(",", " ").split()

    def value(self, service: Service, parameter: str) -> str:
        """Return ``parameter`` as ``service`` sees it."""
        return service.options.get(parameter, self.get(parameter))

    def seen_by_clients(self, parameter: str) -> Iterator[ClientValue]:
        """Yield ``parameter`` of each service that sends by SMTP, each value once."""
        seen = set()
        for service in self.clients():
            value = self.value(service, parameter)
            if value not in seen:
                seen.add(value)
                yield ClientValue(service.key if parameter in service.options else "", value)

    def clients(self) -> list[Service]:
        """Return the services that send by SMTP."""
        return [s for s in self.enabled_services if s.command == "smtp" and s.type != "inet"]

    def servers(self) -> list[Listener]:
        """Return the listeners that take mail by SMTP."""
        return [x for x in self.listeners if x.service.command in {"smtpd", "postscreen"}]


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit that the boot starts for the instance in ``directory``.

    ``is_packaged``: not the administrator's own, in /etc.
    """

    name: str
    directory: str
    wanted_by: str = ""
    is_packaged: bool = True


@dataclass(frozen=True, slots=True)
class BootPlace:
    """What the next boot does with an instance, as postwrap's generator decides it.

    ``unit`` is the systemd unit that it runs under; ``starts``: the boot starts it; ``why`` says
    why not, or who else starts it.
    """

    directory: str
    unit: str
    starts: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class CopiedMessage:
    """One message in the queues of two instances, by configuration directory and queue ID."""

    first: str
    second: str
    first_id: str
    second_id: str
    first_held: bool = False
    second_held: bool = False

    def turned(self) -> CopiedMessage:
        """Return the same seen from the other side."""
        return CopiedMessage(
            self.second,
            self.first,
            self.second_id,
            self.first_id,
            self.second_held,
            self.first_held,
        )


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of the instance in ``directory``; ``is_link``: a symbolic link of its own."""

    directory: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class JailMethod:
    """How a chroot jail is filled on this host.

    ``filler`` is a script that takes multi_instance_name, "check" where ``postfix check`` fills
    it, or "": then ``files``, the host's own, are copied. ``parts`` are the directories in the
    default instance's queue directory that make its jail.
    """

    filler: str = ""
    files: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressKeeper:
    """What configures a network device ("" for nobody known), and where an addition goes.

    ``around`` are the IPv6 networks that the device is in.
    """

    kind: str = ""
    place: str = ""
    around: tuple[IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class MailOwner:
    """mail_owner of the default instance, with the name of its group."""

    name: str
    uid: int
    group: str


@dataclass(frozen=True, slots=True)
class HostModel:
    """A host, the default instance first in ``instances``.

    ``copies`` look like instances and are only backups of one. ``registered`` holds the words of
    alternate_config_directories and multi_instance_directories as the default main.cf spells them,
    ``registered_expanded`` with $parameters expanded. ``masters`` are all that run, also of
    configurations that nobody knows. ``names`` is /etc/hosts, ``known`` what DNS and the like say
    of hosts that settings name; ``unanswered`` are those that nobody answered for in time.
    ``units`` are those that the boot starts for an instance, None where systemd does not run the
    host; ``splits_at_blanks``: the distribution's generator makes some of them of the words between
    blanks in multi_instance_directories; ``places`` is the next boot. ``filter_returns`` is where
    amavisd hands mail back and ``amavis_directory`` takes additions to its configuration.
    ``rotated`` are the values of maillog_file that ``postfix logrotate`` rotates.
    ``refusal`` is why postmulti(1) refuses the instances as a whole.
    ``failures`` is what postwrap raised, a defect, when it looked at an instance. ``unseen`` says
    what this user may not see.
    """

    instances: tuple[InstanceConfig, ...]
    copies: tuple[InstanceConfig, ...] = ()
    is_root: bool = True
    addresses: tuple[HostAddress, ...] = ()
    device: str = "lo"
    """The network device of the default route."""
    may_bind_any: bool = False
    """net.ipv4.ip_nonlocal_bind."""
    sockets: tuple[HeldSocket, ...] = ()
    masters: tuple[Master, ...] = ()
    names: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    known: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    registered: tuple[str, ...] = ()
    registered_expanded: tuple[str, ...] = ()
    units: tuple[Unit, ...] | None = None
    splits_at_blanks: bool = False
    places: Mapping[str, BootPlace] = field(default_factory=dict)
    jail_method: JailMethod = field(default_factory=JailMethod)
    mail_owner: MailOwner | None = None
    table_types: frozenset[str] = frozenset()
    filter_returns: tuple[Destination, ...] = ()
    rotated: frozenset[str] = frozenset()
    amavis_directory: str = ""
    refusal: str = ""
    failures: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    @property
    def runs_systemd(self) -> bool:
        """Whether systemd is process 1: sd_booted(3)."""
        return self.units is not None

    @property
    def default(self) -> InstanceConfig | None:
        """The default instance."""
        return next((i for i in self.instances if i.is_default), None)

    @property
    def readable(self) -> list[InstanceConfig]:
        """The instances that postconf could read."""
        return [i for i in self.instances if not i.error]

    @property
    def up_addresses(self) -> tuple[Address, ...]:
        """The addresses that Postfix takes in inet_interfaces, each once."""
        return tuple(dict.fromkeys(a.address for a in self.addresses if a.is_up))

    def of(self, directory: str) -> InstanceConfig | None:
        """Return the instance of ``directory``."""
        return next((i for i in self.instances if i.directory == directory), None)

    def starts_at_boot(self, instance: InstanceConfig) -> bool:
        """Whether it is known that the next boot starts ``instance``."""
        if place := self.places.get(instance.directory):
            return place.starts
        return any(unit.directory == instance.directory for unit in self.units or ())

    def stray_master(self, instance: InstanceConfig) -> Master | None:
        """Return the master(8) of ``instance`` that works in another queue than main.cf names."""
        found = (m for m in self.masters if m.config_directory == instance.directory)
        return next((m for m in found if m.queue_directory != instance.queue_directory), None)

    def is_own(self, address: Address) -> bool:
        """Whether the kernel takes connections to ``address``: an interface's, or loopback."""
        return address.is_loopback or address in self.up_addresses

    def reached(self, listener: Listener) -> list[Address]:
        """Return the addresses of this host at which ``listener`` is reached."""
        if not is_wildcard(listener.address):
            return [listener.address]
        return [a for a in self.up_addresses if a.version == listener.address.version]

    def resolve(self, host: str) -> tuple[Address, ...]:
        """Return the addresses of ``host``: a literal, or a name that this host looks up."""
        if literal := address_of(host):
            return (literal,)
        return self.names.get(host.lower()) or self.known.get(host.lower(), ())

    def foreign_sockets(self) -> Iterator[HeldSocket]:
        """Yield the held sockets that are not those of a master(8) of an instance here."""
        own = {i.master.pid for i in self.instances if i.master}
        return (held for held in self.sockets if not held.pids & own)


def last_part(path: str) -> str:
    """Return the last part of ``path``."""
    return PurePosixPath(path).name
