"""Making the changes of a plan, so that a reader meets the old state or the new one.

The order is what makes a kill at any point harmless: first the manifest learns of both states,
then every new file is staged beside its place, then all are renamed into place and the removals
made, last the manifest forgets the old state. Each of these is on the disk before the next begins,
so that the same holds after a power cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from postwrap.bundle import Artifact
from postwrap.entries import MISSING
from postwrap.errors import FailedError
from postwrap.filesystem import Filesystem
from postwrap.install.manifest import Manifest, manifest_path
from postwrap.install.plan import ArtifactChange, InstallPlan, transition


@dataclass
class Transaction:
    """One plan on its way, from the manifest ``before``; the caller holds the lock of ``state``.

    ``state_directories`` are those that were made for the lock's sake.
    """

    filesystem: Filesystem
    plan: InstallPlan
    before: Manifest
    state: str
    state_directories: tuple[str, ...] = ()
    made: list[str] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)

    def run(self) -> Manifest:
        """Make the changes and return the manifest that now holds.

        Raises FailedError after putting back what had been changed.
        """
        if self.before.under_way:
            sweep(self.filesystem, self.before)
        missing = tuple(self._missing_directories())
        directories = {*self.before.directories, *self.state_directories, *missing}
        after = replace(self.plan.manifest, directories=tuple(sorted(directories)))
        if not self.plan.changes and after == self.before:
            return after
        try:
            write_manifest(self.filesystem, transition(self.before, after), self.state)
            self._change(missing)
            left = replace(after, directories=self._prune_directories(after.directories))
            write_manifest(self.filesystem, left, self.state)
        except BaseException as error:
            self._fail(error)
        return after

    def _change(self, missing: tuple[str, ...]) -> None:
        for directory in missing:
            self.filesystem.make_directory(directory)
            self.made.append(directory)
        self.filesystem.sync_names(missing)
        artifacts = [change.after for change in self.plan.changes if change.after]
        for artifact in artifacts:
            self.filesystem.stage(artifact)
        self.filesystem.sync_staged(artifact.path for artifact in artifacts)
        for change in self.plan.changes:
            if change.keep_backup:
                self.backups.append(self.filesystem.keep_backup(change.path))
            if change.after:
                self.filesystem.commit(change.path)
            else:
                self.filesystem.remove(change.path)
        self.filesystem.sync_names(change.path for change in self.plan.changes)

    def _fail(self, error: BaseException) -> None:
        """Undo what was changed, and raise ``error`` in the words of the administrator."""
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        try:
            self._put_back()
        except OSError as second:
            message = f"{reason}; and putting back what was changed failed: {second}"
            raise FailedError(message, "mend that, and run the same command again") from error
        if not isinstance(error, Exception):
            raise error
        hint = "nothing is changed; mend that, and run the same command again"
        raise FailedError(reason, hint) from error

    def _put_back(self) -> None:
        for directory in sorted(self.pruned):
            self.filesystem.make_directory(directory)
        for change in reversed(self.plan.changes):
            self.filesystem.unstage(change.path)
            if self.filesystem.entry(change.path) != change.before:
                self._restore(change)
        for backup in self.backups:
            self.filesystem.remove(backup)
        for directory in reversed(self.made):
            self.filesystem.remove_directory(directory)
        self.filesystem.sync_names((*(c.path for c in self.plan.changes), *self.made))
        try:
            write_manifest(self.filesystem, self.before, self.state)
        except OSError:
            # A full disk, say. Whether the old manifest is there or the one of both states: the
            # next run knows the files of either.
            self.filesystem.unstage(manifest_path(self.state))

    def _restore(self, change: ArtifactChange) -> None:
        before = change.before
        if before == MISSING:
            self.filesystem.remove(change.path)
        else:
            self.filesystem.put(Artifact(change.path, before.content, before.mode, before.target))

    def _missing_directories(self) -> Iterator[str]:
        """Yield the directories that the plan needs and that are not there, parents first."""
        paths = [PurePosixPath(change.path) for change in self.plan.changes if change.after]
        for directory in sorted({str(parent) for path in paths for parent in path.parents}):
            if not self.filesystem.is_directory(directory):
                yield directory

    def _prune_directories(self, directories: tuple[str, ...]) -> tuple[str, ...]:
        """Remove those of ``directories`` that are empty by now; return the others."""
        for directory in reversed(directories):
            if self.filesystem.is_directory(directory):
                self.filesystem.remove_directory(directory)
                if not self.filesystem.is_directory(directory):
                    self.pruned.append(directory)
        left = tuple(d for d in directories if self.filesystem.is_directory(d))
        self.filesystem.sync_names({*directories} - {*left})
        return left


def write_manifest(filesystem: Filesystem, manifest: Manifest, state: str) -> None:
    """Keep ``manifest`` in the directory ``state``, on the disk; one without files is no file."""
    path = manifest_path(state)
    if manifest.files:
        filesystem.put(manifest.artifact(path))
    else:
        filesystem.remove(path)
        filesystem.sync_names([path])


def sweep(filesystem: Filesystem, manifest: Manifest) -> None:
    """Remove what a run that was killed left staged."""
    for path in manifest.files:
        filesystem.unstage(path)
