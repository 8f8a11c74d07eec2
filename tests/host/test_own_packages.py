"""postwrap's own packages for other distributions, built and installed by rpm's and pacman's tools.

They run on a Debian 13, which has the tools: what only Fedora or Arch have is not seen here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.lint import lint_shell
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import POSTWRAP_NEEDS, root

from postwrap import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = "LICENSE generator wrappers completions man units packaging"
HOST = ("postfix", *POSTWRAP_NEEDS, "iproute2", "procps", "man-db")
TOOLS = ("rpm", "pacman-package-manager", "makepkg", "fakeroot", "file", "libarchive-tools")


@dataclass(frozen=True)
class Maker:
    """How a package is built of the files of packaging/FOLDER, installed and removed, in shell.

    `recipe` is the file that the tool builds from, and `acme` one for another package, which brings
    an instance that the hooks are to notice.
    """

    folder: str
    recipe: str
    build: str
    install: str
    remove: str
    acme: str


MAKERS = (
    Maker(
        folder="rpm",
        recipe="postwrap.spec",
        build='rpmbuild --quiet -bb --define "_sourcedir $PWD" --define "_topdir $PWD" '
        "--nodeps *.spec && mv RPMS/noarch/*.rpm built",
        install="rpm -U --nodeps built",
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
        recipe="PKGBUILD",
        build="chown -R alice . && setpriv --reuid alice --regid alice --clear-groups makepkg -d "
        "&& mv *.pkg.tar.* built",
        install="pacman -U -dd --noconfirm built",
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
    """A host with two instances, where the package was built in /srv/build."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Host(root("trixie", (*HOST, *TOOLS))) as host:
        host.start_default()
        host.talk_instance()
        host.sh(
            "test -e /etc/mtab || ln -s /proc/self/mounts /etc/mtab\n"
            'mkdir -p "/srv/build/postwrap-$3"; cd "$1"; cp -r $2 "/srv/build/postwrap-$3"\n'
            'cd /srv/build; cp "$1/packaging/$4/"* .; tar -czf "postwrap-$3.tar.gz" "postwrap-$3"',
            *(str(CHECKOUT), SOURCES, __version__, maker.folder),
        )
        shell(host, "/srv/build", maker.build)
        yield host


def shell(host: Host, directory: str, line: str) -> None:
    host.sh(f"cd {directory} && {line}", timeout=300)


def install_acme(host: Host, maker: Maker) -> set[str]:
    """Install a package that brings an instance, and return what came to /usr with it."""
    host.write(f"/srv/acme/{maker.recipe}", maker.acme)
    shell(host, "/srv/acme", maker.build)
    before = usr(host)
    shell(host, "/srv/acme", maker.install)
    return usr(host) - before


def usr(host: Host) -> set[str]:
    """The files: rpm leaves directories that were there for it alone."""
    return set(host.run("find", "/usr", "-xdev", "!", "-type", "d").stdout.splitlines())


def test_its_hooks_give_commands_renew_them_and_take_them_away(built: Host, maker: Maker) -> None:
    before = usr(built)
    shell(built, "/srv/build", maker.install)
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
    shell(built, "/", f"{maker.remove} postwrap")
    assert usr(built) == before


def test_versions_are_postwraps() -> None:
    spec = (CHECKOUT / "packaging/rpm/postwrap.spec").read_text()
    assert f"\nVersion: {__version__}\n" in spec
    pkgbuild = (CHECKOUT / "packaging/arch/PKGBUILD").read_text()
    assert f"\npkgver={__version__}\n" in pkgbuild


def test_the_hooks_are_sound_shell() -> None:
    lint_shell(CHECKOUT / "packaging/arch/PKGBUILD", dialect="bash")
    lint_shell(CHECKOUT / "packaging/arch/postwrap.install")
