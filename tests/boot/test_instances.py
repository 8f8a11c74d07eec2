"""After a boot every instance runs, each under exactly one unit, whatever the distribution ships.

Three hosts: Debian 12 (postmulti's template and generator), Debian 13 (postfix@NAME means
/etc/postfix-NAME, no generator), and a Debian with those taken away, as Fedora, Arch and openSUSE
are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.boot.hosts import DEFAULT_UNITS, TEMPLATES, masters, prepare, score, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.hosts import Kind
    from tests.harness.boot import Boot, Booted


@pytest.fixture(scope="module", params=["bookworm", "trixie", "plain"])
def kind(request: pytest.FixtureRequest) -> Kind:
    named: Kind = request.param
    return named


@pytest.fixture(scope="module")
def prepared(kind: Kind) -> Iterator[Boot]:
    with prepare(kind) as boot:
        yield boot


@pytest.fixture(scope="module")
def machine(prepared: Boot) -> Iterator[Booted]:
    with prepared.up() as machine:
        yield machine


@pytest.fixture
def expected(kind: Kind) -> dict[str, str]:
    """The units of the instances that run, by configuration directory."""
    # Who starts what postmulti knows: Debian 12 its generator, a plain postfix.service itself.
    known = {"bookworm": "postfix@postfix-known.service", "plain": "postfix.service"}
    return {
        "/etc/postfix": DEFAULT_UNITS[kind],
        "/etc/postfix-out": unit_of(kind, "out"),
        "/etc/postfix-eu-west": unit_of(kind, "eu\\x2dwest"),
        "/etc/postfix2": "postfix-directory@etc-postfix2.service",
        "/etc/postfix-known": known.get(kind, unit_of(kind, "known")),
    }


def test_exactly_the_right_ones_run(machine: Booted, kind: Kind, expected: dict[str, str]) -> None:
    assert machine.wait_for(lambda: masters(machine)) == expected
    assert machine.failed() == [unit_of(kind, "broken")]
    assert machine.state() == "degraded"
    # Nothing of Postfix is up beside them.
    listed = machine.run(
        *("systemctl", "list-units", "--state=active", "--type=service", "--plain"),
        *("--no-legend", "postfix*"),
    ).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {
        *expected.values(),
        "postfix.service",
    }


@pytest.mark.parametrize("name", ["open", "acl"])
def test_what_others_can_change_is_not_started_and_the_log_says_why(
    machine: Booted, kind: Kind, name: str
) -> None:
    path = {"open": "/etc/postfix-open", "acl": "/etc/postfix-acl/main.cf"}[name]
    why = f"can be changed by others than root: see {path}"
    listed = machine.run(
        "/usr/local/lib/systemd/system-generators/postwrap-generator", "--list"
    ).stdout
    assert f"/etc/postfix-{name}\t{unit_of(kind, name)}\tno\t{why}\n" in listed
    assert state(machine, unit_of(kind, name)) == "inactive"
    assert f"/etc/postfix-{name}" not in masters(machine)


def test_what_others_send_to_starts_first(machine: Booted, kind: Kind) -> None:
    assert moment(machine, "Started", secondary(kind)) < moment(machine, "Starting", default(kind))


def moment(machine: Booted, what: str, unit: str) -> int:
    """The number of the journal's last line that tells this of a unit."""
    lines = machine.run("journalctl", "--boot", "--output=cat", "--no-pager").stdout.splitlines()
    return max(n for n, line in enumerate(lines) if line.startswith(f"{what} ") and unit in line)


def default(kind: Kind) -> str:
    """What the journal calls the default instance's unit."""
    return "(main/default instance)" if kind == "trixie" else DEFAULT_UNITS[kind]


def secondary(kind: Kind) -> str:
    """What the journal calls the unit of out."""
    return "(instance out," if kind == "trixie" else unit_of(kind, "out")


def test_list_names_what_runs(machine: Booted, kind: Kind, expected: dict[str, str]) -> None:
    done = machine.postwrap("list", "--json", check=False)
    listed = {line["directory"]: line for line in json.loads(done.stdout)["instances"]}
    up = {d: line["unit"] for d, line in listed.items() if line["starts_at_boot"]}
    assert up == {**expected, "/etc/postfix-broken": unit_of(kind, "broken")}
    assert listed["/etc/postfix-off"]["unit"] == unit_of(kind, "off")
    assert not listed["/etc/postfix-off"]["running"]
    assert "/etc/postfix-policyd-spf-python" not in listed
    for directory, unit in expected.items():
        assert listed[directory]["running"]
        journal = machine.run("journalctl", "--boot", "--no-pager", "--unit", unit).stdout
        assert "Started" in journal, directory


def test_mail_flows_through_the_commands(machine: Booted) -> None:
    for name in ("out", "eu-west"):
        machine.run(f"/usr/local/sbin/sendmail-{name}", "alice", user="app", input=f"from {name}\n")
        machine.wait_log(
            f"postfix-{name}/local[", "to=<alice@", "status=sent (delivered to mailbox)"
        )
        assert f"from {name}\n" in machine.read("/var/mail/alice")


@pytest.mark.parametrize("directory", ["/etc/postfix2", "/etc/postfix-out"])
def test_commands_pipes_and_relaying_under_the_unit(machine: Booted, directory: str) -> None:
    """Local delivery runs alice's own command, the command the set-gid sendmail; pipe(8); smtp.

    /etc/postfix2 is a directory that only our own template serves.
    """
    forward = '"|/usr/sbin/sendmail -i far@relay.example"\n'
    machine.write("/home/alice/.forward", forward, owner="alice")
    piped = "tofile unix - n n - - pipe flags=q user=alice argv=/usr/bin/tee -a /home/alice/piped"
    routes = "inline:{{relay.example=smtp:[127.0.0.1]:2525}, {pipe.example=tofile:}}"
    machine.run("postconf", "-c", directory, "-Me", f"tofile/unix={piped}")
    machine.postconf(f"transport_maps={routes}", directory=directory)
    machine.run("postfix", "-c", directory, "reload")
    command = "/usr/local/sbin/sendmail" + directory.removeprefix("/etc/postfix")
    with machine.sink() as sink:
        machine.run(command, "alice", input=f"forward by {directory}\n", user="app")
        assert f"forward by {directory}".encode() in sink.wait()[0].data
    machine.run(command, "any@pipe.example", input=f"pipe by {directory}\n", user="app")
    machine.wait_for(
        lambda: (
            machine.exists("/home/alice/piped")
            and f"pipe by {directory}\n" in machine.read("/home/alice/piped")
        )
    )
    machine.remove("/home/alice/.forward")


def test_reload_reaches_all(machine: Booted, expected: dict[str, str]) -> None:
    before = machine.log().count("reload -- version")
    machine.run("systemctl", "reload", "postfix")
    machine.wait_for(lambda: machine.log().count("reload -- version") == before + len(expected))
    for directory in expected:
        machine.wait_log("reload -- version", f"configuration {directory}")


def test_stop_and_start_reach_all(machine: Booted, expected: dict[str, str], kind: Kind) -> None:
    machine.run("systemctl", "stop", "postfix")
    machine.wait_for(lambda: not masters(machine))
    if kind != "trixie":  # whose unit fails when it is stopped a second time
        assert machine.failed() == [unit_of(kind, "broken")]
    assert moment(machine, "Stopped", default(kind)) < moment(machine, "Stopping", secondary(kind))
    machine.run("systemctl", "start", "postfix")
    assert machine.wait_for(lambda: masters(machine)) == expected


def test_restart_reaches_all(machine: Booted, expected: dict[str, str]) -> None:
    def starts() -> int:
        return machine.log().count("daemon started -- version")

    # A master runs a moment before its line is in the log: what came before is counted when each
    # instance's own line is there.
    for directory in expected:
        machine.wait_log("daemon started -- version", f"configuration {directory}")
    assert machine.wait_for(lambda: starts() % len(expected) == 0)
    before = starts()
    machine.run("systemctl", "restart", "postfix")
    assert machine.wait_for(lambda: masters(machine) == expected)
    assert machine.wait_for(lambda: starts() == before + len(expected))


@pytest.mark.parametrize("name", ["out", "default", "known"])
def test_postfix_stop_and_start_by_hand(
    machine: Booted, expected: dict[str, str], kind: Kind, name: str
) -> None:
    if kind == "plain" and name != "out":
        pytest.skip("postfix.service is for both of them there")
    directory = "/etc/postfix" if name == "default" else f"/etc/postfix-{name}"
    unit = expected[directory]
    command = f"/usr/local/sbin/postfix-{name}"
    assert machine.run(command, "status", check=False).returncode == 0
    machine.run(command, "stop")
    others = {d: u for d, u in expected.items() if d != directory}
    assert masters(machine) == others
    assert state(machine, unit) == "inactive"
    assert machine.run(command, "status", check=False).returncode == 1
    machine.run(command, "start")
    assert masters(machine) == expected
    assert state(machine, unit) == "active"
    machine.run(command, "reload")
    assert state(machine, unit) == "active"


def state(machine: Booted, unit: str) -> str:
    return machine.run("systemctl", "is-active", unit, check=False).stdout.strip()


def test_stop_by_hand_ends_what_was_started_by_hand(machine: Booted, kind: Kind) -> None:
    """An instance that runs outside its unit is stopped all the same."""
    command = "/usr/local/sbin/postfix-out"
    machine.run(command, "stop")
    machine.run("env", "INVOCATION_ID=x", "postfix", "-c", "/etc/postfix-out", "start")
    assert state(machine, unit_of(kind, "out")) == "inactive"
    machine.run(command, "stop")
    assert not machine.running("/etc/postfix-out")
    machine.run(command, "start")
    assert state(machine, unit_of(kind, "out")) == "active"


def test_an_ordinary_user_is_told_as_ever(machine: Booted) -> None:
    for verb in ("start", "stop"):
        wrapped = machine.run("/usr/local/sbin/postfix-out", verb, user="app", check=False)
        plain = machine.run(
            *("env", "MAIL_CONFIG=/etc/postfix-out", "/usr/sbin/postfix", verb),
            user="app",
            check=False,
        )
        assert (wrapped.returncode, wrapped.stdout, wrapped.stderr) == (
            plain.returncode,
            plain.stdout,
            plain.stderr,
        )


def test_the_units_hold_water(machine: Booted, kind: Kind) -> None:
    units = machine.sh("cd /usr/local/lib/systemd/system && ls -d *.path *.service").stdout.split()
    named = [unit.replace("@.", "@etc-postfix2.") for unit in units]
    verified = machine.run("systemd-analyze", "verify", "--man=no", *named, check=False)
    assert (verified.stdout, verified.stderr, verified.returncode) == ("", "", 0)
    own = score(machine, "postfix-directory@etc-postfix2.service")
    assert own < 4.1
    if kind == "trixie":
        assert own < score(machine, "postfix@out.service")


def test_relay_only_is_tighter_and_relays(machine: Booted, kind: Kind) -> None:
    unit = unit_of(kind, "eu\\x2dwest")
    before = score(machine, unit)
    machine.sh(
        'mkdir -p "/etc/systemd/system/$1.d"\n'
        'cp /usr/local/lib/postwrap/relay-only.conf "/etc/systemd/system/$1.d/"\n'
        'systemctl daemon-reload; systemctl restart "$1"',
        unit,
    )
    assert score(machine, unit) < before - 0.5
    machine.postconf("relayhost=[127.0.0.1]:2526", directory="/etc/postfix-eu-west")
    machine.run("systemctl", "reload", unit)
    with machine.sink(port=2526) as sink:
        command = "/usr/local/sbin/sendmail-eu-west"
        machine.run(command, "far@relay.example", input="tight\n", user="app")
        assert b"tight" in sink.wait()[0].data


def test_jails_are_refreshed(machine: Booted, kind: Kind) -> None:
    jail = "/var/spool/postfix-out/etc"
    machine.remove(f"{jail}/services")
    machine.write("/etc/hosts", machine.read("/etc/hosts") + "192.0.2.1 fresh.example\n")
    machine.run("systemctl", "restart", unit_of(kind, "out"))
    assert "fresh.example" in machine.read(f"{jail}/hosts")
    assert machine.read(f"{jail}/services") == machine.read("/etc/services")
    machine.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    copies = [f"/var/spool/postfix{name}/etc/resolv.conf" for name in ("-out", "-eu-west", "2")]
    machine.wait_for(lambda: {machine.read(copy) for copy in copies} == {"nameserver 192.0.2.53\n"})


def test_create_and_remove(machine: Booted, kind: Kind, expected: dict[str, str]) -> None:
    machine.postwrap("create", "later", "--no-postmulti", "--yes")
    later = {"/etc/postfix-later": unit_of(kind, "later")}
    assert masters(machine) == expected | later
    machine.run("/usr/local/sbin/sendmail-later", "alice", user="app", input="later\n")
    machine.wait_log("postfix-later/local[", "status=sent")
    machine.postwrap("remove", "later", "--yes")
    assert masters(machine) == expected
    assert unit_of(kind, "later") not in machine.failed()


def test_a_new_directory_gets_its_commands_at_once(machine: Booted) -> None:
    machine.run("systemctl", "start", "postwrap-watch.path")
    machine.sh(
        "cp -a /etc/postfix-out /etc/postfix-watched\n"
        "postconf -c /etc/postfix-watched -e queue_directory=/var/spool/postfix-watched \\\n"
        "    data_directory=/var/lib/postfix-watched"
    )
    machine.wait_for(lambda: machine.exists("/usr/local/bin/mailq-watched"), 40)
    machine.run("systemctl", "stop", "postwrap-watch.path", "postwrap-watch.service")
    machine.remove("/etc/postfix-watched")
    machine.postwrap("install", check=False)


def test_templates_are_the_right_ones(machine: Booted, kind: Kind) -> None:
    there = machine.run("systemctl", "cat", "postfix@.service", check=False).returncode == 0
    assert there == (TEMPLATES[kind] is not None)
