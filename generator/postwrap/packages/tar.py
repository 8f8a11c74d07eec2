"""A plain archive, to be unpacked at /."""

from __future__ import annotations

import gzip

from postwrap.packages.archive import archive
from postwrap.packages.package import Package


def file_name(package: Package) -> str:
    """Return the file's usual name."""
    return f"{package.name}-{package.version}-{package.release}.tar.gz"


def build(package: Package) -> bytes:
    """Return the archive.

    It holds no directory: unpacking one would change the mode of the host's own, or replace a
    link to one (/usr/sbin on some). tar(1) makes those that are missing.
    """
    return gzip.compress(archive(package.artifacts, package.timestamp, root=""), mtime=0)
