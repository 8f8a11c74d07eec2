"""From an installation to the picture that the rules judge."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping

from postwrap.assemble import Assembly, assemble
from postwrap.bundle import Artifact
from postwrap.checks.died import fatal_lines
from postwrap.checks.picture import InstalledCommands, Keeps, OtherInstallation, Picture, Torn
from postwrap.errors import RefusedError
from postwrap.host.model import CopiedMessage
from postwrap.host.queues import copied_messages
from postwrap.install.manifest import manifest_path
from postwrap.install.plan import Action, InstallPlan
from postwrap.install.state import Installed, installed
from postwrap.installation import Installation
from postwrap.layout import DEFAULT_PREFIX
from postwrap.provision.engine.journal import ProvisionJournal


def look(installation: Installation) -> Picture:
    """Return the picture of the host of ``installation``."""
    assembly = assemble(installation)
    return Picture(
        installation.model,
        _installed(installation, assembly),
        assembly.problems,
        tuple(_torn(installation)),
        tuple(_copied(installation)),
        fatal_lines(installation.model),
        dict(_roles(installation)),
    )


def _roles(installation: Installation) -> Iterator[tuple[str, str]]:
    """Yield the recorded roles, as far as this user may look."""
    journal = ProvisionJournal(installation.source)
    with contextlib.suppress(PermissionError, RefusedError):
        for directory in journal.directories():
            if (record := journal.known(directory)) and record.role:
                yield directory, record.role


def _copied(installation: Installation) -> Iterator[CopiedMessage]:
    host = installation.model
    return copied_messages(installation.source, host.readable) if host.is_root else iter(())


def _torn(installation: Installation) -> Iterator[Torn]:
    """Yield the files of postwrap's own that cannot be read, as far as this user may look."""
    if installation.manifest.torn:
        yield Torn(manifest_path(installation.layout.state), Keeps.MANIFEST)
    if path := installation.torn_answers:
        yield Torn(path, Keeps.CACHE)
    with contextlib.suppress(PermissionError):
        for error in ProvisionJournal(installation.source).torn():
            yield Torn(error.path, Keeps.RECORD, error.directory)


def _installed(installation: Installation, assembly: Assembly) -> InstalledCommands:
    planned = assembly.plan(installation.manifest, installation.destination, force=True)
    return InstalledCommands(
        states=_states(installation, assembly),
        shared=tuple(_shared(installation, planned)),
        left=tuple(c.path for c in planned.changes if c.action is Action.REMOVE),
        edited=frozenset(c.after.instance for c in planned.changes if c.after and c.keep_backup),
        options=(options := _options(installation)),
        named=options or (f"--prefix={DEFAULT_PREFIX}",),
        others=tuple(OtherInstallation(*other) for other in installation.others),
    )


def _states(installation: Installation, assembly: Assembly) -> Mapping[str, Installed]:
    """Return how the wrappers of each instance that is served are installed.

    Their manual pages name settings, and are out of date with every edit of main.cf.
    """
    own: dict[str, list[Artifact]] = defaultdict(list)
    for artifact in assembly.bundle:
        if artifact.command and artifact.mode & 0o111:
            own[artifact.instance].append(artifact)
    entry, brought = installation.destination.entry, installation.manifest.brought
    return {d: installed(artifacts, entry, brought) for d, artifacts in own.items()}


def _shared(installation: Installation, planned: InstallPlan) -> Iterator[str]:
    """Yield the files that are for all instances and out of date, if anything is installed.

    lnav's format file names the log tags of the instances that are served, and is out of date with
    every edit of one.
    """
    follows = installation.layout.lnav
    for change in planned.changes if installation.manifest.files else ():
        is_ours = change.after and not change.after.instance
        if is_ours and not (follows and change.path.startswith(f"{follows}/")):
            yield change.path


def _options(installation: Installation) -> tuple[str, ...]:
    """Return what chooses the installation that mends; what a package brought stays as it is."""
    if installation.layout.is_packaged:
        return (f"--prefix={DEFAULT_PREFIX}",)
    return tuple(installation.layout.options.split())
