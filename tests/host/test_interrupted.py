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
    shell.wait_for("Make it? [y/N]")
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
