"""Alpine Linux's format, apk-v2(5): two gzip streams, the control section and the data."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping

from postwrap.packages.archive import archive, control_file
from postwrap.packages.package import Package, members

_BLOCK = 512


def file_name(package: Package) -> str:
    """Return what abuild(1) would call the file."""
    return f"{package.name}-{package.version}-r{package.release}.apk"


def build(package: Package) -> bytes:
    """Return the package, unsigned: ``apk add --allow-untrusted`` takes it."""
    after = "#!/bin/sh\n" + package.script("after-install.sh.j2")
    scripts = {
        "post-install": after,
        "post-upgrade": after,
        "post-deinstall": "#!/bin/sh\n" + package.script("after-remove.sh.j2"),
    }
    return written(package, package.script("apk.PKGINFO.j2"), scripts)


def written(package: Package, information: str, scripts: Mapping[str, str]) -> bytes:
    """Return the archive of ``package`` with this text of .PKGINFO and these scripts by name.

    The sum of the data is added to the former.
    """
    data = _compressed(archive(members(package), package.timestamp, root="", checksums=True))
    information += f"datahash = {hashlib.sha256(data).hexdigest()}\n"
    control = [control_file(".PKGINFO", information)]
    control += [control_file(f".{name}", text, 0o755) for name, text in scripts.items()]
    return _compressed(_without_end(archive(control, package.timestamp, root=""))) + data


def _compressed(section: bytes) -> bytes:
    return gzip.compress(section, mtime=0)


def _without_end(section: bytes) -> bytes:
    """Return a tar archive without the blocks of zeros at its end, so that another can follow."""
    end = len(section.rstrip(b"\0"))
    return section[: -(-end // _BLOCK) * _BLOCK]
