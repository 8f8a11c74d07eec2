"""What stands against a draft, found before anything is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.provision import certificates, journal
from postwrap.provision.address import missing
from postwrap.provision.draft import Draft
from postwrap.provision.endpoints import configured_endpoints
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.listeners import Endpoint
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.recipe import building_site

_SOCKET_PATH = 107


def need_possible(
    options: CreateOptions, facts: Facts, draft: Draft, filesystem: Filesystem, postfix: Postfix
) -> None:
    """Raise RefusedError for the first thing that stands against ``draft``."""
    _need_new_name(facts, draft, filesystem)
    _need_addresses(options, facts, filesystem)
    _need_free_ports(facts, draft)
    need_files(options.shared, postfix)
    for place in _places(facts, draft):
        need_writable(filesystem, place)


def _need_new_name(facts: Facts, draft: Draft, filesystem: Filesystem) -> None:
    name = draft["multi_instance_name"]
    for instance in facts.others:
        if instance.directory == draft.directory:
            hint = "choose another name; postwrap list shows those there are"
            raise RefusedError(f"{draft.directory}: this instance exists", hint)
        if instance["multi_instance_name"] == name:
            message = f"multi_instance_name = {name}: is that of {instance.directory}"
            raise RefusedError(message, "choose another name")
    directories = (draft.directory, draft["queue_directory"], draft["data_directory"])
    for instance in facts.instances:
        for parameter in ("queue_directory", "data_directory"):
            if instance[parameter] in directories:
                message = f"{instance[parameter]}: is the {parameter} of {instance.directory}"
                raise RefusedError(message, f"choose another with --{parameter.replace('_', '-')}")
    for path in (*directories, building_site(draft.directory)):
        if filesystem.exists(path):
            raise RefusedError(f"{path}: exists already", "move it away, or choose another name")
        if not filesystem.is_directory(str(PurePosixPath(path).parent)):
            parent = PurePosixPath(path).parent
            raise RefusedError(f"{parent}: no such directory", f"mkdir -p {parent}")
    if len({*directories}) < len(directories):
        raise RefusedError("the directories are one and the same", "choose different ones")
    _need_apart(facts, directories)
    _need_short(draft)


def _need_apart(facts: Facts, directories: tuple[str, ...]) -> None:
    """Raise RefusedError where a directory would lie in another, of this instance or of any."""
    taken = [i[p] for i in facts.instances for p in ("queue_directory", "data_directory")]
    taken += [instance.directory for instance in facts.instances]
    for path in directories:
        for other in (*taken, *directories):
            if path.startswith(f"{other}/"):
                raise RefusedError(f"{path}: lies in {other}", "choose a directory of its own")


def _need_short(draft: Draft) -> None:
    """Raise RefusedError where the sockets in the queue directory had too long a path: unix(7)."""
    queue = draft["queue_directory"]
    longest = max((len(service.name) for service in draft.source.services), default=0)
    if len(f"{queue}/private/") + longest > _SOCKET_PATH:
        hint = "choose a shorter name, or a shorter --queue-directory"
        raise RefusedError(f"{queue}: is too long a path for the sockets in it", hint)


def _need_addresses(options: CreateOptions, facts: Facts, filesystem: Filesystem) -> None:
    device = options.add_address
    if device and not filesystem.exists(f"/sys/class/net/{device}"):
        raise RefusedError(f"--add-address {device}: no such device", "ip link lists those here")
    if missing(options, facts) and not _is_up(filesystem, device):
        # Postfix does not see the addresses of such a device.
        raise RefusedError(f"--add-address {device}: is down", f"ip link set {device} up")
    for address in options.addresses:
        if not device and not facts.has_address(address.host):
            hint = "give --add-address DEV, or name one of " + ", ".join(facts.addresses)
            raise RefusedError(f"{address.host}: is no address of this host", hint)


def _is_up(filesystem: Filesystem, device: str) -> bool:
    """Whether ``device`` has the flag IFF_UP (netdevice(7))."""
    return bool(int(filesystem.read_text(f"/sys/class/net/{device}/flags"), 16) & 1)


def _need_free_ports(facts: Facts, draft: Draft) -> None:
    hint = "give another address, or a port of its own: --address ADDRESS:PORT"
    for endpoint in draft.endpoints:
        for instance in facts.others:
            if any(endpoint.overlaps(other) for other in instance.endpoints):
                raise RefusedError(f"{endpoint}: {instance.directory} listens there", hint)
        if any(endpoint.overlaps(other) for other in default_after(facts.default, draft, facts)):
            where = f"{facts.default.directory}/master.cf"
            raise RefusedError(f"{endpoint}: {where} gives it to the default instance", hint)
        for listener in facts.listeners:
            if listener.overlaps(endpoint):
                program = listener.program or "another program"
                raise RefusedError(f"{endpoint}: {program} listens at {listener.endpoint}", hint)


def default_after(default: Configured, draft: Draft, facts: Facts) -> list[Endpoint]:
    """Return where the default instance listens once it has given up its share."""
    parameters: Mapping[str, str] = default.parameters
    if draft.interfaces:
        parameters = {**parameters, "inet_interfaces": draft.interfaces}
    return list(configured_endpoints(parameters, default.services, facts.addresses))


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


def _places(facts: Facts, draft: Draft) -> Iterator[str]:
    for path in (draft.directory, draft["queue_directory"], draft["data_directory"]):
        yield str(PurePosixPath(path).parent)
    yield facts.default.directory
    yield journal.DIRECTORY


def need_writable(filesystem: Filesystem, directory: str) -> None:
    """Raise RefusedError where nothing can be made in ``directory``, or where it would be."""
    path = PurePosixPath(directory)
    while not filesystem.is_directory(str(path)):
        path = path.parent
    if not os.access(filesystem.real(str(path)), os.W_OK):
        hint = f"mount -o remount,rw the file system that holds {path}"
        raise RefusedError(f"{path}: cannot be written to", hint)
