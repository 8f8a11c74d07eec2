"""Hosts that break a rule of the theme filtering, and hosts that look so and are sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.hosts import (
    LOOPBACK,
    OWN_NAMES,
    PRIVATE,
    SECOND,
    SMTP,
    SMTPD,
    addresses,
    default,
    held,
    second,
)
from tests.unit.hosts import host as bare_host
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.addresses import Destination

if TYPE_CHECKING:
    from postwrap.host.model import HostModel, InstanceConfig

CHECKS = {
    "smtpd_recipient_restrictions": "permit_mynetworks, reject_rbl_client zen.example.org",
    "smtpd_client_restrictions": "reject_unknown_client_hostname",
}
FILTER = {"content_filter": "smtp:[127.0.0.1]:10024"}
RETURNED = (Destination("[127.0.0.1]:10025", "127.0.0.1", "10025"),)


def host(*instances: InstanceConfig, **facts: Any) -> HostModel:
    """A host whose content filter listens."""
    return bare_host(
        *instances, **{"sockets": (held(LOOPBACK, 10024), held(LOOPBACK, 10026)), **facts}
    )


FIXTURES = [
    Fixture(
        "a filter loop by amavisd",
        host(
            default(**FILTER),
            second("127.0.0.1:10025 inet n - y - - smtpd", *SECOND, **FILTER, **OWN_NAMES),
            filter_returns=RETURNED,
        ),
        Expected(
            "content-filter-loop",
            "/etc/postfix-out",
            (
                "content_filter = smtp:[127.0.0.1]:10024 at 127.0.0.1:10025, which is behind the "
                "filter: mail loops"
            ),
            (
                "postconf -c /etc/postfix-out -P 127.0.0.1:10025/inet/content_filter= && postfix "
                "-c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a filter loop in the one instance",
        host(
            default(SMTPD, "127.0.0.1:10025 inet n - y - - smtpd", SMTP, **FILTER),
            second(),
            filter_returns=RETURNED,
        ),
        Expected(
            "content-filter-loop",
            "/etc/postfix",
            (
                "content_filter = smtp:[127.0.0.1]:10024 at 127.0.0.1:10025, which is behind the "
                "filter: mail loops"
            ),
            ("postconf -P 127.0.0.1:10025/inet/content_filter= && postfix reload"),
        ),
    ),
    Fixture(
        "a filter loop in one service",
        host(
            default(
                SMTPD,
                "127.0.0.1:10025 inet n - y - - smtpd -o content_filter=scan:",
                SMTP,
                "scan unix - - n - 10 smtp",
            ),
            second(),
            filter_returns=RETURNED,
        ),
        Expected(
            "content-filter-loop",
            "/etc/postfix",
            ("content_filter = scan: at 127.0.0.1:10025, which is behind the filter: mail loops"),
            ("postconf -P 127.0.0.1:10025/inet/content_filter= && postfix reload"),
        ),
    ),
    Fixture(
        "a filter loop in the only listener",
        host(
            default(),
            second("127.0.0.1:10025 inet n - y - - smtpd", SMTP, **FILTER),
            filter_returns=RETURNED,
        ),
        Expected(
            "content-filter-loop",
            "/etc/postfix-out",
            (
                "content_filter = smtp:[127.0.0.1]:10024 at 127.0.0.1:10025, which is behind the "
                "filter: mail loops"
            ),
            (
                "postconf -c /etc/postfix-out -e content_filter= && postfix -c /etc/postfix-out "
                "reload"
            ),
        ),
    ),
    Fixture(
        "a filter that is taken off",
        host(
            default(
                SMTPD, "127.0.0.1:10025 inet n - y - - smtpd -o content_filter=", SMTP, **FILTER
            ),
            second(),
            filter_returns=RETURNED,
        ),
    ),
    Fixture(
        "a filter that was copied",
        host(default(**FILTER), second(**FILTER)),
        Expected(
            "content-filter-loop",
            "/etc/postfix-out",
            (
                "content_filter = smtp:[127.0.0.1]:10024 at 10.0.0.1:25, which is behind the "
                "filter: mail loops"
            ),
            (
                "postconf -c /etc/postfix-out -e content_filter= && postfix -c /etc/postfix-out "
                "reload"
            ),
        ),
    ),
    Fixture(
        "a filter by pipe that was copied",
        host(
            default(SMTPD, SMTP, "scan unix - n n - - pipe", content_filter="scan:"),
            second(*SECOND, "scan unix - n n - - pipe", content_filter="scan:"),
        ),
    ),
    Fixture(
        "a filter of its own",
        host(default(**FILTER), second(content_filter="smtp:[127.0.0.1]:10026")),
    ),
    Fixture(
        "a filter behind address translation",
        host(
            default(inet_interfaces=LOOPBACK, **FILTER),
            second(**FILTER),
            addresses=addresses(LOOPBACK, PRIVATE),
        ),
        Expected(
            "address-missing",
            "/etc/postfix-out",
            (
                "inet_interfaces names 88.198.105.204, which no interface "
                "has: the instance cannot start (fatal: parameter "
                "inet_interfaces: no local interface found for "
                "88.198.105.204)"
            ),
            "",
            (
                (
                    "this host is not to have 88.198.105.204",
                    (
                        "postconf -c /etc/postfix-out -e inet_interfaces=127.0.0.1 "
                        "&& postfix -c /etc/postfix-out stop && postfix -c "
                        "/etc/postfix-out start"
                    ),
                ),
                (
                    ("88.198.105.204 moves between hosts, and it is to start on either"),
                    (
                        "printf '%s\\n' 'net.ipv4.ip_nonlocal_bind = 1' "
                        ">/etc/sysctl.d/50-nonlocal-bind.conf && sysctl -q -p "
                        "/etc/sysctl.d/50-nonlocal-bind.conf && postconf -c "
                        "/etc/postfix-out -e inet_interfaces=127.0.0.1 && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "checks left",
        host(default(**CHECKS), second(**CHECKS)),
        Expected(
            "checks-left",
            "/etc/postfix-out",
            (
                "only own networks reach it, and it still has reject_unknown_client_hostname, "
                "reject_rbl_client, zen.example.org"
            ),
            (
                "postconf -c /etc/postfix-out -X smtpd_client_restrictions "
                "smtpd_recipient_restrictions && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "checks left and no other list",
        host(default(**CHECKS), second(smtpd_relay_restrictions="", **CHECKS)),
        Expected(
            "checks-left",
            "/etc/postfix-out",
            (
                "only own networks reach it, and it still has reject_unknown_client_hostname, "
                "reject_rbl_client, zen.example.org"
            ),
            (
                "postconf -c /etc/postfix-out -X smtpd_client_restrictions && postconf -c "
                "/etc/postfix-out -e 'smtpd_recipient_restrictions=permit_mynetworks, reject' && "
                "postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "checks of all but the last list left",
        host(
            default(smtpd_recipient_restrictions=CHECKS["smtpd_recipient_restrictions"]),
            second(
                smtpd_recipient_restrictions=CHECKS["smtpd_recipient_restrictions"],
                smtpd_relay_restrictions="",
            ),
        ),
        Expected(
            "checks-left",
            "/etc/postfix-out",
            ("only own networks reach it, and it still has reject_rbl_client, zen.example.org"),
            (
                "postconf -c /etc/postfix-out -e 'smtpd_recipient_restrictions=permit_mynetworks, "
                "reject' && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "checks that the listener leaves out",
        host(
            default(smtpd_client_restrictions="reject_unknown_client_hostname"),
            second(
                f"{SECOND[0]} -o smtpd_client_restrictions=permit",
                smtpd_client_restrictions="reject_unknown_client_hostname",
            ),
        ),
    ),
    Fixture(
        "checks at a wildcard",
        host(default(**CHECKS), second("0.0.0.0:2525 inet n - y - - smtpd", **CHECKS)),
    ),
    Fixture("checks without a default", host(second(**CHECKS))),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_filtering(fixture: Fixture) -> None:
    fixture.verify()
