"""The talk's uses of a second instance, each proved by real mail."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import ADDRESS, SECOND_ADDRESS, Host
from tests.harness.need import need_root, need_tool
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.layers import Layers

OUT = "/etc/postfix-out"
DESTINATION = "127.0.0.25"


def send(host: Host, recipient: str) -> str:
    """Send a message to the first instance from where it relays."""
    return host.send(recipient, address="127.0.0.1", source="127.0.0.1")


def value(host: Host, parameter: str, directory: str = OUT) -> str:
    return host.run("postconf", "-c", directory, "-hx", parameter).stdout.strip()


def route(host: Host, *domains: str, relay: str = f"[{DESTINATION}]:25") -> None:
    """Make both instances of the future find the destination of these domains without DNS."""
    host.write("/etc/transport", "".join(f"{domain} smtp:{relay}\n" for domain in domains))
    host.run("postmap", "/etc/transport")
    host.postconf("transport_maps=hash:/etc/transport")


@pytest.fixture
def relay(bare_host: Host) -> Host:
    """A host whose first instance finds example.net; the role comes with create."""
    route(bare_host, "example.net")
    bare_host.start_default()
    bare_host.postwrap("create", "out", "--address", SECOND_ADDRESS, "--role", "fallback-relay")
    return bare_host


def test_fallback_relay_takes_what_cannot_be_delivered(relay: Host) -> None:
    answers = {"RCPT": "450 4.2.0 not now"}
    sink = relay.sink(DESTINATION, 25, answer=lambda verb, _: answers.get(verb))
    message_id = send(relay, "bob@example.net")
    relay.wait_log("postfix-out/smtp", "status=deferred", "450 4.2.0 not now")
    assert relay.queue() == []
    queued = relay.queue(OUT)
    assert [one["recipients"][0]["address"] for one in queued] == ["bob@example.net"]
    answers.clear()
    relay.run("/usr/local/sbin/postqueue-out", "-f")
    (message,) = sink.wait()
    assert message.message_id == message_id
    assert message.helo == "mail.example.com"
    assert relay.wait_for(lambda: relay.queue(OUT) == [])
    assert "greeted me with my own hostname" not in relay.log()
    assert "Relay access denied" not in relay.log()


def test_fallback_relay_takes_over_from_a_silent_destination(relay: Host) -> None:
    # What answers late looks silent for as long as the first instance is willing to wait.
    relay.postconf("smtp_helo_timeout=1s")
    relay.run("postfix", "-c", "/etc/postfix", "reload")
    silent = relay.popen("python3", "-c", SILENCE, DESTINATION)
    assert silent.stdout is not None
    silent.stdout.readline()
    message_id = send(relay, "carol@example.net")
    relay.wait_log("postfix-out/cleanup", message_id)
    relay.wait_for(lambda: relay.queue() == [])
    silent.kill()
    silent.wait()
    relay.wait_for(lambda: f"{DESTINATION}:25 " not in relay.run("ss", "-Htln").stdout)
    sink = relay.sink(DESTINATION, 25)
    relay.run("postfix", "-c", OUT, "stop")
    relay.run("postfix", "-c", OUT, "start")
    relay.run("postqueue", "-c", OUT, "-f")
    (message,) = sink.wait()
    assert message.message_id == message_id


SILENCE = """
import socket, sys, time
listener = socket.create_server((sys.argv[1], 25))
print("here", flush=True)
held = []
while True:
    held.append(listener.accept())
"""


def test_outbound_sends_from_the_address_that_receives(host: Host) -> None:
    host.add_address("88.198.105.205")
    route(host, "example.net")
    host.run("postfix", "reload")
    sink = host.sink(DESTINATION, 25)
    host.postwrap(
        *("create", "out", "--address", "88.198.105.205", "--role", "outbound"),
        *("--same-source-address", "--hostname", "out.example.com"),
    )
    host.run(
        *("/usr/local/sbin/sendmail-out", "bob@example.net"),
        input="Subject: x\n\nx\n",
        user="app",
    )
    (message,) = sink.wait()
    assert message.client == "88.198.105.205"
    assert message.helo == "out.example.com"
    # A private address is nobody's sender: there the first's, at which the host receives, is used.
    host.postwrap("create", "in", "--address", "10.0.0.1", "--same-source-address")
    assert value(host, "smtp_bind_address", "/etc/postfix-in") == ADDRESS


def test_outbound_carries_what_the_first_does_not_deliver(host: Host) -> None:
    host.postconf("relayhost=[127.0.0.25]:25")
    host.run("postfix", "reload")
    sink = host.sink(DESTINATION, 25)
    host.postwrap("create", "out", "--address", SECOND_ADDRESS, "--role", "outbound")
    assert value(host, "relayhost", "/etc/postfix") == "[10.0.0.1]:25"
    message_id = send(host, "bob@example.net")
    (message,) = sink.wait()
    assert message.message_id == message_id
    host.wait_log("postfix-out/smtp", "<bob@example.net>", "status=sent")
    host.postwrap("remove", "out", "--purge")
    assert value(host, "relayhost", "/etc/postfix") == "[127.0.0.25]:25"


def prepare_pair(host: Host) -> None:
    host.add_address("88.198.105.205")
    route(host, "example.net", "example.org")
    host.start_default()
    host.talk_instance(address="88.198.105.205")


@pytest.fixture
def pair(layers: Layers, base: Path) -> Iterator[Host]:
    """The talk's instance, made by hand, for roles and options given to it afterwards."""
    with layers.copy(base, "pair", prepare_pair) as host:
        host.add_address("88.198.105.205")
        host.start("/etc/postfix", OUT)
        yield host


def test_backup_mx_waits_longer(pair: Host) -> None:
    pair.postwrap("role", "out", "backup-mx", "--set", "relay_domains=example.org")
    assert value(pair, "maximal_queue_lifetime") == "20d"
    assert value(pair, "maximal_queue_lifetime", "/etc/postfix") == "5d"
    # Mail that is older than the one and younger than the other: each goes by its own.
    pair.postwrap("role", "out", "--queue-lifetime", "1d")
    lifetimes = {"/etc/postfix": "3s", OUT: "1d"}
    pair.postconf("maximal_queue_lifetime=3s", "minimal_backoff_time=1s", "queue_run_delay=1s")
    pair.postconf("minimal_backoff_time=1s", "queue_run_delay=1s", directory=OUT)
    for directory in lifetimes:
        # After a mere reload the old qmgr may still take the message, and put it off for minutes.
        pair.run("postfix", "-c", directory, "stop")
        pair.run("postfix", "-c", directory, "start")
    later = pair.sink(DESTINATION, 25, answer=lambda verb, _: "450 no" * (verb == "RCPT"))
    pair.run("sendmail", "-f", "alice@example.com", "bob@example.org", input="Subject: x\n\nx\n")
    pair.send("bob@example.org", address="88.198.105.205", source="127.0.0.1")
    pair.wait_log("postfix/qmgr", "status=expired, returned to sender")
    pair.wait_log("postfix-out/smtp", "<bob@example.org>", "status=deferred")
    time.sleep(3)
    assert "postfix-out/qmgr" not in "".join(
        line for line in pair.log().splitlines() if "status=expired" in line
    )
    assert [m["recipients"][0]["address"] for m in pair.queue(OUT)] == ["bob@example.org"]
    later.close()
    pair.run("postsuper", "-c", OUT, "-d", "ALL")


def certificate(host: Host, name: str) -> tuple[str, str]:
    """Make a certificate for a host name."""
    certificate, key = f"/etc/ssl/{name}.pem", f"/etc/ssl/{name}.key"
    host.run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
        *("-keyout", key, "-out", certificate),
    )
    return certificate, key


def presented(host: Host, address: str) -> str:
    """The name in the certificate that a server shows."""
    shown = host.run(
        *("openssl", "s_client", "-starttls", "smtp", "-connect", f"{address}:25"),
        input="QUIT\r\n",
    ).stdout
    pem = ssl.PEM_HEADER + shown.split(ssl.PEM_HEADER)[1].split(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER
    told = host.run("openssl", "x509", "-noout", "-subject", input=pem + "\n").stdout
    return told.split("=")[-1].strip()


def test_each_presents_its_own_certificate(pair: Host) -> None:
    first, first_key = certificate(pair, "mail.example.com")
    second, second_key = certificate(pair, "out.example.com")
    pair.postconf(
        f"smtpd_tls_cert_file={first}",
        f"smtpd_tls_key_file={first_key}",
        "smtpd_tls_security_level=may",
    )
    pair.run("postfix", "-c", "/etc/postfix", "reload")
    wrong = pair.postwrap("role", "out", "--tls-cert", second, "--tls-key", first_key, check=False)
    assert wrong.returncode == 3
    assert f"{first_key}: is not the key of {second}" in wrong.stderr
    other = pair.postwrap(
        *("role", "out", "--tls-cert", first, "--tls-key", first_key, "--dry-run"),
        *("--hostname", "out.example.com"),
    )
    assert f"{first}: is not for out.example.com" in other.stderr
    done = pair.postwrap("role", "out", "--tls-cert", second, "--tls-key", second_key)
    assert "is not for" not in done.stderr or value(pair, "myhostname") != "out.example.com"
    assert presented(pair, ADDRESS) == "mail.example.com"
    assert presented(pair, "88.198.105.205") == "out.example.com"


@pytest.mark.parametrize(
    ("option", "pattern"),
    [("--header-checks", "/^X-Wanted: no/"), ("--body-checks", "/^unwanted words/")],
)
def test_checks_of_the_second_alone(option: str, pattern: str, pair: Host) -> None:
    pair.write("/etc/own_checks", f"{pattern} REJECT {option}\n")
    pair.postwrap("role", "out", option, "/etc/own_checks")
    told = {}
    for address in (ADDRESS, "88.198.105.205"):
        with pair.smtp(address) as client:
            client.ehlo("client.example.net")
            client.mail("a@example.net")
            client.rcpt("alice@example.com")
            told[address] = client.data("X-Wanted: no\r\n\r\nunwanted words\r\n")
    assert told[ADDRESS][0] == 250
    assert told["88.198.105.205"][0] == 550
    assert option.encode() in told["88.198.105.205"][1]
    pair.postwrap("role", "out", "--set", f"{option.strip('-').replace('-', '_')}=")


@pytest.mark.parametrize(
    ("form", "remark"),
    [
        ("example.net", "means an MX lookup; [example.net] would mean that host"),
        ("relay.example.net", "means an MX lookup; [relay.example.net] would mean that host"),
        ("relay.example.net:2525", "means an MX lookup; [relay.example.net] would mean that host"),
        ("10.0.0.1", "wants brackets round the address: [10.0.0.1]"),
        ("[relay.example.net]:25", ""),
        ("[10.0.0.1]", ""),
        ("[10.0.0.1]:25", ""),
    ],
)
def test_forms_of_a_next_hop(form: str, remark: str, pair: Host) -> None:
    for options in (
        ("--set", f"smtp_fallback_relay={form}"),
        ("fallback-relay", "--next-hop", form),
    ):
        told = pair.postwrap("role", "out", *options, "--dry-run")
        assert f"smtp_fallback_relay={form}" in told.stdout.replace("'", "")
        assert ("MX lookup" in told.stderr or "brackets" in told.stderr) is bool(remark)
        assert remark in told.stderr


def test_content_filter_of_another_make(host: Host) -> None:
    """It learns who the client was, and what it hands back leaves by the second, once."""
    host.postconf("relayhost=[127.0.0.25]:25")
    host.run("postfix", "reload")
    host.postwrap(
        *("create", "out", "--address", SECOND_ADDRESS, "--role", "content-filter"),
        *("--filter", "127.0.0.1:10030"),
    )
    with host.sink("127.0.0.1", 10030) as filtering, host.sink(DESTINATION, 25) as sink:
        message_id = send(host, "bob@example.net")
        (filtered,) = filtering.wait()
        assert filtered.message_id == message_id
        assert filtered.xforward["ADDR"] == "127.0.0.1"
        assert "SOURCE" in filtered.xforward
        with host.smtp(SECOND_ADDRESS, source="127.0.0.1") as client:
            client.sendmail(filtered.sender, list(filtered.recipients), filtered.data)
        (message,) = sink.wait()
        assert message.message_id == message_id
        assert message.helo == "mail.example.com"
    assert len(filtering.messages) == 1, "no loop"


def test_removing_a_next_hop_says_who_still_names_it(pair: Host) -> None:
    pair.postwrap("create", "more", "--address", f"{SECOND_ADDRESS}:2525")
    pair.postconf("relayhost=[88.198.105.205]:25", directory="/etc/postfix-more")
    told = pair.postwrap("remove", "out", "--requeue-to", "default", "--dry-run").stderr
    assert "/etc/postfix-more: relayhost = [88.198.105.205]:25 still leads to it" in told
    pair.postwrap("remove", "more", "--purge")


@pytest.fixture
def filtered() -> Iterator[Host]:
    """A host with Debian's amavisd."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Host(variant("syslog", "bookworm")) as host:
        # As the boot does.
        host.run("install", "-d", "-o", "amavis", "-g", "amavis", "/run/amavis")
        yield host


def test_content_filter_with_amavisd(filtered: Host) -> None:
    host = filtered
    host.postconf("relayhost=[127.0.0.25]:25")
    host.start_default()
    sink = host.sink(DESTINATION, 25)
    done = host.postwrap("create", "out", "--address", SECOND_ADDRESS, "--role", "content-filter")
    assert "restart amavisd once this is done" in done.stderr
    own = host.read("/etc/amavis/conf.d/60-postfix-out")
    assert "$forward_method = 'smtp:[10.0.0.1]:25';" in own
    amavis = host.popen("/usr/sbin/amavisd", "foreground")
    host.wait_for(lambda: ":10024 " in host.run("ss", "-Htln").stdout, 60)
    message_id = send(host, "bob@example.net")
    (message,) = sink.wait(timeout=60)
    assert message.message_id == message_id
    assert message.helo == "mail.example.com"
    received = message.data.decode().count("\nReceived:") + 1
    assert received == 3, message.data  # the first, amavisd, the second: no loop
    # amavisd answers the first instance when the second has taken the message.
    passed = host.wait_log("relay=127.0.0.1[127.0.0.1]:10024", "status=sent")
    assert " postfix/smtp" in passed
    assert host.log().count("relay=127.0.0.1[127.0.0.1]:10024") == 1
    # The second knows from amavisd (XFORWARD) who spoke to the first.
    host.wait_log("postfix-out/smtpd", "orig_client=localhost[127.0.0.1]")
    left = host.wait_log("postfix-out/smtp", "relay=127.0.0.25[127.0.0.25]:25", "status=sent")
    assert "<bob@example.net>" in left
    # What was filtered for a local recipient is delivered by the second; aliases work behind it.
    send(host, "root@example.com")
    host.wait_log("postfix-out/local", "orig_to=<root@example.com>", "status=sent")
    # Under another name the way back to it is the same, and the file of amavisd follows.
    with host.aging():
        host.postwrap("rename", "out", "relay", "--yes", timeout=180)
    assert not host.exists("/etc/amavis/conf.d/60-postfix-out")
    assert host.read("/etc/amavis/conf.d/60-postfix-relay") == own.replace("-out", "-relay")
    message_id = send(host, "carol@example.net")

    # amavisd may still hold a connection to the instance that was stopped, and defers one message.
    def arrived() -> bool:
        host.run("postqueue", "-f")
        return message_id in [message.message_id for message in sink.messages]

    host.wait_for(arrived, 60)
    with host.aging():
        host.postwrap("rename", "relay", "out", "--yes", timeout=180)
    assert host.read("/etc/amavis/conf.d/60-postfix-out") == own
    amavis.kill()
    amavis.wait()
    removed = host.postwrap("remove", "out", "--purge")
    assert removed.returncode == 0
    assert not host.exists("/etc/amavis/conf.d/60-postfix-out")
    assert value(host, "content_filter", "/etc/postfix") == ""
    assert "out-filter" not in host.run("postconf", "-M").stdout
