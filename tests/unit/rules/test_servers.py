"""Hosts whose servers of milters, policies, logins and tables are down, and sound ones."""

from __future__ import annotations

import pytest
from tests.unit.hosts import LOOPBACK, OUT, SECOND, default, held, host, second
from tests.unit.rules.fixture import Expected, Fixture

MILTER = {"smtpd_milters": "inet:127.0.0.1:8891", "milter_default_action": "tempfail"}
CLEANUP = "cleanup unix n - y - 0 cleanup"
RELOAD = f"postfix -c {OUT} reload"
DOWN = ("a program is to listen there, and is down", "ss -ltnp")


def unheard(message: str, *choices: tuple[str, str]) -> Expected:
    return Expected("server-unheard", OUT, message, "", (DOWN, *choices))


FIXTURES = [
    Fixture(
        "a milter",
        host(
            default(), second(*SECOND, CLEANUP, **MILTER, non_smtpd_milters=MILTER["smtpd_milters"])
        ),
        unheard(
            "smtpd_milters, non_smtpd_milters: nobody listens at inet:127.0.0.1:8891, where the "
            "milter is to be: Postfix refuses each message for now",
            (
                "the milter is not to be asked",
                (
                    f"postconf -c {OUT} -e smtpd_milters= && "
                    f"postconf -c {OUT} -e non_smtpd_milters= && {RELOAD}"
                ),
            ),
        ),
    ),
    Fixture(
        "a milter that listens", host(default(), second(**MILTER), sockets=(held(LOOPBACK, 8891),))
    ),
    Fixture(
        "a milter without which mail passes",
        host(default(), second(**{**MILTER, "milter_default_action": "accept"})),
    ),
    Fixture(
        "a milter with an action of its own",
        host(
            default(),
            second(smtpd_milters="{ inet:127.0.0.1:8891, default_action=accept }"),
        ),
    ),
    Fixture(
        "a milter elsewhere",
        host(default(), second(**{**MILTER, "smtpd_milters": "inet:192.0.2.9:8891"})),
    ),
    Fixture(
        "a policy service among other words",
        host(
            default(),
            second(
                smtpd_recipient_restrictions="permit_mynetworks, reject_unauth_destination, "
                "check_policy_service inet:127.0.0.1:10031"
            ),
        ),
        unheard(
            "smtpd_recipient_restrictions: nobody listens at inet:127.0.0.1:10031, where the "
            "policy service is to be: Postfix refuses each recipient for now",
            (
                "the policy service is not to be asked",
                (
                    f"postconf -c {OUT} -e 'smtpd_recipient_restrictions=permit_mynetworks, "
                    f"reject_unauth_destination' && {RELOAD}"
                ),
            ),
        ),
    ),
    Fixture(
        "a login",
        host(
            default(),
            second(
                smtpd_sasl_auth_enable="yes",
                smtpd_sasl_type="dovecot",
                smtpd_sasl_path="inet:127.0.0.1:12345",
            ),
        ),
        unheard(
            "smtpd_sasl_path: nobody listens at inet:127.0.0.1:12345, where the SASL server is to "
            "be: Postfix closes each connection",
            (
                "nobody is to log in",
                f"postconf -c {OUT} -e smtpd_sasl_auth_enable=no && {RELOAD}",
            ),
        ),
    ),
    Fixture(
        "a table",
        host(default(), second(relay_domains="socketmap:inet:127.0.0.1:7788:domains")),
        unheard(
            "relay_domains: nobody listens at socketmap:inet:127.0.0.1:7788, where the lookup "
            "table is to be: Postfix refuses for now, or keeps in the queue, what needs the table"
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_servers(fixture: Fixture) -> None:
    fixture.verify()
