"""postwrap log and trace beside the log of real instances."""

from __future__ import annotations

import gzip
import json
import re
import smtplib
from typing import TYPE_CHECKING

import pytest
from tests.harness.terminals import bash

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"
OWN_LOG = "/var/log/maillog-of-out"


def tags(shown: str) -> set[str]:
    """The first parts of the tags in lines of a log."""
    return {line.split()[4].partition("/")[0] for line in shown.splitlines()}


def deliver(host: Host, directory: str, recipient: str = "alice", sender: str = "app") -> str:
    """Have an instance deliver a message; return its queue ID there."""
    host.run("sendmail", "-C", directory, "-f", sender, recipient, input="hello\n")
    tag = "postfix/" if directory == "/etc/postfix" else "postfix-out/"
    line = host.wait_for(
        lambda: next(
            (
                text
                for text in logged(host).splitlines()
                if f" {tag}" in text and f"to=<{recipient}@" in text and "status=sent" in text
            ),
            "",
        )
    )
    return line.split(": ")[1]


def raw(host: Host, what: str) -> str:
    """The log lines that trace finds."""
    return host.postwrap("trace", "--raw", what, check=False).stdout


def logged(host: Host) -> str:
    """All that is logged, in both files."""
    return host.log() + (host.read(OWN_LOG) if host.exists(OWN_LOG) else "")


@pytest.mark.bases("bookworm", "trixie")
def test_each_instance_has_its_lines(talk: Host) -> None:
    first, second = deliver(talk, "/etc/postfix"), deliver(talk, OUT)
    both = talk.postwrap("log", "-n", "0").stdout
    assert tags(both) == {"postfix", "postfix-out"}
    assert both == talk.log(), "both write that file, and nobody else does"
    out = talk.postwrap("log", "out", "--lines=0").stdout
    assert tags(out) == {"postfix-out"}
    assert second in out
    assert first not in out
    assert tags(talk.postwrap("log", "default", "-n0").stdout) == {"postfix"}
    assert talk.postwrap("log", "out", "-n", "2").stdout.splitlines() == out.splitlines()[-2:]
    told = json.loads(talk.postwrap("log", "out", "-n1", "--json").stdout)
    assert told["schema"] == 1
    (line,) = told["lines"]
    assert line["instance"] == "out"
    assert out.splitlines()[-1].endswith(f"{line['tag']}[{line['pid']}]: {line['message']}")


def test_files_of_their_own_are_read_together(talk: Host) -> None:
    talk.postconf(f"maillog_file={OWN_LOG}", directory=OUT)
    talk.run("postfix", "-c", OUT, "stop")
    talk.run("postfix", "-c", OUT, "start")
    deliver(talk, "/etc/postfix")
    deliver(talk, OUT)
    deliver(talk, "/etc/postfix", "app", "alice")
    shown = talk.postwrap("log", "-n", "0").stdout.splitlines()
    assert sorted(shown) == sorted([*talk.log().splitlines(), *talk.read(OWN_LOG).splitlines()])
    clocks = [line[:15] for line in shown]
    assert clocks == sorted(clocks), "in the order of time"
    talk.run("chmod", "600", OWN_LOG)
    refused = talk.postwrap("log", "out", user="app", check=False)
    assert refused.returncode == 3
    assert f"{OWN_LOG}: may not be read" in refused.stderr
    for some in (("log", "-n0"), ("trace", "--raw", "alice@mail.example.com")):
        done = talk.postwrap(*some, user="app", check=False)
        assert done.returncode == 1
        assert f"{OWN_LOG}: may not be read" in done.stderr
        assert "to=<alice@" in done.stdout


def test_it_goes_on_until_control_c(talk: Host) -> None:
    talk.make_command()
    with bash(talk, setup=":") as shell:
        shell.start("postwrap log out -f -n 1")
        shell.wait_for("out")
        deliver(talk, "/etc/postfix")
        deliver(talk, OUT)
        shell.wait_for("removed")
        talk.run("mv", "/var/log/maillog", "/var/log/maillog.1")
        for directory in ("/etc/postfix", OUT):
            talk.run("postfix", "-c", directory, "reload")
        deliver(talk, OUT, "app", "alice")
        shell.wait_for("to=<app@")
        shell.wait_for("removed")
        shell.press("\x03")
        status, shown = shell.finish()
    assert status == 0
    assert "default" not in shown


def test_what_is_shown_can_be_chosen(talk: Host) -> None:
    first, second = deliver(talk, "/etc/postfix"), deliver(talk, OUT)
    talk.wait_log(second, "removed")
    talk.run("postlog", "-t", "postfix/smtpd", "warning: made for this test")
    talk.run("postlog", "-c", OUT, "-t", "postfix-out/smtpd", "fatal: made for this test")
    mine = [line for line in talk.log().splitlines() if f"]: {second}: " in line]
    assert talk.postwrap("log", "--queue-id", second).stdout.splitlines() == mine
    assert talk.postwrap("log", "default", "--queue-id", second).stdout == ""
    errors = talk.postwrap("log", "--errors", "-n", "2").stdout.splitlines()
    assert [line.partition("]: ")[2] for line in errors] == [
        "warning: made for this test",
        "fatal: made for this test",
    ]
    former = re.sub(r"^[A-Z][a-z]{2} \d\d|^\S+T", "Jan 01", talk.log(), flags=re.MULTILINE)
    talk.write("/var/log/maillog.1", former)
    assert talk.postwrap("log", "--since", "today").stdout.count(f"{first}: removed") == 1
    assert talk.postwrap("log", "--since", "1s", "--until", "x", check=False).returncode == 2
    wrong = talk.postwrap("log", "--since", "soon", check=False)
    assert (wrong.returncode, "--since soon: is not a time" in wrong.stderr) == (2, True)


def test_a_message_is_traced_through_two_instances(talk: Host) -> None:
    talk.sink(answer=lambda verb, _: "550 5.1.1 nobody lives there" if verb == "RCPT" else None)
    talk.postconf("relayhost=[10.0.0.1]:25")
    talk.run("postfix", "reload")
    talk.postconf(
        "myhostname=out.example.com",
        "mydestination=mail.example.com",
        "mynetworks=127.0.0.0/8 10.0.0.1",
        "default_transport=smtp:[127.0.0.1]:2525",
        directory=OUT,
    )
    talk.run("postfix", "-c", OUT, "reload")
    other = deliver(talk, "/etc/postfix")
    talk.run("sendmail", "-f", "app", "bob@far.example", input="hello\n")
    talk.wait_for(lambda: "non-delivery notification" in talk.log())
    talk.wait_for(lambda: "to=<app@" in talk.log())
    document = talk.postwrap("trace", "bob@far.example", "--json", check=False).stdout
    told = json.loads(document)["passages"]
    assert [stay["instance"] for stay in told[:2]] == ["default", "out"]
    assert told[0]["message_ids"] == told[1]["message_ids"] != []
    assert told[1]["queue_id"] in told[0]["lines"][-2]["message"], "queued as"
    shown = raw(talk, told[1]["queue_id"])
    assert shown == raw(talk, f"<{told[0]['message_ids'][0]}>")
    assert shown.startswith(f"default {told[0]['queue_id']}:\n  ")
    assert f"\n\nout {told[1]['queue_id']}:\n  " in shown
    assert "sender non-delivery notification" in shown
    assert "to=<app@" in shown, "the bounce comes back to the sender"
    assert other not in shown


def test_a_former_log_is_traced_too(talk: Host) -> None:
    queue_id = deliver(talk, OUT)
    talk.wait_log(queue_id, "removed")
    packed = gzip.compress(talk.log().encode())
    talk.write("/var/log/maillog.2.gz", packed)
    talk.write("/var/log/maillog.3.xz", b"\xfd7zXZ\0 what nobody here can read\n")
    talk.write("/var/log/maillog", "")
    assert queue_id not in talk.postwrap("log", "-n", "0").stdout
    told = talk.postwrap("trace", "--raw", queue_id, check=False)
    assert f"{queue_id}: removed" in told.stdout
    assert (told.returncode, told.stderr) == (
        1,
        (
            "postwrap: /var/log/maillog.3.xz: cannot be read: this host has no xz\n"
            "  remedy: install xz\n"
        ),
    )


def test_what_was_refused_is_traced(talk: Host) -> None:
    talk.postconf("smtpd_recipient_restrictions=reject", directory=OUT)
    talk.run("postfix", "-c", OUT, "reload")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        talk.send("x@c.example", sender="a@b.example", address="10.0.0.1")
    lines = talk.wait_for(lambda: raw(talk, "X@c.example").splitlines())
    assert lines[0] == "out (refused):"
    assert "NOQUEUE: reject:" in lines[1]
    assert len(lines) == 2


def test_nothing_is_found(talk: Host) -> None:
    nothing = talk.postwrap("trace", "nobody@far.example", check=False)
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert "nobody@far.example: not in the log of any instance" in nothing.stderr
    wrong = talk.postwrap("log", "-f", "--json", check=False)
    assert wrong.returncode == 2
    for directory in ("/etc/postfix", OUT):
        talk.postconf("maillog_file=", directory=directory)
    talk.run("rm", "-f", "/var/log/maillog")
    nowhere = talk.postwrap("log", check=False)
    assert nowhere.returncode == 3
    assert "syslog: neither the journal is there nor one of /var/log/mail.log" in nowhere.stderr


def test_two_with_one_name_are_said_to_be(talk: Host) -> None:
    talk.postconf("syslog_name=postfix", directory=OUT)
    said = talk.postwrap("log", "out").stderr
    assert said == "postwrap: out: logs under another instance's syslog_name\n"
    assert talk.postwrap("log", "default").stderr == ""
