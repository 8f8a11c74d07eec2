"""The stories that postwrap trace tells of real mail, word for word but for times and names."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant
from tests.harness.stories import (
    FALLBACK,
    HELD,
    OUT,
    STORIES,
    Story,
    answers,
    golden,
    prepare,
    story,
    submit,
)
from tests.harness.terminals import bash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.layers import Layers

FILTER = 10024
BACK = 10026


@contextmanager
def scene_of(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "stories", prepare) as host:
        host.start("/etc/postfix", OUT)
        yield host


@pytest.fixture(scope="module")
def scene(layers: Layers, base: Path) -> Iterator[Host]:
    """The host for all stories that leave its configuration as it is."""
    with scene_of(layers, base) as host:
        host.sink(answer=answers())
        yield host


@pytest.fixture
def changed(layers: Layers, base: Path) -> Iterator[Host]:
    """A host of one's own."""
    with scene_of(layers, base) as host:
        yield host


both = pytest.mark.bases("bookworm", "trixie")


@both
@pytest.mark.parametrize("each", STORIES, ids=str)
def test_a_story(scene: Host, each: Story) -> None:
    assert each.told(scene) == each.wanted


@both
@pytest.mark.parametrize("each", [HELD, FALLBACK], ids=str)
def test_a_story_of_a_host_of_its_own(changed: Host, each: Story) -> None:
    changed.sink()
    assert each.told(changed) == each.wanted


@both
def test_a_reply_that_is_longer_than_a_line_of_the_log(scene: Host) -> None:
    """postlogd(8) cuts the line, and the attempt is told all the same."""
    submit(scene, "long@far.example")
    told = story(scene, "long@far.example", "still in out's", 1)
    assert "deferred for <long@far.example> by 127.0.0.1[127.0.0.1]:2525" in told
    assert "last: SAID 450 4.2.0 xxx" in told
    assert max(map(len, scene.log().splitlines())) < 2100


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
