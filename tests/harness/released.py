"""What packaging/release makes of the checkout, and postwrap's packages of 0.1.0: built once, kept.

They are built in a private host on a Debian 13 that has the tools, from a commit of its own there
with the tag of the version, as a maintainer would; PyPI is a directory of wheels.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.harness.fresh import wheels
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT, cache_directory, locked
from tests.harness.roots import variant

from postwrap import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

FORMER = "c0a859a"
"""The commit whose packages stand for 0.1.0."""

ONE_BUILD = pytest.mark.xdist_group("released")
"""For tests of what is built: others would wait in every worker for the one that builds."""

SOURCES = "/srv/postwrap"
OUTPUT = "/srv/release"
MAINTAINER = "Alice <alice@mail.example.org>"
PIP = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels"}

# What of the checkout packages are made of; tests, documents and the like are in the source archive
# alone.
_FOLDERS = ("generator", "wrappers", "completions", "man", "units", "packaging")
_FILES = ("pyproject.toml", "CHANGELOG.md", "LICENSE", "README.md", "install.sh")


class BuildHost(Host):
    """A host that builds releases, with the checkout in SOURCES as a commit with a tag."""

    def __init__(self) -> None:
        need_root()
        need_tool("unshare", "nsenter", "debootstrap", "git")
        super().__init__(variant("packaging", "trixie"))
        shutil.copytree(wheels(), self.path("/srv/wheels"))
        for name in _tracked():
            target = self.path(f"{SOURCES}/{name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target)
        self.sh(
            f"chown -R root:root {SOURCES}; cd {SOURCES}; git init --quiet\n"
            "git config user.name Alice; git config user.email alice@example.com\n"
            'git add --force .; git commit --quiet -m "A release"; git tag "v$1"',
            __version__,
        )

    def release(
        self, *words: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run packaging/release; without unit tests and the site, which have tests of their own."""
        env = {**PIP, "MAINTAINER": MAINTAINER, "DEB_BUILD_OPTIONS": "nocheck", **environment}
        words = words or ("--no-docs", OUTPUT)
        return self.run(f"{SOURCES}/packaging/release", *words, check=check, env=env, timeout=900)

    def take(self, directory: str, new: Path) -> None:
        """Copy what is in a directory of the host."""
        shutil.copytree(self.path(directory), new, dirs_exist_ok=True)


def released() -> Path:
    """The directory that packaging/release fills; the same as long as what it is made of."""
    made_of = [CHECKOUT / name for name in _tracked() if name.partition("/")[0] in _FOLDERS]
    made_of += [CHECKOUT / name for name in _FILES]
    made_of += [Path(__file__)]
    contents = b"".join(
        f"{path} {path.stat().st_mode}".encode() + path.read_bytes() for path in made_of
    )

    def build(new: Path) -> None:
        with BuildHost() as host:
            host.release()
            host.take(OUTPUT, new)

    return _kept(hashlib.sha256(contents).hexdigest()[:10], build)


def released_before() -> Path:
    """A directory with the .deb and the .rpm of 0.1.0; skips in a checkout without that history."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "archive", FORMER], cwd=CHECKOUT, capture_output=True
    )
    if listed.returncode:
        pytest.skip(f"the commit {FORMER} is not in this checkout: {listed.stderr.decode()}")

    def build(new: Path) -> None:
        with BuildHost() as host:
            host.write("/srv/former.tar", listed.stdout)
            host.sh(_BUILD_FORMER, timeout=600)
            host.take("/srv/out", new)

    return _kept(f"{FORMER}-1", build)


_BUILD_FORMER = """
mkdir /srv/out /srv/rpm /srv/postwrap-0.1.0
tar -C /srv/postwrap-0.1.0 -xf /srv/former.tar
tar -C /srv -czf /srv/rpm/postwrap-0.1.0.tar.gz postwrap-0.1.0
cd /srv/postwrap-0.1.0
cp -r packaging/debian .
dpkg-buildpackage --build=binary --unsigned-source --unsigned-changes -d
rpmbuild --quiet -bb --define '_sourcedir /srv/rpm' --define '_topdir /srv/rpm' --nodeps \\
    packaging/rpm/postwrap.spec
cp ../*.deb /srv/rpm/RPMS/noarch/*.rpm /srv/out/
"""


def _tracked() -> list[str]:
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(git, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if (CHECKOUT / name).is_file())


def _kept(name: str, build: Callable[[Path], None]) -> Path:
    made = cache_directory() / "releases" / name
    made.parent.mkdir(parents=True, exist_ok=True)
    with locked(made.with_name(f"{made.name}.lock")):
        if not made.is_dir():
            new = Path(tempfile.mkdtemp(prefix=f"{made.name}.new-", dir=made.parent))
            build(new)
            new.chmod(0o755)
            new.rename(made)
    return made
