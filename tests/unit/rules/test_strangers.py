"""Instances that relay for a large part of the Internet, and instances that look so."""

from __future__ import annotations

import pytest
from tests.unit.hosts import OUT, PRIVATE, default, host, second
from tests.unit.rules.fixture import Expected, Fixture

NETS = "127.0.0.0/8 0.0.0.0/0"


def opened(where: str, has: str, remedy: str) -> Expected:
    message = f"{has}: whoever has an address there relays to anybody"
    return Expected(
        "open-relay", where, message, "", (("these are not your own networks", remedy),)
    )


FIXTURES = [
    Fixture(
        "all of the Internet",
        host(default(mynetworks=NETS), second()),
        opened(
            "/etc/postfix",
            "mynetworks has 0.0.0.0/0",
            "postconf -e mynetworks=127.0.0.0/8 && postfix reload",
        ),
    ),
    Fixture(
        "the class of the address, in a service at every address",
        host(
            default(),
            second("2525 inet n - y - - smtpd -o mynetworks=88.0.0.0/8", inet_interfaces="all"),
        ),
        opened(
            OUT,
            "mynetworks of 2525/inet has 88.0.0.0/8",
            f"postconf -c {OUT} -P '2525/inet/mynetworks=127.0.0.0/8,[::1]/128' && "
            f"postfix -c {OUT} reload",
        ),
    ),
    Fixture("private networks", host(default(mynetworks="127.0.0.0/8 10.0.0.0/8"), second())),
    Fixture("nobody from outside comes there", host(default(), second(mynetworks=NETS))),
    Fixture(
        "nobody may relay by mynetworks",
        host(
            default(mynetworks=NETS, smtpd_relay_restrictions="reject_unauth_destination"),
            second(f"{PRIVATE}:smtp inet n - y - - smtpd"),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_strangers(fixture: Fixture) -> None:
    fixture.verify()
