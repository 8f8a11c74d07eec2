"""Upgrades, downgrades and swaps of Debian's packages of postwrap, by apt, without network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.released import ONE_BUILD, released, released_before
from tests.harness.roots import variant

from postwrap import __version__

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = ONE_BUILD

PLAIN = f"postwrap_{__version__}-1_all.deb"
BUNDLED = f"postwrap_{__version__}+bundled_all.deb"
FORMER = "postwrap_0.1.0_all.deb"


@pytest.fixture
def host() -> Iterator[Host]:
    """A host with two instances and the packages in /srv."""
    made = {name: released() / name for name in (PLAIN, BUNDLED)}
    made[FORMER] = released_before() / FORMER
    with Host(variant("packaging", "trixie")) as host:
        host.start_default()
        host.talk_instance()
        for name, path in made.items():
            host.write(f"/srv/{name}", path.read_bytes())
        yield host


def apt(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    return host.run(
        *("apt-get", "--yes", "-o", "APT::Sandbox::User=root", *words),
        cwd="/srv",
        env={"DEBIAN_FRONTEND": "noninteractive"},
        timeout=300,
    )


def install(host: Host, *files: str) -> None:
    apt(host, "install", "--allow-downgrades", *(f"./{name}" for name in files))


def files(host: Host) -> set[str]:
    found = host.sh("find /usr /etc /var/lib/postwrap* -xdev ! -type d 2>/dev/null || :").stdout
    own = ("/__pycache__/", "/etc/ld.so.cache")
    return {path for path in found.splitlines() if not any(part in path for part in own)}


def is_served(host: Host) -> None:
    """The instance has its commands, they work, and all is as this postwrap would install it."""
    assert "Mail queue is empty" in host.run("mailq-out", user="alice").stdout
    assert "/etc/postfix-out" in host.run("man", "-P", "cat", "mailq-out").stdout
    assert host.run("postwrap", "diff").stdout == ""
    assert "POSTWRAP(8)" in host.run("man", "-P", "cat", "postwrap").stdout


def test_upgrades_and_downgrades_lose_nothing(host: Host) -> None:
    """From 0.1.0 to this version's two packages and back, by the conffile as it was edited."""
    before = files(host)
    install(host, FORMER)
    assert host.exists("/usr/share/man/man8/postwrap.8")
    host.sh("echo '# mine' >>/etc/postwrap.toml")
    for name, version in (
        (PLAIN, __version__),
        (BUNDLED, __version__),
        (FORMER, "0.1.0"),
        (BUNDLED, __version__),
        (PLAIN, __version__),
    ):
        install(host, name)
        assert host.run("postwrap", "--version").stdout == f"postwrap {version}\n"
        is_served(host)
        assert host.read("/etc/postwrap.toml").endswith("# mine\n")
        assert host.exists("/usr/share/man/man8/postwrap.8") == (name == FORMER)
    apt(host, "remove", "postwrap")
    assert files(host) - before == {"/etc/postwrap.toml"}
    apt(host, "purge", "postwrap")
    assert files(host) == before


def test_apt_swaps_postwrap_and_packed_commands(host: Host) -> None:
    """Both ways: all commands in one package, and each instance's beside what they share."""
    install(host, PLAIN)
    before = files(host)
    packed = {}
    for name, words in (
        ("commands", ()),
        ("boot", ("--boot",)),
        ("out", ("--name", "acme-out", "out")),
    ):
        path = host.run("postwrap", "package", "-o", "/srv", *words).stdout.strip()
        packed[name] = path.rpartition("/")[2]

    def installed() -> set[str]:
        form = "${db:Status-Abbrev} ${Package}\n"
        lines = host.run("dpkg-query", "-W", "-f", form).stdout.splitlines()
        own = ("postwrap", "acme")
        return {x.split()[1] for x in lines if x.startswith("ii") and x.split()[1].startswith(own)}

    def works() -> None:
        assert "Mail queue is empty" in host.run("mailq-out").stdout
        assert host.exists("/usr/share/bash-completion/completions/mailq-out")

    install(host, packed["commands"])
    assert installed() == {"postwrap-commands"}
    works()
    install(host, PLAIN)
    assert installed() == {"postwrap"}
    assert files(host) == before
    is_served(host)
    # The package of an instance needs what the shared one or postwrap itself brings.
    install(host, packed["boot"], packed["out"])
    assert installed() == {"postwrap-boot", "acme-out"}
    works()
    assert not host.exists("/usr/bin/mailq-default")
    install(host, BUNDLED)
    assert installed() == {"postwrap", "acme-out"}
    works()
    assert host.exists("/usr/bin/mailq-default")
    install(host, packed["boot"])
    assert installed() == {"postwrap-boot", "acme-out"}
    works()
    install(host, PLAIN)
    apt(host, "remove", "acme-out")
    assert installed() == {"postwrap"}
    is_served(host)
