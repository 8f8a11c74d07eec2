"""The package that carries what postwrap runs on: on Debian 12 and 13, without network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.fresh import ReadyHost
from tests.harness.need import need
from tests.harness.paths import CHECKOUT, cache_directory
from tests.harness.released import ONE_BUILD, released

from postwrap import __version__

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host

pytestmark = ONE_BUILD

FILE = f"postwrap_{__version__}+bundled_all.deb"


@pytest.fixture(scope="module")
def deb() -> Path:
    """The package, as a release has it."""
    made = released() / FILE
    assert made.stat().st_size < 5_000_000
    return made


@pytest.fixture(params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, deb: Path) -> Iterator[ReadyHost]:
    with ReadyHost(request.param) as made:
        made.start_default()
        made.write("/root/packages/" + FILE, deb.read_bytes())
        yield made


def files(host: Host) -> set[str]:
    find = "find /usr /etc /var/lib/postwrap* -xdev ! -type d ! -path '*/__pycache__/*' 2>/dev/null"
    return set(host.sh(f"{find} || :").stdout.splitlines()) - {"/etc/ld.so.cache"}


def apt(host: Host, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run apt as the README does; the host has no network."""
    return host.run(
        *("apt-get", "--yes", "-o", "APT::Sandbox::User=root", *words),
        cwd="/root/packages",
        env={"DEBIAN_FRONTEND": "noninteractive"},
        check=check,
        timeout=300,
    )


def test_apt_installs_it_then_the_talks_two_commands(host: Host) -> None:
    before = files(host)
    apt(host, "install", f"./{FILE}")
    assert host.run("postwrap", "--version").stdout == f"postwrap {__version__}\n"
    assert "Mail queue is empty" in host.run("mailq-default").stdout
    assert "# Tutorial" in host.read("/usr/share/doc/postwrap/tutorial/fallback-relay.md")
    host.run("postwrap", "create", "out", "--address", "127.0.0.2", "--yes", timeout=120)
    assert "Mail queue is empty" in host.run("mailq-out", user="alice").stdout
    host.run("postwrap", "remove", "out", "--purge", "--yes", timeout=120)
    host.run("dpkg", "-r", "postwrap")
    assert files(host) - before == {"/etc/postwrap.toml"}
    host.run("dpkg", "-P", "postwrap")
    assert files(host) == before


def test_triggers_and_removals_never_fail_dpkg(host: Host) -> None:
    """Whatever is wrong with Postfix, Python or the disk; the commands stay until it is over."""
    apt(host, "install", f"./{FILE}")
    good = host.read("/etc/postfix/main.cf")
    for breaks, mends in (
        ("echo '  = broken' >/etc/postfix/main.cf", "cp /root/main.cf /etc/postfix/"),
        ("chmod -x /usr/sbin/postconf", "chmod +x /usr/sbin/postconf"),
        ("mv /usr/sbin/postfix /root/", "mv /root/postfix /usr/sbin/"),
        ("mv /usr/bin/python3 /root/", "mv /root/python3 /usr/bin/"),
        ("mount -t tmpfs -o ro none /usr/lib/postwrap", "umount /usr/lib/postwrap"),
    ):
        host.write("/root/main.cf", good)
        host.sh(breaks)
        host.run("dpkg-trigger", "--by-package=postfix", "/usr/sbin/postfix")
        host.run("dpkg", "--configure", "--pending")
        assert "ok installed" in host.run("dpkg-query", "-W", "-f${Status}", "postwrap").stdout
        assert host.exists("/usr/bin/mailq-default"), breaks
        host.sh(mends)
    assert "Mail queue is empty" in host.run("mailq-default").stdout
    host.sh("mv /usr/bin/python3 /root/")
    host.run("dpkg", "-r", "postwrap")
    assert "installed" not in host.run("dpkg-query", "-W", "-f${Status}", "postwrap").stdout


def test_a_full_disk_stops_neither_triggers_nor_removal(host: Host) -> None:
    """The disk of /usr is full, that of dpkg's own records is not; what is there stays in use."""
    apt(host, "install", f"./{FILE}")
    host.sh(
        "mkdir /small; mount -t tmpfs -o size=12m none /small; mkdir /small/upper /small/work\n"
        "mount -t overlay -o lowerdir=/usr,upperdir=/small/upper,workdir=/small/work none /usr\n"
        "mkdir /etc/postfix-new; cp /etc/postfix/*.cf /etc/postfix-new\n"
        "dd if=/dev/zero of=/usr/share/fill 2>/dev/null || :"
    )
    assert host.sh("echo x >/usr/share/more", check=False).returncode
    host.run("dpkg-trigger", "--by-package=postfix", "postwrap-instances")
    said = host.run("dpkg", "--configure", "--pending").stderr
    assert "No space left on device" in said
    assert "remedy: " in said
    assert "Mail queue is empty" in host.run("mailq-default").stdout
    assert not host.exists("/usr/bin/mailq-new")
    host.sh("rm /usr/share/fill")
    host.run("dpkg-trigger", "--by-package=postfix", "postwrap-instances")
    host.run("dpkg", "--configure", "--pending")
    assert host.exists("/usr/bin/mailq-new")
    host.sh("dd if=/dev/zero of=/usr/share/fill 2>/dev/null || :")
    host.run("dpkg", "-r", "postwrap")
    assert not host.exists("/usr/sbin/postwrap")
    # The commands may have stayed; with room, the package takes them away.
    host.sh("rm /usr/share/fill")
    apt(host, "install", f"./{FILE}")
    host.run("dpkg", "-r", "postwrap")
    assert not host.exists("/usr/bin/mailq-default")


def test_postfix_is_installed_anew_while_something_is_broken(host: Host) -> None:
    """Its own package may fail there; that of postwrap does not, and the commands stay."""
    apt(host, "install", f"./{FILE}")
    suite = host.sh(". /etc/os-release; echo $VERSION_CODENAME").stdout.strip()
    kept = sorted((cache_directory() / "packages" / suite).glob("postfix_*.deb"))
    need(kept, f"the package of Postfix that debootstrap has fetched for {suite}")
    host.write("/root/packages/postfix.deb", kept[-1].read_bytes())
    status = ("dpkg-query", "-W", "-f${db:Status-Status}", "postwrap")
    for breaks, mends in (
        (":", ":"),
        ("echo '  = broken' >>/etc/postfix/main.cf", "cp /root/main.cf /etc/postfix/"),
        ("mv /usr/bin/python3 /root/", "mv /root/python3 /usr/bin/"),
    ):
        host.sh(f"cp /etc/postfix/main.cf /root/; {breaks}")
        host.run("dpkg", "-i", "/root/packages/postfix.deb", check=False)
        host.run("dpkg", "--configure", "postwrap", check=False)
        assert host.run(*status).stdout == "installed", breaks
        assert host.exists("/usr/bin/mailq-default"), breaks
        host.sh(mends)
        host.run("dpkg", "--configure", "--pending")
    assert "Mail queue is empty" in host.run("mailq-default").stdout
    # apt takes both away; Postfix's configuration stays, and so its instance.
    apt(host, "remove", "postfix")
    assert not host.exists("/usr/sbin/postwrap")
    assert not host.exists("/usr/bin/mailq-default")


def test_it_is_not_configured_without_what_it_runs_on(host: Host) -> None:
    """Nobody shall take it for installed; the same command again finishes it."""
    host.run("dpkg", "--unpack", f"/root/packages/{FILE}")
    status = ("dpkg-query", "-W", "-f${db:Status-Status}", "postwrap")
    for breaks, mends in (
        ("mv /usr/bin/python3 /root/", "mv /root/python3 /usr/bin/"),
        (
            "mv /usr/share/postwrap/click /root/",
            "mv /root/click /usr/share/postwrap/",
        ),
        ("echo 'prefx = 1' >/etc/postwrap.toml", "echo 'prefix = \"/usr\"' >/etc/postwrap.toml"),
    ):
        host.sh(breaks)
        done = host.run("dpkg", "--configure", "postwrap", check=False)
        assert done.returncode == 1, breaks
        assert host.run(*status).stdout == "half-configured", breaks
        assert "Traceback" not in done.stderr
        host.sh(mends)
    host.run("dpkg", "--configure", "postwrap")
    assert host.run(*status).stdout == "installed"
    assert "Mail queue is empty" in host.run("mailq-default").stdout


def test_a_package_that_brings_an_instance_has_its_commands_at_once(host: Host) -> None:
    """The example for maintainers, and what an edited wrapper does not stop."""
    apt(host, "install", f"./{FILE}")
    host.sh("echo '# mine' >>/usr/sbin/postconf-default")
    host.sh(
        'cp -r "$1" /root/example; dpkg-deb --build /root/example /root/packages/example.deb',
        str(CHECKOUT / "packaging/examples/debian"),
    )
    done = apt(host, "install", "./example.deb")
    assert "/usr/sbin/postconf-default: was edited" in done.stdout + done.stderr
    assert "/etc/postfix-example" in host.run("postwrap", "which", "mailq-example").stdout
    assert host.run("postconf-example", "-h", "syslog_name").stdout == "postfix-example\n"
    assert host.read("/usr/sbin/postconf-default").endswith("# mine\n")
    # Its configuration stays, so it is an instance, until the package is purged.
    host.run("dpkg", "-r", "postfix-example")
    assert host.exists("/usr/bin/mailq-example")
    host.run("dpkg", "-P", "postfix-example")
    assert not host.exists("/usr/bin/mailq-example")
    assert host.exists("/usr/bin/mailq-default")


def test_what_is_not_mounted_loses_nothing(host: Host) -> None:
    host.sh(
        "mkdir /srv/disk; mount -t tmpfs -o mode=755 none /srv/disk\n"
        "mkdir /srv/disk/postfix-far; cp /etc/postfix/*.cf /srv/disk/postfix-far\n"
        "postconf -e alternate_config_directories=/srv/disk/postfix-far"
    )
    apt(host, "install", f"./{FILE}")
    assert host.exists("/usr/bin/mailq-far")
    host.sh("mount --move /srv/disk /mnt")
    for _ in range(2):
        host.run("dpkg-trigger", "--by-package=postfix", "postwrap-instances")
        host.run("dpkg", "--configure", "--pending")
        assert host.exists("/usr/bin/mailq-far")
    host.sh("mount --move /mnt /srv/disk")
    host.run("postwrap", "diff", "--quiet")


def test_install_sh_leaves_the_place_to_the_package(host: ReadyHost) -> None:
    """And where both are there all the same, list and check say so."""
    apt(host, "install", f"./{FILE}")
    before = files(host)
    for options in ((), ("--prefix=/usr",)):
        done = host.install("--yes", *options, check=False)
        assert done.returncode == 3, done
        assert "remedy: " in done.stderr
        assert files(host) == before
    host.run("postwrap", "install", "--prefix=/usr/local")
    said = host.run("postwrap", "list")
    assert "postwrap: /usr/local: has commands of the instances too" in said.stdout + said.stderr
    found = json.loads(host.run("postwrap", "check", "--json", check=False).stdout)["findings"]
    (twice,) = [finding for finding in found if finding["code"] == "installed-twice"]
    host.sh(twice["remedy"])
    # Of what it saw, check keeps what Postfix said.
    assert files(host) - before <= {"/usr/lib/postwrap/configurations.json"}
    assert before <= files(host)
