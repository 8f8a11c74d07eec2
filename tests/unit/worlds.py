"""Hosts made of dictionaries, for provisioning: no root, no Postfix, no files.

A World carries out the steps of a plan on itself, as postconf(1), cp(1), mv(1) and the like would,
and tells of itself as a HostModel.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

from postwrap.errors import RefusedError
from postwrap.host.addresses import Endpoint, address_of, split_service
from postwrap.host.model import (
    HeldSocket,
    HostAddress,
    HostModel,
    InstanceConfig,
    JailMethod,
    Listener,
    MailOwner,
    Service,
)
from postwrap.host.naming import Instance, suffix_of
from postwrap.provision.again import request_of, unreachable
from postwrap.provision.assigning import assigning_steps
from postwrap.provision.changing import plan_in_place
from postwrap.provision.creating import plan_in_copy, without_former
from postwrap.provision.declaration import Declaration, Declarations, DeclaredState
from postwrap.provision.declared_steps import declared_steps
from postwrap.provision.declaring import design_as_written, plan_in_whole
from postwrap.provision.design import design_instance, design_role
from postwrap.provision.engine.steps import (
    Operation,
    Prove,
    RemoveQueue,
    Rename,
    Requeue,
    Restore,
    Run,
    Step,
    Write,
)
from postwrap.provision.exporting import exported
from postwrap.provision.foresight import with_config
from postwrap.provision.ownership import Ownership
from postwrap.provision.plan import SettingsPlan
from postwrap.provision.preconditions import need_free_ports
from postwrap.provision.prospect import need_workable
from postwrap.provision.recipe import create_steps
from postwrap.provision.removal import Removal, final_steps, plan_absence, removal_steps
from postwrap.provision.roles.recorded import role_of
from postwrap.provision.site import ProvisionSite

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from postwrap.host.addresses import Address
    from postwrap.provision.again import Request
    from postwrap.provision.options import CreateOptions, RoleOptions

DEFAULT = "/etc/postfix"
DEFAULTS = {
    "inet_interfaces": "all",
    "inet_protocols": "all",
    "data_directory": "/var/lib/postfix",
    "default_transport": "smtp",
    "mydestination": "$myhostname, localhost.$mydomain, localhost",
    "mydomain": "example.com",
    "myhostname": "host.example.com",
    "mynetworks": "127.0.0.0/8",
    "myorigin": "$myhostname",
    "postscreen_cache_map": "btree:$data_directory/postscreen_cache",
    "queue_directory": "/var/spool/postfix",
    "relay_transport": "relay",
    "smtp_helo_name": "$myhostname",
    "syslog_name": "postfix",
}
SERVICES = (
    "smtp inet n - y - - smtpd",
    "pickup unix n - y 60 1 pickup",
    "smtp unix - - y - - smtp",
    "relay unix - - y - - smtp -o syslog_name=postfix/$service_name",
)
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}


@dataclass
class World:
    """A host: main.cf and master.cf by configuration directory, files, addresses."""

    main: dict[str, dict[str, str]] = field(default_factory=lambda: {DEFAULT: {}})
    master: dict[str, list[str]] = field(default_factory=lambda: {DEFAULT: [*SERVICES]})
    addresses: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(
            ("127.0.0.1", "88.198.105.204", "10.0.0.1", "10.0.0.2", "::1"), "lo"
        )
    )
    files: dict[str, str] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    amavis: str = ""
    owned: Ownership = field(default_factory=Ownership)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    sockets: list[HeldSocket] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    requests: dict[str, Request] = field(default_factory=dict)

    def snapshot(self) -> World:
        """What there is, without who wants it."""
        there = {directory for directory in self.stopped if directory in self.main}
        kept = replace(self, owned=Ownership(), commands=[], requests={}, stopped=there)
        return copy.deepcopy(kept)

    # -- told as a model

    def model(self) -> HostModel:
        """The model of this host."""
        places = sorted(self.main, key=lambda d: (d != DEFAULT, d))
        addresses = tuple(HostAddress(ip_address(a), d) for a, d in self.addresses.items())
        return HostModel(
            tuple(self.config(d) for d in places if not d.startswith("/etc/.")),
            addresses=addresses,
            sockets=tuple(self.sockets),
            jail_method=JailMethod("check"),
            mail_owner=MailOwner("postfix", 100, "postfix"),
            table_types=frozenset({"hash", "regexp", "texthash"}),
            amavis_directory=self.amavis,
        )

    def config(self, directory: str) -> InstanceConfig:
        """One instance of it."""
        stated = self.main[directory]
        parameters = {n: _expanded(n, {**DEFAULTS, **stated}) for n in {**DEFAULTS, **stated}}
        disabled = parameters.get("master_service_disable", "").replace(",", " ").split()
        services = tuple(_service(line, disabled) for line in self.master[directory])
        interfaces = {
            word: tuple(_meant(word, self.addresses))
            for word in parameters["inet_interfaces"].replace(",", " ").split()
        }
        return InstanceConfig(
            Instance(directory, suffix_of(directory), directory == DEFAULT),
            parameters=parameters,
            settings=dict(stated),
            services=services,
            listeners=tuple(_listeners(services, interfaces)),
            interfaces=interfaces,
            running=directory not in self.stopped,
        )

    def site(self) -> ProvisionSite:
        """What provisioning knows of it."""
        model = self.model()
        return ProvisionSite(model, model.instances[0], self.owned, dict(self.files))

    # -- requests

    def create(self, options: CreateOptions) -> list[Step]:
        """Make an instance; return the steps that were taken."""
        site = without_former(self.site(), options.name)
        design = design_instance(options, site)
        need_free_ports(site, design.endpoints, design.interfaces)
        planned = plan_in_copy(site, design)
        need_workable(options.shared, site, design, planned)
        self.requests[design.directory] = request_of(options)
        if not options.start:
            self.stopped.add(design.directory)
        return self._take(create_steps(options, site, design, planned), planned)

    def plan_role(self, name: str, options: RoleOptions) -> tuple[list[Step], SettingsPlan]:
        """The steps that give an instance a role."""
        site = self.site()
        config = site.model.of(f"{DEFAULT}-{name}")
        assert config
        design = design_role(options, site, config)
        planned = plan_in_place(site, design)
        need_workable(options, site, design, planned)
        steps = assigning_steps(design, site, config, planned, wrapped=False)
        return list(steps), planned

    def role(self, name: str, options: RoleOptions) -> list[Step]:
        """Give an instance a role; return the steps that were taken."""
        return self._take(*self.plan_role(name, options))

    def remove(self, name: str) -> list[Step]:
        """Remove an instance; return the steps that were taken."""
        site = self.site()
        config = site.model.of(f"{DEFAULT}-{name}")
        assert config
        planned = plan_absence(site, config.directory)
        removal = Removal(config, planned, ".removed", purge=True)
        taken = self._take((*removal_steps(removal, site), *final_steps(removal)), planned)
        self.stopped.discard(config.directory)
        return taken

    def declare(self, declared: Declaration, *, overwrites: bool = False) -> list[Step]:
        """Bring an instance to its declaration; return the steps that were taken."""
        directory = f"{DEFAULT}-{declared.name}"
        if declared.state is DeclaredState.ABSENT:
            return self.remove(declared.name) if directory in self.main else []
        request = declared.request()
        if directory not in self.main:
            return self.create(request)
        site = self.site()
        config = self.config(directory)
        if found := list(unreachable(request, config)):
            raise RefusedError(f"{directory}: {found}")
        design, where = design_as_written(request, site, directory)
        planned = plan_in_whole(site, design, overwrites=overwrites)
        config = replace(config, listeners=where.config.listeners)
        site = with_config(site, config)
        if planned.changes:
            need_workable(request.shared, site, design, planned)
        steps = declared_steps(
            design,
            site,
            config,
            planned,
            wrapped=False,
            runs=declared.runs,
            moves=where.without is not None,
        )
        self.requests[directory] = request_of(request)
        return self._take(steps, planned)

    def apply(self, declared: Iterable[Declaration], *, prunes: bool = False) -> list[Step]:
        """Bring about what is declared; return the steps that were taken."""
        names = [self.config(d).name for d in self.main if d != DEFAULT]
        ordered = Declarations(tuple(declared), prunes).whole(names)
        return [step for one in ordered for step in self.declare(one)]

    def export(self, name: str) -> Declaration:
        """The declaration of an instance that is there."""
        directory, site = f"{DEFAULT}-{name}", self.site()
        role = role_of(site.owned, directory)
        recorded = self.requests.get(directory)
        return exported(site, self.config(directory), recorded, str(role or ""))

    def _take(self, steps: Iterable[Step], planned: SettingsPlan) -> list[Step]:
        taken = list(steps)
        for step in taken:
            self.do(step.do)
        self.owned = planned.owned
        return taken

    # -- steps

    def do(self, operation: Operation) -> None:
        """Carry out an operation."""
        match operation:
            case Run():
                for argv in operation.commands:
                    self.commands.append(argv)
                    self._run(list(argv))
            case Write():
                assert operation.path not in self.files
                self.files[operation.path] = operation.content
            case Rename():
                self._rename(operation.source, operation.target)
            case Restore():
                self._restore(operation)
            case RemoveQueue():
                self.directories.discard(operation.path)
            case Prove() | Requeue():
                pass

    def undo(self, steps: Sequence[Step]) -> None:
        """Undo these steps, the last first."""
        for step in reversed(steps):
            for operation in step.undo:
                self.do(operation)

    def _restore(self, operation: Restore) -> None:
        if operation.directory not in self.main:
            return
        now = self.main[operation.directory].get(operation.parameter)
        if (now or "") == (operation.written or ""):
            self.do(operation.command(operation.before))

    def _rename(self, source: str, target: str) -> None:
        if source in self.main:
            assert target not in self.main
            self.main[target] = self.main.pop(source)
            self.master[target] = self.master.pop(source)
        elif source in self.directories:
            self.directories.remove(source)
            self.directories.add(target)

    def _run(self, argv: list[str]) -> None:
        match argv:
            case ["postconf", "-c", directory, option, *words]:
                self._postconf(directory, option, words)
            case ["cp", "-a", source, target] if source.endswith("/."):
                place = source.removesuffix("/.")
                self.main[target] = dict(self.main[place])
                self.master[target] = [*self.master[place]]
            case ["mkdir", "-m", _, path] | ["install", *_, path]:
                self.directories.add(path)
            case ["mkdir", "-p", path]:
                self.directories.add(path)
            case ["rm", _, *paths]:
                self._remove(paths)
            case ["ip", "address", "add", width, "dev", device, *_]:
                self.addresses[width.partition("/")[0]] = device
            case ["ip", "address", "del", width, "dev", _]:
                self.addresses.pop(width.partition("/")[0], None)
            case ["postfix", "-c", directory, "stop"]:
                self.stopped.add(directory)
            case ["postfix", "-c", directory, "start"]:
                self.stopped.discard(directory)
            case ["postfix" | "postwrap" | "sh" | "systemctl" | "rmdir" | "nmcli", *_]:
                pass
            case _:
                raise AssertionError(argv)

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.files.pop(path, None)
            self.directories.discard(path)
            for held in (self.main, self.master):
                for directory in [d for d in held if d == path or d.startswith(f"{path}/")]:
                    held.pop(directory)

    def _postconf(self, directory: str, option: str, words: list[str]) -> None:
        main, lines = self.main[directory], self.master[directory]
        for word in words:
            name, _, value = word.partition("=")
            match option:
                case "-e":
                    main[name] = value
                case "-X":
                    main.pop(name, None)
                case "-M":
                    lines[:] = [line for line in lines if _key(line) != name]
                    lines.append(value)
                case "-MX":
                    lines[:] = [line for line in lines if _key(line) != name]
                case "-F":
                    key = name.removesuffix("/service")
                    number = next(n for n, line in enumerate(lines) if _key(line) == key)
                    lines[number] = lines[number].replace(key.partition("/")[0], value, 1)
                case "-P" | "-PX":
                    _override(lines, name, value if option == "-P" else None)
                case _:
                    raise AssertionError(option)


def _override(lines: list[str], name: str, value: str | None) -> None:
    key, _, parameter = name.rpartition("/")
    number = next(n for n, line in enumerate(lines) if _key(line) == key)
    bare = re.sub(rf" -o {re.escape(parameter)}=\S*", "", lines[number])
    lines[number] = bare if value is None else f"{bare} -o {parameter}={value}"


def _key(line: str) -> str:
    return "/".join(line.split()[:2])


def _expanded(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name, "")
    for _ in range(3):
        value = re.sub(r"\$[({]?(\w+)[)}]?", lambda m: values.get(m[1], m[0]), value)
    return value


def _service(line: str, disabled: Sequence[str]) -> Service:
    words = line.split()
    port = words[0].rpartition(":")[2]
    number = PORTS.get(port) or (int(port) if port.isdigit() else None)
    given = [b for a, b in pairwise(words) if a == "-o"]
    options = dict(word.split("=", 1) for word in given)
    is_disabled = words[1] in disabled or f"{port}/{words[1]}" in disabled
    return Service(
        words[0],
        words[1],
        words[4] == "y",
        words[7],
        line,
        number if words[1] == "inet" else None,
        is_disabled,
        options,
        options,
    )


def _meant(word: str, addresses: Iterable[str]) -> Iterable[Address]:
    if word == "all":
        return (ip_address("0.0.0.0"), ip_address("::"))
    if word == "loopback-only":
        return (a for a in map(ip_address, addresses) if a.is_loopback)
    found = address_of(word)
    assert found
    return (found,)


def _listeners(
    services: Iterable[Service], interfaces: Mapping[str, tuple[Address, ...]]
) -> Iterable[Listener]:
    for service in services:
        if service.type != "inet" or not service.port or service.is_disabled:
            continue
        host = address_of(split_service(service.name)[0])
        where = [host] if host else [a for found in interfaces.values() for a in found]
        for address in where:
            yield Listener(Endpoint(address, service.port), service, by_interfaces=not host)


def endpoint(text: str) -> Endpoint:
    """The endpoint that ``text`` spells: 10.0.0.1:25."""
    host, _, port = text.rpartition(":")
    return Endpoint(address_of(host) or IPv4Address(0), int(port))
