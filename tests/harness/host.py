"""Private hosts: a Debian with Postfix and two users, its own network, gone when closed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from email.utils import make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from tests.harness.machine import Machine
from tests.harness.namespaces import Namespaces, elsewhere
from tests.harness.paths import CHECKOUT
from tests.harness.smtp import Client, Sink

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

STOCK = Path(__file__).with_name("stock.sh")

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


class Host(Machine):
    """A private host; `with Host() as host:` or close() it. `base` is a root directory.

    `network=True` keeps the machine's network, for pip and apt; such a host has none of the talk's
    addresses and must listen nowhere.
    """

    def __init__(
        self, base: Path = Path("/"), *, network: bool = False, stock: bool = True
    ) -> None:
        self.base = base
        self._sinks: list[Sink] = []
        here = base == Path("/")
        self._namespaces = Namespaces(
            base, network=network, show=[CHECKOUT, *(elsewhere() if here else [])]
        )
        super().__init__(self._namespaces.pid)
        try:
            self._open_way(CHECKOUT, *([Path(sys.prefix), Path(sys.base_prefix)] if here else []))
            if not network:
                self.run("ip", "link", "set", "lo", "up")
                self.add_address(ADDRESS, SECOND_ADDRESS)
            if stock:
                self.run("sh", "-s", input=STOCK.read_text())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything in the host."""
        for sink in self._sinks:
            sink.close()
        self._namespaces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_way(self, *directories: Path) -> None:
        """Let the host's users reach these directories, which may be under /root."""
        for directory in directories:
            for parent in self.path(directory, follow=True).parents:
                if parent == self.root:
                    break
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod((mode & 0o7777) | 0o011)

    def add_address(self, *addresses: str, device: str = "lo") -> None:
        """Give the host more addresses, of either family."""
        for address in addresses:
            bits = "128" if ":" in address else "32"
            self.run("ip", "address", "add", f"{address}/{bits}", "dev", device)

    # -- postwrap

    def postwrap(
        self, *args: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the checkout's postwrap; options as for run."""
        python = sys.executable if self.base == Path("/") else "/usr/bin/python3"
        environment = {
            "PYTHONPATH": str(CHECKOUT / "generator"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(env or {}),
        }
        return self.run(python, "-m", "postwrap", *args, env=environment, **options)

    # -- Postfix

    def start_default(self) -> None:
        """Start the default instance as the distribution's unit does."""
        # Debian 12 fills the chroot jail from the unit, Debian 13 from `postfix start` itself.
        self.sh(
            "filler=/usr/lib/postfix/configure-instance.sh\n"
            'if [ -x /etc/postfix/postfix-script ] && [ -x "$filler" ]; then "$filler" -; fi\n'
            "postfix start"
        )

    def talk_instance(
        self,
        name: str = "out",
        address: str = SECOND_ADDRESS,
        *,
        settings: Mapping[str, str] | None = None,
        start: bool = True,
    ) -> SecondInstance:
        """Make a second instance by hand, as the talk does; `settings` go into its main.cf."""
        made = SecondInstance(
            name=name,
            config_directory=f"/etc/postfix-{name}",
            queue_directory=f"/var/spool/postfix-{name}",
            data_directory=f"/var/lib/postfix-{name}",
            address=address,
        )
        self.sh(_TALK, name, address, made.config_directory)
        pairs = [f"{key}={value}" for key, value in (settings or {}).items()]
        self.postconf(*pairs, directory=made.config_directory)
        self.age()
        self.run("postfix", "-c", made.config_directory, "check")
        if start:
            self.run("postfix", "-c", made.config_directory, "start")
        return made

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
        found = self.path("/etc").glob("postfix*/main.cf")
        files = [self.path(d) / "main.cf" for d in directories] if directories else list(found)
        for file in files:
            if file.is_file():
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


_TALK = """
name=$1 address=$2 directory=$3
cp -a /etc/postfix "$directory"
postconf -c "$directory" -e "queue_directory = /var/spool/postfix-$name" \
    "data_directory = /var/lib/postfix-$name" "syslog_name = postfix-$name"
known=$(postconf -hx alternate_config_directories)
postconf -e "alternate_config_directories = ${known:+$known, }$directory"
# The copy knows no other instance.
postconf -c "$directory" -X alternate_config_directories multi_instance_directories
sed -i "s/^smtp  *inet/$address:smtp inet/" "$directory/master.cf"
# Debian's relay service carries a syslog_name of its own.
postconf -c "$directory" -PX relay/unix/syslog_name 2>/dev/null || :
mkdir "/var/spool/postfix-$name"
install -d -o postfix -g postfix -m 700 "/var/lib/postfix-$name"
"""
