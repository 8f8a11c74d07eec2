"""Content filters and smtpd checks: each is there once, in the instance that is to do it."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.addresses import is_internal, is_public, split_transport
from postwrap.host.model import InstanceConfig, Listener
from postwrap.host.nexthops import at, port_of

theme = Theme("filtering")

_FILTER = "content_filter"
_LISTS = tuple(
    f"smtpd_{stage}_restrictions"
    for stage in ("client", "helo", "sender", "recipient", "data", "end_of_data")
)
_PLAIN = frozenset(
    (
        *("permit", "permit_mynetworks", "permit_sasl_authenticated", "permit_tls_clientcerts"),
        *("reject", "reject_unauth_destination", "reject_unauth_pipelining"),
        *("defer", "defer_unauth_destination", "sleep"),
    )
)
"""Restrictions that only tell who may relay; any other word is a check of clients or mail."""


@theme.rule(
    "content-filter-loop",
    Severity.ERROR,
    "content_filter is set where the filter hands mail back: a loop",
    "FILTER_README, advanced content filter; postconf(5) content_filter",
)
def content_filter_loop(picture: Picture) -> Iterator[Hit]:
    """Yield listeners behind the filter whose mail goes to the filter again."""
    done = set()
    for instance, listener in (*_returned_to(picture), *_copied(picture)):
        service = listener.service
        override = service.key if _FILTER in service.options else ""
        value = instance.value(service, _FILTER)
        if not value or (instance.directory, override) in done:
            continue
        done.add((instance.directory, override))
        message = f"{_FILTER} = {value} at {listener}, which is behind the filter: mail loops"
        commands = (_unset(instance, listener), remedies.reload(instance))
        yield Hit(instance.directory, message, remedies.both(*commands))


def _unset(instance: InstanceConfig, listener: Listener) -> str:
    """Return the command that turns the filter off at ``listener``, and only there if need be.

    A listener that the filter's own instance has for mail that comes back keeps main.cf's filter
    for the other listeners.
    """
    service = listener.service
    others = [x for x in instance.servers() if x.service != service]
    if _FILTER in service.options or others:
        return remedies.override(instance, service.key, _FILTER, "")
    return remedies.edit(instance, **{_FILTER: ""})


def _returned_to(picture: Picture) -> Iterator[tuple[InstanceConfig, Listener]]:
    """Yield the listeners that the filter is known to hand mail back to."""
    for hop in picture.host.filter_returns:
        for address in picture.host.resolve(hop.host):
            yield from at(picture.host, address, port_of(hop))


def _copied(picture: Picture) -> Iterator[tuple[InstanceConfig, Listener]]:
    """Yield the listeners of inside instances that have the filter of an outside one.

    Where nothing tells what the filter does with mail, that is what a copy of the configuration
    looks like whose content_filter was forgotten.
    """
    if picture.host.filter_returns:
        return
    outside = _outside(picture)
    for instance in picture.host.readable:
        others = [i for i in outside if i is not instance]
        twins = [i for i in others if i.get(_FILTER) == instance.get(_FILTER)]
        if twins and _is_far(instance) and _is_inside(picture, instance, outside):
            yield from ((instance, listener) for listener in instance.servers())


def _is_far(instance: InstanceConfig) -> bool:
    """Whether the filter is a server, which one instance shares with the other.

    A program that pipe(8) runs submits with the MAIL_CONFIG of the instance that started it.
    """
    service, _ = split_transport(instance.get(_FILTER))
    pipes = {s.name for s in instance.enabled_services if s.command == "pipe"}
    return bool(service) and service not in pipes


def _outside(picture: Picture) -> list[InstanceConfig]:
    """Return the instances that the Internet may reach."""
    return [
        i
        for i in picture.host.readable
        if any(is_public(a) for x in i.servers() for a in picture.host.reached(x))
    ]


def _is_inside(picture: Picture, instance: InstanceConfig, outside: list[InstanceConfig]) -> bool:
    """Whether only private networks reach ``instance``, and the Internet another one.

    A host behind address translation has private addresses alone: there nothing is known.
    """
    at_all = [a for x in instance.servers() for a in picture.host.reached(x)]
    is_private = all(a.is_loopback or is_internal(a) for a in at_all)
    return bool(at_all) and is_private and any(i is not instance for i in outside)


@theme.rule(
    "checks-left",
    Severity.NOTE,
    "smtpd checks for strangers are left where only the host's own networks connect",
    "postconf(5) smtpd_recipient_restrictions and the other lists",
)
def checks_left(picture: Picture) -> Iterator[Hit]:
    """Yield inside instances with the first instance's checks, as a copy leaves them."""
    default, outside = picture.host.default, _outside(picture)
    for instance in picture.host.readable:
        if instance.is_default or not default or not _is_inside(picture, instance, outside):
            continue
        left = [
            name
            for name in _LISTS
            if name in instance.settings
            and instance.get(name) == default.get(name)
            and any(name not in x.service.options for x in instance.servers())
            and _checks(instance.get(name))
        ]
        if left:
            words = [word for name in left for word in _checks(instance.get(name))]
            message = f"only own networks reach it, and it still has {', '.join(words)}"
            remedy = remedies.both(_take_out(instance, left), remedies.reload(instance))
            yield Hit(instance.directory, message, remedy)


def _checks(value: str) -> list[str]:
    return [word for word in value.replace(",", " ").split() if word not in _PLAIN]


def _take_out(instance: InstanceConfig, names: list[str]) -> str:
    """Return the commands that take the lists out, without making a relay for all.

    smtpd(8) wants a list that says who may relay: smtpd_relay_restrictions, else the other.
    """
    recipient = "smtpd_recipient_restrictions"
    if recipient not in names or instance.get("smtpd_relay_restrictions"):
        return remedies.drop(instance, names)
    others = [name for name in names if name != recipient]
    keep = remedies.edit(instance, **{recipient: "permit_mynetworks, reject"})
    return remedies.both(remedies.drop(instance, others) if others else "", keep)
