"""From a host to its model: the one module that reads files, /proc, Postfix, DNS and units."""

from __future__ import annotations

import grp
import pwd
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from postwrap.errors import described
from postwrap.filesystem import Filesystem
from postwrap.host import amavis, files, jails, mastercf, procfs, rights, rotation, tables, trust
from postwrap.host.addresses import Address, Destination
from postwrap.host.answers import ConfigurationCache
from postwrap.host.discovery import Discovery, registered_directories
from postwrap.host.inside import named_sockets
from postwrap.host.interfaces import host_addresses
from postwrap.host.model import (
    Alias,
    BootPlace,
    FileStatus,
    HostAddress,
    HostModel,
    InstanceConfig,
    MailOwner,
    Master,
)
from postwrap.host.naming import Instance, suffix_of
from postwrap.host.nexthops import hops
from postwrap.host.refused import CERTIFICATES
from postwrap.host.resolver import Resolver, host_names
from postwrap.host.table_files import named_tables
from postwrap.host.units import splits_at_blanks, units
from postwrap.postfix import Postfix, PostfixError

_REGISTERS = ("multi_instance_directories", "alternate_config_directories")
_OF_POSTFIX_SCRIPT = re.compile(r"postfix-script: |^chdir\(|^no Postfix |^No Postfix |^unable to ")
"""What postfix(1) and postfix-script say of directories; the rest is about main.cf."""
_SHARED = ("queue_directory", "data_directory")
_NAMES_OF_TABLES = 50
"""So many host names that an instance's tables give are looked up in DNS."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What a survey looks through; ``answers`` is what postconf said in former surveys.

    ``places`` is the next boot as postwrap's generator decides it, where that is installed.
    ``refusals`` is what postfix(1) said in this run of postwrap, by all that it hangs on here: one
    that makes many instances looks at the host after each, and postfix(1) starts eight processes.
    """

    filesystem: Filesystem
    postfix: Postfix
    answers: ConfigurationCache
    places: Mapping[str, BootPlace]
    refusals: dict[Hashable, str] = field(default_factory=dict)


def survey(doors: Doors, found: Discovery) -> HostModel:
    """Return the model of this host; what this user may not see is said in ``unseen``."""
    filesystem = doors.filesystem
    addresses = host_addresses()
    resolver = Resolver(host_names(files.text(filesystem, "/etc/hosts")))
    reader = _Reader(doors, addresses, resolver)
    known = [reader.try_to_read(instance) for instance in _instances(filesystem, found)]
    known = tables.with_answers(doors.postfix, _with_named_files(filesystem, known))
    masters = procfs.masters(filesystem)
    every = _with_state(filesystem, known, masters)
    registered = registered_directories(found.default_parameters)
    copies = tuple(copies_among(every, registered))
    instances = tuple(instance for instance in every if instance not in copies)
    returns = amavis.returns(filesystem)
    known_hosts = resolver.known(_next_hops(instances, returns))
    default = next((i for i in instances if i.is_default), None)
    settings = default.settings if default else {}
    return HostModel(
        instances=instances,
        copies=copies,
        is_root=procfs.sees_all(),
        addresses=addresses,
        device=procfs.default_device(filesystem),
        may_bind_any=procfs.may_bind_any(filesystem),
        sockets=tuple(procfs.sockets(filesystem)),
        masters=masters,
        names=resolver.names,
        known=known_hosts,
        unanswered=resolver.unanswered,
        registered=registered_directories({n: settings.get(n, "") for n in _REGISTERS}),
        registered_expanded=registered_directories(default.parameters if default else {}),
        units=units(filesystem, instances),
        splits_at_blanks=splits_at_blanks(filesystem),
        places=doors.places,
        jail_method=jails.jail_method(filesystem, default.queue_directory if default else ""),
        mail_owner=_mail_owner(default),
        table_types=doors.answers.table_types(doors.postfix, filesystem),
        filter_returns=returns,
        rotated=rotation.rotated(filesystem, {i.get("maillog_file") for i in instances}),
        amavis_directory=amavis.amavis_directory(filesystem),
        aliases=_aliases(filesystem, found),
        refusal=_refusal(doors.postfix, instances),
        failures=reader.failures,
        unseen=tuple(_unseen(instances, resolver.unanswered)),
    )


def _instances(filesystem: Filesystem, found: Discovery) -> list[Instance]:
    """Return the instances that are served, and those that are refused, the default one first."""
    default = found.default_parameters.get("config_directory", "")
    refused = [
        Instance(d, suffix_of(d), is_default=d == default)
        for d in found.refused
        if d not in found.aliases and _looks_like_one(filesystem, d)
    ]
    every = (*found.instances, *refused)
    return sorted(every, key=lambda i: (not i.is_default, i.directory))


def _looks_like_one(filesystem: Filesystem, directory: str) -> bool:
    """Whether ``directory``, which discovery refused, is an instance as far as can be seen."""
    try:
        found = (filesystem.is_file(f"{directory}/{name}") for name in ("main.cf", "master.cf"))
        return all(found)
    except PermissionError:
        return True


class _Reader:
    """Reads the configuration of one instance after the other, on one host."""

    def __init__(self, doors: Doors, addresses: Sequence[HostAddress], resolver: Resolver) -> None:
        self.doors = doors
        self.addresses = addresses
        self.resolver = resolver
        self.failures: dict[str, str] = {}
        self.rule = trust.judge(doors.filesystem)
        self.ports = mastercf.service_ports(files.text(doors.filesystem, "/etc/services"))

    def try_to_read(self, instance: Instance) -> InstanceConfig:
        """Return the configuration of ``instance``; ``failures`` tells of defects of postwrap."""
        try:
            return self._read(instance)
        except Exception as error:
            self.failures[instance.directory] = reason = described(error)
            return InstanceConfig(instance, f"cannot be looked at: {reason}")

    def _read(self, instance: Instance) -> InstanceConfig:
        """Return the configuration of ``instance``, its state aside."""
        filesystem, directory = self.doors.filesystem, instance.directory
        seen, unseen = files.statuses(filesystem, files.of_configuration(directory))
        bare = InstanceConfig(
            instance,
            faults=self._faults(directory),
            texts=files.texts(filesystem, directory),
            files=seen,
            unseen=unseen,
        )
        if bare.faults:
            return replace(bare, error=rights.told(bare.faults))
        try:
            return self._configured(bare)
        except PostfixError as error:
            return replace(bare, error=error.message)

    def _faults(self, directory: str) -> tuple[rights.Fault, ...]:
        """Return how others than root can change the configuration, as far as this user sees."""
        try:
            return trust.faults(self.doors.filesystem, directory, self.rule)
        except OSError:
            return ()

    def _configured(self, bare: InstanceConfig) -> InstanceConfig:
        """Return ``bare`` with what Postfix says of it; PostfixError where Postfix cannot."""
        doors, directory = self.doors, bare.directory
        said = doors.answers.configuration(
            doors.postfix, doors.filesystem, directory, is_default=bare.is_default
        )
        parameters = said.parameters
        queue, data = parameters.get("queue_directory", ""), parameters.get("data_directory", "")
        more, hidden = files.statuses(doors.filesystem, files.of_queue(queue, data))
        refusal = self._refusal(bare, parameters, more)
        services = tuple(
            mastercf.services(said.master, said.expanded, said.stated, parameters, self.ports)
        )
        resolve = self.resolver.resolve
        interfaces = mastercf.interfaces(parameters, self.addresses, resolve)
        usual = [a for found in interfaces.values() for a in found]
        configured = replace(
            bare,
            parameters=parameters,
            settings=said.settings,
            services=services,
            listeners=tuple(mastercf.listeners(services, parameters, usual, resolve)),
            interfaces=interfaces,
            unresolved=tuple(self._unresolved(interfaces)),
            warnings=said.warnings,
            files={**bare.files, **more},
            unseen=bare.unseen | hidden,
            refusal=refusal,
        )
        if configured.is_chrooted:
            return replace(configured, jail=jails.jail_files(doors.filesystem, queue))
        return configured

    def _refusal(
        self,
        bare: InstanceConfig,
        parameters: Mapping[str, str],
        queue: Mapping[str, FileStatus],
    ) -> str:
        """Return why postfix(1) will not act on an instance that its programs can read.

        PostfixError where they cannot read it. Only root may ask postfix(1).
        """
        postfix, directory = self.doors.postfix, bare.directory
        if not procfs.sees_all():
            postmap = f"{parameters['command_directory']}/postmap"
            if words := postfix.refusal(postmap, None if bare.is_default else directory):
                raise PostfixError(words)
            return ""
        key = (directory, *bare.texts.items(), *queue.items(), *self.addresses)
        if key not in self.doors.refusals:
            self.doors.refusals[key] = postfix.status(directory)
        words = self.doors.refusals[key]
        if words and not _OF_POSTFIX_SCRIPT.search(words):
            raise PostfixError(words)
        return words

    def _unresolved(self, interfaces: Mapping[str, Sequence[Address]]) -> Iterator[str]:
        """Yield the names without addresses; of those that DNS is silent about nothing is known."""
        late = self.resolver.late
        return (w for w, found in interfaces.items() if not found and w.lower() not in late)


def _with_named_files(
    filesystem: Filesystem, found: Sequence[InstanceConfig]
) -> list[InstanceConfig]:
    """Return the instances with the sockets that they name, also in the default one's queue.

    And with their certificates and lookup tables.
    """
    queue = next((i.queue_directory for i in found if i.is_default), "")
    looked = []
    for instance in found:
        paths = {path for s in named_sockets(instance) for path in (s.path, s.path_in(queue))}
        paths |= {path for name in CERTIFICATES for path in instance.words(name)}
        paths |= {path for t in named_tables(instance) for path in (t.path, t.file)}
        more, hidden = files.statuses(filesystem, sorted(paths))
        both = {**instance.files, **more}
        looked.append(replace(instance, files=both, unseen=instance.unseen | hidden))
    return looked


def _with_state(
    filesystem: Filesystem, found: Sequence[InstanceConfig], masters: tuple[Master, ...]
) -> list[InstanceConfig]:
    """Return the instances with their master(8); without root, not to see one tells nothing."""
    served = procfs.running(filesystem, {i.directory: i.queue_directory for i in found}, masters)
    stopped = False if procfs.sees_all() else None
    processes = procfs.service_processes(filesystem, served.values())
    return [
        replace(
            i,
            running=True,
            master=(master := served[i.directory]),
            processes=processes[master.pid],
            active=files.active_messages(filesystem, i.queue_directory),
        )
        if i.directory in served
        else replace(i, running=stopped)
        for i in found
    ]


def copies_among(
    instances: Sequence[InstanceConfig], registered: Sequence[str]
) -> Iterator[InstanceConfig]:
    """Yield those of ``instances`` that are mere copies: unregistered, all shared, not running."""
    owners = {name: Counter(i.get(name) for i in instances if not i.error) for name in _SHARED}
    for instance in instances:
        is_shared = all(
            instance.get(name) and owners[name][instance.get(name)] > 1 for name in _SHARED
        )
        is_own = instance.is_default or instance.directory in registered
        if is_shared and not is_own and not instance.running:
            yield instance


def _refusal(postfix: Postfix, instances: Sequence[InstanceConfig]) -> str:
    """Return why postmulti(1) refuses the instances, where somebody uses it: only root can ask."""
    default = next((i for i in instances if i.is_default), None)
    uses = default and (default.get("multi_instance_directories") or default.refusal)
    return postfix.instances_refusal() if uses and procfs.sees_all() else ""


def _mail_owner(default: InstanceConfig | None) -> MailOwner | None:
    """Return the user who owns the default instance's queue, None where there is no such user."""
    name = (default.get("mail_owner") if default else "") or "postfix"
    try:
        user = pwd.getpwnam(name)
        return MailOwner(name, user.pw_uid, grp.getgrgid(user.pw_gid).gr_name)
    except KeyError:
        return None


def _aliases(filesystem: Filesystem, found: Discovery) -> dict[str, Alias]:
    """Return the other names of directories, and whether each is a link that can go."""
    return {
        name: Alias(directory, filesystem.real(name).is_symlink())
        for name, directory in found.aliases.items()
    }


def _next_hops(
    instances: Iterable[InstanceConfig], returns: Iterable[Destination]
) -> Iterator[str]:
    """Yield the hosts that the instances and their filter hand mail to, as far as settings say."""
    for instance in instances:
        named: set[str] = set()
        for hop in hops(instance):
            if hop.answer and len(named) >= _NAMES_OF_TABLES:
                break
            if not hop.by_mx:
                named |= {hop.destination.host} if hop.answer else set()
                yield hop.destination.host
    for destination in returns:
        yield destination.host


def _unseen(instances: Iterable[InstanceConfig], unanswered: Iterable[str]) -> Iterator[str]:
    for instance in instances:
        yield from sorted(instance.unseen)
    for name in sorted(unanswered):
        yield f"the addresses of {name}, for DNS does not answer"
    if not procfs.sees_all():
        yield "which instances run, and which program holds a listening socket"
        yield "whether two queues hold the same messages"
