"""Chroot jails: what a chrooted service reads is there, and as fresh as the host's own."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.queues import missing_parts
from postwrap.host.model import InstanceConfig, JailFile

theme = Theme("jails")

_SOURCE = "master(5) chroot; BASIC_CONFIGURATION_README, chroot"


@theme.rule("jail-missing", Severity.ERROR, "a chroot jail lacks files of the resolver", _SOURCE)
def jail_missing(picture: Picture) -> Iterator[Hit]:
    """Yield instances with chrooted services that cannot look up hosts."""
    for instance, paths in _with(picture, JailFile.MISSING):
        message = f"chrooted services lack {paths}: they cannot look up hosts"
        yield Hit(instance.directory, message, remedies.fill_jail(picture, instance))


@theme.rule(
    "jail-stale", Severity.WARNING, "a chroot jail has files older than the host's own", _SOURCE
)
def jail_stale(picture: Picture) -> Iterator[Hit]:
    """Yield instances with chrooted services that use what the host was once."""
    for instance, paths in _with(picture, JailFile.STALE):
        message = f"{paths} differs from the host's own: chrooted services use old data"
        remedy = remedies.both(remedies.fill_jail(picture, instance), remedies.reload(instance))
        yield Hit(instance.directory, message, remedy)


def _with(picture: Picture, state: JailFile) -> Iterator[tuple[InstanceConfig, str]]:
    """Yield the instances whose jail has files in ``state``, where the queue itself is whole."""
    for instance in picture.host.readable:
        queue = instance.get("queue_directory")
        paths = [f"{queue}/{n}" for n, copy in sorted(instance.jail.items()) if copy is state]
        if paths and not missing_parts(instance):
            yield instance, ", ".join(paths)
