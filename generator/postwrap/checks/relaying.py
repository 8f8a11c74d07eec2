"""Fallback relays: they lead away from here, by the way that is meant, and soon enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.flows import Edge, edges, hops
from postwrap.checks.model import Hit, Severity, Theme

theme = Theme("relaying")

_FALLBACK = "smtp_fallback_relay"
_LIMITS = {"smtp_connect_timeout": 30, "smtp_data_done_timeout": 600}
"""The defaults, in seconds: postconf(5). What is shorter was thought of."""
_SHORT = {"smtp_connect_timeout": "10s", "smtp_data_done_timeout": "120s"}
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@theme.rule(
    "fallback-loop",
    Severity.ERROR,
    "a fallback relay points back to the instance, at once or through others",
    "postconf(5) smtp_fallback_relay",
)
def fallback_loop(facts: Facts) -> Iterator[Hit]:
    """Yield circles of next hops with a fallback relay in them, each once."""
    found = edges(facts)
    seen = set()
    for edge in found:
        circle = _circle(edge, found) if edge.hop.parameter == _FALLBACK else []
        members = frozenset(e.sender.directory for e in circle)
        if circle and members not in seen:
            seen.add(members)
            last = circle[-1]
            way = ", ".join(
                f"{e.hop.parameter} = {e.hop.destination.text} of {e.sender.directory}"
                for e in circle
            )
            message = f"mail goes in a circle: {way}"
            hop = last.hop
            commands = remedies.override(last.sender, hop.override, hop.parameter, _rest(last))
            remedy = remedies.both(commands, remedies.reload(last.sender))
            yield Hit(last.sender.directory, message, remedy)


def _rest(edge: Edge) -> str:
    """Return the parameter's value without the hop of ``edge``."""
    hop = edge.hop
    words = hop.sender.value(hop.client, hop.parameter).replace(",", " ").split()
    return ", ".join(word for word in words if word != hop.destination.text)


def _circle(start: Edge, found: list[Edge]) -> list[Edge]:
    """Return the shortest way from ``start`` back to its sender, nothing where there is none."""
    home = start.sender.directory
    ways = [[start]]
    visited = set()
    while ways:
        way = ways.pop(0)
        here = way[-1].receiver.directory
        if here == home:
            return way
        if here not in visited:
            visited.add(here)
            ways += [[*way, edge] for edge in found if edge.sender.directory == here]
    return []


@theme.rule(
    "fallback-by-mx",
    Severity.WARNING,
    "a fallback relay without brackets is looked up as a mail domain (MX)",
    "postconf(5) smtp_fallback_relay: [host] turns off MX lookups",
)
def fallback_by_mx(facts: Facts) -> Iterator[Hit]:
    """Yield fallback relays that mean the MX of a name, or of an address, where a host is meant."""
    for instance in facts.readable:
        meant: dict[str, dict[str, str]] = {}
        for hop in hops(instance):
            if hop.parameter == _FALLBACK and hop.destination.by_mx:
                port = f":{hop.destination.port}" if hop.destination.port else ""
                bracketed = f"[{hop.destination.host}]{port}"
                meant.setdefault(hop.override, {})[hop.destination.text] = bracketed
        for override, words in meant.items():
            yield _by_mx(instance, override, words)


def _by_mx(instance: InstanceFacts, override: str, words: dict[str, str]) -> Hit:
    client = next(c for c in instance.clients() if not override or c.key == override)
    value = instance.value(client, _FALLBACK)
    spelt = re.sub(r"[^\s,]+", lambda m: words.get(m[0], m[0]), value)
    first, bracketed = next(iter(words.items()))
    message = f"{_FALLBACK} = {value}: the MX of {first} is looked up; {bracketed} is the host"
    remedy = remedies.both(
        remedies.override(instance, override, _FALLBACK, spelt), remedies.reload(instance)
    )
    return Hit(instance.directory, message, remedy)


@theme.rule(
    "fallback-slow",
    Severity.NOTE,
    "a fallback relay is set, and the timeouts before it is tried are as long as ever",
    "postconf(5) smtp_connect_timeout, smtp_data_done_timeout",
)
def fallback_slow(facts: Facts) -> Iterator[Hit]:
    """Yield instances that hold a slow destination for minutes before they fall back."""
    for instance in facts.readable:
        overrides = dict.fromkeys(
            hop.client for hop in hops(instance) if hop.parameter == _FALLBACK
        )
        long: dict[tuple[str, str], str] = {}
        for client in overrides:
            for name, limit in _LIMITS.items():
                value = instance.value(client, name)
                if seconds(value) >= limit:
                    long[client.key if name in client.options else "", name] = value
        if long:
            listed = ", ".join(f"{name} = {value}" for (_, name), value in long.items())
            message = f"{_FALLBACK} is set, but a slow destination is waited for: {listed}"
            commands = [remedies.override(instance, s, n, _SHORT[n]) for s, n in long]
            remedy = remedies.both(*commands, remedies.reload(instance))
            yield Hit(instance.directory, message, remedy)


def seconds(value: str) -> int:
    """Return a time of main.cf in seconds, 0 where it is none."""
    match = re.fullmatch(r"(\d+)([smhdw]?)", value)
    return int(match[1]) * _UNITS[match[2]] if match else 0
