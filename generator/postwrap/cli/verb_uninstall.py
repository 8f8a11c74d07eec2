"""The verb uninstall."""

from __future__ import annotations

from postwrap import installing
from postwrap.cli import files, output
from postwrap.cli.declare import verb
from postwrap.cli.documents import InstallationDocument
from postwrap.cli.options import DryRun, Json, Names, StagingOptions


@verb("uninstall", examples=("postwrap uninstall out",), document=InstallationDocument)
def uninstall(
    staging: StagingOptions,
    names: Names = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Remove the installed commands of the instances.

    Files that were edited since are kept and reported. Instances and their mail are not touched.
    """
    done = installing.uninstall(staging.host(), names or (), output.waiting, dry_run=dry_run)
    files.report(done, as_json=json, dry_run=dry_run)
