"""A plan as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from postwrap.bundle import Artifact
from postwrap.entries import MISSING, Entry
from postwrap.install.plan import ArtifactChange


def unified(change: ArtifactChange) -> str:
    """Return ``change`` as patch(1) and people read it; a change of mode alone is one line."""
    return "".join(_lines(change))


def _lines(change: ArtifactChange) -> Iterator[str]:
    before, after = change.before, change.after
    old = "/dev/null" if before == MISSING else change.path
    new = change.path if after else "/dev/null"
    if before != MISSING and after and before.mode != after.mode:
        yield f"mode {change.path}: {before.mode:04o} -> {after.mode:04o}\n"
    body = difflib.unified_diff(_text(before), _text(after), old, new)
    for line in body:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _text(side: Entry | Artifact | None) -> list[str]:
    """Return the lines of a file; a link is shown as the one line that ls(1) would end in."""
    if side is None:
        return []
    if side.target is not None:
        return [f"-> {side.target}\n"]
    return side.content.decode("utf-8", errors="replace").splitlines(keepends=True)
