"""The verb create."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from postwrap.cli import output, provisioning
from postwrap.cli.declare import Metavar, flag, operand, option, verb
from postwrap.cli.documents import ProvisionDocument
from postwrap.cli.options import DIRECTORY
from postwrap.cli.provisioning import ChangeOptions
from postwrap.cli.role_options import ROLE, RoleSettings
from postwrap.provision import options as given
from postwrap.provision.creating import plan_create
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.provisioner import ProvisionPlan


@dataclass(frozen=True, slots=True)
class NewInstance:
    """What only create may set."""

    address: Annotated[
        list[str] | None,
        option(
            "--address",
            metavar=Metavar("ADDR[:PORT]"),
            help="Address[:port] to listen on; repeatable",
        ),
    ] = None
    add_address: Annotated[
        str,
        option(
            metavar=Metavar("DEV"),
            help="Network interface that gets an --address the host lacks",
        ),
    ] = ""
    role: Annotated[
        str,
        option(
            "--role",
            metavar=ROLE,
            help="Role of the instance; sets both instances up for it",
        ),
    ] = ""
    source: Annotated[
        str,
        option(
            "--from",
            metavar=DIRECTORY,
            help="Configuration directory to copy (default: that of the default instance)",
        ),
    ] = ""
    queue_directory: Annotated[
        str, option(metavar=DIRECTORY, help="queue_directory of the instance")
    ] = ""
    data_directory: Annotated[
        str, option(metavar=DIRECTORY, help="data_directory of the instance")
    ] = ""
    syslog_name: Annotated[
        str, option(metavar=Metavar("TAG"), help="syslog_name of the instance")
    ] = ""
    group: Annotated[
        str, option(metavar=Metavar("GROUP"), help="multi_instance_group of the instance")
    ] = ""
    no_postmulti: Annotated[
        bool,
        flag(
            "--no-postmulti",
            help="Register it in alternate_config_directories instead of "
            "multi_instance_directories",
        ),
    ] = False
    no_start: Annotated[bool, flag("--no-start", help="Do not start it")] = False

    def request(self, name: str, shared: RoleOptions) -> CreateOptions:
        """Return what is asked for."""
        return CreateOptions(
            name=given.instance_name(name),
            addresses=given.addresses(self.address or ()),
            add_address=self.add_address,
            source=self.source.rstrip("/"),
            queue_directory=self.queue_directory.rstrip("/"),
            data_directory=self.data_directory.rstrip("/"),
            syslog_name=self.syslog_name,
            group=self.group,
            postmulti=not self.no_postmulti,
            start=not self.no_start,
            shared=shared,
        )


@verb(
    "create",
    examples=(
        "postwrap create out --address 10.0.0.1 --role fallback-relay",
        "postwrap create test --dry-run",
    ),
    document=ProvisionDocument,
)
def create(
    name: Annotated[str, operand(Metavar("NAME"), "Name of the new instance: out")],
    new: NewInstance,
    settings: RoleSettings,
    change: ChangeOptions,
) -> None:
    """Create an instance from a copy of a running configuration.

    The instance gets its own directories, listeners, log tag and commands, is started, and must
    answer by SMTP; if a step fails, all of them are undone. Without --address it takes mail from
    its own sendmail only. Where nobody can be asked, --yes is needed. For an instance that exists
    and is as it is asked for, nothing is done.
    """
    wanted = new.request(name, settings.request(new.role, "--role"))
    provisioner = provisioning.provisioner()

    def made(shared: RoleOptions) -> ProvisionPlan:
        asked = replace(wanted, shared=shared)
        return plan_create(provisioner.host, provisioner.journal, asked)

    if change.dry_run:
        provisioner.need_settled(wanted.name)
        provisioning.show(made(wanted.shared), change)
        return
    with provisioner.locked(output.waiting):
        if not provisioner.exists(wanted.name):
            provisioning.need_consent(change)
        provisioner.recover(wanted.name)
        plan = provisioning.answered(made, wanted.shared, change)
        if plan.is_settled:
            provisioning.report_settled(plan, "exists already, as it is asked for", change)
            return
        provisioning.agree(plan, "Create it?", change)
        provisioner.carry_out(plan, "create")
    provisioning.report(plan, "created", change)
