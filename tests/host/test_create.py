"""postwrap create on private hosts: the talk's recipe in one command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import ADDRESS, SECOND_ADDRESS, Host
from tests.harness.snapshot import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUT = "/etc/postfix-out"


@pytest.fixture(scope="module")
def made(base: Path) -> Iterator[Host]:
    """A host on which `postwrap create out --address 10.0.0.1` was run."""
    with Host(base) as host:
        host.start_default()
        host.sh("cp -a /etc/postfix /root/before")
        host.postwrap("create", "out", "--address", SECOND_ADDRESS)
        yield host


def value(host: Host, parameter: str, directory: str = OUT) -> str:
    return host.run("postconf", "-c", directory, "-hx", parameter).stdout.strip()


def listening(host: Host) -> list[str]:
    """Where something listens, from the kernel's own table."""
    lines = host.run("ss", "-Htln").stdout.splitlines()
    return sorted(line.split()[3] for line in lines)


@pytest.mark.bases("bookworm", "trixie")
def test_users_and_servers_send_through_it(made: Host) -> None:
    assert made.running()
    assert made.running(OUT)
    assert made.run("postfix", "-c", OUT, "check").stderr == ""
    assert made.run("postfix", "check").stderr == ""
    made.run(
        *("/usr/local/sbin/sendmail-out", "alice@example.com"),
        input="Subject: by hand\n\nhello\n",
        user="alice",
    )
    made.wait_log("postfix-out/local", "<alice@example.com>", "status=sent")
    message_id = made.send("alice@example.com", address=SECOND_ADDRESS)
    queue_id = made.wait_log("postfix-out/cleanup", message_id).split("]: ")[1].split(":")[0]
    made.wait_log("postfix-out/local", queue_id, "status=sent")
    told = [line for line in made.log().splitlines() if queue_id in line]
    assert all(" postfix-out/" in line for line in told)
    assert message_id in made.read("/var/mail/alice")


@pytest.mark.bases("bookworm", "trixie")
def test_the_first_keeps_what_it_had(made: Host) -> None:
    before, after = tree(made, "/root/before"), tree(made, "/etc/postfix")
    changed = {name for name in before.keys() | after if before.get(name) != after.get(name)}
    assert changed == {"main.cf"}
    kept = before["main.cf"][3].decode()
    assert after["main.cf"][3].decode().startswith(kept)
    assert after["main.cf"][3].decode().removeprefix(kept).splitlines() == [
        "multi_instance_wrapper = ${command_directory}/postmulti -p --",
        "multi_instance_enable = yes",
        "multi_instance_directories = /etc/postfix-out",
    ]


@pytest.mark.bases("bookworm", "trixie")
def test_nothing_is_shared(made: Host) -> None:
    for parameter in ("queue_directory", "data_directory", "syslog_name", "myhostname"):
        assert value(made, parameter) != value(made, parameter, "/etc/postfix"), parameter
    tags = made.run("postconf", "-c", OUT, "-P", "*/*/syslog_name").stdout
    assert "= postfix/" not in tags
    data = made.path(value(made, "data_directory")).stat()
    assert data.st_mode & 0o777 == 0o700
    assert sorted(listening(made)) == ["10.0.0.1:25", "127.0.0.1:25", "88.198.105.204:25"]
    assert made.run("postmulti", "-l").stdout.split()[-4:] == ["postfix-out", "-", "y", OUT]


def test_it_can_be_stopped_and_started(made: Host) -> None:
    made.run("/usr/local/sbin/postfix-out", "stop")
    assert made.running()
    made.run("/usr/local/sbin/postfix-out", "start")
    assert made.running(OUT)


def test_the_same_again_does_nothing(made: Host) -> None:
    """Also where nobody could be asked; and what differs is named, and refused."""
    before = tree(made, "/etc"), tree(made, "/var/lib/postwrap")
    create = ("create", "out", "--address", SECOND_ADDRESS)
    for words in ((*create, "--yes"), create, (*create, "--dry-run"), (*create, "--json")):
        again = made.postwrap(*words, consent=False)
        assert again.returncode == 0
    assert made.postwrap(*create).stdout == f"{OUT}: exists already, as it is asked for\n"
    for options, told, remedy in (
        (("--group", "outgoing"), "--group outgoing (created with no --group)", "remove out"),
        (("--from", "/etc/postfix"), "--from /etc/postfix (created with no --from)", "remove out"),
        (
            ("--queue-lifetime", "2d"),
            "maximal_queue_lifetime = 2d",
            "postwrap role out --queue-lifetime 2d",
        ),
        (("--set", "smtp_helo_timeout=7s"), "smtp_helo_timeout = 7s", "--set smtp_helo_timeout=7s"),
        (
            ("--role", "outbound"),
            "default relayhost = [10.0.0.1]:25",
            "postwrap role out outbound",
        ),
    ):
        other = made.postwrap(*create, *options, check=False)
        assert other.returncode == 3, options
        assert f"{OUT}: exists, and is not as it is asked for: " in other.stderr
        assert told in other.stderr
        assert remedy in other.stderr.partition("remedy: ")[2]
    elsewhere = made.postwrap("create", "out", "--address", ADDRESS, check=False)
    assert elsewhere.returncode == 3
    assert f"--address {ADDRESS} (it does not listen there)" in elsewhere.stderr
    assert (tree(made, "/etc"), tree(made, "/var/lib/postwrap")) == before


def test_without_a_terminal_it_wants_consent(module_host: Host) -> None:
    before = tree(module_host, "/etc")
    for words in (("create", "new"), ("create", "new", "--json")):
        refused = module_host.postwrap(*words, consent=False, check=False)
        assert refused.returncode == 3
        assert "standard input is not a terminal, so nobody can be asked" in refused.stderr
        assert "remedy: give --yes" in refused.stderr
    assert "mkdir" in module_host.postwrap("create", "new", "--dry-run", consent=False).stdout
    assert tree(module_host, "/etc") == before
    assert not module_host.exists("/var/lib/postwrap")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (SECOND_ADDRESS, "10.0.0.1:25: /etc/postfix-out listens there"),
        ("127.0.0.1", "127.0.0.1: is what the default instance needs for itself"),
        (ADDRESS, f"{ADDRESS}: is what the default instance needs for itself"),
        ("192.0.2.1", "192.0.2.1: is not an address of this host"),
    ],
)
def test_what_is_taken_is_refused(address: str, reason: str, made: Host) -> None:
    before = tree(made, "/etc")
    refused = made.postwrap("create", "more", "--address", address, check=False)
    assert refused.returncode == 3
    assert reason in refused.stderr
    assert "remedy: " in refused.stderr
    assert tree(made, "/etc") == before
    assert not made.exists("/var/lib/postwrap/more.json")


PUBLIC = """
postconf -e inet_interfaces=all inet_protocols=all
postconf -M 'submission/inet=submission inet n - n - - smtpd -o syslog_name=postfix/submission'
postconf -P 'smtp/inet/content_filter=smtp:[127.0.0.1]:10024'
postconf -M '127.0.0.1:10025/inet=127.0.0.1:10025 inet n - n - - smtpd -o content_filter='
postconf -e 'smtpd_recipient_restrictions = reject_unknown_sender_domain'
"""
SEVERAL = ("--address", SECOND_ADDRESS, "--address", "2001:db8::25", "--group", "outgoing")
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fallback relay": (":", ("--address", SECOND_ADDRESS, "--role", "fallback-relay")),
    "content filter": (":", ("--address", "10.0.0.1:2525", "--role", "content-filter")),
    "public services": (PUBLIC, SEVERAL),
    "no listener": (":", ("--no-postmulti", "--set", "smtp_helo_timeout=17s", "--no-start")),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_transcript_does_what_the_command_does(way: str, base: Path) -> None:
    prepare, options = WAYS[way]
    trees = []
    files: dict[str, str] = {}
    for by_hand in (False, True):
        with Host(base) as host:
            host.add_address("2001:db8::25")
            host.sh(prepare)
            # postconf adds what is new in an order that differs from run to run.
            for path in ("/etc/postfix/main.cf", "/etc/postfix/master.cf"):
                host.write(path, files.setdefault(path, host.read(path)))
            host.age()
            host.start_default()
            if by_hand:
                told = host.postwrap("create", "out", *options, "--dry-run").stdout
                assert not host.exists(OUT)
                assert not host.exists("/var/lib/postwrap")
                host.make_command()
                host.run("sh", input=told)
            else:
                host.postwrap("create", "out", *options)
            assert host.running(OUT) is ("--no-start" not in options)
            assert host.run("postfix", "-c", "/etc/postfix", "check").stderr == ""
            trees.append([tree(host, "/etc/postfix"), tree(host, OUT), listening(host)])
    assert trees[0] == trees[1]


def test_all_interfaces_are_shared_out(base: Path) -> None:
    with Host(base) as host:
        host.add_address("2001:db8::25")
        host.sh(PUBLIC)
        host.age()
        host.start_default()
        done = host.postwrap("create", "out", *SEVERAL)
        told = " ".join(done.stderr.split())
        assert "left out: smtpd_recipient_restrictions reject_unknown_sender_domain" in told
        everywhere = (ADDRESS, SECOND_ADDRESS, "127.0.0.1", "[::1]", "[2001:db8::25]")
        wanted = {f"{address}:{port}" for port in (25, 587) for address in everywhere}
        assert listening(host) == sorted({*wanted, "127.0.0.1:10025"})
        overrides = host.run("postconf", "-c", OUT, "-P").stdout
        assert "content_filter" not in overrides
        assert "10.0.0.1:submission/inet/syslog_name = postfix-out/submission" in overrides
        assert "127.0.0.1:10025" not in host.run("postconf", "-c", OUT, "-M").stdout
        assert value(host, "smtp_bind_address6") == "::"
        for address in (SECOND_ADDRESS, "2001:db8::25"):
            message_id = host.send("alice@example.com", address=address)
            host.wait_log("postfix-out/cleanup", message_id)
        host.postwrap("remove", "out", "--purge")
        assert "smtpd_recipient_restrictions = reject_unknown_sender_domain" in host.read(
            "/etc/postfix/main.cf"
        )
        assert value(host, "inet_interfaces", "/etc/postfix") == "all"
        assert host.running()


def test_an_address_is_added_and_taken_away(host: Host) -> None:
    host.postwrap("create", "out", "--address", "10.0.0.7", "--add-address", "lo")
    assert "10.0.0.7:25" in listening(host)
    host.postwrap("remove", "out")
    assert "10.0.0.7" not in host.run("ip", "address").stdout


def test_json(host: Host) -> None:
    planned = host.postwrap("create", "out", "--address", "10.0.0.1", "--dry-run", "--json")
    document = json.loads(planned.stdout)
    assert document["schema"] == 1
    assert document["directory"] == OUT
    assert document["settled"]["listens at"] == "10.0.0.1:25"
    assert document["steps"][0]["shell"] == "cp -a /etc/postfix/. /etc/.postwrap.postfix-out"
    host.postwrap("create", "out", "--address", "10.0.0.1", "--json", "--no-start")
    assert not host.running(OUT)
    host.postwrap("create", "more", "--from", OUT, "--address", "10.0.0.1:2525")
    assert value(host, "syslog_name", "/etc/postfix-more") == "postfix-more"
    tags = host.run("postconf", "-c", "/etc/postfix-more", "-P", "*/*/syslog_name").stdout
    assert tags.strip() == "relay/unix/syslog_name = postfix-more/$service_name"
