"""The verbs create, role and remove."""

from __future__ import annotations

import datetime
import sys
from typing import Annotated

import typer

from postwrap.cli import app, output
from postwrap.cli.provision_options import (
    AddAddress,
    Addresses,
    BodyChecks,
    DataDirectory,
    DryRun,
    Filter,
    From,
    Group,
    HeaderChecks,
    HeloName,
    Hostname,
    Json,
    Mynetworks,
    Name,
    NextHop,
    NoPostmulti,
    NoStart,
    Purge,
    QueueDirectory,
    QueueLifetime,
    RequeueTo,
    RoleOption,
    SameSource,
    Settings,
    SyslogName,
    TlsCert,
    TlsKey,
    Yes,
)
from postwrap.errors import RefusedError
from postwrap.host import Host, Where
from postwrap.provision import options as given
from postwrap.provision.changing import plan_role
from postwrap.provision.creating import plan_create
from postwrap.provision.options import CreateOptions, Role, RoleOptions
from postwrap.provision.removing import RemoveOptions, plan_removal, take_over
from postwrap.provision.steps import transcript
from postwrap.provision.workshop import Plan, Workshop


@app.command()
def create(
    name: Name,
    address: Addresses = None,
    add_address: AddAddress = "",
    role: RoleOption = None,
    source: From = "",
    queue_directory: QueueDirectory = "",
    data_directory: DataDirectory = "",
    syslog_name: SyslogName = "",
    hostname: Hostname = "",
    helo_name: HeloName = "",
    mynetworks: Mynetworks = "",
    group: Group = "",
    no_postmulti: NoPostmulti = False,
    no_start: NoStart = False,
    same_source_address: SameSource = False,
    queue_lifetime: QueueLifetime = "",
    tls_cert: TlsCert = "",
    tls_key: TlsKey = "",
    header_checks: HeaderChecks = "",
    body_checks: BodyChecks = "",
    filter_: Filter = "",
    next_hop: NextHop = "",
    settings: Settings = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make an instance from a copy of the running configuration."""
    shared = RoleOptions(
        role=role,
        same_source_address=same_source_address,
        queue_lifetime=queue_lifetime,
        tls_cert=tls_cert,
        tls_key=tls_key,
        header_checks=header_checks,
        body_checks=body_checks,
        filter=filter_,
        next_hop=next_hop,
        hostname=hostname,
        helo_name=helo_name,
        mynetworks=mynetworks,
        settings=given.settings(settings or ()),
    )
    name = given.instance_name(name)
    wanted = CreateOptions(
        name=name,
        addresses=given.addresses(address or ()),
        add_address=add_address,
        source=source.rstrip("/"),
        queue_directory=queue_directory.rstrip("/"),
        data_directory=data_directory.rstrip("/"),
        syslog_name=syslog_name,
        group=group,
        postmulti=not no_postmulti,
        start=not no_start,
        shared=shared,
    )
    workshop = _workshop()
    if dry_run:
        workshop.need_settled(name)
        _show(plan_create(workshop.host, wanted), as_json=json)
        return
    with workshop.locked(_waiting):
        workshop.recover(name)
        plan = plan_create(workshop.host, wanted)
        _agree(plan, "Make it?", yes=yes, as_json=json)
        workshop.carry_out(plan, "create")
    _report(plan, "made", as_json=json)


@app.command()
def role(
    name: Name,
    role: Annotated[Role | None, typer.Argument(metavar="[ROLE]", help="What it is for.")] = None,
    hostname: Hostname = "",
    helo_name: HeloName = "",
    mynetworks: Mynetworks = "",
    same_source_address: SameSource = False,
    queue_lifetime: QueueLifetime = "",
    tls_cert: TlsCert = "",
    tls_key: TlsKey = "",
    header_checks: HeaderChecks = "",
    body_checks: BodyChecks = "",
    filter_: Filter = "",
    next_hop: NextHop = "",
    settings: Settings = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Give an instance a role, or new settings."""
    wanted = RoleOptions(
        role=role,
        same_source_address=same_source_address,
        queue_lifetime=queue_lifetime,
        tls_cert=tls_cert,
        tls_key=tls_key,
        header_checks=header_checks,
        body_checks=body_checks,
        filter=filter_,
        next_hop=next_hop,
        hostname=hostname,
        helo_name=helo_name,
        mynetworks=mynetworks,
        settings=given.settings(settings or ()),
    )
    workshop = _workshop()
    if dry_run:
        workshop.need_settled(name)
        _show(plan_role(workshop.host, workshop.journal, name, wanted), as_json=json)
        return
    with workshop.locked(_waiting):
        workshop.recover(name)
        plan = plan_role(workshop.host, workshop.journal, name, wanted)
        _agree(plan, "Change it?", yes=yes, as_json=json)
        if plan.steps:
            workshop.carry_out(plan, "role")
    _report(plan, "changed" if plan.steps else "is so already", as_json=json)


@app.command()
def remove(
    name: Name,
    purge: Purge = False,
    requeue_to: RequeueTo = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove an instance without mail, keeping its directories.

    They stay beside their old places, as NAME.removed-DATE.
    """
    workshop = _workshop()
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    wanted = RemoveOptions(name, today, purge, requeue_to)
    if dry_run:
        workshop.need_settled(name)
        _show(plan_removal(workshop.host, workshop.journal, wanted), as_json=json)
        return
    with workshop.locked(_waiting):
        verb = workshop.recover(name)
        if verb and not workshop.exists(name):
            done = f"what an interrupted postwrap {verb} left is gone"
            _report(Plan(name, "", ()), done, as_json=json)
            return
        plan = plan_removal(workshop.host, workshop.journal, wanted)
        _agree(plan, "Remove it?", yes=yes, as_json=json)
        workshop.carry_out(plan, "remove")
    _report(plan, "removed", as_json=json)


@app.command(hidden=True)
def requeue(
    queue_directory: Annotated[str, typer.Argument(metavar="QUEUE_DIRECTORY")],
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "",
) -> None:
    """Hand all messages in a queue directory that nobody uses to the instance NAME.

    Without a NAME there must be none. The transcript of remove has a line for it, so that it runs
    as it stands.
    """
    workshop = _workshop()
    with workshop.locked(_waiting):
        take_over(workshop, queue_directory.rstrip("/"), name)


def _workshop() -> Workshop:
    return Workshop(Host(Where()), output.note)


def _waiting() -> None:
    output.note("postwrap: waiting for another run of postwrap to end")


def _agree(plan: Plan, question: str, *, yes: bool, as_json: bool) -> None:
    """Show what is about to be done; on a terminal, ask."""
    width = max((len(key) for key in plan.settled), default=0)
    for key, value in plan.settled.items() if not as_json else ():
        output.note(f"{key.ljust(width)}  {value}")
    for note in plan.notes if not as_json else ():
        output.note(f"note: {note}")
    # Who wants JSON has a program to read it, and that has decided.
    if not yes and not as_json and sys.stdin.isatty() and not _confirmed(question):
        raise RefusedError("not done", "--dry-run shows what it would be")


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # Control-C or Control-D at the question
        output.note("")
        return False


def _show(plan: Plan, *, as_json: bool) -> None:
    """Print the transcript of ``plan``."""
    steps = (*plan.steps, *plan.last)
    if as_json:
        told = [{"title": step.title, "shell": step.do.shell} for step in steps]
        output.as_json(_document(plan) | {"steps": told})
        return
    for note in plan.notes:
        output.note(f"note: {note}")
    output.script(transcript(steps))


def _report(plan: Plan, done: str, *, as_json: bool) -> None:
    if as_json:
        output.as_json(_document(plan) | {"done": done})
    else:
        output.line(f"{plan.directory or plan.name}: {done}")


def _document(plan: Plan) -> dict[str, object]:
    """Return a plan as JSON."""
    return {
        "name": plan.name,
        "directory": plan.directory,
        "settled": dict(plan.settled),
        "notes": list(plan.notes),
    }
