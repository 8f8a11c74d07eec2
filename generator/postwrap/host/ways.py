"""What cuts the way that mail is to take from an instance, or from the default to a secondary one.

An instance may listen, run and be named as a next hop, and still get or pass on nothing: another
setting of Postfix goes before the one that names it. Each such setting is an obstacle. The
configurations may be those that are there or those that there shall be. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.host.addresses import Endpoint, destination, split_transport
from postwrap.host.model import InstanceConfig, Service
from postwrap.host.nexthops import port_of

Command = tuple[str, ...]

ALL = "*"
"""What transport(5) looks up for mail that nothing else in the table is for."""

_CLIENTS = frozenset({"smtp", "lmtp"})
_LOST = frozenset({"error", "discard"})
_STOCK = {"smtp": "smtp unix - - n - - smtp", "relay": "relay unix - - n - - smtp"}
_INDEXED = frozenset({"hash", "btree", "lmdb", "dbm", "sdbm", "cdb"})
_TRANSPORT = "default_transport"
_MAPS = "transport_maps"
_FALLBACK = "smtp_fallback_relay"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why mail does not take the way that is meant.

    ``directory`` is the instance that has the setting ``parameter``, ``message`` says what is wrong
    with it, and ``remedy`` are the commands that take it out of the way. ``is_choice``: that
    changes what the administrator may have meant. ``code`` is that of the rule of check that finds
    it by itself, "" for none.
    """

    directory: str
    parameter: str
    message: str
    remedy: tuple[Command, ...]
    is_choice: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """The two instances of a role.

    ``endpoint`` is where the default instance speaks to the secondary, None where it does not.
    """

    default: InstanceConfig
    secondary: InstanceConfig
    endpoint: Endpoint | None = None


def for_all(instance: InstanceConfig) -> tuple[str, str]:
    """Return the table and the result of transport_maps for ``*``, "" where there is none.

    The first table that has it decides: transport(5).
    """
    found = {a.table: a.result for a in instance.answers if (a.parameter, a.key) == (_MAPS, ALL)}
    return next(((t, found[t]) for t in instance.words(_MAPS) if t in found), ("", ""))


def postconf(instance: InstanceConfig, *words: str) -> Command:
    """Return a command that edits the configuration of ``instance``."""
    return ("postconf", "-c", instance.directory, *words)


def way_out(
    sides: Sides, instance: InstanceConfig, parameter: str = _TRANSPORT
) -> Iterator[Obstacle]:
    """Yield why mail for elsewhere, which goes by ``parameter``, does not leave ``instance``."""
    value, directory = instance.get(parameter), instance.directory
    name, _ = split_transport(value)
    if name in _LOST:
        message = f"{parameter} = {value}: mail for elsewhere is not sent"
        remedy = (postconf(instance, "-X", parameter),)
        yield Obstacle(directory, parameter, message, remedy, is_choice=True)
    elif name and not any(s.name == name for s in _deliverers(instance)):
        yield _without_service(sides, instance, parameter)
    table, result = for_all(instance)
    if split_transport(result)[0] in _LOST:
        message = f"{_MAPS} = {table} gives {result} for {ALL}: mail for elsewhere is not sent"
        yield Obstacle(directory, _MAPS, message, _without_all(instance, table), is_choice=True)


def _deliverers(instance: InstanceConfig) -> Iterator[Service]:
    return (s for s in instance.enabled_services if s.type in {"unix", "fifo"})


def _without_service(sides: Sides, instance: InstanceConfig, parameter: str) -> Obstacle:
    name, _ = split_transport(instance.get(parameter))
    stated = f"{parameter} = {instance.get(parameter)}"
    message = f"{stated}: master.cf has no service {name} that is turned on"
    other = sides.default if instance is sides.secondary else sides.secondary
    known = next((s.line for s in _deliverers(other) if s.name == name), _STOCK.get(name, ""))
    if any(s.name == name and s.is_disabled for s in instance.services):
        own = {f"{name}/unix", f"{name}.unix", "unix"}
        kept = [w for w in instance.words("master_service_disable") if w.lower() not in own]
        remedy = postconf(instance, "-e", f"master_service_disable={' '.join(kept)}")
    elif known:
        remedy = postconf(instance, "-M", f"{name}/unix={' '.join(known.split())}")
    else:
        remedy = postconf(instance, "-X", parameter)
    return Obstacle(instance.directory, parameter, message, (remedy,), code="transport-missing")


def _without_all(instance: InstanceConfig, table: str) -> tuple[Command, ...]:
    """Return what takes ``*`` out of ``table``; where no command can, the table itself goes."""
    kind, _, path = table.removeprefix("proxy:").partition(":")
    edit = ("sed", "-i", r"/^\*[[:space:]]/d", path)
    if kind in _INDEXED:
        return edit, ("postmap", f"{kind}:{path}")
    if kind == "texthash":
        return (edit,)
    kept = [w for w in instance.words(_MAPS) if w != table]
    return (postconf(instance, "-e", f"{_MAPS}={' '.join(kept)}"),)


def by_relayhost(sides: Sides) -> Iterator[Obstacle]:
    """Yield what goes before the default instance's relayhost: postconf(5) relayhost."""
    default = sides.default
    value = default.get(_TRANSPORT)
    name, hop = split_transport(value)
    used = next((s for s in _deliverers(default) if s.name == name), None)
    gone = postconf(default, "-X", _TRANSPORT)
    if hop and name not in _LOST and not _leads_to(hop, sides.endpoint):
        message = f"{_TRANSPORT} = {value}: goes before relayhost, which is not used"
        yield Obstacle(default.directory, _TRANSPORT, message, (gone,), is_choice=True)
    elif used and used.command not in _CLIENTS | _LOST:
        message = f"{_TRANSPORT} = {value}: is not SMTP, so relayhost is not used"
        yield Obstacle(default.directory, _TRANSPORT, message, (gone,), is_choice=True)
    table, result = for_all(default)
    name, hop = split_transport(result)
    if hop and name not in _LOST and not _leads_to(hop, sides.endpoint):
        message = f"{_MAPS} = {table} gives {result} for {ALL}, which goes before relayhost"
        remedy = _without_all(default, table)
        yield Obstacle(default.directory, _MAPS, message, remedy, is_choice=True)


def _leads_to(hop: str, endpoint: Endpoint | None) -> bool:
    found = destination(hop)
    if found is None or endpoint is None:
        return False
    return found.host == str(endpoint.address) and port_of(found) == endpoint.port


def by_fallback(sides: Sides) -> Iterator[Obstacle]:
    """Yield why the default instance's smtp_fallback_relay is not used: smtp(8)."""
    default = sides.default
    table, result = for_all(default)
    ways = {_TRANSPORT: default.get(_TRANSPORT), _MAPS: result}
    for parameter, value in ways.items():
        name, _ = split_transport(value)
        stated = f"{parameter} = {value}" if parameter == _TRANSPORT else f"{table}: {ALL} {value}"
        for used in (s for s in _deliverers(default) if name and s.name == name):
            own = used.options.get(_FALLBACK)
            if used.command not in {"smtp", "error", "discard"}:
                message = f"{stated}: is not SMTP, so {_FALLBACK} is not used"
                gone = postconf(default, "-X", parameter)
                yield Obstacle(default.directory, parameter, message, (gone,), is_choice=True)
            elif own is not None and own != default.get(_FALLBACK):
                yield _overridden(default, used, _FALLBACK)


def by_filter(sides: Sides) -> Iterator[Obstacle]:
    """Yield the services of the default instance for which its content_filter does not hold."""
    default = sides.default
    for service in default.inet_services:
        own = service.options.get("content_filter")
        is_on = service.port == 25 and not service.is_disabled
        if is_on and own is not None and own != default.get("content_filter"):
            yield _overridden(default, service, "content_filter")


def _overridden(instance: InstanceConfig, service: Service, parameter: str) -> Obstacle:
    value = service.options[parameter]
    message = (
        f"{service.key} in master.cf has {parameter}={value}, which goes before that of main.cf"
    )
    remedy = postconf(instance, "-PX", f"{service.key}/{parameter}")
    return Obstacle(instance.directory, parameter, message, (remedy,), is_choice=True)
