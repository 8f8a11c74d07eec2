"""Filling the chroot jail of a new instance: the files that chrooted services look for. Pure.

Debian 12 fills it from its unit alone (configure-instance.sh), Debian 13 from ``postfix check``
itself, and other systems not at all; so what the default instance's jail has is copied, and the
small files that change are taken from the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.provision.design import InstanceDesign
from postwrap.provision.engine.steps import Step, run
from postwrap.provision.site import ProvisionSite

BY_CHECK = "check"
"""The filler where ``postfix check`` does it."""


def jail_steps(site: ProvisionSite, design: InstanceDesign, *, registered: bool) -> Iterator[Step]:
    """Yield the step that fills the jail, where services are chrooted and nobody else does."""
    method = site.model.jail_method
    if method.filler == BY_CHECK or not design.source.is_chrooted:
        return
    title = "fill the chroot jail in its queue directory"
    queue = design.get("queue_directory")
    if method.filler and registered:
        # By its directory: by its name postmulti(1) is asked, which stops at any other instance
        # that it cannot read.
        yield Step(title, run("env", f"MAIL_CONFIG={design.directory}", method.filler, "-"))
    elif method.parts:
        yield Step(title, run("cp", "-a", *method.parts, f"{queue}/"))
    elif method.files:
        yield Step(title, run("cp", "-pL", "--parents", *method.files, f"{queue}/"))
