"""Each instance's own commands are installed and up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig
from postwrap.install.state import Installed

theme = Theme("commands")


@theme.rule(
    "commands-missing", Severity.WARNING, "the instance's commands are not installed", "postwrap(8)"
)
def commands_missing(picture: Picture) -> Iterator[Hit]:
    """Yield instances that have none of their commands."""
    for instance in picture.host.instances:
        if picture.installed.of(instance.directory) is Installed.MISSING:
            message = f"its commands (mailq{instance.instance.suffix}, …) are not installed"
            yield Hit(instance.directory, message, _install(picture, instance))


@theme.rule(
    "commands-outdated",
    Severity.WARNING,
    "some of the instance's commands are missing or not as postwrap makes them",
    "postwrap(8)",
)
def commands_outdated(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose commands are not what install would write, and what all share."""
    if shared := picture.installed.shared:
        message = f"{shared[0]}{_more(shared)}, for all instances: missing or out of date"
        yield Hit("", message, remedies.install(picture))
    for instance in picture.host.instances:
        if picture.installed.of(instance.directory) is Installed.OUTDATED:
            message = f"some of its commands (mailq{instance.instance.suffix}, …) are out of date"
            yield Hit(instance.directory, message, _install(picture, instance))


def _install(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command; the directory in full, for a name may be that of one that is gone too."""
    force = ["--force"] if instance.directory in picture.installed.edited else []
    return remedies.install(picture, *force, instance.directory)


def _more(paths: Sequence[str]) -> str:
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""


@theme.rule(
    "commands-left",
    Severity.WARNING,
    "commands of an instance that does not exist any more are installed",
    "postwrap(8)",
)
def commands_left(picture: Picture) -> Iterator[Hit]:
    """Yield the installed files that no instance wants any more."""
    if left := picture.installed.left:
        first = min(left, key=lambda path: "bin" not in path)
        message = f"{first}{_more(left)}: belongs to an instance that does not exist"
        yield Hit("", message, remedies.install(picture))


@theme.rule(
    "installed-twice",
    Severity.WARNING,
    "commands of the instances are installed under two prefixes",
    "postwrap(8)",
)
def installed_twice(picture: Picture) -> Iterator[Hit]:
    """Yield the installations besides the one that is looked at; PATH decides which is run."""
    for other in picture.installed.others:
        whose = f", by the package {other.package}" if other.package else ""
        message = f"{other.prefix}: commands of the instances are installed there too{whose}"
        spare = picture.installed.named if other.package else (f"--prefix={other.prefix}",)
        yield Hit("", message, remedies.words("postwrap", "uninstall", *spare))
