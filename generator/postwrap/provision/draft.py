"""The new instance as it is to be: every setting decided, nothing done yet.

Pure: options and facts in, a draft out. What the command line leaves open is derived here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.identity import bounces, need_own_name, own_settings
from postwrap.provision.listeners import Endpoint
from postwrap.provision.options import CreateOptions, Role
from postwrap.provision.overrides import LOOPS, Copy, overrides
from postwrap.provision.overrides import dropped as dropped_overrides
from postwrap.provision.roles import PRIVATE, RESTRICTIONS, Pair, Settings, Share, share
from postwrap.provision.sharing import (
    Binding,
    bindings_of,
    bound_endpoints,
    receiving,
    remaining_interfaces,
)
from postwrap.provision.transport import need_own_transport

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
        facts.default["inet_protocols"],
        bounces(facts.default),
        source["smtpd_tls_security_level"],
    )
    shared = share(options.shared, pair)
    dropped = {p: source.stated[p] for p in _entangled(options, source) if p in source.stated}
    own = own_settings(options, facts, source, directory, endpoints)
    gone: dict[str, str | None] = dict.fromkeys((*_NOT_COPIED, *_stale(source), *dropped))
    parameters = {**gone, **own, **shared.second}
    dropped = {p: v for p, v in dropped.items() if parameters.get(p) != v}
    need_own_transport(facts.default, shared.transport)
    need_own_name(options.shared.role, parameters["myhostname"] or "", facts.default["myhostname"])
    stated = {n: v for n, v in parameters.items() if v is not None or n in source.stated}
    copy = Copy(source, bindings, own["syslog_name"] or "", _checks(options))
    return Draft(
        directory,
        source,
        stated,
        bindings,
        overrides(copy),
        endpoints,
        remaining_interfaces(facts, endpoints),
        shared,
        {**dropped, **dropped_overrides(copy)},
    )


def _source(options: CreateOptions, facts: Facts) -> Configured:
    wanted = options.source or facts.default.directory
    for instance in facts.instances:
        if instance.directory == wanted:
            return instance
    known = " or ".join(i.directory for i in facts.instances)
    raise RefusedError(f"--from {wanted}: is no instance of this host", f"there is {known}")


def _stale(source: Configured) -> list[str]:
    """Return what a copy must not state: an empty list of users would bar all submission."""
    stated = source.stated.get("authorized_submit_users")
    return ["authorized_submit_users"] if stated == "" else []


def _checks(options: CreateOptions) -> tuple[str, ...]:
    """Return the parameters that are for strangers alone."""
    if options.shared.role is Role.BACKUP_MX:
        return ()
    relay = ("smtpd_relay_restrictions",) if options.shared.role in PRIVATE else ()
    return (*RESTRICTIONS, *relay)


def _entangled(options: CreateOptions, source: Configured) -> Iterator[str]:
    """Yield the settings that protect a public port, or that a second instance would loop by."""
    yield from LOOPS
    yield from _checks(options)
    if options.shared.role in PRIVATE:
        # Debian's "Local only" bounces what is for elsewhere; such an instance is to send it.
        yield from bounces(source)
    if options.shared.role is None and options.addresses and "smtp_fallback_relay" in source.stated:
        own = {address.host for address in options.addresses}
        relays = source["smtp_fallback_relay"]
        if any(f"[{host}]" in relays for host in own):
            yield "smtp_fallback_relay"
