"""Hosts that break a rule of the theme obsolete, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    OUT,
    SECOND,
    SMTP,
    default,
    host,
    second,
    warned,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.model import HostModel


def obsolete(
    name: str, advice: str = "", *, file: str = "main.cf", option: str = "", **settings: str
) -> HostModel:
    """A secondary instance with an obsolete parameter, as postconf 3.9 and later warn of it."""
    client = f"{SMTP} -o {option}" if option else SMTP
    warning = f'{OUT}/{file}: support for parameter "{name}" will be removed{advice}'
    return host(default(), warned(second(SECOND[0], client, **settings), warning))


FIXTURES = [
    Fixture(
        "smtpd_use_tls",
        obsolete(
            "smtpd_use_tls", '; instead, specify "smtpd_tls_security_level"', smtpd_use_tls="yes"
        ),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            (
                '/etc/postfix-out/main.cf: support for parameter "smtpd_use_tls" will be removed; '
                'instead, specify "smtpd_tls_security_level"'
            ),
            (
                "postconf -c /etc/postfix-out -X smtpd_use_tls && postconf -c /etc/postfix-out -e "
                "smtpd_tls_security_level=may && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "smtpd_use_tls beside smtpd_enforce_tls",
        obsolete("smtpd_use_tls", smtpd_use_tls="yes", smtpd_enforce_tls="yes"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "smtpd_use_tls" will be removed'),
            (
                "postconf -c /etc/postfix-out -X smtpd_use_tls && postconf -c /etc/postfix-out -e "
                "smtpd_tls_security_level=encrypt && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "smtp_enforce_tls",
        obsolete("smtp_enforce_tls", smtp_enforce_tls="yes"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "smtp_enforce_tls" will be removed'),
            (
                "postconf -c /etc/postfix-out -X smtp_enforce_tls && postconf -c /etc/postfix-out "
                "-e smtp_tls_security_level=encrypt && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "smtp_use_tls switched off",
        obsolete("smtp_use_tls", smtp_use_tls="no"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "smtp_use_tls" will be removed'),
            ("postconf -c /etc/postfix-out -X smtp_use_tls && postfix -c /etc/postfix-out reload"),
        ),
    ),
    Fixture(
        "smtp_use_tls beside its successor",
        obsolete("smtp_use_tls", smtp_use_tls="yes", smtp_tls_security_level="dane"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "smtp_use_tls" will be removed'),
            ("postconf -c /etc/postfix-out -X smtp_use_tls && postfix -c /etc/postfix-out reload"),
        ),
    ),
    Fixture(
        "a setting that does nothing",
        obsolete("smtpd_tls_eecdh_grade", "; do not specify", smtpd_tls_eecdh_grade="auto"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            (
                '/etc/postfix-out/main.cf: support for parameter "smtpd_tls_eecdh_grade" will be '
                "removed; do not specify"
            ),
            (
                "postconf -c /etc/postfix-out -X smtpd_tls_eecdh_grade && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture("no successor", obsolete("tls_daemon", tls_daemon="x")),
    Fixture(
        "DNS switched off in a service",
        obsolete("disable_dns_lookups", file="master.cf", option="disable_dns_lookups=yes"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            (
                '/etc/postfix-out/master.cf: support for parameter "disable_dns_lookups" will be '
                "removed"
            ),
            (
                "postconf -c /etc/postfix-out -PX smtp/unix/disable_dns_lookups && postconf -c "
                "/etc/postfix-out -P smtp/unix/smtp_dns_support_level=disabled && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "DNS switched off in main.cf",
        obsolete("disable_dns_lookups", disable_dns_lookups="yes"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            (
                '/etc/postfix-out/main.cf: support for parameter "disable_dns_lookups" will be '
                "removed"
            ),
            (
                "postconf -c /etc/postfix-out -X disable_dns_lookups && postconf -c "
                "/etc/postfix-out -e smtp_dns_support_level=disabled && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture("in no service", obsolete("disable_dns_lookups", file="master.cf")),
    Fixture(
        "no successor in a service",
        obsolete("tls_daemon", file="master.cf", option="tls_daemon=yes"),
    ),
    Fixture(
        "a table of sites",
        obsolete("smtp_tls_per_site", smtp_tls_per_site="hash:/etc/sites"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "smtp_tls_per_site" will be removed'),
            (
                "postmap -s hash:/etc/sites | sed 's/[[:space:]]NONE$/ none/I; s/[[:space:]]MAY$/ "
                "may/I; s/[[:space:]]MUST_NOPEERMATCH$/ encrypt/I; s/[[:space:]]MUST$/ verify/I' "
                ">/etc/sites-policy && postmap hash:/etc/sites-policy && postconf -c "
                "/etc/postfix-out -X smtp_tls_per_site && postconf -c /etc/postfix-out -e "
                "smtp_tls_policy_maps=hash:/etc/sites-policy && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a text table of sites",
        obsolete("lmtp_tls_per_site", lmtp_tls_per_site="texthash:/etc/sites"),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "lmtp_tls_per_site" will be removed'),
            (
                "postmap -s texthash:/etc/sites | sed 's/[[:space:]]NONE$/ none/I; "
                "s/[[:space:]]MAY$/ may/I; s/[[:space:]]MUST_NOPEERMATCH$/ encrypt/I; "
                "s/[[:space:]]MUST$/ verify/I' >/etc/sites-policy && postconf -c /etc/postfix-out "
                "-X lmtp_tls_per_site && postconf -c /etc/postfix-out -e "
                "lmtp_tls_policy_maps=texthash:/etc/sites-policy && postfix -c /etc/postfix-out "
                "reload"
            ),
        ),
    ),
    Fixture(
        "a table of sites that cannot be listed",
        obsolete("smtp_tls_per_site", smtp_tls_per_site="mysql:/etc/sites"),
    ),
    Fixture(
        "a table of sites beside policies",
        obsolete(
            "smtp_tls_per_site", smtp_tls_per_site="hash:/etc/s", smtp_tls_policy_maps="hash:/p"
        ),
        Expected(
            "obsolete-setting",
            "/etc/postfix-out",
            ('/etc/postfix-out/main.cf: support for parameter "smtp_tls_per_site" will be removed'),
            (
                "postconf -c /etc/postfix-out -X smtp_tls_per_site && postfix -c /etc/postfix-out "
                "reload"
            ),
        ),
    ),
    Fixture("gone from main.cf", obsolete("smtp_use_tls")),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_obsolete(fixture: Fixture) -> None:
    fixture.verify()
