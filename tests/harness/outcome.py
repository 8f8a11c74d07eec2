"""What becomes of mail: paths through a host before a fault, with it, and after the remedies.

A path is where a message is handed over and the sink where it is to arrive. ``outcome`` plants a
fault, asks check for its code alone, pastes the remedies, and compares the paths:

    paths = [Path("public", sink, address="88.198.105.204"), Path("out", sink, submits=OUT)]
    outcome(host, paths, "postconf -e …", "listener-overlap")
"""

from __future__ import annotations

import json
import smtplib
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import make_msgid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness.mail import MailMachine
    from tests.harness.smtp import Sink

Found = dict[str, Any]
"""A finding as ``check --json`` prints it."""


@dataclass(frozen=True)
class Path:
    """One way of mail: by SMTP to ``address``, or by sendmail of the instance in ``submits``.

    ``user`` is who submits, None for root.
    """

    name: str
    sink: Sink
    recipient: str = "bob@example.net"
    address: str = ""
    port: int = 25
    submits: str = ""
    user: str | None = None

    def hand_over(self, host: MailMachine) -> str:
        """Hand a message over; its Message-ID, "" where it is not taken."""
        message_id = make_msgid(domain="client.example.net")
        head = f"From: <a@example.net>\nTo: <{self.recipient}>\nMessage-ID: {message_id}\n"
        return message_id if self._took(host, f"{head}Subject: {self.name}\n\nx\n") else ""

    def arrived(self, message_id: str) -> int:
        """How often the message has come to the sink."""
        return sum(m.message_id == message_id for m in self.sink.messages)

    def _took(self, host: MailMachine, text: str) -> bool:
        if self.submits:
            words = ("sendmail", "-C", self.submits, "-f", "a@example.net", self.recipient)
            try:
                done = host.run(*words, input=text, user=self.user, check=False, timeout=8)
            except subprocess.TimeoutExpired:  # postdrop waits for a queue that is not there
                return False
            return done.returncode == 0
        try:
            with host.smtp(self.address, self.port, source="127.0.0.1", timeout=5) as client:
                client.sendmail("a@example.net", self.recipient, text)
        except (OSError, smtplib.SMTPException):
            return False
        return True


@dataclass
class Outcome:
    """What was found, and which paths worked before the fault, with it and after the remedies."""

    found: list[Found]
    left: list[Found]
    before: set[str] = field(default_factory=set)
    faulty: set[str] = field(default_factory=set)
    after: set[str] = field(default_factory=set)

    @property
    def lost(self) -> set[str]:
        """The paths that worked before or with the fault and do not any more."""
        return (self.before | self.faulty) - self.after


def check(host: MailMachine) -> list[Found]:
    """Return what check finds; its status must say the same."""
    host.age()
    done = host.run("postwrap", "check", "--json", check=False)
    assert done.returncode in (0, 1), done.stderr
    found: list[Found] = json.loads(done.stdout)["findings"]
    assert done.returncode == bool(found)
    return found


def paste(
    host: MailMachine, found: Iterable[Found], *choices: str, takes_first: bool = False
) -> None:
    """Paste all remedies, each as a line of its own; of several, one whose "if" has a choice.

    What is left to the administrator stays so where no choice fits, unless ``takes_first``.
    """
    wanted = [choice for choice in choices if choice]
    for finding in found:
        chosen = [
            c["remedy"]
            for c in finding["choices"]
            if takes_first or any(word in c["when"] for word in wanted)
        ]
        assert finding["remedy"] or finding["choices"], finding
        for line in filter(None, [finding["remedy"], *chosen[:1]]):
            host.age()
            done = host.run("bash", "-c", line, check=False)
            assert done.returncode == 0, (line, done.stdout, done.stderr)


def working(host: MailMachine, paths: Iterable[Path], timeout: float = 8) -> set[str]:
    """Return the names of the paths by which a message handed over arrives, once."""
    host.age()
    sent = [(path, path.hand_over(host)) for path in paths]
    taken = [(path, message_id) for path, message_id in sent if message_id]
    with suppress(AssertionError):
        host.wait_for(lambda: all(p.arrived(m) for p, m in taken), timeout)
    return {path.name for path, message_id in taken if path.arrived(message_id) == 1}


def outcome(
    host: MailMachine,
    paths: list[Path],
    fault: str,
    *codes: str,
    choice: str = "",
    gone: Iterable[str] = (),
    after: str = "",
) -> Outcome:
    """Plant ``fault``, a script, and paste what check says; assert that no path is worse off.

    Check must find ``codes`` and no other, and nothing after the remedies. ``gone`` are the paths
    that no remedy gives back. Without ``choice`` the first of several remedies is pasted. ``after``
    is a script that starts what the fault had stopped.
    """
    before = working(host, paths)
    assert before, "no path works before the fault"
    assert check(host) == []
    host.sh(fault)
    faulty = working(host, paths)
    found = check(host)
    assert sorted({f["code"] for f in found}) == sorted(codes), found
    paste(host, found, choice, takes_first=not choice)
    host.age()
    host.sh(after)
    left = check(host)
    result = Outcome(found, left, before, faulty, set())
    result.after = restored(host, paths, (before | faulty) - {*gone})
    assert left == [], left
    assert result.lost - {*gone} == set(), result
    return result


_THROTTLE = 75
"""Seconds within which master(8) starts again what died: postconf(5) service_throttle_time."""


def restored(host: MailMachine, paths: list[Path], wanted: set[str]) -> set[str]:
    """Return the names of the paths that work, as soon as these are all that are ``wanted``."""
    end = time.monotonic() + _THROTTLE
    found: set[str] = set()
    while True:
        found |= working(host, [p for p in paths if p.name not in found])
        if found >= wanted or time.monotonic() > end:
            return found
        time.sleep(1)
