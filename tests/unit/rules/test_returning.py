"""Hosts whose content filter finds nobody to take its mail, and hosts where somebody does."""

from __future__ import annotations

import pytest
from tests.unit.hosts import LOOPBACK, OUT, OWN_NAMES, default, held, host, second
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.addresses import Destination
from postwrap.host.model import HostModel

FILTER = {"content_filter": "smtp:[127.0.0.1]:10024"}
AMAVISD = (Destination("[127.0.0.1]:10025", LOOPBACK, "10025"),)
LINE = "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - y - - smtpd"
UNFILTERED = "-P 127.0.0.1:10025/inet/content_filter="


def filtering(*arguments: str, program: str = "filter") -> tuple[object, ...]:
    return (held(LOOPBACK, 10024, program=program, arguments=arguments),)


def unheard(program: str) -> Expected:
    return Expected(
        "filter-return-unheard",
        "/etc/postfix",
        f"content_filter = smtp:[127.0.0.1]:10024: {program} hands mail back to "
        "127.0.0.1:10025, where nobody listens",
        "",
        (
            (
                f"{OUT} is to take it there",
                (
                    f"postconf -c {OUT} -M '{LINE}' && postconf -c {OUT} {UNFILTERED} && "
                    f"postfix -c {OUT} stop && postfix -c {OUT} start"
                ),
            ),
            (
                "/etc/postfix is to take it there",
                f"postconf -M '{LINE}' && postconf {UNFILTERED} && postfix stop && postfix start",
            ),
        ),
    )


def given(*arguments: str, program: str = "filter", **facts: object) -> HostModel:
    sockets = filtering(*arguments, program=program)
    return host(default(**FILTER), second(**OWN_NAMES), sockets=sockets, **facts)


FIXTURES = [
    Fixture("an option's name", given("filter", "--relayhost=127.0.0.1:10025"), unheard("filter")),
    Fixture("an option apart", given("filter", "-relay", "127.0.0.1:10025"), unheard("filter")),
    Fixture("two places", given("filter", "127.0.0.1:10024", "127.0.0.1:10025"), unheard("filter")),
    Fixture(
        "amavisd",
        given("/usr/sbin/amavisd", program="amavisd", filter_returns=AMAVISD),
        unheard("amavisd"),
    ),
    Fixture("another filter than amavisd", given("filter", filter_returns=AMAVISD)),
    Fixture("a server that the filter asks", given("filter", "--redis=127.0.0.1:6379")),
    Fixture("a place elsewhere", given("filter", "--relayhost=192.0.2.1:10025")),
    Fixture(
        "somebody who listens",
        host(
            default(**FILTER),
            second(**OWN_NAMES),
            sockets=(*filtering("filter", "--relayhost=127.0.0.1:10025"), held(LOOPBACK, 10025)),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_returning(fixture: Fixture) -> None:
    fixture.verify()
