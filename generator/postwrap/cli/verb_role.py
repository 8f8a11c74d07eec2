"""The verb role."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import output, provisioning
from postwrap.cli.declare import operand, verb
from postwrap.cli.documents import ProvisionDocument
from postwrap.cli.options import Name
from postwrap.cli.provisioning import ChangeOptions
from postwrap.cli.role_options import ROLE, RoleSettings
from postwrap.provision.changing import plan_role
from postwrap.provision.options import RoleOptions
from postwrap.provision.provisioner import ProvisionPlan


@verb(
    "role",
    examples=(
        "postwrap role out outbound --same-source-address",
        "postwrap role out --set smtp_destination_rate_delay=1s",
    ),
    document=ProvisionDocument,
)
def role(
    name: Name,
    settings: RoleSettings,
    change: ChangeOptions,
    role: Annotated[str, operand(ROLE, "New role; without one, only settings are changed")] = "",
) -> None:
    """Change the role or the settings of an instance.

    Both the instance and the default instance are set up for the role. Settings of the former role
    are taken back, unless they were edited since.
    """
    wanted = settings.request(role, "ROLE")
    provisioner = provisioning.provisioner()

    def made(options: RoleOptions) -> ProvisionPlan:
        return plan_role(provisioner.host, provisioner.journal, name, options)

    if change.dry_run:
        provisioner.need_settled(name)
        provisioning.show(made(wanted), change)
        return
    with provisioner.locked(output.waiting):
        provisioner.recover(name)
        plan = provisioning.answered(made, wanted, change)
        if plan.is_settled:
            provisioning.report_settled(plan, "nothing to change", change)
            return
        provisioning.agree(plan, "Change it?", change)
        provisioner.carry_out(plan, "role")
    provisioning.report(plan, "changed" if plan.steps else "nothing to change", change)
