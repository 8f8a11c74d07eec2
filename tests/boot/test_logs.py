"""postwrap log and trace where Postfix logs to systemd's journal, as it does on most hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.boot.hosts import masters
from tests.harness.stories import FALLBACK, HELD, OUT, STORIES, answers, prepare

if TYPE_CHECKING:
    from tests.harness.boot import Boot, Booted

CREATE = ("create", "out", "--address=10.0.0.1", "--role=fallback-relay", "--yes")


def tags(shown: str) -> set[str]:
    return {line.split()[2].partition("/")[0] for line in shown.splitlines()}


def trace(machine: Booted, what: str) -> str:
    return machine.postwrap("trace", "--raw", what, check=False).stdout


def test_the_journal_tells_the_instances_apart(boot: Boot) -> None:
    boot.postconf("maillog_file=")
    boot.make_command()
    boot.write("/var/log/mail.log", "what a syslog daemon left that is no more\n")
    boot.run("touch", "-d", "2020-01-01", "/var/log/mail.log")
    with boot.up() as machine:
        machine.wait_for(lambda: masters(machine))
        machine.postwrap(*CREATE, timeout=120)
        machine.run("/usr/local/sbin/sendmail-out", "alice", user="app", input="now\n")
        machine.wait_for(lambda: "removed" in trace(machine, "alice@mail.example.com"))
        told = trace(machine, "alice@mail.example.com")
        assert told.startswith("out ")
        assert "postfix-out/pickup[" in told
        assert "status=sent" in told
        lines = told.splitlines()
        assert len(set(lines)) == len(lines), "no search finds again what another has found"
        story = machine.postwrap("trace", "alice@mail.example.com", "--since", "1h").stdout
        assert "delivered to <alice@mail.example.com>, by local" in story
        assert "\n  <alice@mail.example.com>: delivered in out after " in story
        out = machine.postwrap("log", "out", "--lines=0").stdout
        assert tags(out) == {"postfix-out"}
        assert all(line.strip() in out for line in told.splitlines()[1:])
        assert tags(machine.postwrap("log", "-n0").stdout) == {"postfix", "postfix-out"}
        followed(machine, out)
        hidden = machine.postwrap("log", "--json", user="app", check=False)
        assert json.loads(hidden.stdout)["lines"] == []
        assert "systemd-journal" in hidden.stderr, "journalctl says who may see it"


def test_stories_of_the_journal(boot: Boot) -> None:
    """trace tells of the journal what it tells of a file, word for word."""
    prepare(boot)
    boot.stop_all()
    for directory in ("/etc/postfix", OUT):
        boot.postconf("maillog_file=", directory=directory)
    with boot.up() as machine:
        machine.run("postfix", "-c", OUT, "start")
        machine.wait_for(lambda: len(masters(machine)) == 2)
        assert not machine.log()
        machine.sink(answer=answers())
        for each in (*STORIES, HELD, FALLBACK):
            assert each.told(machine) == each.wanted


def followed(machine: Booted, before: str) -> None:
    """What comes between reading and following is neither lost nor told twice."""
    process = machine.popen("sh", "-c", "timeout -s INT 5 postwrap log out -f -n 0 || true")
    machine.run("/usr/local/sbin/sendmail-out", "app", user="app", input="while it reads\n")
    assert process.stdout is not None
    first = process.stdout.readline()
    machine.run("/usr/local/sbin/sendmail-out", "app", user="app", input="while it follows\n")
    shown = (first + process.stdout.read()).decode()
    assert shown.startswith(before)
    assert tags(shown) == {"postfix-out"}
    assert shown.count("to=<app@") == 2
    lines = shown.splitlines()
    assert len(set(lines)) == len(lines)
