"""The verb rename."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import output, provisioning
from postwrap.cli.declare import Metavar, operand, verb
from postwrap.cli.documents import ProvisionDocument
from postwrap.cli.options import SECONDARY
from postwrap.cli.provisioning import ChangeOptions
from postwrap.provision.options import need_name
from postwrap.provision.provisioner import ProvisionPlan
from postwrap.provision.renaming import plan_rename

Old = Annotated[str, operand(SECONDARY, "Instance: out, postfix-out or /etc/postfix-out")]
New = Annotated[str, operand(Metavar("NEW"), "Its new name: relay")]


@verb("rename", examples=("postwrap rename out relay",), document=ProvisionDocument)
def rename(name: Old, new: New, change: ChangeOptions) -> None:
    """Rename an instance: its directories, log tag, commands and unit.

    Its mail stays queued under the same queue IDs. The settings and routing tables of other
    instances that name its directories follow. The instance is stopped meanwhile.
    """
    need_name(new)
    provisioner = provisioning.provisioner()
    if change.dry_run:
        provisioner.need_settled(name)
        provisioner.need_settled(new)
        plan = plan_rename(provisioner.host, provisioner.journal, name, new)
        provisioning.show(plan, change)
        return
    with provisioner.locked(output.waiting):
        former = provisioner.recover(name) or provisioner.recover(new)
        if former == "rename" and provisioner.exists(new) and not provisioner.exists(name):
            provisioning.report(ProvisionPlan(new, "", ()), "renamed", change)
            return
        plan = plan_rename(provisioner.host, provisioner.journal, name, new)
        provisioning.agree(plan, "Rename it?", change)
        provisioner.carry_out(plan, "rename")
    provisioning.report(plan, f"renamed to {plan.becomes}", change)
