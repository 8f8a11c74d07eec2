"""Control-C at a terminal: what was done is undone, and the same command does it after all.

The key goes to postwrap and to the command of Postfix that it is running at that moment.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.harness.snapshot import tree
from tests.harness.terminals import Terminal, bash
from tests.host.test_remove import OUT, left_of, sound, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.host import Host

CREATE = "postwrap create out --address 10.0.0.1 --role fallback-relay"
REMOVE = "postwrap remove out --purge --requeue-to default --yes"
INTERRUPT = "\x03"


@pytest.fixture
def shell(host: Host) -> Iterator[Terminal]:
    host.make_command()
    with bash(host, setup=":") as terminal:
        yield terminal


def typed(shell: Terminal, line: str) -> tuple[int, str]:
    """The exit status of a line, and what the terminal showed."""
    shell.start(line)
    return shell.finish()


def press_when(shell: Terminal, host: Host, path: str) -> None:
    """Press Control-C as soon as there is a file or directory, or none any more."""
    is_there = host.path(path).exists()
    end = time.monotonic() + 60
    while host.path(path).exists() is is_there:
        assert time.monotonic() < end, path
        time.sleep(0.002)
    shell.press(INTERRUPT)


def test_at_the_question(host: Host, shell: Terminal) -> None:
    before = tree(host, "/etc")
    shell.start(CREATE)
    shell.wait_for("Create it? [y/N]")
    shell.press(INTERRUPT)
    status, said = shell.finish()
    assert status == 3
    assert "not done" in said
    assert tree(host, "/etc") == before
    assert left_of(host) == ""


@pytest.mark.parametrize(
    "path",
    [
        f"{OUT}/main.cf",
        "/var/spool/postfix-out/pid",
        "/usr/local/bin/mailq-out",
        "/var/spool/postfix-out/pid/master.pid",
        "/var/spool/postfix-out/public/pickup",
    ],
)
def test_while_it_is_made(host: Host, shell: Terminal, path: str) -> None:
    main = host.read("/etc/postfix/main.cf")
    shell.start(f"{CREATE} --yes")
    press_when(shell, host, path)
    status, said = shell.finish()
    assert status == 4, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert left_of(host) == ""
    assert host.read("/etc/postfix/main.cf") == main
    sound(host)
    status, said = typed(shell, f"{CREATE} --yes")
    assert status == 0, said
    assert host.running(OUT)


def test_again_and_again(host: Host, shell: Terminal) -> None:
    """Who presses it while things are put back stops that too; the next run finishes it."""
    shell.start(f"{CREATE} --yes")
    press_when(shell, host, "/var/spool/postfix-out/pid/master.pid")
    for _ in range(5):
        time.sleep(0.1)
        shell.press(INTERRUPT)
    status, said = shell.finish()
    assert status == 4, said
    assert "Traceback" not in said
    sound(host)
    status, said = typed(shell, f"{CREATE} --yes")
    assert status == 0, said
    assert host.running(OUT)
    status, said = typed(shell, "postwrap remove out --purge --yes")
    assert status == 0, said
    assert left_of(host) == ""


@pytest.mark.parametrize("path", ["/var/spool/postfix-out/pid/master.pid", OUT])
def test_while_it_is_removed(host: Host, shell: Terminal, path: str) -> None:
    typed(shell, f"{CREATE} --yes")
    submit(host, "stays@nowhere.example")
    host.wait_for(lambda: host.queue(OUT))
    shell.start(REMOVE)
    press_when(shell, host, path)
    shell.finish()
    sound(host)
    status, said = typed(shell, REMOVE)
    assert status in {0, 3}, said
    assert left_of(host) == ""
    host.wait_for(lambda: "stays@nowhere.example" in host.run("postqueue", "-p").stdout)


def test_who_stops_reading_is_no_finding(host: Host) -> None:
    host.make_command()
    script = (
        "set -o pipefail; postwrap list --json | true || echo $?; postwrap list --json | cat >&2"
    )
    done = host.run("bash", "-c", script)
    assert done.stdout == "4\n"
    assert "Broken pipe" not in done.stderr
    assert "Exception" not in done.stderr


# -- SIGTERM and SIGHUP


def signalled(host: Host, signal: str, path: str, *args: str) -> tuple[int, str]:
    """How a postwrap ends that gets a signal when ``path`` comes or goes, and what it says."""
    running = host.popen("sh", "-c", 'echo $$; exec "$@"', "sh", "postwrap", *args)
    assert running.stdout is not None
    pid = running.stdout.readline().decode().strip()
    is_there = host.path(path).exists()
    end = time.monotonic() + 60
    while host.path(path).exists() is is_there:
        assert time.monotonic() < end, path
        assert running.poll() is None, path
        time.sleep(0.002)
    host.run("kill", "-s", signal, pid)
    _, said = running.communicate(timeout=120)
    return running.returncode, said.decode()


@pytest.mark.parametrize("signal", ["TERM", "HUP"])
@pytest.mark.parametrize("path", [f"{OUT}/main.cf", "/var/spool/postfix-out/pid/master.pid"])
def test_a_signal_while_it_is_made(host: Host, signal: str, path: str) -> None:
    host.make_command()
    main = host.read("/etc/postfix/main.cf")
    create = (*CREATE.split()[1:], "--yes")
    status, said = signalled(host, signal, path, *create)
    assert status == 4, said
    assert f"interrupted by SIG{signal}" in said
    assert "what was done before is undone; give the same command again" in said
    assert "Traceback" not in said
    assert left_of(host) == ""
    assert host.read("/etc/postfix/main.cf") == main
    sound(host)
    host.postwrap(*create)
    assert host.running(OUT)


@pytest.mark.parametrize("signal", ["TERM", "HUP"])
def test_a_signal_while_it_is_removed(host: Host, signal: str) -> None:
    host.make_command()
    host.postwrap(*CREATE.split()[1:])
    before = tree(host, "/etc/postfix")
    submit(host, "stays@nowhere.example")
    host.wait_for(lambda: host.queue(OUT))
    path = "/var/spool/postfix-out/pid/master.pid"
    status, said = signalled(host, signal, OUT, *REMOVE.split()[1:])
    assert status == 4, said
    assert f"interrupted by SIG{signal}" in said or "removed" in said
    assert "Traceback" not in said
    sound(host)
    if host.path(OUT).exists():
        assert {k: v[3] for k, v in tree(host, "/etc/postfix").items() if k == "main.cf"} == {
            k: v[3] for k, v in before.items() if k == "main.cf"
        }
        host.wait_for(lambda: host.path(path).exists())
    host.postwrap(*REMOVE.split()[1:], check=False)
    assert left_of(host) == ""
    host.wait_for(lambda: "stays@nowhere.example" in host.run("postqueue", "-p").stdout)


def test_a_hangup_that_is_ignored_stays_so(host: Host) -> None:
    """As under nohup(1)."""
    host.make_command()
    words = (*CREATE.split(), "--yes")
    running = host.popen("sh", "-c", 'trap "" HUP; echo $$; exec "$@"', "sh", *words)
    assert running.stdout is not None
    pid = running.stdout.readline().decode().strip()
    host.wait_for(lambda: host.path(f"{OUT}/main.cf").exists())
    host.run("kill", "-s", "HUP", pid)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert host.running(OUT)
