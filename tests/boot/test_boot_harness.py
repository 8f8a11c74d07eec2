"""A booted container is what the other tests take it for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.harness.machine import CommandError

if TYPE_CHECKING:
    from tests.harness.boot import Boot


def test_boots_with_postfix_running(boot: Boot) -> None:
    with boot.up() as machine:
        assert machine.state() == "running", machine.failed()
        assert machine.run("ps", "-p", "1", "-o", "comm=").stdout.strip() == "systemd"
        assert machine.active("postfix.service")
        assert machine.running()
        message_id = boot.send("alice@example.com")
        machine.wait_log("postfix/local", "status=sent")
        assert message_id in machine.read("/var/mail/alice")
        assert "Starting postfix" in machine.journal()
        assert machine.run("hostname").stdout == "mail\n"


def test_what_was_prepared_is_there_and_stays(boot: Boot) -> None:
    boot.talk_instance(start=False)
    unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/touch /var/lib/once\n"
    boot.write("/etc/systemd/system/once.service", f"{unit}[Install]\nWantedBy=multi-user.target\n")
    boot.run("systemctl", "enable", "once.service")
    done = boot.boot("systemctl is-active once.service; ls /etc/postfix-out/main.cf; echo >/var/2")
    assert done.stdout == "active\n/etc/postfix-out/main.cf\n"
    assert boot.exists("/var/lib/once")
    # A reboot finds what the last one left.
    with boot.up() as machine:
        assert machine.exists("/var/2")
        with pytest.raises(CommandError):
            machine.run("systemctl", "start", "no-such.service")


def test_postwrap_runs_in_it(boot: Boot) -> None:
    assert "postwrap" in boot.postwrap("--help").stdout
    with boot.up() as machine:
        assert "postwrap" in machine.postwrap("--help").stdout


@pytest.mark.suites("trixie")
def test_containers_side_by_side(boot: Boot) -> None:
    with type(boot)(boot.suite) as other, boot.up() as machine, other.up() as second:
        second.run("systemctl", "stop", "postfix")
        assert not second.running()
        assert machine.running()
        assert machine.state() == "running"


@pytest.mark.suites("trixie")
def test_nothing_is_left_behind(boot: Boot) -> None:
    with boot.up() as machine:
        groups = Path(f"/proc/{machine.pid}/cgroup").read_text()
        assert f"/postwrap-tests-{boot.pid}/" in groups
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    assert not Path(f"/proc/{machine.pid}").exists()
    mounted = [Path("/sys/fs/cgroup") / name for name in (".", "systemd", "unified")]
    own = Path("/proc/self/cgroup").read_text().splitlines()
    inside = {line.split(":", 2)[2].lstrip("/") for line in own}
    for group in (top / name / f"postwrap-tests-{boot.pid}" for top in mounted for name in inside):
        assert not group.exists()
