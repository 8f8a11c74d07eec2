"""Giving a role to an instance that exists: from facts and options to settings and steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.former import filter_back, first_back, second_back
from postwrap.provision.identity import bounces, derived_hostname, names, need_own_name, networks
from postwrap.provision.journal import Record
from postwrap.provision.listeners import WILDCARDS, Endpoint, is_loopback
from postwrap.provision.options import Role, RoleOptions
from postwrap.provision.recipe import claims, install
from postwrap.provision.roles import PRIVATE, Pair, Settings, Share, share
from postwrap.provision.service import Service
from postwrap.provision.sharing import receiving
from postwrap.provision.steps import Operation, Prove, Step, restores, run, set_parameters
from postwrap.provision.transport import filter_steps, need_own_transport, transport_step


@dataclass(frozen=True, slots=True)
class Past:
    """What is on record of the instance, and the default's settings that other instances want.

    Those are by directory and parameter.
    """

    record: Record | None = None
    others: Mapping[tuple[str, str], str] = field(default_factory=dict)


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class Change:
    """What an instance that exists, and the default one, are to be given."""

    instance: Configured
    second: Settings
    share: Share
    back: tuple[Step, ...] = ()
    """What takes a former role's filter away."""
    is_private: bool = False
    """Whether the role is one of an instance for this host alone."""

    @property
    def first(self) -> Settings:
        """The default instance's settings."""
        return self.share.first


def change(
    options: RoleOptions, facts: Facts, instance: Configured, past: Past = NO_PAST
) -> Change:
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
        bounces(default),
        instance["smtpd_tls_security_level"],
    )
    shared = share(options, pair)
    need_own_transport(default, shared.transport)
    is_private = options.role in PRIVATE
    wanted: dict[str, str | None] = dict.fromkeys(bounces(instance)) if is_private else {}
    wanted |= {**_identity(options, facts, instance, endpoints), **shared.second}
    back: tuple[Step, ...] = ()
    if options.role:
        wanted |= second_back(instance, default, pair, shared.second)
        shared, back = _in_its_place(options.role, facts, instance, shared, past)
    hostname = wanted.get("myhostname") or instance["myhostname"]
    need_own_name(options.role, hostname, default["myhostname"])
    return Change(instance, _differing(wanted, instance), shared, back, is_private)


def _in_its_place(
    role: Role, facts: Facts, instance: Configured, shared: Share, past: Past
) -> tuple[Share, tuple[Step, ...]]:
    """Return the share of ``role`` with a former one taken back, and what takes its filter away."""
    first = first_back(past.record, past.others, facts, shared.first)
    shared = replace(shared, first={**first, **shared.first})
    if role is Role.CONTENT_FILTER:
        return shared, ()
    return shared, tuple(filter_back(past.record, facts, instance.name, instance.directory))


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
        *made.back,
        *_looked_at(made, default, bool(first)),
        *(Step("let it be seen", reload) for reload in reloads if reload),
    )
    if steps and instance.running:
        steps = (*steps, Step("see that it runs, listens and takes mail", _proof(made)))
    renewed = Step("let its manual page say so", install(instance.directory))
    return (*steps, renewed) if steps and wrapped else steps


def _looked_at(made: Change, default: Configured, is_first_changed: bool) -> Iterator[Step]:
    """Yield what sees that a configuration that has changed still holds."""
    changed = ((made.instance, bool(made.second)), (default, is_first_changed))
    for directory in (instance.directory for instance, is_changed in changed if is_changed):
        yield Step("look for mistakes", run("postfix", "-c", directory, "check"))


def _proof(made: Change) -> Prove:
    """Return what proves that the instance serves its role; of wildcards nothing is tried."""
    smtp = made.instance.ports(smtp=True)
    where = [e for e in reachable(made.instance) if e.port in smtp]
    endpoints = tuple((e.address, e.port) for e in where)
    return Prove(made.instance.directory, endpoints, relays=made.is_private)


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
