"""The boot starts each instance, by one unit, under the name that its directory has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from postwrap.checks import remedies
from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.queues import sharing
from postwrap.instance import is_safe

theme = Theme("boot")

_STEM = "postfix-"


@theme.rule(
    "not-at-boot",
    Severity.WARNING,
    "nothing starts the instance at boot",
    "systemd.unit(5); README.Debian, multiple instances",
)
def not_at_boot(facts: Facts) -> Iterator[Hit]:
    """Yield instances that no unit is for; those that are meant to stay off aside.

    Postwrap's generator may not have run since the last change: what it will decide counts.
    """
    started = {unit.directory for unit in facts.units or ()}
    for instance in facts.instances if facts.units is not None else ():
        place = facts.places.get(instance.directory)
        is_certain = place.starts if place else instance.directory in started
        if is_certain or instance.error or _is_off(facts, instance):
            continue
        why = f": {place.why}" if place and place.why else ""
        yield Hit(instance.directory, f"nothing starts it at boot{why}", _start(facts, instance))


def _is_off(facts: Facts, instance: InstanceFacts) -> bool:
    """Whether ``instance`` was told not to start, and does not run; or cannot, as others say."""
    default = facts.default
    known = default.words("multi_instance_directories") if default else []
    enable = instance.settings.get("multi_instance_enable", "").lower()
    is_disabled = enable == "no" or (not enable and instance.directory in known)
    shares = {other.directory for other in sharing(facts)}
    return (is_disabled and instance.running is False) or instance.directory in shares


def _start(facts: Facts, instance: InstanceFacts) -> str:
    """Return the command that makes the boot start ``instance``."""
    place = facts.places.get(instance.directory)
    if place and place.why.endswith(" is masked"):
        return f"systemctl unmask {remedies.quoted(place.why.removesuffix(' is masked'))}"
    if instance.instance.is_default:
        return "systemctl enable postfix.service"
    if place and "multi_instance_enable" in place.why:
        return remedies.edit(instance, multi_instance_enable="yes")
    return remedies.install(facts)


@theme.rule(
    "two-units",
    Severity.ERROR,
    "two units start the instance at boot",
    "systemd.unit(5)",
)
def two_units(facts: Facts) -> Iterator[Hit]:
    """Yield instances with more than one unit: whichever comes second fails."""
    for instance in facts.instances:
        units = [u for u in facts.units or () if u.directory == instance.directory]
        if len(units) > 1:
            names = " and ".join(u.name for u in units)
            place = facts.places.get(instance.directory)
            chosen = place.unit if place else ""
            best = sorted(units, key=lambda u: (u.name != chosen, not u.is_packaged))
            extra = [unit.name for unit in best[1:]]
            message = f"{names} both start it: the second fails"
            remedy = f"systemctl disable {remedies.words(*extra)}"
            yield Hit(instance.directory, message, remedy)


@theme.rule(
    "name-mismatch",
    Severity.WARNING,
    "multi_instance_name and directory disagree: Debian 13's unit would not find the instance",
    "Debian 13 postfix@.service, MAIL_CONFIG=/etc/postfix-%I; Debian 12: multi_instance_name",
)
def name_mismatch(facts: Facts) -> Iterator[Hit]:
    """Yield instances that Debian 12 starts by a name that Debian 13 makes another directory of."""
    for instance in facts.readable:
        name = instance.get("multi_instance_name")
        last = PurePosixPath(instance.directory).name
        if not name or instance.instance.is_default or name in {last, last.removeprefix(_STEM)}:
            continue
        if not is_safe(name):
            continue  # not-served says that
        message = f"its multi_instance_name {name} is not that of its directory {last}"
        remedy = remedies.edit(instance, multi_instance_name=last)
        if facts.units is not None:
            remedy = remedies.both(remedy, "systemctl daemon-reload")
        yield Hit(instance.directory, message, remedy)


@theme.rule(
    "orphaned-unit",
    Severity.WARNING,
    "a unit is enabled for an instance that is not there",
    "Debian 13 postfix@.service, AssertPathExists=/etc/postfix-%I/main.cf",
)
def orphaned_unit(facts: Facts) -> Iterator[Hit]:
    """Yield units for directories that hold no instance: left by a rename or an upgrade."""
    known = {instance.directory for instance in facts.instances}
    for unit in facts.units or ():
        if unit.directory not in known:
            message = f"{unit.name} is started at boot for {unit.directory}, which is no instance"
            yield Hit("", message, f"systemctl disable {remedies.quoted(unit.name)}")
