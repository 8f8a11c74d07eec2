"""start, stop, restart, enable, disable under systemd, whose picture is right at each moment."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import DEFAULT_UNITS, make_known_to_postmulti, masters, unit_of
from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

from postwrap.errors import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.boot.hosts import Kind
    from tests.harness.boot import Booted

DIRECTORIES = {"default": "/etc/postfix", "out": "/etc/postfix-out", "known": "/etc/postfix-known"}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def kind(request: pytest.FixtureRequest) -> Kind:
    named: Kind = request.param
    return named


@pytest.fixture(scope="module")
def prepared(kind: Kind) -> Iterator[Boot]:
    """out is the talk's, known is postmulti's."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Boot(kind) as boot:
        boot.add_address("10.0.0.2")
        boot.talk_instance("out", start=False)
        boot.talk_instance("known", "10.0.0.2", start=False)
        make_known_to_postmulti(boot, "known")
        boot.make_command()
        boot.postwrap("install")
        yield boot


def units(kind: Kind) -> dict[str, str]:
    known = "postfix@postfix-known.service" if kind == "bookworm" else unit_of(kind, "known")
    return {"default": DEFAULT_UNITS[kind], "out": unit_of(kind, "out"), "known": known}


def picture(machine: Booted, kind: Kind) -> dict[str, bool]:
    """Which instances run; systemd must say the same of their units, and hold their masters."""
    found = masters(machine)
    for name, unit in units(kind).items():
        runs = DIRECTORIES[name] in found
        assert machine.active(unit) == runs, unit
        if runs:
            assert found[DIRECTORIES[name]] == unit
    return {name: DIRECTORIES[name] in found for name in units(kind)}


def test_systemds_picture_is_right(prepared: Boot, kind: Kind) -> None:
    every = {"default": True, "out": True, "known": True}
    with prepared.up() as machine:
        begin_to_write_metrics(machine)
        machine.wait_for(lambda: len(masters(machine)) == len(every))
        assert picture(machine, kind) == every
        for name in every:
            machine.postwrap("stop", name)
            assert picture(machine, kind) == every | {name: False}
            machine.postwrap("start", name)
            assert picture(machine, kind) == every
            before = masters_pids(machine)
            machine.postwrap("restart", name)
            assert picture(machine, kind) == every
            after = masters_pids(machine)
            assert {d for d in before if before[d] != after[d]} == {DIRECTORIES[name]}
            machine.postwrap("reload", name)
            assert masters_pids(machine) == after
        machine.postwrap("restart", "--rolling", timeout=120)
        assert picture(machine, kind) == every
        machine.postwrap("stop")
        assert not any(picture(machine, kind).values())
        machine.postwrap("start")
        assert picture(machine, kind) == every
        # Started outside its unit, it comes home.
        machine.postwrap("stop", "out")
        named = ("MAIL_CONFIG=/etc/postfix-out", "config_directory=/etc/postfix-out")
        master = ("env", *named, "/usr/lib/postfix/sbin/master", "-w")
        machine.run("systemd-run", "--scope", "--quiet", *master)
        assert masters(machine)["/etc/postfix-out"] != units(kind)["out"]
        machine.postwrap("restart", "out")
        assert picture(machine, kind) == every
        assert machine.failed() == [], machine.journal("--lines=60")
        machine.wait_for(lambda: {*samples(kind)} <= {*written(machine)}, 150)
        machine.run("systemctl", "disable", "--now", TIMER)


TIMER, METRICS = "postwrap-metrics.timer", "/var/lib/prometheus/node-exporter/postwrap.prom"


def samples(kind: Kind) -> Iterator[str]:
    """What the metrics say of instances that run in their units."""
    for name, unit in units(kind).items():
        labels = f'name="{name}",directory="{DIRECTORIES[name]}",role="",unit="{unit}"'
        yield f'postfix_up{{name="{name}"}} 1'
        yield f"postfix_instance_info{{{labels}}} 1"


def written(machine: Booted) -> list[str]:
    """The lines that the timer's last run wrote: every minute, from a minute after the boot on."""
    return machine.read(METRICS).splitlines() if machine.exists(METRICS) else []


def begin_to_write_metrics(machine: Booted) -> None:
    """The timer is there, off until it is enabled."""
    enabled = machine.run("systemctl", "is-enabled", TIMER, check=False)
    assert (enabled.stdout, machine.active(TIMER)) == ("disabled\n", False)
    assert not machine.exists(METRICS)
    machine.run("systemctl", "enable", "--now", TIMER)
    assert machine.active(TIMER)


def masters_pids(machine: Booted) -> dict[str, str]:
    script = (
        'for d in "" -out -known; do\n'
        '    echo "/etc/postfix$d $(cat /var/spool/postfix$d/pid/master.pid)"\n'
        "done"
    )
    return dict(line.split() for line in machine.sh(script).stdout.splitlines())


@pytest.mark.parametrize("name", ["out", "known"])
def test_enable_disable_and_mask(prepared: Boot, kind: Kind, name: str) -> None:
    unit = units(kind)[name]
    with prepared.up() as machine:
        machine.wait_for(lambda: len(masters(machine)) == len(DIRECTORIES))

        def told(*words: str, status: int = 0) -> dict[str, object]:
            done = machine.postwrap(*words, "--json", check=False)
            assert done.returncode == status, done
            document: dict[str, object] = json.loads(done.stdout)
            return document

        assert told("enable", name)["instances"][0]["done"] is None  # type: ignore[index]
        assert told("disable", name)["instances"][0]["done"] == "disabled"  # type: ignore[index]
        assert picture(machine, kind)[name], "it goes on running"
        listed = {i["name"]: i for i in told("list")["instances"]}  # type: ignore[attr-defined]
        assert not listed[name]["starts_at_boot"]
        machine.postwrap("stop", name)
    with prepared.up() as machine:
        machine.wait_for(lambda: len(masters(machine)) == len(DIRECTORIES) - 1)
        assert not picture(machine, kind)[name]
        assert "default: runs already" in machine.postwrap("start").stdout
        assert not picture(machine, kind)[name], "it is turned off"
        machine.run("systemctl", "mask", unit)
        for words in (("enable", name), ("enable", "--now", name), ("start", name)):
            done = machine.postwrap(*words, check=False)
            assert done.returncode == Status.FOUND
            assert f"{unit} is masked\n  remedy: systemctl unmask {unit}" in done.stderr
        machine.run("systemctl", "unmask", unit)
        machine.run("systemctl", "mask", "--runtime", unit)
        done = machine.postwrap("start", name, check=False)
        remedy = f"systemctl unmask --runtime {unit}"
        assert f"{unit} is masked\n  remedy: {remedy}\n" in done.stderr
        machine.run(*remedy.split())
        assert "enabled" in machine.postwrap("enable", "--now", name).stdout
        assert picture(machine, kind)[name]
        # An administrator's own unit is his.
        machine.write(
            "/etc/systemd/system/mine.service",
            "[Service]\nType=forking\n"
            f"ExecStart=/usr/sbin/postfix -c {DIRECTORIES[name]} start\n"
            "[Install]\nWantedBy=multi-user.target\n",
        )
        machine.run("systemctl", "enable", "mine.service")
        done = machine.postwrap("disable", name, check=False)
        assert done.returncode == Status.FOUND
        assert "remedy: systemctl disable mine.service" in done.stderr
        machine.run("systemctl", "disable", "mine.service")
        machine.run("rm", "/etc/systemd/system/mine.service")
        machine.postwrap("disable", "--now", name)
        assert not picture(machine, kind)[name]
        machine.postwrap("enable", name)
        assert not picture(machine, kind)[name], "the boot only"
    with prepared.up() as machine:
        machine.wait_for(lambda: len(masters(machine)) == len(DIRECTORIES))
        assert picture(machine, kind)[name]


TABLE = {
    f"{known}{enable or 'unset'}{masked}": (known, enable, masked)
    for known in ("known", "")
    for enable in ("", "yes", "no")
    for masked in ("masked", "")
}
"""Instances that postmulti knows or not, each value of multi_instance_enable, masked or not."""


def test_the_whole_table(kind: Kind) -> None:
    """What list says of the next boot is what it does; enable and disable make it so."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Boot(kind) as boot:
        boot.make_command()
        for number, (name, (known, enable, _)) in enumerate(TABLE.items(), 2):
            boot.add_address(f"10.0.0.{number}")
            boot.talk_instance(name, f"10.0.0.{number}", start=False)
            if known:
                add_to_postmulti(boot, name)
            if enable:
                boot.postconf(f"multi_instance_enable={enable}", directory=f"/etc/postfix-{name}")
        boot.postwrap("install", timeout=120)
        units = {name: found["unit"] for name, found in listed(boot).items()}
        for name, (_, _, masked) in TABLE.items():
            if masked:
                boot.run("ln", "-s", "/dev/null", f"/etc/systemd/system/{units[name]}")
        said = {name: found["starts_at_boot"] for name, found in listed(boot).items()}
        assert any(said.values())
        with boot.up() as machine:
            assert runs(machine, said) == said
            done = machine.postwrap("enable", *TABLE, check=False, timeout=300)
            assert done.returncode == Status.FOUND
            assert done.stderr.count(" is masked\n  remedy: systemctl unmask ") == len(TABLE) // 2
        wanted = {name: not masked for name, (_, _, masked) in TABLE.items()} | {"default": True}
        with boot.up() as machine:
            assert runs(machine, wanted) == wanted
            machine.postwrap("disable", *TABLE, timeout=300)
            assert runs(machine, wanted) == wanted, "the boot only"
        wanted = dict.fromkeys(wanted, False) | {"default": True}
        with boot.up() as machine:
            assert runs(machine, wanted) == wanted


def add_to_postmulti(boot: Boot, name: str) -> None:
    """Move an instance from alternate_config_directories to multi_instance_directories."""
    boot.postconf(f"multi_instance_name=postfix-{name}", directory=f"/etc/postfix-{name}")
    boot.sh(
        "known=$(postconf -h alternate_config_directories)\n"
        'left=$(echo "$known" | sed "s|,* *$1\\$||")\n'
        "others=$(postconf -h multi_instance_directories)\n"
        'postconf -e "alternate_config_directories = $left" \\\n'
        '    "multi_instance_directories = $others $1"\n'
        "postmulti -e init",
        f"/etc/postfix-{name}",
    )
    boot.age()


def listed(machine: Boot | Booted) -> dict[str, dict[str, object]]:
    document = json.loads(machine.postwrap("list", "--json", check=False).stdout)
    return {instance["name"]: instance for instance in document["instances"]}


def runs(machine: Booted, wanted: Mapping[str, object]) -> dict[str, object]:
    """Which instances run, once as many as are wanted do."""

    def running() -> dict[str, object]:
        found = masters(machine)
        places = {n: "/etc/postfix" if n == "default" else f"/etc/postfix-{n}" for n in wanted}
        return {name: place in found for name, place in places.items()}

    with suppress(AssertionError):
        machine.wait_for(lambda: running() == wanted)
    return running()


@pytest.mark.parametrize("name", ["out", "known"])
def test_a_renamed_instance_has_its_new_unit(prepared: Boot, kind: Kind, name: str) -> None:
    """Also at the next boot, with its drop-ins; there and back leaves all as it was."""
    old, new = f"/etc/postfix-{name}", "/etc/postfix-relay"
    unit = units(kind)[name]
    named = "postfix@postfix-relay.service" if "postfix-known" in unit else unit_of(kind, "relay")
    drop_in = f"/etc/systemd/system/{unit}.d/own.conf"
    before = prepared.read(f"{old}/main.cf"), prepared.read("/etc/postfix/main.cf")
    with prepared.up() as machine:
        machine.wait_for(lambda: len(masters(machine)) == len(DIRECTORIES))
        machine.write(drop_in, "[Service]\nLimitNOFILE=4711\n")
        machine.run("systemctl", "daemon-reload")
        machine.postwrap("rename", name, "relay", "--yes", timeout=120)
        assert masters(machine)[new] == named
        assert not machine.active(unit)
        assert machine.exists(drop_in.replace(unit, named))
        assert machine.failed() == []
    with prepared.up() as machine:
        machine.wait_for(lambda: masters(machine).get(new) == named)
        assert len(masters(machine)) == len(DIRECTORIES)
        shown = machine.run("systemctl", "show", "--property=LimitNOFILE", named).stdout
        assert "4711" in shown
        machine.postwrap("rename", "relay", name, "--yes", timeout=120)
        assert picture(machine, kind) == dict.fromkeys(DIRECTORIES, True)
        assert machine.exists(drop_in)
        machine.remove(drop_in.rpartition("/")[0])
    assert (prepared.read(f"{old}/main.cf"), prepared.read("/etc/postfix/main.cf")) == before
