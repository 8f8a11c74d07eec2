"""RPM's format, which rpmbuild(8) makes from a spec file; the I/O boundary to that program."""

from __future__ import annotations

import tempfile
from pathlib import Path

from postwrap import programs
from postwrap.bundle import Artifact
from postwrap.errors import FailedError, RefusedError
from postwrap.filesystem import Filesystem
from postwrap.packages.package import Package


def file_name(package: Package) -> str:
    """Return what rpmbuild calls the file."""
    return f"{package.name}-{package.version}-{package.release}.noarch.rpm"


def build(package: Package) -> bytes:
    """Return the package as rpm(8) reads it.

    Raises RefusedError where there is no rpmbuild, FailedError with its words where it fails.
    """
    place = f"/usr/share/licenses/{package.name}/copyright"
    package = package.with_files(Artifact(place, package.script("copyright.j2").encode()))
    program = programs.find("rpmbuild")
    if not program:
        hint = "install it: rpm-build (Fedora, RHEL, openSUSE), rpm (Debian)"
        raise RefusedError("rpmbuild is not on this host, and makes .rpm files", hint)
    with tempfile.TemporaryDirectory(prefix="postwrap-rpm-", dir=programs.SCRATCH) as top:
        _stage(package, f"{top}/tree")
        spec = Path(top, "package.spec")
        spec.write_text(package.script("rpm.spec.j2"), encoding="utf-8")
        _run(program, top, package.timestamp)
        return Path(top, "out", file_name(package)).read_bytes()


def _stage(package: Package, root: str) -> None:
    Path(root).mkdir()
    tree = Filesystem(root)
    for directory in package.directories:
        tree.make_directory(directory)
    for artifact in package.artifacts:
        tree.stage(artifact)
        tree.commit(artifact.path)


def _run(program: str, top: str, timestamp: int) -> None:
    """Run rpmbuild in ``top``; what it makes depends on nothing of this host."""
    macros = {
        "_topdir": top,
        "_rpmdir": f"{top}/out",
        "_rpmfilename": "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm",
        "_buildhost": "localhost",
        "_tmppath": top,
        "tree": f"{top}/tree",
        "use_source_date_epoch_as_buildtime": "1",
        "clamp_mtime_to_source_date_epoch": "1",
        "build_mtime_policy": "clamp_to_source_date_epoch",
    }
    defines = [word for name, value in macros.items() for word in ("--define", f"{name} {value}")]
    done = programs.run(
        [program, "-bb", "--quiet", *defines, f"{top}/package.spec"],
        environment={"SOURCE_DATE_EPOCH": str(timestamp), "LC_ALL": "C.UTF-8", "HOME": top},
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise FailedError(f"rpmbuild: {said}", "see rpmbuild(8); nothing was written")
