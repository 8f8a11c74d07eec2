"""The two instances of a role as a design will have them, and whether it works then. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

from postwrap.errors import RefusedError
from postwrap.host.addresses import WILDCARDS, Address, Endpoint, split_transport
from postwrap.host.model import HostModel, InstanceConfig, Listener, Service
from postwrap.host.naming import Instance, suffix_of
from postwrap.host.ways import Obstacle, Sides
from postwrap.provision.design import Design, InstanceDesign
from postwrap.provision.desired import ParameterValues, SettingKind, Value, words_of
from postwrap.provision.listening import meant
from postwrap.provision.options import RoleOptions
from postwrap.provision.plan import SettingsPlan
from postwrap.provision.site import ProvisionSite
from postwrap.provision.transports import TRANSPORTS

_REFERENCE = re.compile(r"\$[({]?(\w+)[)}]?")
_DEPTH = 3
"""So often a value is expanded: what names a parameter that names a parameter."""


def need_workable(
    options: RoleOptions, site: ProvisionSite, design: Design, planned: SettingsPlan
) -> None:
    """Raise RefusedError where the role of ``options`` would not work once ``planned`` is done."""
    for found in obstacles(options, site, design, planned):
        hint = shlex.join(("postwrap", "check"))
        raise RefusedError(
            f"--role {options.role}: cannot work: {found.directory}: {found.message}",
            _remedy(options, site, design, found) or hint,
        )


def _remedy(options: RoleOptions, site: ProvisionSite, design: Design, found: Obstacle) -> str:
    """Return what takes ``found`` out of the way, in the instance that is copied if need be."""
    if found.parameter in options.settings:
        return f"leave --set {found.parameter} out"
    if found.parameter == "mynetworks" and options.mynetworks:
        return f"give --mynetworks one that holds {found.remedy[0][-1].rpartition(' ')[2]}"
    commands = found.remedy
    hop = split_transport(site.default.get("default_transport"))[1]
    if hop and (found.directory, found.parameter) == (site.default.directory, "default_transport"):
        # The same way out, by a parameter that a role takes over, and a copy has too.
        commands = (*commands, ("postconf", "-c", found.directory, "-e", f"relayhost={hop}"))
    if isinstance(design, InstanceDesign):
        source = design.source.directory
        commands = tuple(
            tuple(source if word == design.directory else word for word in command)
            for command in commands
        )
    return " && ".join(map(shlex.join, commands))


def obstacles(
    options: RoleOptions, site: ProvisionSite, design: Design, planned: SettingsPlan
) -> Iterator[Obstacle]:
    """Yield what keeps the role of ``options`` from working once ``planned`` is done."""
    if options.role:
        host, sides = prospect(site, design, planned)
        yield from options.role.definition.obstacles(host, sides)


def prospect(site: ProvisionSite, design: Design, planned: SettingsPlan) -> tuple[HostModel, Sides]:
    """Return the host once ``planned`` is done, and the two instances of the role in it."""
    changes = changes_in(planned, site.default.directory)
    default = edited(site.default_config, changes)
    if "inet_interfaces" in changes:
        default = with_interfaces(site, default, changes["inet_interfaces"] or "all")
    own = changes_in(planned, design.directory)
    if isinstance(design, InstanceDesign):
        default = with_interfaces(site, default, design.interfaces)
        secondary = _copied(design, own)
    else:
        there = site.model.of(design.directory)
        assert there is not None, design.directory
        secondary = edited(there, own)
    others = (i for i in site.model.instances if not i.is_default)
    kept = tuple(i for i in others if i.directory != design.directory)
    host = replace(site.model, instances=(default, secondary, *kept))
    return host, Sides(default, secondary, design.share.entry)


def changes_in(planned: SettingsPlan, directory: str) -> dict[str, Value]:
    """Return what ``planned`` changes in the main.cf of ``directory``."""
    kind = SettingKind.PARAMETER
    changes = planned.select(lambda key: (key.kind, key.place) == (kind, directory))
    return {change.key.name: change.value for change in changes}


def edited(config: InstanceConfig, changes: ParameterValues) -> InstanceConfig:
    """Return ``config`` with ``changes`` in its main.cf."""
    now = config.settings
    stated = {**now, **{n: v for n, v in changes.items() if v is not None}}
    settings = {n: v for n, v in stated.items() if changes.get(n, "") is not None}
    parameters = dict(config.parameters)
    for name, value in changes.items():
        if value != now.get(name):
            # What is no longer stated has Postfix's default; of most that is nothing.
            parameters[name] = TRANSPORTS.get(name, "") if value is None else value
    for name in changes:
        parameters[name] = _expanded(parameters.get(name, ""), parameters)
    # What a table gives holds as long as its parameter names it.
    now = config.parameters
    same = (a for a in config.answers if parameters.get(a.parameter) == now.get(a.parameter))
    return replace(config, settings=settings, parameters=parameters, answers=tuple(same))


def with_interfaces(
    site: ProvisionSite, default: InstanceConfig, interfaces: str
) -> InstanceConfig:
    """Return the default instance with these inet_interfaces, as it is now where ""."""
    if not interfaces:
        return default
    found = {word: _meant(site, word) for word in words_of(interfaces)}
    kept = [listener for listener in default.listeners if not listener.by_interfaces]
    shared = dict.fromkeys(x.service.key for x in default.listeners if x.by_interfaces)
    made = [
        Listener(Endpoint(address, service.port), service, by_interfaces=True)
        for service in default.services
        if service.key in shared and service.port
        for addresses in found.values()
        for address in addresses
    ]
    return replace(default, interfaces=found, listeners=(*kept, *made))


def _meant(site: ProvisionSite, word: str) -> tuple[Address, ...]:
    if word.lower() == "all":
        return WILDCARDS
    if word.lower() == "loopback-only":
        return tuple(a for a in site.addresses if a.is_loopback)
    return meant(site, word)


def _expanded(value: str, parameters: Mapping[str, str]) -> str:
    for _ in range(_DEPTH):
        value = _REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), value)
    return value


def _copied(design: InstanceDesign, own: ParameterValues) -> InstanceConfig:
    """Return the copy that ``design`` makes of its source."""
    instance = Instance(design.directory, suffix_of(design.directory))
    base = replace(design.source, instance=instance, master=None)
    made = edited(base, {**design.parameters, **own})
    bindings = {binding.service.key: binding for binding in design.bindings}
    services: list[Service] = []
    listeners: list[Listener] = []
    for service in made.services:
        if binding := bindings.get(service.key):
            # They keep the names of the source, where a remedy has to look for them.
            for name, endpoint in zip(binding.names, binding.endpoints, strict=True):
                services.append(_overridden(service, f"{name}/inet", design.overrides))
                listeners.append(Listener(endpoint, services[-1], by_interfaces=False))
        else:
            services.append(_overridden(service, service.key, design.overrides))
    return replace(made, services=tuple(services), listeners=tuple(listeners))


def _overridden(service: Service, key: str, overrides: ParameterValues) -> Service:
    """Return ``service`` with those of ``overrides`` that are for ``key``, its name in a copy."""
    options = dict(service.options)
    for place, value in overrides.items():
        name, _, parameter = place.rpartition("/")
        if name == key and value is None:
            options.pop(parameter, None)
        elif name == key:
            options[parameter] = value or ""
    return replace(service, options=options)
