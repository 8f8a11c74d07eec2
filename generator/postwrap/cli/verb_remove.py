"""The verb remove."""

from __future__ import annotations

import datetime
from typing import Annotated

from postwrap.cli import output, provisioning
from postwrap.cli.declare import flag, operand, option, verb
from postwrap.cli.documents import ProvisionDocument
from postwrap.cli.options import INSTANCE, SECONDARY
from postwrap.cli.provisioning import ChangeOptions
from postwrap.provision.options import RemoveOptions
from postwrap.provision.provisioner import ProvisionPlan
from postwrap.provision.removing import plan_removal

Instance = Annotated[str, operand(SECONDARY, "Instance: out, postfix-out or /etc/postfix-out")]
Purge = Annotated[
    bool, flag("--purge", help="Delete its configuration, queue and data directories")
]
RequeueTo = Annotated[
    str, option(metavar=INSTANCE, help="Instance that gets the queued mail: default")
]


@verb(
    "remove",
    examples=("postwrap remove out", "postwrap remove out --requeue-to default --purge"),
    document=ProvisionDocument,
)
def remove(
    name: Instance,
    change: ChangeOptions,
    purge: Purge = False,
    requeue_to: RequeueTo = "",
) -> None:
    """Remove an instance whose queue is empty.

    Its directories are kept as NAME.removed-DATE beside their former places. Where there is no such
    instance, nothing is done.
    """
    provisioner = provisioning.provisioner()
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    wanted = RemoveOptions(name, today, purge, requeue_to)
    if change.dry_run:
        provisioner.need_settled(name, forgiving=True)
        provisioning.show(plan_removal(provisioner.host, provisioner.journal, wanted), change)
        return
    with provisioner.locked(output.waiting):
        former = provisioner.recover(name, forgiving=True)
        if former and not provisioner.exists(name):
            done = f"what the interrupted postwrap {former} left was removed"
            provisioning.report(ProvisionPlan(name, "", ()), done, change)
            return
        plan = plan_removal(provisioner.host, provisioner.journal, wanted)
        if plan.is_settled:
            provisioning.report_settled(plan, "no such instance, nothing to remove", change)
            return
        provisioning.agree(plan, "Remove it?", change)
        provisioner.carry_out(plan, "remove")
    provisioning.report(plan, "removed", change)
