"""What check says of the boot, on a host that systemd has booted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.harness.paths import CHECKOUT

if TYPE_CHECKING:
    from tests.harness.boot import Boot
    from tests.harness.machine import Machine

OUT = "/etc/postfix-out"

_OWN_UNIT = """[Service]
Type=forking
ExecStart=/usr/sbin/postfix -c /etc/postfix-out start
[Install]
WantedBy=multi-user.target
"""

MISTAKES = {
    "masked": ("not-at-boot", OUT, "systemctl mask $(systemctl show -P Id postfix*@out.service)"),
    "switched off": ("not-at-boot", OUT, f"postconf -c {OUT} -e multi_instance_enable=no"),
    "default disabled": ("not-at-boot", "/etc/postfix", "systemctl disable postfix.service"),
    # The commands are to start the instance by the administrator's unit, where there is one.
    "own unit": ("commands-outdated", OUT, "systemctl enable mail-out.service"),
    "another": ("two-units", OUT, "systemctl enable other-out.service"),
    "gone": ("orphaned-unit", None, "systemctl enable postfix@gone.service"),
}


def findings(machine: Machine) -> list[dict[str, str]]:
    done = machine.run("postwrap", "check", "--json", check=False)
    assert done.returncode in (0, 1), done.stderr
    return list(json.loads(done.stdout)["findings"])


def settle(boot: Boot) -> None:
    path = str(CHECKOUT / "generator")
    words = f"PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 exec {boot.python} -m postwrap"
    boot.write("/usr/local/sbin/postwrap", f'#!/bin/sh\n{words} "$@"\n', 0o755)
    for name in ("mail-out", "other-out"):
        boot.write(f"/etc/systemd/system/{name}.service", _OWN_UNIT)
    boot.talk_instance(start=False)


def test_each_mistake_of_the_boot_gives_its_code_and_the_remedy_mends_it(boot: Boot) -> None:
    settle(boot)
    boot.run("postwrap", "install")
    with boot.up() as machine:
        assert machine.running(OUT)
        assert findings(machine) == []
        for name, (code, where, script) in MISTAKES.items():
            machine.sh(script)
            found = findings(machine)
            assert [(f["code"], f["instance"]) for f in found] == [(code, where)], (name, found)
            machine.sh(found[0]["remedy"])
            assert findings(machine) == [], name
        # What has to be started anew stays in the hands of its unit.
        machine.run("postconf", "-e", "inet_interfaces=all")
        (clash,) = (f for f in findings(machine) if f["code"] == "listener-overlap")
        assert "systemctl restart" in clash["remedy"]
        machine.sh(clash["remedy"])
        assert findings(machine) == []
        assert machine.running()
        assert machine.running(OUT)


_SERVES_ALONE = f"""
postfix stop
sleep 1
postconf -c {OUT} -F 10.0.0.1:smtp/inet/service=smtp
postconf -c {OUT} -e inet_interfaces=all
postfix -c {OUT} stop
systemctl restart $(systemctl show -P Id postfix*@out.service)
"""


def test_an_idle_default_instance_that_the_boot_starts_takes_nothing(boot: Boot) -> None:
    settle(boot)
    boot.run("postwrap", "install")
    with boot.up() as machine:
        machine.sh(_SERVES_ALONE)
        (found,) = findings(machine)
        assert (found["code"], found["instance"]) == ("listener-overlap", "/etc/postfix")
        assert "from the next boot on" in found["message"]
        machine.sh(found["remedy"])
        assert findings(machine) == []
    with boot.up() as machine:
        assert machine.running()
        assert machine.running(OUT)
        with machine.smtp("10.0.0.1") as client:
            assert client.noop()[0] == 250
        held = machine.sh("ss -Hltnp 'sport = :25'").stdout.splitlines()
        assert len(held) == 1, held


def test_an_instance_that_nothing_starts_is_found_and_install_starts_it(boot: Boot) -> None:
    settle(boot)
    with boot.up() as machine:
        found = {f["code"]: f for f in findings(machine) if f["instance"] == OUT}
        assert "not-at-boot" in found
        assert not machine.running(OUT)
        machine.sh(found["not-at-boot"]["remedy"])
    with boot.up() as machine:
        assert machine.running(OUT)
        assert findings(machine) == []
