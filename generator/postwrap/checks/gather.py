"""From a host to the facts that the rules judge: the one module here that looks."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from postwrap.assemble import Assembly, assemble
from postwrap.boot import Place
from postwrap.bundle import Artifact
from postwrap.checks import amavis, boot_facts, looking, network, services
from postwrap.checks.facts import Copy, Facts, FileFacts, InstanceFacts
from postwrap.checks.queues import PARTS, copies_among
from postwrap.discovery import registered_directories
from postwrap.filesystem import Filesystem
from postwrap.host import Host
from postwrap.install.plan import Action, Plan
from postwrap.instance import Instance, suffix_of
from postwrap.postfix import Postfix, PostfixError
from postwrap.status import Installed, installed, is_running

JAIL_FILES = ("etc/hosts", "etc/nsswitch.conf", "etc/resolv.conf", "etc/services")
"""What the resolver of a chrooted service reads; Debian copies these and some more."""

_FILLER = "/usr/lib/postfix/configure-instance.sh"
_GENERATORS = tuple(
    f"{place}/systemd/system-generators"
    for place in ("/run", "/etc", "/usr/local/lib", "/usr/lib", "/lib")
)
"""Where systemd looks for generators: systemd.generator(7)."""
_REGISTERS = ("multi_instance_directories", "alternate_config_directories")


def gather(host: Host) -> Facts:
    """Return the facts of ``host``; what this user may not see is said in ``unseen``."""
    postfix = host.postfix
    if postfix is None:
        raise TypeError("only the host itself can be checked: its programs are asked")
    net = network.look(host.source)
    assembly = assemble(host)
    planned = assembly.plan(host.manifest, host.destination, force=True)
    commands = _commands(host, assembly)
    found = tuple(
        _instance(host.source, postfix, i, net, commands.get(i.directory, Installed.INSTALLED))
        for i in _instances(host)
    )
    registered = registered_directories(host.discovery.default_parameters)
    copies = tuple(copies_among(found, registered))
    instances = tuple(instance for instance in found if instance not in copies)
    default = next((i for i in instances if i.instance.is_default), None)
    settings = default.settings if default else {}
    is_root = os.geteuid() == 0
    return Facts(
        instances=instances,
        copies=copies,
        is_root=is_root,
        owners=_owners(host.source, default),
        registered=registered_directories({n: settings.get(n, "") for n in _REGISTERS}),
        registered_expanded=registered_directories(default.parameters if default else {}),
        addresses=net.addresses,
        device=net.device,
        may_bind_any=net.may_bind_any,
        sockets=net.sockets,
        names=net.names,
        jail_filler=_jail_filler(host.source),
        filter_returns=amavis.returns(host.source),
        units=boot_facts.units(host.source, instances),
        places=_places(host),
        problems=assembly.problems,
        shared=tuple(_shared(host, planned)),
        left=tuple(c.path for c in planned.changes if c.action is Action.REMOVE),
        edited=frozenset(c.after.instance for c in planned.changes if c.after and c.keep_backup),
        install_options=tuple(host.layout.options.split()),
        unseen=tuple(_unseen(instances, is_root)),
    )


def _instances(host: Host) -> list[Instance]:
    """Return the instances that are served, and those that are refused, the default one first."""
    found = host.discovery
    default = found.default_parameters.get("config_directory", "")
    refused = [
        Instance(d, suffix_of(d), is_default=d == default)
        for d in found.refused
        if _looks_like_one(host.source, d)
    ]
    every = (*found.instances, *refused)
    return sorted(every, key=lambda i: (not i.is_default, i.directory))


def _places(host: Host) -> Mapping[str, Place]:
    """Return the places in the next boot, where postwrap's generator is there to give them."""
    directory = host.layout.systemd_generator
    is_there = host.source.is_file(f"{directory}/postwrap-generator")
    return host.places if directory in _GENERATORS and is_there else {}


def _shared(host: Host, planned: Plan) -> Iterator[str]:
    """Yield the files that are for all instances and out of date, if anything is installed."""
    for change in planned.changes if host.manifest.files else ():
        if change.after and not change.after.instance:
            yield change.path


def _owners(filesystem: Filesystem, default: InstanceFacts | None) -> frozenset[int]:
    """Return the user IDs that may own a configuration: root and mail_owner."""
    mail_owner = (default.get("mail_owner") if default else "") or "postfix"
    path = "/etc/passwd"
    lines = filesystem.read_text(path).splitlines() if filesystem.is_file(path) else []
    users = (line.split(":") for line in lines)
    return frozenset({0, *(int(u[2]) for u in users if u[0] == mail_owner)})


def _looks_like_one(filesystem: Filesystem, directory: str) -> bool:
    """Whether ``directory``, which discovery refused, is an instance as far as can be seen."""
    try:
        files = (filesystem.is_file(f"{directory}/{name}") for name in ("main.cf", "master.cf"))
        return not filesystem.real(directory).is_symlink() and all(files)
    except PermissionError:
        return True


def _commands(host: Host, assembly: Assembly) -> Mapping[str, Installed]:
    """Return how the wrappers of each instance that is served are installed.

    Their manual pages name settings, and are out of date with every edit of main.cf.
    """
    own: dict[str, list[Artifact]] = defaultdict(list)
    for artifact in assembly.bundle:
        if artifact.command and artifact.mode & 0o111:
            own[artifact.instance].append(artifact)
    return {d: installed(artifacts, host.destination) for d, artifacts in own.items()}


def _instance(
    filesystem: Filesystem,
    postfix: Postfix,
    instance: Instance,
    net: network.Network,
    commands: Installed,
) -> InstanceFacts:
    """Return the facts of one instance."""
    files, unseen = _files(filesystem, _configuration(instance.directory))
    directory = None if instance.is_default else instance.directory
    try:
        answers = postfix.ask(("-x",), ("-n",), ("-M",), ("-Px",), directory=directory)
    except PostfixError as error:
        return InstanceFacts(instance, error.message, files=files, unseen=unseen, commands=commands)
    expanded, raw, lines, overrides = answers.outputs
    parameters = dict(_pairs(expanded))
    queue = parameters.get("queue_directory", "")
    more, hidden = _files(filesystem, _queue(queue, parameters.get("data_directory", "")))
    interfaces = services.interfaces(parameters, net)
    running = is_running(filesystem, queue) and _is_its_own(filesystem, queue, instance.directory)
    offered = tuple(services.services(lines, dict(_pairs(overrides)), parameters))
    return InstanceFacts(
        instance,
        parameters=parameters,
        settings=dict(_pairs(raw)),
        services=offered,
        listeners=tuple(services.listeners(offered, parameters, net)),
        interfaces=tuple(a for found in interfaces.values() for a in found),
        unresolved=tuple(word for word, found in interfaces.items() if not found),
        warnings=answers.warnings,
        files=files | more,
        unseen=unseen | hidden,
        jail=_jail(filesystem, queue) if any(s.chroot for s in offered) else {},
        running=running,
        master=_master(filesystem, queue) if running else None,
        commands=commands,
    )


def _pairs(output: str) -> Iterator[tuple[str, str]]:
    for line in output.splitlines():
        name, equals, value = line.partition(" =")
        if equals:
            yield name.strip(), value.strip()


# Files.


def _configuration(directory: str) -> list[str]:
    parents = [str(parent) for parent in PurePosixPath(directory).parents]
    return [*parents, directory, f"{directory}/main.cf", f"{directory}/master.cf"]


def _queue(queue: str, data: str) -> list[str]:
    return [path for path in (queue, data) if path] + [f"{queue}/{part}" for part in PARTS]


def _files(
    filesystem: Filesystem, paths: Iterable[str]
) -> tuple[dict[str, FileFacts], frozenset[str]]:
    """Return the status of those of ``paths`` that exist, and those that may not be looked at."""
    files: dict[str, FileFacts] = {}
    unseen = set()
    for path in paths:
        try:
            status = filesystem.stat(path)
        except PermissionError:
            unseen.add(path)
        except OSError:
            continue
        else:
            files[path] = FileFacts(
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                identity=(status.st_dev, status.st_ino),
                is_directory=stat.S_ISDIR(status.st_mode),
            )
    return files, frozenset(unseen)


def _jail(filesystem: Filesystem, queue: str) -> dict[str, Copy]:
    """Return how the jail's copies stand of those files that the host has."""
    return {
        name: _copy(filesystem, f"/{name}", f"{queue}/{name}")
        for name in JAIL_FILES
        if filesystem.is_file(f"/{name}")
    }


def _copy(filesystem: Filesystem, original: str, copy: str) -> Copy:
    try:
        if not filesystem.is_file(copy):
            return Copy.MISSING
        is_same = filesystem.read_text(original) == filesystem.read_text(copy)
    except PermissionError:
        return Copy.UNSEEN
    return Copy.SAME if is_same else Copy.STALE


def _jail_filler(filesystem: Filesystem) -> str:
    """Return the script that fills a jail, "check" where ``postfix check`` does, or nothing.

    Debian 12 keeps postfix-script in /etc/postfix and its script takes an instance's name; Debian
    13 keeps it in /usr/lib and runs its script itself.
    """
    if not filesystem.is_file(_FILLER):
        return ""
    return _FILLER if "postmulti -i" in filesystem.read_text(_FILLER) else "check"


def _is_its_own(filesystem: Filesystem, queue: str, directory: str) -> bool:
    """Whether the master(8) that runs in ``queue`` is that of ``directory``.

    Of two instances with one queue directory only one has started it: postfix(1) leaves
    MAIL_CONFIG in its environment.
    """
    environment = looking.text(filesystem, f"/proc/{_master(filesystem, queue)}/environ")
    config = [x for x in environment.split("\0") if x.startswith("MAIL_CONFIG=")]
    return not config or config[0].removeprefix("MAIL_CONFIG=").rstrip("/") == directory


def _master(filesystem: Filesystem, queue: str) -> int | None:
    try:
        return int(filesystem.read_text(f"{queue}/pid/master.pid").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _unseen(instances: Iterable[InstanceFacts], is_root: bool) -> Iterator[str]:
    for instance in instances:
        yield from sorted(instance.unseen)
    if not is_root:
        yield "which instances run, and which program holds a listening socket"
