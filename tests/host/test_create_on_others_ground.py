"""create on hosts whose settings lead into the default instance's queue, or to where it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"
BOTH = pytest.mark.bases("bookworm", "trixie")


def states(host: Host, parameter: str) -> str:
    """Return what main.cf of the new instance states of ``parameter``, "" for nothing."""
    lines = host.run("postconf", "-c", OUT, "-n").stdout.splitlines()
    found = (x.partition(" = ")[2] for x in lines if x.startswith(f"{parameter} ="))
    return next(found, "")


def greets(host: Host) -> bool:
    with host.smtp("10.0.0.1") as client:
        return client.noop()[0] == 250


@BOTH
def test_sockets_and_caches_are_not_the_default_instances(host: Host) -> None:
    host.postconf(
        *("smtpd_sasl_type=dovecot", "smtpd_sasl_path=private/auth", "smtpd_sasl_auth_enable=yes"),
        "address_verify_map=btree:/var/lib/postfix/verify_cache",
        "smtpd_milters=inet:[127.0.0.1]:8891, unix:milter/sock",
        "milter_default_action=accept",
    )
    done = host.postwrap("create", "out", "--address", "10.0.0.1", "--yes")
    assert "left out: smtpd_sasl_auth_enable" in done.stderr
    assert "left out: smtpd_milters" in done.stderr
    assert states(host, "address_verify_map") == "btree:$data_directory/verify_cache"
    assert states(host, "smtpd_milters") == "inet:[127.0.0.1]:8891"
    assert states(host, "smtpd_sasl_auth_enable") == "no"
    assert greets(host)


@BOTH
def test_an_instance_without_a_jail_names_the_socket_by_its_full_path(host: Host) -> None:
    host.postconf(
        *("smtpd_sasl_type=dovecot", "smtpd_sasl_path=private/auth", "smtpd_milters=unix:m/sock"),
        "milter_default_action=accept",
    )
    host.run("postconf", "-F", "smtp/inet/chroot=n")
    host.run("postconf", "-P", "smtp/inet/smtpd_sasl_auth_enable=no")
    host.postwrap("create", "out", "--address", "10.0.0.1", "--yes")
    assert states(host, "smtpd_milters") == "unix:/var/spool/postfix/m/sock"
    assert greets(host)


@BOTH
def test_routes_to_where_the_copy_stands_are_left_out(host: Host) -> None:
    host.write("/etc/postfix/transport", "far.example.net smtp:[10.0.0.1]:25\n* smtp:\n")
    host.run("postmap", "/etc/postfix/transport")
    host.postconf(
        *("relayhost=[10.0.0.1]", "transport_maps=hash:/etc/postfix/transport"),
        "smtp_fallback_relay=[10.0.0.1]:2525",
    )
    host.postwrap("create", "out", "--address", "10.0.0.1", "--yes")
    assert states(host, "relayhost") == ""
    assert states(host, "transport_maps") == ""
    # Another port is another server.
    assert states(host, "smtp_fallback_relay") == "[10.0.0.1]:2525"


def test_a_table_that_leads_elsewhere_stays(host: Host) -> None:
    host.write("/etc/postfix/transport", "far.example.net smtp:[192.0.2.1]:25\n")
    host.run("postmap", "/etc/postfix/transport")
    host.postconf("transport_maps=hash:/etc/postfix/transport", "relayhost=[192.0.2.1]")
    host.postwrap("create", "out", "--address", "10.0.0.1", "--yes")
    assert states(host, "transport_maps") == "hash:/etc/postfix/transport"
    assert states(host, "relayhost") == "[192.0.2.1]"


@BOTH
def test_another_instance_that_postmulti_cannot_read_does_not_stop_create(host: Host) -> None:
    host.talk_instance("sys", "10.0.0.1", start=False)
    host.run("postconf", "-c", "/etc/postfix-sys", "-X", "mynetworks", check=False)
    host.postconf("inet_interfaces=10.9.9.9", directory="/etc/postfix-sys")
    host.run("postconf", "-X", "alternate_config_directories")
    host.postconf("multi_instance_directories=/etc/postfix-sys", "multi_instance_enable=yes")
    assert host.run("postmulti", "-l", check=False).returncode != 0
    host.postwrap("create", "out", "--address", "127.0.0.2", "--yes")
    with host.smtp("127.0.0.2") as client:
        assert client.noop()[0] == 250


def test_a_proof_that_fails_tells_what_the_program_said(host: Host) -> None:
    sasl = ("smtpd_sasl_auth_enable=yes", "smtpd_sasl_type=dovecot", "smtpd_sasl_path=private/no")
    options = [word for setting in sasl for word in ("--set", setting)]
    done = host.postwrap("create", "out", "--address", "10.0.0.1", "--yes", *options, check=False)
    assert done.returncode == 4
    assert "smtpd: fatal: no SASL authentication mechanisms" in done.stderr
    assert not host.exists(OUT)
    assert json.loads(host.postwrap("list", "--json").stdout)["instances"][1:] == []
