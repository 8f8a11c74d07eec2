"""The SysV init script on a Debian whose init is sysvinit, run as its rc does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.need import need_root, need_tool
from tests.harness.roots import POSTWRAP_NEEDS, root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.host import Host
    from tests.harness.layers import Layers

PACKAGES = ("postfix", *POSTWRAP_NEEDS, "iproute2", "procps", "sysvinit-core", "sysv-rc")
PACKAGE = "postwrap-commands"
SCRIPT = "/etc/init.d/postfix-instances"
ENABLED = ["/etc/postfix-eu-west", "/etc/postfix-out"]


INSTANCES = {"out": "10.0.0.1", "eu-west": "10.0.0.2", "off": "10.0.0.3", "known": "10.0.0.4"}


def prepare(host: Host) -> None:
    """Out and eu-west are to run; off is disabled; known is postmulti's, which Debian starts."""
    host.add_address(*list(INSTANCES.values())[1:])
    for name, address in INSTANCES.items():
        host.talk_instance(name, address, start=False)
    host.postconf("multi_instance_enable=no", directory="/etc/postfix-off")
    host.postconf(
        "multi_instance_name=postfix-known",
        "multi_instance_enable=yes",
        directory="/etc/postfix-known",
    )
    host.postconf("multi_instance_directories=/etc/postfix-known")
    host.run("postmulti", "-e", "init")
    host.write("/etc/postfix-policyd-spf-python/policyd-spf.conf", "")
    host.age()
    host.postwrap("install")


@pytest.fixture
def host(layers: Layers) -> Iterator[Host]:
    """A host whose boot has come as far as this script."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with layers.copy(root("trixie", (*PACKAGES, "initscripts")), "sysv", prepare) as host:
        host.add_address(*list(INSTANCES.values())[1:])
        host.run(SCRIPT, "start")
        yield host


def masters(host: Host) -> list[str]:
    """The configuration directories of the masters that run."""
    return host.sh(
        "for pid in $(pgrep -P 1 -x master); do\n"
        "    tr '\\0' '\\n' <\"/proc/$pid/environ\" | sed -n 's/^config_directory=//p'\n"
        "done | sort"
    ).stdout.split()


def test_the_boot_starts_them_before_the_default_instance(host: Host) -> None:
    host.run(SCRIPT, "stop")
    started = [path.name for path in sorted(host.path("/etc/rc2.d").glob("S*postfix*"))]
    assert [name[3:] for name in started] == ["postfix-instances", "postfix"]
    stopped = [path.name for path in sorted(host.path("/etc/rc0.d").glob("K*postfix*"))]
    assert [name[3:] for name in stopped] == ["postfix", "postfix-instances"]
    for name in started:
        host.run(f"/etc/rc2.d/{name}", "start")
    assert masters(host) == sorted(["/etc/postfix", "/etc/postfix-known", *ENABLED])
    host.run("/etc/init.d/postfix", "stop")
    assert masters(host) == ENABLED


def test_systemd_has_no_part_in_it(host: Host) -> None:
    assert not host.exists("/usr/local/lib/systemd")


def test_all(host: Host) -> None:
    assert masters(host) == ENABLED
    assert host.run(SCRIPT, "start").stderr == ""
    told = host.run(SCRIPT, "status").stdout
    assert told == (
        "Postfix instance /etc/postfix-out is running\n"
        "Postfix instance /etc/postfix-eu-west is running\n"
    )
    host.run(SCRIPT, "reload")
    host.run(SCRIPT, "force-reload")
    for directory in ENABLED:
        host.wait_log("reload -- version", f"configuration {directory}")
    host.run(SCRIPT, "restart")
    assert masters(host) == ENABLED
    host.run(SCRIPT, "stop")
    assert masters(host) == []
    assert host.run(SCRIPT, "stop").returncode == 0


def test_one_by_name(host: Host) -> None:
    for name in ("out", "postfix-out", "/etc/postfix-out"):
        host.run(SCRIPT, "stop", name)
        assert masters(host) == ["/etc/postfix-eu-west"]
        assert host.run(SCRIPT, "status", name, check=False).returncode == 3
        assert host.run(SCRIPT, "status", check=False).returncode == 3
        assert host.run(SCRIPT, "status", "eu-west").returncode == 0
        assert host.run(SCRIPT, "reload", name, check=False).returncode == 7
        host.run(SCRIPT, "start", name)
        assert masters(host) == ENABLED


def test_a_disabled_one_starts_by_name(host: Host) -> None:
    host.run(SCRIPT, "start", "off")
    assert "/etc/postfix-off" in masters(host)
    host.run(SCRIPT, "stop", "off")
    assert masters(host) == ENABLED


@pytest.mark.parametrize(
    ("words", "status"),
    [((), 2), (("begin",), 2), (("start", "no-such"), 6), (("status", "policyd-spf-python"), 6)],
)
def test_wrong_arguments(host: Host, words: tuple[str, ...], status: int) -> None:
    done = host.run(SCRIPT, *words, check=False)
    assert done.returncode == status
    assert done.stderr


def test_a_broken_one_does_not_stop_the_others(host: Host) -> None:
    host.run(SCRIPT, "stop")
    host.write("/etc/postfix-out/master.cf", "this is no master.cf\n")
    done = host.run(SCRIPT, "start", check=False)
    assert done.returncode == 1
    assert "/etc/postfix-out: start failed" in done.stderr
    assert masters(host) == ["/etc/postfix-eu-west"]


def test_mail_and_jails(host: Host) -> None:
    host.run("/usr/local/sbin/sendmail-out", "alice", user="app", input="by SysV\n")
    host.wait_log("postfix-out/local[", "status=sent")
    host.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    host.run("/etc/network/if-up.d/postwrap", env={"IFACE": "eth0"})
    for name in ("out", "eu-west"):
        copy = f"/var/spool/postfix-{name}/etc/resolv.conf"
        assert host.read(copy) == "nameserver 192.0.2.53\n"


def test_systemd_is_left_to_its_own(host: Host) -> None:
    host.run("mkdir", "-p", "/run/systemd/system")
    done = host.run(SCRIPT, "stop", check=False)
    assert done.returncode == 1
    assert "systemctl stop postfix" in done.stderr


def test_uninstall_takes_it_out_of_the_boot(host: Host) -> None:
    host.postwrap("uninstall")
    assert not host.exists(SCRIPT)
    assert not list(host.path("/etc").glob("rc*.d/*postfix-instances"))
    host.postwrap("install")
    assert host.exists(SCRIPT)
    assert list(host.path("/etc").glob("rc2.d/S*postfix-instances"))


def test_a_package_brings_it_into_the_boot_and_takes_it_out(host: Host) -> None:
    host.postwrap("uninstall")
    path = host.postwrap("package", "-o", "/root").stdout.strip()
    host.run("dpkg", "-i", path)
    assert list(host.path("/etc").glob("rc2.d/S*postfix-instances"))
    assert SCRIPT in host.run("dpkg-query", "-W", "-f", "${Conffiles}", PACKAGE).stdout
    # The commands of this host's own come beside it; the one script stays the package's.
    host.postwrap("install")
    assert "postfix-instances" not in host.postwrap("uninstall").stderr
    assert list(host.path("/etc").glob("rc2.d/S*postfix-instances"))
    host.run("dpkg", "-r", PACKAGE)
    assert not list(host.path("/etc").glob("rc*.d/*postfix-instances"))
    # What stays until it is purged does no harm.
    assert host.run("/etc/network/if-up.d/postwrap", env={"IFACE": "eth0"}).stderr == ""
    host.run("dpkg", "-i", path)
    assert list(host.path("/etc").glob("rc2.d/S*postfix-instances"))
    host.run("dpkg", "-P", PACKAGE)
    assert not host.exists(SCRIPT)
    assert not list(host.path("/etc").glob("rc*.d/*postfix-instances"))
