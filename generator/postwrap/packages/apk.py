"""Alpine Linux's format, apk-v2(5): two gzip streams, the control section and the data."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator

from postwrap.bundle import Artifact
from postwrap.packages.archive import archive, control_file
from postwrap.packages.package import Package, members

_BLOCK = 512


def file_name(package: Package) -> str:
    """Return what abuild(1) would call the file."""
    return f"{package.name}-{package.version}-r{package.release}.apk"


def build(package: Package) -> bytes:
    """Return the package, unsigned: ``apk add --allow-untrusted`` takes it."""
    data = _compressed(archive(members(package), package.timestamp, root="", checksums=True))
    control = archive(_control(package, data), package.timestamp, root="")
    return _compressed(_without_end(control)) + data


def _compressed(section: bytes) -> bytes:
    return gzip.compress(section, mtime=0)


def _without_end(section: bytes) -> bytes:
    """Return a tar archive without the blocks of zeros at its end, so that another can follow."""
    end = len(section.rstrip(b"\0"))
    return section[: -(-end // _BLOCK) * _BLOCK]


def _control(package: Package, data: bytes) -> Iterator[Artifact]:
    digest = hashlib.sha256(data).hexdigest()
    information = package.script("apk.PKGINFO.j2") + f"datahash = {digest}\n"
    yield control_file(".PKGINFO", information)
    for name in (".post-install", ".post-upgrade"):
        yield control_file(name, "#!/bin/sh\n" + package.script("after-install.sh.j2"), 0o755)
    yield control_file(
        ".post-deinstall", "#!/bin/sh\n" + package.script("after-remove.sh.j2"), 0o755
    )
