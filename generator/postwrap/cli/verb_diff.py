"""The verb diff."""

from __future__ import annotations

from typing import Annotated

import typer

from postwrap.assemble import assemble
from postwrap.cli import files, output
from postwrap.cli.declare import flag, verb
from postwrap.cli.documents import InstallationDocument
from postwrap.cli.options import Json, Names, StagingOptions
from postwrap.diff import unified
from postwrap.errors import Status

Quiet = Annotated[bool, flag("--quiet", "-q", help="Print nothing; only set the exit status")]


@verb("diff", examples=("postwrap diff",), document=InstallationDocument)
def diff(
    staging: StagingOptions,
    names: Names = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Show what install would change, as a unified diff.

    The exit status is 1 if there is a difference.
    """
    host = staging.host()
    assembly = assemble(host, names or ())
    planned = assembly.plan(host.manifest, host.destination, force=True)
    if json:
        output.as_json(files.document(planned, assembly.problems))
    elif not quiet:
        output.text("".join(map(unified, planned.changes)))
        output.problems((*assembly.problems, *planned.conflicts, *planned.kept))
    found = planned.changes or planned.conflicts or planned.kept or assembly.problems
    raise typer.Exit(Status.FOUND if found else Status.OK)
