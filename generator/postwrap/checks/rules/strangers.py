"""Strangers on the Internet may not relay by an instance."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.addresses import is_public
from postwrap.host.model import InstanceConfig, Listener

theme = Theme("strangers")

_NAME = "mynetworks"
_WIDE = {4: 8, 6: 16}
"""A network of the Internet with so few bits is nobody's own."""
_LOOPBACK = ("127.0.0.0/8", "[::1]/128")
_LISTS = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")


@theme.rule(
    "open-relay",
    Severity.ERROR,
    "mynetworks holds a large part of the Internet, which may relay by the instance",
    "postconf(5) mynetworks, mynetworks_style, permit_mynetworks",
)
def open_relay(picture: Picture) -> Iterator[Hit]:
    """Yield instances that the Internet reaches, and whose mynetworks hold much of it."""
    for instance in picture.host.readable:
        done = set()
        for listener in instance.servers():
            service = listener.service
            override = service.key if _NAME in service.options else ""
            words = instance.value(service, _NAME).replace(",", " ").split()
            wide = [word for word in words if _is_wide(word)]
            if override in done or not wide or not _permits(instance, listener):
                continue
            if any(is_public(a) for a in picture.host.reached(listener)):
                done.add(override)
                yield _hit(instance, override, words, wide)


def _hit(instance: InstanceConfig, override: str, words: list[str], wide: list[str]) -> Hit:
    where = f" of {override}" if override else ""
    message = (
        f"{_NAME}{where} has {', '.join(wide)}: whoever has an address there relays to anybody"
    )
    own = [word for word in words if word not in wide] or list(_LOOPBACK)
    command = remedies.override(instance, override, _NAME, " ".join(own))
    again = remedies.both(command, remedies.reload(instance))
    return Hit(instance.directory, message, "", (Choice("these are not your own networks", again),))


def _is_wide(word: str) -> bool:
    try:
        network = ipaddress.ip_network(word.replace("[", "").replace("]", ""), strict=False)
    except ValueError:  # a table, a file, or what is left out by "!"
        return False
    is_inside = network.is_private or network.is_link_local or network.is_multicast
    return not is_inside and network.prefixlen <= _WIDE[network.version]


def _permits(instance: InstanceConfig, listener: Listener) -> bool:
    values = (instance.value(listener.service, name) for name in _LISTS)
    return any("permit_mynetworks" in value.replace(",", " ").split() for value in values)
