"""What a copy does with the sockets and caches of its source's queue and data directories. Pure.

A cache becomes one of its own. A socket is named by its full path, unless a chroot jail is in
between: then the copy does without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from postwrap.host.inside import (
    SASL,
    SASL_ON,
    NamedSocket,
    named_caches,
    named_sockets,
    replaced,
)
from postwrap.provision.desired import ParameterValues, Value
from postwrap.provision.listening import Binding
from postwrap.provision.site import Side


@dataclass(slots=True)
class OwnThings:
    """What a copy states otherwise: in main.cf, and by ``name/type/parameter`` in master.cf.

    ``left_out`` is what it does without, with what it was.
    """

    settings: dict[str, Value] = field(default_factory=dict)
    overrides: dict[str, Value] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def set(self, override: str, parameter: str, value: Value) -> None:
        """State ``parameter`` in main.cf, or in the service ``override`` of master.cf."""
        if override:
            self.overrides[f"{override}/{parameter}"] = value
        else:
            self.settings[parameter] = value

    def joined(self, other: OwnThings) -> OwnThings:
        """Return both; of what both state, ``other`` counts."""
        return OwnThings(
            self.settings | other.settings,
            self.overrides | other.overrides,
            self.left_out | other.left_out,
        )

    def get(self, source: Side, named: NamedSocket) -> str:
        """Return the parameter of ``named`` as it is by now."""
        if named.override:
            stated = named.service.options.get(named.parameter, "")
            return self.overrides.get(f"{named.override}/{named.parameter}", stated) or ""
        return self.settings.get(named.parameter, source.get(named.parameter)) or ""


def own_things(source: Side) -> OwnThings:
    """Return what a copy of ``source`` has otherwise, so that it uses nothing of its source's."""
    made = OwnThings()
    for cache in named_caches(source.config):
        if not _follows(source, cache.override, cache.parameter):
            made.set(cache.override, cache.parameter, cache.own)
    for named in named_sockets(source.config):
        _socket(made, source, named)
    return made


def _follows(source: Side, override: str, parameter: str) -> bool:
    """Whether the setting as written means the directories of whichever instance has it."""
    config = source.config
    services = (s.stated for s in config.services if s.key == override)
    stated = next(services, {}) if override else config.settings
    # What nobody states has Postfix's default, which is below $data_directory.
    return "$" in stated.get(parameter, "$")


def _socket(made: OwnThings, source: Side, named: NamedSocket) -> None:
    """Let ``made`` lead to the socket ``named``, or do without it."""
    there = named.path
    if not _is_jailed(source, named):
        if there != named.text and named.text in made.get(source, named):
            value = replaced(made.get(source, named), named.text, there)
            made.set(named.override, named.parameter, value)
        return
    if named.parameter == SASL:
        override = named.service.key if SASL_ON in named.service.options else ""
        made.set(override, SASL_ON, "no")
        made.left_out[f"{override}/{SASL_ON}".lstrip("/")] = f"yes (its socket is {there})"
        return
    value = made.get(source, named)
    if named.text in value:
        made.left_out.setdefault(f"{named.override}/{named.parameter}".lstrip("/"), value)
        is_list = "restrictions" in named.parameter or "milters" in named.parameter
        rest = replaced(value, named.text, "") if is_list else ""
        # An empty transport is none; without a line it has Postfix's default.
        made.set(named.override, named.parameter, rest or ("" if is_list else None))


def _is_jailed(source: Side, named: NamedSocket) -> bool:
    """Whether a chroot is between any service that uses the setting of ``named`` and the socket."""
    users = (
        other.service
        for other in named_sockets(source.config)
        if (other.parameter, other.override) == (named.parameter, named.override)
    )
    return any(service.chroot for service in users)


def bound(overrides: Mapping[str, Value], bindings: Iterable[Binding]) -> ParameterValues:
    """Return ``overrides`` under the names that the copy's services have."""
    names = {b.service.key: [f"{name}/inet" for name in b.names] for b in bindings}
    made: dict[str, Value] = {}
    for place, value in overrides.items():
        service, _, parameter = place.rpartition("/")
        made |= {f"{name}/{parameter}": value for name in names.get(service, [service])}
    return made
