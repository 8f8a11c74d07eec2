"""The private host is what the other tests take it for."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.harness.host import Host
from tests.harness.machine import CommandError
from tests.harness.paths import CHECKOUT

both = pytest.mark.bases("bookworm", "trixie")


@both
def test_default_instance_delivers(host: Host) -> None:
    message_id = host.send("alice@example.com")
    host.wait_log("postfix/local", "status=sent", "<alice@example.com>")
    assert message_id in host.read("/var/mail/alice")


@both
def test_talk_instance_takes_mail_under_its_own_tag(talk: Host) -> None:
    message_id = talk.send("alice@example.com", address="10.0.0.1")
    queue_id = talk.wait_log("postfix-out/cleanup", message_id).split("]: ")[1].split(":")[0]
    talk.wait_log("postfix-out/local", queue_id, "status=sent")
    told = [line for line in talk.log().splitlines() if queue_id in line]
    assert all(" postfix-out/" in line for line in told)


@both
def test_talk_instances_have_queues_of_their_own(talk: Host) -> None:
    talk.run(
        *("sendmail", "-C", "/etc/postfix-out", "someone@nowhere.example"),
        input="Subject: stays\n\nhere\n",
        user="alice",
    )
    queued = talk.wait_for(lambda: talk.queue("/etc/postfix-out"))
    assert [one["recipients"][0]["address"] for one in queued] == ["someone@nowhere.example"]
    assert talk.queue() == []
    assert talk.running()
    assert talk.running("/etc/postfix-out")
    talk.run("postfix", "-c", "/etc/postfix-out", "stop")
    assert talk.running()
    assert not talk.running("/etc/postfix-out")


@both
def test_bare_host_is_stock(bare_host: Host) -> None:
    assert not bare_host.running()
    assert bare_host.queue() == []
    assert [p.name for p in bare_host.path("/etc").glob("postfix*")] == ["postfix"]
    assert list(bare_host.path("/usr/local/sbin").iterdir()) == []
    # `postfix check` finds nothing to make or mend in the queue directory.
    look = 'cd /var/spool/postfix && stat -c "%n %A %U:%G" "$@"'
    spool = bare_host.sh("ls /var/spool/postfix").stdout.split()
    before = bare_host.sh(look, *spool).stdout
    assert bare_host.run("postfix", "check").returncode == 0
    assert bare_host.sh(look, *spool).stdout == before
    now = set(bare_host.sh("ls /var/spool/postfix").stdout.split())
    assert now - set(spool) <= {"dev", "etc", "lib", "usr"}, "the chroot jail alone may be new"


def test_sink_keeps_envelope_and_greeting(host: Host) -> None:
    sink = host.sink("127.0.0.1", 2525)
    host.postconf("relayhost=[127.0.0.1]:2525", "smtp_helo_name=public.example.com")
    host.run("postfix", "reload")
    message_id = host.send("bob@example.net", source="127.0.0.1", address="127.0.0.1")
    (message,) = sink.wait()
    assert message.message_id == message_id
    assert (message.client, message.helo) == ("127.0.0.1", "public.example.com")
    assert (message.sender, message.recipients) == ("sender@example.net", ("bob@example.net",))
    assert sink.connections == 1


def test_sink_can_say_no(host: Host) -> None:
    later = {"RCPT": "450 4.3.0 later"}
    host.sink("127.0.0.1", 2525, answer=lambda verb, _: later.get(verb))
    host.postconf("relayhost=[127.0.0.1]:2525")
    host.run("postfix", "reload")
    host.send("bob@example.net", source="127.0.0.1", address="127.0.0.1")
    host.wait_log("status=deferred", "450 4.3.0 later")
    with host.sink("127.0.0.1", 2526, answer=lambda verb, _: "550 no" * (verb == "MAIL")):  # noqa: SIM117
        with pytest.raises(smtplib.SMTPSenderRefused):
            host.send(address="127.0.0.1", port=2526)


def test_users_reach_the_checkout_and_the_interpreter(bare_host: Host) -> None:
    who = bare_host.sh('id -un; id -Gn; echo "$HOME"; pwd', user="alice").stdout
    assert who == "alice\nalice\n/home/alice\n/home/alice\n"
    told = bare_host.run(bare_host.python, "-c", "import typer; print('is there')", user="alice")
    assert told.stdout == "is there\n"
    readme = CHECKOUT / "tests" / "harness" / "host.py"
    assert bare_host.run("cat", str(readme), user="app").stdout == readme.read_text()


def test_checkout_cannot_be_written(bare_host: Host) -> None:
    with pytest.raises(CommandError, match="Read-only file system"):
        bare_host.run("touch", str(CHECKOUT / "touched"))


def test_hosts_do_not_see_one_another(bare_host: Host, base: Path) -> None:
    with Host(base) as other:
        other.write("/etc/only-there", "x")
        other.start_default()
        assert not bare_host.exists("/etc/only-there")
        assert not bare_host.running()
        with pytest.raises(ConnectionRefusedError):
            bare_host.send()


def test_nothing_reaches_the_machine(bare_host: Host) -> None:
    names = ("/etc/harness-was-here", "/run/harness-was-here", "/tmp/harness-was-here")
    for name in (*names, "/dev/harness-was-here", "/var/harness-was-here"):
        bare_host.write(name, "x")
        assert bare_host.exists(name)
        assert not Path(name).exists()
    outside = socket.gethostname()
    bare_host.run("hostname", "changed")
    assert bare_host.run("hostname").stdout == "changed\n"
    assert socket.gethostname() == outside != "changed"


def test_everything_ends_with_the_host(base: Path) -> None:
    host = Host(base)
    host.start_default()
    sleeper = host.popen("sleep", "1000")
    begun = time.monotonic()
    host.close()
    assert time.monotonic() - begun < 2
    assert sleeper.wait(5) != 0
    assert not Path(f"/proc/{host.pid}").exists()


def test_host_ends_when_the_tests_are_killed(base: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.harness.host import Host\n"
        "host = Host(Path(sys.argv[1])); host.popen('sleep', '1000')\n"
        "print(host.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    killed = subprocess.run(
        [sys.executable, "-c", script, str(base)], capture_output=True, text=True, env=environment
    )
    assert killed.returncode == -9, killed.stderr
    end = time.monotonic() + 5
    while Path(f"/proc/{int(killed.stdout)}").exists():
        assert time.monotonic() < end, "the host outlived its tests"
        time.sleep(0.02)


def test_timeout_ends_the_command_inside(bare_host: Host) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        bare_host.run("sleep", "987", timeout=0.5)
    bare_host.wait_for(lambda: "987" not in bare_host.run("ps", "ax", "-o", "args").stdout, 5)


def test_links_are_followed_inside(bare_host: Host) -> None:
    bare_host.sh("echo inside >/etc/inside; ln -s /etc/inside /tmp/link; ln -s /etc /tmp/etc")
    assert bare_host.read("/tmp/link") == bare_host.read("/tmp/etc/inside") == "inside\n"
    assert bare_host.path("/tmp/link").is_symlink()


def test_arguments_and_streams_are_bytes(bare_host: Host) -> None:
    odd = bytes(range(1, 256))
    echoed = bare_host.run_bytes(
        "sh", "-c", 'printf %s "$1"; cat', "sh", odd, input=bytes(range(256))
    )
    assert echoed.stdout == odd + bytes(range(256))


def test_ipv6_addresses(bare_host: Host) -> None:
    bare_host.add_address("2001:db8::25")
    with bare_host.sink("2001:db8::25", 25) as sink:
        bare_host.send(address="2001:db8::25")
        assert sink.wait()[0].client == "2001:db8::25"
