"""What postconf itself says of an instance's main.cf and master.cf."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.access import closed
from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.model import Hit, Severity, Theme

theme = Theme("settings")

_UNUSED = re.compile(r"(?P<file>\S+): unused parameter: (?P<name>[^=\s]+)=(?P<value>.*)")
_UNDEFINED = re.compile(r"\S+: undefined parameter: (?P<name>\S+)")
_TWICE = re.compile(r": overriding earlier entry: (?P<name>[^=\s]+)=")
_OBSOLETE = re.compile(r'support for parameter "(?P<name>\w+)" will be removed')
_LINE = re.compile(r"(?:file )?(?P<file>/\S+?)[,:] line (?P<line>\d+)")


@theme.rule(
    "unreadable-settings",
    Severity.ERROR,
    "postconf cannot read main.cf or master.cf: no command of the instance works",
    "postconf(1)",
)
def unreadable_settings(facts: Facts) -> Iterator[Hit]:
    """Yield instances that postconf fails for, with its own words."""
    for instance in facts.instances:
        is_shut_to_us = not facts.is_root and (closed(instance) or instance.unseen)
        if instance.error and not is_shut_to_us:
            yield Hit(instance.directory, instance.error, _comment_out(instance))


def _comment_out(instance: InstanceFacts) -> str:
    """Return the command that turns the line that is at fault into a comment, or shows it."""
    if match := _LINE.search(instance.error):
        return f"sed -i '{match['line']}s/^/#/' {shlex.quote(match['file'])}"
    return remedies.tool(instance, "postconf", "-n")


@theme.rule(
    "unknown-setting",
    Severity.WARNING,
    "a setting that no part of Postfix knows",
    "postconf(1): unused parameter",
)
def unknown_setting(facts: Facts) -> Iterator[Hit]:
    """Yield the parameters that postconf calls unused, in main.cf or behind -o in master.cf."""
    for instance in facts.readable:
        for warning in instance.warnings:
            if not (match := _UNUSED.search(warning)):
                continue
            name = match["name"]
            if match["file"].endswith("master.cf"):
                owners = [s for s in instance.services if name in s.options]
                keys = [f"{s.key}/{name}" for s in owners]
                remedy = remedies.tool(instance, "postconf", "-PX", *keys)
            else:
                remedy = remedies.drop(instance, [name])
            message = f"{match['file']}: no part of Postfix knows {name} = {match['value']}"
            yield Hit(instance.directory, message, remedy)


@theme.rule(
    "undefined-setting",
    Severity.WARNING,
    "a $name that is set nowhere, and so stands for nothing",
    "postconf(1): undefined parameter",
)
def undefined_setting(facts: Facts) -> Iterator[Hit]:
    """Yield names that are used and not set."""
    for instance in facts.readable:
        for warning in instance.warnings:
            if match := _UNDEFINED.search(warning):
                name = match["name"]
                message = f"${name} is used and set nowhere: it stands for nothing"
                yield Hit(instance.directory, message, remedies.edit(instance, **{name: ""}))


@theme.rule(
    "setting-twice",
    Severity.WARNING,
    "a parameter is set twice in main.cf, and the last one counts",
    "postconf(5), general file syntax",
)
def setting_twice(facts: Facts) -> Iterator[Hit]:
    """Yield parameters with more than one line."""
    for instance in facts.readable:
        twice = dict.fromkeys(m["name"] for w in instance.warnings if (m := _TWICE.search(w)))
        for name in twice:
            value = instance.settings.get(name, "")
            message = f"{name} is set more than once in main.cf; the last one counts: {value}"
            remedy = remedies.both(
                remedies.drop(instance, [name]), remedies.edit(instance, **{name: value})
            )
            yield Hit(instance.directory, message, remedy)


_SUCCESSORS = {
    "disable_dns_lookups": ("smtp_dns_support_level", "disabled"),
    "lmtp_use_tls": ("lmtp_tls_security_level", "may"),
    "smtp_use_tls": ("smtp_tls_security_level", "may"),
    "smtpd_use_tls": ("smtpd_tls_security_level", "may"),
    "lmtp_enforce_tls": ("lmtp_tls_security_level", "encrypt"),
    "smtp_enforce_tls": ("smtp_tls_security_level", "encrypt"),
    "smtpd_enforce_tls": ("smtpd_tls_security_level", "encrypt"),
}
"""What ``yes`` of an obsolete parameter is today: DEPRECATION_README."""


@theme.rule(
    "obsolete-setting",
    Severity.NOTE,
    "a setting that a coming Postfix will no longer know",
    "postconf(1); DEPRECATION_README",
)
def obsolete_setting(facts: Facts) -> Iterator[Hit]:
    """Yield the parameters that postconf, from 3.9 on, says will be removed."""
    for instance in facts.readable:
        for warning in instance.warnings:
            if match := _OBSOLETE.search(warning):
                remedy = _modernise(instance, match["name"])
                yield Hit(instance.directory, warning, remedy)


def _modernise(instance: InstanceFacts, name: str) -> str:
    """Return the commands that put today's parameter in the place of ``name``, where it is known.

    Its successor keeps the value that it has already.
    """
    if name not in _SUCCESSORS:
        return remedies.tool(instance, "postconf", "-n")
    successor, value = _SUCCESSORS[name]
    commands = []
    if name in instance.settings:
        wanted = instance.get(name) == "yes" and not instance.settings.get(successor)
        commands.append(remedies.drop(instance, [name]))
        commands.append(remedies.edit(instance, **{successor: value}) if wanted else "")
    for service in instance.services:
        if name in service.options:
            key = f"{service.key}/{name}"
            wanted = service.options[name] == "yes" and successor not in service.options
            commands.append(remedies.tool(instance, "postconf", "-PX", key))
            set_to = remedies.override(instance, service.key, successor, value)
            commands.append(set_to if wanted else "")
    return remedies.both(*commands, remedies.reload(instance))


@theme.rule(
    "postconf-warning",
    Severity.NOTE,
    "postconf warns of something else",
    "postconf(1)",
)
def postconf_warning(facts: Facts) -> Iterator[Hit]:
    """Yield the warnings that no other rule understands, in postconf's own words."""
    patterns = (_UNUSED, _UNDEFINED, _TWICE, _OBSOLETE)
    for instance in facts.readable:
        for warning in instance.warnings:
            if not any(pattern.search(warning) for pattern in patterns):
                remedy = remedies.tool(instance, "postconf", "-n")
                yield Hit(instance.directory, warning, remedy)
