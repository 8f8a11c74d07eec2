"""postwrap metrics beside Postfix, prometheus-client and promtool, through kills and rotations."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.harness.debian import unpacked
from tests.harness.injection import ERRORS, TRACE, calls, faults, sample
from tests.harness.many import make_instances, start_instances
from tests.harness.need import need_tool
from tests.harness.queues import BROKEN, LAB, OUT, RUNNING, counted, listed, prepare, submit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

ALL = os.environ.get("POSTWRAP_FAULTS") == "all"
MANY = 100 if ALL else 3
"""Instances beside the talk's two, half of which run."""
FILE = "/var/lib/prometheus/node-exporter/postwrap.prom"


@pytest.fixture(scope="module")
def queued(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "queues", prepare) as host:
        host.start(*RUNNING)
        host.run("mkdir", "-p", FILE.rpartition("/")[0])
        yield host


def values(text: str, name: str, **labels: str) -> dict[str, float]:
    """The samples of this name that have these labels, by instance, as prometheus-client reads."""
    return {
        sample.labels["name"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


def depths(text: str, instance: str) -> dict[str, int]:
    queues = ("active", "deferred", "hold", "incoming", "maildrop")
    found = {q: values(text, "postfix_showq_queue_depth", queue=q).get(instance) for q in queues}
    return {q: int(count) for q, count in found.items() if count is not None}


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("user", [None, "alice", "app"])
def test_its_queues_are_those_of_postqueue(queued: Host, user: str | None) -> None:
    done = queued.postwrap("metrics", user=user, check=False)
    text = done.stdout
    for name, directory in (("default", "/etc/postfix"), ("out", OUT)):
        messages = listed(queued, directory)
        assert depths(text, name) == counted(messages)
        for queue, count in counted(messages).items():
            for family in ("message_size_bytes", "message_age_seconds"):
                found = values(text, f"postfix_showq_{family}_count", queue=queue)
                assert found[name] == count
        size = sum(m["message_size"] for m in messages if m["queue_name"] == "deferred")
        sums = values(text, "postfix_showq_message_size_bytes_sum", queue="deferred")
        assert sums[name] == size
    up = {"default": 1, "out": 1, "lab": 0, "broken": 0}
    assert values(text, "postfix_up") == up
    assert depths(text, "broken") == {}
    assert depths(text, "lab") == ({} if user else counted(listed(queued, LAB)))
    assert f"postwrap: {BROKEN}: " in done.stderr
    assert done.returncode == 1


@pytest.mark.bases("bookworm", "trixie")
def test_promtool_accepts_it(queued: Host) -> None:
    promtool = unpacked("prometheus") / "usr/bin/promtool"
    queued.postwrap("metrics", "--textfile", FILE, check=False)
    submit(queued, OUT, "alice", "no-such-user", "u@far.example", sender="app@mail.example.com")
    queued.wait_for(lambda: "sender non-delivery notification" in queued.log())
    queued.postwrap("metrics", "--textfile", FILE, check=False)
    text = queued.read(FILE)
    assert values(text, "postfix_delivery_statuses_total", subprogram="local", status="sent")["out"]
    argv = [str(promtool), "check", "metrics"]
    told = subprocess.run(argv, input=text, capture_output=True, text=True)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


def sent(text: str) -> int:
    """Deliveries of out by local."""
    name = "postfix_delivery_statuses_total"
    return int(values(text, name, subprogram="local", status="sent").get("out", 0))


def written(host: Host) -> str:
    host.postwrap("metrics", "--textfile", FILE)
    return host.read(FILE)


def prepared(host: Host) -> None:
    host.run("mkdir", "-p", FILE.rpartition("/")[0])
    written(host)


def deliver(host: Host, number: int) -> None:
    """Have out deliver messages, and wait for it."""
    before = host.log().count("status=sent")
    for _ in range(number):
        submit(host, OUT, "alice", sender="app@mail.example.com")
    host.wait_for(lambda: host.log().count("status=sent") >= before + number)


@pytest.mark.bases("bookworm", "trixie")
def test_what_the_log_says_is_counted_once(talk: Host) -> None:
    """Only --textfile moves on; a rotated log, packed or not, is read to its end."""
    prepared(talk)
    deliver(talk, 2)
    assert [sent(talk.postwrap("metrics").stdout) for _ in range(2)] == [2, 2]
    assert sent(written(talk)) == 2
    assert sent(written(talk)) == 2
    deliver(talk, 1)
    talk.run("postfix", "-c", "/etc/postfix", "logrotate")
    talk.wait_for(lambda: list(talk.path("/var/log").glob("maillog.*.gz")))
    talk.run("postfix", "-c", OUT, "reload")  # its postlogd has the old file open
    deliver(talk, 1)
    assert sent(written(talk)) == 4
    talk.run("mv", "/var/log/maillog", "/var/log/maillog.1")
    before = talk.read("/var/log/maillog.1").count("status=sent")
    submit(talk, OUT, "alice", sender="app@mail.example.com")
    talk.wait_for(lambda: talk.read("/var/log/maillog.1").count("status=sent") > before)
    assert sent(written(talk)) == 5, "postlogd goes on with the old file until it is told"
    for directory in ("/etc/postfix", OUT):
        talk.run("postfix", "-c", directory, "reload")
    deliver(talk, 1)
    assert sent(written(talk)) == 6
    received = values(talk.read(FILE), "postfix_messages_received_total", subprogram="pickup")
    assert received["out"] == 6


def test_a_run_that_is_disturbed_loses_nothing(talk: Host) -> None:
    """Killed, or refused, at each call that changes a file or opens the lock, state or log."""
    need_tool("strace")
    prepared(talk)
    words = (talk.python, "-B", "-m", "postwrap", "metrics", "--textfile", FILE)
    env = {"PYTHONPATH": _checkout()}
    deliver(talk, 1)
    talk.run(*TRACE, "-o", "/root/trace", "-e", f"trace={','.join(ERRORS)}", *words, env=env)
    every = [*faults(calls(talk.read("/root/trace"), lambda told: any(p in told for p in PLACES)))]
    met = 0
    chosen = every if ALL else sample(every, 10, "metrics")
    for total, fault in enumerate(chosen, 2):
        before = talk.read(FILE)
        deliver(talk, 1)
        done = talk.run(*fault.words, *words, env=env, check=False)
        met += bool(done.returncode)
        assert "Traceback" not in done.stderr, fault
        after = talk.read(FILE)
        assert after == before or sent(after) == total, f"{fault}: the old file or the new one"
        assert sent(written(talk)) == total, fault
        left = [p.name for p in talk.path(FILE).parent.iterdir()]
        assert left == ["postwrap.prom"], fault
    assert met > len(chosen) / 2, "a log that cannot be opened is left for the next run"


PLACES = ("/var/lib/postwrap", FILE.rpartition("/")[0], "/var/log/maillog")


def _checkout() -> str:
    from tests.harness.paths import CHECKOUT

    return str(CHECKOUT / "generator")


def test_two_at_once_count_once(talk: Host) -> None:
    prepared(talk)
    deliver(talk, 3)
    env = {"PYTHONPATH": _checkout(), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = (talk.python, "-m", "postwrap", "metrics", "--textfile", FILE)
    runs = [talk.popen(*argv, env=env) for _ in range(4)]
    assert [run.wait(60) for run in runs] == [0] * 4
    assert sent(talk.read(FILE)) == 3
    assert sent(written(talk)) == 3


def test_a_torn_state_begins_anew(talk: Host) -> None:
    prepared(talk)
    deliver(talk, 1)
    talk.write("/var/lib/postwrap/metrics.state", '{"schema": 1, "loo')
    assert sent(written(talk)) == 0
    deliver(talk, 1)
    assert sent(written(talk)) == 1


def test_it_starts_no_program(talk: Host) -> None:
    """Where the commands are installed, and the logs are files; of instances that run or do not."""
    make_instances(talk, MANY)
    start_instances(talk, range(1, MANY + 1, 2))
    talk.postwrap("install", timeout=600)
    prepared(talk)
    env = {"PYTHONPATH": _checkout()}
    for words in (("metrics",), ("metrics", "--textfile", FILE)):
        argv = ("strace", "-f", "-o", "/tmp/trace", "-e", "trace=process")
        done = talk.run(*argv, talk.python, "-B", "-m", "postwrap", *words, env=env, timeout=300)
        trace = talk.read("/tmp/trace")
        assert trace.count("execve(") == 1, trace
        assert re.findall(r"\b(?:v?fork|clone3?)\(", trace) == []
        text = done.stdout or talk.read(FILE)
        assert len(values(text, "postfix_up")) == MANY + 2
        assert len(values(text, "postfix_showq_queue_depth", queue="active")) == MANY + 2


def test_roles_are_for_root(talk: Host) -> None:
    """The records of them are; all else is for everybody."""
    with talk.aging():
        talk.postwrap("role", "out", "backup-mx", "--relay-domains=x.example", timeout=120)
    for user, role in ((None, "backup-mx"), ("app", "")):
        text = talk.postwrap("metrics", user=user).stdout
        assert values(text, "postfix_up") == {"default": 1, "out": 1}
        assert values(text, "postfix_instance_info", role=role)["out"] == 1


def test_uninstall_forgets(talk: Host) -> None:
    talk.postwrap("install")
    prepared(talk)
    assert talk.exists("/var/lib/postwrap/metrics.state")
    talk.postwrap("uninstall")
    assert not talk.exists("/var/lib/postwrap")


@pytest.mark.parametrize("path", ["relative.prom", "/var/lib/", ""])
def test_a_wrong_file(talk: Host, path: str) -> None:
    done = talk.postwrap("metrics", f"--textfile={path}", check=False)
    assert done.returncode == (2 if path else 0)
    missing = talk.postwrap("metrics", "--textfile", "/nowhere/x.prom", check=False)
    assert missing.returncode == 4
    assert "/nowhere" in missing.stderr
