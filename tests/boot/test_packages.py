"""A package of a host's commands, on booted hosts: systemd hears of it, and boots by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import DEFAULT_UNITS, masters, unit_of
from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

if TYPE_CHECKING:
    from tests.boot.hosts import Kind

OUT = "/etc/postfix-out"
PACKAGE = "postwrap-commands"


@pytest.mark.parametrize("kind", ["bookworm", "trixie"])
def test_instances_boot_by_a_package(kind: Kind) -> None:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    both = {"/etc/postfix": DEFAULT_UNITS[kind], OUT: unit_of(kind, "out")}
    with Boot(kind) as boot:
        boot.talk_instance("out", start=False)
        path = boot.postwrap("package", "-o", "/root").stdout.strip()
        with boot.up() as machine:
            machine.wait_for(lambda: masters(machine) == {"/etc/postfix": DEFAULT_UNITS[kind]})
            machine.run("dpkg", "-i", path)
            # Without a reload systemd would not know the unit yet.
            machine.run("systemctl", "start", unit_of(kind, "out"))
            machine.wait_for(lambda: masters(machine) == both)
        with boot.up() as machine:
            machine.wait_for(lambda: masters(machine) == both)
            assert machine.failed() == []
            machine.run("sendmail-out", "alice", user="app", input="booted\n")
            machine.wait_log("postfix-out/local[", "to=<alice@", "status=sent")
            machine.run("dpkg", "-P", PACKAGE)
            # The instance runs on: nobody asked to stop it.
            assert masters(machine).keys() == both.keys()
        with boot.up() as machine:
            machine.wait_for(lambda: masters(machine) == {"/etc/postfix": DEFAULT_UNITS[kind]})
            assert machine.failed() == []
