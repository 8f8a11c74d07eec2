"""The talk's second instance, made by hand, and then its own commands."""

from __future__ import annotations

import re

import pytest
from tests.harness.host import Host

pytestmark = pytest.mark.bases("bookworm", "trixie")

OUT = "/etc/postfix-out"
USERS = pytest.mark.parametrize("user", [None, "alice"], ids=["root", "ordinary user"])


@pytest.fixture(scope="module")
def wrapped(module_talk: Host) -> Host:
    """The talk's host after postwrap install; what is sent stays in the second queue."""
    settings = ("defer_transports=smtp,local", "myhostname=out.example.com")
    module_talk.postconf(*settings, directory=OUT)
    module_talk.run("postfix", "-c", OUT, "reload")
    module_talk.postwrap("install")
    return module_talk


def queue_ids(host: Host) -> set[str]:
    """Return the queue IDs past maildrop, where pickup gives a message another one."""
    listed = host.queue(OUT)
    return {message["queue_id"] for message in listed if message["queue_name"] != "maildrop"}


def submit(host: Host, user: str | None) -> str:
    """Pipe a message into sendmail-out and return its queue ID once it is in the queue."""
    before = queue_ids(host)
    text = "Subject: test\n\nhello\n"
    command = "/usr/local/sbin/sendmail-out"
    host.run(command, "-f", "app@example.com", "bob@example.net", user=user, input=text)
    return host.wait_for(lambda: queue_ids(host) - before).pop()


@USERS
def test_a_message_goes_to_the_second_instance_alone(wrapped: Host, user: str | None) -> None:
    queue_id = submit(wrapped, user)
    assert wrapped.queue() == []
    wrapped.wait_log("qmgr[", f" {queue_id}: from=<app@example.com>")
    lines = [line for line in wrapped.log().splitlines() if f" {queue_id}: " in line]
    assert lines
    assert all(" postfix-out/" in line for line in lines), lines


@USERS
def test_mailq_prints_the_second_queue(wrapped: Host, user: str | None) -> None:
    queue_id = submit(wrapped, None)
    for command in ("mailq-out", "/usr/local/sbin/postqueue-out -p"):
        listed = wrapped.run(*command.split(), user=user).stdout
        assert queue_id in listed
        assert "bob@example.net" in listed
    assert "Mail queue is empty" in wrapped.run("mailq-default", user=user).stdout


def test_postconf_edits_the_second_main_cf_alone(wrapped: Host) -> None:
    first = wrapped.read("/etc/postfix/main.cf")
    wrapped.run("postconf-out", "-e", "mail_name=It is out")
    assert wrapped.run("postconf-out", "-h", "mail_name").stdout == "It is out\n"
    assert wrapped.run("postconf-out", "-h", "mail_name", user="alice", env=USER_PATH).stdout
    assert wrapped.read("/etc/postfix/main.cf") == first
    wrapped.age(OUT)


USER_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def test_stop_and_start_leave_the_first_running(talk: Host) -> None:
    talk.postwrap("install")
    assert talk.run("postfix-out", "status", check=False).returncode == 0
    talk.run("postfix-out", "stop")
    assert talk.run("postfix-out", "status", check=False).returncode != 0
    assert talk.running()
    talk.run("postfix-out", "start")
    assert talk.run("postfix-out", "status", check=False).returncode == 0
    assert talk.running()
    talk.run("postfix-out", "reload")
    talk.wait_log("postfix-out/master", "reload")
    assert not re.search(
        r"^\S+ +\S+ \S+ \S+ postfix/master\[\d+\]: reload", talk.log(), re.MULTILINE
    )


def test_the_other_commands_work_on_the_second(wrapped: Host) -> None:
    queue_id = submit(wrapped, None)
    assert "bob@example.net" in wrapped.run("postcat-out", "-q", queue_id).stdout
    assert wrapped.run("postcat", "-q", queue_id, check=False).returncode != 0
    wrapped.run("postsuper-out", "-h", queue_id)
    held = {m["queue_id"] for m in wrapped.queue(OUT) if m["queue_name"] == "hold"}
    assert queue_id in held
    shape = wrapped.run("qshape-out", "hold").stdout
    assert re.search(r"example\.net +1 ", shape), shape
    assert "example.net" not in wrapped.run("qshape-default", "hold").stdout
    wrapped.run("postsuper-out", "-d", queue_id)
    assert queue_id not in queue_ids(wrapped)


def test_maps_and_aliases_of_the_second(wrapped: Host) -> None:
    wrapped.write(f"{OUT}/relays", "example.net [10.0.0.9]\n")
    wrapped.run("postmap-out", f"hash:{OUT}/relays")
    answer = wrapped.run("postmap-out", "-q", "example.net", f"hash:{OUT}/relays").stdout
    assert answer == "[10.0.0.9]\n"
    wrapped.write(f"{OUT}/aliases", "postmaster: root\n")
    wrapped.run("postconf-out", "-e", f"alias_database=hash:{OUT}/aliases")
    wrapped.age(OUT)
    wrapped.run("newaliases-out")
    assert wrapped.exists(f"{OUT}/aliases.db")
    query = wrapped.run("postalias-out", "-q", "postmaster", f"hash:{OUT}/aliases")
    assert query.stdout == "root\n"


def test_the_rest_of_the_catalog_answers_for_the_second(wrapped: Host) -> None:
    wrapped.run("postlog-out", "-p", "info", "-t", "postfix-out/test", "a line of ours")
    wrapped.wait_log("postfix-out/test", "a line of ours")
    # A busy qmgr may hang up before postkick is done, which dies of SIGPIPE then.
    kick = ("postkick-out", "public", "qmgr", "A")
    wrapped.wait_for(lambda: wrapped.run(*kick, check=False).returncode == 0)
    wrapped.write("/tmp/folder", "")
    assert wrapped.run("postlock-out", "/tmp/folder", "echo", "locked").stdout == "locked\n"
    finger = wrapped.run("posttls-finger-out", "-lnone", "-Lsummary", "[88.198.105.204]")
    assert "88.198.105.204" in finger.stdout + finger.stderr


def test_which_and_list_tell_where_we_are(wrapped: Host) -> None:
    told = wrapped.postwrap("which", "mailq-out").stdout
    assert "MAIL_CONFIG=/etc/postfix-out /usr/bin/mailq" in told
    listed = wrapped.postwrap("list").stdout.splitlines()
    rows = [line.split() for line in listed[1:]]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("default", "running", "installed"),
        ("out", "running", "installed"),
    ]


def test_a_normal_users_list_says_what_it_cannot_see(wrapped: Host) -> None:
    shown = wrapped.postwrap("list", user="alice").stdout
    assert re.search(r"^out +running ", shown, re.MULTILINE), shown
    wrapped.run("postfix", "-c", "/etc/postfix-out", "stop")
    done = wrapped.postwrap("list", user="alice")
    wrapped.run("postfix", "-c", "/etc/postfix-out", "start")
    seen = re.search(
        r"^out +stopped +\? +\? +installed +/etc/postfix-out", done.stdout, re.MULTILINE
    )
    assert seen, done.stdout
    assert "out: MAIL is unknown: only root may read the queue of a stopped instance" in done.stderr
