"""From an instance that is there to the declaration that makes it so. Pure.

What postwrap was asked for is declared as it was asked. All else that main.cf and master.cf state
is declared line by line, so that the same comes about on a host whose default instance is another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from postwrap.host.addresses import is_wildcard
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import is_safe
from postwrap.provision.again import Request, listing
from postwrap.provision.declaration import ENABLE, Declaration, DeclaredState
from postwrap.provision.design import reachable
from postwrap.provision.desired import MULTI, SettingKind, Value, parameter
from postwrap.provision.identity import IDENTITY
from postwrap.provision.named_files import NamedFile, named_files
from postwrap.provision.nexthop import next_hop
from postwrap.provision.options import CreateOptions, ListenAddress, RoleOptions, addresses
from postwrap.provision.ownership import Part
from postwrap.provision.roles import Role
from postwrap.provision.roles.content_filter import FILTER
from postwrap.provision.site import ProvisionSite


def exported(
    site: ProvisionSite, config: InstanceConfig, recorded: Request | None, role: str
) -> Declaration:
    """Return the declaration of ``config``.

    ``recorded`` is the request by which postwrap created it, None for none; ``role`` is the role
    that it has by postwrap, "" for none.
    """
    shared = RoleOptions(
        role=Role(role) if role else None,
        filter=_filter(site, config),
        next_hop=_next_hop(site, config),
        settings=dict(_settings(site, config)),
        services=_services(site, config),
    )
    options = CreateOptions(
        config.name,
        _addresses(config, recorded),
        queue_directory=config.queue_directory,
        data_directory=config.data_directory,
        syslog_name=_tag(config),
        group=config.settings.get("multi_instance_group", ""),
        postmulti=listing(site.default_config, config.directory) == MULTI,
        copied=False,
        shared=shared,
    )
    is_off = config.settings.get(ENABLE, "").lower() == "no"
    if config.running:
        return Declaration(options)
    if is_off:
        settings = {n: v for n, v in shared.settings.items() if n != ENABLE}
        stopped = replace(options, shared=replace(shared, settings=settings))
        return Declaration(stopped, DeclaredState.STOPPED)
    return Declaration(replace(options, start=False))


_ELSEWHERE = frozenset(("queue_directory", "data_directory", "multi_instance_group"))
"""The parameters that other keys declare."""
_KEPT = frozenset(
    ("multi_instance_directories", "alternate_config_directories", "multi_instance_wrapper")
)
"""What tells of other instances: it is of no use in a secondary one, and postwrap keeps it."""


def _tag(config: InstanceConfig) -> str:
    """Return the log tag that a key can declare, "" for none."""
    stated = config.settings.get("syslog_name", "")
    return stated if is_safe(stated) else ""


def _settings(site: ProvisionSite, config: InstanceConfig) -> Iterator[tuple[str, Value]]:
    """Yield the parameters to declare; what its role alone decides is not among them."""
    stated = config.settings
    usual = {"multi_instance_name": config.instance.service_name, ENABLE: "yes"}
    usual["syslog_name"] = _tag(config) or config.instance.service_name
    in_force = {
        claim.key.name: claim
        for claim in site.owned.of(config.directory)
        if (claim.key.kind, claim.key.place) == (SettingKind.PARAMETER, config.directory)
        and claim == site.owned.effective(claim.key)
        and claim.value == stated.get(claim.key.name)
    }
    by_role = {n for n, claim in in_force.items() if claim.part is Part.ROLE} - IDENTITY
    left_out = _ELSEWHERE | _KEPT | by_role
    for name, value in stated.items():
        if name not in left_out and usual.get(name) != value:
            yield name, value
    for name in dict.fromkeys((*usual, *in_force)):
        if name not in stated and name not in _ELSEWHERE:
            yield name, None


def _filter(site: ProvisionSite, config: InstanceConfig) -> str:
    """Return the content filter that the instance's role has the default instance use."""
    filtered = _by_role(site, config, "content_filter").partition(":")[2]
    return "" if filtered.replace("[", "").replace("]", "") == FILTER else filtered


def _next_hop(site: ProvisionSite, config: InstanceConfig) -> str:
    """Return the next hop that its role has the default instance use, "" for the usual one."""
    hop = _by_role(site, config, "relayhost") or _by_role(site, config, "smtp_fallback_relay")
    return "" if hop in {next_hop(endpoint) for endpoint in reachable(config)} else hop


def _by_role(site: ProvisionSite, config: InstanceConfig, name: str) -> str:
    """Return what the role of the instance sets in the default instance, "" for nothing."""
    key = parameter(site.default.directory, name)
    claims = site.owned.of(config.directory, Part.ROLE)
    return next((claim.value or "" for claim in claims if claim.key == key), "")


def _services(site: ProvisionSite, config: InstanceConfig) -> dict[str, str | None]:
    """Return the lines of master.cf by name/type, None for those that were asked to be gone."""
    there = {s.key: " ".join(s.line.split()) for s in config.services}
    asked = (
        claim.key.name
        for claim in site.owned.of(config.directory)
        if (claim.key.kind, claim.key.place) == (SettingKind.SERVICE, config.directory)
    )
    return {**dict.fromkeys(name for name in asked if name not in there), **there}


def _addresses(config: InstanceConfig, recorded: Request | None) -> tuple[ListenAddress, ...]:
    """Return where the instance listens; loopback where it listens nowhere else.

    As they were asked for, if they were; in the order of master.cf, in which a role names them.
    """
    found = [x.endpoint for x in config.listeners if not is_wildcard(x.address)]
    if recorded is not None:
        asked = addresses(filter(None, recorded.get("--address", "").split(", ")))
        hosts = [e.address for e in found]
        places = {host: hosts.index(host) for host in hosts}
        return tuple(sorted(asked, key=lambda a: places.get(a.host, len(places))))
    outside = [e for e in found if not e.address.is_loopback]
    return tuple(ListenAddress(e.address, e.port) for e in dict.fromkeys(outside or found))


def files_of(declared: Declaration) -> tuple[NamedFile, ...]:
    """Return the tables, keys and certificates that ``declared`` names."""
    return tuple(named_files(declared.options.shared.settings))
