"""postwrap's own Debian package: built on Debian 13 by its own tools, and what its hooks do.

Debian 12 has no python3-typer that is new enough; install.sh is for that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.lint import lint_shell
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import POSTWRAP_NEEDS, root

from postwrap import RELEASED, __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = "pyproject.toml README.md LICENSE generator wrappers completions man units packaging docs"
BUILD = ("debhelper", "dh-python", "pybuild-plugin-pyproject", "python3-all", "python3-hatchling")
HOST = ("postfix", *POSTWRAP_NEEDS, "iproute2", "procps", "man-db")


@pytest.fixture(scope="module")
def base() -> Path:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    return root("trixie", (*HOST, *BUILD, "fakeroot"))


@pytest.fixture(scope="module")
def deb(base: Path) -> bytes:
    """The package, built as packaging/debian/rules says."""
    with Host(base) as host:
        host.sh(
            'mkdir /root/postwrap; cd "$1"; cp -r $2 /root/postwrap; cd /root/postwrap\n'
            "cp -r packaging/debian .\n"
            # What builds everything in Debian (build-essential) is more than this needs.
            "dpkg-buildpackage --build=binary --unsigned-source --unsigned-changes -d",
            str(CHECKOUT),
            SOURCES,
            timeout=300,
        )
        return host.path(f"/root/postwrap_{__version__}_all.deb").read_bytes()


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


def test_it_says_what_version_it_is() -> None:
    changelog = (CHECKOUT / "packaging/debian/changelog").read_text()
    assert changelog.startswith(f"postwrap ({__version__})")
    assert "Sun, 22 Nov 2026 00:00:00 +0000" in changelog
    assert RELEASED == 1795305600


@pytest.mark.parametrize("hook", ["postinst", "prerm"])
def test_its_hooks_are_sound_shell(hook: str) -> None:
    lint_shell(CHECKOUT / f"packaging/debian/postwrap.{hook}")
