"""What proves that the two instances of a role work: what is asked of each of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.host.addresses import is_wildcard
from postwrap.host.model import InstanceConfig
from postwrap.host.nexthops import source
from postwrap.provision.design import Design, InstanceDesign, reachable
from postwrap.provision.desired import parameter, words_of
from postwrap.provision.engine.steps import Prove, Step
from postwrap.provision.plan import SettingsPlan
from postwrap.provision.site import ProvisionSite


def create_proof(design: InstanceDesign, site: ProvisionSite) -> Prove:
    """Return what proves that the new instance of ``design`` takes mail."""
    smtp: list[tuple[str, int]] = []
    others: list[tuple[str, int]] = []
    strict: list[tuple[str, int]] = []
    for binding in design.bindings:
        places = [(str(e.address), e.port) for e in binding.endpoints]
        if binding.service.is_smtp_server:
            smtp += places
            # Of what was turned off where it was copied nobody knows that it takes mail.
            is_open = binding.service.port == 25 and not binding.service.is_disabled
            strict += places if is_open and not design.keeps_checks else ()
        else:
            others += places
    return Prove(
        design.directory,
        tuple(smtp),
        tuple(others),
        design.is_private,
        tuple(strict),
        _first_domain(design.final("relay_domains")) if design.keeps_checks else "",
        _spoken_from(design, site),
    )


def role_proof(
    design: Design, site: ProvisionSite, config: InstanceConfig, planned: SettingsPlan
) -> Prove:
    """Return what proves that the instance serves its role; of wildcards nothing is tried."""
    smtp = {x.endpoint for x in config.listeners if x.service.is_smtp_server}
    found = [e for e in reachable(config) if e in smtp]
    entry = design.share.entry or design.share.forward
    now = config.get("relay_domains")
    domains = planned.value(parameter(config.directory, "relay_domains"), now) or ""
    return Prove(
        config.directory,
        tuple((str(e.address), e.port) for e in found),
        relays=design.is_private,
        strict=tuple((str(e.address), e.port) for e in found if e == entry),
        domain="" if design.is_private else _first_domain(domains),
        source=_spoken_from(design, site),
    )


def _spoken_from(design: Design, site: ProvisionSite) -> str:
    """Return the address that the default instance speaks from to the secondary, "" for any."""
    entry = design.share.entry
    clients = site.default_config.clients()
    if not entry or not clients:
        return ""
    found = source(site.model, site.default_config, clients[0], entry.address)
    is_here = found is not None and site.model.is_own(found)
    return str(found) if is_here and found != entry.address else ""


def _first_domain(domains: str) -> str:
    """Return the first domain of relay_domains that is spelled out, "" for none."""
    return next((w for w in words_of(domains) if not set(w) & set(":/!$")), "").lstrip(".")


def default_proof(design: Design, site: ProvisionSite, *, is_moved: bool) -> Iterator[Step]:
    """Yield what sees that the default instance still runs, and with a role, takes mail.

    ``is_moved``: it was stopped and started.
    """
    default = site.default_config
    if default.running and (is_moved or design.is_private):
        places = _own_door(site) if design.is_private else ()
        title = f"see that {default.name} still runs{' and takes mail' * bool(places)}"
        yield Step(title, Prove(default.directory, places))


def _own_door(site: ProvisionSite) -> tuple[tuple[str, int], ...]:
    """Return where this host speaks to the default instance: at loopback, if it listens there."""
    found = [x.endpoint for x in site.default_config.listeners if x.service.is_smtp_server]
    own = [e for e in found if e.address.is_loopback or is_wildcard(e.address)] or found
    first = next((e for e in own if e.port == 25), None)
    if first is None:
        return ()
    loopback = "127.0.0.1" if first.address.version == 4 else "::1"
    host = loopback if is_wildcard(first.address) else str(first.address)
    return ((host, first.port),)
