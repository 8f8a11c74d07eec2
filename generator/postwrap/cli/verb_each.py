"""The verb each."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from postwrap import programs
from postwrap.cli import output
from postwrap.cli.declare import Metavar, flag, option, verb
from postwrap.cli.options import Names, this_host
from postwrap.cli.words import whole_number
from postwrap.each.feed import StandardInput
from postwrap.each.outlet import STREAMS
from postwrap.each.run import CommandLine, run_each
from postwrap.errors import RefusedError, Status, UsageError
from postwrap.host.discovery import Discovery
from postwrap.host.naming import Instance, select
from postwrap.installation import Installation

Group = Annotated[
    str, option(metavar=Metavar("GROUP"), help="Only instances of this multi_instance_group")
]
AtOnce = Annotated[
    str,
    option("--parallel", metavar=Metavar("N"), help="Instances to run it for at once (default: 1)"),
]
Raw = Annotated[bool, flag("--raw", help="Do not mark lines on a terminal with the instance")]
Mark = Annotated[bool, flag("--mark", help="Mark each line with the instance, also in a pipe")]


@verb(
    "each",
    examples=(
        "postwrap each -- postqueue -f",
        "postwrap each out in -- postconf -e smtp_tls_security_level=may",
        "postwrap each --mark -- mailq | less",
    ),
    command="Command to run: a path, or a name that is looked up in system directories",
)
def each(
    context: typer.Context,
    names: Names = None,
    group: Group = "",
    parallel: AtOnce = "1",
    raw: Raw = False,
    mark: Mark = False,
) -> None:
    """Run a command for each instance, with MAIL_CONFIG set to it.

    Each command reads all of standard input. Output comes in the order of the instances, and is
    marked with their names on a terminal. The exit status is the highest of all, where 128+N stands
    for signal N; with N above 1 for --parallel, a terminal is not read.
    """
    if raw and mark:
        raise UsageError("--raw: cannot be combined with --mark", "leave one of the two out")
    at_once = whole_number("--parallel", parallel, least=1)
    host = this_host()
    argv = _argv(host, context.args)
    chosen = _chosen(host.discovery, names or (), group)
    skipped = () if names else host.discovery.left_out
    output.problems(skipped)
    results = run_each(
        [CommandLine(i.name, argv, {"MAIL_CONFIG": i.directory}) for i in chosen],
        StandardInput(),
        at_once=at_once,
        marked=frozenset(s for s in STREAMS if mark or (os.isatty(s) and not raw)),
    )
    raise typer.Exit(max(results.worst, Status.FOUND if skipped else Status.OK))


def _argv(host: Installation, words: Sequence[str]) -> tuple[str, ...]:
    """Return how the command ``words`` is started, Postfix's own where this host has them."""
    if not words:
        raise UsageError("COMMAND: is missing", "postwrap each -- mailq")
    name, *rest = words
    if "/" in name:
        if not os.access(name, os.X_OK) or Path(name).is_dir():
            number = errno.EACCES if Path(name).exists() else errno.ENOENT
            raise RefusedError(f"{name}: {os.strerror(number)}", "name a program")
        return (name, *rest)
    for target in host.targets[0]:
        if target.name == name:
            return (*target.argv, *rest)
    if not programs.find(name):
        where = ":".join(programs.directories())
        raise RefusedError(f"{name}: no such command in {where}", "give its path")
    return (name, *rest)


def _chosen(discovery: Discovery, names: Sequence[str], group: str) -> Sequence[Instance]:
    """Return the instances that ``names`` and ``group`` mean."""
    for name in names:
        discovery.need_served(name)
    found = select(discovery.instances, names)
    if not group:
        return found
    members = [i for i in found if i.parameters.get("multi_instance_group") == group]
    if not members:
        hint = "postwrap each -- postconf multi_instance_group"
        raise RefusedError(f"--group {group}: no instance has this multi_instance_group", hint)
    return members
