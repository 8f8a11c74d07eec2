"""create and remove on hosts with systemd: each instance under its unit, now and after a boot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import (
    DEFAULT_UNITS,
    masters,
    take_template_away,
    unit_of,
)
from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

if TYPE_CHECKING:
    from tests.boot.hosts import Kind
    from tests.harness.boot import Booted

OUT = "/etc/postfix-out"
CREATE = ("create", "out", "--address", "10.0.0.1", "--role", "fallback-relay")
UNITS: dict[Kind, str] = {
    "bookworm": "postfix@postfix-out.service",
    "trixie": unit_of("trixie", "out"),
    "plain": unit_of("plain", "out"),
}


def both_run(machine: Booted, kind: Kind, *, unit: str) -> bool:
    return masters(machine) == {"/etc/postfix": DEFAULT_UNITS[kind], OUT: unit}


@pytest.mark.parametrize("kind", ["bookworm", "trixie", "plain"])
def test_an_instance_lives_under_its_unit(kind: Kind) -> None:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Boot("bookworm" if kind == "bookworm" else "trixie") as boot:
        if kind == "plain":
            take_template_away(boot)
        # The default instance has all addresses, so that it has to give one up.
        boot.postconf("inet_interfaces=all")
        boot.make_command()
        with boot.up() as machine:
            machine.wait_for(lambda: masters(machine) == {"/etc/postfix": DEFAULT_UNITS[kind]})
            # There, the start script is still Debian 13's, which misses its template.
            apart = ("--no-postmulti",) if kind == "plain" else ()
            machine.postwrap(*CREATE, *apart, timeout=120)
            found = masters(machine)
            assert found["/etc/postfix"] == DEFAULT_UNITS[kind]
            assert OUT in found
            machine.run("/usr/local/sbin/sendmail-out", "alice", user="app", input="now\n")
            machine.wait_log("postfix-out/local[", "to=<alice@", "status=sent")
        with boot.up() as machine:
            machine.wait_for(lambda: both_run(machine, kind, unit=UNITS[kind]))
            assert machine.failed() == []
            machine.run("/usr/local/sbin/sendmail-out", "alice", user="app", input="booted\n")
            machine.wait_for(lambda: "booted\n" in machine.read("/var/mail/alice"))
            machine.postwrap("remove", "out", timeout=120)
            assert masters(machine) == {"/etc/postfix": DEFAULT_UNITS[kind]}
            assert machine.failed() == []
            inet = machine.run("postconf", "-h", "inet_interfaces").stdout
            assert inet == "all\n"
