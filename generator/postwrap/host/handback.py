"""What content filters hand back, and to which instance. Pure.

Their command line or configuration tells it, or that an instance is set up for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from postwrap.host.addresses import Destination, Endpoint, destination
from postwrap.host.model import HeldSocket, HostModel, InstanceConfig, Listener
from postwrap.host.nexthops import FILTER, Hop, at, hops, is_heard, port_of

AMAVISD = "amavisd"
_PLACE = re.compile(r"(?:^|[=,:])\[?(?P<host>[\w.-]+|[0-9a-fA-F:]+)\]?:(?P<port>\d{2,5})$")
"""A word of a command line that ends in HOST:PORT: ``--relayhost=127.0.0.1:10025``."""
_RETURN = re.compile(r"^-*\w*(?:relay|forward|next|return|output|upstream)", re.IGNORECASE)
"""An option that says where a filter hands mail on, and not whom it asks."""
_XFORWARD = "smtpd_authorized_xforward_hosts"
_OVERRIDES = "receive_override_options"
_BEHIND = frozenset({"no_unknown_recipient_checks", "no_header_body_checks", "no_milters"})
"""What need not be done behind a filter: postconf(5) receive_override_options."""


@dataclass(frozen=True, slots=True)
class Handback:
    """``program``, a content filter, hands what it has seen on to ``to``."""

    program: str
    to: Destination


@dataclass(frozen=True, slots=True)
class FilterPair:
    """Mail of ``hop.sender`` goes through a content filter, and is handed to ``receiver`` then."""

    hop: Hop
    receiver: InstanceConfig
    listener: Listener


def holder(host: HostModel, hop: Hop) -> HeldSocket | None:
    """Return who listens where ``hop`` goes, and is no instance; None for nobody known."""
    for address in host.resolve(hop.destination.host) if hop.port and not hop.by_mx else ():
        wanted = Endpoint(address, hop.port or 0)
        found = (h for h in host.foreign_sockets() if h.endpoint.overlaps(wanted))
        if host.is_own(address) and (held := next(found, None)):
            return held
    return None


def handbacks(host: HostModel, hop: Hop) -> list[Handback]:
    """Return where the filter of ``hop`` hands mail back, as far as anything tells.

    The command line of what listens there is looked at before amavisd's configuration.
    """
    held = holder(host, hop)
    if held:
        places = (d for word in held.arguments for d in _places(word))
        found = [d for d in places if _ends(host, d) and _differs(host, d, held.endpoint)]
        if found:
            return [Handback(held.program, d) for d in dict.fromkeys(found)]
    return [Handback(AMAVISD, d) for d in host.filter_returns]


def _places(word: str) -> Iterator[Destination]:
    if match := _PLACE.search(word):
        place = destination(f"[{match['host']}]:{match['port']}")
        yield from (place,) if place else ()


def _ends(host: HostModel, to: Destination) -> list[tuple[InstanceConfig, Listener]]:
    found = (end for a in host.resolve(to.host) for end in at(host, a, port_of(to)))
    return [end for end in found if end[1] in end[0].servers()]


def _differs(host: HostModel, to: Destination, own: Endpoint) -> bool:
    port = port_of(to) or 0
    return not any(own.overlaps(Endpoint(a, port)) for a in host.resolve(to.host))


def filter_pairs(host: HostModel) -> Iterator[FilterPair]:
    """Yield the instances on both sides of a content filter, where they are not one instance."""
    for instance in host.readable:
        for hop in hops(instance):
            if hop.parameter != FILTER or hop.by_mx or _is_an_instance(host, hop):
                continue
            known = [end for back in handbacks(host, hop) for end in _ends(host, back.to)]
            for receiver, listener in known or _marked(host, instance):
                if receiver is not instance:
                    yield FilterPair(hop, receiver, listener)


def unheard_returns(host: HostModel) -> Iterator[tuple[Hop, str, Endpoint]]:
    """Yield content filters that listen and hand back to where on this host nobody does.

    With each the program's name and the place.
    """
    for instance in host.readable:
        for hop in hops(instance):
            if hop.parameter == FILTER and (held := holder(host, hop)):
                for place in _return_places(host, held):
                    if not is_heard(host, place):
                        yield hop, held.program, place


def _return_places(host: HostModel, held: HeldSocket) -> Iterator[Endpoint]:
    """Yield the places of this host that the filter ``held`` is told to hand back to."""
    is_amavisd = any("amavis" in word for word in (held.program, *held.arguments))
    named = [d for d in _named_returns(host, held) if _differs(host, d, held.endpoint)]
    for place in named or (host.filter_returns if is_amavisd else ()):
        for address in host.resolve(place.host):
            if host.is_own(address) and (port := port_of(place)):
                yield Endpoint(address, port)


def _named_returns(host: HostModel, held: HeldSocket) -> Iterator[Destination]:
    """Yield the places that the command line gives as the next ones.

    By the option's name, or as HOST:PORT alone beside the place where the filter listens.
    """
    alone = [place for word in held.arguments if _PLACE.match(word) for place in _places(word)]
    if len(alone) == 2 and not all(_differs(host, place, held.endpoint) for place in alone):
        yield from alone
    for option, word in pairwise(("", *held.arguments)):
        if _RETURN.match(word) or (_RETURN.match(option) and _PLACE.match(word)):
            yield from _places(word)


def _is_an_instance(host: HostModel, hop: Hop) -> bool:
    addresses = host.resolve(hop.destination.host)
    return any(True for address in addresses for _ in at(host, address, hop.port))


def _marked(host: HostModel, sender: InstanceConfig) -> list[tuple[InstanceConfig, Listener]]:
    """Return the listener of another instance that is set up for what a filter hands back.

    Nothing where several instances are.
    """
    found = [
        (instance, listener)
        for instance in host.readable
        for listener in instance.servers()
        if instance is not sender and _is_behind(instance, listener)
    ]
    return found[:1] if len({i.directory for i, _ in found}) == 1 else []


def _is_behind(instance: InstanceConfig, listener: Listener) -> bool:
    service = listener.service
    overrides = set(instance.value(service, _OVERRIDES).replace(",", " ").split())
    is_marked = bool(instance.value(service, _XFORWARD) or overrides & _BEHIND)
    return is_marked and not instance.value(service, FILTER)
