"""Chroot jails: what a chrooted service reads is there, and as fresh as the host's own."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.facts import Copy, Facts, InstanceFacts
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.queues import missing_parts

theme = Theme("jails")

_SOURCE = "master(5) chroot; BASIC_CONFIGURATION_README, chroot"


@theme.rule("jail-missing", Severity.ERROR, "a chroot jail lacks files of the resolver", _SOURCE)
def jail_missing(facts: Facts) -> Iterator[Hit]:
    """Yield instances with chrooted services that can look up no host."""
    for instance, paths in _with(facts, Copy.MISSING):
        message = f"chrooted services lack {paths}: they find no host"
        yield Hit(instance.directory, message, remedies.fill_jail(facts, instance))


@theme.rule(
    "jail-stale", Severity.WARNING, "a chroot jail has files older than the host's own", _SOURCE
)
def jail_stale(facts: Facts) -> Iterator[Hit]:
    """Yield instances with chrooted services that go by what the host was once."""
    for instance, paths in _with(facts, Copy.STALE):
        message = f"{paths} differs from the host's own: chrooted services go by old data"
        remedy = remedies.both(remedies.fill_jail(facts, instance), remedies.reload(instance))
        yield Hit(instance.directory, message, remedy)


def _with(facts: Facts, state: Copy) -> Iterator[tuple[InstanceFacts, str]]:
    """Yield the instances whose jail has files in ``state``, where the queue itself is whole."""
    for instance in facts.readable:
        queue = instance.get("queue_directory")
        paths = [f"{queue}/{n}" for n, copy in sorted(instance.jail.items()) if copy is state]
        if paths and not missing_parts(instance):
            yield instance, ", ".join(paths)
