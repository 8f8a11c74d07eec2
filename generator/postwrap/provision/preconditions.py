"""What stands against a design, found before anything is changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from postwrap import STATE_DIRECTORY
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host.addresses import Endpoint
from postwrap.host.model import HeldSocket
from postwrap.postfix import Postfix
from postwrap.provision import certificates
from postwrap.provision.addresses import missing_addresses
from postwrap.provision.design import InstanceDesign
from postwrap.provision.listening import default_endpoints
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.recipe import building_site
from postwrap.provision.site import ProvisionSite

_SOCKET_PATH = 107


def need_sound(postfix: Postfix, directory: str) -> None:
    """Raise RefusedError with Postfix's words where the instance fails ``postfix check``."""
    program = postfix.program("postfix")
    if postfix.run(program, "-c", directory, "check").returncode == 0:
        return
    # It may have told the mail log alone; this program reads main.cf too and tells it here.
    postmap = postfix.program("postmap")
    said = postfix.run(postmap, "-q", "x", "static:x", directory=directory).stderr.strip()
    reason = said.rpartition("fatal: ")[2] if "fatal: " in said else "fails postfix check"
    hint = f"postfix -c {directory} check, and the mail log, say why; a copy would not run either"
    raise RefusedError(f"{directory}: {reason}", hint)


def need_possible(
    options: CreateOptions,
    site: ProvisionSite,
    design: InstanceDesign,
    filesystem: Filesystem,
    postfix: Postfix,
) -> None:
    """Raise RefusedError for the first thing that stands against ``design``."""
    _need_new_name(site, design, filesystem)
    _need_addresses(options, site, filesystem)
    need_free_ports(site, design.endpoints, design.interfaces)
    need_files(options.shared, postfix)
    for place in _places(site, design):
        need_writable(filesystem, place)


def _directories(design: InstanceDesign) -> tuple[str, str, str]:
    return design.directory, design.get("queue_directory"), design.get("data_directory")


def _need_new_name(site: ProvisionSite, design: InstanceDesign, filesystem: Filesystem) -> None:
    name = design.get("multi_instance_name")
    for instance in site.secondaries:
        if instance.get("multi_instance_name") == name:
            message = f"multi_instance_name = {name}: is that of {instance.directory}"
            raise RefusedError(message, "choose another name")
    directories = _directories(design)
    for instance in site.instances:
        for parameter in ("queue_directory", "data_directory"):
            if (path := instance.get(parameter).rstrip("/")) in directories:
                message = f"{path}: is the {parameter} of {instance.directory}"
                raise RefusedError(message, f"choose another with --{parameter.replace('_', '-')}")
    for path in (*directories, building_site(design.directory)):
        if filesystem.exists(path):
            raise RefusedError(f"{path}: exists already", "move it away, or choose another name")
        if not filesystem.is_directory(str(PurePosixPath(path).parent)):
            parent = PurePosixPath(path).parent
            raise RefusedError(f"{parent}: no such directory", f"mkdir -p {parent}")
    if len({*directories}) < len(directories):
        raise RefusedError("the directories are one and the same", "choose different ones")
    _need_apart(site, directories)
    _need_short(design)


def _need_apart(site: ProvisionSite, directories: tuple[str, ...]) -> None:
    """Raise RefusedError where a directory would lie in another, of this instance or of any."""
    taken = [d for i in site.instances for d in (i.queue_directory, i.data_directory, i.directory)]
    for path in directories:
        for other in (*taken, *directories):
            if path.startswith(f"{other}/"):
                raise RefusedError(f"{path}: lies in {other}", "choose a directory of its own")


def _need_short(design: InstanceDesign) -> None:
    """Raise RefusedError where the sockets in the queue directory had too long a path: unix(7)."""
    queue = design.get("queue_directory")
    longest = max((len(service.name) for service in design.source.services), default=0)
    if len(f"{queue}/private/") + longest > _SOCKET_PATH:
        hint = "choose a shorter name, or a shorter --queue-directory"
        raise RefusedError(f"{queue}: is too long a path for the sockets in it", hint)


def _need_addresses(options: CreateOptions, site: ProvisionSite, filesystem: Filesystem) -> None:
    device = options.add_address
    if device and not filesystem.exists(f"/sys/class/net/{device}"):
        raise RefusedError(f"--add-address {device}: no such device", "ip link lists those here")
    if missing_addresses(options, site) and not _is_up(filesystem, device):
        # Postfix does not see the addresses of such a device.
        raise RefusedError(f"--add-address {device}: is down", f"ip link set {device} up")
    for address in options.addresses:
        if not device and not site.model.is_own(address.host):
            known = ", ".join(map(str, site.addresses))
            hint = f"give --add-address DEV, or name one of {known}"
            raise RefusedError(f"{address.host}: is not an address of this host", hint)


def _is_up(filesystem: Filesystem, device: str) -> bool:
    """Whether ``device`` has the flag IFF_UP (netdevice(7))."""
    return bool(int(filesystem.read_text(f"/sys/class/net/{device}/flags"), 16) & 1)


def need_free_ports(site: ProvisionSite, endpoints: Iterable[Endpoint], interfaces: str) -> None:
    """Raise RefusedError where an instance would listen where another one, or a program, does.

    ``endpoints`` are where it is to listen, ``interfaces`` the default instance's inet_interfaces.
    """
    hint = "give another address, or a port of its own: --address ADDRESS:PORT"
    left = list(default_endpoints(site, interfaces))
    for endpoint in endpoints:
        for instance in site.secondaries:
            if any(endpoint.overlaps(listener.endpoint) for listener in instance.listeners):
                raise RefusedError(f"{endpoint}: {instance.directory} listens there", hint)
        if any(endpoint.overlaps(other) for other in left):
            where = f"{site.default.directory}/master.cf"
            raise RefusedError(f"{endpoint}: {where} gives it to the default instance", hint)
        for held in _foreign(site):
            if _is_taken(endpoint, held):
                program = held.program or "another program"
                raise RefusedError(f"{endpoint}: {program} listens at {held.endpoint}", hint)


def _foreign(site: ProvisionSite) -> Iterator[HeldSocket]:
    """Yield the sockets of other programs, and of a master(8) that has others than configured."""
    configured = {x.endpoint for instance in site.instances for x in instance.listeners}
    foreign = {id(held) for held in site.model.foreign_sockets()}
    for held in site.model.sockets:
        if id(held) in foreign or held.endpoint not in configured:
            yield held


def _is_taken(endpoint: Endpoint, held: HeldSocket) -> bool:
    """Whether a Postfix that listens at ``endpoint`` would get in the way of ``held``.

    A program may take IPv4 by its [::] too.
    """
    other = held.endpoint
    takes_all = str(other.address) == "::" and other.port == endpoint.port
    return takes_all or other.overlaps(endpoint)


def need_files(options: RoleOptions, postfix: Postfix) -> None:
    """Raise RefusedError for a certificate or a table that is missing or that cannot be used."""
    if options.tls_cert:
        certificates.need_pair(options.tls_cert, options.tls_key)
    for option, text in (
        ("--header-checks", options.header_checks),
        ("--body-checks", options.body_checks),
    ):
        path = text.partition(":")[2]
        if path.startswith("/") and not os.path.exists(path):  # noqa: PTH110
            raise RefusedError(f"{option} {path}: no such file", "write its rules there first")
        if text:
            # What it says of a mistake in the table, or a type that this Postfix has not.
            said = postfix.run(postfix.program("postmap"), "-q", "x", text).stderr.strip()
            if said:
                hint = f"postmap -q 'X-Test: x' {text} tries it"
                raise RefusedError(f"{option} {text}: {said.splitlines()[-1]}", hint)


def _places(site: ProvisionSite, design: InstanceDesign) -> Iterator[str]:
    for path in _directories(design):
        yield str(PurePosixPath(path).parent)
    yield site.default.directory
    yield STATE_DIRECTORY


def need_writable(filesystem: Filesystem, directory: str) -> None:
    """Raise RefusedError where nothing can be made in ``directory``, or where it would be."""
    path = PurePosixPath(directory)
    while not filesystem.is_directory(str(path)):
        path = path.parent
    if not os.access(filesystem.real(str(path)), os.W_OK):
        hint = f"mount -o remount,rw the file system that holds {path}"
        raise RefusedError(f"{path}: cannot be written to", hint)
