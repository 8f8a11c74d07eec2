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


@theme.rule(
    "postconf-warning",
    Severity.NOTE,
    "postconf warns of something else",
    "postconf(1)",
)
def postconf_warning(facts: Facts) -> Iterator[Hit]:
    """Yield the warnings that no other rule understands, in postconf's own words."""
    patterns = (_UNUSED, _UNDEFINED, _TWICE)
    for instance in facts.readable:
        for warning in instance.warnings:
            if not any(pattern.search(warning) for pattern in patterns):
                remedy = remedies.tool(instance, "postconf", "-n")
                yield Hit(instance.directory, warning, remedy)
