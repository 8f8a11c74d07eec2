"""Debian's format, deb(5): an ar(1) archive of three members."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Iterator
from email.utils import formatdate

from postwrap.bundle import Artifact
from postwrap.packages.archive import archive, control_file
from postwrap.packages.package import Package, members


def file_name(package: Package) -> str:
    """Return what dpkg-name(1) would call the file."""
    return f"{package.name}_{package.version}-{package.release}_all.deb"


def build(package: Package) -> bytes:
    """Return the package as dpkg(1) reads it."""
    package = package.with_files(*_documents(package))
    control = archive(_control(package), package.timestamp)
    data = archive(["/", *members(package)], package.timestamp)
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": lzma.compress(control),
        "data.tar.xz": lzma.compress(data),
    }
    return b"!<arch>\n" + b"".join(
        _member(name, content, package.timestamp) for name, content in parts.items()
    )


def _documents(package: Package) -> Iterator[Artifact]:
    """Yield what Debian wants to read: the licence and the changelog, and what lintian is told."""
    place = f"/usr/share/doc/{package.name}"
    yield Artifact(f"{place}/copyright", package.script("copyright.j2").encode())
    date = formatdate(package.timestamp)
    changelog = package.script("changelog.j2", date=date).encode()
    yield Artifact(f"{place}/changelog.Debian.gz", gzip.compress(changelog, mtime=0))
    overrides = package.script("lintian-overrides.j2").encode()
    yield Artifact(f"/usr/share/lintian/overrides/{package.name}", overrides)


def _member(name: str, content: bytes, timestamp: int) -> bytes:
    """Return a member of an ar archive: a header of sixty bytes, and an even number of others."""
    header = f"{name:<16}{timestamp:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
    return header.encode() + content + b"\n" * (len(content) % 2)


def _control(package: Package) -> Iterator[Artifact]:
    """Yield the files that dpkg keeps for itself."""
    yield control_file("control", package.script("control.j2"))
    yield control_file("md5sums", "".join(_md5sums(package)))
    if package.configuration_files:
        listed = "".join(f"{path}\n" for path in package.configuration_files)
        yield control_file("conffiles", listed)
    if not package.part.holds_boot:
        # When it goes and the instance stays, a postwrap that is there makes the commands itself.
        yield control_file("triggers", "activate-noawait postwrap-instances\n")
    if package.part.holds_boot:
        yield control_file("postinst", package.script("postinst.j2"), 0o755)
        yield control_file("postrm", package.script("postrm.j2"), 0o755)


def _md5sums(package: Package) -> Iterator[str]:
    """Yield the lines that ``dpkg --verify`` goes by; configuration files have none."""
    for artifact in package.artifacts:
        if artifact.target is None and artifact.path not in package.configuration_files:
            digest = hashlib.md5(artifact.content, usedforsecurity=False).hexdigest()
            yield f"{digest}  {artifact.path[1:]}\n"
