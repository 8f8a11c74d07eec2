"""Stories that postwrap trace tells of real mail, word for word but for times and names.

`prepare` makes the host; a ``Story`` hands mail over and says what it is that trace then tells of
it. The texts are in tests/host/stories.
"""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.host import Host
    from tests.harness.mail import MailMachine

TEXTS = Path(__file__).parents[1] / "host" / "stories"
OUT = "/etc/postfix-out"
RETRY = ("minimal_backoff_time=2s", "maximal_backoff_time=3s", "queue_run_delay=2s")


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


def answers() -> Callable[[str, str], str | None]:
    """What the sink behind out says to each command: by the recipient's name."""
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

    return answer


def submit(host: MailMachine, *recipients: str, sender: str = "app", directory: str = "") -> str:
    """Hand in a message; its Message-ID."""
    name = f"{'-'.join(recipients).replace('@', '-at-')[:40]}@test.example"
    body = f"Message-ID: <{name}>\nSubject: x\n\nhello\n"
    options = ("-C", directory) if directory else ()
    host.run("sendmail", *options, "-f", sender, *recipients, input=body)
    return name


def story(host: MailMachine, what: str, until: str, status: int = 0, *options: str) -> str:
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
    return (TEXTS / f"{name}.txt").read_text()


@dataclass(frozen=True)
class Story:
    """What is handed over, what trace is asked for, and the words by which the story is over.

    `is_ordered`: its lines are told in one order; without, deliveries side by side in any.
    """

    name: str
    hand_over: Callable[[MailMachine], object]
    asked: str
    until: str
    status: int = 0
    is_ordered: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def wanted(self) -> list[str]:
        """The lines that trace shall tell."""
        return self._in_order(golden(self.name))

    def told(self, host: MailMachine) -> list[str]:
        """Hand over; the lines that trace tells when it is over."""
        self.hand_over(host)
        return self._in_order(story(host, self.asked, self.until, self.status))

    def _in_order(self, text: str) -> list[str]:
        lines = text.splitlines()
        return lines if self.is_ordered else sorted(lines)


def _refused(host: MailMachine) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        host.send("x@elsewhere.example")


def _forwarded(host: MailMachine) -> None:
    host.write("/home/alice/.forward", "bob@forward.example\n", owner="alice")
    try:
        host.send("alice@mail.example.com", sender="a@forward.example")
        story(host, "a@forward.example", "delivered to 127")
    finally:
        host.remove("/home/alice/.forward")


_SEVERAL = ("alice", "bob@b.example", "eve@b.example", "nobody@b.example", "full@b.example")

STORIES = (
    Story(
        "outbound", lambda h: submit(h, "bob@far.example"), "bob@far.example", "delivered to 127"
    ),
    Story(
        "a_bounce", lambda h: submit(h, "nobody@far.example"), "nobody@far.example", "local\n", 1
    ),
    Story(
        "greylisting",
        lambda h: submit(h, "grey@far.example"),
        "grey@far.example",
        "delivered to 127",
    ),
    Story(
        "several_recipients_with_several_ends",
        lambda h: submit(h, *_SEVERAL),
        "eve@b.example",
        "more",
        1,
        is_ordered=False,
    ),
    Story("a_message_refused", _refused, "x@elsewhere.example", "refused by", 1),
    Story("a_message_that_is_forwarded", _forwarded, "a@forward.example", "delivered to 127"),
)
"""On one host, whose configuration stays as it is."""


def _held(host: MailMachine) -> None:
    host.write("/etc/postfix/held", "/^Subject: hold/ HOLD please wait\n")
    host.postconf("header_checks=regexp:/etc/postfix/held")
    host.run("postfix", "reload")
    host.run("sendmail", "-f", "app", "held@far.example", input="Subject: hold it\n\nx\n")


def _fallen_back(host: MailMachine) -> None:
    host.postconf("relayhost=[127.0.0.1]:2599", "smtp_fallback_relay=[10.0.0.1]:25")
    host.run("postfix", "reload")
    submit(host, "bob@back.example")


HELD = Story("a_message_held", _held, "held@far.example", "on hold", 1)
FALLBACK = Story("a_fallback", _fallen_back, "bob@back.example", "delivered to 127")
