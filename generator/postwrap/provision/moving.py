"""An instance that exists and gets other addresses. Pure.

What it listened at when it was made is beneath; other addresses are wanted by name, as any other
option is, so that they go back when nobody wants them any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from postwrap.errors import RefusedError
from postwrap.host import mastercf
from postwrap.host.model import InstanceConfig, Listener, Service
from postwrap.provision.again import elsewhere
from postwrap.provision.design import Move
from postwrap.provision.desired import (
    MAIN_CF,
    SettingKind,
    Value,
    parameter,
    words_of,
)
from postwrap.provision.foresight import foreseen_without
from postwrap.provision.identity import networks
from postwrap.provision.listening import (
    Binding,
    bindings_of,
    listening_settings,
    remaining_interfaces,
)
from postwrap.provision.options import CreateOptions
from postwrap.provision.ownership import Part
from postwrap.provision.removal import plan_absence
from postwrap.provision.site import ProvisionSite, side

_INTERFACES = "inet_interfaces"

_PORTS = {"smtp": 25, "smtps": 465, "submissions": 465, "submission": 587}
"""Names of ports that every host has, where known_tcp_ports (Postfix 3.6) does not tell."""


def move(options: CreateOptions, site: ProvisionSite, config: InstanceConfig) -> Move:
    """Return what the addresses of ``options`` mean for ``config``; RefusedError if they cannot be.

    Where master.cf is declared line by line, the lines say where it listens.
    """
    directory = config.directory
    claimed = {c.key: c.value for c in site.owned.of(directory, Part.INSTANCE)}
    base = _beneath(site, config)
    is_there = not any(elsewhere(options, config))
    is_usual = not any(elsewhere(options, base))
    if not options.copied or (is_there and is_usual):
        return Move(config, host=claimed)
    if not is_there and any(key.kind not in MAIN_CF for key in claimed):
        hint = f"postwrap remove {config.name} --requeue-to default, and apply again"
        message = f"{directory}: has an address that postwrap added, and cannot move"
        raise RefusedError(message, hint)
    bindings = tuple(bindings_of(options, base))
    endpoints = tuple(endpoint for binding in bindings for endpoint in binding.endpoints)
    found = Move(replace(config, listeners=_bound(bindings)), host=claimed, endpoints=endpoints)
    if not is_there:
        found = _from_elsewhere(found, site)
    if is_usual:
        return found
    beneath = side(config, site.owned)
    known = beneath.get("mynetworks")
    wanted = networks(site, known, endpoints)
    own = {"mynetworks": wanted} if wanted.split() != words_of(known) else {}
    return replace(
        found,
        settings={**listening_settings(site, beneath, endpoints), **own},
        services=_services(bindings),
    )


def _from_elsewhere(found: Move, site: ProvisionSite) -> Move:
    """Return ``found`` with what the instance wants of the default instance where it goes."""
    directory = found.config.directory
    gone = plan_absence(site, directory)
    without = foreseen_without(site, directory, gone)
    for endpoint in found.endpoints:
        if not site.model.is_own(endpoint.address):
            known = ", ".join(map(str, site.addresses))
            message = f"{endpoint.address}: is not an address of this host"
            raise RefusedError(message, f"name one of {known}")
    interfaces = remaining_interfaces(without, found.endpoints)
    key = parameter(site.default.directory, _INTERFACES)
    host = {k: value for k, value in found.host.items() if k != key}
    if interfaces:
        host[key] = interfaces
    return replace(found, host=host, without=without, interfaces=interfaces)


def _bound(bindings: Sequence[Binding]) -> tuple[Listener, ...]:
    return tuple(
        Listener(endpoint, binding.service, by_interfaces=False)
        for binding in bindings
        for endpoint in binding.endpoints
    )


def _services(bindings: Sequence[Binding]) -> dict[str, Value]:
    """Return the lines of master.cf that change, by name/type."""
    made: dict[str, Value] = {}
    for binding in bindings:
        line, old = " ".join(binding.service.line.split()), binding.service.name
        if old not in binding.names:
            made[binding.service.key] = None
        for name in binding.names:
            if name != old:
                made[f"{name}/inet"] = line.replace(old, name, 1)
    return made


def _beneath(site: ProvisionSite, config: InstanceConfig) -> InstanceConfig:
    """Return ``config`` with the services, and where they listen, that it had when it was made."""
    services = {service.key: service for service in config.services}
    before: dict[str, Value] = {}
    for claim in site.owned.of(config.directory, Part.OPTIONS):
        key = claim.key
        if (key.kind, key.place) == (SettingKind.SERVICE, config.directory):
            before[key.name] = claim.before
    found = {n: service for n, service in services.items() if before.get(n, "") is not None}
    for name, line in before.items():
        model = line and (_like(line, services) or _parsed(line, config))
        if line is not None and name not in found and model:
            own_name = name.rpartition("/")[0]
            port = mastercf.port_number(own_name.rpartition(":")[2], config.parameters, _PORTS)
            found[name] = replace(model, name=own_name, line=line, port=port)
    beneath = side(config, site.owned).settings
    parameters = dict(config.parameters)
    parameters[_INTERFACES] = beneath.get(_INTERFACES, "all")
    disabled = words_of(beneath.get("master_service_disable", ""))
    own = tuple(
        replace(service, is_disabled=mastercf.is_disabled(key, disabled))
        for key, service in found.items()
    )
    interfaces = mastercf.interfaces(parameters, site.model.addresses, site.model.resolve)
    everywhere = [address for words in interfaces.values() for address in words]
    listeners = mastercf.listeners(own, parameters, everywhere, site.model.resolve)
    return replace(config, services=own, listeners=tuple(listeners))


def _parsed(line: str, config: InstanceConfig) -> Service | None:
    """Return the service of a line of master.cf that is not there any more."""
    name, kind, *words = line.split()
    pairs = (word.partition("=") for option, word in pairwise(words) if option == "-o")
    stated = {f"{name}/{kind}/{parameter}": value for parameter, _, value in pairs}
    return next(mastercf.services(line, stated, stated, config.parameters, _PORTS), None)


def _like(line: str, services: Mapping[str, Service]) -> Service | None:
    """Return a service that is as ``line`` but for its name."""
    rest = line.split()[1:]
    return next((s for s in services.values() if s.line.split()[1:] == rest), None)
