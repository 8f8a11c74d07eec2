"""The OpenRC script, run by OpenRC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.need import need_root, need_tool
from tests.harness.roots import POSTWRAP_NEEDS, root
from tests.host import test_sysv

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.harness.host import Host
    from tests.harness.layers import Layers

SERVICE = "postfix-instances"
# What its init.sh makes at boot.
STATES = (
    *("daemons", "exclusive", "failed", "hotplugged", "inactive", "options", "scheduled"),
    *("started", "starting", "stopping", "tmp", "wasinactive"),
)
CONTAINER = """\
#!/sbin/openrc-run
depend() {
	provide net localmount
}
start() {
	return 0
}
"""
ENABLED = ["/etc/postfix-eu-west", "/etc/postfix-out"]


def boot(host: Host) -> None:
    """Have OpenRC as it is in a container: the network is there when it comes up."""
    host.add_address("10.0.0.2", "10.0.0.3")
    host.run("mkdir", "-p", *(f"/run/openrc/{name}" for name in STATES))
    host.write("/run/openrc/softlevel", "default\n")


def prepare(host: Host) -> None:
    host.write("/etc/init.d/container", CONTAINER, 0o755)
    boot(host)
    for name, address in (("out", "10.0.0.1"), ("eu-west", "10.0.0.2"), ("off", "10.0.0.3")):
        host.talk_instance(name, address, start=False)
    host.postconf("multi_instance_enable=no", directory="/etc/postfix-off")
    host.postwrap("install")


@pytest.fixture
def host(layers: Layers) -> Iterator[Host]:
    """A host on which the service has started out and eu-west; off is disabled."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    packages = ("postfix", *POSTWRAP_NEEDS, "iproute2", "procps", "openrc")
    with layers.copy(root("trixie", packages), "openrc", prepare) as host:
        boot(host)
        service(host, "start")
        yield host


def masters(host: Host) -> list[str]:
    """The secondary instances that run; the default one is another script's."""
    return [directory for directory in test_sysv.masters(host) if directory != "/etc/postfix"]


def service(
    host: Host, verb: str, name: str = SERVICE, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    return host.run("rc-service", name, verb, check=check)


def test_it_is_in_the_default_runlevel(host: Host) -> None:
    assert SERVICE in host.run("rc-update", "show", "default").stdout


def test_the_runlevel_starts_them(host: Host) -> None:
    service(host, "stop")
    assert masters(host) == []
    host.run("openrc", "default", check=False)
    assert test_sysv.masters(host) == ["/etc/postfix", *ENABLED]


def test_all(host: Host) -> None:
    assert masters(host) == ENABLED
    assert "/etc/postfix-out is running" in service(host, "status").stdout
    service(host, "reload")
    for directory in ENABLED:
        host.wait_log("reload -- version", f"configuration {directory}")
    service(host, "restart")
    assert masters(host) == ENABLED
    service(host, "stop")
    assert masters(host) == []
    assert service(host, "status", check=False).returncode == 3


def test_one_of_its_own(host: Host) -> None:
    """A link by the name of an instance looks after that one; the loop leaves it alone."""
    service(host, "stop")
    own = f"{SERVICE}.eu-west"
    host.run("ln", "-s", SERVICE, f"/etc/init.d/{own}")
    host.run("rc-update", "add", own, "default")
    service(host, "start")
    assert masters(host) == ["/etc/postfix-out"]
    service(host, "start", own)
    assert masters(host) == ENABLED
    service(host, "stop", own)
    assert masters(host) == ["/etc/postfix-out"]


def test_a_broken_one_does_not_stop_the_others(host: Host) -> None:
    service(host, "stop")
    host.write("/etc/postfix-out/master.cf", "this is no master.cf\n")
    told = service(host, "start", check=False)
    assert masters(host) == ["/etc/postfix-eu-west"]
    assert "/etc/postfix-out" in told.stdout + told.stderr


def test_mail(host: Host) -> None:
    host.run("/usr/local/sbin/sendmail-out", "alice", user="app", input="by OpenRC\n")
    host.wait_log("postfix-out/local[", "status=sent")


def test_uninstall_takes_it_out_of_the_runlevel(host: Host) -> None:
    service(host, "stop")
    host.postwrap("uninstall")
    assert SERVICE not in host.run("rc-update", "show", "default").stdout


def test_a_package_brings_it_into_the_runlevel_and_takes_it_out(host: Host) -> None:
    service(host, "stop")
    host.postwrap("uninstall")
    path = host.postwrap("package", "-o", "/root").stdout.strip()
    host.run("dpkg", "-i", path)
    assert SERVICE in host.run("rc-update", "show", "default").stdout
    service(host, "start")
    assert masters(host) == ENABLED
    service(host, "stop")
    host.run("dpkg", "-r", test_sysv.PACKAGE)
    assert SERVICE not in host.run("rc-update", "show", "default").stdout
    host.run("dpkg", "-P", test_sysv.PACKAGE)
    assert not host.exists(f"/etc/init.d/{SERVICE}")
