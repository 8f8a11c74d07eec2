"""The new instance as it is to be: every setting decided, nothing done yet.

Pure: options and facts in, a draft out. What the command line leaves open is derived here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Entry, Facts
from postwrap.provision.listeners import (
    WILDCARDS,
    Endpoint,
    bracketed,
    is_ipv6,
    is_loopback,
    network,
    split_service,
)
from postwrap.provision.options import CreateOptions, Role, RoleOptions
from postwrap.provision.roles import RESTRICTIONS, Pair, Settings, Share, share

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
class Binding:
    """What becomes of one inet service of the copied master.cf.

    ``names`` are the endpoints it is to have instead of its own; none: the service goes.
    """

    entry: Entry
    names: tuple[str, ...]


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
    bindings = tuple(_bindings(options, source))
    endpoints = tuple(_endpoints(bindings))
    pair = Pair(
        options.name,
        endpoints,
        facts.default["smtp_helo_name"] or facts.default["myhostname"],
        receiving(facts, endpoints),
        facts.default.stated.get("receive_override_options", ""),
    )
    shared = share(options.shared, pair)
    dropped = {p: source.stated[p] for p in _entangled(options, source) if p in source.stated}
    own = _own(options, facts, source, directory, endpoints)
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
        _interfaces(facts, endpoints),
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


def _bindings(options: CreateOptions, source: Configured) -> Iterator[Binding]:
    """Yield what becomes of each inet service: one a port, bound to the addresses asked for."""
    if not options.addresses:
        return  # master_service_disable turns them off, where they are
    by_port: dict[int, Entry] = {}
    for entry in source.inet_services:
        host, _ = split_service(entry.name)
        if entry.port and not host.startswith(("127.", "localhost", "::1")):
            by_port.setdefault(entry.port, entry)
    names: dict[Entry, list[str]] = {entry: [] for entry in source.inet_services}
    for address in options.addresses:
        chosen = [address.port] if address.port else list(by_port)
        for port in chosen:
            model = by_port.get(port) or by_port.get(25)
            if not model:
                hint = "give --from an instance with an smtp service"
                raise RefusedError(f"{source.directory}/master.cf: has no smtp service", hint)
            service = split_service(model.name)[1] if model.port == port else str(port)
            names[model].append(f"{bracketed(address.host)}:{service}")
    yield from (Binding(entry, tuple(bound)) for entry, bound in names.items())


def _endpoints(bindings: tuple[Binding, ...]) -> Iterator[Endpoint]:
    for binding in bindings:
        for name in binding.names:
            host, service = split_service(name)
            port = Entry(service, "inet", False, "").port
            yield Endpoint(host, port or 0)


def receiving(facts: Facts, endpoints: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Return the addresses at which the default instance receives, those given away left out."""
    own = {endpoint.address for endpoint in endpoints}
    found: dict[str, None] = {}
    for endpoint in facts.default.endpoints:
        several = endpoint.address in WILDCARDS
        matching = [a for a in facts.addresses if is_ipv6(a) == is_ipv6(endpoint.address)]
        found |= dict.fromkeys(matching if several else [endpoint.address])
    return tuple(a for a in found if a not in own and not is_loopback(a))


def _interfaces(facts: Facts, endpoints: tuple[Endpoint, ...]) -> str:
    """Return the default's inet_interfaces without what it gives up, "" where it gives up nothing.

    ``all`` has to become a list: Postfix knows no "all but this".
    """
    given = {e.address for e in endpoints if any(e.overlaps(o) for o in facts.default.endpoints)}
    if not given:
        return ""
    told = facts.default["inet_interfaces"].replace(",", " ").split()
    explicit = [w for w in told if w.lower() not in {"all", "loopback-only"}]
    words = explicit if len(explicit) == len(told) else _spoken(facts)
    kept = [word for word in words if word.strip("[]") not in given]
    left = {e.address for e in facts.default.endpoints} - given - {*WILDCARDS}
    left |= {*kept} & {*facts.addresses}
    if any(map(is_loopback, given)) or all(map(is_loopback, left)):
        taken = " and ".join(sorted(given))
        hint = "give the new instance another address, or a port of its own: --address ADDRESS:PORT"
        raise RefusedError(f"{taken}: is what the default instance needs for itself", hint)
    return ", ".join(kept)


def _spoken(facts: Facts) -> list[str]:
    """Return the host's addresses of the families that the default instance speaks."""
    protocols = facts.default["inet_protocols"]
    families = {f for f in (4, 6) if "all" in protocols or f"ipv{f}" in protocols}
    return [a for a in facts.addresses if (6 if is_ipv6(a) else 4) in families]


def _own(
    options: CreateOptions,
    facts: Facts,
    source: Configured,
    directory: str,
    endpoints: tuple[Endpoint, ...],
) -> dict[str, str | None]:
    """Return the settings that make the instance one of its own."""
    last = PurePosixPath(directory).name
    public = source["myhostname"]
    name = options.shared.hostname or derived_hostname(options.name, public)
    made: dict[str, str | None] = {
        "queue_directory": options.queue_directory or _beside(facts, "queue_directory", options),
        "data_directory": options.data_directory or _beside(facts, "data_directory", options),
        "syslog_name": options.syslog_name or last,
        "multi_instance_name": last,
        "multi_instance_enable": "no",
        "myhostname": name,
        "mynetworks": options.shared.mynetworks or networks(facts, source, endpoints),
    }
    if options.group:
        made["multi_instance_group"] = options.group
    made |= names(options.shared, source, public, name)
    return made | _places(source, endpoints)


def derived_hostname(name: str, public: str) -> str:
    """Return a host name of its own for the instance ``name`` beside one called ``public``."""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "second"
    domain = public.partition(".")[2]
    return f"{label}.{domain}" if domain else f"{label}.{public}"


def names(
    options: RoleOptions, source: Configured, public: str, name: str
) -> dict[str, str | None]:
    """Return what keeps the public name where others see it, and its mail at home."""
    made: dict[str, str | None] = {}
    helo = options.helo_name or source["smtp_helo_name"] or public
    own_face = options.same_source_address and options.hostname
    if own_face and not options.helo_name:
        made["smtp_helo_name"] = None
    elif helo != name:
        made["smtp_helo_name"] = helo
    if source["myorigin"] == public:
        made["myorigin"] = public
    local = source.stated.get("mydestination", "$myhostname, localhost.$mydomain, localhost")
    if public in source["mydestination"].replace(",", " ").split() and "$myhostname" in local:
        made["mydestination"] = f"{local}, {public}"
    return made


def networks(facts: Facts, source: Configured, endpoints: tuple[Endpoint, ...]) -> str:
    """Return the source's mynetworks and the addresses from which its siblings may speak."""
    words = source["mynetworks"].replace(",", " ").split()
    siblings = (*(e.address for e in endpoints), *receiving(facts, endpoints))
    wanted = (network(a) for a in dict.fromkeys(siblings) if not is_loopback(a))
    return " ".join(dict.fromkeys((*words, *wanted)))


def _places(source: Configured, endpoints: tuple[Endpoint, ...]) -> dict[str, str | None]:
    """Return where it listens, and that this does not choose where it sends from.

    With one address in inet_interfaces Postfix would send from it (smtp(8)), reachable from
    outside or not; a wildcard in smtp_bind_address leaves it to the routing table.
    """
    if not endpoints:
        return {"inet_interfaces": "loopback-only", "master_service_disable": "inet"}
    addresses = list(dict.fromkeys(e.address for e in endpoints))
    made: dict[str, str | None] = {"inet_interfaces": ", ".join(addresses)}
    families = {is_ipv6(address) for address in addresses}
    if False in families:
        made["smtp_bind_address"] = "0.0.0.0"
    if True in families:
        made["smtp_bind_address6"] = "::"
    spoken = source["inet_protocols"]
    if any("all" not in spoken and ("ipv6" if f else "ipv4") not in spoken for f in families):
        made["inet_protocols"] = "all"
    return made


def _beside(facts: Facts, parameter: str, options: CreateOptions) -> str:
    return f"{facts.default[parameter].rstrip('/')}-{options.name}"


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
