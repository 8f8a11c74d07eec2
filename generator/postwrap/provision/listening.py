"""Who listens where: the new instance gets addresses, the default one gives them up. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postwrap.errors import RefusedError
from postwrap.host.addresses import (
    WILDCARDS,
    Address,
    Endpoint,
    address_of,
    bracketed,
    is_wildcard,
    split_service,
)
from postwrap.host.model import InstanceConfig, Service
from postwrap.provision.desired import ParameterValues, Value, words_of
from postwrap.provision.options import CreateOptions
from postwrap.provision.site import ProvisionSite, Side, speaks


@dataclass(frozen=True, slots=True)
class Binding:
    """What becomes of one inet service of the copied master.cf.

    ``names`` are what it is called instead, one an endpoint; none: the service goes.
    """

    service: Service
    names: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


def bindings_of(options: CreateOptions, source: InstanceConfig) -> Iterator[Binding]:
    """Yield what becomes of each inet service: one a port, bound to the addresses asked for."""
    if not options.addresses:
        return  # master_service_disable turns them off, where they are
    by_port = {service.port: service for service in reversed(_models(source))}
    found: dict[Service, dict[str, Endpoint]] = {service: {} for service in source.inet_services}
    for wanted in options.addresses:
        for port in [wanted.port] if wanted.port else [s.port for s in _models(source)]:
            model = by_port.get(port) or by_port.get(25)
            if not model or not port:
                hint = "give --from an instance with an smtp service"
                raise RefusedError(f"{source.directory}/master.cf: has no smtp service", hint)
            spelled = split_service(model.name)[1] if model.port == port else str(port)
            endpoint = Endpoint(wanted.host, port)
            found[model][f"{bracketed(wanted.host)}:{spelled}"] = endpoint
    for service, bound in found.items():
        yield Binding(service, tuple(bound), tuple(bound.values()))


def _models(source: InstanceConfig) -> Sequence[Service]:
    """Return the services to bind: those that are on, all where none is; of loopback none."""
    services = [s for s in source.inet_services if s.port and not _is_inside(s.host)]
    chosen = [service for service in services if not service.is_disabled] or services
    first: dict[int | None, Service] = {}
    for service in chosen:
        first.setdefault(service.port, service)
    return tuple(first.values())


def _is_inside(host: str) -> bool:
    address = address_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def remaining_interfaces(site: ProvisionSite, endpoints: Sequence[Endpoint]) -> str:
    """Return the default's inet_interfaces without what it gives up, "" where it gives up nothing.

    ``all`` has to become a list: Postfix knows no "all but this". What it would have without
    other instances counts too: they may go before this one.
    """
    default = site.default_config
    here = {x.endpoint for x in default.listeners if x.by_interfaces}
    given = {e.address for e in endpoints if any(e.overlaps(other) for other in here)}
    if not given:
        usual = [Endpoint(a, e.port) for e in here for a in _usual_interfaces(site)]
        is_claimed = any(e.overlaps(other) for e in endpoints for other in usual)
        return default.settings.get("inet_interfaces", "") if is_claimed else ""
    kept = list(_kept(site, given))
    own = {*site.addresses}
    left = {x.address for x in default.listeners if not is_wildcard(x.address)} - given
    left |= {address for word in kept if (address := address_of(word)) in own and address}
    # 127.0.0.1 and ::1, which interfaces have; the rest of 127.0.0.0/8 is anybody's.
    is_needed = any(address.is_loopback for address in given & own)
    if is_needed or all(address.is_loopback for address in left):
        taken = " and ".join(sorted(map(str, given)))
        hint = "give the new instance another address, or a port of its own: --address ADDRESS:PORT"
        raise RefusedError(f"{taken}: is what the default instance needs for itself", hint)
    return ", ".join(kept)


def default_endpoints(site: ProvisionSite, interfaces: str) -> Iterator[Endpoint]:
    """Yield where the default instance listens with these inet_interfaces, as now where ""."""
    for listener in site.default_config.listeners:
        if not interfaces or not listener.by_interfaces:
            yield listener.endpoint
            continue
        for word in words_of(interfaces):
            yield from (Endpoint(address, listener.port) for address in meant(site, word))


def _kept(site: ProvisionSite, given: set[Address]) -> Iterator[str]:
    """Yield the words of the default's inet_interfaces that are left to it.

    A name for what it gives up, its own perhaps, becomes the addresses that it keeps.
    """
    told = site.default_config.words("inet_interfaces")
    if any(word.lower() in {"all", "loopback-only"} for word in told):
        told = [str(address) for address in _spoken(site)]
    for word in told:
        own = meant(site, word)
        if given & {*own}:
            yield from (str(address) for address in own if address not in given)
        else:
            yield word


def meant(site: ProvisionSite, word: str) -> tuple[Address, ...]:
    """Return the addresses that a word of the default's inet_interfaces means."""
    literal = address_of(word)
    return site.default_config.interfaces.get(word) or ((literal,) if literal else ())


def _spoken(site: ProvisionSite) -> list[Address]:
    """Return the host's addresses of the families that the default instance speaks."""
    protocols = site.default_config.get("inet_protocols")
    return [address for address in site.addresses if speaks(protocols, address)]


def listening_settings(
    site: ProvisionSite, source: Side, endpoints: Sequence[Endpoint]
) -> dict[str, Value]:
    """Return where it listens, and that this does not choose where it sends from.

    With one address in inet_interfaces Postfix would send from it (smtp(8)), reachable from
    outside or not; a wildcard in smtp_bind_address leaves it to the routing table.
    """
    disabled = [w for w in source.words("master_service_disable") if not _is_inet(w)]
    if not endpoints:
        off = ", ".join((*disabled, "inet"))
        return {"inet_interfaces": "loopback-only", "master_service_disable": off}
    addresses = list(dict.fromkeys(e.address for e in endpoints))
    # 127.0.0.2 is every host's, but no interface has it, which inet_interfaces wants.
    here = site.addresses
    named = [str(a) for a in addresses if a in here or not a.is_loopback]
    made: dict[str, Value] = {
        "inet_interfaces": ", ".join(named) or "loopback-only",
        "master_service_disable": ", ".join(disabled) or None,
        **_senders(addresses),
    }
    if not all(speaks(source.get("inet_protocols"), address) for address in addresses):
        made["inet_protocols"] = "all"
    return made


def _senders(addresses: Sequence[Address]) -> ParameterValues:
    families = {address.version for address in addresses}
    parameters = {4: ("smtp_bind_address", "0.0.0.0"), 6: ("smtp_bind_address6", "::")}
    return dict(parameters[family] for family in sorted(families))


def _usual_interfaces(site: ProvisionSite) -> list[Address]:
    """Return what the default's inet_interfaces means where no instance has been given of it."""
    found: list[Address] = []
    for word in words_of(site.default.settings.get("inet_interfaces", "all")):
        found += WILDCARDS if word.lower() == "all" else site.model.resolve(word)
    return found


def _is_inet(word: str) -> bool:
    """Whether a word of master_service_disable is about services on the network."""
    return word.lstrip("!").rpartition("/")[2] == "inet"
