"""The verb install."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from postwrap import installing
from postwrap.assemble import assemble
from postwrap.cli import files, output
from postwrap.cli.declare import flag, verb
from postwrap.cli.documents import InstallationDocument
from postwrap.cli.options import DryRun, Json, Names, StagingOptions
from postwrap.cli.program import program
from postwrap.errors import UsageError
from postwrap.installation import Installation

Force = Annotated[
    bool, flag("--force", help="Replace foreign files that are in the way; a backup is kept")
]
Keep = Annotated[
    bool,
    flag("--keep", help="Leave files that were edited or are in the way, name them, do the rest"),
]

Native = Annotated[
    bool,
    flag("--native", help="Make the wrappers programs of about a kilobyte, which start faster"),
]
NoNative = Annotated[
    bool,
    flag(
        "--no-native",
        help="Make them shell scripts (default: as postwrap.toml says, or as they are)",
    ),
]


@verb("install", examples=("postwrap install",), document=InstallationDocument)
def install(
    staging: StagingOptions,
    names: Names = None,
    dry_run: DryRun = False,
    force: Force = False,
    keep: Keep = False,
    native: Native = False,
    no_native: NoNative = False,
    json: Json = False,
) -> None:
    """Install the commands of the instances, or of the named ones.

    Also installs their completions, manual pages and parts in the boot, and removes what an earlier
    run installed and no instance needs any more.
    """
    if force and keep:
        raise UsageError("--force: cannot be combined with --keep", "leave one of them out")
    if native and no_native:
        raise UsageError("--native: cannot be combined with --no-native", "leave one of them out")
    kind = native if native or no_native else None
    host = Installation(replace(staging.where(), native=kind), program)
    assembly = assemble(host, names or ())
    done = installing.install(
        host, assembly, output.waiting, force=force, keep=keep, dry_run=dry_run
    )
    files.report(done, as_json=json, dry_run=dry_run)
