"""Filling the chroot jail of a new instance: the files that chrooted services look for.

Debian 12 fills it from its unit alone (configure-instance.sh), Debian 13 from ``postfix check``
itself, and other systems not at all; so what the default instance's jail has is copied, and the
small files that change are taken from the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.provision.draft import Draft
from postwrap.provision.facts import Facts
from postwrap.provision.steps import Step, run


def jail_steps(facts: Facts, draft: Draft, *, registered: bool) -> Iterator[Step]:
    """Yield the step that fills the jail, where services are chrooted and nobody else does."""
    if not draft.source.is_chrooted:
        return
    title = "fill the chroot jail in its queue directory"
    queue = draft["queue_directory"]
    if facts.jail.filler and registered:
        yield Step(title, run(facts.jail.filler, draft["multi_instance_name"]))
    elif facts.jail.parts:
        yield Step(title, run("cp", "-a", *facts.jail.parts, f"{queue}/"))
    elif facts.jail.files:
        yield Step(title, run("cp", "-pL", "--parents", *facts.jail.files, f"{queue}/"))
