"""The Ansible collection: real ansible-core, the hosts of its inventory are private hosts."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]
from tests.harness.ansible import Controller, documented
from tests.harness.fresh import SOURCE, ReadyHost, vendored
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.layers import Layers
    from tests.harness.smtp import Sink

Task = dict[str, Any]

OUT, IN = "/etc/postfix-out", "/etc/postfix-in"
WHOLE = os.environ.get("POSTWRAP_FAULTS") == "all"
BOTH_OF_FAULTS = pytest.mark.bases(*(("bookworm", "trixie") if WHOLE else ("trixie",)))
DESTINATION = "127.0.0.25"


def prepare(host: Host) -> None:
    host.start_default()
    host.make_command()


@contextmanager
def started(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "ansible", prepare) as host:
        host.start("/etc/postfix")
        yield host


@pytest.fixture
def host(layers: Layers, base: Path) -> Iterator[Host]:
    with started(layers, base) as host, host.aging():
        yield host


@pytest.fixture
def controller(host: Host, tmp_path: Path) -> Controller:
    return Controller(tmp_path, {"one": host})


def book(*tasks: Task) -> str:
    return json.dumps([{"hosts": "mail", "gather_facts": False, "tasks": tasks}])


def instance(title: str = "", /, **options: Any) -> Task:
    """A task that brings about an instance; `title` tells it from others."""
    title = title or str(options["name"])
    return {"name": title, "postwrap.postfix.instance": options}


def again(task: Task) -> Task:
    return {**task, "name": f"again {task['name']}"}


def foreseen(task: Task) -> Task:
    """The same in check mode; whether that fails is looked at."""
    name = f"foreseen {task['name']}"
    return {**task, "name": name, "check_mode": True, "diff": True, "ignore_errors": True}


def info(module: str, **options: Any) -> Task:
    return {"name": module, f"postwrap.postfix.{module}": options}


TWO = (
    instance(name="out", address="10.0.0.1", role="fallback-relay"),
    instance(
        name="in",
        address=["10.0.0.1:2525"],
        queue_lifetime="2d",
        settings={"smtp_helo_timeout": "45s", "biff": False, "bounce_size_limit": 40000},
    ),
)


def configuration(host: Host, directory: str) -> dict[str, list[str]]:
    """What Postfix says of an instance."""
    return {
        option: sorted(host.run("postconf", "-c", directory, option).stdout.splitlines())
        for option in ("-n", "-M", "-P")
    }


def everything(host: Host) -> dict[str, dict[str, list[str]]]:
    found = host.sh("ls /etc/postfix*/main.cf").stdout.split()
    return {path: configuration(host, path.removesuffix("/main.cf")) for path in found}


def files(host: Host) -> dict[str, str]:
    """Each main.cf and master.cf, by its path without the slash."""
    found = host.sh("ls /etc/postfix*/main.cf /etc/postfix*/master.cf").stdout.split()
    return {path.removeprefix("/"): host.read(path) for path in found}


def patched(before: dict[str, str], difference: str, directory: Path) -> dict[str, str]:
    """What a unified diff makes of these files."""
    for name, text in before.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    lines = difference.splitlines(keepends=True)
    patch = "".join(line for line in lines if line[0] in " +-@\\\n" or line[:5] == "diff ")
    subprocess.run(("git", "apply", "-p1"), cwd=directory, input=patch.encode(), check=True)
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_text() for path in found}


@BOTH_OF_FAULTS
def test_two_instances_and_then_nothing(host: Host, controller: Controller, tmp_path: Path) -> None:
    """Check mode shows what then happens, byte for byte; the second run changes nothing."""
    need_tool("git")
    before = files(host)
    shown = controller.play(book(TWO[0]), "--check", "--diff").of("out")
    assert files(host) == before
    assert any(s["shell"] == "postfix-out start" for s in shown["steps"])
    done = controller.play(book(*TWO), "--diff")
    assert done.stats["one"]["changed"] == 2
    difference = done.of("out")["diff"]["prepared"]
    assert shown["diff"]["prepared"] == difference
    assert shown["instance"] == done.of("out")["instance"]
    first = patched(before, difference, tmp_path / "out")
    # Of what both change, the second task shows its own part.
    assert patched(first, done.of("in")["diff"]["prepared"], tmp_path / "in") == files(host)
    assert [done.of(n)["instance"]["action"] for n in ("out", "in")] == ["created", "created"]
    with host.smtp("10.0.0.1", 2525) as client:
        assert client.ehlo()[0] == 250
    stated = configuration(host, IN)["-n"]
    assert {"smtp_helo_timeout = 45s", "biff = no", "bounce_size_limit = 40000"} <= {*stated}
    made = files(host)
    infos = (info("instance_info"), info("queue_info", names=["out"]), info("check_info"))
    again = controller.play(book(*TWO, *infos), "--diff")
    assert again.sum("changed") == 0
    assert "diff" not in again.of("out") or not again.of("out")["diff"]["prepared"]
    assert files(host) == made
    for verb, module in (("list", "instance_info"), ("check", "check_info")):
        printed = json.loads(host.run("postwrap", verb, "--json", check=False).stdout)
        assert {key: again.of(module)[key] for key in printed} == printed
    (queue,) = again.of("queue_info")["instances"]
    assert (queue["name"], queue["messages"]) == ("out", 0)


EVERY: dict[str, Any] = {
    "name": "out",
    "address": ["10.0.0.2", "10.0.0.2:2525"],
    "hostname": "relay.example.org",
    "helo_name": "helo.example.org",
    "mynetworks": "127.0.0.0/8 10.0.0.0/8 88.198.105.0/24",
    "same_source_address": True,
    "queue_lifetime": "3d",
    "tls_cert": "/etc/ssl/own.pem",
    "tls_key": "/etc/ssl/own.pem",
    "header_checks": "regexp:/etc/postfix/checks",
    "body_checks": "regexp:/etc/postfix/checks",
    "syslog_name": "mail-out",
    "group": "outgoing",
    "no_postmulti": True,
    "unset": ["readme_directory"],
    "settings": {"smtp_helo_timeout": "45s"},
    "services": {
        "slow/unix": "slow unix - - y - 1 smtp -o syslog_name=mail-out/slow",
        "uucp/unix": "",
    },
}
ROLES: dict[str, Task] = {
    "backup-mx": {"relay_domains": "example.net"},
    "outbound": {"next_hop": "[10.0.0.1]:25", "address": ["10.0.0.1"]},
    "content-filter": {"filter": "127.0.0.1:10030", "address": ["10.0.0.2:2525"]},
    "fallback-relay": {},
}


def test_every_option_changed_and_changed_back(host: Host, controller: Controller) -> None:
    host.write("/etc/postfix/checks", "/^X-Test:/ WARN\n")
    host.sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=relay.example.org -days 2 "
        "-keyout /root/key -out /root/cert 2>/dev/null; cat /root/key /root/cert >/etc/ssl/own.pem"
    )
    host.add_address("10.0.0.2")
    host.postconf("inet_interfaces=all")
    host.sh("postfix stop; postfix start")
    plain = instance("plain", name="out", address="10.0.0.1")
    controller.play(book(plain))
    before = everything(host)
    roles = ROLES if WHOLE else {"backup-mx": ROLES["backup-mx"]}
    for role, more in roles.items():
        every = instance("every", **{**EVERY, **more, "role": role})
        done = controller.play(book(foreseen(every), every, again(every)))
        assert done.of("every")["instance"]["action"] == "changed"
        assert done.of("every")["instance"] == done.of("foreseen every")["instance"]
        assert not done.of("again every")["changed"]
        changed = configuration(host, OUT)
        assert "syslog_name = mail-out" in changed["-n"]
        assert "uucp" not in str(changed["-M"])
    stopped = instance("stopped", name="out", address="10.0.0.1", state="stopped")
    done = controller.play(book(stopped, again(stopped), info("instance_info"), plain))
    assert [done.of(n)["changed"] for n in ("stopped", "again stopped")] == [True, False]
    assert [i["running"] for i in done.of("instance_info")["instances"]] == [True, False]
    assert host.running(OUT)
    assert everything(host) == before
    # Edited by hand: told, and put back if that is asked for.
    timeout = {"settings": {"smtp_helo_timeout": "45s"}}
    plain = instance("plain", name="out", address="10.0.0.1", **timeout)
    controller.play(book(plain))
    host.postconf("smtp_helo_timeout=7s", directory=OUT)
    overwriting = instance(
        "overwriting", name="out", address="10.0.0.1", overwrite_edits=True, **timeout
    )
    done = controller.play(book(plain, overwriting))
    (drift,) = done.of("plain")["drift"]
    assert (drift["name"], drift["found"], drift["declared"]) == ("smtp_helo_timeout", "7s", "45s")
    assert "smtp_helo_timeout: was edited: is 7s, 45s is declared" in done.said
    assert [done.of(n)["changed"] for n in ("plain", "overwriting")] == [False, True]
    assert "smtp_helo_timeout = 45s" in configuration(host, OUT)["-n"]


def test_what_is_refused(host: Host, controller: Controller) -> None:
    """Mail in what is to go, and what postwrap itself does not take."""
    controller.play(book(*TWO))
    host.run("sendmail", "-C", IN, "stays@nowhere.example", input="Subject: x\n\nx\n")
    host.wait_for(lambda: host.queue(IN))
    gone = instance("gone", name="in", state="absent")
    moved = instance("moved", name="in", state="absent", requeue_to="out")
    refused = (foreseen(gone), {**gone, "ignore_errors": True})
    done = controller.play(book(*refused, foreseen(moved)))
    for title in ("foreseen gone", "gone"):
        assert "in: 1 message queued" in done.of(title)["msg"]
        assert "requeue" in done.of(title)["msg"]
    assert host.running(IN)
    wrong = instance("wrong", name="in", settings={"queue_directory": "/x"})
    done = controller.play(book(moved, again(moved), {**wrong, "ignore_errors": True}))
    assert [done.of(n)["changed"] for n in ("moved", "again moved")] == [True, False]
    assert "standard input:1: instance in: queue_directory: is not" in done.of("wrong")["msg"]
    assert not host.exists(IN)
    assert host.wait_for(lambda: host.queue(OUT))
    assert [m["recipients"][0]["address"] for m in host.queue(OUT)] == ["stays@nowhere.example"]
    host.remove("/usr/local/sbin/postwrap")
    assert "postwrap" in controller.play(book(*TWO), status=2).of("out")["msg"]


def running(host: Host) -> dict[int, str]:
    """The processes of Python in the host, and whether they are postwrap's or the module's."""
    script = (
        "for p in /proc/[0-9]*; do\n"
        "    line=$(tr '\\0' ' ' 2>/dev/null <$p/cmdline) || continue\n"
        "    case $line in\n"
        "    /usr/bin/python3*postwrap*) echo ${p#/proc/} postwrap ;;\n"
        "    /usr/bin/python3*) echo ${p#/proc/} module ;;\n"
        "    esac\n"
        "done"
    )
    lines = host.sh(script).stdout.splitlines()
    return {int(number): what for number, _, what in (x.partition(" ") for x in lines)}


def test_killed_in_the_middle(host: Host, controller: Controller) -> None:
    """SIGKILL of the module, or of postwrap too; the next run brings the host there."""
    gone = [instance(name=name, state="absent") for name in ("out", "in")]
    wanted, began = {"gone": everything(host)}, time.monotonic()
    controller.play(book(*TWO))
    takes = time.monotonic() - began
    wanted["made"] = everything(host)
    chance, hits = random.Random(21), 0
    for _ in range(15 if WHOLE else 1):
        for state, tasks in (("gone", gone), ("made", TWO)):
            started = controller.start(book(*tasks))
            host.wait_for(lambda: "postwrap" in running(host).values(), 60)
            time.sleep(chance.uniform(0, takes * 0.7))
            kinds = chance.choice([{"module"}, {"module", "postwrap"}])
            victims = [str(pid) for pid, what in running(host).items() if what in kinds]
            host.run("kill", "-KILL", *victims, check=False)
            hits += controller.end(started).status != 0
            played = controller.play(book(*tasks, *map(again, tasks)))
            assert everything(host) == wanted[state], played.said
            assert not any(played.of(again(task)["name"])["changed"] for task in tasks)
    assert hits


# -- the role


@pytest.fixture
def release(tmp_path: Path) -> Callable[[ReadyHost, str], Path]:
    """What the role installs from: the package, or the checkout with what it runs on."""

    def make(host: ReadyHost, kind: str) -> Path:
        if kind == "package":
            pack = CHECKOUT / "packaging" / "self-contained"
            subprocess.run([pack, vendored(), tmp_path], check=True, stdout=subprocess.DEVNULL)
            return next(tmp_path.glob("*.deb"))
        made, home = tmp_path / "postwrap.tar.gz", host.path(SOURCE).parent
        subprocess.run(["tar", "-C", home, "-czf", made, Path(SOURCE).name], check=True)
        return made

    return make


def with_role(given: dict[str, str]) -> str:
    role = {"role": "postwrap.postfix.postwrap", "vars": given}
    return json.dumps([{"hosts": "mail", "gather_facts": False, "roles": [role]}])


PAIRS = [("bookworm", "package")]
if WHOLE:
    PAIRS += [("bookworm", "archive"), ("trixie", "package"), ("trixie", "archive")]


@pytest.mark.parametrize(("suite", "kind"), PAIRS)
def test_the_role(
    suite: str, kind: str, release: Callable[[ReadyHost, str], Path], tmp_path: Path
) -> None:
    """From a host with Postfix to two instances, and then nothing; a mistake is an error."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap", "dpkg-deb")
    with ReadyHost(suite) as host, host.aging():
        host.start_default()
        given = {
            f"postwrap_{kind}": str(release(host, kind)),
            "postwrap_declared": "[instance.out]\naddress = '10.0.0.1'\n[instance.in]\n",
        }
        controller, site = Controller(tmp_path, {"one": host}), with_role(given)
        assert controller.play(site, "--check").sum("changed") > 0
        assert host.run("sh", "-c", "command -v postwrap", check=False).returncode
        done = controller.play(site)
        title = "postwrap.postfix.postwrap : Bring the instances to what is declared"
        assert json.loads(done.of(title)["stdout"])["changed"]
        assert "Mail queue is empty" in host.run("mailq-in").stdout
        with host.smtp("10.0.0.1") as client:
            assert client.ehlo()[0] == 250
        assert controller.play(site).sum("changed") == 0
        given["postwrap_declared"] += "[instance.in.settings]\nsmtp_helo_timeout = '9s'\n"
        site = with_role(given)
        shown = controller.play(site, "--check", "--diff")
        assert "+smtp_helo_timeout = 9s" in shown.said
        assert "9s" not in str(configuration(host, IN)["-n"])
        host.run("chmod", "666", "/etc/postfix-in/main.cf")
        given["postwrap_declared"] = ""
        site = with_role(given)
        assert "/etc/postfix-in" in controller.play(site, status=2).said
        if WHOLE:
            given["postwrap_declared"] = "[instance.out]\naddres = '10.0.0.1'\n"
            said = controller.play(with_role(given), status=2).of(title)["stderr"]
            assert "standard input:2: instance out: addres: no such key" in said


# -- many hosts


def submit(host: Host, name: str, pause: float) -> subprocess.Popen[bytes]:
    """Send one message after the other, until /root/stop is there; /root/sent tells all."""
    script = (
        "n=0\n"
        "while [ ! -e /root/stop ]; do\n"
        "    n=$((n + 1))\n"
        f'    id="<$n@{name}>"\n'
        '    printf "Message-ID: %s\\nSubject: x\\n\\nx\\n" "$id" | sendmail bob@example.net\n'
        '    echo "$id" >>/root/sent\n'
        f"    sleep {pause}\n"
        "done"
    )
    return host.popen("sh", "-euc", script)


def arrived(host: Host, sink: Sink) -> Counter[str]:
    """How often each message has come, once all that was sent has."""
    sent = {*host.read("/root/sent").split()}

    def has_come() -> bool:
        host.sh("for d in /etc/postfix*; do postqueue -c $d -f || :; done 2>/dev/null")
        time.sleep(0.5)
        return sent <= {m.message_id for m in sink.messages}

    host.wait_for(has_come, 120)
    counted = Counter(m.message_id for m in sink.messages)
    assert all(counted[message_id] for message_id in sent)
    return counted


def test_a_rolling_change_loses_and_doubles_nothing(
    layers: Layers, base: Path, tmp_path: Path
) -> None:
    """The playbooks of the document, mail coming in all the while."""
    count = 20 if WHOLE else 2
    with ExitStack() as stack:
        hosts = {f"mx{n}": stack.enter_context(started(layers, base)) for n in range(1, count + 1)}
        for host in hosts.values() if count < 5 else ():  # each takes time of the machine
            stack.enter_context(host.aging())
        sinks = {name: host.sink(DESTINATION, 25) for name, host in hosts.items()}
        controller = Controller(tmp_path, hosts, forks=count)
        given = {
            "proof_recipient": "bob@example.net",
            "out_settings": {"relayhost": f"[{DESTINATION}]", "smtp_helo_timeout": "30s"},
        }
        (tmp_path / "given.json").write_text(json.dumps(given))
        words = (f"--extra-vars=@{tmp_path / 'given.json'}",)
        rolling = documented("# rolling.yml")
        (make,) = (t for t in yaml.safe_load(rolling)[0]["tasks"] if t["name"].startswith("Change"))
        began = time.monotonic()
        first = controller.play(book(make), *words)
        told = [("first", time.monotonic() - began, first)]
        assert first.sum("changed") == count
        writers = [submit(host, name, 0.15 * count) for name, host in hosts.items()]
        replacing = yaml.safe_load(rolling)
        at = next(n for n, t in enumerate(replacing[0]["tasks"]) if t["name"] == make["name"])
        replacing[0]["tasks"][at : at + 1] = yaml.safe_load(documented("requeue_to: relay"))
        changed = rolling.replace("address: 10.0.0.1", "address: 10.0.0.1:2526")
        for title, playbook, changes in (
            *([("restart", changed, 1), ("again", changed, 0)] if WHOLE else []),
            ("replace", json.dumps(replacing), 2),
        ):
            began = time.monotonic()
            played = controller.play(playbook, *words)
            told.append((title, time.monotonic() - began, played))
            assert played.sum("changed") == changes * count, played.said
        for host, writer in zip(hosts.values(), writers, strict=True):
            host.write("/root/stop", "")
            assert writer.wait(30) == 0, writer.communicate()
        for title, seconds, played in told:
            print(f"{title}: {count} hosts, {seconds:.0f} s, changed={played.sum('changed')}")
        sent = 0
        for name, host in hosts.items():
            counted = arrived(host, sinks[name])
            sent += sum(counted.values())
            assert set(counted.values()) == {1}, counted.most_common(3)
            assert not host.exists(OUT)
            assert host.running("/etc/postfix-relay")
            assert not host.queue()
        print(f"{sent} messages arrived, each once")
