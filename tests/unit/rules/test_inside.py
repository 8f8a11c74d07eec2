"""Hosts that break a rule of the theme inside, and hosts that look so and are sound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import FILE, OWN_NAMES, SECOND, STOCK, default, host, second
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.model import InstanceConfig

QUEUE = "/var/spool/postfix"
SASL = {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth",
}
OPEN = tuple(line.replace(" n - y ", " n - n ").replace("- - y", "- - n") for line in SECOND)
LMTP = "lmtp unix - - y - - lmtp"


def with_files(instance: InstanceConfig, *paths: str) -> InstanceConfig:
    """The same instance, where ``paths`` exist."""
    return replace(instance, files={**instance.files, **dict.fromkeys(paths, FILE)})


def found(what: str, message: str, remedy: str) -> Expected:
    reload = " && postfix -c /etc/postfix-out reload"
    return Expected(what, "/etc/postfix-out", message, f"{remedy}{reload}")


AUTH = f"{QUEUE}/private/auth"
FIXTURES = [
    Fixture(
        "a login socket in the default queue and a chroot",
        host(default(**SASL), with_files(second(**SASL), AUTH)),
        found(
            "socket-missing",
            "smtpd_sasl_path = private/auth: 10.0.0.1:smtp/inet looks for "
            "/var/spool/postfix-out/private/auth, which is not there; "
            "/var/spool/postfix/private/auth is",
            "postconf -c /etc/postfix-out -e smtpd_sasl_auth_enable=no",
        ),
    ),
    Fixture(
        "a login socket in the default queue and no chroot",
        host(default(**SASL), with_files(second(*OPEN, **SASL), AUTH)),
        found(
            "socket-missing",
            "smtpd_sasl_path = private/auth: 10.0.0.1:smtp/inet looks for "
            "/var/spool/postfix-out/private/auth, which is not there; "
            "/var/spool/postfix/private/auth is",
            "postconf -c /etc/postfix-out -e smtpd_sasl_path=/var/spool/postfix/private/auth",
        ),
    ),
    Fixture(
        "a login socket of its own",
        host(
            default(**SASL),
            with_files(second(**SASL), AUTH, "/var/spool/postfix-out/private/auth"),
        ),
    ),
    Fixture(
        "a milter in a list",
        host(
            default(),
            with_files(
                second(smtpd_milters="inet:[192.0.2.1]:8891, unix:opendkim/sock"),
                f"{QUEUE}/opendkim/sock",
            ),
        ),
        found(
            "socket-missing",
            "smtpd_milters = inet:[192.0.2.1]:8891, unix:opendkim/sock: 10.0.0.1:smtp/inet looks "
            "for /var/spool/postfix-out/opendkim/sock, which is not there; "
            "/var/spool/postfix/opendkim/sock is",
            "postconf -c /etc/postfix-out -e 'smtpd_milters=inet:[192.0.2.1]:8891'",
        ),
    ),
    Fixture(
        "a policy service by a full path in a chroot",
        host(
            default(),
            with_files(
                second(
                    smtpd_recipient_restrictions="reject_unauth_destination, "
                    "check_policy_service unix:/run/policy, permit"
                ),
                "/run/policy",
            ),
        ),
        found(
            "socket-missing",
            "smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service "
            "unix:/run/policy, permit: 10.0.0.1:smtp/inet looks for "
            "/var/spool/postfix-out/run/policy, which is not there; /run/policy is",
            "postconf -c /etc/postfix-out -e "
            "'smtpd_recipient_restrictions=reject_unauth_destination, permit'",
        ),
    ),
    Fixture(
        "a mailbox server in the default queue",
        host(
            default(),
            with_files(
                second(*SECOND, LMTP, mailbox_transport="lmtp:unix:private/lmtp-in", **OWN_NAMES),
                f"{QUEUE}/private/lmtp-in",
            ),
        ),
        found(
            "socket-missing",
            "mailbox_transport = lmtp:unix:private/lmtp-in: lmtp/unix looks for "
            "/var/spool/postfix-out/private/lmtp-in, which is not there; "
            "/var/spool/postfix/private/lmtp-in is",
            "postconf -c /etc/postfix-out -F lmtp/unix/chroot=n && postconf -c /etc/postfix-out -e "
            "mailbox_transport=lmtp:unix:/var/spool/postfix/private/lmtp-in",
        ),
    ),
    Fixture(
        "a cache in the file of the default instance",
        host(
            default(postscreen_cache_map="btree:/var/lib/postfix/postscreen_cache"),
            second(postscreen_cache_map="btree:/var/lib/postfix/postscreen_cache"),
        ),
        found(
            "cache-shared",
            "postscreen_cache_map = btree:/var/lib/postfix/postscreen_cache is the file of "
            "/etc/postfix: only one process can use it",
            "postconf -c /etc/postfix-out -e "
            "'postscreen_cache_map=btree:$data_directory/postscreen_cache'",
        ),
    ),
    Fixture(
        "a cache behind -o",
        host(
            default(*STOCK),
            second(
                f"{SECOND[0]} -o smtpd_tls_session_cache_database=btree:/var/lib/postfix/x",
                *SECOND[1:],
            ),
        ),
        found(
            "cache-shared",
            "smtpd_tls_session_cache_database = btree:/var/lib/postfix/x is the file of "
            "/etc/postfix: only one process can use it",
            "postconf -c /etc/postfix-out -P "
            "'10.0.0.1:smtp/inet/smtpd_tls_session_cache_database=btree:$data_directory/x'",
        ),
    ),
    Fixture(
        "caches of their own, and one that many may use",
        host(
            default(
                postscreen_cache_map="btree:/var/lib/postfix/p", address_verify_map="memcache:/m"
            ),
            second(
                postscreen_cache_map="btree:/var/lib/postfix-out/p",
                address_verify_map="memcache:/m",
            ),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_inside(fixture: Fixture) -> None:
    fixture.verify()
