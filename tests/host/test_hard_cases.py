"""What create, role and remove meet on servers with a history: each once lost something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.host import ADDRESS, SECOND_ADDRESS
from tests.harness.snapshot import tree
from tests.host.test_remove import CREATE, OUT, killed, left_of, queue, steps, submit
from tests.host.test_roles import DESTINATION, route, value

if TYPE_CHECKING:
    import subprocess

    from tests.harness.host import Host

BOTH = pytest.mark.bases("bookworm", "trixie")
RELAY = ("create", "out", "--address", SECOND_ADDRESS, "--role", "fallback-relay")


@BOTH
def test_a_configuration_behind_a_link_stays_the_default_instances(bare_host: Host) -> None:
    bare_host.sh("mv /etc/postfix /srv/postfix; ln -s /srv/postfix /etc/postfix")
    bare_host.start_default()
    before = tree(bare_host, "/srv/postfix")
    bare_host.postwrap(*CREATE)
    assert value(bare_host, "myhostname", "/etc/postfix") == "mail.example.com"
    assert not bare_host.path(OUT).is_symlink()
    bare_host.postwrap("remove", "out", "--purge")
    assert tree(bare_host, "/srv/postfix") == before
    assert bare_host.running()


# -- mail that is on its way while an instance goes

SLOW = "{ printf 'Subject: slow\\n\\n'; sleep 12; echo end; } | sendmail-out alice"


def slow_submission(host: Host) -> subprocess.Popen[bytes]:
    """Somebody whose message takes a while; the instance has begun to take it."""
    sending = host.popen("sh", "-c", f"PATH=$PATH:/usr/local/sbin; {SLOW}", user="app")
    host.wait_for(lambda: host.sh("ls /var/spool/postfix-out/maildrop").stdout)
    return sending


def test_a_submission_under_way_is_handed_on_too(host: Host) -> None:
    host.postwrap(*CREATE)
    sending = slow_submission(host)
    done = host.postwrap("remove", "out", "--purge", "--requeue-to", "default")
    assert "waiting for 1 message to be submitted" in done.stderr
    assert sending.wait() == 0
    host.wait_for(lambda: "end\n" in host.sh("cat /var/mail/alice || :").stdout)


def test_a_submission_under_way_keeps_the_instance(host: Host) -> None:
    host.postwrap(*CREATE)
    sending = slow_submission(host)
    done = host.postwrap("remove", "out", "--purge", check=False)
    assert done.returncode == 4
    assert "mail has come in meanwhile" in done.stderr
    assert sending.wait() == 0
    assert host.running(OUT)
    host.wait_for(lambda: "end\n" in host.sh("cat /var/mail/alice || :").stdout)


def test_what_a_killed_create_took_is_delivered(host: Host) -> None:
    assert killed(host, "after", steps(host, *CREATE), *CREATE)
    submit(host, "stays@nowhere.example")
    done = host.postwrap(*CREATE)
    assert "has taken over 1 message" in done.stderr
    assert [m["recipients"][0]["address"] for m in queue(host)] == ["stays@nowhere.example"]


def test_what_postfix_put_aside_is_not_purged(talk: Host) -> None:
    talk.write("/var/spool/postfix-out/corrupt/ABCDEF", "x")
    done = talk.postwrap("remove", "out", "--purge", check=False)
    assert done.returncode == 3
    assert "/var/spool/postfix-out/corrupt: holds mail" in done.stderr
    talk.postwrap("remove", "out")
    assert talk.sh("ls /var/spool/postfix-out.removed-*/corrupt").stdout == "ABCDEF\n"


# -- a role's mail flows, whatever the default instance has


@pytest.mark.parametrize(
    "script",
    [
        "postconf -e smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination",
        (
            "for list in client recipient; do postconf -P"
            " smtp/inet/smtpd_${list}_restrictions=permit_sasl_authenticated,reject; done"
        ),
        "postconf -e 'mydestination=${myhostname}, localhost' myhostname=example.org",
    ],
    ids=["relay", "service", "name"],
)
def test_a_fallback_relay_takes_mail_from_its_sibling(script: str, bare_host: Host) -> None:
    route(bare_host, "example.net")
    bare_host.sh(script)
    bare_host.age()
    bare_host.start_default()
    bare_host.postwrap(*RELAY)
    with bare_host.sink(DESTINATION, 25, answer=lambda verb, _: {"RCPT": "450 no"}.get(verb)):
        bare_host.run("sendmail", "bob@example.net", input="Subject: x\n\nx\n")
        bare_host.wait_log("postfix-out/smtp", "status=deferred", "450 no")
    assert "status=bounced" not in bare_host.log()
    assert value(bare_host, "myhostname").startswith("out.")
    assert len(value(bare_host, "myhostname").split(".")) >= 3
    public = value(bare_host, "myhostname", "/etc/postfix")
    assert public in value(bare_host, "mydestination").replace(",", " ").split()


@pytest.mark.parametrize(
    ("script", "options", "reason"),
    [
        (":", ("--hostname", "mail.example.com"), "mail between them loops"),
        ("postconf -e inet_protocols=ipv6 inet_interfaces=::1", (), "cannot speak to 10.0.0.1"),
    ],
    ids=["hostname", "family"],
)
def test_two_that_could_not_speak_are_refused(
    script: str, options: tuple[str, ...], reason: str, bare_host: Host
) -> None:
    bare_host.sh(script)
    bare_host.age()
    before = tree(bare_host, "/etc")
    done = bare_host.postwrap(*RELAY, *options, check=False)
    assert done.returncode == 3, done.stderr
    assert reason in done.stderr
    assert tree(bare_host, "/etc") == before


def test_what_is_to_be_said_is_said(host: Host) -> None:
    host.postconf("smtp_tls_security_level=encrypt")
    refused = host.postwrap(*RELAY, "--dry-run", check=False)
    assert refused.returncode == 3
    assert "encrypt, and /etc/postfix-out offers no TLS" in refused.stderr
    host.run("postconf", "-X", "smtp_tls_security_level")
    host.run("postconf", "-P", "smtp/inet/content_filter=smtp:[127.0.0.1]:10026")
    told = host.postwrap(*RELAY[:-1], "content-filter", "--dry-run", check=False).stderr
    assert "postconf -c /etc/postfix -PX smtp/inet/content_filter" in told


def test_an_outbound_instance_of_a_host_that_only_delivers_here(bare_host: Host) -> None:
    """Debian's "Local only" bounces the rest; the role takes that away, remove gives it back."""
    route(bare_host, "example.net")
    bare_host.postconf("default_transport=error", "relay_transport=error")
    bare_host.start_default()
    before = bare_host.read("/etc/postfix/main.cf")
    bare_host.postwrap(*RELAY[:-1], "outbound")
    with bare_host.sink(DESTINATION, 25) as sink:
        bare_host.run("sendmail", "bob@example.net", input="Subject: x\n\nx\n")
        sink.wait()
    bare_host.postwrap("remove", "out", "--purge")
    # What had gone is added at the end again.
    after = bare_host.read("/etc/postfix/main.cf")
    assert sorted(after.splitlines()) == sorted(before.splitlines())


def test_a_role_follows_a_role(host: Host) -> None:
    """The default instance has the share of the last one alone, and at the end none."""
    before = tree(host, "/etc/postfix")
    host.postwrap(*RELAY)
    plain = tree(host, "/etc/postfix")
    for role, settings in (
        ("content-filter", {"content_filter"}),
        ("outbound", {"relayhost"}),
        ("backup-mx", set()),
        ("fallback-relay", {"smtp_fallback_relay"}),
    ):
        needs = ("--relay-domains", "example.org") if role == "backup-mx" else ()
        host.postwrap("role", "out", role, *needs)
        names = ("content_filter", "relayhost", "smtp_fallback_relay")
        assert {n for n in names if value(host, n, "/etc/postfix")} == settings, role
        is_private = value(host, "smtpd_client_restrictions") == "permit_mynetworks, reject"
        assert is_private is (role != "backup-mx")
        services = host.run("postconf", "-M").stdout
        assert ("out-filter" in services) is (role == "content-filter")
    assert tree(host, "/etc/postfix")["main.cf"] == plain["main.cf"]
    host.postwrap("remove", "out", "--purge")
    assert tree(host, "/etc/postfix")["main.cf"] == before["main.cf"]


# -- services of all kinds


@BOTH
def test_services_that_are_no_smtpd(bare_host: Host) -> None:
    """postscreen at two addresses, each with a cache; and one that speaks no SMTP."""
    bare_host.add_address("2001:db8::25")
    bare_host.sh(
        "postconf -MX smtp/inet; postconf -M"
        " smtp/inet='smtp inet n - y - 1 postscreen' smtpd/pass='smtpd pass - - y - - smtpd'"
        " 628/inet='628 inet n - y - - qmqpd'\n"
        "postconf -e inet_protocols=all postscreen_greet_wait=1s"
    )
    bare_host.age()
    bare_host.start_default()
    bare_host.postwrap("create", "out", "--address", SECOND_ADDRESS, "--address", "2001:db8::25")
    for address in (SECOND_ADDRESS, "2001:db8::25", SECOND_ADDRESS):
        message_id = bare_host.send("alice@example.com", address=address)
        bare_host.wait_log("postfix-out/cleanup", message_id)
    assert "fatal" not in bare_host.log()


def test_a_name_in_inet_interfaces(bare_host: Host) -> None:
    names = f"{ADDRESS} mail.example.com\n{SECOND_ADDRESS} mail.example.com both.example.com\n"
    bare_host.write("/etc/hosts", f"127.0.0.1 localhost\n{names}")
    bare_host.postconf("inet_interfaces=both.example.com, mail.example.com, localhost")
    bare_host.start_default()
    bare_host.postwrap("create", "out", "--address", SECOND_ADDRESS)
    assert value(bare_host, "inet_interfaces", "/etc/postfix") == f"{ADDRESS}, localhost"


def test_a_service_of_somebody_elses_stays(host: Host) -> None:
    host.run("postconf", "-M", "out-filter/unix=out-filter unix - n n - - pipe user=app argv=/x")
    before = tree(host, "/etc")
    done = host.postwrap(*RELAY[:-1], "content-filter", check=False)
    assert done.returncode == 3
    assert "/etc/postfix/master.cf: has a service out-filter already" in done.stderr
    assert tree(host, "/etc") == before


# -- what is broken, full or gone


def test_a_queue_directory_spelled_with_a_slash(talk: Host) -> None:
    talk.postconf("queue_directory=/var/spool/postfix-out/", directory=OUT)
    talk.postwrap("remove", "out", "--purge")
    assert not talk.exists("/var/spool/postfix-out")
    assert not talk.exists(OUT)


def test_a_full_disk_under_the_journal(host: Host) -> None:
    before = tree(host, "/etc/postfix")
    for kilobytes in (4, 8, 16):
        host.sh(
            "mkdir -p /var/lib/postwrap; mount -t tmpfs -o size=$1k none /var/lib/postwrap",
            str(kilobytes),
        )
        done = host.postwrap(*CREATE, check=False)
        assert done.returncode == 4, kilobytes
        assert "/var/lib/postwrap/" in done.stderr
        assert "No space left on device" in done.stderr
        assert host.sh("ls -A /var/lib/postwrap").stdout == ""
        host.sh("umount /var/lib/postwrap; rmdir /var/lib/postwrap")
        assert left_of(host) == "", kilobytes
        assert tree(host, "/etc/postfix") == before
    assert host.running()


def test_a_queue_directory_that_went_from_under_a_running_instance(talk: Host) -> None:
    talk.run("rm", "-r", "/var/spool/postfix-out")
    done = talk.postwrap("remove", "out", check=False)
    assert done.returncode == 3
    (remedy,) = [line for line in done.stderr.splitlines() if "remedy: kill " in line]
    talk.sh(remedy.partition("remedy: ")[2])
    talk.wait_for(lambda: "10.0.0.1:25" not in talk.run("ss", "-Htln").stdout)
    talk.postwrap("remove", "out")
    assert not talk.exists(OUT)


@pytest.mark.parametrize("everything", [False, True])
def test_an_instance_that_was_taken_away_by_hand(everything: bool, host: Host) -> None:
    before = tree(host, "/etc/postfix")
    host.postwrap(*CREATE)
    host.sh(f"postfix -c {OUT} stop; rm -r {OUT}")
    if everything:
        host.sh("rm -r /var/spool/postfix-out /var/lib/postfix-out")
        # Its directory is still in the default's list.
        host.postwrap(*CREATE)
        host.sh(f"postfix -c {OUT} stop; rm -r {OUT}")
    done = host.postwrap("remove", "out")
    assert "is gone already" in done.stderr
    assert tree(host, "/etc/postfix") == before
    assert host.sh("ls /usr/local/bin /usr/local/sbin | grep -e -out || :").stdout == ""
    assert not host.exists("/var/lib/postwrap")
    assert host.running()


# -- words


@pytest.fixture(scope="module")
def odd(module_host: Host) -> Host:
    """Tables that cannot be used."""
    module_host.write("/etc/unmade", "x\n")
    module_host.write("/etc/wrong", "/(/ REJECT\n")
    module_host.run("mkdir", "-p", "/etc/a.pem")
    return module_host


WORDS: dict[tuple[str, ...], tuple[str, int]] = {
    ("--header-checks", "hash:/etc/unmade"): ("hash:/etc/unmade: ", 3),
    ("--header-checks", "nosuch:/etc/unmade"): ("nosuch:/etc/unmade: ", 3),
    ("--body-checks", "regexp:/etc/wrong"): ("regexp:/etc/wrong: ", 3),
    ("--header-checks", "checks"): ("is not a table in a file", 2),
    ("--tls-cert", "/etc/a.pem", "--tls-key", "/etc/a.pem"): ("--tls-cert /etc/a.pem: no such", 3),
    ("--tls-cert", "/etc/$x", "--tls-key", "/etc/$x"): (
        "--tls-cert /etc/$x: is not an absolute path",
        2,
    ),
    ("--filter", "127.0.0.1:10025"): ("--filter needs the role content-filter", 2),
    ("--role", "outbound", "--next-hop", "a b"): ("has to listen somewhere", 3),
    ("--role", "outbound", "--next-hop", "[10.0.0.1"): ("[10.0.0.1: is not a next hop", 2),
    ("--mynetworks", "foo"): ("--mynetworks foo: is not a network", 2),
    ("--mynetworks", "10.0.0.1/8"): ("--mynetworks 10.0.0.1/8: is not a network", 2),
    ("--set", "inet_interfaces=all"): ("--set inet_interfaces: is not for --set", 2),
    ("--set", "a=b", "--set", "a=c"): ("--set a: is given twice", 2),
    ("--queue-directory", "/etc/postfix/q"): ("/etc/postfix/q: lies in /etc/postfix", 3),
    ("--queue-directory", "/var/lib/x", "--data-directory", "/var/lib/x/"): ("one and the same", 3),
}


@pytest.mark.parametrize("options", WORDS, ids=" ".join)
def test_words_that_will_not_do(options: tuple[str, ...], odd: Host) -> None:
    reason, status = WORDS[options]
    done = odd.postwrap("create", "more", *options, check=False)
    assert (done.returncode, reason in done.stderr) == (status, True), done.stderr
    assert "remedy: " in done.stderr


@pytest.mark.parametrize(
    ("name", "status"), [("add-filter", 3), ("out.removed-2026-01-01", 2), ("postfix", 2)]
)
def test_names_that_will_not_do(name: str, status: int, odd: Host) -> None:
    assert odd.postwrap("create", name, check=False).returncode == status
    assert not odd.exists(f"/etc/postfix-{name}")


def test_a_transcript_keeps_bytes_as_they_are(host: Host) -> None:
    with host.path("/etc/postfix/main.cf").open("ab") as main:
        main.write(b"mydestination = $myhostname, caf\xe9.example\n")
    host.age()
    host.make_command()
    host.sh("postwrap create more --dry-run >/root/lines; sh /root/lines")
    assert b"caf\xe9.example, mail.example.com\n" in host.read_bytes("/etc/postfix-more/main.cf")


def test_long_names_get_a_host_name_that_holds(host: Host) -> None:
    refused = host.postwrap("create", "a" * 90, check=False)
    assert refused.returncode == 3
    assert "too long a path for the sockets" in refused.stderr
    host.postwrap("create", "a" * 66, "--no-start", "--queue-directory", "/var/spool/queue")
    name = host.run("postconf", "-c", f"/etc/postfix-{'a' * 66}", "-h", "myhostname").stdout
    assert name == f"{'a' * 63}.example.com\n"
    assert host.run("postfix", "-c", f"/etc/postfix-{'a' * 66}", "check").returncode == 0
