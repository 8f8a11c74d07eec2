"""postwrap's own packages for other distributions, installed by rpm's and pacman's tools.

They run on a Debian 13, which has the tools: what only Fedora or Arch have is not seen here. There
is no apk(8) for Debian: that package is read by apk-v2(5), and busybox's shell runs its scripts.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.lint import lint_shell
from tests.harness.paths import CHECKOUT
from tests.harness.released import ONE_BUILD, released
from tests.harness.roots import variant

from postwrap import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = ONE_BUILD

RECIPES = f"/srv/postwrap-{__version__}-recipes"


@dataclass(frozen=True)
class Maker:
    """How a package is built from its recipe, installed and removed, in shell.

    `releases` are the packages of the release, of which the first is installed; a `recipe` is what
    the tool builds from, and `acme` one for another package, which brings an instance that the
    hooks are to notice.
    """

    folder: str
    releases: tuple[str, ...]
    recipe: str
    build: str
    install: str
    remove: str
    acme: str


MAKERS = (
    Maker(
        folder="rpm",
        releases=(
            f"postwrap-{__version__}-1.noarch.rpm",
            f"postwrap-{__version__}-1.bundled.noarch.rpm",
        ),
        recipe="postwrap.spec",
        build='rpmbuild --quiet -bb --define "_sourcedir $PWD" --define "_topdir $PWD" '
        "--nodeps *.spec && mv RPMS/noarch/*.rpm built",
        install="rpm -U --nodeps --oldpackage",
        remove="rpm -e",
        acme="""\
Name: acme
Version: 9
Release: 1
Summary: A stand-in
License: MIT
BuildArch: noarch
%description
%install
install -D /etc/postfix/main.cf "$RPM_BUILD_ROOT/etc/postfix-acme/main.cf"
install -D /etc/postfix/master.cf "$RPM_BUILD_ROOT/etc/postfix-acme/master.cf"
%files
/etc/postfix-acme
""",
    ),
    Maker(
        folder="arch",
        releases=(f"postwrap-{__version__}-1-any.pkg.tar.xz",),
        recipe="PKGBUILD",
        build="chown -R alice . && setpriv --reuid alice --regid alice --clear-groups makepkg -d "
        "&& mv *.pkg.tar.* built",
        install="pacman -U -dd --noconfirm",
        remove="pacman -R -dd --noconfirm",
        acme="""\
pkgname=acme
pkgver=9
pkgrel=1
arch=(any)
options=('!strip')
package() {
    install -D /etc/postfix/main.cf "$pkgdir/etc/postfix-acme/main.cf"
    install -D /etc/postfix/master.cf "$pkgdir/etc/postfix-acme/master.cf"
}
""",
    ),
)


@pytest.fixture(scope="module", params=MAKERS, ids=lambda maker: maker.folder)
def maker(request: pytest.FixtureRequest) -> Maker:
    made: Maker = request.param
    return made


@pytest.fixture(scope="module")
def built(maker: Maker) -> Iterator[Host]:
    """A host with two instances, which has the release in /srv/release and its recipes unpacked."""
    made = released()
    with Host(variant("packaging", "trixie")) as host:
        host.start_default()
        host.talk_instance()
        for name in (*maker.releases, f"postwrap-{__version__}.tar.gz"):
            host.write(f"/srv/release/{name}", (made / name).read_bytes())
        host.write(
            "/srv/recipes.tar.gz", (made / f"postwrap-{__version__}-recipes.tar.gz").read_bytes()
        )
        host.sh(
            "test -e /etc/mtab || ln -s /proc/self/mounts /etc/mtab\n"
            "tar -C /srv -xf /srv/recipes.tar.gz"
        )
        yield host


def shell(host: Host, directory: str, line: str) -> None:
    host.sh(f"cd {directory} && {line}", timeout=300)


def install_acme(host: Host, maker: Maker) -> set[str]:
    """Install a package that brings an instance, and return what came to /usr with it."""
    host.write(f"/srv/acme/{maker.recipe}", maker.acme)
    shell(host, "/srv/acme", maker.build)
    before = usr(host)
    shell(host, "/srv/acme", f"{maker.install} built")
    return usr(host) - before


def usr(host: Host) -> set[str]:
    """The files: rpm leaves directories that were there for it alone."""
    return set(host.run("find", "/usr", "-xdev", "!", "-type", "d").stdout.splitlines())


def test_its_hooks_give_commands_renew_them_and_take_them_away(built: Host, maker: Maker) -> None:
    before = usr(built)
    shell(built, "/srv/release", f"{maker.install} {maker.releases[0]}")
    assert "Mail queue is empty" in built.run("mailq-out").stdout
    assert "/etc/postfix-out" in built.run("man", "-P", "cat", "mailq-out").stdout
    assert built.run("postwrap", "--version").stdout == f"postwrap {__version__}\n"
    assert built.run("postwrap", "diff").stdout == ""
    built.write("/home/alice/typer.py", "open('/run/mark', 'w')\n")
    there = {"PYTHONPATH": "/home/alice"}
    built.run("postwrap", "--version", cwd="/home/alice", env=there)
    assert not built.exists("/run/mark")
    assert built.read("/etc/postwrap.toml").endswith('prefix = "/usr"\n')
    # A package that brings an instance brings a look at what has changed, and so does its removal.
    built.run("rm", "/usr/bin/mailq-out")
    installed = usr(built)
    came = install_acme(built, maker)
    assert {"/usr/bin/mailq-out", "/usr/bin/mailq-acme"} <= came
    shell(built, "/", f"{maker.remove} acme")
    assert not built.exists("/usr/bin/mailq-acme")
    assert usr(built) == installed | {"/usr/bin/mailq-out"}
    # The other packages of the same version take its place, and it takes theirs.
    for name in (*maker.releases[1:], maker.releases[0]):
        shell(built, "/srv/release", f"{maker.install} {name}")
        assert usr(built) >= before
        assert built.run("postwrap", "diff").stdout == ""
        assert "Mail queue is empty" in built.run("mailq-out").stdout
    assert built.read("/etc/postwrap.toml").endswith('prefix = "/usr"\n')
    shell(built, "/", f"{maker.remove} postwrap")
    assert usr(built) == before
    assert not built.exists("/usr/share/postwrap")


def test_the_recipe_makes_what_the_release_has(built: Host, maker: Maker) -> None:
    """By the distribution's own tool, which checks the sum of the source archive."""
    place = f"{RECIPES}/{maker.folder}"
    built.sh(f"cp /srv/release/*.tar.gz {place}")
    shell(built, place, maker.build)
    package = f"/srv/release/{maker.releases[0]}"
    lists = {"rpm": ("rpm", "-qlvp"), "arch": ("bsdtar", "-tvf")}[maker.folder]

    def listed(path: str) -> set[tuple[str, str]]:
        """The mode and path of each file; makepkg has notes on how it was built."""
        lines = [line.split() for line in built.run(*lists, path).stdout.splitlines()]
        return {
            (words[0], words[-1])
            for words in lines
            if words[0][0] != "d" and not words[-1].startswith(".")
        }

    assert listed(f"{place}/built") == listed(package)
    assert any(path.endswith("man8/postwrap.8.gz") for _, path in listed(package))


def test_apk_reads_its_package_and_its_scripts_run() -> None:
    """Its trigger gives an instance its commands as soon as the directory is there."""
    package = (released() / f"postwrap-{__version__}-r0.apk").read_bytes()
    control, data = sections(package)
    facts = control[".PKGINFO"]
    assert f"pkgver = {__version__}-r0\n" in facts
    assert "triggers = /etc /etc/postfix* /usr/sbin\n" in facts
    assert "depend = py3-typer>=0.12.5\n" in facts
    assert f"datahash = {hashlib.sha256(data).hexdigest()}\n" in facts
    scripts = {".post-install", ".post-upgrade", ".pre-deinstall", ".trigger"}
    assert scripts == control.keys() - {".PKGINFO"}
    with Host(variant("host", "trixie")) as host:
        host.start_default()
        before = usr(host)
        host.write("/srv/data.tar.gz", data)
        host.sh("tar -C / -xf /srv/data.tar.gz 2>/dev/null")
        for name in scripts:
            host.write(f"/srv/{name[1:]}", control[name], mode=0o755)
        host.run("busybox", "sh", "/srv/post-install")
        assert "Mail queue is empty" in host.run("mailq-default").stdout
        host.talk_instance(start=False)
        host.run("busybox", "sh", "/srv/trigger", "/etc/postfix-out")
        assert host.exists("/usr/bin/mailq-out")
        host.run("busybox", "sh", "/srv/pre-deinstall")
        host.sh("tar -tf /srv/data.tar.gz | grep '^usr/.*[^/]$' | (cd /; xargs rm)")
        assert usr(host) == before


def sections(package: bytes) -> tuple[dict[str, str], bytes]:
    """The members of the first gzip stream of an apk by name, and the second stream."""
    stream = zlib.decompressobj(wbits=31)
    first = stream.decompress(package)
    with tarfile.open(fileobj=io.BytesIO(first + bytes(1024))) as archive:
        members = {m.name: archive.extractfile(m) for m in archive.getmembers()}
        texts = {name: file.read().decode() for name, file in members.items() if file}
    return texts, stream.unused_data


def test_the_hooks_are_sound_shell() -> None:
    lint_shell(CHECKOUT / "packaging/arch/PKGBUILD", dialect="bash")
    for name in ("arch/postwrap.install", "alpine/APKBUILD"):
        lint_shell(CHECKOUT / "packaging" / name)
