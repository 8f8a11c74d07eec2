"""What an instance is for, and what keeps it from that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host import reception
from postwrap.host.addresses import Endpoint
from postwrap.host.handback import filter_pairs
from postwrap.host.model import HostModel
from postwrap.host.nexthops import edges
from postwrap.host.refused import refused
from postwrap.host.ways import Obstacle, Sides

theme = Theme("roles")


@dataclass(frozen=True, slots=True)
class _Purpose:
    """What finds the obstacles of a role, and what is meant where an obstacle is to go."""

    look: Callable[[HostModel, Sides], Iterable[Obstacle]]
    meant: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A role that two instances have, and what keeps it from working."""

    sides: Sides
    obstacles: Iterable[Obstacle]
    meant: str


_PURPOSES: Mapping[str, _Purpose] = {
    "outbound": _Purpose(reception.outbound, "it is to relay all non-local mail of the default"),
    "fallback-relay": _Purpose(
        reception.fallback_relay, "it is to get what the default instance cannot deliver"
    ),
    "content-filter": _Purpose(
        reception.content_filter, "all mail is to go through the content filter"
    ),
    "backup-mx": _Purpose(reception.backup_mx, "it is to receive mail for those domains"),
}
_BY_PARAMETER = {"relayhost": "outbound", "smtp_fallback_relay": "fallback-relay"}
"""The roles that a next hop of the default instance tells of."""
_FILTER = "content-filter"


@theme.rule(
    "role-cut",
    Severity.ERROR,
    "an instance has a role that does not work: another setting goes before it",
    "postconf(5) relayhost, smtp_fallback_relay, content_filter, relay_domains; transport(5)",
)
def role_cut(picture: Picture) -> Iterator[Hit]:
    """Yield what cuts the way of mail from one instance to another, but for other rules' finds."""
    told: set[tuple[str, str, str]] = set()
    for found in (*_roles(picture), *_filters(picture), *_others(picture.host)):
        for obstacle in found.obstacles:
            key = (obstacle.directory, obstacle.parameter, obstacle.message)
            if not obstacle.code and key not in told:
                told.add(key)
                yield _hit(picture, found, obstacle)


def _hit(picture: Picture, found: _Found, obstacle: Obstacle) -> Hit:
    sides = found.sides
    instance = picture.host.of(obstacle.directory) or sides.default
    commands = (remedies.words(*command) for command in obstacle.remedy)
    remedy = remedies.both(*commands, remedies.reload(instance))
    name = sides.secondary.name
    message = f"{obstacle.message}; so {name} has no part in it"
    if obstacle.is_choice:
        return Hit(obstacle.directory, message, "", (Choice(f"{name}: {found.meant}", remedy),))
    return Hit(obstacle.directory, message, remedy)


def _roles(picture: Picture) -> Iterator[_Found]:
    """Yield the roles of the secondaries: by the default's next hops, and as recorded."""
    host = picture.host
    if host.default is None or host.default.error:
        return
    found: dict[tuple[str, str], Endpoint | None] = {}
    for edge in edges(host):
        role = _BY_PARAMETER.get(edge.hop.parameter)
        if role and edge.sender.is_default and not edge.receiver.is_default:
            place = Endpoint(edge.address, edge.listener.port)
            found.setdefault((edge.receiver.directory, role), place)
    for directory, role in picture.roles.items():
        if role not in _BY_PARAMETER.values() and role in _PURPOSES:
            found.setdefault((directory, role), None)
    for (directory, role), endpoint in found.items():
        secondary = host.of(directory)
        if secondary and not secondary.error:
            sides = Sides(host.default, secondary, endpoint)
            purpose = _PURPOSES[role]
            yield _Found(sides, purpose.look(host, sides), purpose.meant)


def _filters(picture: Picture) -> Iterator[_Found]:
    """Yield the instances on both sides of a content filter, whoever made them so."""
    host = picture.host
    purpose = _PURPOSES[_FILTER]
    for pair in filter_pairs(host):
        sides = Sides(pair.hop.sender, pair.receiver, pair.listener.endpoint)
        past = () if pair.hop.override else reception.past_filter(sides)
        yield _Found(sides, (*past, *reception.handed_back(host, sides)), purpose.meant)


def _others(host: HostModel) -> Iterator[_Found]:
    """Yield the instances that get mail by any other next hop: by a table, or a transport."""
    for edge in edges(host):
        if edge.sender is edge.receiver or edge.hop.client.command != "smtp":
            continue
        sides = Sides(edge.sender, edge.receiver, Endpoint(edge.address, edge.listener.port))
        obstacles = refused(host, sides, edge.hop.client, edge.listener)
        yield _Found(sides, obstacles, f"it is to take what {edge.sender.name} hands it")
