"""Arch Linux's format, alpm-package(7): an archive with .PKGINFO, .INSTALL and .MTREE first."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Iterator

from postwrap.bundle import Artifact
from postwrap.packages.archive import archive, control_file
from postwrap.packages.package import Package, members


def file_name(package: Package) -> str:
    """Return what makepkg(8) would call the file."""
    return f"{package.name}-{package.version}-{package.release}-any.pkg.tar.xz"


def build(package: Package) -> bytes:
    """Return the package as pacman(8) reads it."""
    place = f"/usr/share/licenses/{package.name}/copyright"
    package = package.with_files(Artifact(place, package.script("copyright.j2").encode()))
    information, scripts = (package.script(f"pacman.{name}.j2") for name in ("PKGINFO", "INSTALL"))
    return written(package, information, scripts)


def written(package: Package, information: str, scripts: str) -> bytes:
    """Return the archive of ``package`` with these texts of .PKGINFO and .INSTALL."""
    tree = "".join(_mtree(package)).encode()
    control = (
        control_file(".PKGINFO", information),
        control_file(".INSTALL", scripts),
        Artifact(".MTREE", gzip.compress(tree, mtime=0)),
    )
    packed = archive((*control, *members(package)), package.timestamp, root="")
    return lzma.compress(packed)


def _mtree(package: Package) -> Iterator[str]:
    """Yield the lines of mtree(5) that ``pacman -Qkk`` goes by."""
    yield "#mtree\n"
    yield f"/set uid=0 gid=0 time={package.timestamp}.0\n"
    for member in members(package):
        if isinstance(member, str):
            yield f".{member} mode=755 type=dir\n"
        elif member.target is not None:
            yield f".{member.path} mode=777 type=link link={member.target}\n"
        else:
            md5 = hashlib.md5(member.content, usedforsecurity=False).hexdigest()
            sha256 = hashlib.sha256(member.content).hexdigest()
            facts = f"mode={member.mode:o} size={len(member.content)}"
            yield f".{member.path} {facts} md5digest={md5} sha256digest={sha256} type=file\n"
