"""From a host to the facts that the rules judge: the one module here that looks."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from postwrap.assemble import Assembly, assemble
from postwrap.boot import Place
from postwrap.bundle import Artifact
from postwrap.checks import amavis, boot_facts, files, looking, network, services
from postwrap.checks.addresses import Address, Destination
from postwrap.checks.facts import Alias, Facts, InstanceFacts
from postwrap.checks.flows import hops
from postwrap.checks.queues import copies_among
from postwrap.discovery import registered_directories
from postwrap.filesystem import Filesystem
from postwrap.host import Host
from postwrap.install.plan import Action, Plan
from postwrap.instance import Instance, suffix_of
from postwrap.layout import DEFAULT_PREFIX
from postwrap.postfix import Postfix, PostfixError
from postwrap.status import Installed, installed, is_running

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
    filter_returns = amavis.returns(host.source)
    known = net.resolver.known(_next_hops(instances, filter_returns))
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
        names=net.resolver.names,
        known=known,
        unanswered=net.resolver.unanswered,
        jail_filler=files.jail_filler(host.source),
        filter_returns=filter_returns,
        units=boot_facts.units(host.source, instances),
        places=_places(host),
        problems=assembly.problems,
        aliases=_aliases(host),
        shared=tuple(_shared(host, planned)),
        left=tuple(c.path for c in planned.changes if c.action is Action.REMOVE),
        edited=frozenset(c.after.instance for c in planned.changes if c.after and c.keep_backup),
        install_options=_install_options(host),
        unseen=tuple(_unseen(instances, is_root, net.resolver.unanswered)),
    )


def _instances(host: Host) -> list[Instance]:
    """Return the instances that are served, and those that are refused, the default one first."""
    found = host.discovery
    default = found.default_parameters.get("config_directory", "")
    refused = [
        Instance(d, suffix_of(d), is_default=d == default)
        for d in found.refused
        if d not in found.aliases and _looks_like_one(host.source, d)
    ]
    every = (*found.instances, *refused)
    return sorted(every, key=lambda i: (not i.is_default, i.directory))


def _aliases(host: Host) -> dict[str, Alias]:
    """Return the other names of directories, and whether each is a link that can go."""
    return {
        name: Alias(directory, host.source.real(name).is_symlink())
        for name, directory in host.discovery.aliases.items()
    }


def _install_options(host: Host) -> tuple[str, ...]:
    """Return what chooses the installation that mends; what a package brought stays as it is."""
    if host.layout.is_packaged:
        return (f"--prefix={DEFAULT_PREFIX}",)
    return tuple(host.layout.options.split())


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
    ids = (u[2] for u in users if u[0] == mail_owner and len(u) > 2)
    return frozenset({0, *(int(i) for i in ids if i.isdigit())})


def _looks_like_one(filesystem: Filesystem, directory: str) -> bool:
    """Whether ``directory``, which discovery refused, is an instance as far as can be seen."""
    try:
        files = (filesystem.is_file(f"{directory}/{name}") for name in ("main.cf", "master.cf"))
        return all(files)
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
    seen, unseen = files.status(filesystem, files.of_configuration(instance.directory))
    directory = None if instance.is_default else instance.directory
    texts = files.texts(filesystem, instance.directory)
    try:
        answers = postfix.ask(("-x",), ("-n",), ("-M",), ("-Px",), directory=directory)
        expanded, raw, lines, overrides = answers.outputs
        parameters = dict(_pairs(expanded))
        refusal = postfix.refusal(f"{parameters['command_directory']}/postmap", directory)
    except PostfixError as error:
        refusal = error.message
    if refusal:
        return InstanceFacts(
            instance, refusal, texts=texts, files=seen, unseen=unseen, commands=commands
        )
    queue = parameters.get("queue_directory", "")
    master = _master(filesystem, queue)
    data = parameters.get("data_directory", "")
    more, hidden = files.status(filesystem, files.of_queue(queue, data))
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
        unresolved=tuple(_unresolved(interfaces, net)),
        warnings=answers.warnings,
        texts=texts,
        files=seen | more,
        unseen=unseen | hidden,
        jail=files.jail(filesystem, queue) if any(s.chroot for s in offered) else {},
        running=running,
        master=master if running else None,
        called=looking.started_for(filesystem, master) if running else "",
        commands=commands,
    )


def _unresolved(interfaces: Mapping[str, Sequence[Address]], net: network.Network) -> Iterator[str]:
    """Yield the names without addresses; of those that DNS is silent about nothing is known."""
    for word, addresses in interfaces.items():
        if not addresses and word.lower() not in net.resolver.late:
            yield word


def _pairs(output: str) -> Iterator[tuple[str, str]]:
    for line in output.splitlines():
        name, equals, value = line.partition(" =")
        if equals:
            yield name.strip(), value.strip()


def _is_its_own(filesystem: Filesystem, queue: str, directory: str) -> bool:
    """Whether the master(8) that runs in ``queue`` is that of ``directory``, by whichever name.

    Of two instances with one queue directory only one has started it.
    """
    called = looking.started_for(filesystem, _master(filesystem, queue))
    known, _ = files.status(filesystem, (called, directory))
    is_same = len({known[d].identity if d in known else d for d in (called, directory)}) == 1
    return is_same or not called


def _master(filesystem: Filesystem, queue: str) -> int | None:
    try:
        return int(filesystem.read_text(f"{queue}/pid/master.pid").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _unseen(
    instances: Iterable[InstanceFacts], is_root: bool, unanswered: Iterable[str]
) -> Iterator[str]:
    for instance in instances:
        yield from sorted(instance.unseen)
    for name in sorted(unanswered):
        yield f"the addresses of {name}, for DNS does not answer"
    if not is_root:
        yield "which instances run, and which program holds a listening socket"


def _next_hops(
    instances: Iterable[InstanceFacts], filter_returns: Iterable[Destination]
) -> Iterator[str]:
    """Yield the hosts that the instances and their filter hand mail to, as far as settings say."""
    for instance in instances:
        for hop in hops(instance):
            if not hop.destination.by_mx:
                yield hop.destination.host
    for destination in filter_returns:
        yield destination.host
