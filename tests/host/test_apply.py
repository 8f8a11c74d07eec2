"""apply and export: declared instances on real Postfix, with mail."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.need import need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.snapshot import tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.host import Host

FILE = "/etc/postwrap.toml"
OUT, IN = "/etc/postfix-out", "/etc/postfix-in"
DESTINATION = "127.0.0.25"
TWO = """
[instance.out]
address = "10.0.0.1"
role = "fallback-relay"

[instance.in]
address = "10.0.0.1:2525"
queue-lifetime = "2d"
settings = { smtp_helo_timeout = "45s" }
"""

WHOLE = os.environ.get("POSTWRAP_FAULTS") == "all"
BOTH_OF_FAULTS = pytest.mark.bases(*(("bookworm", "trixie") if WHOLE else ("trixie",)))
"""What takes half a minute: on one Debian, but for ``tests/run faults``."""


def apply(host: Host, text: str = "", *words: str, status: int = 0) -> str:
    """What apply of this file says; its exit status is as expected."""
    if text:
        host.remove(FILE)
        host.write(FILE, text)
    with host.aging():
        done = host.postwrap("apply", *(words or ("--yes",)), check=False, timeout=600)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def configuration(host: Host, directory: str) -> dict[str, list[str]]:
    """What Postfix says of an instance."""
    return {
        option: sorted(host.run("postconf", "-c", directory, option).stdout.splitlines())
        for option in ("-n", "-M", "-P")
    }


def greeting(host: Host, address: str, port: int = 25) -> str:
    """The host name of the instance that listens there."""
    with host.smtp(address, port) as client:
        return client.ehlo()[1].decode().split()[0]


def settings_of_default(host: Host) -> tuple[str, str]:
    return host.read("/etc/postfix/main.cf"), host.read("/etc/postfix/master.cf")


def value(host: Host, parameter: str, directory: str = OUT) -> str:
    return host.run("postconf", "-c", directory, "-hx", parameter).stdout.strip()


@pytest.mark.bases("bookworm", "trixie")
def test_a_file_makes_two_instances_and_then_changes_nothing(host: Host, tmp_path: Path) -> None:
    need_tool("git")
    host.write("/etc/transport", f"example.net smtp:[{DESTINATION}]:25\n")
    host.run("postmap", "/etc/transport")
    host.postconf("transport_maps=hash:/etc/transport")
    host.run("postfix", "reload")
    before = settings_of_default(host)
    shown = apply(host, TWO, "--diff", status=1)
    assert settings_of_default(host) == before
    assert not host.exists(OUT)
    refused = host.postwrap("apply", check=False)
    assert (refused.returncode, "give --yes" in refused.stderr) == (3, True)
    said = apply(host)
    assert f"{OUT}: created" in said
    assert f"{IN}: created" in said
    # What --diff showed is what there is, byte for byte.
    for number, name in enumerate(("main.cf", "master.cf")):
        path = tmp_path / f"etc/postfix/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before[number])
    patch = shown.partition("in: its own queue directory")[0].encode()
    subprocess.run(("git", "apply", "-p1"), cwd=tmp_path, input=patch, check=True)
    for directory in ("/etc/postfix", OUT, IN):
        for name in ("main.cf", "master.cf"):
            shown_file = tmp_path / f"{directory.removeprefix('/')}/{name}"
            assert shown_file.read_text() == host.read(f"{directory}/{name}")
    # Mail that the default instance cannot deliver goes out by the fallback.
    answers = {"RCPT": "450 4.2.0 not now"}
    sink = host.sink(DESTINATION, 25, answer=lambda verb, _: answers.get(verb))
    message_id = host.send("bob@example.net", address="127.0.0.1", source="127.0.0.1")
    host.wait_log("postfix-out/smtp", "status=deferred", "450 4.2.0 not now")
    answers.clear()
    host.run("postqueue", "-c", OUT, "-f")
    (message,) = sink.wait()
    assert message.message_id == message_id
    # Nothing to do, whatever the order.
    host.sh("cp -a /etc /root/etc; cp -a /var/lib/postwrap /root/records")
    tables = TWO.strip().split("\n\n")
    for text in ("", "\n".join(reversed(tables))):
        assert apply(host, text) == "nothing to change\n"
        document = json.loads(apply(host, "", "--yes", "--json"))
        assert (document["changed"], document["problems"]) == (False, [])
    host.write(FILE, TWO)
    assert tree(host, "/root/etc") == tree(host, "/etc")
    assert tree(host, "/root/records") == tree(host, "/var/lib/postwrap")


def test_the_shell_lines_of_dry_run_make_the_same(host: Host) -> None:
    host.make_command()
    lines = apply(host, TWO, "--dry-run", status=1)
    script = lines[lines.index("(\n") :].rpartition(")")[0] + ")"
    host.run("sh", "-s", input=script)
    by_hand = {d: configuration(host, d) for d in ("/etc/postfix", OUT, IN)}
    # Nobody has recorded anything: they are removed, and made by apply.
    for name in ("out", "in"):
        host.postwrap("remove", name, "--purge")
    host.run(
        *("postconf", "-X", "smtp_fallback_relay", "smtp_connect_timeout", "smtp_helo_timeout"),
        *("smtp_data_done_timeout", "multi_instance_wrapper", "multi_instance_enable"),
    )
    host.age()
    apply(host)
    assert {d: configuration(host, d) for d in ("/etc/postfix", OUT, IN)} == by_hand


EVERY = """
[instance.out]
address = {address}
role = "{role}"
hostname = "relay.example.org"
helo-name = "helo.example.org"
mynetworks = "127.0.0.0/8 10.0.0.0/8 88.198.105.0/24"
same-source-address = true
queue-lifetime = "3d"
tls-cert = "/etc/ssl/own.pem"
tls-key = "/etc/ssl/own.pem"
header-checks = "regexp:/etc/postfix/checks"
body-checks = "regexp:/etc/postfix/checks"
syslog-name = "mail-out"
group = "outgoing"
no-postmulti = true
{more}
unset = ["readme_directory"]

[instance.out.settings]
smtp_helo_timeout = "45s"
smtp_tls_security_level = "may"

[instance.out.services]
"slow/unix" = "slow unix - - y - 1 smtp -o syslog_name=mail-out/slow"
"uucp/unix" = ""
"""
PLAIN = "[instance.out]\naddress = '10.0.0.1'\n"


@BOTH_OF_FAULTS
def test_every_option_changed_and_changed_back(host: Host) -> None:
    host.write("/etc/postfix/checks", "/^X-Test:/ WARN\n")
    host.sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=relay.example.org -days 2 "
        "-keyout /root/key -out /root/cert 2>/dev/null; cat /root/key /root/cert >/etc/ssl/own.pem"
    )
    host.add_address("10.0.0.2")
    host.postconf("inet_interfaces=all")
    host.sh("postfix stop; postfix start; cp -a /etc/postfix /root/before")
    apply(host, PLAIN)
    made = {d: configuration(host, d) for d in ("/etc/postfix", OUT)}
    default = settings_of_default(host)
    for role, more, places in (
        ("outbound", "next-hop = '[10.0.0.1]:25'", [("10.0.0.1", 25)]),
        ("backup-mx", "relay-domains = 'example.net'", [("10.0.0.2", 25)]),
        ("content-filter", "filter = '127.0.0.1:10030'", [("10.0.0.2", 2525)]),
        ("fallback-relay", "", [("10.0.0.2", 25), ("10.0.0.2", 2525)]),
    ):
        address = json.dumps([f"{place}:{port}" for place, port in places])
        said = apply(host, EVERY.format(role=role, more=more, address=address))
        assert f"{OUT}: changed" in said
        assert apply(host) == "nothing to change\n"
        assert (value(host, "myhostname"), value(host, "syslog_name")) == (
            *("relay.example.org", "mail-out"),
        )
        found = [greeting(host, *place) for place in (*places, ("88.198.105.204", 25))]
        assert found == ["relay.example.org"] * len(places) + ["mail.example.com"]
        free = "10.0.0.2" if ("10.0.0.1", 25) in places else "10.0.0.1"
        assert greeting(host, free) == "mail.example.com"
        assert OUT in value(host, "alternate_config_directories", "/etc/postfix")
        assert "uucp" not in str(configuration(host, OUT))
    stopped = PLAIN + "state = 'stopped'\n"
    assert f"{OUT}: changed" in apply(host, stopped)
    assert not host.running(OUT)
    assert value(host, "multi_instance_enable") == "no"
    assert apply(host) == "nothing to change\n"
    assert f"{OUT}: changed" in apply(host, PLAIN)
    assert host.running(OUT)
    assert {d: configuration(host, d) for d in ("/etc/postfix", OUT)} == made
    assert settings_of_default(host) == default
    apply(host, "[instance.out]\nstate = 'absent'\n")
    assert tree(host, "/root/before") == tree(host, "/etc/postfix")


def test_what_was_edited_is_shown_and_stays(host: Host) -> None:
    apply(host, TWO)
    default = settings_of_default(host)
    host.postconf("smtp_fallback_relay=[192.0.2.1]", "mydestination=localhost")
    host.postconf("smtp_helo_timeout=7s", directory=IN)
    edited = settings_of_default(host)
    said = apply(host, status=1)
    assert "/etc/postfix: smtp_fallback_relay: was edited: is '[192.0.2.1]'" in said
    assert f"{IN}: smtp_helo_timeout: was edited: is '7s', '45s' is declared" in said
    assert "mydestination" not in said
    assert settings_of_default(host) == edited
    document = json.loads(apply(host, "", "--yes", "--json", status=1))
    found: list[dict[str, Any]] = [d for i in document["instances"] for d in i["drift"]]
    assert [(d["name"], d["found"]) for d in found] == [
        ("smtp_helo_timeout", "7s"),
        ("smtp_fallback_relay", "[192.0.2.1]"),
    ]
    apply(host, "", "--yes", "--overwrite-edits", status=0)
    assert value(host, "smtp_helo_timeout", IN) == "45s"
    host.run("postconf", "-e", "mydestination=" + _stated(default[0], "mydestination"))
    assert settings_of_default(host) == default
    assert apply(host) == "nothing to change\n"


def _stated(text: str, name: str) -> str:
    found = [x for x in text.splitlines() if x.startswith(f"{name} =")]
    return found[-1].partition("=")[2].strip()


def test_mail_in_what_is_to_go(host: Host) -> None:
    """One instance with mail is refused, the rest is done; its mail can be handed on."""
    apply(host, TWO)
    host.run("sendmail", "-C", IN, "stays@nowhere.example", input="Subject: x\n\nx\n")
    host.wait_for(lambda: host.queue(IN))
    gone = TWO.partition("[instance.in]")[0] + "[instance.in]\nstate = 'absent'\n"
    assert "in: 1 message queued" in apply(host, gone, status=3)
    assert host.running(IN)
    other = gone.replace("fallback-relay", "outbound")
    said = apply(host, other, status=1)
    assert "in: 1 message queued" in said
    assert f"{OUT}: changed" in said
    handed = other + "requeue_to = 'out'\n"
    assert f"{IN}: removed" in apply(host, handed)
    assert not host.exists(IN)
    assert host.wait_for(lambda: host.queue(OUT))
    assert [m["recipients"][0]["address"] for m in host.queue(OUT)] == ["stays@nowhere.example"]
    assert apply(host) == "nothing to change\n"
    # Nobody declares out: it stays unless the file prunes, and with mail even then.
    assert apply(host, "[instance.in]\nstate = 'absent'\n") == "nothing to change\n"
    assert "out: 1 message queued" in apply(host, "prune = true\n", status=3)
    host.run("postsuper", "-c", OUT, "-d", "ALL")
    assert f"{OUT}: removed" in apply(host, "prune = true\n")
    assert not host.exists(OUT)


@BOTH_OF_FAULTS
def test_export_of_what_is_there(talk: Host) -> None:
    """An instance by hand, one by postmulti and one by postwrap; here and on a fresh host."""
    talk.add_address("10.0.0.2")
    talk.run("postmulti", "-e", "init")
    talk.run("postmulti", "-I", "postfix-multi", "-G", "mta", "-e", "create")
    talk.run("postconf", "-c", "/etc/postfix-multi", "-e", "inet_interfaces=10.0.0.2")
    talk.age()
    talk.postwrap(
        *("create", "in", "--address", "10.0.0.1:2525", "--role", "outbound", "--group", "g"),
        *("--set", "smtp_helo_timeout=45s", "--hostname", "in.example.org"),
    )
    places = (OUT, "/etc/postfix-multi", IN)
    before = {d: configuration(talk, d) for d in places}
    talk.sh("cp -a /etc /root/etc")
    text = talk.postwrap("export").stdout
    assert "#   /etc/aliases (alias_maps)" in text
    talk.write(FILE, text)
    assert apply(talk, "", "--diff") == ""
    assert apply(talk) == "nothing to change\n"
    talk.remove(FILE)
    assert tree(talk, "/root/etc") == tree(talk, "/etc")
    # A host on which none of them is.
    for name in ("in", "multi", "out"):
        talk.postwrap("remove", name, "--purge")
    talk.run("postconf", "-X", "alternate_config_directories", "multi_instance_directories")
    talk.run("postconf", "-e", "recipient_delimiter=-", "smtp_helo_timeout=9s", "relay_domains=x.y")
    talk.run("postconf", "-Me", "other/unix=other unix - - n - - smtp")
    talk.age()
    talk.run("postfix", "reload")
    said = apply(talk, text)
    for directory in places:
        assert f"{directory}: created" in said
    assert {d: configuration(talk, d) for d in places} == before
    assert apply(talk) == "nothing to change\n"


def test_killed_at_random_and_run_again(host: Host) -> None:
    """Whatever it was doing, the same command again brings the host there."""
    rounds = 15 if WHOLE else 1
    apply(host, TWO)
    wanted = {d: configuration(host, d) for d in ("/etc/postfix", OUT, IN)}
    gone = "[instance.out]\nstate = 'absent'\n[instance.in]\nstate = 'absent'\n"
    chance = random.Random(21)
    began = time.monotonic()
    apply(host, gone)
    takes = time.monotonic() - began
    for _ in range(rounds):
        for text in (TWO, gone):
            host.write(FILE, text)
            started = host.popen(
                *(host.python, "-m", "postwrap", "apply", "--yes"),
                env={"PYTHONPATH": str(CHECKOUT / "generator"), "PYTHONDONTWRITEBYTECODE": "1"},
                stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.3, takes))
            started.kill()
            started.wait()
            apply(host)
            assert apply(host) == "nothing to change\n"
            if text == TWO:
                assert {d: configuration(host, d) for d in wanted} == wanted
            else:
                assert not host.exists(OUT)
                assert not host.exists(IN)
