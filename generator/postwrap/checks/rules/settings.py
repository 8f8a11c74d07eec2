"""What postconf itself says of an instance's main.cf and master.cf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from postwrap.checks import remedies
from postwrap.checks.faults import locate, logical_lines, setting
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.access import closed
from postwrap.checks.rules.obsolete import OBSOLETE
from postwrap.checks.rules.tables import IN_TABLE, UNOPENED
from postwrap.host.model import InstanceConfig

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
def unreadable_settings(picture: Picture) -> Iterator[Hit]:
    """Yield instances that postconf or postmap fails for, in its own words."""
    for instance in picture.host.instances:
        is_shut_to_us = not picture.host.is_root and (closed(instance) or instance.unseen)
        is_told = instance.faults or instance.directory in picture.host.failures
        if instance.error and not is_told and not is_shut_to_us:
            fault = locate(instance.error, instance.texts)
            remedy = fault.comment_out() if fault else _begin(picture, instance)
            again = remedies.restart(picture, instance) if instance.stands_still else ""
            yield Hit(instance.directory, instance.error, remedies.both(remedy, again))


def _begin(picture: Picture, instance: InstanceConfig) -> str:
    """Return what to do about an error that no line of main.cf or master.cf tells of.

    Without mydomain, a myhostname that is made of it leaves both empty: postconf(5) mydomain.
    """
    default = picture.host.default
    if instance.error.rstrip().endswith("mydomain =") and default and default.get("mydomain"):
        return remedies.edit(instance, mydomain=default.get("mydomain"))
    return remedies.tool(instance, "postconf", "-n")


@theme.rule(
    "unknown-setting",
    Severity.WARNING,
    "a setting that no part of Postfix knows",
    "postconf(1): unused parameter",
)
def unknown_setting(picture: Picture) -> Iterator[Hit]:
    """Yield the parameters that postconf calls unused, in main.cf or behind -o in master.cf."""
    for instance in picture.host.readable:
        for warning in instance.warnings:
            if match := _UNUSED.search(warning):
                name = match["name"]
                message = f"{match['file']}: no part of Postfix knows {name} = {match['value']}"
                yield _unknown(instance, match, message)


def _unknown(instance: InstanceConfig, match: re.Match[str], message: str) -> Hit:
    """Return the finding of an unused parameter, with the parameter that is likely meant.

    One that means nothing like it does no harm and goes.
    """
    file, name = match["file"], match["name"]
    drop, likely = _drop(instance, file, name), _likely(instance, name)
    is_in_master = file.endswith("master.cf")
    owners = [s.key for s in instance.services if name in s.stated] if is_in_master else [""]
    if not likely or not owners:
        return Hit(instance.directory, message, drop)
    commands = [
        remedies.override(instance, o, likely, _stated(instance, o).get(name, match["value"]))
        for o in owners
    ]
    message += f"; {likely} is likely meant"
    remedy = remedies.both(drop, *commands, remedies.reload(instance))
    if any(likely in _stated(instance, owner) for owner in owners):
        # It is set already, and only the administrator knows which value is right.
        there = Choice(f"{likely} is right as it is set", drop)
        return Hit(
            instance.directory, message, "", (there, Choice(f"the value of {name} is", remedy))
        )
    return Hit(instance.directory, message, remedy)


def _stated(instance: InstanceConfig, service: str) -> Mapping[str, str]:
    """Return what main.cf sets, or the service of master.cf."""
    if not service:
        return instance.settings
    return next(s.stated for s in instance.services if s.key == service)


def unused_settings(instance: InstanceConfig) -> dict[str, str]:
    """Return the settings that postconf calls unused, with their values."""
    return {m["name"]: m["value"].strip() for w in instance.warnings if (m := _UNUSED.search(w))}


def _likely(instance: InstanceConfig, name: str) -> str:
    """Return the parameter of Postfix that ``name`` is a misspelling of, "" for none."""
    unused = unused_settings(instance)
    known = {n.replace("_", ""): n for n in instance.parameters if n not in unused}
    plain = name.lower().replace("_", "").replace("-", "")
    return known.get(plain) or next(
        (known[near] for near in get_close_matches(plain, known, 1, _LIKENESS)), ""
    )


_LIKENESS = 0.87
"""From which on two names are taken for one: difflib's ratio."""


def _drop(instance: InstanceConfig, file: str, name: str) -> str:
    """Return the command that takes ``name`` out of ``file``, main.cf or master.cf."""
    if not file.endswith("master.cf"):
        # postconf prints a question mark for what is not ASCII, and then cannot find it again.
        odd = setting(name, file, instance.texts.get(file, "")) if "?" in name else None
        return odd.comment_out() if odd else remedies.drop(instance, [name])
    # What is read-only postconf -P does not list.
    override = _override(name)
    lines = [
        line.text
        for line in logical_lines(file, instance.texts.get(file, ""))
        if override.search(_as_bytes(line.text))
    ]
    owners = {"/".join(line.split()[:2]): line for line in lines}
    if not _UNADDRESSED.search(name):
        return remedies.tool(instance, "postconf", "-PX", *(f"{o}/{name}" for o in owners))
    return remedies.both(
        *(
            remedies.tool(instance, "postconf", "-Me", f"{owner}={_without(override, line)}")
            for owner, line in owners.items()
        )
    )


_UNADDRESSED = re.compile(r"[?*/]")
"""What postconf -PX cannot name: patterns, the mark between its words, what is not ASCII."""


def _override(name: str) -> re.Pattern[str]:
    """Return what finds ``-o`` with ``name``, as postconf prints that, in the bytes of a line."""
    spelt = re.escape(name).replace(r"\?", r"[?\x00-\x1f\x7f-\xff]")
    return re.compile(rf"\s-o\s*(?:\{{\s*{spelt}\s*=[^}}]*\}}|{spelt}\s*=\S*)")


def _without(override: re.Pattern[str], line: str) -> str:
    rest = override.sub("", _as_bytes(line))
    return rest.encode("latin-1").decode("utf-8", "surrogateescape")


def _as_bytes(text: str) -> str:
    """Return ``text`` with a character for each byte, as postconf goes through it."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


@theme.rule(
    "undefined-setting",
    Severity.WARNING,
    "a $name that is not set anywhere, and so expands to nothing",
    "postconf(1): undefined parameter",
)
def undefined_setting(picture: Picture) -> Iterator[Hit]:
    """Yield names that are used and not set."""
    for instance in picture.host.readable:
        for warning in instance.warnings:
            if match := _UNDEFINED.search(warning):
                name = match["name"]
                message = f"${name} is used but not set anywhere: it expands to nothing"
                yield Hit(instance.directory, message, remedies.edit(instance, **{name: ""}))


@theme.rule(
    "setting-twice",
    Severity.WARNING,
    "a parameter is set twice in main.cf, and the last one counts",
    "postconf(5), general file syntax",
)
def setting_twice(picture: Picture) -> Iterator[Hit]:
    """Yield parameters with more than one line."""
    for instance in picture.host.readable:
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
def postconf_warning(picture: Picture) -> Iterator[Hit]:
    """Yield the warnings that no other rule understands, in postconf's own words.

    What tells neither a line nor a setting is no finding: nobody could act on it.
    """
    patterns = (_UNUSED, _UNDEFINED, _TWICE, OBSOLETE, IN_TABLE, UNOPENED)
    for instance in picture.host.readable:
        for warning in instance.warnings:
            is_known = any(pattern.search(warning) for pattern in patterns)
            if not is_known and (remedy := _silence(instance, warning)):
                yield Hit(instance.directory, warning, remedy)


def _silence(instance: InstanceConfig, warning: str) -> str:
    """Return the command that ends ``warning``, "" where it does not tell what it is about."""
    if match := _READ_ONLY.search(warning):
        return _drop(instance, match["file"], match["name"])
    if warning.startswith(_NO_IPV6):
        return remedies.edit(instance, inet_protocols="ipv4")
    fault = locate(warning, instance.texts)
    return fault.comment_out() if fault else ""
