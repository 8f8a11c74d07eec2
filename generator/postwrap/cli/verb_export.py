"""The verb export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from postwrap.cli import output, provisioning
from postwrap.cli.declare import operand, verb
from postwrap.cli.documents import ExportDocument
from postwrap.cli.options import SECONDARY, Json
from postwrap.errors import Problem, Status
from postwrap.host.model import InstanceConfig
from postwrap.provision.declaration import Declaration
from postwrap.provision.declared_file import written
from postwrap.provision.exporting import exported, files_of
from postwrap.provision.provisioner import Provisioner, find_configured, look
from postwrap.provision.roles.recorded import role_of
from postwrap.provision.site import ProvisionSite

Secondaries = Annotated[
    list[str] | None,
    operand(SECONDARY, "Instances: out, postfix-out or /etc/postfix-out; all where none is named"),
]


@verb(
    "export",
    examples=("postwrap export", "postwrap export out >instances.toml"),
    document=ExportDocument,
)
def export(names: Secondaries = None, json: Json = False) -> None:
    """Write the declaration of instances that are there, for apply.

    It is TOML. Applied here it changes nothing; on another host it makes instances with the same
    main.cf and master.cf. The tables, keys and certificates that they name are listed in comments,
    and must exist there.
    """
    provisioner = provisioning.provisioner()
    site = look(provisioner.host, provisioner.journal)
    configs = [find_configured(provisioner.host, site, name) for name in names or ()]
    found = {c.directory: c for c in configs or site.secondaries if not c.is_default}
    made = [_declared(provisioner, site, config) for config in found.values()]
    problems = [] if names else list(_unread(site))
    text = "\n".join(_commented(declared) for declared in made)
    if json:
        files = [{"setting": f.setting, "path": f.path} for d in made for f in files_of(d)]
        output.as_json({"toml": text, "files": files, "problems": output.problem_list(problems)})
    else:
        output.script(text.rstrip("\n"))
        output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _declared(provisioner: Provisioner, site: ProvisionSite, config: InstanceConfig) -> Declaration:
    record = provisioner.journal.known(config.directory)
    role = (record.role if record else "") or role_of(site.owned, config.directory) or ""
    return exported(site, config, record.request if record else None, str(role))


def _commented(declared: Declaration) -> str:
    files = "".join(f"#   {f.path} ({f.setting})\n" for f in files_of(declared))
    head = f"# {declared.name} names these files, which must exist:\n{files}" if files else ""
    return head + written(declared)


def _unread(site: ProvisionSite) -> Iterator[Problem]:
    for instance in site.model.instances:
        if instance.error:
            hint = f"postfix -c {instance.directory} check"
            yield Problem(instance.directory, f"is left out: {instance.error}", hint)
