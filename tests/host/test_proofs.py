"""create and role prove both instances by a transaction; what fails is told in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.snapshot import tree

if TYPE_CHECKING:
    from tests.harness.host import Host

BOTH = pytest.mark.bases("bookworm", "trixie")
OUT = "/etc/postfix-out"
CREATE = ("create", "out", "--address", "10.0.0.1")
NO_SASL = (
    *("--set", "smtpd_sasl_auth_enable=yes", "--set", "smtpd_sasl_type=dovecot"),
    *("--set", "smtpd_sasl_path=/run/nobody"),
)
NO_MILTER = ("--set", "smtpd_milters=inet:127.0.0.1:9")
NO_TABLE = ("--set", "virtual_alias_maps=hash:/etc/none")
DEAD = "smtpd_milters=inet:127.0.0.1:9"


def remedy(stderr: str) -> str:
    return stderr.partition("remedy: ")[2].strip()


@BOTH
def test_an_instance_that_takes_no_mail_is_not_made(host: Host) -> None:
    """Each by its own words; the remedy runs though the instance is gone."""
    before = tree(host, "/etc/postfix")
    for options, told, logged in (
        (NO_SASL, "10.0.0.1:25: does not answer: ", "fatal: no SASL authentication mechanisms"),
        # Postfix 3.7 says 451 to MAIL, 3.10 greets with 421.
        (NO_MILTER, "10.0.0.1:25: takes no mail: 4", "warning: connect to Milter"),
        (NO_TABLE, "10.0.0.1:25: takes no mail: 451 4.3.0 ", ": warning: "),
    ):
        failed = host.postwrap(*CREATE, *options, check=False)
        assert failed.returncode == 4, failed
        assert told in failed.stderr, failed.stderr
        assert "what was done before is undone" in failed.stderr
        assert logged in failed.stderr.partition("its log says: postfix-out/")[2], failed.stderr
        shown = host.sh(remedy(failed.stderr)).stdout
        assert "postfix-out/" in shown
        assert tree(host, "/etc/postfix") == before
        assert not host.exists(OUT)
        assert host.running()


@BOTH
def test_what_cannot_start_says_why(host: Host) -> None:
    failed = host.postwrap(*CREATE, "--set", "default_process_limit=many", check=False)
    assert failed.returncode == 4
    assert "default_process_limit" in failed.stderr
    assert "what was done before is undone" in failed.stderr
    host.sh(remedy(failed.stderr))


@BOTH
def test_a_fresh_debian_has_its_domain_in_a_file(bare_host: Host) -> None:
    """As its package sets it up, where it is asked for nothing."""
    bare_host.write("/etc/mailname", "mail.example.com\n")
    bare_host.postconf("myorigin=/etc/mailname")
    bare_host.age()
    bare_host.start_default()
    bare_host.postwrap(*CREATE)
    assert bare_host.running(OUT)


@BOTH
def test_both_sides_are_proved_and_nothing_is_queued(host: Host) -> None:
    host.postwrap(*CREATE)
    assert host.queue() == host.queue(OUT) == []
    # The default instance asks a milter that is not there: that is its own fault, and named.
    host.postconf(DEAD)
    host.run("postfix", "reload")
    before = tree(host, "/etc/postfix")
    failed = host.postwrap("role", "out", "outbound", check=False)
    assert failed.returncode == 4
    assert "see that default still runs and takes mail: " in failed.stderr
    assert "takes no mail: 4" in failed.stderr
    assert "its log says: postfix/smtpd: warning: connect to Milter" in failed.stderr
    assert tree(host, "/etc/postfix") == before
    host.run("postconf", "-X", "smtpd_milters")
    host.age()
    host.run("postfix", "reload")
    host.postwrap("role", "out", "outbound")
    assert host.queue() == host.queue(OUT) == []
    spoken = [line for line in host.log().splitlines() if "disconnect from" in line]
    assert any("postfix-out/smtpd" in line and "rcpt=1 rset=1" in line for line in spoken), spoken
    assert any("postfix/smtpd" in line and "rcpt=1 rset=1" in line for line in spoken), spoken


@BOTH
def test_the_default_instance_speaks_from_its_own_address(host: Host) -> None:
    """From where it will send, not from where it is convenient: mynetworks decides by that."""
    host.add_address("10.9.9.9")
    host.postconf("smtp_bind_address=10.9.9.9", "inet_interfaces=88.198.105.204, 127.0.0.1")
    host.run("postfix", "reload")
    refused = host.postwrap(
        *(*CREATE, "--role", "outbound", "--mynetworks", "127.0.0.0/8 10.0.0.1/32"), check=False
    )
    assert refused.returncode == 3
    assert "lacks 10.9.9.9, from which the default instance sends" in refused.stderr
    networks = "127.0.0.0/8 10.0.0.1/32 10.9.9.9/32"
    host.postwrap(*CREATE, "--role", "outbound", "--mynetworks", networks)
    host.wait_log("postfix-out/smtpd", "connect from", "10.9.9.9")


BROKEN = {
    "unreadable": "echo nonsense >>$c/main.cf",
    "gone": "rm -r $c",
    "address": "postconf -c $c -e inet_interfaces=10.9.9.9; postconf -c $c -X mynetworks || :",
}


@BOTH
@pytest.mark.parametrize("kind", BROKEN)
def test_another_instance_that_is_broken_does_not_stand_in_the_way(host: Host, kind: str) -> None:
    """Nor does it when the default instance has to be restarted."""
    host.postconf("inet_interfaces=all")
    host.sh(
        "c=/etc/postfix-sys; cp -a /etc/postfix $c; rm -f $c/makedefs.out\n"
        "install -d /var/spool/postfix-sys\n"
        "install -d -o postfix -m 700 /var/lib/postfix-sys\n"
        "postconf -c $c -e queue_directory=/var/spool/postfix-sys syslog_name=postfix-sys\n"
        "postconf -c $c -e data_directory=/var/lib/postfix-sys multi_instance_name=postfix-sys\n"
        "postconf -c $c -e inet_interfaces=loopback-only; postconf -c $c -MX smtp/inet\n"
        "postconf -e multi_instance_directories=$c multi_instance_enable=yes\n"
        "postconf -e 'multi_instance_wrapper=${command_directory}/postmulti -p --'\n"
        f"{BROKEN[kind]}"
    )
    host.age()
    host.postwrap(*CREATE, "--role", "fallback-relay")
    assert host.running()
    assert host.running(OUT)
