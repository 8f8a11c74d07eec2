"""The boot starts each instance, by one unit, under the name that its directory has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.queues import sharing
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import is_safe

theme = Theme("boot")

_STEM = "postfix-"


@theme.rule(
    "not-at-boot",
    Severity.WARNING,
    "nothing starts the instance at boot",
    "systemd.unit(5); README.Debian, multiple instances",
)
def not_at_boot(picture: Picture) -> Iterator[Hit]:
    """Yield instances that no unit is for; those that are meant to stay off aside.

    Postwrap's generator may not have run since the last change: what it will decide counts.
    """
    cannot = {other.directory for other in sharing(picture)}
    for instance in picture.host.instances if picture.host.runs_systemd else ():
        if instance.error or instance.directory in cannot or _is_off(picture, instance):
            continue
        if picture.host.starts_at_boot(instance):
            continue
        place = picture.host.places.get(instance.directory)
        why = f": {place.why}" if place and place.why else ""
        yield Hit(instance.directory, f"nothing starts it at boot{why}", _start(picture, instance))


def _is_off(picture: Picture, instance: InstanceConfig) -> bool:
    """Whether ``instance`` was told not to start, and does not run.

    A default instance that is idle where others serve is meant to be so.
    """
    default = picture.host.default
    known = default.words("multi_instance_directories") if default else []
    enable = instance.settings.get("multi_instance_enable", "").lower()
    if instance.is_default and not enable and instance.running is False:
        return any(i.running for i in picture.host.instances)
    is_disabled = enable == "no" or (not enable and instance.directory in known)
    return is_disabled and instance.running is False


def _start(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command that makes the boot start ``instance``."""
    place = picture.host.places.get(instance.directory)
    if place and place.why.endswith(" is masked"):
        return f"systemctl unmask {remedies.quoted(place.why.removesuffix(' is masked'))}"
    if instance.is_default:
        return "systemctl enable postfix.service"
    if place and "multi_instance_enable" in place.why:
        return remedies.edit(instance, multi_instance_enable="yes")
    return remedies.install(picture)


@theme.rule(
    "two-units",
    Severity.ERROR,
    "two units start the instance at boot",
    "systemd.unit(5)",
)
def two_units(picture: Picture) -> Iterator[Hit]:
    """Yield instances with more than one unit: whichever comes second fails."""
    for instance in picture.host.instances:
        units = [u for u in picture.host.units or () if u.directory == instance.directory]
        if len(units) > 1:
            names = " and ".join(u.name for u in units)
            place = picture.host.places.get(instance.directory)
            chosen = place.unit if place else ""
            best = sorted(units, key=lambda u: (u.name != chosen, not u.is_packaged))
            extra = [unit.name for unit in best[1:]]
            message = f"{names} both start it: the second fails"
            remedy = f"systemctl disable {remedies.words(*extra)}"
            yield Hit(instance.directory, message, remedy)


@theme.rule(
    "registered-with-commas",
    Severity.WARNING,
    "multi_instance_directories has commas, which the distribution's generator does not split at",
    "Debian 12 postfix-instance-generator: for DIR in $(postconf -h multi_instance_directories)",
)
def registered_with_commas(picture: Picture) -> Iterator[Hit]:
    """Yield the default instance where Debian 12's boot does not find what it registers."""
    default, name = picture.host.default, "multi_instance_directories"
    if default and picture.host.splits_at_blanks and "," in default.get(name):
        remedy = remedies.edit(default, **{name: " ".join(default.words(name))})
        if picture.host.runs_systemd:
            remedy = remedies.both(remedy, "systemctl daemon-reload")
        message = (
            f"{name} has commas: the distribution's postfix-instance-generator splits it at "
            "blanks alone, and does not start those instances at boot"
        )
        yield Hit(default.directory, message, remedy)


@theme.rule(
    "name-mismatch",
    Severity.WARNING,
    "multi_instance_name and directory disagree: Debian 13's unit would not find the instance",
    "Debian 13 postfix@.service, MAIL_CONFIG=/etc/postfix-%I; Debian 12: multi_instance_name",
)
def name_mismatch(picture: Picture) -> Iterator[Hit]:
    """Yield instances that Debian 12 starts by a name that Debian 13 makes another directory of."""
    for instance in picture.host.readable:
        name = instance.get("multi_instance_name")
        last = PurePosixPath(instance.directory).name
        if not name or instance.is_default or name in {last, last.removeprefix(_STEM)}:
            continue
        if not is_safe(name):
            continue  # not-served says that
        message = f"its multi_instance_name {name} is not that of its directory {last}"
        remedy = remedies.edit(instance, multi_instance_name=last)
        if picture.host.runs_systemd:
            remedy = remedies.both(remedy, "systemctl daemon-reload")
        yield Hit(instance.directory, message, remedy)


@theme.rule(
    "orphaned-unit",
    Severity.WARNING,
    "a unit is enabled for an instance that is not there",
    "Debian 13 postfix@.service, AssertPathExists=/etc/postfix-%I/main.cf",
)
def orphaned_unit(picture: Picture) -> Iterator[Hit]:
    """Yield units for directories without an instance: left by a rename or an upgrade."""
    known = {instance.directory for instance in picture.host.instances}
    for unit in picture.host.units or ():
        if unit.directory not in known:
            place = f"{unit.directory}, which is not an instance"
            message = f"{unit.name} is started at boot for {place}"
            yield Hit("", message, f"systemctl disable {remedies.quoted(unit.name)}")
