"""What postconf itself says of an instance's main.cf and master.cf."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.access import closed
from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.faults import locate, logical_lines, setting
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.obsolete import OBSOLETE
from postwrap.checks.tables import IN_TABLE, UNOPENED

theme = Theme("settings")

_UNUSED = re.compile(r"(?<!\S)(?P<file>/\S+): unused parameter: (?P<name>[^=\s]+)=(?P<value>.*)")
_UNDEFINED = re.compile(r"\S+: undefined parameter: (?P<name>\S+)")
_TWICE = re.compile(r": overriding earlier entry: (?P<name>[^=\s]+)=")
_READ_ONLY = re.compile(
    r"(?<!\S)(?P<file>/\S+): read-only parameter assignment: (?P<name>[^=\s]+)="
)
_NO_IPV6 = "inet_protocols: disabling IPv6 name/address support"


@theme.rule(
    "unreadable-settings",
    Severity.ERROR,
    "Postfix cannot read main.cf or master.cf: no command of the instance works",
    "postconf(1), postmap(1)",
)
def unreadable_settings(facts: Facts) -> Iterator[Hit]:
    """Yield instances that postconf or postmap fails for, in its own words."""
    for instance in facts.instances:
        is_shut_to_us = not facts.is_root and (closed(instance) or instance.unseen)
        if instance.error and not is_shut_to_us:
            fault = locate(instance.error, instance.texts)
            remedy = remedies.tool(instance, "postconf", "-n")
            yield Hit(instance.directory, instance.error, fault.comment_out() if fault else remedy)


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
            if match := _UNUSED.search(warning):
                name = match["name"]
                message = f"{match['file']}: no part of Postfix knows {name} = {match['value']}"
                yield Hit(instance.directory, message, _drop(instance, match["file"], name))


def _drop(instance: InstanceFacts, file: str, name: str) -> str:
    """Return the command that takes ``name`` out of ``file``, main.cf or master.cf."""
    if not file.endswith("master.cf"):
        # postconf prints a question mark for what is not ASCII, and then cannot find it again.
        odd = setting(name, file, instance.texts.get(file, "")) if "?" in name else None
        return odd.comment_out() if odd else remedies.drop(instance, [name])
    # What is read-only postconf -P does not list.
    override = re.compile(rf"\s-o\s*(?:\{{\s*)?{name}\s*=")
    lines = (
        x.text for x in logical_lines(file, instance.texts.get(file, "")) if override.search(x.text)
    )
    owners = ("/".join(line.split()[:2]) for line in lines)
    return remedies.tool(instance, "postconf", "-PX", *(f"{owner}/{name}" for owner in owners))


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


@theme.rule(
    "postconf-warning",
    Severity.NOTE,
    "postconf warns of something else that is to be changed",
    "postconf(1)",
)
def postconf_warning(facts: Facts) -> Iterator[Hit]:
    """Yield the warnings that no other rule understands, in postconf's own words.

    What tells neither a line nor a setting is no finding: nobody could act on it.
    """
    patterns = (_UNUSED, _UNDEFINED, _TWICE, OBSOLETE, IN_TABLE, UNOPENED)
    for instance in facts.readable:
        for warning in instance.warnings:
            is_known = any(pattern.search(warning) for pattern in patterns)
            if not is_known and (remedy := _silence(instance, warning)):
                yield Hit(instance.directory, warning, remedy)


def _silence(instance: InstanceFacts, warning: str) -> str:
    """Return the command that ends ``warning``, "" where it does not tell what it is about."""
    if match := _READ_ONLY.search(warning):
        return _drop(instance, match["file"], match["name"])
    if warning.startswith(_NO_IPV6):
        return remedies.edit(instance, inet_protocols="ipv4")
    fault = locate(warning, instance.texts)
    return fault.comment_out() if fault else ""
