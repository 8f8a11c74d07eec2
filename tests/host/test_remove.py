"""postwrap remove on private hosts, and what is left when create or remove are killed."""

from __future__ import annotations

import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.host import SECOND_ADDRESS, Host
from tests.harness.paths import CHECKOUT
from tests.harness.snapshot import tree

if TYPE_CHECKING:
    from pathlib import Path

OUT = "/etc/postfix-out"
CREATE = ("create", "out", "--address", SECOND_ADDRESS, "--role", "fallback-relay")


def queue(host: Host, directory: str = "/etc/postfix") -> list[dict[str, Any]]:
    """All that postqueue tells of each message."""
    listed = host.run("postqueue", "-c", directory, "-j").stdout
    return [json.loads(line) for line in listed.splitlines()]


def submit(
    host: Host, *recipients: str, command: tuple[str, ...] = ("sendmail", "-C", OUT)
) -> None:
    host.run(*command, *recipients, input="Subject: x\n\nx\n")


def left_of(host: Host) -> str:
    """What there is of the instance, anywhere."""
    places = "/etc/*postfix-out* /etc/.postwrap* /var/spool/postfix-out* /var/lib/postfix-out*"
    return host.sh(f"ls -d {places} /var/lib/postwrap /usr/local/*/*-out 2>/dev/null || :").stdout


def test_remove_takes_back_what_create_gave(host: Host) -> None:
    host.sh("cp -a /etc/postfix /root/before")
    host.postwrap(*CREATE)
    assert "smtp_fallback_relay = [10.0.0.1]:25" in host.read("/etc/postfix/main.cf")
    # What somebody has changed since is his.
    host.postconf("smtp_connect_timeout=7s")
    submit(host, "stays@nowhere.example")
    host.wait_for(lambda: host.queue(OUT))
    refused = host.postwrap("remove", "out", check=False)
    assert refused.returncode == 3
    assert "out: 1 message queued" in refused.stderr
    assert "--requeue-to" in refused.stderr
    assert host.running(OUT)
    host.run("postsuper", "-c", OUT, "-d", "ALL")
    done = host.postwrap("remove", "out")
    assert "smtp_connect_timeout was changed since" in done.stderr
    assert not host.exists(OUT)
    host.run("postconf", "-X", "smtp_connect_timeout")
    assert tree(host, "/root/before") == tree(host, "/etc/postfix")
    kept = host.sh("echo /etc/postfix-out.removed-*/postfix-out/main.cf").stdout.strip()
    assert "syslog_name = postfix-out" in host.read(kept)
    assert host.sh("ls -d /var/spool/postfix-out.removed-* /var/lib/postfix-out.removed-*").stdout
    assert host.sh("ls /usr/local/bin /usr/local/sbin | grep -e -out || :").stdout == ""
    assert host.running()
    host.age()
    assert host.run("postfix", "check").stderr == ""
    for word in ("out", "postfix-out", OUT):
        gone = host.postwrap("remove", word)
        assert gone.stdout == f"{word}: no such instance, nothing to remove\n"
    assert host.postwrap("remove", "default", check=False).returncode == 3
    host.sh("mkdir /etc/postfix-half; touch /etc/postfix-half/main.cf")
    half = host.postwrap("remove", "half", check=False)
    assert half.returncode == 3
    assert "/etc/postfix-half: is not an instance, for it lacks main.cf or master.cf" in half.stderr


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_two_that_share_the_default_are_removed_in_any_order(
    order: tuple[str, str], host: Host
) -> None:
    """What the other still wants stays; at the end all is as it was before both."""
    before = tree(host, "/etc/postfix")
    host.add_address("10.0.0.2")
    addresses = {"a": SECOND_ADDRESS, "b": "10.0.0.2"}
    for name, address in addresses.items():
        host.postwrap("create", name, "--address", address, "--role", "fallback-relay")
    first, second = order
    host.postwrap("remove", first, "--purge")
    main = host.read("/etc/postfix/main.cf")
    assert f"smtp_fallback_relay = [{addresses[second]}]:25" in main
    assert "smtp_connect_timeout = 10s" in main
    assert f"multi_instance_directories = /etc/postfix-{second}\n" in main
    assert "multi_instance_enable = yes" in main
    host.postwrap("remove", second, "--purge")
    assert tree(host, "/etc/postfix") == before
    assert not host.exists("/var/lib/postwrap")


def test_an_instance_of_another_shape_is_given_a_role_and_removed(host: Host) -> None:
    """What its role gave the default instance is found again under whatever it is called."""
    before = host.read("/etc/postfix/main.cf")
    host.talk_instance(start=False)
    host.sh("mv /etc/postfix-out /etc/postfix2; postconf -X alternate_config_directories")
    host.age()
    host.postwrap("role", "2", "outbound")
    assert "relayhost = [10.0.0.1]:25" in host.read("/etc/postfix/main.cf")
    host.postwrap("remove", "postfix2", "--purge")
    assert host.read("/etc/postfix/main.cf") == before


@pytest.mark.parametrize("purge", [(), ("--purge",)])
def test_the_transcript_does_what_the_command_does(purge: tuple[str, ...], base: Path) -> None:
    """Its lines run as they stand, the one that hands on the mail included."""
    remove = ("remove", "out", "--requeue-to", "default", *purge)
    trees, mail = [], []
    files: dict[str, str] = {}
    for by_hand in (False, True):
        with Host(base) as host:
            # postconf adds what is new in an order that differs from run to run.
            main = "/etc/postfix/main.cf"
            host.write(main, files.setdefault(main, host.read(main)))
            host.age()
            host.start_default()
            host.make_command()
            host.postwrap(*CREATE)
            host.postconf("defer_transports=smtp")
            for number in range(3):
                submit(host, f"to{number}@nowhere.example")
            assert len(host.queue(OUT)) == 3
            if by_hand:
                told = host.postwrap(*remove, "--dry-run").stdout
                assert len(host.queue(OUT)) == 3
                host.run("sh", input=told)
            else:
                host.postwrap(*remove)
            mail.append(sorted(m["recipients"][0]["address"] for m in queue(host)))
            trees.append([tree(host, "/etc/postfix"), host.sh(LEFT).stdout])
            assert host.run("postfix", "check").stderr == ""
            assert host.running()
    assert mail == [[f"to{number}@nowhere.example" for number in range(3)]] * 2
    assert trees[0] == trees[1]
    assert ("etc/postfix-out.removed-" in trees[0][1]) is not bool(purge)


LEFT = """
cd / && find etc var/spool var/lib usr/local/bin usr/local/sbin \\
    -name '*postfix-out' -o -name '*postfix-out.*' -o -name 'mailq-*' | grep -v json | sort
"""


def test_the_line_that_hands_on_mail_refuses_what_is_in_use(talk: Host) -> None:
    for queue_directory, reason in (
        ("/var/spool/postfix-out", "an instance runs there"),
        ("/var/spool/postfix-gone", "no such directory"),
    ):
        done = talk.postwrap("requeue", queue_directory, "default", check=False)
        assert done.returncode == 3
        assert f"{queue_directory}: {reason}" in done.stderr


@pytest.mark.parametrize("long_ids", [False, True])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_requeue_keeps_every_message_as_it_was(long_ids: bool, elsewhere: bool, host: Host) -> None:
    host.talk_instance(start=False)
    if elsewhere:
        host.sh("mount -t tmpfs tmpfs /var/spool/postfix-out")
        host.run("postfix", "-c", OUT, "check")
    if long_ids:
        host.postconf("enable_long_queue_ids=yes")
        host.postconf("enable_long_queue_ids=yes", directory=OUT)
    host.run("postfix", "-c", OUT, "start")
    for number in range(20):
        submit(host, f"user{number}@nowhere.example")
    host.wait_for(lambda: sum(m["queue_name"] == "deferred" for m in host.queue(OUT)) == 20)
    held = host.queue(OUT)[3]
    host.run("postsuper", "-c", OUT, "-h", held["queue_id"])
    host.run("postfix", "-c", OUT, "stop")
    submit(host, "late@nowhere.example")
    before = {facts(message) for message in queue(host, OUT)}
    assert len(before) == 21
    done = host.postwrap("remove", "out", "--requeue-to", "default")
    assert ("/var/spool/postfix-out: is a mount point" in done.stderr) is elsewhere
    after = host.wait_for(lambda: _all_known(host, 21))
    assert {facts(m) for m in after if "late@nowhere.example" not in str(m)} == {
        one for one in before if "late@nowhere.example" not in str(one)
    }
    assert any(m["recipients"][0]["address"] == "late@nowhere.example" for m in after)
    # Postfix itself finds nothing to put right: names, inodes and directories are as it has them.
    names = {m["queue_id"] for m in after}
    host.run("postfix", "-c", "/etc/postfix", "stop")
    host.run("postfix", "-c", "/etc/postfix", "start")
    assert {m["queue_id"] for m in host.queue()} == names
    if not elsewhere:
        assert held["queue_id"] in names


def _all_known(host: Host, count: int) -> list[dict[str, Any]]:
    """The queue once it holds so many messages, each with the reason why it waits."""
    queued = queue(host)
    waiting = [m for m in queued if m["queue_name"] in ("deferred", "hold")]
    return queued if len(waiting) == count else []


def facts(message: dict[str, Any]) -> tuple[object, ...]:
    """What must not change when a message is handed over."""
    recipients = tuple((r["address"], r.get("delay_reason")) for r in message["recipients"])
    wait = "hold" if message["queue_name"] == "hold" else "queue"
    return (wait, message["sender"], recipients, message["arrival_time"], message["message_size"])


# A run of postwrap that kills itself, SIGKILL, before or after its nth operation; "undoing" counts
# those that put back what an earlier run left, the others those of the steps themselves.
KILLED = """
import glob, os, signal, sys
from postwrap.provision.engine import undertaking as carry_out
what, moment, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
real, count, active = carry_out.StepRunner.do, 0, what == "undoing"
def counted(name):
    function = getattr(carry_out, name, None) or getattr(carry_out.Undertaking, name)
    def run(*args):
        global active
        active = what == "taking"
        function(*args)
    setattr(carry_out if hasattr(carry_out, name) else carry_out.Undertaking, name, run)
counted("take")
def do(self, operation):
    global count
    count += active
    if active and count == number and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, operation)
    # Postfix trusts no main.cf younger than two seconds; this saves the wait.
    for main in glob.glob("/etc/postfix*/main.cf") + glob.glob("/etc/.postwrap*/main.cf"):
        then = os.stat(main).st_mtime - 10
        os.utime(main, (then, then))
    if active and count == number and moment == "after":
        os.kill(os.getpid(), signal.SIGKILL)
carry_out.StepRunner.do = do
sys.argv = ["postwrap", *sys.argv[4:]]
from postwrap.cli import main
main()
"""


def killed(host: Host, moment: str, number: int, *args: str, what: str = "taking") -> bool:
    """Run postwrap until it is killed at its nth operation; whether it came so far."""
    path = str(CHECKOUT / "generator")
    consent = ("--yes",) if args[:1] == ("create",) else ()
    done = host.run(
        *(host.python, "-c", KILLED, what, moment, str(number), *args, *consent),
        check=False,
        env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0


def sound(host: Host) -> None:
    """What holds whenever postwrap is killed: the default instance runs and is in order, and
    nothing that a boot would start is half made."""
    host.age()
    assert host.run("postfix", "-c", "/etc/postfix", "check").stderr == ""
    assert host.running()
    host.run("postmulti", "-l")
    for main in host.path("/etc").glob("postfix-*/main.cf"):
        directory = f"/etc/{main.parent.name}"
        enabled = host.run("postconf", "-c", directory, "-h", "multi_instance_enable").stdout
        if enabled.strip() == "yes":
            assert host.run("postfix", "-c", directory, "check").stderr == ""
            known = host.run("postconf", "-h", "multi_instance_directories").stdout
            assert directory in known.replace(",", " ").split()


def steps(host: Host, *args: str) -> int:
    """How many steps a command takes."""
    return len(json.loads(host.postwrap(*args, "--dry-run", "--json").stdout)["steps"])


STRIDE = 1 if os.environ.get("POSTWRAP_FAULTS") == "all" else 3
"""A run is killed at one in so many of its steps."""


def test_create_killed_at_each_step(host: Host) -> None:
    """After each kill the host is sound, and remove cleans up."""
    before = tree(host, "/etc/postfix")
    count = steps(host, *CREATE)
    assert count > 12
    for number in range(1, count + 1, STRIDE):
        moment = ("before", "after")[number // STRIDE % 2]
        assert killed(host, moment, number, *CREATE), number
        sound(host)
        cleaned = host.postwrap("remove", "out")
        assert "what the interrupted postwrap create left was removed" in cleaned.stdout
        assert left_of(host) == "", (moment, number)
        assert tree(host, "/etc/postfix") == before, (moment, number)


def test_create_killed_and_run_again(host: Host) -> None:
    """The same command finishes what was killed, or was killed while it was being undone."""
    count = steps(host, *CREATE)
    assert killed(host, "after", count, *CREATE)
    interrupted = host.postwrap(*CREATE, "--dry-run", check=False)
    assert interrupted.returncode == 3
    assert "postwrap create was interrupted" in interrupted.stderr
    for number in (1, 4, 7):
        assert killed(host, "before", number, *CREATE, what="undoing")
        sound(host)
    host.postwrap(*CREATE)
    assert host.running(OUT)
    assert host.run("postfix", "-c", OUT, "check").stderr == ""


def test_remove_killed_at_each_step(host: Host) -> None:
    """After each kill the same command finishes, and the message is still there, once."""
    host.postwrap(*CREATE)
    submit(host, "stays@nowhere.example")
    host.wait_for(lambda: host.queue(OUT))
    remove = ("remove", "out", "--requeue-to", "default", "--purge")
    count = steps(host, *remove) - 7  # the last seven have no way back, and come below
    assert count > 5
    for number in range(1, count + 1, STRIDE):
        assert killed(host, ("after", "before")[number // STRIDE % 2], number, *remove), number
        sound(host)
        assert len(host.sh(MESSAGES).stdout.split()) == 1, number
    host.postwrap(*remove)
    assert left_of(host) == ""
    assert [m["recipients"][0]["address"] for m in host.queue()] == ["stays@nowhere.example"]


MESSAGES = "find /var/spool/postfix*/*/ -type f -perm -100 ! -path '*/etc/*' ! -path '*/lib/*'"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_remove_killed_at_its_last_steps(number: int, talk: Host) -> None:
    """Past the point of no return the same command goes on, and nothing is left."""
    remove = ("remove", "out", "--purge")
    killing = len(json.loads(talk.postwrap(*remove, "--dry-run", "--json").stdout)["steps"]) - 6
    assert killed(talk, ("before", "after")[number % 2], killing + number, *remove)
    sound(talk)
    finished = talk.postwrap("remove", "out")
    assert "was removed" in finished.stdout
    assert left_of(talk) == ""


def test_every_message_arrives_once(bare_host: Host) -> None:
    """1,000 messages and submissions all along, through create, role and remove."""
    host = bare_host
    host.write("/etc/transport", "example.net smtp:[127.0.0.25]:25\n")
    host.run("postmap", "/etc/transport")
    host.postconf("transport_maps=hash:/etc/transport", "default_destination_concurrency_limit=5")
    host.start_default()
    closed = {"RCPT": "450 4.3.0 later"}
    sink = host.sink("127.0.0.25", 25, answer=lambda verb, _: closed.get(verb))
    _flood(host, 1000)
    ended = threading.Event()
    sent: list[str] = []

    def keep_submitting() -> None:
        while not ended.is_set():
            subject = f"more-{len(sent)}"
            done = host.run(
                *("sendmail", "-f", "a@example.com", "b@example.net"),
                input=f"Subject: {subject}\n\nx\n",
                check=False,
            )
            if done.returncode == 0:
                sent.append(subject)

    thread = threading.Thread(target=keep_submitting)
    thread.start()
    try:
        host.postwrap("create", "out", "--address", SECOND_ADDRESS, timeout=180)
        host.postwrap("role", "out", "fallback-relay", timeout=180)
        _flood(host, 100, prefix="second", directory=OUT)
        host.postwrap("remove", "out", "--requeue-to", "default", "--purge", timeout=180)
    finally:
        ended.set()
        thread.join()
    closed.clear()
    wanted = {*sent, *(f"flood-{n}" for n in range(1000)), *(f"second-{n}" for n in range(100))}
    host.wait_for(lambda: host.run("postqueue", "-f") and len(sink.messages) >= len(wanted), 240)
    host.wait_for(lambda: host.queue() == [], 60)
    got = [
        subject.decode()
        for message in sink.messages
        for subject in re.findall(rb"^Subject: (\S+)", message.data, re.MULTILINE)
    ]
    assert sorted(got) == sorted(wanted)


def _flood(host: Host, count: int, prefix: str = "flood", directory: str = "/etc/postfix") -> None:
    """Submit so many messages, each with a subject of its own."""
    host.sh(
        'n=0; while [ $n -lt "$1" ]; do\n'
        'printf "Subject: %s-%s\\n\\nx\\n" "$2" $n |'
        ' sendmail -C "$3" -f a@example.com b@example.net\n'
        "n=$((n+1)); done",
        *(str(count), prefix, directory),
        timeout=300,
    )
