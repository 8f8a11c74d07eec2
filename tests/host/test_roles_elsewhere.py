"""Under each role mail arrives at another host, once, whatever Postfix here was set up for.

The other host is a Neighbour: a network of its own at the end of a cable, with DNS for example.net.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import make_msgid
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.neighbour import ADDRESS as NEIGHBOUR
from tests.harness.neighbour import Neighbour
from tests.host.test_remove import killed, steps

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.smtp import Message, Sink

DEFAULT, OUT = "/etc/postfix", "/etc/postfix-out"
HERE = "127.0.0.2"
"""Where the README puts the instance: an address that every host has."""

FILTER = 10030
BOTH = pytest.mark.bases("bookworm", "trixie")

# What Debian's package and install.sh make of a host: postfix.postinst, main_mailer_type.
KINDS = {
    "internet-site": (),
    "local-only": (
        *("inet_interfaces=loopback-only", "inet_protocols=all"),
        *("default_transport=error", "relay_transport=error"),
    ),
    "smarthost": (f"relayhost=[{NEIGHBOUR}]",),
}

ROLES = ("fallback-relay", "content-filter", "outbound", "backup-mx")

# After each role each other one, in one walk.
EVERY_PAIR = tuple(
    {"F": ROLES[0], "C": ROLES[1], "O": ROLES[2], "B": ROLES[3]}[letter]
    for letter in "FCFOFBCOCBOBF"
)

OPTIONS = {
    "fallback-relay": (),
    "outbound": (),
    "content-filter": ("--filter", f"127.0.0.1:{FILTER}"),
    "backup-mx": ("--set", "relay_domains=example.net"),
}


@dataclass
class Site:
    """A host, the other host, and what that one has got."""

    host: Host
    neighbour: Neighbour
    sink: Sink = field(init=False)
    filtering: Sink = field(init=False)
    put_off: int = 0
    """How many recipients the neighbour still answers with 450."""

    def __post_init__(self) -> None:
        self.sink = self.neighbour.sink(answer=self._answer)
        self.filtering = self.host.sink("127.0.0.1", FILTER)

    def _answer(self, verb: str, _: str) -> str | None:
        if verb != "RCPT" or not self.put_off:
            return None
        self.put_off -= 1
        return "450 4.2.0 not now"

    def settings(self) -> dict[str, list[str]]:
        """What the default instance's main.cf and master.cf say."""
        told = {}
        for option in ("-n", "-M", "-P"):
            lines = self.host.run("postconf", "-c", DEFAULT, option).stdout.splitlines()
            told[option] = sorted(lines)
        return told

    def submit(self, *command: str) -> str:
        """Hand a message for bob@example.net to a command as a user does; its Message-ID."""
        message_id = make_msgid(domain="mail.example.com")
        text = f"Subject: x\nMessage-ID: {message_id}\n\nx\n"
        self.host.run(*command, "bob@example.net", input=text, user="app")
        return message_id

    def send(self, address: str) -> str:
        return self.host.send(
            "bob@example.net",
            sender="alice@example.com",
            address=address,
            source="127.0.0.1",
        )

    def arrived(self, *message_ids: str) -> list[Message]:
        """Each of these messages once it has come to the other host; once, and no bounce."""
        seen = self.sink.messages
        wanted = set(message_ids)
        self.host.wait_for(lambda: wanted <= {m.message_id for m in seen})
        for directory in (DEFAULT, OUT):
            self.host.wait_for(partial(self._is_empty, directory))
        found = [message for message in seen if message.message_id in wanted]
        assert sorted(m.message_id for m in found) == sorted(message_ids)
        assert "status=bounced" not in self.host.log()
        return found

    def _is_empty(self, directory: str) -> bool:
        return not self.host.exists(directory) or not self.host.queue(directory)

    def refilter(self, *message_ids: str) -> None:
        """Hand what the content filter has been given to the secondary, as the filter does."""
        seen = self.filtering.messages
        self.host.wait_for(lambda: {*message_ids} <= {m.message_id for m in seen})
        for message in [m for m in seen if m.message_id in message_ids]:
            with self.host.smtp(HERE, source="127.0.0.1") as client:
                client.sendmail(message.sender, list(message.recipients), message.data)
        assert len(seen) == len({m.message_id for m in seen}), "no loop"

    def role(self, role: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self.host.postwrap("role", "out", role, *OPTIONS[role], *options)


@contextmanager
def site_of(base: Path, kind: str) -> Iterator[Site]:
    with Host(base) as host, Neighbour(host, {"example.net": NEIGHBOUR}) as neighbour:
        host.postconf(*KINDS[kind])
        host.start_default()
        with host.aging():
            yield Site(host, neighbour)


def is_by_out(message: Message) -> bool:
    return b"by out.example.com" in message.data


def mail_flows(site: Site, kind: str, role: str) -> None:
    """Mail goes the way that the role is for, from both instances, by both doors."""
    own = site.submit("/usr/local/sbin/sendmail-out")
    site.arrived(own)
    if role == "backup-mx":
        assert all(map(is_by_out, site.arrived(site.send(HERE))))
        if kind == "local-only":
            return  # the default instance is none of its business, and stays as it was
    sent = [site.submit("sendmail"), site.send("127.0.0.1")]
    if role == "content-filter":
        site.refilter(*sent)
    messages = site.arrived(*sent)
    assert [is_by_out(m) for m in messages] == [role in ("content-filter", "outbound")] * 2
    if role == "fallback-relay":
        # What the default instance cannot deliver at its first attempt goes by the other.
        site.put_off = 1
        (message,) = site.arrived(site.submit("sendmail"))
        assert is_by_out(message)


def is_so_already(site: Site, role: str, *options: str) -> None:
    """The role that the instance has just been given, again: nothing is to be done."""
    before = site.settings(), site.host.read(f"{OUT}/main.cf")
    done = site.role(role, *options)
    assert done.stdout == f"{OUT}: nothing to change\n"
    assert (site.settings(), site.host.read(f"{OUT}/main.cf")) == before


def walk(base: Path, kind: str, roles: tuple[str, ...]) -> None:
    """Make the instance in the first role, give it each other in turn, remove it."""
    with site_of(base, kind) as site:
        before = site.settings()
        first = roles[0]
        site.host.postwrap("create", "out", "--address", HERE, "--role", first, *OPTIONS[first])
        made = site.settings()
        mail_flows(site, kind, first)
        is_so_already(site, first)
        again = ("create", "out", "--address", HERE, "--role", first, *OPTIONS[first])
        assert "exists already" in site.host.postwrap(*again).stdout
        for role in roles[1:]:
            site.role(role)
            is_so_already(site, role)
            mail_flows(site, kind, role)
        if roles[-1] == first:
            assert site.settings() == made
        site.host.postwrap("remove", "out", "--purge")
        assert site.settings() == before


@BOTH
@pytest.mark.parametrize("role", ROLES[1:])
def test_create_in_a_role_where_mail_was_delivered_here_alone(base: Path, role: str) -> None:
    walk(base, "local-only", (role,))


@BOTH
def test_each_role_after_each_other_where_mail_was_delivered_here_alone(base: Path) -> None:
    walk(base, "local-only", EVERY_PAIR)


@pytest.mark.parametrize("kind", ["internet-site", "smarthost"])
def test_one_role_after_the_other(base: Path, kind: str) -> None:
    walk(base, kind, (*ROLES, ROLES[0]))


def test_what_a_role_takes_out_is_shown(base: Path) -> None:
    """The plan says that the transports go, by the word and by the line to type."""
    with site_of(base, "local-only") as site:
        create = ("create", "out", "--address", HERE, "--role", "outbound")
        plan = json.loads(site.host.postwrap(*create, "--dry-run", "--json").stdout)
        shell = "\n".join(step["shell"] for step in plan["steps"])
        for name in ("default_transport", "relay_transport"):
            assert plan["settled"][f"default {name}"] == "(default) (was: error)"
            assert plan["settled"][f"left out: {name}"] == "error"
        assert f"postconf -c {DEFAULT} -X default_transport relay_transport" in shell


def test_a_plain_instance_that_bounces_says_so(base: Path) -> None:
    with site_of(base, "local-only") as site:
        told = site.host.postwrap("create", "out", "--address", HERE, "--dry-run").stderr
        assert "default_transport = error" in told
        told = site.host.postwrap(
            *("create", "out", "--address", HERE, "--dry-run"),
            *("--set", "default_transport=smtp", "--set", "relay_transport=relay"),
        ).stderr
        assert "default_transport" not in told


COMMON = (
    *("--queue-lifetime", "3d", "--set", "smtp_helo_timeout=45s"),
    *("--mynetworks", "127.0.0.0/8 192.0.2.0/24", "--helo-name", "mail.example.com"),
    *("--header-checks", "/etc/own_checks", "--body-checks", "/etc/own_checks"),
)
OWN = {
    "fallback-relay": ("--next-hop", f"[{HERE}]:25"),
    "outbound": ("--next-hop", f"[{HERE}]:25"),
    "content-filter": ("--hostname", "other.example.com"),
    "backup-mx": ("--hostname", "other.example.com"),
}


def certificate(host: Host) -> tuple[str, ...]:
    """Make a certificate, and return the options that name it."""
    certificate, key = "/etc/ssl/own.pem", "/etc/ssl/own.key"
    host.run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
        *("-subj", "/CN=out.example.com", "-keyout", key, "-out", certificate),
    )
    return "--tls-cert", certificate, "--tls-key", key


@pytest.mark.parametrize("kind", KINDS)
def test_a_role_with_options_given_twice(base: Path, kind: str) -> None:
    """The same command again changes nothing, whatever is on its line; nor without options."""
    with site_of(base, kind) as site:
        before = site.settings()
        site.host.write("/etc/own_checks", "/^X-Wanted: no/ REJECT\n")
        common = (*COMMON, *certificate(site.host))
        if kind == "internet-site":
            common = (*common, "--same-source-address")
        # amavisd's directory: it is told where to hand on to.
        site.host.sh("mkdir -p /etc/amavis/conf.d")
        site.host.run("postfix", "stop")
        site.host.postwrap("create", "out", "--address", HERE, "--no-start")
        for role in ROLES:
            for options in ((*common, *OWN[role]), ()):
                site.role(role, *options)
                is_so_already(site, role, *options)
        site.host.postwrap("remove", "out", "--purge")
        assert site.settings() == before


def test_another_filter_is_another_way_to_it(base: Path) -> None:
    """One that is not on loopback is not spoken to from 127.0.0.1; and back."""
    with site_of(base, "internet-site") as site:
        site.host.postwrap(
            *("create", "out", "--address", HERE, "--role", "content-filter"),
            *("--filter", f"127.0.0.1:{FILTER}"),
        )
        before = site.settings()
        far = site.neighbour.sink(port=FILTER)
        site.host.postwrap("role", "out", "content-filter", "--filter", f"{NEIGHBOUR}:{FILTER}")
        message_id = site.submit("sendmail")
        (message,) = far.wait()
        assert message.message_id == message_id
        assert message.client != "127.0.0.1"
        site.role("content-filter")
        assert site.settings() == before


# -- mail is not handed to an instance that bounces it

HOLD = ("--set", "defer_transports=smtp, relay")


def stuck(site: Site, role: str) -> str:
    """Make the instance in a role, with a message that it keeps; the Message-ID."""
    options = ("--address", HERE, "--role", role, *OPTIONS[role], *HOLD)
    site.host.postwrap("create", "out", *options)
    message_id = site.submit("/usr/local/sbin/sendmail-out")
    site.host.wait_for(lambda: [m["queue_name"] for m in site.host.queue(OUT)] == ["deferred"])
    return message_id


@BOTH
@pytest.mark.parametrize("role", ["outbound", "backup-mx"])
def test_no_mail_goes_to_a_default_instance_that_bounces_it(base: Path, role: str) -> None:
    """Whether it bounces now or once the role is taken back: refused, and the remedy works."""
    with site_of(base, "local-only") as site:
        message_id = stuck(site, role)
        before = site.settings()
        remove = ("remove", "out", "--requeue-to", "default", "--purge")
        for words in (remove, (*remove, "--dry-run")):
            refused = site.host.postwrap(*words, check=False)
            assert refused.returncode == 3
            assert f"{DEFAULT}: does not deliver mail for elsewhere" in refused.stderr
        assert site.settings() == before
        assert site.host.running(OUT)
        assert len(site.host.queue(OUT)) == 1
        site.host.sh(refused.stderr.partition("remedy: ")[2])
        site.host.postwrap(*remove)
        site.host.run("postqueue", "-f")
        site.arrived(message_id)


def test_requeue_hands_nothing_to_an_instance_that_bounces_it(base: Path) -> None:
    """postwrap requeue, the line of remove's transcript; another secondary will do."""
    with site_of(base, "local-only") as site:
        message_id = stuck(site, "backup-mx")
        site.host.run("postfix", "-c", OUT, "stop")
        requeue = ("requeue", "/var/spool/postfix-out")
        refused = site.host.postwrap(*requeue, "default", check=False)
        assert refused.returncode == 3
        assert "default_transport = error, relay_transport = error" in refused.stderr
        assert len(site.host.queue(OUT)) == 1
        site.host.postwrap("create", "two", "--address", "127.0.0.3", "--role", "outbound")
        site.host.postwrap(*requeue, "two")
        site.host.run("postqueue", "-c", "/etc/postfix-two", "-f")
        site.arrived(message_id)


def test_mail_of_an_instance_whose_creation_is_undone_does_not_bounce(base: Path) -> None:
    """It waits in its queue directory, and the command again, once mended, delivers it."""
    with site_of(base, "local-only") as site:
        host = site.host
        create = ("create", "out", "--address", HERE, "--role", "outbound")
        # Killed when the instance has run, and takes mail.
        assert killed(host, "after", steps(host, *create), *create, *HOLD)
        message_id = site.submit("sendmail", "-C", OUT)
        host.wait_for(lambda: [m["queue_name"] for m in host.queue(OUT)] == ["deferred"])
        failed = host.postwrap(*create, check=False)
        assert failed.returncode == 4
        assert f"{DEFAULT}: does not deliver mail for elsewhere" in failed.stderr
        assert not host.exists(OUT)
        assert "status=bounced" not in host.log()
        assert len(host.sh("find /var/spool/postfix-out/deferred -type f").stdout.split()) == 1
        host.sh(failed.stderr.partition("remedy: ")[2].partition(";")[0])
        host.postwrap(*create)
        host.run("postqueue", "-f")
        site.arrived(message_id)
