"""Whether the commands of an instance are installed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from postwrap.bundle import Artifact
from postwrap.entries import Entry, EntryKind


class Installed(StrEnum):
    """How the files of an instance are beside what install would write."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    MISSING = "missing"


def installed(
    artifacts: Iterable[Artifact],
    entry: Callable[[str], Entry],
    brought: Mapping[str, tuple[str, ...]],
) -> Installed:
    """Return whether all of ``artifacts`` are as they should be, or none is there.

    ``entry`` tells what is at a path, ``brought`` the digests of what a package has
    brought there.
    """
    seen = Counter(
        _state(artifact, entry(artifact.path), brought.get(artifact.path)) for artifact in artifacts
    )
    if len(seen) == 1:
        return next(iter(seen))
    return Installed.OUTDATED if seen else Installed.MISSING


def _state(artifact: Artifact, entry: Entry, brought: tuple[str, ...] | None) -> Installed:
    if entry.kind is EntryKind.MISSING:
        return Installed.MISSING
    wanted = brought or (artifact.digest,)
    return Installed.INSTALLED if entry.digest in wanted else Installed.OUTDATED
