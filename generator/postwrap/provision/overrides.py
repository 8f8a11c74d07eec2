"""What becomes of the -o settings in the copy's master.cf. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from postwrap.host.model import InstanceConfig
from postwrap.provision.desired import ParameterValues, Value
from postwrap.provision.listening import Binding
from postwrap.provision.site import Side

LOOPS = ("content_filter", "smtpd_proxy_filter")
"""What would send the mail back to where it came from."""

_CACHE = "postscreen_cache_map"


@dataclass(frozen=True, slots=True)
class InstanceCopy:
    """The copy of ``source`` that is to be: its inet services, and its tag in the log.

    ``checks`` are the parameters that protect a public port 25, and go from there.
    """

    source: Side
    bindings: tuple[Binding, ...]
    tag: str
    checks: Collection[str] = ()


def overrides(copy: InstanceCopy) -> ParameterValues:
    """Return what the copy's -o settings are to be, where they change; None for gone."""
    names = {b.service.key: [f"{name}/inet" for name in b.names] for b in copy.bindings}
    made: dict[str, Value] = {}
    for service, parameter, value in _stated(copy):
        changed = None if _goes(copy, service, parameter) else _tagged(copy, parameter, value)
        if changed != value:
            made |= {f"{name}/{parameter}": changed for name in names.get(service, [service])}
    return made | dict(_caches(copy))


def lines(
    config: InstanceConfig, bindings: Iterable[Binding], edits: ParameterValues
) -> dict[str, str]:
    """Return the lines of a copy of ``config``'s master.cf by ``name/type``, -o settings edited."""
    names = {b.service.key: b.names for b in bindings}
    found = {}
    for service in config.services:
        for name in names.get(service.key, (service.name,)):
            key = f"{name}/{service.type}"
            line = " ".join(service.line.replace(service.name, name, 1).split())
            for parameter, value in service.stated.items():
                now = edits.get(f"{key}/{parameter}", value)
                stated = "" if now is None else f" -o {parameter}={now}"
                line = line.replace(f" -o {parameter}={value}", stated)
            found[key] = line
    return found


def retagged(lines: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """Return those of ``lines`` that hard-code the tag ``old``, with the tag ``new``."""
    pattern = re.compile(rf"(-o syslog_name=){re.escape(old)}(?=[/ ]|$)")
    made = {name: pattern.sub(rf"\g<1>{new}", line) for name, line in lines.items()}
    return {name: line for name, line in made.items() if line != lines[name]}


def dropped(copy: InstanceCopy) -> dict[str, str]:
    """Return the -o settings that go from services that stay, with what they were."""
    gone = {b.service.key for b in copy.bindings if not b.names}
    return {
        f"{service}/{parameter}": value
        for service, parameter, value in _stated(copy)
        if value and service not in gone and _goes(copy, service, parameter)
    }


def _stated(copy: InstanceCopy) -> Iterator[tuple[str, str, str]]:
    for service in copy.source.config.services:
        yield from ((service.key, name, value) for name, value in service.stated.items())


def _goes(copy: InstanceCopy, service: str, parameter: str) -> bool:
    public = {b.service.key for b in copy.bindings if b.service.port == 25}
    return parameter in LOOPS or (service in public and parameter in copy.checks)


def _tagged(copy: InstanceCopy, parameter: str, value: str) -> str:
    """Return a -o setting with the copy's tag in the place of the source's."""
    if parameter != "syslog_name" or "multi_instance_name" in value:
        return value
    old = copy.source.get("syslog_name")
    rest = value.removeprefix(old) if value.startswith(old) else "/$service_name"
    return f"{copy.tag}{rest}"


def _caches(copy: InstanceCopy) -> Iterator[tuple[str, str]]:
    """Yield a cache of its own for each postscreen but the first: a second process cannot open it.

    POSTSCREEN_README, "Historical notes and credits" and postscreen(8): the cache has one user.
    """
    kind, colon, _ = copy.source.get(_CACHE).partition(":")
    for binding in copy.bindings:
        if binding.service.command == "postscreen" and colon and kind not in {"memcache", "proxy"}:
            for number, name in enumerate(binding.names[1:], 2):
                place = f"{kind}:$data_directory/postscreen_cache-{number}"
                yield f"{name}/inet/{_CACHE}", place
