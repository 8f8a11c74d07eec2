"""Settings that a coming Postfix will no longer know, and what stands in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig

theme = Theme("settings")

OBSOLETE = re.compile(r'support for parameter "?(?P<name>\w+)"? (?:will be|has been) removed')

_LEVELS = {"use": "may", "enforce": "encrypt"}
_SUCCESSORS = {
    "disable_dns_lookups": ("smtp_dns_support_level", "disabled"),
    **{
        f"{owner}_{word}_tls": (f"{owner}_tls_security_level", level)
        for owner in ("smtp", "lmtp", "smtpd", "postscreen", "tlsproxy")
        for word, level in _LEVELS.items()
    },
    **{
        f"tlsproxy_client_{word}_tls": ("tlsproxy_client_security_level", level)
        for word, level in _LEVELS.items()
    },
}
"""What ``yes`` of an obsolete parameter is today: DEPRECATION_README."""

_PER_SITE = {
    "smtp_tls_per_site": "smtp_tls_policy_maps",
    "lmtp_tls_per_site": "lmtp_tls_policy_maps",
    "tlsproxy_client_per_site": "tlsproxy_client_policy_maps",
}
_POLICIES = {
    "NONE": "none",
    "MAY": "may",
    "MUST_NOPEERMATCH": "encrypt",
    "MUST": "verify",
}
"""What a word of a per-site table is in a policy table: TLS_LEGACY_README and TLS_README."""
_LISTED = re.compile(r"(?P<type>hash|btree|lmdb|cdb|dbm|texthash):(?P<file>/[^\s,]+)\Z")
"""Tables that postmap -s can list."""


@theme.rule(
    "obsolete-setting",
    Severity.NOTE,
    "a setting that a coming Postfix will no longer know",
    "postconf(1); DEPRECATION_README",
)
def obsolete_setting(picture: Picture) -> Iterator[Hit]:
    """Yield the parameters that postconf, from 3.9 on, says will be removed.

    Those alone that have a known successor: the others do their work still.
    """
    for instance in picture.host.readable:
        for warning in instance.warnings:
            match = OBSOLETE.search(warning)
            if match and (commands := _modernise(instance, match["name"], warning)):
                remedy = remedies.both(*commands, remedies.reload(instance))
                yield Hit(instance.directory, warning, remedy)


def _modernise(instance: InstanceConfig, name: str, warning: str) -> list[str]:
    """Return the commands that put today's parameter in the place of ``name``, where it is known.

    Its successor keeps the value that it has already.
    """
    commands = []
    is_in_main = "/main.cf:" in warning
    if is_in_main and name in instance.settings:
        change = _successor(name, warning, instance.parameters, instance.settings)
        commands += _replace(instance, "", name, change) if change else []
    for service in () if is_in_main else instance.services:
        if name in service.options:
            change = _successor(name, warning, service.options, service.options)
            commands += _replace(instance, service.key, name, change) if change else []
    return commands


@dataclass(frozen=True, slots=True)
class _Change:
    """What takes the place of an obsolete parameter, nothing where it has no work to do.

    ``prepare`` is a command that comes before.
    """

    parameter: str = ""
    value: str = ""
    prepare: str = ""


def _replace(instance: InstanceConfig, service: str, name: str, change: _Change) -> list[str]:
    key = f"{service}/{name}"
    drop = remedies.tool(instance, "postconf", "-PX", key)
    set_to = remedies.override(instance, service, change.parameter, change.value)
    return [
        change.prepare,
        drop if service else remedies.drop(instance, [name]),
        set_to if change.parameter else "",
    ]


def _successor(
    name: str, warning: str, values: Mapping[str, str], stated: Mapping[str, str]
) -> _Change | None:
    """Return what takes the place of ``name`` beside what is ``stated``; None: nobody knows."""
    if "do not specify" in warning:
        return _Change()
    if name in _PER_SITE:
        return _policies(values[name], _PER_SITE[name], stated)
    if name not in _SUCCESSORS:
        return None
    successor, level = _SUCCESSORS[name]
    if values[name].lower() != "yes" or stated.get(successor):
        return _Change()
    twin = name.replace("_use_", "_enforce_") if "_use_" in name else ""
    is_enforced = values.get(twin, "").lower() == "yes"
    return _Change(successor, _LEVELS["enforce"] if is_enforced else level)


def _policies(table: str, successor: str, stated: Mapping[str, str]) -> _Change | None:
    """Return the command that makes a policy table of a per-site table that can be listed.

    Where there are policies already, smtp(8) has not asked the other table for years.
    """
    if stated.get(successor):
        return _Change()
    match = _LISTED.match(table)
    if not match:
        return None
    kind, made = match["type"], f"{match['file']}-policy"
    words = "; ".join(rf"s/[[:space:]]{old}$/ {new}/I" for old, new in _POLICIES.items())
    listed = f"postmap -s {remedies.quoted(table)} | sed '{words}' >{remedies.quoted(made)}"
    build = "" if kind == "texthash" else remedies.words("postmap", f"{kind}:{made}")
    return _Change(successor, f"{kind}:{made}", remedies.both(listed, build))
