"""The stories that postwrap trace tells of real mail, word for word but for times and names."""

from __future__ import annotations

import re
import smtplib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant
from tests.harness.terminals import bash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.layers import Layers

STORIES = Path(__file__).with_name("stories")
OUT = "/etc/postfix-out"
RETRY = ("minimal_backoff_time=2s", "maximal_backoff_time=3s", "queue_run_delay=2s")
FILTER = 10024
BACK = 10026


def prepare(host: Host) -> None:
    """A default instance that hands all mail for others to out, which sends it to a sink."""
    host.start_default()
    host.talk_instance()
    host.postconf("relayhost=[10.0.0.1]:25", *RETRY)
    host.postconf(
        "myhostname=out.example.com",
        "mydestination=mail.example.com",
        "mynetworks=127.0.0.0/8 10.0.0.1",
        "default_transport=smtp:[127.0.0.1]:2525",
        *RETRY,
        directory=OUT,
    )


@contextmanager
def scene_of(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "stories", prepare) as host:
        host.start("/etc/postfix", OUT)
        yield host


@pytest.fixture(scope="module")
def scene(layers: Layers, base: Path) -> Iterator[Host]:
    """The host for all stories that leave its configuration as it is."""
    tries: dict[str, int] = {}

    def answer(verb: str, argument: str) -> str | None:
        if verb != "RCPT":
            return None
        tries[argument] = tries.get(argument, 0) + 1
        if "nobody@" in argument:
            return "550 5.1.1 nobody lives there"
        if "long@" in argument:
            return f"450 4.2.0 {'x' * 1990}"
        if "full@" in argument or ("grey@" in argument and tries[argument] < 3):
            return "450 4.2.0 come again later"
        return None

    with scene_of(layers, base) as host:
        host.sink(answer=answer)
        yield host


@pytest.fixture
def changed(layers: Layers, base: Path) -> Iterator[Host]:
    """A host of one's own."""
    with scene_of(layers, base) as host:
        yield host


def submit(host: Host, *recipients: str, sender: str = "app", directory: str = "") -> str:
    """Hand in a message; its Message-ID."""
    name = f"{'-'.join(recipients).replace('@', '-at-')[:40]}@test.example"
    body = f"Message-ID: <{name}>\nSubject: x\n\nhello\n"
    options = ("-C", directory) if directory else ()
    host.run("sendmail", *options, "-f", sender, *recipients, input=body)
    return name


def story(host: Host, what: str, until: str, status: int = 0, *options: str) -> str:
    """What trace tells of a message once it tells ``until``, names that change aside."""

    def told() -> str:
        done = host.postwrap("trace", what, *options, check=False)
        return done.stdout if until in done.stdout and done.returncode == status else ""

    try:
        return plain(host.wait_for(told))
    except AssertionError:
        done = host.postwrap("trace", what, *options, check=False)
        pytest.fail(f"exit {done.returncode}\n{done.stdout}{done.stderr}\n{host.log()}")


def plain(told: str) -> str:
    """A story without what differs from run to run: times, spans of time, queue IDs."""
    told = re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d", "TIME", told)
    told = re.sub(r"not before \d\d:\d\d", "not before TIME", told)
    told = re.sub(r"\b\d+(?:\.\d+)? (?:min |s\b)(?:\d+ s)?", "SPAN", told)
    told = told.replace("host 127.0.0.1[127.0.0.1] said:", "SAID")
    told = re.sub(r"<[\w.]+@(client.example.net|mail.example.com)> from", r"<NAME@\1> from", told)
    told = re.sub(r"deferred (?:once more|twice|\d+ (?:more )?times)", "deferred MORE", told)
    told = re.sub(r"later, (?:twice|\d+ times)\)", "later, MORE)", told)
    told = re.sub(r"(?<=\S) {2,}", "  ", told)
    told = re.sub(r"\n {20,}", "\n      ", told)
    names: dict[str, str] = {}
    for name in re.findall(r"\b[0-9A-F]{6,}\b", told):
        names.setdefault(name, f"Q{len(names) + 1}")
    for name, short in names.items():
        told = told.replace(name, short)
    return told


def golden(name: str) -> str:
    """The story of a test as it shall be."""
    return (STORIES / f"{name}.txt").read_text()


both = pytest.mark.bases("bookworm", "trixie")


@both
def test_outbound(scene: Host) -> None:
    submit(scene, "bob@far.example")
    assert story(scene, "bob@far.example", "delivered to 127") == golden("outbound")


@both
def test_a_bounce(scene: Host) -> None:
    submit(scene, "nobody@far.example")
    assert story(scene, "nobody@far.example", "local\n", 1) == golden("a_bounce")


@both
def test_greylisting(scene: Host) -> None:
    submit(scene, "grey@far.example")
    assert story(scene, "grey@far.example", "delivered to 127") == golden("greylisting")


@both
def test_a_reply_that_is_longer_than_a_line_of_the_log(scene: Host) -> None:
    """postlogd(8) cuts the line, and the attempt is told all the same."""
    submit(scene, "long@far.example")
    told = story(scene, "long@far.example", "still in out's", 1)
    assert "deferred for <long@far.example> by 127.0.0.1[127.0.0.1]:2525" in told
    assert "last: SAID 450 4.2.0 xxx" in told
    assert max(map(len, scene.log().splitlines())) < 2100


@both
def test_several_recipients_with_several_ends(scene: Host) -> None:
    submit(scene, "alice", "bob@b.example", "eve@b.example", "nobody@b.example", "full@b.example")
    told = story(scene, "eve@b.example", "more", 1)
    assert sorted(told.splitlines()) == sorted(
        golden("several_recipients_with_several_ends").splitlines()
    )


@both
def test_a_message_refused(scene: Host) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        scene.send("x@elsewhere.example")
    assert story(scene, "x@elsewhere.example", "refused by", 1) == golden("a_message_refused")


@both
def test_a_message_that_is_forwarded(scene: Host) -> None:
    scene.write("/home/alice/.forward", "bob@forward.example\n", owner="alice")
    try:
        scene.send("alice@mail.example.com", sender="a@forward.example")
        assert story(scene, "a@forward.example", "delivered to 127") == golden(
            "a_message_that_is_forwarded"
        )
    finally:
        scene.remove("/home/alice/.forward")


@both
def test_a_message_held(changed: Host) -> None:
    changed.write("/etc/postfix/held", "/^Subject: hold/ HOLD please wait\n")
    changed.postconf("header_checks=regexp:/etc/postfix/held")
    changed.run("postfix", "reload")
    changed.run("sendmail", "-f", "app", "bob@far.example", input="Subject: hold it\n\nx\n")
    held = story(changed, "bob@far.example", "on hold", 1)
    assert held == golden("a_message_held")


@both
def test_a_fallback(changed: Host) -> None:
    changed.sink()
    changed.postconf("relayhost=[127.0.0.1]:2599", "smtp_fallback_relay=[10.0.0.1]:25")
    changed.run("postfix", "reload")
    submit(changed, "bob@far.example")
    assert story(changed, "bob@far.example", "delivered to 127") == golden("a_fallback")


@both
def test_a_filter_that_does_not_say_what_became_of_it(changed: Host) -> None:
    """It takes mail by SMTP and hands it back in a session of its own."""
    filters = changed.sink(port=FILTER)
    changed.sink()
    changed.run("postconf", "-M", f"{BACK}/inet={BACK} inet n - n - - smtpd -o content_filter=")
    changed.postconf(f"content_filter=smtp:[127.0.0.1]:{FILTER}")
    changed.run("postfix", "reload")
    submit(changed, "bob@far.example")
    (message,) = filters.wait()
    with changed.smtp("127.0.0.1", BACK) as client:
        client.sendmail(message.sender, message.recipients, message.data)
    assert story(changed, "bob@far.example", "delivered to 127.0.0.1 after") == golden(
        "a_filter_that_does_not_say_what_became_of_it"
    )


PROXY = """
import socket, threading
def pump(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
server = socket.create_server(("127.0.0.1", 10024))
while True:
    client, _ = server.accept()
    behind = socket.create_connection(("127.0.0.1", 10026))
    for pair in ((client, behind), (behind, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


@both
def test_a_filter_before_the_queue(changed: Host) -> None:
    """smtpd_proxy_filter; it changes nothing, and no queue file is there before it."""
    changed.sink()
    proxy = changed.popen(changed.python, "-c", PROXY)
    changed.run("postconf", "-M", f"{BACK}/inet={BACK} inet n - n - - smtpd -o smtpd_proxy_filter=")
    changed.postconf(f"smtpd_proxy_filter=127.0.0.1:{FILTER}")
    changed.run("postfix", "reload")
    changed.wait_for(lambda: f":{FILTER} " in changed.run("ss", "-Htln").stdout)
    changed.send("bob@far.example", source="127.0.0.1", address="127.0.0.1")
    told = story(changed, "bob@far.example", "delivered to 127")
    assert told == golden("a_filter_before_the_queue")
    proxy.kill()
    proxy.wait()


@both
def test_a_stranger_joins_no_message_of_others(scene: Host) -> None:
    """By no word of an SMTP session; and what he is refused is not told as the victim's."""
    name = submit(scene, "victim@b.example")
    before = story(scene, name, "delivered to 127")
    evil = f'MAIL FROM:<"message-id=<{name}>"@evil.example>'
    with scene.smtp(source="10.0.0.1", helo=f"message-id=<{name}>") as client:
        for recipient in ("nobody@elsewhere.example", "alice@mail.example.com"):
            client.docmd("RSET")
            client.docmd(evil)
            client.docmd(f"RCPT TO:<{recipient}>")
        client.data(b"Subject: y\r\nMessage-ID: <other@evil>\r\n\r\nz\r\n")
    scene.wait_log("message-id=<other@evil>")
    scene.wait_log(f'from=<"message-id=<{name}>"@evil.example>, size=')
    scene.wait_log("NOQUEUE: reject:", f'from=<"message-id=<{name}>"@evil.example>')
    assert story(scene, name, "delivered to 127") == before


def test_what_is_no_log_is_not_opened(changed: Host) -> None:
    changed.run("postfix", "-c", OUT, "stop")
    for path, said in {
        "/dev/stdout": "is a symbolic link to /",
        "/dev/zero": "is not a regular file",
        "/var/log/fifo": "is not a regular file",
        "/var/log/link": "is a symbolic link to /etc/shadow, outside its directory",
        "/var/log": "is not a regular file",
    }.items():
        changed.sh("mkfifo /var/log/fifo; ln -sf /etc/shadow /var/log/link; :", check=False)
        changed.postconf(f"maillog_file={path}", "maillog_file_prefixes=/var, /dev", directory=OUT)
        for verb in (("log",), ("trace", "x@y")):
            done = changed.postwrap(*verb, check=False, timeout=30)
            assert f"{path}: {said}" in done.stderr, path
            assert "remedy: set maillog_file to a regular file" in done.stderr
            assert done.returncode == (1 if verb == ("log",) else 3)


def test_a_line_of_any_length_costs_little_memory(changed: Host) -> None:
    submit(changed, "app@mail.example.com")
    changed.wait_log("to=<app@mail.example.com>", "status=sent")
    changed.sh(
        "cp /var/log/maillog /tmp/first; truncate -s 400M /var/log/maillog; echo >>/var/log/maillog"
        "; cat /tmp/first >>/var/log/maillog"
    )
    path = {"PYTHONPATH": str(CHECKOUT / "generator")}
    for verb in (("log", "-n0"), ("trace", "app@mail.example.com")):
        argv = ("sh", "-c", 'ulimit -v 1600000; exec "$@"', "sh", changed.python, "-m", "postwrap")
        done = changed.run(*argv, *verb, env=path, check=False, timeout=120)
        assert "app@mail.example.com" in done.stdout, done.stderr
        assert done.returncode == 0


def test_the_way_is_followed_until_it_ends(changed: Host) -> None:
    changed.make_command()
    changed.run("postfix", "-c", OUT, "stop")
    name = submit(changed, "bob@far.example")
    changed.wait_log("status=deferred")
    changed.sink()
    with bash(changed, setup=":") as shell:
        shell.start(f"postwrap trace -f {name}")
        shell.wait_for("deferred for <bob@far.example>")
        changed.run("postfix", "-c", OUT, "start")
        changed.run("postqueue", "-f")
        shell.wait_for("delivered to 127.0.0.1 after")
        assert shell.finish()[0] == 0


@both
def test_columns_and_colour_of_a_terminal(scene: Host) -> None:
    submit(scene, "nobody@columns.example")
    story(scene, "nobody@columns.example", "by local", 1)
    scene.make_command()
    for columns in (80, 132):
        with bash(scene, setup=f"stty cols {columns}") as shell:
            lines = shell.run("postwrap trace nobody@columns.example").splitlines()
        told = [line for line in lines if re.match(r"  [A-Z][a-z]{2} \d\d ", line)]
        assert len(told) == 5
        assert max(map(len, lines)) <= columns
        assert {line[19:26] for line in told} == {"default", "out    "}
        assert {line[40] for line in told} <= {*"shbn"}, told


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_filter_by_amavisd_and_a_log_by_rsyslog(suite: str) -> None:
    """amavisd says what it handed on to whom, in a line of its own, in a syslog daemon's file."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Host(variant("syslog", suite)) as host:
        host.sink("127.0.0.25", 25)
        host.run("install", "-d", "-o", "amavis", "-g", "amavis", "/run/amavis")
        host.write("/etc/rsyslog.conf", RSYSLOG)
        host.postconf("relayhost=[127.0.0.25]:25", "maillog_file=")
        daemons = [host.popen("/usr/sbin/rsyslogd", "-n", "-iNONE")]
        host.wait_for(lambda: host.exists("/dev/log"))
        host.start_default()
        host.postwrap("create", "out", "--address", "10.0.0.1", "--role", "content-filter")
        daemons.append(host.popen("/usr/sbin/amavisd", "foreground"))
        host.wait_for(lambda: ":10024 " in host.run("ss", "-Htln").stdout, 60)
        submit(host, "bob@far.example")
        told = story(host, "bob@far.example", "delivered to 127.0.0.25 after")
        # Each logs when it is done: the one behind may be done first.
        whole = golden("a_filter_by_amavisd_and_a_log_by_rsyslog")
        assert sorted(told.splitlines()) == sorted(whole.splitlines())
        for daemon in daemons:
            daemon.kill()
            daemon.wait()


RSYSLOG = """\
module(load="imuxsock")
mail.* -/var/log/mail.log
"""
