"""Hosts that break a rule of the theme logs, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    SECOND,
    SMTP,
    default,
    host,
    second,
)
from tests.unit.rules.fixture import Expected, Fixture

LOG = {"maillog_file": "/var/log/mail.log"}

FIXTURES = [
    Fixture(
        "one syslog_name",
        host(default(), second(syslog_name="postfix")),
        Expected(
            "syslog-name-shared",
            "/etc/postfix-out",
            ("its syslog_name postfix is that of /etc/postfix: the log does not tell them apart"),
            (
                "postconf -c /etc/postfix-out -e syslog_name=postfix-out && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "one syslog_name, the next taken",
        host(
            default(),
            second(name="x", syslog_name="postfix-out", master_service_disable="inet"),
            second(syslog_name="postfix"),
        ),
        Expected(
            "syslog-name-shared",
            "/etc/postfix-out",
            ("its syslog_name postfix is that of /etc/postfix: the log does not tell them apart"),
            (
                "postconf -c /etc/postfix-out -e syslog_name=postfix-out-2 && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "one syslog_name, in main.cf and master.cf",
        host(
            default(),
            second(SECOND[0], f"{SMTP} -o syslog_name=postfix/smtp", syslog_name="postfix"),
        ),
        Expected(
            "syslog-name-shared",
            "/etc/postfix-out",
            ("its syslog_name postfix is that of /etc/postfix: the log does not tell them apart"),
            (
                "postconf -c /etc/postfix-out -e syslog_name=postfix-out && postconf -c "
                "/etc/postfix-out -P smtp/unix/syslog_name=postfix-out/smtp && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "one maillog_file that is rotated",
        host(default(**LOG), second(**LOG), rotated=frozenset({"/var/log/mail.log"})),
        Expected(
            "maillog-shared",
            "/etc/postfix-out",
            (
                "its maillog_file /var/log/mail.log is that of /etc/postfix, which rotates it by "
                "postfix logrotate: what this instance logs then is lost. Rotate its own file by "
                "postfix -c /etc/postfix-out logrotate"
            ),
            (
                "postconf -c /etc/postfix-out -e maillog_file=/var/log/mail-out.log && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture("one maillog_file that nobody rotates", host(default(**LOG), second(**LOG))),
    Fixture(
        "another's syslog_name in master.cf",
        host(default(), second(SECOND[0], f"{SMTP} -o syslog_name=postfix/smtp")),
        Expected(
            "syslog-name-fixed",
            "/etc/postfix-out",
            ("smtp/unix of master.cf logs under another instance's name, not as postfix-out"),
            (
                "postconf -c /etc/postfix-out -P smtp/unix/syslog_name=postfix-out/smtp && postfix "
                "-c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "another's syslog_name in a disabled service",
        host(
            default(),
            second(
                f"{SECOND[0]} -o syslog_name=postfix/smtpd", SMTP, master_service_disable="inet"
            ),
        ),
    ),
    Fixture(
        "a syslog_name of its own",
        host(default(), second(SECOND[0], f"{SMTP} -o syslog_name=postfix-out/relay")),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_logs(fixture: Fixture) -> None:
    fixture.verify()
