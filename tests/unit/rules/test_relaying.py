"""Hosts that break a rule of the theme relaying, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    ALL_NETWORKS,
    FAST,
    OWN_NAMES,
    PRIVATE,
    PUBLIC,
    SMTP,
    SMTPD,
    default,
    host,
    known,
    second,
)
from tests.unit.rules.fixture import Expected, Fixture

FIXTURES = [
    Fixture(
        "a fallback to itself",
        host(default(smtp_fallback_relay=f"[{PUBLIC}]:25", **FAST), second()),
        Expected(
            "fallback-loop",
            "/etc/postfix",
            ("mail goes in a circle: smtp_fallback_relay = [88.198.105.204]:25 of /etc/postfix"),
            ("postconf -e smtp_fallback_relay= && postfix reload"),
        ),
    ),
    Fixture(
        "a fallback in a circle",
        host(
            default(smtp_fallback_relay=f"[{PRIVATE}]:25", **FAST, **ALL_NETWORKS),
            second(relayhost="[mail.example.com]", **OWN_NAMES, **ALL_NETWORKS),
            names={"mail.example.com": known(PUBLIC)},
        ),
        Expected(
            "fallback-loop",
            "/etc/postfix-out",
            (
                "mail goes in a circle: smtp_fallback_relay = [10.0.0.1]:25 of /etc/postfix, "
                "relayhost = [mail.example.com] of /etc/postfix-out"
            ),
            ("postconf -c /etc/postfix-out -e relayhost= && postfix -c /etc/postfix-out reload"),
        ),
    ),
    Fixture(
        "a fallback in a list in a service",
        host(
            default(
                SMTPD, f"{SMTP} -o smtp_fallback_relay=[192.0.2.1],[{PUBLIC}],[192.0.2.2]", **FAST
            ),
            second(),
        ),
        Expected(
            "fallback-loop",
            "/etc/postfix",
            ("mail goes in a circle: smtp_fallback_relay = [88.198.105.204] of /etc/postfix"),
            (
                "postconf -P 'smtp/unix/smtp_fallback_relay=[192.0.2.1],[192.0.2.2]' && postfix "
                "reload"
            ),
        ),
    ),
    Fixture(
        "a fallback and a way on",
        host(
            default(smtp_fallback_relay=f"[{PRIVATE}]:25", **FAST),
            second(**OWN_NAMES, **ALL_NETWORKS),
        ),
    ),
    Fixture(
        "a fallback without brackets",
        host(default(smtp_fallback_relay="fallback.example.net:25, [192.0.2.9]", **FAST), second()),
        Expected(
            "fallback-by-mx",
            "/etc/postfix",
            (
                "smtp_fallback_relay = fallback.example.net:25, [192.0.2.9]: the MX of "
                "fallback.example.net:25 is looked up; [fallback.example.net]:25 is the host"
            ),
            (
                "postconf -e 'smtp_fallback_relay=[fallback.example.net]:25, [192.0.2.9]' && "
                "postfix reload"
            ),
        ),
    ),
    Fixture(
        "a fallback without brackets or port",
        host(default(smtp_fallback_relay="fallback.example.net", **FAST), second()),
        Expected(
            "fallback-by-mx",
            "/etc/postfix",
            (
                "smtp_fallback_relay = fallback.example.net: the MX of fallback.example.net is "
                "looked up; [fallback.example.net] is the host"
            ),
            ("postconf -e 'smtp_fallback_relay=[fallback.example.net]' && postfix reload"),
        ),
    ),
    Fixture(
        "a fallback without brackets in a service",
        host(
            default(SMTPD, f"{SMTP} -o smtp_fallback_relay=fallback.example.net", **FAST), second()
        ),
        Expected(
            "fallback-by-mx",
            "/etc/postfix",
            (
                "smtp_fallback_relay = fallback.example.net: the MX of fallback.example.net is "
                "looked up; [fallback.example.net] is the host"
            ),
            (
                "postconf -P 'smtp/unix/smtp_fallback_relay=[fallback.example.net]' && postfix "
                "reload"
            ),
        ),
    ),
    Fixture(
        "a slow fallback",
        host(default(smtp_fallback_relay="[192.0.2.1]"), second()),
        Expected(
            "fallback-slow",
            "/etc/postfix",
            (
                "smtp_fallback_relay is set, but a slow destination is waited for: "
                "smtp_connect_timeout = 30s, smtp_data_done_timeout = 600s"
            ),
            (
                "postconf -e smtp_connect_timeout=10s && postconf -e smtp_data_done_timeout=120s "
                "&& postfix reload"
            ),
        ),
    ),
    Fixture(
        "a slow fallback in a service",
        host(
            default(
                SMTPD,
                f"{SMTP} -o smtp_fallback_relay=[192.0.2.1] -o smtp_connect_timeout=1h",
                **FAST,
            ),
            second(),
        ),
        Expected(
            "fallback-slow",
            "/etc/postfix",
            (
                "smtp_fallback_relay is set, but a slow destination is waited for: "
                "smtp_connect_timeout = 1h"
            ),
            ("postconf -P smtp/unix/smtp_connect_timeout=10s && postfix reload"),
        ),
    ),
    Fixture("a next hop at no mail port", host(default(relayhost=f"[{PRIVATE}]:gopher"), second())),
    Fixture(
        "a next hop that nobody knows", host(default(relayhost="[nosuch.example.net]"), second())
    ),
    Fixture(
        "a next hop by MX to an instance", host(default(relayhost="mail.example.net"), second())
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_relaying(fixture: Fixture) -> None:
    fixture.verify()
