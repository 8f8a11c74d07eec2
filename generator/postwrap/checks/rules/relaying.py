"""Fallback relays: they lead by the way that is meant, and soon enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig
from postwrap.host.nexthops import hops
from postwrap.times import seconds_of

theme = Theme("relaying")

_FALLBACK = "smtp_fallback_relay"
_LIMITS = {"smtp_connect_timeout": 30, "smtp_data_done_timeout": 600}
"""The defaults, in seconds: postconf(5). What is shorter was thought of."""
_SHORT = {"smtp_connect_timeout": "10s", "smtp_data_done_timeout": "120s"}


@theme.rule(
    "fallback-by-mx",
    Severity.WARNING,
    "a fallback relay without brackets is looked up as a mail domain (MX)",
    "postconf(5) smtp_fallback_relay: [host] turns off MX lookups",
)
def fallback_by_mx(picture: Picture) -> Iterator[Hit]:
    """Yield fallback relays that mean the MX of a name, or of an address, where a host is meant."""
    for instance in picture.host.readable:
        meant: dict[str, dict[str, str]] = {}
        for hop in hops(instance):
            if hop.parameter == _FALLBACK and hop.destination.by_mx:
                port = f":{hop.destination.port}" if hop.destination.port else ""
                bracketed = f"[{hop.destination.host}]{port}"
                meant.setdefault(hop.override, {})[hop.destination.text] = bracketed
        for override, words in meant.items():
            yield _by_mx(instance, override, words)


def _by_mx(instance: InstanceConfig, override: str, words: dict[str, str]) -> Hit:
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
    "a fallback relay is set, and the timeouts before it is tried are still the defaults",
    "postconf(5) smtp_connect_timeout, smtp_data_done_timeout",
)
def fallback_slow(picture: Picture) -> Iterator[Hit]:
    """Yield instances that hold a slow destination for minutes before they fall back."""
    for instance in picture.host.readable:
        overrides = dict.fromkeys(
            hop.client for hop in hops(instance) if hop.parameter == _FALLBACK
        )
        long: dict[tuple[str, str], str] = {}
        for client in overrides:
            for name, limit in _LIMITS.items():
                value = instance.value(client, name)
                if (seconds_of(value) or 0) >= limit:
                    long[client.key if name in client.options else "", name] = value
        if long:
            listed = ", ".join(f"{name} = {value}" for (_, name), value in long.items())
            message = f"{_FALLBACK} is set, but a slow destination is waited for: {listed}"
            commands = [remedies.override(instance, s, n, _SHORT[n]) for s, n in long]
            remedy = remedies.both(*commands, remedies.reload(instance))
            yield Hit(instance.directory, message, remedy)
