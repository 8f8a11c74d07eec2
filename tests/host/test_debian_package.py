"""postwrap's own Debian package: built on Debian 13 by its own tools, and what its hooks do.

Debian 12 has no python3-typer that is new enough; install.sh is for that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.lint import lint_shell
from tests.harness.paths import CHECKOUT
from tests.harness.released import MAINTAINER, ONE_BUILD, released
from tests.harness.roots import POSTWRAP_NEEDS, variant

from postwrap import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = ONE_BUILD

NAME = f"postwrap_{__version__}-1"


@pytest.fixture(scope="module")
def release() -> Path:
    return released()


@pytest.fixture(scope="module")
def base() -> Path:
    """A Debian 13 with Postfix and what builds packages."""
    return variant("packaging", "trixie")


@pytest.fixture(scope="module")
def deb(release: Path) -> bytes:
    """The package, built as packaging/debian/rules says."""
    return (release / f"{NAME}_all.deb").read_bytes()


@pytest.fixture
def installed(base: Path, deb: bytes) -> Iterator[Host]:
    """A host with two instances, on which the package was installed."""
    with Host(base) as host:
        host.start_default()
        host.talk_instance()
        host.write("/root/postwrap.deb", deb)
        host.write("/root/before", "\n".join(usr(host)))
        host.run("dpkg", "-i", "/root/postwrap.deb")
        yield host


def usr(host: Host) -> set[str]:
    return set(host.run("find", "/usr", "-xdev", "!", "-name", "__pycache__").stdout.splitlines())


def test_every_instance_has_commands_at_once(installed: Host) -> None:
    needs = installed.run("dpkg-deb", "--field", "/root/postwrap.deb", "Depends").stdout
    assert {"postfix", *POSTWRAP_NEEDS} <= {need.split()[0] for need in needs.split(",")}
    assert "Mail queue is empty" in installed.run("mailq-out").stdout
    assert installed.run("sh", "-c", "command -v postconf-out").stdout == "/usr/sbin/postconf-out\n"
    assert "/etc/postfix-out" in installed.run("man", "-P", "cat", "mailq-out").stdout
    assert installed.exists("/usr/share/bash-completion/completions/mailq-out")
    listed = json.loads(installed.run("postwrap", "list", "--json").stdout)
    assert {i["commands"] for i in listed["instances"]} == {"installed"}
    assert installed.run("postwrap", "diff").stdout == ""
    assert "# Tutorial" in installed.read("/usr/share/doc/postwrap/tutorial/fallback-relay.md")
    assert "listener-overlap" in installed.run("postwrap", "help", "listener-overlap").stdout


def test_instances_are_made_and_removed_beside_it(installed: Host) -> None:
    installed.run("postwrap", "create", "new", "--address", "127.0.0.2", "--yes", timeout=120)
    assert installed.run("sh", "-c", "command -v mailq-new").stdout == "/usr/bin/mailq-new\n"
    assert not installed.exists("/usr/local/bin/mailq-new")
    installed.run("postwrap", "remove", "new", "--yes", timeout=120)
    assert not installed.exists("/usr/bin/mailq-new")


def test_no_module_comes_from_elsewhere(installed: Host) -> None:
    installed.write("/home/alice/typer.py", "open('/run/mark', 'w')\n")
    installed.write("/home/alice/sitecustomize.py", "open('/run/mark', 'w')\n")
    there = {"PYTHONPATH": "/home/alice"}
    told = installed.run("postwrap", "--version", cwd="/home/alice", env=there).stdout
    assert told == f"postwrap {__version__}\n"
    assert not installed.exists("/run/mark")


def test_it_looks_again_when_postfix_is_upgraded(installed: Host) -> None:
    installed.run("mv", "/usr/sbin/qshape", "/root/qshape")
    installed.run("dpkg-trigger", "--by-package=postfix", "/usr/sbin/postfix")
    installed.run("dpkg", "--configure", "postwrap")
    assert not installed.exists("/usr/sbin/qshape-out")
    assert installed.exists("/usr/bin/mailq-out")


def test_packed_commands_and_their_maker_do_not_mix(installed: Host) -> None:
    path = installed.run("postwrap", "package", "-o", "/root").stdout.strip()
    before = usr(installed)
    assert "conflicts" in installed.run("dpkg", "-i", path, check=False).stderr
    assert usr(installed) == before


def test_it_goes_without_a_trace(installed: Host) -> None:
    installed.run("dpkg", "-r", "postwrap")
    assert usr(installed) == set(installed.read("/root/before").splitlines())
    assert installed.exists("/etc/postwrap.toml")
    assert installed.run("mailq").returncode == 0
    installed.run("dpkg", "-P", "postwrap")
    assert not installed.exists("/etc/postwrap.toml")


def test_an_instance_that_cannot_be_served_does_not_stop_apt(base: Path, deb: bytes) -> None:
    with Host(base) as host:
        host.start_default()
        host.sh("mkdir '/etc/postfix-a b'; cp /etc/postfix/*.cf '/etc/postfix-a b'")
        host.write("/root/postwrap.deb", deb)
        done = host.run("dpkg", "-i", "/root/postwrap.deb")
        assert "/etc/postfix-a b" in done.stderr
        assert host.exists("/usr/bin/mailq-default")


def test_the_pages_of_postwrap_are_the_packages_own(installed: Host) -> None:
    """And where the package is not, install brings them."""
    for page in ("man8/postwrap.8", "man5/postwrap.toml.5"):
        path = f"/usr/share/man/{page}"
        assert installed.run("dpkg", "-S", f"{path}.gz").stdout.startswith("postwrap: ")
        assert not installed.exists(path)
        installed.run("postwrap", "install", "--prefix=/usr/local", "--destdir=/stage")
        assert installed.exists(f"/stage/usr/local/share/man/{page}")


def test_lintian_has_nothing_to_say(base: Path, release: Path) -> None:
    """Neither of the source, the packages nor of what postwrap and the example pack."""
    with Host(base) as host:
        host.start_default()
        host.talk_instance(start=False)
        for file in (*release.glob("*.deb"), *release.glob("postwrap_*")):
            host.write(f"/srv/{file.name}", file.read_bytes())
        host.run("dpkg", "-i", f"/srv/{NAME}_all.deb")
        for words in ((), ("--boot",), ("--name", "acme-out", "out")):
            host.run("postwrap", "package", "-o", "/srv", "--maintainer", MAINTAINER, *words)
        host.sh("dpkg-source --after-build /srv 2>/dev/null || :")
        said = host.sh(
            "cd /srv; lintian --allow-root --pedantic --display-info --tag-display-limit 0 "
            "--fail-on error,warning,info,pedantic --suppress-tags-from-file $1 *.deb *.dsc",
            "/dev/null",
            check=False,
            timeout=900,
        )
        assert said.stdout == ""


def test_autopkgtest_passes(base: Path, release: Path) -> None:
    """By its own runner, in a host that is a container's stand-in."""
    with Host(base) as host:
        for file in release.glob("postwrap_*"):
            host.write(f"/srv/{file.name}", file.read_bytes())
        done = host.sh(
            "cd /srv; autopkgtest --ignore-restrictions=isolation-container "
            f"./{NAME}_all.deb ./{NAME}.dsc -- null",
            check=False,
            timeout=300,
        )
        assert "two-instances        PASS" in done.stdout + done.stderr, done


@pytest.mark.parametrize("hook", ["postinst", "prerm"])
def test_its_hooks_are_sound_shell(hook: str) -> None:
    lint_shell(CHECKOUT / f"packaging/debian/postwrap.{hook}")
