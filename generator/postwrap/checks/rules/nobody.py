"""Somebody listens at each next hop that is an address and port of this host."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.listen import has_no_place, listen, server
from postwrap.checks.rules.settings import unused_settings
from postwrap.checks.rules.ways import with_hop, without_hop
from postwrap.host.addresses import Endpoint
from postwrap.host.model import InstanceConfig
from postwrap.host.nexthops import FILTER, Hop
from postwrap.host.routes import unheard

theme = Theme("routes")

_SHOWN = 3
"""So many instances that may be meant are shown."""


@theme.rule(
    "next-hop-unheard",
    Severity.ERROR,
    "a next hop is an address and port of this host where nobody listens",
    "postconf(5) relayhost, smtp_fallback_relay, content_filter; transport(5)",
)
def next_hop_unheard(picture: Picture) -> Iterator[Hit]:
    """Yield the next hops of this host at which neither an instance nor a program listens."""
    for instance in picture.host.readable:
        met: dict[tuple[str, str, Endpoint], list[Hop]] = {}
        for hop, wanted in unheard(picture.host, instance):
            met.setdefault((hop.override, hop.parameter, wanted), []).append(hop)
        for (_, _, wanted), found in met.items():
            told = list(dict.fromkeys(map(str, found)))
            more = f" and {len(told) - 1} more" if len(told) > 1 else ""
            message = f"{told[0]}{more}: nobody listens at {wanted}, an address of this host"
            yield Hit(instance.directory, message, *_mend(picture, instance, found, wanted))


def _mend(
    picture: Picture, instance: InstanceConfig, found: list[Hop], wanted: Endpoint
) -> tuple[str, tuple[Choice, ...]]:
    """Return the command that makes the instance listen there that is meant, or what can be meant.

    Which one is meant shows where it has a line for it that is turned off, or a setting of that
    port that Postfix does not know, or that port and no address of its own.
    """
    # smtpd(8) does not speak LMTP.
    is_smtp = all(hop.client.command == "smtp" for hop in found)
    known = picture.host.readable if is_smtp else []
    others = [i for i in known if i is not instance and server(i, wanted)]
    for is_meant in (_has_line, _has_setting, _lacks_address):
        meant = [i for i in others if is_meant(picture, i, wanted)]
        if len(meant) == 1 and found[0].parameter != FILTER:
            return listen(picture, meant[0], wanted), ()
    return "", tuple(_choices(picture, instance, found, wanted, others))


def _choices(
    picture: Picture,
    instance: InstanceConfig,
    found: list[Hop],
    wanted: Endpoint,
    others: list[InstanceConfig],
) -> Iterator[Choice]:
    for other in others[:_SHOWN]:
        yield Choice(f"{other.directory} is to listen there", listen(picture, other, wanted))
    for endpoint in _beside(others, found[0], wanted):
        command = with_hop(instance, found[0], f"[{endpoint.address}]:{endpoint.port}")
        again = remedies.both(command, remedies.reload(instance))
        yield Choice(f"mail is to go to {endpoint}, where an instance listens", again)
    yield Choice("another program is to listen there, and is down", _begin(picture, found[0]))
    drop = remedies.both(
        *dict.fromkeys(without_hop(instance, hop) for hop in found), remedies.reload(instance)
    )
    is_filter = found[0].parameter == FILTER
    yield Choice("mail is not to be filtered" if is_filter else "no mail is to go there", drop)


def _beside(others: list[InstanceConfig], hop: Hop, wanted: Endpoint) -> list[Endpoint]:
    """Return where instances listen at the same address by name, and at another port."""
    if hop.answer or hop.parameter == FILTER or wanted.address.is_loopback:
        return []
    found = (x for i in others for x in i.servers() if x.address == wanted.address)
    return list(dict.fromkeys(x.endpoint for x in found))[:_SHOWN]


def _begin(picture: Picture, hop: Hop) -> str:
    """Return the command that starts the program, or that shows what is down."""
    if hop.parameter == FILTER and picture.host.amavis_directory:
        return "service amavis restart"
    return "systemctl --failed" if picture.host.runs_systemd else "ss -ltnp"


def _has_line(_: Picture, instance: InstanceConfig, wanted: Endpoint) -> bool:
    """Whether ``instance`` has an SMTP server of that port that is turned off."""
    servers = (s for s in instance.inet_services if s.command == "smtpd" and s.is_disabled)
    return any(s.port == wanted.port for s in servers)


def _has_setting(_: Picture, instance: InstanceConfig, wanted: Endpoint) -> bool:
    """Whether ``instance`` sets the port by a parameter that no part of Postfix knows."""
    return str(wanted.port) in unused_settings(instance).values()


def _lacks_address(picture: Picture, instance: InstanceConfig, wanted: Endpoint) -> bool:
    """Whether ``instance`` listens at that port, and everywhere there another one does too."""
    has_port = any(x.endpoint.port == wanted.port for x in instance.servers())
    return has_port and has_no_place(picture, instance, wanted)
