"""The hidden verb requeue, which is a line of remove's transcript."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import output, provisioning
from postwrap.cli.declare import Metavar, operand, verb
from postwrap.cli.options import DIRECTORY
from postwrap.provision.removing import take_over


@verb("requeue", hidden=True)
def requeue(
    queue_directory: Annotated[str, operand(DIRECTORY, "Queue directory without an instance")],
    name: Annotated[str, operand(Metavar("NAME"), "Instance that gets the messages")] = "",
) -> None:
    """Move all messages in an unused queue directory to an instance.

    Without a NAME there must be none.
    """
    provisioner = provisioning.provisioner()
    with provisioner.locked(output.waiting):
        take_over(provisioner, queue_directory.rstrip("/"), name)
