"""start, stop, restart, reload, enable and disable where no systemd runs the host."""

from __future__ import annotations

import os
import re
import smtplib
import threading
import time
from typing import TYPE_CHECKING

import pytest

from postwrap.errors import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

pytestmark = pytest.mark.bases("bookworm", "trixie")

NAMES = ("a", "b", "out")
MANY = 10 if os.environ.get("POSTWRAP_FAULTS") == "all" else 3
"""How many secondary instances are restarted under load."""


def prepare(host: Host) -> None:
    """The default instance relays to out, a to the default instance; b stands alone."""
    host.start_default()
    for number, name in enumerate(NAMES, 1):
        if number > 1:
            host.add_address(f"10.0.0.{number}")
        host.talk_instance(name, f"10.0.0.{number}", start=False)
    host.postconf("relayhost=[10.0.0.3]")
    host.postconf("relayhost=[88.198.105.204]", directory="/etc/postfix-a")
    host.postwrap("install")


@pytest.fixture
def four(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "running", prepare) as host:
        for number in range(2, 4):
            host.add_address(f"10.0.0.{number}")
        host.age()
        yield host


def logged(host: Host, text: str, before: str = "") -> list[str]:
    """The tags of the instances that logged `text` since the log was `before`, in order."""
    return re.findall(
        rf" (\S+)/(?:master|postfix-script)\[\d+\]: .*{text}", host.log().removeprefix(before)
    )


def done(host: Host, *words: str, status: int = 0) -> list[str]:
    said = host.postwrap(*words, check=False, timeout=120)
    assert said.returncode == status, said
    # The unit that the next boot starts it by is another matter.
    return [line.partition(" (")[0] for line in said.stdout.splitlines()]


def test_in_the_order_in_which_mail_goes(four: Host) -> None:
    said = done(four, "start")
    assert said == ["b: started", "out: started", "default: started", "a: started"]
    assert logged(four, "daemon started") == ["postfix-b", "postfix-out", "postfix", "postfix-a"]
    assert done(four, "start", "out") == ["out: runs already"]
    assert done(four, "reload") == [f"{n}: reloaded" for n in ("b", "out", "default", "a")]
    assert len(logged(four, "reload -- version")) == 4
    log = four.log()
    assert done(four, "restart", "default", "out") == ["out: restarted", "default: restarted"]
    four.wait_for(lambda: len(logged(four, "daemon started", log)) == 2)
    assert logged(four, "daemon started", log) == ["postfix-out", "postfix"]
    # What is said last may be lost with the instance's postlogd(8).
    stopped = logged(four, "stopping the Postfix mail system", log)
    assert stopped == [name for name in ("postfix", "postfix-out") if name in stopped] != []
    assert done(four, "stop") == [f"{n}: stopped" for n in ("a", "default", "out", "b")]
    assert not any(four.running(d) for d in ("/etc/postfix", "/etc/postfix-out"))
    assert done(four, "stop", "out") == ["out: does not run"]
    assert done(four, "reload") == [f"{n}: does not run" for n in ("b", "out", "default", "a")]
    assert done(four, "reload", "out", status=Status.FOUND) == []


def test_one_that_is_broken_stops_none(four: Host) -> None:
    done(four, "start")
    four.write("/etc/postfix-b/main.cf", "queue_directory = /nowhere\nat all\n")
    four.age()
    said = four.postwrap("restart", check=False, timeout=120)
    assert said.returncode == Status.FOUND
    assert "/etc/postfix-b: is not stopped, for it would not start" in said.stderr
    assert "remedy: postfix -c /etc/postfix-b check" in said.stderr
    assert sorted(said.stdout.splitlines()) == [f"{n}: restarted" for n in ("a", "default", "out")]
    four.run("chmod", "777", "/etc/postfix-b")
    said = four.postwrap("stop", check=False, timeout=120)
    assert said.returncode == Status.FOUND
    assert len(said.stdout.splitlines()) == 3
    assert four.postwrap("stop", "b", check=False).returncode == Status.REFUSED


def test_what_is_turned_off_is_left_alone_unless_it_is_named(four: Host) -> None:
    assert done(four, "disable", "b") == ["b: disabled"]
    assert done(four, "disable", "b") == ["b: is disabled already"]
    assert (
        four.run("postconf", "-c", "/etc/postfix-b", "-h", "multi_instance_enable").stdout == "no\n"
    )
    assert "b: left alone: multi_instance_enable = no" in done(four, "start")
    assert done(four, "start", "b") == ["b: started"]
    assert done(four, "enable", "b") == ["b: enabled"]
    assert done(four, "enable", "b") == ["b: is enabled already"]
    assert done(four, "disable", "--now", "b") == ["b: disabled", "b: stopped"]
    assert done(four, "enable", "--now", "b") == ["b: enabled", "b: started"]
    # That of an instance of its own is on already.
    before = four.read("/etc/postfix-out/main.cf")
    assert done(four, "enable", "out") == ["out: is enabled already"]
    assert four.read("/etc/postfix-out/main.cf") == before


def test_rolling_stops_at_the_first_that_takes_no_mail(four: Host) -> None:
    done(four, "start")
    before = four.run("cat", "/var/spool/postfix/pid/master.pid").stdout
    # Its smtpd dies at each connection.
    four.postconf(
        "smtpd_sasl_auth_enable=yes", "smtpd_sasl_type=dovecot", directory="/etc/postfix-out"
    )
    said = four.postwrap("restart", "--rolling", check=False, timeout=120)
    assert said.returncode == Status.FAILED
    assert said.stdout == "b: restarted\n"
    assert "postwrap: /etc/postfix-out: 10.0.0.3:25: " in said.stderr
    assert "no SASL authentication mechanisms" in said.stderr
    assert "not restarted: default, a" in said.stderr
    assert four.run("cat", "/var/spool/postfix/pid/master.pid").stdout == before
    four.postconf("smtpd_sasl_auth_enable=no", directory="/etc/postfix-out")
    assert done(four, "restart", "--rolling")[1:] == [
        "out: restarted",
        "default: restarted",
        "a: restarted",
    ]


class Clients:
    """Clients that submit to one instance all the time, by SMTP and by its sendmail."""

    def __init__(self, host: Host, name: str, address: str) -> None:
        self.host = host
        self.name = name
        self.address = address
        self.accepted: list[str] = []
        self.refused: list[float] = []
        self.failed: list[str] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=work) for work in (self._smtp, self._sendmail)]
        for thread in self.threads:
            thread.start()

    def _smtp(self) -> None:
        while not self.over.wait(0.05):
            subject = f"smtp-{self.name}-{len(self.accepted)}-{time.monotonic_ns()}"
            try:
                with self.host.smtp(self.address) as client:
                    client.sendmail(
                        "c@example.net", ["keep@sink.invalid"], f"Subject: {subject}\n\n"
                    )
                self.accepted.append(subject)
            except (ConnectionRefusedError, smtplib.SMTPServerDisconnected):
                self.refused.append(time.time())
            except OSError as error:  # a 421, or cut off: to be tried again
                self.failed.append(repr(error))

    def _sendmail(self) -> None:
        while not self.over.wait(0.05):
            subject = f"cmd-{self.name}-{len(self.accepted)}-{time.monotonic_ns()}"
            argv = (f"/usr/local/sbin/sendmail-{self.name}", "keep@sink.invalid")
            done = self.host.run(*argv, input=f"Subject: {subject}\n\nx\n", check=False)
            if done.returncode:
                self.failed.append(done.stderr)
            else:
                self.accepted.append(subject)

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


_LATE = 1.0
"""Seconds by which a busy machine may be late to see a line, or a client to note the time."""


def watched(host: Host, *words: str) -> dict[str, tuple[float, float]]:
    """From when to when it was each instance's turn: a line is printed at the end of each."""
    process = host.popen("/usr/local/sbin/postwrap", *words)
    turns: dict[str, tuple[float, float]] = {}
    begun = time.time()
    assert process.stdout
    for line in process.stdout:
        name, _, said = line.decode().partition(": ")
        assert said.startswith(("restarted", "reloaded"))
        turns[name] = begun, time.time()
        begun = turns[name][1]
    assert process.wait() == 0, process.stderr and process.stderr.read()
    return turns


def sent_once(log: str, name: str, texts: list[str]) -> bool:
    """Whether these are one queue file, whose first delivery was cut after its last line.

    Then smtp(8) had no reply yet when its instance was stopped, and logged nothing (RFC 1047).
    """
    ids = {re.findall(r"\sid (\w+)", text)[0] for text in texts}
    (queue_id,) = ids
    said = rf" postfix-{name}/smtp\[\d+\]: {queue_id}: .*status=sent"
    return len(re.findall(said, log)) == 1


@pytest.mark.parametrize("words", [("restart", "--rolling"), ("reload",)], ids=" ".join)
def test_no_mail_is_lost_under_load(four: Host, words: tuple[str, ...]) -> None:
    """Each message that was accepted is delivered once; only who is restarted refuses."""
    numbers = dict(zip(NAMES, range(1, 4), strict=True))
    for number in range(4, MANY + 1):
        four.add_address(f"10.0.0.{number}")
        four.talk_instance(f"n{number}", f"10.0.0.{number}", start=False)
        numbers[f"n{number}"] = number
    four.postwrap("install")
    four.make_command()
    sink = four.sink("127.0.0.1", 2525)
    for name in numbers:
        four.postconf(
            "transport_maps=inline:{sink.invalid=smtp:[127.0.0.1]:2525}",
            "mynetworks=127.0.0.0/8 10.0.0.0/8 88.198.105.204",
            directory=f"/etc/postfix-{name}",
        )
    done(four, "start")
    clients = [Clients(four, name, f"10.0.0.{number}") for name, number in numbers.items()]
    try:
        time.sleep(1)
        turns = watched(four, *words)
        time.sleep(1)
    finally:
        for client in clients:
            client.stop()
    accepted = [subject for client in clients for subject in client.accepted]
    assert turns.keys() == {*numbers, "default"}
    assert len(accepted) > 5 * len(clients)
    four.postwrap("each", "--", "postqueue", "-f")

    def arrived() -> dict[str, list[str]]:
        texts: dict[str, list[str]] = {}
        for message in sink.messages:
            text = message.data.decode()
            texts.setdefault(re.findall(r"(?m)^Subject: (\S+)", text)[0], []).append(text)
        return texts

    four.wait_for(lambda: set(accepted) <= arrived().keys(), 60)  # none is lost
    found = arrived()
    doubled = {subject: texts for subject, texts in found.items() if len(texts) > 1}
    if words == ("reload",):
        assert doubled == {}
    log = four.log()
    for subject, texts in doubled.items():
        name = subject.split("-")[1]
        assert sent_once(log, name, texts), f"doubled: {subject}"
    for client in clients:
        assert client.failed == []
        if words == ("reload",):
            assert client.refused == []
            continue
        begun, over = turns[client.name]
        outside = [m for m in client.refused if not begun - _LATE <= m <= over + _LATE]
        assert outside == []
