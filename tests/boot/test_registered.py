"""Instances that create has made run after the boot, however many there are."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import DEFAULT_UNITS, masters, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.boot.hosts import Kind
    from tests.harness.boot import Boot, Booted

GENERATOR = "/usr/local/lib/systemd/system-generators/postwrap-generator"


def make(boot: Boot, names: Sequence[str], first: int = 2) -> None:
    """Make instances at 127.0.0.``first`` and on, which the boot is to start."""
    boot.make_command()
    with boot.aging():
        for number, name in enumerate(names, first):
            boot.postwrap("create", name, "--address", f"127.0.0.{number}", "--no-start")


def all_run(machine: Booted, suite: Kind, names: Sequence[str], failed: Sequence[str] = ()) -> None:
    """See that each has a master under its unit, and that no unit but ``failed`` has failed."""
    by_name = {
        name: f"postfix@postfix-{name}.service" if suite == "bookworm" else unit_of(suite, name)
        for name in names
    }
    units = {f"/etc/postfix-{name}": unit for name, unit in by_name.items()}
    units["/etc/postfix"] = DEFAULT_UNITS[suite]
    machine.wait_for(lambda: masters(machine) == units, 60)
    assert machine.failed() == [*failed]


def has_come(machine: Booted, text: str) -> bool:
    mailbox = "/var/mail/alice"
    return machine.exists(mailbox) and text in machine.read(mailbox)


def test_one_three_and_ten_instances_run_after_the_boot(boot: Boot, suite: Kind) -> None:
    names = [f"i{number}" for number in range(10)]
    done = 0
    for count in (1, 3, 10):
        make(boot, names[done:count], done + 2)
        done = count
        with boot.up(timeout=120) as machine:
            all_run(machine, suite, names[:count])
            for name in names[:count]:
                text = f"from {name} of {count}"
                machine.run(f"/usr/local/sbin/sendmail-{name}", "alice", user="app", input=text)
                machine.wait_for(partial(has_come, machine, text))


@pytest.mark.suites("bookworm")
def test_instances_that_a_former_version_registered_with_commas(boot: Boot, suite: Kind) -> None:
    names = ["one", "two", "three"]
    make(boot, names)
    commas = ", ".join(f"/etc/postfix-{name}" for name in names)
    boot.postconf(f"multi_instance_directories={commas}")
    # What the distribution's own generator makes of the first word, "/etc/postfix-one,".
    bogus = ["postfix@postfix.service"]
    with boot.up(timeout=120) as machine:
        all_run(machine, suite, names, bogus)
        found = json.loads(machine.run("postwrap", "check", "--json", check=False).stdout)
        (remedy,) = (
            f["remedy"] for f in found["findings"] if f["code"] == "registered-with-commas"
        )
        # One that is removed leaves the others registered, and running.
        machine.postwrap("remove", "two", "--purge", timeout=120)
        names.remove("two")
        all_run(machine, suite, names, bogus)
        known = machine.run("postconf", "-h", "multi_instance_directories").stdout
        assert known == "/etc/postfix-one /etc/postfix-three\n"
    boot.postconf("multi_instance_directories=/etc/postfix-one, /etc/postfix-three")
    boot.sh(remedy.partition(" && ")[0].replace("/etc/postfix-two ", ""))
    # What check says to type is enough for the distribution itself.
    boot.remove(GENERATOR)
    with boot.up(timeout=120) as machine:
        all_run(machine, suite, names)
