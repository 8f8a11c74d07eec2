"""The design: from what is asked for and a host to the settings that there shall be. Pure.

It decides for the secondary and for the default instance alike, and nothing is done yet. What the
command line leaves open is derived here. What a role wants does not hang on whether it is so
already, so that asking twice is asking once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from postwrap.errors import RefusedError
from postwrap.host.addresses import Endpoint, is_wildcard
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import Instance, suffix_of
from postwrap.provision.addresses import address_settings
from postwrap.provision.desired import (
    ALTERNATE,
    LISTS,
    MULTI,
    Desired,
    Key,
    ParameterValues,
    SettingKind,
    Value,
    element,
    parameters,
)
from postwrap.provision.filtering import filter_settings, need_own_transport
from postwrap.provision.identity import (
    OWN,
    config_directory,
    named_identity,
    named_tags,
    need_own_name,
    own_settings,
    role_identity,
)
from postwrap.provision.inside import bound, own_things
from postwrap.provision.leading import leading_here
from postwrap.provision.listening import (
    Binding,
    bindings_of,
    remaining_interfaces,
)
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.overrides import LOOPS, InstanceCopy, dropped, lines, overrides, retagged
from postwrap.provision.ownership import Part
from postwrap.provision.roles import Role
from postwrap.provision.roles.definition import RESTRICTIONS, RoleContext, Share
from postwrap.provision.roles.share import named_settings, share
from postwrap.provision.site import ProvisionSite, Side, receiving, side
from postwrap.provision.transports import bouncing

WRAPPER = "${command_directory}/postmulti -p --"
"""postmulti(1), as ``postmulti -e init`` sets it: postfix start acts on all instances."""

_RELAY = "smtpd_relay_restrictions"
_NOT_COPIED = (
    *LISTS,
    "multi_instance_wrapper",
    "multi_instance_group",
    "smtp_bind_address",
    "smtp_bind_address6",
)
"""What tells of the other instances, or of where the default one is."""


@dataclass(frozen=True, slots=True)
class Design:
    """What an instance and the default one shall have, by the part of the request that wants it.

    ``is_private``: it takes mail from this host and its networks alone; ``keeps_checks``: it has
    the checks of what strangers send, and may refuse this host's.
    """

    directory: str
    wanted: Mapping[Part, Desired]
    share: Share = field(default_factory=Share)
    is_private: bool = False
    keeps_checks: bool = False

    @property
    def keys(self) -> tuple[Key, ...]:
        """What is wanted to be set."""
        return tuple(key for desired in self.wanted.values() for key in desired)


@dataclass(frozen=True, slots=True)
class InstanceDesign(Design):
    """An instance to be made.

    ``parameters`` are those of the copy's main.cf that are not as in ``source``; ``overrides``
    tells what becomes of the -o settings in its master.cf, ``services`` what of its lines that are
    asked for by name, and ``lines`` has those that it has without; ``interfaces`` is the default
    instance's inet_interfaces without the new one's addresses, "" where it gives up none;
    ``dropped`` stood in the way of two instances working together. ``beneath`` are its parameters
    without role and options.
    """

    source: InstanceConfig = field(kw_only=True)
    parameters: ParameterValues = field(kw_only=True)
    bindings: tuple[Binding, ...] = ()
    overrides: ParameterValues = field(default_factory=dict)
    services: Mapping[str, Value] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    interfaces: str = ""
    dropped: Mapping[str, str] = field(default_factory=dict)
    beneath: ParameterValues = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return what the copy states of a parameter, "" where it does not."""
        return self.parameters.get(name, self.source.settings.get(name)) or ""

    def final(self, name: str) -> str:
        """Return the value of a parameter of the copy, expanded where its source has it so."""
        return (self.parameters[name] or "") if name in self.parameters else self.source.get(name)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it listens."""
        return tuple(endpoint for binding in self.bindings for endpoint in binding.endpoints)


@dataclass(frozen=True, slots=True)
class Move:
    """What declared addresses mean for an instance, whose ``config`` listens there by then.

    ``settings`` and ``services`` are wanted of it, and ``host`` of the default instance. Where it
    listens elsewhere now, ``without`` is the host without it, and ``interfaces`` is what is left to
    the default instance when it listens at ``endpoints``.
    """

    config: InstanceConfig
    settings: ParameterValues = field(default_factory=dict)
    services: ParameterValues = field(default_factory=dict)
    host: Desired = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    without: ProvisionSite | None = None
    interfaces: str = ""


def design_instance(options: CreateOptions, site: ProvisionSite) -> InstanceDesign:
    """Return the instance that ``options`` ask for; RefusedError where it cannot be."""
    directory = config_directory(site, options.name)
    source = source_of(options, site)
    bindings = tuple(bindings_of(options, source.config))
    endpoints = tuple(endpoint for binding in bindings for endpoint in binding.endpoints)
    given = _context(options.name, site, source, endpoints)
    shared = share(options.shared, given)
    need_own_transport(site.default_config, shared.transport)
    instance = Instance(directory, suffix_of(directory))
    own = own_settings(options, site, source, instance, endpoints)
    loops = _loops(source)
    checks = _checks_to_drop(options.shared.role, source) if options.copied else {}
    role = {**checks, **shared.secondary}
    asked = {
        **named_tags(options),
        **named_identity(options.shared, source),
        **named_settings(options.shared, given),
    }
    kept = own_things(source).joined(leading_here(site.model, source, endpoints))
    copying = {**_not_copied(source), **loops, **kept.settings}
    if not options.copied:
        own = {name: value for name, value in own.items() if name in OWN}
        copying = dict.fromkeys(source.config.settings)
    beneath = {**source.settings, **copying, **own, "multi_instance_enable": "yes"}
    stated = {**copying, **own, **role, **asked}
    is_private = _is_private(options.shared.role)
    hostname = stated.get("myhostname") or ""
    need_own_name(is_private, hostname, site.default.get("myhostname"))
    copied = source.config.settings
    copy = InstanceCopy(source, bindings, own["syslog_name"] or "", _checks(options.shared.role))
    edits = {**overrides(copy), **bound(kept.overrides, bindings)}
    beneath_lines = lines(source.config, bindings, edits) if options.copied else {}
    services = _services(options, beneath_lines, own["syslog_name"] or "")
    interfaces = remaining_interfaces(site, endpoints)
    bounced = bouncing(source) if options.shared.role else {}
    gone = {name: source.settings[name] for name in (*loops, *checks, *bounced)}
    return InstanceDesign(
        directory,
        {
            Part.INSTANCE: {
                **address_settings(options, site),
                **_registration(options, site, directory, interfaces),
            },
            Part.ROLE: _role_wants(shared, role, site, directory),
            Part.OPTIONS: _options_want(directory, asked, services),
        },
        shared,
        is_private,
        options.shared.role is not None and not is_private,
        source=source.config,
        parameters={n: v for n, v in stated.items() if v != copied.get(n)},
        bindings=bindings,
        overrides=edits if options.copied else {},
        services=services if options.copied else _only(source, services),
        lines=beneath_lines,
        interfaces=interfaces,
        dropped={}
        if not options.copied
        else {
            **{n: v for n, v in gone.items() if stated.get(n) != v},
            **dropped(copy),
            **kept.left_out,
        },
        beneath=beneath,
    )


def design_role(
    options: RoleOptions,
    site: ProvisionSite,
    config: InstanceConfig,
    *,
    whole: bool = False,
    copied: bool = True,
) -> Design:
    """Return what ``options`` mean for an instance that exists; RefusedError where it cannot be.

    ``whole``: what was asked for by name before counts no more. ``copied``: its names and checks
    come from a copy; else it has those that are asked for alone.
    """
    directory = config.directory
    if config.is_default:
        hint = "name a secondary instance; postwrap list shows those there are"
        raise RefusedError(f"{directory}: is the default instance", hint)
    instance, endpoints = side(config, site.owned), reachable(config)
    before = () if whole else site.owned.of(directory, Part.OPTIONS)
    named = {c.key.name: c.value for c in before if c.key.kind is SettingKind.PARAMETER}
    given = _context(config.name, site, instance, endpoints, named)
    shared = share(options, given)
    need_own_transport(site.default_config, shared.transport)
    asked = {**named_identity(options, site.default), **named_settings(options, given)}
    wanted: dict[Part, Desired] = {Part.OPTIONS: _options_want(directory, asked, options.services)}
    if options.role:
        identity = role_identity(options, site, instance, endpoints) if copied else {}
        # What somebody has made by hand keeps its checks.
        has_copies = copied and _is_ours(site, directory)
        checks = _checks_to_drop(options.role, instance) if has_copies else {}
        role: ParameterValues = {**identity, **checks, **shared.secondary}
        wanted[Part.ROLE] = _role_wants(shared, role, site, directory)
        final = {**role, **named, **asked}.get("myhostname") or config.get("myhostname")
        need_own_name(_is_private(options.role), final, site.default.get("myhostname"))
    is_private = _is_private(options.role)
    return Design(directory, wanted, shared, is_private, keeps_checks=not is_private)


def _is_ours(site: ProvisionSite, directory: str) -> bool:
    """Whether postwrap made the instance in ``directory``."""
    return any(site.owned.of(directory, Part.INSTANCE))


def _options_want(
    directory: str, asked: ParameterValues, services: ParameterValues
) -> dict[Key, Value]:
    """Return what is asked for by name: parameters, and lines of master.cf."""
    lines = {Key(SettingKind.SERVICE, directory, name): line for name, line in services.items()}
    return {**parameters(directory, asked), **lines}


def _services(options: CreateOptions, beneath: Mapping[str, str], tag: str) -> ParameterValues:
    """Return the lines of master.cf that are asked for, by name or with the log tag."""
    named = options.syslog_name
    return {**(retagged(beneath, tag, named) if named else {}), **options.shared.services}


def _only(source: Side, services: ParameterValues) -> ParameterValues:
    """Return what makes a copied master.cf one that has ``services`` alone."""
    there = {service.key: " ".join(service.line.split()) for service in source.config.services}
    asked = {name: line for name, line in services.items() if there.get(name) != line}
    return {**dict.fromkeys(name for name in there if name not in services), **asked}


def design_declared(options: CreateOptions, site: ProvisionSite, where: Move) -> Design:
    """Return all that an instance that exists shall have, as ``options`` ask for it.

    ``where`` is what their addresses mean. RefusedError where it cannot be. What only counts when
    it is made is not looked at.
    """
    config = where.config
    directory = config.directory
    is_ours = _is_ours(site, directory)
    design = design_role(options.shared, site, config, whole=True, copied=options.copied)
    beneath = side(config, site.owned)
    there = {
        name: site.owned.original(Key(SettingKind.SERVICE, directory, name), line) or ""
        for name, line in ((s.key, " ".join(s.line.split())) for s in config.services)
    }
    lines = {n: line for n, line in {**there, **where.services}.items() if line}
    services = {**where.services, **_services(options, lines, beneath.get("syslog_name"))}
    named = _options_want(directory, {**where.settings, **named_tags(options)}, services)
    wanted = {**design.wanted, Part.OPTIONS: {**named, **design.wanted[Part.OPTIONS]}}
    if not options.shared.role:
        checks = _checks_to_drop(None, beneath) if is_ours and options.copied else {}
        wanted[Part.ROLE] = parameters(directory, checks)
    if is_ours:
        wanted[Part.INSTANCE] = _registered(options, site, directory, where.host)
    return replace(design, wanted=wanted)


def _registered(
    options: CreateOptions, site: ProvisionSite, directory: str, host: Desired
) -> dict[Key, Value]:
    """Return what ``directory`` wants of the host, in the list that is asked for."""
    kept = {key: value for key, value in host.items() if key.kind is not SettingKind.ELEMENT}
    return {**kept, **_registration(options, site, directory, "")}


def reachable(config: InstanceConfig) -> tuple[Endpoint, ...]:
    """Return where ``config`` can be spoken to: its addresses, loopback if there is no other."""
    named = [x.endpoint for x in config.listeners if not is_wildcard(x.address)]
    return tuple(e for e in named if not e.address.is_loopback) or tuple(named)


def _context(
    name: str,
    site: ProvisionSite,
    secondary: Side,
    endpoints: tuple[Endpoint, ...],
    named: ParameterValues | None = None,
) -> RoleContext:
    public = receiving(site, (endpoint.address for endpoint in endpoints))
    return RoleContext(name, endpoints, site.default, secondary, public, named or {})


def _is_private(role: Role | None) -> bool:
    return role is not None and role.definition.is_private


def source_of(options: CreateOptions, site: ProvisionSite) -> Side:
    """Return what is copied; the default instance without what roles gave it."""
    wanted = options.source or site.default_config.directory
    for config in site.instances:
        if config.directory == wanted:
            return site.default if config.is_default else Side(config, config.settings)
    known = " or ".join(i.directory for i in site.instances)
    raise RefusedError(f"--from {wanted}: is not an instance of this host", f"there is {known}")


def _not_copied(source: Side) -> dict[str, Value]:
    """Return what a copy does not state as its source does."""
    made: dict[str, Value] = dict.fromkeys(_NOT_COPIED)
    if source.settings.get("authorized_submit_users") == "":
        made["authorized_submit_users"] = None  # an empty list would bar all submission
    names = {*source.settings, *source.config.settings}
    stated = source.config.settings
    back = {n: source.settings.get(n) for n in names if source.settings.get(n) != stated.get(n)}
    return {**back, **made}


def _checks(role: Role | None) -> tuple[str, ...]:
    """Return the parameters that are for strangers alone, and of no use in this role."""
    if role is None:
        return RESTRICTIONS
    return (*RESTRICTIONS, _RELAY) if role.definition.is_private else ()


def _checks_to_drop(role: Role | None, source: Side) -> dict[str, Value]:
    return {name: None for name in _checks(role) if name in source.settings}


def _loops(source: Side) -> dict[str, Value]:
    """Return the settings that a copy would loop by: they go."""
    return {name: None for name in LOOPS if name in source.settings}


def _role_wants(
    shared: Share, secondary: ParameterValues, site: ProvisionSite, directory: str
) -> dict[Key, Value]:
    default = site.default_config.directory
    return {
        **parameters(directory, secondary),
        **filter_settings(shared, site.model, default, directory),
        **parameters(default, shared.default),
    }


def _registration(
    options: CreateOptions, site: ProvisionSite, directory: str, interfaces: str
) -> dict[Key, Value]:
    """Return what makes ``directory`` known to the default instance."""
    default = site.default.directory
    stated: dict[str, Value] = {}
    if options.postmulti:
        wrapper = site.default.settings.get("multi_instance_wrapper")
        stated["multi_instance_wrapper"] = wrapper or WRAPPER
        stated["multi_instance_enable"] = "yes"
    if interfaces:
        stated["inet_interfaces"] = interfaces
    # The list comes last: with it, postfix(1) asks the wrapper for all instances.
    listed = element(default, MULTI if options.postmulti else ALTERNATE, directory)
    return {**parameters(default, stated), listed: directory}
