"""The new instance as it is to be: every setting decided, nothing done yet.

Pure: options and facts in, a draft out. What the command line leaves open is derived here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.identity import own_settings
from postwrap.provision.listeners import (
    Endpoint,
)
from postwrap.provision.options import CreateOptions, Role
from postwrap.provision.roles import RESTRICTIONS, Pair, Settings, Share, share
from postwrap.provision.sharing import (
    Binding,
    bindings_of,
    bound_endpoints,
    receiving,
    remaining_interfaces,
)

_NOT_COPIED = (
    "multi_instance_directories",
    "alternate_config_directories",
    "multi_instance_wrapper",
    "multi_instance_group",
    "master_service_disable",
    "smtp_bind_address",
    "smtp_bind_address6",
)
"""What tells of the other instances, or of where the first one is."""

_LOOPS = ("content_filter", "smtpd_proxy_filter")
"""What would send the mail back to where it came from."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The instance to be made, and what the default one gives up or gets for it."""

    directory: str
    source: Configured
    parameters: Settings
    """The copy's main.cf; None takes a parameter out."""
    bindings: tuple[Binding, ...]
    overrides: Mapping[str, str | None]
    """The copy's master.cf: what becomes of the -o settings of its services."""
    endpoints: tuple[Endpoint, ...]
    interfaces: str
    """The default instance's inet_interfaces without the new one's addresses; "" leaves it."""
    share: Share
    dropped: Mapping[str, str]
    """What stood in the way of two instances working together, and went."""

    def __getitem__(self, parameter: str) -> str:
        return self.parameters.get(parameter) or ""


def draft(options: CreateOptions, facts: Facts) -> Draft:
    """Return the instance that ``options`` ask for; RefusedError where it cannot be."""
    base = PurePosixPath(facts.default.directory)
    directory = f"{base}-{options.name}"
    source = _source(options, facts)
    bindings = tuple(bindings_of(options, source))
    endpoints = tuple(bound_endpoints(bindings))
    pair = Pair(
        options.name,
        endpoints,
        facts.default["smtp_helo_name"] or facts.default["myhostname"],
        receiving(facts, endpoints),
        facts.default.stated.get("receive_override_options", ""),
    )
    shared = share(options.shared, pair)
    dropped = {p: source.stated[p] for p in _entangled(options, source) if p in source.stated}
    own = own_settings(options, facts, source, directory, endpoints)
    gone: dict[str, str | None] = dict.fromkeys((*_NOT_COPIED, *_stale(source), *dropped))
    parameters = {**gone, **own, **shared.second}
    stated = {n: v for n, v in parameters.items() if v is not None or n in source.stated}
    tag = own["syslog_name"] or ""
    return Draft(
        directory,
        source,
        stated,
        bindings,
        dict(_overrides(source, tag, bindings)),
        endpoints,
        remaining_interfaces(facts, endpoints),
        shared,
        dropped,
    )


def _source(options: CreateOptions, facts: Facts) -> Configured:
    wanted = options.source.rstrip("/") or facts.default.directory
    for instance in facts.instances:
        if instance.directory == wanted:
            return instance
    known = " or ".join(i.directory for i in facts.instances)
    raise RefusedError(f"--from {wanted}: is no instance of this host", f"there is {known}")


def _stale(source: Configured) -> list[str]:
    """Return what a copy must not state: an empty list of users would bar all submission."""
    stated = source.stated.get("authorized_submit_users")
    return ["authorized_submit_users"] if stated == "" else []


def _entangled(options: CreateOptions, source: Configured) -> Iterator[str]:
    """Yield the settings that protect a public port, or that a second instance would loop by."""
    yield from _LOOPS
    if options.shared.role is not Role.BACKUP_MX:
        yield from RESTRICTIONS
    if options.shared.role is None and options.addresses and "smtp_fallback_relay" in source.stated:
        own = {address.host for address in options.addresses}
        relays = source["smtp_fallback_relay"]
        if any(f"[{host}]" in relays for host in own):
            yield "smtp_fallback_relay"


def _overrides(
    source: Configured, tag: str, bindings: tuple[Binding, ...]
) -> Iterator[tuple[str, str | None]]:
    """Yield what becomes of the copy's -o settings: its tag in the log, no loops."""
    gone = {f"{b.entry.name}/inet" for b in bindings if b.entry.name not in b.names}
    for key, value in source.overrides.items():
        service, _, parameter = key.rpartition("/")
        if service in gone:
            continue  # bound anew, under other names; see the recipe
        if (changed := override(parameter, value, source["syslog_name"], tag)) != value:
            yield key, changed


def override(parameter: str, value: str, old_tag: str, tag: str) -> str | None:
    """Return what a -o setting is in the copy: the same, another value, or None for gone."""
    if parameter in _LOOPS:
        return None
    if parameter != "syslog_name" or "multi_instance_name" in value:
        return value
    rest = value.removeprefix(old_tag) if value.startswith(old_tag) else "/$service_name"
    return f"{tag}{rest}"
