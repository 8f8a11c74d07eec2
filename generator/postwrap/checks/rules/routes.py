"""Each transport that a setting or a table names is a service of master.cf."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.ways import without_answer
from postwrap.host.model import InstanceConfig
from postwrap.host.routes import Route, without_service

theme = Theme("routes")

_STOCK = {
    "smtp": "smtp unix - - n - - smtp",
    "relay": "relay unix - - n - - smtp -o smtp_fallback_relay=",
    "lmtp": "lmtp unix - - n - - lmtp",
    "local": "local unix - n n - - local",
    "virtual": "virtual unix - n n - - virtual",
    "error": "error unix - - n - - error",
    "retry": "retry unix - - n - - error",
    "discard": "discard unix - - n - - discard",
}
"""Lines of the master.cf that Postfix comes with, without its jail: master(5)."""
_FILTER = "content_filter"
_SHOWN = 3


@theme.rule(
    "transport-missing",
    Severity.ERROR,
    "a setting hands mail to a service that master.cf does not have: it stays in the queue",
    "transport(5); postconf(5) default_transport, content_filter; qmgr(8)",
)
def transport_missing(picture: Picture) -> Iterator[Hit]:
    """Yield the transports without a service, each once."""
    for instance in picture.host.readable:
        told: dict[str, list[Route]] = {}
        for route in without_service(instance):
            told.setdefault(route.transport, []).append(route)
        for transport, named in told.items():
            stated = _listed(named)
            off = any(s.name == transport and s.is_disabled for s in instance.services)
            why = "has turned off" if off else "does not have"
            message = (
                f"{stated}: mail goes to the service {transport}, which master.cf {why}; it stays "
                "in the queue"
            )
            commands = (_service(picture, instance, named), remedies.reload(instance))
            yield Hit(instance.directory, message, remedies.both(*commands))


def _listed(named: list[Route]) -> str:
    """Return what names a transport; of many entries of tables the first ones."""
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return ", ".join(map(str, named[:_SHOWN])) + more


def _service(picture: Picture, instance: InstanceConfig, named: list[Route]) -> str:
    """Return the command that makes the service, as the default instance or Postfix has it.

    Where nobody knows such a service, the settings that name it go.
    """
    transport = named[0].transport
    default = picture.host.default
    if any(s.name == transport and s.is_disabled for s in instance.services):
        words = [w for w in instance.words("master_service_disable") if not _is_for(w, transport)]
        return remedies.edit(instance, master_service_disable=" ".join(words))
    known = (s for s in default.enabled_services if s.name == transport) if default else iter(())
    other = next((s.line for s in known if s.type == "unix"), "")
    if line := _STOCK.get(transport, other):
        line = " ".join(line.split())
        return remedies.tool(instance, "postconf", "-M", f"{transport}/unix={line}")
    return remedies.both(*(_without(instance, route) for route in named))


def _is_for(pattern: str, transport: str) -> bool:
    return pattern.lower().lstrip("!") in {f"{transport}/unix", f"{transport}.unix", "unix"}


def _without(instance: InstanceConfig, route: Route) -> str:
    if route.answer:
        return without_answer(instance, route.answer)
    if route.override or route.parameter == _FILTER:
        return remedies.override(instance, route.override, route.parameter, "")
    return remedies.drop(instance, [route.parameter])
