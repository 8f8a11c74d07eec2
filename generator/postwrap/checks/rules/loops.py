"""Mail that goes from instance to instance in a circle, by settings and by tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.ways import without_hop
from postwrap.host.circles import Circle, circles
from postwrap.host.model import HostModel
from postwrap.host.nexthops import Edge, at

theme = Theme("relaying")

_FALLBACK = "smtp_fallback_relay"
_SHOWN = 3


@theme.rule(
    "fallback-loop",
    Severity.ERROR,
    "a fallback relay points back to the instance, at once or through others",
    "postconf(5) smtp_fallback_relay",
)
def fallback_loop(picture: Picture) -> Iterator[Hit]:
    """Yield circles of next hops with a fallback relay in them, each once."""
    seen = set()
    for circle in _certain(picture.host):
        way = _turned(circle.edges, _FALLBACK)
        members = frozenset(e.sender.directory for e in way)
        if way and members not in seen:
            seen.add(members)
            message = f"mail{_whose([circle.recipient])} goes in a circle: {_shown(way)}"
            yield Hit(way[-1].sender.directory, message, _cut(way[-1:]))


@theme.rule(
    "route-loop",
    Severity.ERROR,
    "next hops lead mail from instance to instance and back: a loop",
    "postconf(5) relayhost, transport_maps; transport(5)",
)
def route_loop(picture: Picture) -> Iterator[Hit]:
    """Yield circles without a fallback relay, those of one table's entries as one.

    Where one hop leads back by itself, that goes; of several only the administrator knows which.
    """
    known = [c for c in _certain(picture.host) if not _turned(c.edges, _FALLBACK)]
    alike: dict[frozenset[tuple[str, ...]], list[Circle]] = {}
    for circle in known:
        alike.setdefault(frozenset(map(_kind, circle.edges)), []).append(circle)
    for found in alike.values():
        way = found[0].edges
        domains = [c.recipient for c in found]
        message = f"mail{_whose(domains)} goes in a circle: {_shown(way)}"
        # One edge of each circle, at the same place.
        edges = [[e for c in found for e in c.edges if _kind(e) == _kind(edge)] for edge in way]
        if len(way) == 1:
            yield Hit(way[0].sender.directory, message, _cut(edges[0]))
            continue
        choices = (
            Choice(f"{own[0].sender.directory} is not to hand it to {_to(own)}", _cut(own))
            for own in edges
        )
        yield Hit(way[0].sender.directory, message, "", tuple(choices))


def _certain(host: HostModel) -> list[Circle]:
    """Return the circles without a place where two instances that run listen.

    Connections go to either there. Which of them is to listen is told first, and with that most
    circles are gone.
    """
    return [c for c in circles(host) if not any(_is_shared(host, edge) for edge in c.edges)]


def _is_shared(host: HostModel, edge: Edge) -> bool:
    found = [i.directory for i, _ in at(host, edge.address, edge.hop.port) if i.running]
    return len(set(found)) > 1


def _to(edges: list[Edge]) -> str:
    return edges[0].receiver.directory


def _kind(edge: Edge) -> tuple[str, ...]:
    hop = edge.hop
    table = hop.answer.table if hop.answer else ""
    return edge.sender.directory, edge.receiver.directory, hop.parameter, hop.override, table


def _turned(way: tuple[Edge, ...], parameter: str) -> tuple[Edge, ...]:
    """Return the circle ``way`` from a hop of ``parameter`` on, nothing where there is none."""
    starts = [n for n, edge in enumerate(way) if edge.hop.parameter == parameter]
    return (*way[starts[0] :], *way[: starts[0]]) if starts else ()


def _shown(way: Iterable[Edge]) -> str:
    return ", ".join(f"{edge.hop} of {edge.sender.directory}" for edge in way)


def _whose(names: list[str]) -> str:
    """Return whose mail it is: ``for example.org and 2 more``, nothing for all mail."""
    own = [name for name in dict.fromkeys(names) if name]
    if not own or "" in names:
        return ""
    more = f" and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
    spelt = [name if name.startswith("from ") else f"for {name}" for name in own[:_SHOWN]]
    return f" {', '.join(spelt)}{more}"


def _cut(edges: Iterable[Edge]) -> str:
    """Return the command by which the sender of ``edges`` takes these hops no more."""
    own = list(edges)
    sender = own[0].sender
    commands = dict.fromkeys(without_hop(sender, edge.hop) for edge in own)
    return remedies.both(*commands, remedies.reload(sender))
