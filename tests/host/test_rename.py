"""postwrap rename: mail, queue IDs, settings of others and records follow; killed anywhere too."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.harness.paths import CHECKOUT
from tests.harness.snapshot import tree

from postwrap.errors import Status

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

pytestmark = pytest.mark.bases("bookworm", "trixie")

OUT, RELAY = "/etc/postfix-out", "/etc/postfix-relay"
CREATE = ("create", "out", "--address", "10.0.0.1", "--role", "fallback-relay", "--yes")
RENAME = ("rename", "out", "relay", "--yes")
BACK = ("rename", "relay", "out", "--yes")
SPOOLS = ("/etc", "/usr/local")


def prepare(host: Host) -> None:
    """out is created, with mail; in is made by hand and names directories of out."""
    host.start_default()
    host.add_address("10.0.0.2")
    with host.aging():
        host.postwrap(*CREATE, timeout=120)
    host.talk_instance("in", "10.0.0.2", start=False)
    host.write(
        "/etc/postfix/routes",
        "x.example smtp:[10.0.0.1]\ny.example\tlmtp:unix:/var/spool/postfix-out/private/lmtp\n",
    )
    host.postconf("transport_maps = hash:/etc/postfix/routes", directory="/etc/postfix-in")
    host.run("postmap", "hash:/etc/postfix/routes")
    text = host.read("/etc/postfix-in/main.cf")
    more = "# beside /etc/postfix-out,/etc/postfix-out2\nheader_checks =\n"
    host.write("/etc/postfix-in/main.cf", f"{text}{more}\tregexp:/etc/postfix-out/h\n")
    host.write(f"{OUT}/h", "/^X-Never/ DISCARD\n")
    host.postwrap("install")
    host.age()


@pytest.fixture
def named(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "rename", prepare) as host:
        host.add_address("10.0.0.2")
        host.start("/etc/postfix", OUT)
        yield host


def queued(host: Host, directory: str) -> set[str]:
    return {message["queue_id"] for message in host.queue(directory)}


def fill(host: Host, count: int, directory: str = OUT) -> set[str]:
    """Queue messages that cannot be delivered."""
    host.sh(
        "for i in $(seq $2); do printf 'Subject: %s\\n\\nx\\n' $i |"
        " sendmail -C $1 -f a@example.com b@nowhere.invalid; done; postsuper -c $1 -h ALL",
        directory,
        str(count),
        timeout=1200,
    )
    host.wait_for(lambda: len(queued(host, directory)) >= count)
    return queued(host, directory)


def held_all(host: Host, directory: str) -> bool:
    """Put each message on hold; return whether all are there."""
    host.run("postsuper", "-c", directory, "-h", "ALL")
    return {message["queue_name"] for message in host.queue(directory)} == {"hold"}


def renamed(host: Host, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    with host.aging():
        done = host.postwrap(*(words or RENAME), check=False, timeout=180)
    assert done.returncode == status, done
    return done


def files(host: Host) -> dict[str, object]:
    return {place: tree(host, place) for place in SPOOLS}


def test_there_and_back(named: Host) -> None:
    """Everything follows, and comes back byte for byte."""
    before = files(named)
    ids = fill(named, 20)
    renamed(named)
    assert not named.exists(OUT)
    assert not named.exists("/var/spool/postfix-out")
    assert not named.exists("/var/lib/postfix-out")
    assert queued(named, RELAY) == ids
    assert named.running(RELAY)
    values = named.run(
        "postconf", "-c", RELAY, "-h", "syslog_name", "multi_instance_name", "queue_directory",
        "multi_instance_enable",
    ).stdout.split()  # fmt: skip
    assert values == ["postfix-relay", "postfix-relay", "/var/spool/postfix-relay", "yes"]
    listed = named.run("postconf", "-h", "multi_instance_directories").stdout.split()
    assert RELAY in listed
    assert OUT not in listed
    assert (
        "/var/spool/postfix-relay/private/lmtp"
        in named.run("postmap", "-q", "y.example", "hash:/etc/postfix/routes").stdout
    )
    text = named.read("/etc/postfix-in/main.cf")
    assert "# beside /etc/postfix-relay,/etc/postfix-out2\n" in text
    assert "regexp:/etc/postfix-relay/h\n" in text
    found = named.postwrap("check", "--json", check=False).stdout
    assert "postfix-out" not in found.replace("postfix-out2", "")
    named.run("/usr/local/sbin/sendmail-relay", "alice@example.com", user="app", input="hello\n")
    named.wait_log("postfix-relay/", "status=")
    assert not named.exists("/usr/local/sbin/sendmail-out")
    # What postwrap owns followed: the same role again changes nothing, and removal gives it back.
    role = json.loads(named.postwrap("role", "relay", "fallback-relay", "--json").stdout)
    assert role["done"] == "nothing to change"
    assert named.exists("/var/lib/postwrap/%2Fetc%2Fpostfix-relay.json")
    assert not named.exists("/var/lib/postwrap/%2Fetc%2Fpostfix-out.json")
    renamed(named, *BACK)
    assert queued(named, OUT) >= ids
    now = files(named)
    assert differences(before, now) == []


def differences(before: dict[str, object], now: dict[str, object]) -> list[str]:
    """Paths that differ; databases are made anew."""
    found = []
    for place in before:
        old, new = before[place], now[place]
        assert isinstance(old, dict)
        assert isinstance(new, dict)
        found += [str(p) for p in {*old, *new} if old.get(p) != new.get(p)]
    return sorted(p for p in found if not p.endswith((".db", "facts.json", "configurations.json")))


def test_the_transcript_runs_as_it_stands(named: Host) -> None:
    named.make_command()
    ids = fill(named, 3)
    script = named.postwrap("rename", "out", "relay", "--dry-run").stdout
    assert named.running(OUT), "nothing was changed"
    with named.aging():
        named.run("sh", input=script, timeout=180)
    assert queued(named, RELAY) == ids
    assert named.running(RELAY)
    by_hand = files(named)
    assert not named.exists(OUT)
    role = json.loads(named.postwrap("role", "relay", "fallback-relay", "--json").stdout)
    assert role["done"] == "nothing to change"
    assert by_hand


DRIVER = """
import os, signal, sys
from postwrap.cli import main
from postwrap.provision.engine.runner import OperationError, StepRunner

number, how = int(sys.argv.pop(1)), sys.argv.pop(1)
do = StepRunner.do
done = 0

def counted(self, operation):
    global done
    done += 1
    if done == number:
        if how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "fail":
            raise OperationError("a fault")
    do(self, operation)
    if done == number and how == "after":
        os.kill(os.getpid(), signal.SIGKILL)

StepRunner.do = counted
main()
"""
STEPS = 14
ALL = os.environ.get("POSTWRAP_FAULTS") == "all"
STRIDE = 1 if ALL else 4
"""One in so many operations is disturbed."""
FEW, MANY = (1000, 1000) if ALL else (5, 100)
"""Messages that are queued."""


def broken(host: Host, number: int, how: str) -> int:
    """Rename with a fault at an operation; return the exit status, 0 where it was not reached."""
    env = {"PYTHONPATH": str(CHECKOUT / "generator"), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = (host.python, "-c", DRIVER, str(number), how, *RENAME)
    with host.aging():
        return host.run(*argv, env=env, check=False, timeout=180).returncode


def test_killed_at_each_step(named: Host) -> None:
    """The same command again, or the way back, is all that it takes; no message is lost."""
    before = files(named)
    ids = fill(named, FEW)
    number = 1 - STRIDE
    while True:
        number += STRIDE
        how = ("before", "after")[number // STRIDE % 2]
        status = broken(named, number, how)
        if status == 0:
            break
        assert status in {-9, 137}, (number, status)
        renamed(named)
        assert queued(named, RELAY) == ids, number
        assert named.running(RELAY)
        renamed(named, *BACK)
        assert differences(before, files(named)) == [], number
    assert number >= STEPS
    assert queued(named, RELAY) == ids


def test_a_fault_at_each_step_undoes_it(named: Host) -> None:
    before = files(named)
    ids = fill(named, FEW)
    number = 2 - STRIDE
    while True:
        number += STRIDE
        status = broken(named, number, "fail")
        if status == 0:
            break
        assert status == Status.FAILED, number
        if named.exists(OUT) and not named.exists("/var/lib/postwrap/lock") and number < STEPS - 3:
            assert queued(named, OUT) == ids, number
            assert named.running(OUT), number
            assert differences(before, files(named)) == [], number
        else:  # past the point of no return the next run finishes it
            renamed(named)
            renamed(named, *BACK)
            assert differences(before, files(named)) == [], number
    assert queued(named, RELAY) == ids


def test_submissions_go_on(named: Host) -> None:
    """What sendmail-NAME accepted is in the queue; the rest is told that it is not (75, 127).

    2 is dash's: the wrapper goes between the kernel's look at it and the shell's.
    """
    held = fill(named, MANY)
    over = threading.Event()
    accepted: list[tuple[str, int]] = []
    refused: list[tuple[str, int]] = []

    def submit() -> None:
        number = 0
        while not over.is_set():
            number += 1
            for name in ("out", "relay"):
                subject = f"s-{name}-{number}"
                done = named.run(
                    f"/usr/local/sbin/sendmail-{name}", "-f", "a@example.com", "b@nowhere.invalid",
                    input=f"Subject: {subject}\n\nx\n", check=False,
                )  # fmt: skip
                (refused if done.returncode else accepted).append((subject, done.returncode))

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        renamed(named)
        time.sleep(0.5)
    finally:
        over.set()
        thread.join()
    assert {status for _, status in refused} <= {2, 75, 126, 127}
    want = {subject for subject, _ in accepted}
    assert any(s.startswith("s-relay") for s in want)

    def there() -> bool:
        return len(queued(named, RELAY)) >= len(held) + len(want)

    named.wait_for(there, 30)
    # postcat looks in one queue after another: it misses what the queue manager moves meanwhile.
    named.wait_for(lambda: held_all(named, RELAY), 60)
    script = 'for id; do postcat -hq "$id"; done'
    ids = sorted(queued(named, RELAY))
    text = named.sh(script, *ids, env={"MAIL_CONFIG": RELAY}, timeout=1200).stdout
    found = re.findall(r"^Subject: (s-\S+)", text, re.MULTILINE)
    assert sorted(found) == sorted(want)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("default", "x"), Status.REFUSED, "/etc/postfix: is the default instance"),
        (("out", "in"), Status.REFUSED, "/etc/postfix-in: exists already"),
        (("out", "out"), Status.REFUSED, "/etc/postfix-out: exists already"),
        (("out", "postfix-x"), Status.USAGE, "'postfix-x': is not a name"),
        (("nobody", "x"), Status.REFUSED, "nobody: no such instance"),
    ],
)
def test_refusals(named: Host, words: tuple[str, str], status: Status, message: str) -> None:
    before = files(named)
    done = named.postwrap("rename", *words, "--yes", check=False)
    assert done.returncode == status
    assert done.stderr.startswith(f"postwrap: {message}")
    assert differences(before, files(named)) == []
