"""How many messages went along each arrow of the map today, as the logs tell it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from postwrap.cli import logs
from postwrap.errors import Problem
from postwrap.host.interfaces import own_addresses
from postwrap.installation import Installation
from postwrap.logs.events import Event, EventKind, event_of
from postwrap.logs.lines import time_of
from postwrap.logs.sources import sources
from postwrap.logs.tags import Owned, Tags
from postwrap.logs.way import Links
from postwrap.views.flow import OUTSIDE, WORLD, Arrow, Flow

_RELAY = re.compile(r"(?P<name>[^\[]*)\[(?P<address>[^\]]+)\](?::(?P<port>\d+))?")
_WORDS = (b"status=sent", b": client=")


def counted_today(host: Installation, flow: Flow) -> tuple[dict[Arrow, int], list[Problem]]:
    """Return the recipients served along each arrow since midnight, and what hides a log.

    On an arrow from outside it is the messages that came.
    """
    tags = logs.tags_of(host, ())
    places, problems = sources(host.discovery.instances, tags.has)
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    links = Links(own_addresses())
    counts: Counter[Arrow] = Counter()
    for place in places:
        hits = place.search(_WORDS, ignores_case=False, since=midnight)
        for instance, line in _today((hit.text for hit in hits), tags, midnight):
            arrow = _arrow(flow, f"instance {instance.directory}", event_of(line), links)
            if arrow:
                counts[arrow] += 1
    problems += [problem for place in places for problem in place.obstacles]
    return counts, problems


def _today(texts: Iterator[str], tags: Tags, midnight: datetime) -> Iterator[Owned]:
    now = datetime.now()
    return (own for own in tags.owned(texts) if time_of(own[1], now) >= midnight)


def _arrow(flow: Flow, key: str, event: Event, links: Links) -> Arrow | None:
    """Return the arrow that ``event`` of the instance ``key`` went along, None for none known."""
    if event.kind is EventKind.CLIENT:
        came = [] if links.is_here(event.client) else flow.coming(key)
        return next((arrow for arrow in came if arrow.source == OUTSIDE.key), None)
    if event.kind is not EventKind.DELIVERY or event.status != "sent":
        return None
    leaving = flow.leaving(key)
    names = set(_names(event.relay))
    if found := next((arrow for arrow in leaving if arrow.relays & names), None):
        return found
    if "[" not in event.relay:
        return None
    return next((arrow for arrow in leaving if arrow.target == WORLD.key), None)


def _names(relay: str) -> Iterator[str]:
    """Yield what an arrow may call ``relay``: address and port, the host's name, a transport."""
    found = _RELAY.fullmatch(relay)
    if not found:
        yield relay
        return
    address = found["address"]
    if found["port"]:
        yield f"[{address}]:{found['port']}" if ":" in address else f"{address}:{found['port']}"
    yield found["name"].lower()
