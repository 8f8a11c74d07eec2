"""Each instance's own commands are installed and up to date."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.status import Installed

theme = Theme("commands")


@theme.rule(
    "commands-missing", Severity.WARNING, "the instance's commands are not installed", "postwrap(8)"
)
def commands_missing(facts: Facts) -> Iterator[Hit]:
    """Yield instances that have none of their commands."""
    for instance in facts.instances:
        if instance.commands is Installed.MISSING:
            message = f"its commands (mailq{instance.instance.suffix}, …) are not installed"
            yield Hit(instance.directory, message, _install(facts, instance))


@theme.rule(
    "commands-outdated",
    Severity.WARNING,
    "some of the instance's commands are missing or not as postwrap makes them",
    "postwrap(8)",
)
def commands_outdated(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose commands are not what install would write, and what all share."""
    if facts.shared:
        more = f" and {len(facts.shared) - 1} more" if len(facts.shared) > 1 else ""
        message = f"{facts.shared[0]}{more}, for all instances: missing or out of date"
        yield Hit("", message, remedies.install(facts))
    for instance in facts.instances:
        if instance.commands is Installed.OUTDATED:
            message = f"some of its commands (mailq{instance.instance.suffix}, …) are out of date"
            yield Hit(instance.directory, message, _install(facts, instance))


def _install(facts: Facts, instance: InstanceFacts) -> str:
    """Return the command; the directory in full, for a name may be that of one that is gone too."""
    force = ["--force"] if instance.directory in facts.edited else []
    return remedies.install(facts, *force, instance.directory)


@theme.rule(
    "commands-left",
    Severity.WARNING,
    "commands of an instance that is gone are still installed",
    "postwrap(8)",
)
def commands_left(facts: Facts) -> Iterator[Hit]:
    """Yield the installed files that no instance wants any more."""
    if facts.left:
        first = min(facts.left, key=lambda path: "bin" not in path)
        more = f" and {len(facts.left) - 1} more" if len(facts.left) > 1 else ""
        message = f"{first}{more}: for no instance that is there"
        yield Hit("", message, remedies.install(facts))
