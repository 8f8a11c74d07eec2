"""Why an instance refuses what it is handed, or hands it back. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.host.addresses import split_transport
from postwrap.host.model import HostModel, InstanceConfig, Listener, TableAnswer
from postwrap.host.nexthops import Hop, edges, relay_clients
from postwrap.host.refused import refused, refused_to_filter
from postwrap.host.ways import (
    ALL,
    Obstacle,
    Sides,
    by_fallback,
    by_filter,
    by_relayhost,
    for_all,
    postconf,
    way_out,
)

_SMTP = 25
_LOCAL_CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains")
"""What goes before relay_domains: ADDRESS_CLASS_README."""
_BACKUP = "relay_domains"


def outbound(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield why the secondary does not relay all non-local mail of the default instance."""
    yield from way_out(sides, sides.default)
    yield from by_relayhost(sides)
    yield from spoken_to(host, sides)
    yield from way_out(sides, sides.secondary)
    yield from circle(host, sides)


def fallback_relay(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield why the secondary does not get what the default instance cannot deliver."""
    yield from way_out(sides, sides.default)
    yield from by_fallback(sides)
    yield from spoken_to(host, sides)
    yield from way_out(sides, sides.secondary)
    yield from circle(host, sides)


def content_filter(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield why mail does not go through the content filter, and then out by the secondary."""
    yield from by_filter(sides)
    yield from handed_back(host, sides)


def past_filter(sides: Sides) -> list[Obstacle]:
    """Return the services of port 25 that pass by the filter, where all do.

    Where one does, that may be meant: nobody asked that all mail is filtered.
    """
    servers = [s for s in sides.default.inet_services if s.port == _SMTP and not s.is_disabled]
    past = list(by_filter(sides))
    return past if len(past) == len(servers) else []


def handed_back(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield why the secondary does not take and pass on what the content filter hands back."""
    if listener := _listener(sides):
        yield from refused_to_filter(sides, listener)
    yield from way_out(sides, sides.secondary)
    yield from circle(host, sides)


def backup_mx(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield why the secondary does not relay for its domains."""
    yield from _for_domains(sides.secondary)
    yield from way_out(sides, sides.secondary, "relay_transport")


def spoken_to(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield why the secondary takes nothing from a service of the default instance's smtp(8)."""
    listener = _listener(sides)
    name, _ = split_transport(sides.default.get("default_transport"))
    is_there = any(s.name == name for s in sides.default.clients())
    clients = relay_clients(sides.default) if listener and is_there else []
    told: set[str] = set()
    for client in clients:
        assert listener
        found = [o for o in refused(host, sides, client, listener) if o.message not in told]
        told |= {obstacle.message for obstacle in found}
        yield from found


def _listener(sides: Sides) -> Listener | None:
    servers = sides.secondary.servers()
    place = sides.endpoint
    return next((x for x in servers if place and x.endpoint.overlaps(place)), None)


def circle(host: HostModel, sides: Sides) -> Iterator[Obstacle]:
    """Yield the next hops by which the secondary's mail comes back to the default instance.

    ``host`` has the two instances as ``sides`` has them.
    """
    default, secondary = sides.default, sides.secondary
    for edge in edges(host):
        pair = (edge.sender.directory, edge.receiver.directory)
        if pair != (secondary.directory, default.directory):
            continue
        if edge.hop.answer is None:
            yield _stated_circle(default, secondary, edge.hop)
        elif (edge.hop.answer.table, edge.hop.answer.result) == for_all(secondary):
            yield _given_circle(default, secondary, edge.hop.answer)


def _stated_circle(default: InstanceConfig, secondary: InstanceConfig, hop: Hop) -> Obstacle:
    where = f"{hop.override} in master.cf" if hop.override else "main.cf"
    message = (
        f"{hop.parameter} = {hop.destination.text} in {where} leads back to "
        f"{default.directory}: mail goes in a circle"
    )
    option = "-PX" if hop.override else "-X"
    remedy = postconf(secondary, option, f"{hop.override}/{hop.parameter}".lstrip("/"))
    return Obstacle(secondary.directory, hop.parameter, message, (remedy,), code="fallback-loop")


def _given_circle(
    default: InstanceConfig, secondary: InstanceConfig, answer: TableAnswer
) -> Obstacle:
    """Return the circle by what a table gives for all mail; by single domains it may be meant."""
    message = (
        f"{answer.parameter} = {answer.table} gives {answer.result} for {ALL}, which leads back "
        f"to {default.directory}: mail goes in a circle"
    )
    kept = [word for word in secondary.words(answer.parameter) if word != answer.table]
    remedy = postconf(secondary, "-e", f"{answer.parameter}={' '.join(kept)}")
    return Obstacle(secondary.directory, answer.parameter, message, (remedy,), code="fallback-loop")


def _for_domains(secondary: InstanceConfig) -> Iterator[Obstacle]:
    domains = secondary.words(_BACKUP)
    if not domains:
        message = f"{_BACKUP} is empty, so it receives mail for no other server's domain"
        asked = ("postwrap", "role", secondary.name, "backup-mx", "--relay-domains", "DOMAIN")
        yield Obstacle(secondary.directory, _BACKUP, message, (asked,), is_choice=True)
    for parameter in _LOCAL_CLASSES:
        words = secondary.words(parameter)
        stated = secondary.settings.get(parameter, "").replace(",", " ").split()
        for domain in (d for d in domains if d in words):
            message = f"{_BACKUP} has {domain}, and so has {parameter}: it is not relayed"
            kept = [w for w in (stated if domain in stated else words) if w != domain]
            remedy = postconf(secondary, "-e", f"{parameter}={', '.join(kept)}")
            yield Obstacle(secondary.directory, parameter, message, (remedy,), is_choice=True)
