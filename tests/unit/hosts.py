"""Hosts as data, built in a few words: instances, addresses, who runs and who listens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any
from zlib import crc32

from postwrap.checks.picture import Picture
from postwrap.errors import Problem
from postwrap.host import mastercf
from postwrap.host.addresses import Address, Endpoint
from postwrap.host.model import (
    QUEUE_PARTS,
    BootPlace,
    FileStatus,
    HeldSocket,
    HostAddress,
    HostModel,
    InstanceConfig,
    JailFile,
    MailOwner,
    Master,
    Unit,
)
from postwrap.host.naming import Instance
from postwrap.host.rights import Fault, told
from postwrap.host.table_files import named_tables

PUBLIC, PRIVATE, LOOPBACK = "88.198.105.204", "10.0.0.1", "127.0.0.1"
POSTFIX_UID = 101
SMTPD = "smtp inet n - y - - smtpd"
STOCK = (SMTPD, "smtp unix - - y - - smtp", "relay unix - - y - - smtp", "pickup unix n - y 60 1 p")
SECOND = (f"{PRIVATE}:smtp inet n - y - - smtpd", *STOCK[1:])
"""The lines of the talk's second instance, whose smtpd is bound to its address."""
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}

_DEFAULTS = {
    "command_directory": "/usr/sbin",
    "compatibility_level": "3.6",
    "inet_interfaces": "all",
    "inet_protocols": "ipv4",
    "mail_owner": "postfix",
    "mydomain": "example.com",
    "mynetworks": "127.0.0.0/8",
    "smtp_connect_timeout": "30s",
    "smtp_data_done_timeout": "600s",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtp_helo_name": "mail.example.com",
    "myhostname": "mail.example.com",
}

DIRECTORY = FileStatus(0o755, 0, 0, (1, 1), is_directory=True)
FILE = FileStatus(0o644, 0, 0, (1, 2), is_directory=False)


def addresses(*texts: str, device: str = "lo", is_up: bool = True) -> tuple[HostAddress, ...]:
    """Addresses of one network interface."""
    return tuple(HostAddress(ip_address(text), device, is_up) for text in texts)


ADDRESSES = addresses(LOOPBACK, PUBLIC, PRIVATE)


def nowhere(name: str) -> tuple[Address, ...]:
    """A resolver that knows nobody."""
    return ()


def default(*master: str, **settings: str) -> InstanceConfig:
    """The default instance at the public address, running; ``settings`` are its main.cf's."""
    usual = {"inet_interfaces": f"{PUBLIC}, {LOOPBACK}"}
    return configured(
        Instance("/etc/postfix", "-default", is_default=True), master, usual | settings
    )


def second(*master: str, name: str = "out", **settings: str) -> InstanceConfig:
    """A secondary instance at the private address, running; as the talk makes it."""
    own = {
        "inet_interfaces": f"{PUBLIC}, {LOOPBACK}",
        "queue_directory": f"/var/spool/postfix-{name}",
        "data_directory": f"/var/lib/postfix-{name}",
        "syslog_name": f"postfix-{name}",
    }
    instance = Instance(f"/etc/postfix-{name}", f"-{name}")
    return configured(instance, master or SECOND, own | settings)


def configured(
    instance: Instance, master: Iterable[str], settings: Mapping[str, str]
) -> InstanceConfig:
    """An instance with these lines of master.cf, where ``-o name=value`` sets a parameter."""
    queue, data = "/var/spool/postfix", "/var/lib/postfix"
    usual = {"queue_directory": queue, "data_directory": data, "syslog_name": "postfix"}
    parameters = {**_DEFAULTS, **usual, **settings}
    lines = tuple(master) or STOCK
    services = tuple(
        mastercf.services("\n".join(lines), _overrides(lines), _overrides(lines), parameters, PORTS)
    )
    interfaces = mastercf.interfaces(parameters, ADDRESSES, nowhere)
    everywhere = [a for found in interfaces.values() for a in found]
    made = InstanceConfig(
        instance,
        parameters=parameters,
        settings=dict(settings),
        services=services,
        listeners=tuple(mastercf.listeners(services, parameters, everywhere, nowhere)),
        interfaces=interfaces,
        files=_files(instance.directory, parameters),
        running=True,
        master=Master(
            pid=crc32(instance.directory.encode()) % 30000 + 5000,
            config_directory=instance.directory,
            queue_directory=parameters["queue_directory"],
        ),
        processes={"qmgr/unix": 1, "pickup/unix": 1},
    )
    return with_tables(made)


def with_tables(instance: InstanceConfig) -> InstanceConfig:
    """The same instance with the files of the tables that its settings name."""
    tables = {path for t in named_tables(instance) for path in (t.path, t.file)}
    return replace(instance, files={**instance.files, **dict.fromkeys(tables, FILE)})


def _overrides(lines: Iterable[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, kind, *words = line.split()
        for option, pair in pairwise(words):
            if option == "-o":
                parameter, _, value = pair.partition("=")
                found[f"{name}/{kind}/{parameter}"] = value
    return found


def _files(directory: str, parameters: Mapping[str, str]) -> dict[str, FileStatus]:
    queue, data = parameters["queue_directory"], parameters["data_directory"]
    above = [str(parent) for parent in PurePosixPath(directory).parents]
    parts = [f"{queue}/{part}" for part in QUEUE_PARTS]
    found = dict.fromkeys((*above, directory, *parts), DIRECTORY)
    # Two directories are one where they have one name.
    own = {p: replace(DIRECTORY, identity=(1, crc32(p.encode()))) for p in (queue, data)}
    return found | own | {f"{directory}/{name}": FILE for name in ("main.cf", "master.cf")}


def stopped(instance: InstanceConfig) -> InstanceConfig:
    """The same instance without its master(8)."""
    return replace(instance, running=False, master=None)


def blocked(instance: InstanceConfig) -> InstanceConfig:
    """The same instance with a master(8) that waits for its postlogd(8)."""
    assert instance.master
    return replace(instance, master=replace(instance.master, is_blocked=True), processes={})


def without(instance: InstanceConfig, *paths: str) -> InstanceConfig:
    """The same instance where ``paths`` and what is below them are missing."""
    gone = tuple(f"{path}/" for path in paths)
    files = {p: s for p, s in instance.files.items() if not f"{p}/".startswith(gone)}
    return replace(instance, files=files)


def status(instance: InstanceConfig, path: str, **changes: Any) -> InstanceConfig:
    """The same instance where ``path`` has another owner, group or mode."""
    files = dict(instance.files)
    files[path] = replace(files.get(path, DIRECTORY), **changes)
    return replace(instance, files=files)


def held(text: str, port: int = 25, program: str = "nc", **facts: Any) -> HeldSocket:
    """A listening socket of a program that is no instance's."""
    return HeldSocket(Endpoint(ip_address(text), port), frozenset({4711}), program, **facts)


def held_by(instance: InstanceConfig, text: str, port: int = 25) -> HeldSocket:
    """A listening socket of the master(8) of ``instance``."""
    assert instance.master
    pids = frozenset({instance.master.pid})
    return HeldSocket(
        Endpoint(ip_address(text), port), pids, "master", directory=instance.directory
    )


def host(*instances: InstanceConfig, **facts: Any) -> HostModel:
    """A host with these instances, all registered."""
    usual: dict[str, Any] = {
        "addresses": ADDRESSES,
        "registered": tuple(i.directory for i in instances if not i.is_default),
        "mail_owner": MailOwner("postfix", POSTFIX_UID, "postfix"),
    }
    return HostModel(instances=instances, **(usual | facts))


OUT = "/etc/postfix-out"
OWN_LISTENER = f"{PRIVATE}:smtp/inet"
SMTP = "smtp unix - - y - - smtp"
FAST = {"smtp_connect_timeout": "10s", "smtp_data_done_timeout": "120s"}
OWN_NAMES = {"myhostname": "out.example.com", "smtp_helo_name": "mail.example.com"}
ALL_NETWORKS = {"mynetworks": f"127.0.0.0/8 {PUBLIC}/32 {PRIVATE}/32"}


def known(text: str) -> tuple[Address, ...]:
    """What a name resolves to: this address."""
    return (ip_address(text),)


def warned(instance: InstanceConfig, *warnings: str) -> InstanceConfig:
    """The same instance, of which postconf warns so."""
    return replace(instance, warnings=warnings)


def written(instance: InstanceConfig, main: str = "", master: str = "") -> InstanceConfig:
    """The same instance, with main.cf and master.cf as text."""
    texts = {f"{instance.directory}/main.cf": main, f"{instance.directory}/master.cf": master}
    return replace(instance, texts=texts)


def unreadable(instance: InstanceConfig, error: str, **facts: Any) -> InstanceConfig:
    """The same instance, of which postconf only tells an error."""
    nothing: dict[str, Any] = {
        "parameters": {},
        "settings": {},
        "interfaces": {},
        "services": (),
        "listeners": (),
    }
    return replace(instance, error=error, **nothing, **facts)


def distrusted(instance: InstanceConfig, *faults: Fault) -> InstanceConfig:
    """The same instance, whose configuration others than root can change."""
    return unreadable(instance, told(faults), faults=faults)


def jailed(instance: InstanceConfig, **states: str) -> InstanceConfig:
    """The same instance, with files in its jail: ``resolv_conf="missing"``."""
    jail = {f"etc/{name.replace('_', '.')}": JailFile(state) for name, state in states.items()}
    return replace(instance, jail=jail)


def moved(instance: InstanceConfig, directory: str, suffix: str) -> InstanceConfig:
    """The same instance in another directory."""

    def path(old: str) -> str:
        return old.replace(instance.directory, directory)

    return replace(
        instance,
        instance=Instance(directory, suffix),
        files={path(p): s for p, s in instance.files.items()},
        texts={path(p): s for p, s in instance.texts.items()},
        master=instance.master and replace(instance.master, config_directory=directory),
    )


def refusing(host: HostModel, where: str, message: str = "has odd characters") -> Picture:
    """A host where discovery refuses the instance in ``where``."""
    return Picture(host, problems=(Problem(where, message, "rename the directory"),))


def unit(name: str, directory: str = OUT, *, is_packaged: bool = True) -> Unit:
    """A unit that the boot starts."""
    return Unit(name, directory, "multi-user.target", is_packaged)


def place(*, starts: bool = True, why: str = "") -> BootPlace:
    """The secondary instance's place in the next boot."""
    return BootPlace(OUT, "postfix-instance@out.service", starts, why)


def booted(
    *instances: InstanceConfig, units: Iterable[Unit] = (), places: Iterable[BootPlace] = ()
) -> HostModel:
    """A host that systemd runs; its boot starts the default instance."""
    every = (unit("postfix.service", "/etc/postfix"), *units)
    return host(*instances, units=every, places={p.directory: p for p in places})
