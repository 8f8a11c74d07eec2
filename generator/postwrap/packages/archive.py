"""Tar archives whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable

from postwrap.bundle import Artifact

CHECKSUM = "APK-TOOLS.checksum.SHA1"
"""The key under which apk(8) wants the checksum of each file, apk-v2(5)."""


def archive(
    members: Iterable[Artifact | str], timestamp: int, root: str = "./", *, checksums: bool = False
) -> bytes:
    """Return a tar archive of artifacts and directories (their absolute paths).

    All belong to root and are as old as ``timestamp`` says; names begin with ``root``.
    ``checksums``: each file carries its own, as apk wants it.
    """
    written = io.BytesIO()
    form = tarfile.PAX_FORMAT if checksums else tarfile.GNU_FORMAT
    with tarfile.open(fileobj=written, mode="w", format=form) as tar:
        for member in members:
            content = member.content if isinstance(member, Artifact) else b""
            entry = _entry(member, root)
            entry.mtime = timestamp
            if checksums and isinstance(member, Artifact):
                summed = member.content if member.target is None else member.target.encode()
                entry.pax_headers = {
                    CHECKSUM: hashlib.sha1(summed, usedforsecurity=False).hexdigest()
                }
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _entry(member: Artifact | str, root: str) -> tarfile.TarInfo:
    path = member.path if isinstance(member, Artifact) else f"{member}/"
    entry = tarfile.TarInfo(root + path.lstrip("/"))
    entry.uname = entry.gname = "root"
    if isinstance(member, str):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    elif member.target is not None:
        entry.type, entry.mode, entry.linkname = tarfile.SYMTYPE, 0o777, member.target
    else:
        entry.mode, entry.size = member.mode, len(member.content)
    return entry


def control_file(path: str, text: str, mode: int = 0o644) -> Artifact:
    """Return a file of a package's own, which is not installed."""
    return Artifact(path, text.encode(), mode)
