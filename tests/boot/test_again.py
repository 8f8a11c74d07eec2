"""Reboots and upgrades: what was made since is there, and what was there still is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import (
    make_known_to_postmulti,
    masters,
    take_template_away,
    unit_of,
)
from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

if TYPE_CHECKING:
    from tests.boot.hosts import Kind


@pytest.mark.parametrize("kind", ["bookworm", "trixie", "plain"])
def test_an_instance_made_by_hand_is_there_after_the_reboot(kind: Kind) -> None:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Boot("bookworm" if kind == "bookworm" else "trixie") as boot:
        if kind == "plain":
            take_template_away(boot)
        boot.make_command()
        boot.postwrap("install")
        with boot.up() as machine:
            default = masters(machine)
            assert list(default) == ["/etc/postfix"]
            assert machine.state() == "running", machine.failed()
        boot.talk_instance("out", start=False)
        with boot.up() as machine:
            assert machine.wait_for(lambda: masters(machine)) == {
                **default,
                "/etc/postfix-out": unit_of(kind, "out"),
            }
            machine.postwrap("install")
            machine.run("/usr/local/sbin/sendmail-out", "alice", user="app", input="hello\n")
            machine.wait_log("postfix-out/local[", "status=sent")
            # The last word of an administrator: it stays off.
            machine.run("/usr/local/sbin/postconf-out", "-e", "multi_instance_enable=no")
        with boot.up() as machine:
            assert masters(machine) == default
            assert machine.state() == "running", machine.failed()


def test_from_debian_12_to_debian_13() -> None:
    """What Debian 12 calls by multi_instance_name, Debian 13 calls by directory.

    Its instances come up after the upgrade, each under the new distribution's unit, and check
    has nothing left to say of the boot once its advice is taken.
    """
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Boot("bookworm") as old, Boot("trixie") as new:
        for boot in (old, new):
            boot.add_address("10.0.0.2")
            boot.make_command()
        old.talk_instance("eu-west", start=False)
        make_known_to_postmulti(old, "eu-west")
        old.postconf("multi_instance_name=europe", directory="/etc/postfix-eu-west")
        old.talk_instance("out", "10.0.0.2", start=False)
        old.postwrap("install")
        with old.up() as machine:
            assert masters(machine) == {
                "/etc/postfix": "postfix@-.service",
                "/etc/postfix-eu-west": "postfix@europe.service",
                "/etc/postfix-out": "postfix-instance@out.service",
            }
            advice = machine.postwrap("check", check=False).stdout
            assert "name-mismatch" in advice
            machine.run(
                "postconf",
                "-c",
                "/etc/postfix-eu-west",
                "-e",
                "multi_instance_name=postfix-eu-west",
            )
            assert "name-mismatch" not in machine.postwrap("check", check=False).stdout
        for directory in ("/etc/postfix-eu-west", "/etc/postfix-out"):
            for name in ("main.cf", "master.cf"):
                # Chrooted services and the rest: Debian 13 keeps what the administrator has.
                new.write(f"{directory}/{name}", old.read(f"{directory}/{name}"))
        new.write("/etc/postfix/main.cf", old.read("/etc/postfix/main.cf"))
        for name in ("eu-west", "out"):
            new.run("mkdir", f"/var/spool/postfix-{name}")
            new.run("install", "-d", "-o", "postfix", "-m", "700", f"/var/lib/postfix-{name}")
        new.age()
        new.postwrap("install")
        with new.up() as machine:
            assert masters(machine) == {
                "/etc/postfix": "postfix.service",
                "/etc/postfix-eu-west": "postfix@eu\\x2dwest.service",
                "/etc/postfix-out": "postfix@out.service",
            }
            assert machine.failed() == []
            said = machine.postwrap("check", check=False).stdout
            assert not {"not-at-boot", "two-units", "orphaned-unit"} & set(said.split())
            machine.run("/usr/local/sbin/sendmail-eu-west", "alice", user="app", input="hello\n")
            machine.wait_log("postfix-eu-west/local[", "status=sent")
