"""postwrap queue beside Postfix's own postqueue and qshape, on real instances."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.documents import mismatches
from tests.harness.queues import BROKEN, LAB, OUT, RUNNING, counted, listed, prepare, submit
from tests.harness.terminals import Terminal, bash

from postwrap.cli.documents import QueueDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers


@pytest.fixture(scope="module")
def queued(layers: Layers, base: Path) -> Iterator[Host]:
    """See tests.harness.queues; lab is stopped."""
    with layers.copy(base, "queues", prepare) as host:
        host.start(*RUNNING)
        host.make_command()
        yield host


def told(host: Host, *words: str, status: int = 0, user: str | None = None) -> dict[str, Any]:
    """The instances in what queue prints, by name."""
    done = host.postwrap("queue", *words, "--json", check=False, user=user)
    assert done.returncode == status, done.stderr
    document = json.loads(done.stdout)
    assert mismatches(document, QueueDocument) == []
    return {instance["name"]: instance for instance in document["instances"]}


def agrees(found: dict[str, Any], messages: list[Any]) -> None:
    """At rest every figure is that of `postqueue -j`."""
    assert found["queues"] == counted(messages)
    assert found["messages"] == len(messages)
    assert found["bytes"] == sum(m["message_size"] for m in messages)
    recipients = [r for m in messages for r in m["recipients"]]
    domains = {d["domain"]: d["recipients"] for d in found["domains"]}
    expected = [r["address"].rpartition("@")[2].lower() for r in recipients]
    assert domains == {domain: expected.count(domain) for domain in expected}
    reasons = [r["delay_reason"] for r in recipients if "delay_reason" in r]
    assert sum(r["recipients"] for r in found["reasons"]) == len(reasons)
    assert (found["oldest_seconds"] is None) == (not messages)


@pytest.mark.bases("bookworm", "trixie")
def test_it_agrees_with_postqueue(queued: Host) -> None:
    found = told(queued, status=1)
    assert list(found) == ["broken", "lab", "out", "default"], "what needs looking at comes first"
    for name, directory in (("default", "/etc/postfix"), ("out", OUT), ("lab", LAB)):
        agrees(found[name], listed(queued, directory))
        assert found[name]["complete"]
    assert [found[n]["running"] for n in ("broken", "lab", "out", "default")] == [
        *(False, False, True, True)
    ]
    assert not found["broken"]["complete"]
    assert found["out"]["reasons"]
    said = queued.postwrap("queue", check=False).stderr
    assert f"postwrap: {BROKEN}: " in said
    assert "  remedy: " in said
    assert queued.postwrap("queue", "out", "lab").stderr == "", "of those that are named alone"


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("user", [None, "alice", "app"])
def test_list_has_the_counts(queued: Host, user: str | None) -> None:
    done = queued.postwrap("list", "--json", check=False, user=user)
    found = {i["name"]: i for i in json.loads(done.stdout)["instances"]}
    for name, directory in (("default", "/etc/postfix"), ("out", OUT)):
        assert found[name]["queues"] == counted(listed(queued, directory))
        assert (found[name]["running"], found[name]["complete"]) == (True, True)
    if user is None:
        assert found["lab"]["queues"] == counted(listed(queued, LAB))
        assert found["broken"]["running"] is False
    else:
        assert found["lab"]["queues"] is None
        assert found["broken"]["running"] is None
        said = queued.postwrap("list", check=False, user=user).stderr
        assert "postwrap: lab: MAIL is unknown: only root may read the queue of a stopped" in said
    assert found["lab"]["running"] is False


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("user", ["alice", "app"])
def test_users_see_what_runs(queued: Host, user: str) -> None:
    """alice may connect to showq; app asks postqueue."""
    found = told(queued, user=user, status=1)
    for name, directory in (("default", "/etc/postfix"), ("out", OUT)):
        agrees(found[name], listed(queued, directory))
        assert found[name]["running"] is True
    assert found["lab"]["running"] is False
    assert not found["lab"]["complete"]
    said = queued.postwrap("queue", user=user, check=False).stderr
    assert f"{LAB}: only root may read the queue of a stopped instance" in said


@pytest.mark.bases("bookworm", "trixie")
def test_the_domains_are_those_of_qshape(queued: Host) -> None:
    shaped = queued.run("qshape", "-c", OUT, "incoming", "active", "deferred", "hold").stdout
    shown = queued.postwrap("queue", "out", "-v").stdout

    def table(text: str) -> list[list[str]]:
        lines = [line.split() for line in text.splitlines()]
        start = next(n for n, words in enumerate(lines) if words[:2] == ["T", "5"])
        return [words for words in lines[start:] if len(words) in (11, 12)]

    assert table(shown) == table(shaped)
    assert "out: recipients by reason for the delay" in shown


@pytest.mark.bases("bookworm", "trixie")
def test_queue_ids_for_postsuper(queued: Host) -> None:
    messages = listed(queued, OUT)

    def ids(*words: str) -> list[str]:
        return queued.postwrap("queue", "out", "--ids", *words).stdout.split()

    assert sorted(ids()) == sorted(m["queue_id"] for m in messages)
    others = [m["queue_id"] for m in messages if "w@Other.Example" in str(m["recipients"])]
    assert others
    assert sorted(ids("--to", "other.example")) == sorted(others)
    assert sorted(ids("--to", "w@other.example")) == sorted(others)
    null = [m["queue_id"] for m in messages if m["sender"] == "MAILER-DAEMON"]
    assert ids("--from", "<>") == null != []
    assert ids("--older", "1h") == []
    assert sorted(ids("--older", "0s")) == sorted(m["queue_id"] for m in messages)
    reason = next(r["delay_reason"] for m in messages for r in m["recipients"])
    assert sorted(ids("--reason", reason[-8:].upper())) == sorted(m["queue_id"] for m in messages)
    told = json.loads(queued.postwrap("queue", "out", "--ids", "--from=<>", "--json").stdout)
    assert told["ids"] == null


@pytest.mark.parametrize(
    "words",
    [
        *(("--ids",), ("out", "lab", "--ids"), ("out", "--to", "x"), ("--watch", "--json")),
        *(("out", "--ids", "--older", "soon"), ("--watch",), ("out", "--ids", "--older", "²h")),
    ],
)
def test_it_is_used_wrongly(queued: Host, words: tuple[str, ...]) -> None:
    done = queued.postwrap("queue", *words, check=False)
    assert done.returncode == 2
    assert "remedy: " in done.stderr


def screen(host: Host, line: str, columns: int, **env: str) -> list[str]:
    """What the terminal shows for a command, colours included."""
    command, environment = host.command("sh", "-c", f"stty cols {columns} rows 24; {line}")
    import pexpect  # type: ignore[import-untyped, unused-ignore]

    child: Any = pexpect.spawn(
        str(command[0]),
        [str(word) for word in command[1:]],
        env={**environment, "TERM": "xterm", **env},
        encoding="utf-8",
        dimensions=(24, columns),
        timeout=60,
    )
    shown = str(child.read())
    child.close()
    return shown.replace("\r", "").splitlines()


def test_it_fits_the_terminal(queued: Host) -> None:
    submit(queued, OUT, "x@" + "very-long-label." * 8 + "example", sender="app")
    queued.wait_for(lambda: all(m["queue_name"] != "incoming" for m in listed(queued, OUT)))
    for columns in (80, 132):
        lines = screen(queued, "postwrap queue -v 2>/dev/null", columns)
        bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
        assert max(map(len, bare)) <= columns
        assert any("\x1b[1;31mbroken\x1b[0m" in line for line in lines)
        assert len(bare) > 10
    for plain in (screen(queued, "postwrap queue 2>&1", 80, NO_COLOR="1"),):
        assert not any("\x1b" in line for line in plain)
    piped = queued.postwrap("queue", check=False).stdout
    assert "\x1b" not in piped
    assert "…" not in piped.replace("name=…", "")
    assert len(piped.splitlines()) == 5, "a line an instance"


def test_it_is_drawn_again_until_q(queued: Host) -> None:
    for key in ("q", "\x03"):
        with bash(queued, setup=":") as shell:
            shell.start("postwrap queue out --watch")
            shell.wait_for("DEFERRED")
            watched(shell, queued)
            shell.press(key)
            status, _ = shell.finish()
        assert status == 0


def test_the_list_is_drawn_again_until_q(talk: Host) -> None:
    talk.make_command()
    with bash(talk, setup=":") as shell:
        shell.start("postwrap list --watch")
        shell.wait_for("running")
        talk.run("postfix", "-c", OUT, "stop")
        shell.wait_for("stopped")
        shell.press("q")
        status, _ = shell.finish()
    assert status == 0
    assert talk.postwrap("list", "--watch", "--json", check=False).returncode == 2


def watched(shell: Terminal, host: Host) -> None:
    """Another message makes another figure."""
    count = counted(listed(host, OUT))["deferred"]
    submit(host, OUT, "one-more@far.example", sender="app")
    host.wait_for(lambda: counted(listed(host, OUT))["deferred"] == count + 1)
    shell.wait_for(f"{count + 1}\x1b[0m")


@pytest.mark.bases("bookworm", "trixie")
def test_in_flow_every_message_is_one_of_postfix(talk: Host) -> None:
    """Each is in a `postqueue -j` before or after, or in the log."""
    talk.postconf("local_destination_rate_delay=1s", directory=OUT)
    talk.run("postfix", "-c", OUT, "reload")
    feed = talk.popen(
        *("sh", "-c"),
        "for i in $(seq 150); do echo x | sendmail -C /etc/postfix-out -f app alice; done",
    )
    seen = 0
    while feed.poll() is None:
        before = {m["queue_id"] for m in listed(talk, OUT)}
        shown = set(talk.postwrap("queue", "out", "--ids").stdout.split())
        after = {m["queue_id"] for m in listed(talk, OUT)}
        rest = shown - before - after
        seen += len(shown)
        wait_logged(talk, rest)
    assert seen
    assert feed.returncode == 0


def wait_logged(host: Host, ids: set[str]) -> None:
    """Wait until the log has something of each of these queue IDs."""
    if ids:
        host.wait_for(lambda: all(queue_id in host.log() for queue_id in ids))


def test_an_instance_that_does_not_answer_does_not_stop_the_others(talk: Host) -> None:
    """Its showq is stopped in the middle; the others are shown, it is named."""
    talk.run("postconf", "-c", OUT, "-F", "showq/unix/command=sleep 100")
    talk.run("postfix", "-c", OUT, "reload")
    talk.write("/usr/lib/postfix/sbin/sleep", "#!/bin/sh\nexec /bin/sleep 100\n", 0o755)
    done = talk.postwrap("queue", "--json", check=False, timeout=60)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    (problem,) = document["problems"]
    assert problem["subject"] == "/var/spool/postfix-out/public/showq"
    assert [i["complete"] for i in document["instances"]] == [False, True]
