"""Which service of master.cf each setting hands mail to, and who is there to take it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.host.addresses import Endpoint, split_transport
from postwrap.host.model import HostModel, InstanceConfig, TableAnswer
from postwrap.host.nexthops import ROUTE_TABLES, Hop, hops, is_heard

_ALWAYS = ("default_transport", "content_filter", "mailbox_transport", "fallback_transport")
_FOR_DOMAINS = {
    "local_transport": "mydestination",
    "virtual_transport": "virtual_mailbox_domains",
    "relay_transport": "relay_domains",
}
"""The transports that only mail for the domains of a list goes by: postconf(5)."""


@dataclass(frozen=True, slots=True)
class Route:
    """``parameter`` = ``value``, in the ``override`` of a service of master.cf or in main.cf ("").

    ``transport`` is the service that it names. ``answer`` is that of a table of ``parameter``.
    """

    parameter: str
    override: str
    value: str
    transport: str
    answer: TableAnswer | None = None

    def __str__(self) -> str:
        """Return what names it: ``default_transport = smtp``."""
        if self.answer is None:
            return f"{self.parameter} = {self.value}"
        return f"{self.parameter}, {self.answer.table}: {self.answer.key} {self.value}"


def routes(instance: InstanceConfig) -> Iterator[Route]:
    """Yield what ``instance`` hands mail to by name of a service, unused settings aside."""
    used = (p for p, domains in _FOR_DOMAINS.items() if instance.get(domains))
    for parameter in (*_ALWAYS, *used):
        yield from _route(parameter, "", instance.get(parameter))
    for service in instance.enabled_services:
        value = service.options.get("content_filter", "")
        yield from _route("content_filter", service.key, value)
    for answer in instance.answers:
        if ROUTE_TABLES[answer.parameter]:
            yield from _route(answer.parameter, "", answer.result, answer)


def _route(
    parameter: str, override: str, value: str, answer: TableAnswer | None = None
) -> Iterator[Route]:
    transport, _ = split_transport(value)
    if transport:
        yield Route(parameter, override, value, transport, answer)


def without_service(instance: InstanceConfig) -> Iterator[Route]:
    """Yield the routes by a service that master.cf has not, or that is turned off."""
    there = {s.name for s in instance.enabled_services if s.type in {"unix", "fifo"}}
    for route in routes(instance):
        if route.transport not in there:
            yield route


def unheard(host: HostModel, instance: InstanceConfig) -> Iterator[tuple[Hop, Endpoint]]:
    """Yield the next hops of ``instance`` on this host where nobody listens or is to listen.

    What an instance is configured for counts, whether it runs or not.
    """
    for hop in hops(instance):
        port = hop.port
        if hop.by_mx or not port:
            continue
        for address in host.resolve(hop.destination.host):
            wanted = Endpoint(address, port)
            if host.is_own(address) and not is_heard(host, wanted):
                yield hop, wanted
