"""A machine with Postfix in it: its instances, its log, SMTP with it."""

from __future__ import annotations

import json
import os
import shlex
import time
from dataclasses import dataclass
from email.utils import make_msgid
from typing import TYPE_CHECKING, Any, TypedDict

from tests.harness.machine import Machine
from tests.harness.paths import CHECKOUT
from tests.harness.smtp import Client, Sink

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

ADDRESS = "88.198.105.204"
"""The talk's public address: the default instance's."""

SECOND_ADDRESS = "10.0.0.1"
"""The talk's private address: the second instance's."""


class Recipient(TypedDict):
    address: str
    delay_reason: str


class Queued(TypedDict):
    """A message as `postqueue -j` tells it."""

    queue_name: str
    queue_id: str
    sender: str
    recipients: list[Recipient]


@dataclass(frozen=True)
class SecondInstance:
    """Where an instance made by hand is."""

    name: str
    config_directory: str
    queue_directory: str
    data_directory: str
    address: str


class MailMachine(Machine):
    """A machine with Postfix: a private host, or a container that has booted."""

    python = "/usr/bin/python3"
    """The interpreter that runs postwrap."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self._sinks: list[Sink] = []

    def close(self) -> None:
        """Close the sinks."""
        for sink in self._sinks:
            sink.close()

    # -- postwrap

    def postwrap(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        consent: bool = True,
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run the checkout's postwrap; options as for run.

        Nobody can be asked here, so create is given --yes; without `consent` it is not.
        """
        if consent and args[:1] == ("create",) and "--yes" not in args:
            args = (*args, "--yes")
        environment = {
            "PYTHONPATH": str(CHECKOUT / "generator"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(env or {}),
        }
        return self.run(self.python, "-m", "postwrap", *args, env=environment, **options)

    def make_command(self) -> None:
        """Make the checkout's postwrap a command of the machine, as an installed one is."""
        path = shlex.quote(str(CHECKOUT / "generator"))
        self.write(
            "/usr/local/sbin/postwrap",
            f'#!/bin/sh\nexport PYTHONPATH={path}\nexec {self.python} -B -m postwrap "$@"\n',
            0o755,
        )

    # -- Postfix

    def postconf(self, *settings: str, directory: str = "/etc/postfix") -> None:
        """Set `name=value`s in an instance's main.cf; a running instance wants a reload."""
        if settings:
            self.run("postconf", "-c", directory, "-e", *settings)
        self.age(directory)

    def age(self, *directories: str) -> None:
        """Make main.cf look older (of all /etc/postfix* without arguments).

        Postfix's programs sleep until a main.cf is two seconds old before they trust it to be
        whole, so a test that has just changed one saves that time.
        """
        etc = self.path("/etc")
        found = [*etc.glob("postfix*/main.cf"), *etc.glob(".postwrap*/main.cf")]
        files = [self.path(d) / "main.cf" for d in directories] if directories else list(found)
        for file in files:
            if file.is_file() and file.stat().st_mtime > time.time() - 10:
                then = file.stat().st_mtime - 10
                os.utime(file, (then, then))

    def queue(self, directory: str = "/etc/postfix") -> list[Queued]:
        """What is queued in the instance of this configuration directory."""
        listed = self.run("postqueue", "-c", directory, "-j").stdout
        return [json.loads(line) for line in listed.splitlines()]

    def running(self, directory: str = "/etc/postfix") -> bool:
        """Whether the instance of this configuration directory runs."""
        return self.run("postfix", "-c", directory, "status", check=False).returncode == 0

    def log(self) -> str:
        """All that Postfix's instances have logged."""
        return self.read("/var/log/maillog") if self.exists("/var/log/maillog") else ""

    def wait_log(self, *texts: str, timeout: float = 20) -> str:
        """Wait for a log line that holds all these texts, and return it."""
        return self.wait_for(
            lambda: next(
                (line for line in self.log().splitlines() if all(text in line for text in texts)),
                "",
            ),
            timeout,
        )

    # -- SMTP

    def sink(
        self,
        address: str = "127.0.0.1",
        port: int = 2525,
        *,
        hostname: str = "sink.example.net",
        answer: Callable[[str, str], str | None] | None = None,
    ) -> Sink:
        """Start an SMTP server in the host that keeps what it is given; it ends with the host."""
        sink = Sink(self.pid, address, port, hostname=hostname, answer=answer)
        self._sinks.append(sink)
        return sink

    def smtp(
        self,
        address: str = ADDRESS,
        port: int = 25,
        *,
        source: str | None = None,
        helo: str = "client.example.net",
        timeout: float = 20,
    ) -> Client:
        """Connect to an SMTP server in the host: smtplib's client, as from `source`."""
        return Client(self.pid, address, port, source=source, helo=helo, timeout=timeout)

    def send(
        self,
        recipients: str | Sequence[str] = "alice@example.com",
        *,
        sender: str = "sender@example.net",
        address: str = ADDRESS,
        port: int = 25,
        source: str | None = None,
        helo: str = "client.example.net",
        body: str = "hello\n",
    ) -> str:
        """Send a message by SMTP and return its Message-ID; smtplib's exceptions on a refusal."""
        to = [recipients] if isinstance(recipients, str) else list(recipients)
        message_id = make_msgid(domain="client.example.net")
        header = (
            f"From: <{sender}>\r\nTo: <{to[0]}>\r\nMessage-ID: {message_id}\r\nSubject: test\r\n"
        )
        with self.smtp(address, port, source=source, helo=helo) as client:
            client.sendmail(sender, to, f"{header}\r\n{body}")
        return message_id
