"""What becomes of the -o settings in the copy's master.cf. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from postwrap.provision.facts import Configured
from postwrap.provision.sharing import Binding

LOOPS = ("content_filter", "smtpd_proxy_filter")
"""What would send the mail back to where it came from."""

_CACHE = "postscreen_cache_map"


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of ``source`` that is to be: its inet services, and its tag in the log.

    ``checks`` are the parameters that protect a public port 25, and go from there.
    """

    source: Configured
    bindings: tuple[Binding, ...]
    tag: str
    checks: Collection[str] = ()


def overrides(copy: Copy) -> Mapping[str, str | None]:
    """Return what the copy's -o settings are to be, where they change; None for gone."""
    names = {f"{b.entry.name}/inet": [f"{n}/inet" for n in b.names] for b in copy.bindings}
    made: dict[str, str | None] = {}
    for key, value in copy.source.overrides.items():
        service, _, parameter = key.rpartition("/")
        changed = None if _goes(copy, service, parameter) else _tagged(copy, parameter, value)
        if changed != value:
            made |= {f"{name}/{parameter}": changed for name in names.get(service, [service])}
    return made | dict(_caches(copy))


def dropped(copy: Copy) -> dict[str, str]:
    """Return the -o settings that go from services that stay, with what they were."""
    gone = {f"{b.entry.name}/inet" for b in copy.bindings if not b.names}
    found = ((key, *key.rpartition("/")[::2], v) for key, v in copy.source.overrides.items())
    return {
        key: value
        for key, service, parameter, value in found
        if value and service not in gone and _goes(copy, service, parameter)
    }


def _goes(copy: Copy, service: str, parameter: str) -> bool:
    public = {f"{b.entry.name}/inet" for b in copy.bindings if b.entry.port == 25}
    return parameter in LOOPS or (service in public and parameter in copy.checks)


def _tagged(copy: Copy, parameter: str, value: str) -> str:
    """Return a -o setting with the copy's tag in the place of the source's."""
    if parameter != "syslog_name" or "multi_instance_name" in value:
        return value
    old = copy.source["syslog_name"]
    rest = value.removeprefix(old) if value.startswith(old) else "/$service_name"
    return f"{copy.tag}{rest}"


def _caches(copy: Copy) -> Iterator[tuple[str, str]]:
    """Yield a cache of its own for each postscreen but the first: a second process cannot open it.

    POSTSCREEN_README, "Historical notes and credits" and postscreen(8): the cache has one user.
    """
    kind, colon, _ = copy.source[_CACHE].partition(":")
    for binding in copy.bindings:
        if binding.entry.program == "postscreen" and colon and kind not in {"memcache", "proxy"}:
            for number, name in enumerate(binding.names[1:], 2):
                place = f"{kind}:$data_directory/postscreen_cache-{number}"
                yield f"{name}/inet/{_CACHE}", place
