"""What installing a bundle would change: computed from data alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from postwrap.bundle import Artifact
from postwrap.entries import MISSING, Entry, EntryKind
from postwrap.errors import Problem
from postwrap.install.manifest import FileRecord, Manifest


class Action(StrEnum):
    """What happens to one path."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ArtifactChange:
    """One path, what is there before, and what is to be there (None: nothing).

    ``keep_backup``: what is there is not ours and was ordered out of the way.
    """

    action: Action
    path: str
    before: Entry
    after: Artifact | None
    keep_backup: bool = False


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """The changes, in the order of their paths, and what stands against them.

    ``conflicts`` are files in the way that are not ours, or no longer: nothing may be changed.
    ``kept`` are files of ours that are no longer wanted and were edited: they stay, and are the
    administrator's from then on. So are, where that was asked for, files that are in the way.
    ``manifest`` is what is true once the changes are made.
    """

    changes: tuple[ArtifactChange, ...]
    conflicts: tuple[Problem, ...]
    kept: tuple[Problem, ...]
    manifest: Manifest


def plan(
    wanted: Iterable[Artifact],
    manifest: Manifest,
    entries: Mapping[str, Entry],
    in_scope: Callable[[str], bool] = lambda _instance: True,
    *,
    force: bool = False,
    keep: bool = False,
) -> InstallPlan:
    """Return how to get from ``entries`` (what is at each path now) to ``wanted``.

    ``force``: files that are in the way are replaced; ``keep``: they stay, and the others are done.

    What a package brought stays its own. What the manifest lists and is not wanted is removed where
    its instance is ``in_scope`` (the argument is its configuration directory, "" for what all
    share).
    """
    brought = manifest.brought
    by_path = {artifact.path: artifact for artifact in wanted if artifact.path not in brought}
    unwanted = {p for p, r in manifest.files.items() if p not in by_path and in_scope(r.instance)}
    changes: list[ArtifactChange] = []
    conflicts: list[Problem] = []
    kept: list[Problem] = []
    in_the_way: set[str] = set()
    for artifact in by_path.values():
        entry = entries.get(artifact.path, MISSING)
        change = _installation(artifact, entry, manifest.files.get(artifact.path))
        if change and change.keep_backup and not (force and entry.kind in _REPLACEABLE):
            (kept if keep else conflicts).append(_conflict(artifact.path, entry, manifest))
            in_the_way.add(artifact.path)
        elif change:
            changes.append(change)
    for path in sorted(unwanted):
        entry = entries.get(path, MISSING)
        if entry == MISSING or _is_as_written(entry, manifest.files[path]):
            changes.append(ArtifactChange(Action.REMOVE, path, entry, None))
        else:
            message = "is no longer wanted, and kept: it was edited since postwrap wrote it"
            kept.append(Problem(path, message, f"rm {path} if it is not missed"))
    kept += map(_foreign, manifest.foreign)
    changes.sort(key=lambda change: change.path)
    files = {p: r for p, r in manifest.files.items() if p not in unwanted}
    made = ((path, a) for path, a in by_path.items() if not (keep and path in in_the_way))
    files |= {path: FileRecord.of(artifact) for path, artifact in made}
    left = {record.instance for record in files.values()}
    fingerprints = {i: r for i, r in manifest.fingerprints.items() if i in left}
    result = Manifest(files, manifest.directories, fingerprints=fingerprints)
    return InstallPlan(tuple(changes), tuple(conflicts), tuple(kept), result)


def is_settled(planned: InstallPlan, manifest: Manifest) -> bool:
    """Whether ``planned`` changes nothing, neither files nor the ``manifest`` that is there."""
    return not planned.changes and planned.manifest == manifest


def _is_as_written(entry: Entry, record: FileRecord) -> bool:
    """Whether a file or link is as postwrap wrote it; nothing else was ever written."""
    return entry.kind in _REPLACEABLE and entry.digest in record.digests


_REPLACEABLE = frozenset({EntryKind.FILE, EntryKind.LINK})
"""What --force may put aside; a directory or a device stays, whoever orders."""


def _installation(
    artifact: Artifact, entry: Entry, record: FileRecord | None
) -> ArtifactChange | None:
    """Return what brings ``artifact`` to its path, None where it is there already."""
    if entry.digest == artifact.digest:
        return None
    if entry == MISSING:
        return ArtifactChange(Action.ADD, artifact.path, entry, artifact)
    is_ours = record is not None and _is_as_written(entry, record)
    return ArtifactChange(Action.UPDATE, artifact.path, entry, artifact, keep_backup=not is_ours)


def _conflict(path: str, entry: Entry, manifest: Manifest) -> Problem:
    if path in manifest.files:
        message = "was edited since postwrap wrote it"
    else:
        message = f"is in the way and not postwrap's ({entry.kind.name.lower()})"
    return Problem(path, message, "move it away, or give --force, which keeps a backup beside it")


def _foreign(path: str) -> Problem:
    """Return what is said of a path in the manifest where postwrap installs nothing."""
    message = "is in the manifest and not where postwrap installs, and is kept"
    return Problem(path, message, f"rm {shlex.quote(path)} if postwrap made it")


def transition(before: Manifest, after: Manifest) -> Manifest:
    """Return the manifest that holds while the change from ``before`` to ``after`` is under way.

    Each file counts as ours in its old state and in its new one, so that a run that is killed
    between the two leaves nothing that the next run would take for somebody else's.
    """
    files = dict(after.files)
    for path, record in before.files.items():
        new = after.files.get(path, record)
        files[path] = replace(new, digests=tuple(_unique((*record.digests, *new.digests))))
    directories = tuple(_unique((*before.directories, *after.directories)))
    return Manifest(files, tuple(sorted(directories)), under_way=True)


def _unique(words: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(words))
