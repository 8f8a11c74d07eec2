"""The hidden verb renamed, which is a line of rename's transcript."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import output, provisioning
from postwrap.cli.declare import Metavar, operand, verb
from postwrap.errors import UsageError
from postwrap.provision.engine.following import settle

Pairs = Annotated[
    list[str], operand(Metavar("OLD=NEW"), "Directories, the configuration directory first")
]


@verb("renamed", hidden=True)
def renamed(pairs: Pairs) -> None:
    """Let the records of postwrap follow an instance whose directories have new names."""
    paths = tuple((old, new) for old, _, new in (pair.partition("=") for pair in pairs))
    for old, new in paths:
        if not (old.startswith("/") and new.startswith("/")):
            raise UsageError(f"{old}={new}: is not a pair of absolute paths", "OLD=NEW")
    provisioner = provisioning.provisioner()
    with provisioner.locked(output.waiting):
        settle(provisioner.host.source, paths)
