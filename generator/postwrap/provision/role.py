"""Giving a role to an instance that exists: from facts and options to settings and steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.identity import derived_hostname, names, need_own_name, networks
from postwrap.provision.listeners import WILDCARDS, Endpoint, is_loopback
from postwrap.provision.options import RoleOptions
from postwrap.provision.recipe import claims, filter_steps, install, transport_step
from postwrap.provision.roles import Pair, Settings, Share, share
from postwrap.provision.service import Service
from postwrap.provision.sharing import receiving
from postwrap.provision.steps import Operation, Step, restores, set_parameters


@dataclass(frozen=True, slots=True)
class Change:
    """What an instance that exists, and the default one, are to be given."""

    instance: Configured
    second: Settings
    share: Share

    @property
    def first(self) -> Settings:
        """The default instance's settings."""
        return self.share.first


def change(options: RoleOptions, facts: Facts, instance: Configured) -> Change:
    """Return what ``options`` mean for ``instance``; RefusedError where it cannot be."""
    if instance.directory == facts.default.directory:
        hint = "name a second instance; postwrap list shows those there are"
        raise RefusedError(f"{instance.directory}: is the default instance", hint)
    endpoints = reachable(instance)
    default = facts.default
    public = default["smtp_helo_name"] or default["myhostname"]
    pair = Pair(
        instance.name,
        endpoints,
        public,
        receiving(facts, endpoints),
        default.stated.get("receive_override_options", ""),
        default["inet_protocols"],
    )
    shared = share(options, pair)
    wanted = {**_identity(options, facts, instance, endpoints), **shared.second}
    hostname = wanted.get("myhostname") or instance["myhostname"]
    need_own_name(options.role, hostname, default["myhostname"])
    return Change(instance, _differing(wanted, instance), shared)


def reachable(instance: Configured) -> tuple[Endpoint, ...]:
    """Return where ``instance`` can be spoken to: its addresses, loopback if there is no other."""
    named = [e for e in instance.endpoints if e.address not in WILDCARDS]
    return tuple(e for e in named if not is_loopback(e.address)) or tuple(named)


def _identity(
    options: RoleOptions, facts: Facts, instance: Configured, endpoints: tuple[Endpoint, ...]
) -> dict[str, str | None]:
    """Return the settings that make two instances speak to each other."""
    made: dict[str, str | None] = {}
    public = facts.default["myhostname"]
    clash = options.role is not None and instance["myhostname"] == public
    if clash or options.hostname:
        name = options.hostname or derived_hostname(instance.name, public)
        made |= {"myhostname": name, **names(options, facts.default, public, name)}
    elif options.helo_name:
        made["smtp_helo_name"] = options.helo_name
    if options.mynetworks:
        made["mynetworks"] = options.mynetworks
    elif options.role is not None:
        wanted = networks(facts, instance, endpoints)
        if wanted.split() != instance["mynetworks"].replace(",", " ").split():
            made["mynetworks"] = wanted
    return made


def _differing(wanted: Settings, instance: Configured) -> dict[str, str | None]:
    stated = instance.stated
    return {name: value for name, value in wanted.items() if stated.get(name) != value}


def role_steps(made: Change, facts: Facts, service: Service, *, wrapped: bool) -> tuple[Step, ...]:
    """Return the steps that make ``made`` so; ``wrapped``: it has commands, and manual pages."""
    default, instance = facts.default, made.instance
    first = _differing(made.first, default)
    reloads = (
        service.reload() if instance.running and made.second else None,
        facts.default_service.reload() if default.running and first else None,
    )
    steps = (
        *_settings("give it its settings", instance, made.second, reloads[0]),
        *((transport_step(default.directory, made.share.transport),) if _new(made, facts) else ()),
        *_share(default, made.first, reloads[1]),
        *_filter(made, facts),
        *(Step("let it be seen", reload) for reload in reloads if reload),
    )
    renewed = Step("let its manual page say so", install(instance.directory))
    return (*steps, renewed) if steps and wrapped else steps


def _new(made: Change, facts: Facts) -> bool:
    """Whether the default instance lacks the transport to the filter."""
    name = made.share.transport.partition(" ")[0]
    return bool(name) and all(service.name != name for service in facts.default.services)


def _filter(made: Change, facts: Facts) -> Iterator[Step]:
    return filter_steps(facts, made.instance.directory, made.share.forward)


def _settings(
    title: str, instance: Configured, settings: Settings, reload: Operation | None
) -> Iterator[Step]:
    if settings:
        undo: tuple[Operation, ...] = restores(instance.directory, settings, instance.stated)
        again = (reload,) if reload else ()
        yield Step(title, set_parameters(instance.directory, settings), (*undo, *again))


def _share(default: Configured, settings: Settings, reload: Operation | None) -> Iterator[Step]:
    """Yield what gives the default instance its part; what is so already is claimed with it."""
    if changed := _differing(settings, default):
        undo: tuple[Operation, ...] = claims(default.directory, settings, default.stated)
        again = (reload,) if reload else ()
        do = set_parameters(default.directory, changed)
        yield Step("give the default instance its share", do, (*undo, *again), lasting=True)
