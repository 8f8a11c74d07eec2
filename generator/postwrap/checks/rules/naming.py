"""Directories whose names keep them from commands of their own, and the names that do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import PurePosixPath

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.access import closed, register
from postwrap.host.model import Alias, InstanceConfig
from postwrap.host.naming import is_safe, suffix_of

theme = Theme("access")

_LIMIT = 100
"""As long as a new name may be; discovery takes some more."""


@theme.rule(
    "not-served",
    Severity.ERROR,
    "postwrap gives the directory no commands",
    "postwrap(8): names of instances",
)
def not_served(picture: Picture) -> Iterator[Hit]:
    """Yield the instances that discovery refuses, where no other rule says why.

    Of two that would have the same commands, one has to go another way.
    """
    for problem in picture.problems:
        instance = picture.host.of(problem.subject)
        if instance is None or instance.error or instance.unseen or closed(instance):
            continue
        if instance.faults or _twin_before(picture, instance):
            continue
        yield Hit(problem.subject, problem.message, _mend(picture, instance))


def _suffix(instance: InstanceConfig) -> str:
    return suffix_of(instance.directory, instance.get("multi_instance_name"))


def _twin_before(picture: Picture, instance: InstanceConfig) -> bool:
    """Whether ``instance`` is the first of those with its suffix, and may keep it."""
    twins = [i for i in picture.host.instances if _suffix(i) == _suffix(instance)]
    return len(twins) > 1 and twins[0] is instance and is_safe(instance.directory.replace("/", ""))


def _mend(picture: Picture, instance: InstanceConfig) -> str:
    """Return the commands that give ``instance`` a name that can be served.

    Where its commands are called by multi_instance_name, that changes; else the directory does.
    """
    directory = PurePosixPath(instance.directory)
    is_named = instance.get("multi_instance_name") and _suffix(instance).endswith(
        "-" + instance.get("multi_instance_name")
    )
    if is_safe(instance.directory.replace("/", "")) and is_named:
        name = free(picture, instance, directory.name)
        renamed = remedies.edit(instance, multi_instance_name=name)
        return remedies.both(renamed, remedies.install(picture))
    return _move(picture, instance, str(directory.with_name(free(picture, instance))))


def free(picture: Picture, instance: InstanceConfig, wanted: str = "") -> str:
    """Return a last part for the directory of ``instance`` that nobody has, like its own."""
    last = PurePosixPath(instance.directory).name
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted or last)[:_LIMIT].strip("-.") or "postfix"
    others = [i for i in (*picture.host.instances, *picture.host.copies) if i is not instance]
    taken = {_suffix(i) for i in others} | {suffix_of(i.directory) for i in others}
    taken |= set() if wanted else {suffix_of(last), "-postfix"}
    names = (plain if n == 1 else f"{plain}-{n}" for n in count(1))
    return next(name for name in names if suffix_of(name) not in taken)


def _move(picture: Picture, instance: InstanceConfig, directory: str) -> str:
    """Return the commands that move ``instance``, with what names its directory following."""
    moved = replace(instance, instance=replace(instance.instance, directory=directory))
    runs = instance.running is not False
    name = PurePosixPath(directory).name
    has_name = bool(instance.get("multi_instance_name"))
    default = picture.host.default
    return remedies.both(
        remedies.tool(instance, "postfix", "stop") if runs else "",
        remedies.words("mv", instance.directory, directory),
        follow(instance, directory),
        remedies.edit(moved, multi_instance_name=name) if has_name else "",
        register(default, directory, instance.directory) if default else "",
        remedies.tool(moved, "postfix", "start") if runs else "",
        remedies.install(picture),
    )


def follow(instance: InstanceConfig, directory: str) -> str:
    """Return the command that rewrites paths of main.cf and master.cf below its old directory."""
    texts = instance.texts.values()
    if not any(f"{instance.directory}/" in text for text in texts):
        return ""
    old = remedies.literal(instance.directory, "|")
    files = (f"{directory}/main.cf", f"{directory}/master.cf")
    return remedies.words("sed", "-i", f"s|{old}/|{directory}/|g", *files)


@theme.rule(
    "two-names",
    Severity.NOTE,
    "an instance has a second name, which has no commands and is another instance to Postfix",
    "postwrap(8): names of instances; postconf(5) alternate_config_directories: letter by letter",
)
def two_names(picture: Picture) -> Iterator[Hit]:
    """Yield the other names of configuration directories."""
    for name, alias in picture.host.aliases.items():
        message = f"is another name of {alias.directory}, which alone has commands"
        yield Hit(name, f"{name} {message}", _one_name(picture, name, alias))


def _one_name(picture: Picture, name: str, alias: Alias) -> str:
    """Return the commands that leave the first name alone."""
    default = picture.host.default
    instance = picture.host.of(alias.directory)
    is_started = bool(instance and instance.master and instance.master.config_directory == name)
    is_registered = name in (word.rstrip("/") for word in picture.host.registered)
    return remedies.both(
        register(default, alias.directory, name) if default and is_registered else "",
        remedies.words("rm", name) if alias.is_link else "",
        remedies.restart(picture, instance) if instance and is_started else "",
    )
