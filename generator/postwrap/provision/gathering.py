"""Gathering the facts of a host, once, through the doors."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host import Host
from postwrap.postfix import SEARCH_PATH, Postfix, PostfixError
from postwrap.provision import kernel
from postwrap.provision.endpoints import configured_endpoints, interfaces
from postwrap.provision.facts import Configured, Entry, Facts
from postwrap.provision.listeners import Listener
from postwrap.provision.service import Service
from postwrap.provision.surroundings import look_at_amavis, look_at_jail, look_at_network
from postwrap.status import is_running

PARAMETERS = (
    "alternate_config_directories",
    "content_filter",
    "data_directory",
    "inet_interfaces",
    "inet_protocols",
    "mail_owner",
    "master_service_disable",
    "multi_instance_directories",
    "multi_instance_enable",
    "multi_instance_name",
    "multi_instance_wrapper",
    "mydestination",
    "mydomain",
    "myhostname",
    "mynetworks",
    "myorigin",
    "postscreen_cache_map",
    "queue_directory",
    "relayhost",
    "smtp_bind_address",
    "smtp_fallback_relay",
    "smtp_helo_name",
    "smtp_tls_security_level",
    "smtpd_tls_security_level",
    "smtpd_use_tls",
    "syslog_name",
)


def need_root() -> None:
    """Raise RefusedError unless run as root."""
    if os.geteuid():
        raise RefusedError("this changes the host's mail system, which takes root", "use sudo")


def gather(host: Host, device: str = "") -> Facts:
    """Return the facts of ``host``; RefusedError where it has no default instance.

    ``device`` is the network device that an address is to be added to.
    """
    need_root()
    postfix, found = host.postfix, host.discovery
    if postfix is None:
        raise RefusedError("an instance is made on the host itself", "leave --root out")
    default = next((i for i in found.instances if i.is_default), None)
    if default is None:
        said = next((str(p) for p in found.problems), "there is no default instance")
        raise RefusedError(said, "first get Postfix to run, only then add a second instance")
    addresses = tuple(kernel.addresses())
    filesystem = host.source
    instances: list[Configured] = []
    for instance in found.instances:
        try:
            name = instance.name
            instances.append(look(postfix, filesystem, instance.directory, name, addresses))
        except PostfixError:
            if instance.is_default:
                raise
    owner = pwd.getpwnam(instances[0]["mail_owner"])
    return Facts(
        default=instances[0],
        others=tuple(instances[1:]),
        addresses=addresses,
        listeners=tuple(foreign_listeners(instances)),
        default_service=running_service(filesystem, instances[0]),
        jail=look_at_jail(filesystem, instances[0]["queue_directory"]),
        network=look_at_network(filesystem, device),
        amavis=look_at_amavis(filesystem),
        own_postfix=_own_postfix(host),
        systemd=filesystem.is_directory("/run/systemd/system"),
        owner=owner.pw_name,
        owner_group=_group_name(owner.pw_gid),
        table_types=frozenset(postfix.run(postfix.postconf, "-m").stdout.split()),
        has_commands=bool(host.manifest.files),
    )


def running_service(filesystem: Filesystem, instance: Configured) -> Service:
    """Return the running ``instance`` as its unit holds it, or as postfix(1) started it."""
    try:
        text = filesystem.read_text(f"{instance['queue_directory']}/pid/master.pid")
        unit = kernel.unit_of(int(text))
    except (OSError, ValueError):
        unit = ""
    return Service(instance.directory, unit if unit.startswith("postfix") else "")


def need_sound(postfix: Postfix, directory: str) -> None:
    """Raise RefusedError with Postfix's words where the instance fails ``postfix check``."""
    program = shutil.which("postfix", path=str(Path(postfix.postconf).parent)) or "postfix"
    if postfix.run(program, "-c", directory, "check").returncode == 0:
        return
    # It may have told the mail log alone; this program reads main.cf too and tells it here.
    postmap = str(Path(program).with_name("postmap"))
    said = postfix.run(postmap, "-q", "x", "static:x", directory=directory).stderr.strip()
    reason = said.rpartition("fatal: ")[2] if "fatal: " in said else "fails postfix check"
    hint = f"postfix -c {directory} check, and the mail log, say why; a copy would not run either"
    raise RefusedError(f"{directory}: {reason}", hint)


def look(
    postfix: Postfix, filesystem: Filesystem, directory: str, name: str, addresses: Iterable[str]
) -> Configured:
    """Return the instance in ``directory`` as its configuration says."""
    parameters = postfix.parameters(PARAMETERS, directory)
    for place in ("queue_directory", "data_directory"):
        parameters[place] = parameters[place].rstrip("/") or "/"
    services = tuple(_service(line) for line in postfix.services(directory))
    endpoints = tuple(configured_endpoints(parameters, services, tuple(addresses)))
    return Configured(
        directory,
        name,
        parameters,
        postfix.stated(directory),
        services,
        postfix.overrides(directory),
        endpoints,
        is_locked(filesystem, parameters["queue_directory"]),
        interfaces(parameters, tuple(addresses)),
    )


def is_locked(filesystem: Filesystem, queue_directory: str) -> bool:
    """Whether a master(8) of this queue directory runs."""
    return bool(is_running(filesystem, queue_directory))


def _service(line: str) -> Entry:
    """Return the entry of a line of ``postconf -M``; chroot is the fifth field (master(5))."""
    fields = line.split(None, 7)
    return Entry(fields[0], fields[1], fields[4] == "y", line)


def foreign_listeners(instances: Iterable[Configured]) -> Iterator[Listener]:
    """Yield the listening sockets that none of ``instances`` is configured to have."""
    known = {endpoint for instance in instances for endpoint in instance.endpoints}
    return (listener for listener in kernel.listeners() if listener.endpoint not in known)


def _own_postfix(host: Host) -> str:
    """Return what the suffix goes behind, a path where no search path would lead to it."""
    for target in host.targets[0]:
        if target.name == "postfix":
            folder = host.layout.command_directory(target.path)
            return "postfix" if folder in SEARCH_PATH.split(":") else f"{folder}/postfix"
    return ""


def _group_name(number: int) -> str:
    return grp.getgrgid(number).gr_name
