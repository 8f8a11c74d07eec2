"""Instances whose configuration others than root can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.access import register
from postwrap.checks.rules.naming import follow, free
from postwrap.host import rights
from postwrap.host.model import InstanceConfig

theme = Theme("access")

_PARENT = PurePosixPath("/etc")


@theme.rule(
    "writable",
    Severity.ERROR,
    "the configuration can be changed by others than root, who would have root run anything",
    "postfix(1), check: not owned by root, group or other writable; postconf(5) daemon_directory",
)
def writable(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose configuration others may write: they would run programs as root."""
    for instance in picture.host.instances:
        if instance.faults:
            remedy = rights.remedy(instance.faults) or _moved(picture, instance)
            yield Hit(instance.directory, rights.told(instance.faults), remedy)


def _moved(picture: Picture, instance: InstanceConfig) -> str:
    """Return the commands that move ``instance`` to /etc, away from a directory that others use.

    Nothing of Postfix is run for it before it is root's alone.
    """
    last = PurePosixPath(instance.directory).name
    name = last if last.startswith("postfix") else f"postfix-{last}"
    directory = str(_PARENT / free(picture, instance, name))
    moved = replace(instance, instance=replace(instance.instance, directory=directory))
    runs, stop, start = (
        remedies.tool(moved, "postfix", verb) for verb in ("status", "stop", "start")
    )
    default = picture.host.default
    return remedies.both(
        *dict.fromkeys(fault.remedy for fault in instance.faults),
        remedies.words("mv", instance.directory, directory),
        follow(instance, directory),
        register(default, directory, instance.directory) if default else "",
        f"if {runs}; then {stop} && {start}; fi",
        remedies.install(picture),
    )
